"""State, editors, widths and layout: all that needs neither a terminal nor an index."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.errors import InputError
from codesearch.picker.editors import editor_command
from codesearch.picker.layout import Scene, frame, list_rows
from codesearch.picker.preview import code_lines, first_shown, opening_line
from codesearch.picker.state import Result, State
from codesearch.picker.widths import cut, cut_left, fitted, width
from codesearch.records import Chunk, Kind, Match, Span
from codesearch.search.notices import Notice, NoticeKind
from codesearch.settings import load_settings

ROOT = Path("/repositories/sample")
SCENE = Scene(ROOT, "sample")


def match(name: str = "parse", path: str = "src/a.py", first: int = 1, text: str = "", **changes: object) -> Match:
    text = text or f"def {name}(text):\n    return text"
    span = Span(first, first + text.count("\n"))
    signature = text.partition("\n")[0].rstrip(":")
    chunk = Chunk(path, "python", Kind.FUNCTION, name, name, signature, "", span, (span,), text, text)
    return Match("sample", ROOT, chunk, 1.0, **changes)  # type: ignore[arg-type]


def asked(*matches: Match, question: str = "parse", notices: tuple[Notice, ...] = ()) -> State:
    state = State()
    number = state.ask(question)
    assert number is not None
    assert state.deliver(Result(number, question, matches, notices))
    return state


def text_of(lines: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


# --- state --------------------------------------------------------------------------------------------------


def test_only_the_answer_to_the_newest_question_is_taken() -> None:
    state = State()
    first, second = state.ask("par"), state.ask("parse")
    assert first is not None
    assert second is not None
    assert not state.deliver(Result(first, "par", (match(),)))
    assert state.matches == ()
    assert not state.answered
    assert state.deliver(Result(second, "parse", (match(),)))
    assert state.answered


def test_an_empty_question_shows_nothing_and_drops_what_was_on_its_way() -> None:
    state = asked(match())
    number = state.number
    assert state.ask("  ") is None
    assert state.match is None
    assert not state.deliver(Result(number, "parse", (match(),)))
    assert not state.deliver(Result(state.number, "  ", (match(),)))


def test_the_selection_stays_within_the_list() -> None:
    state = asked(match("a"), match("b"), match("c"))
    state.move(-1)
    assert state.selected == 0
    state.move(10)
    assert state.selected == 2
    empty = asked()
    empty.move(1)
    assert empty.selected == 0


def test_asked_again_the_selection_is_kept_and_a_new_question_begins_at_the_top() -> None:
    state = asked(match("a"), match("b"))
    state.move(1)
    state.deliver(Result(state.number, "parse", (match("c"), match("b", first=7), match("a"))))
    assert state.match is not None
    assert state.match.chunk.name == "b"
    number = state.ask("other")
    assert number is not None
    state.deliver(Result(number, "other", (match("a"), match("b"))))
    assert state.selected == 0


# --- editors ------------------------------------------------------------------------------------------------

FILE = Path("/a b/c.py")


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        *((name, [name, "+7", str(FILE)]) for name in ("vi", "vim", "nvim", "nano", "emacs", "kak", "micro", "joe")),
        ("emacsclient -t -a ''", ["emacsclient", "-t", "-a", "", "+7", str(FILE)]),
        *((name, [name, "--goto", f"{FILE}:7"]) for name in ("code", "codium", "cursor", "code-insiders")),
        ("/usr/bin/code --wait", ["/usr/bin/code", "--wait", "--goto", f"{FILE}:7"]),
        ("'C:\\Program Files\\code.cmd'", ["C:\\Program Files\\code.cmd", "--goto", f"{FILE}:7"]),
        *((name, [name, f"{FILE}:7"]) for name in ("hx", "subl", "zed")),
        *((name, [name, "--line", "7", str(FILE)]) for name in ("idea", "pycharm.sh")),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor: str, command: list[str]) -> None:
    if editor == "pycharm.sh":
        command = ["pycharm.sh", *command[1:]]
    assert editor_command(editor, FILE, 7) == command


@pytest.mark.parametrize("editor", ["vim 'unclosed", "  "])
def test_an_editor_that_is_no_command_is_refused(editor: str) -> None:
    with pytest.raises(InputError, match="VISUAL or EDITOR"):
        editor_command(editor, FILE, 7)


def test_visual_comes_before_editor(tmp_path: Path) -> None:
    def editor(**variables: str) -> str:
        return load_settings(environment=variables, user_file=tmp_path / "none").editor

    assert editor(VISUAL="code", EDITOR="vi") == "code"
    assert editor(VISUAL="", EDITOR="vi") == "vi"
    assert editor() == ""


# --- widths -------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Mn", "Me", "Cf"))), st.integers(0, 20))
def test_what_is_cut_fits_and_what_fits_is_left_alone(text: str, room: int) -> None:
    for shortened in (cut(text, room), cut_left(text, room)):
        assert width(shortened) <= room
        assert shortened == text or width(text) > room
    assert sum(width(part) for _, part in fitted([("bold", text), ("", text)], room)) == room


def test_east_asian_characters_take_two_columns() -> None:
    assert width("日本") == 4
    assert cut("日本語", 5) == "日本…"
    assert cut_left("日本語", 5) == "…本語"
    assert fitted([("", "日本語")], 4) == [("", "日"), ("", "…"), ("", " ")]


# --- layout -------------------------------------------------------------------------------------------------

SIZES = [(80, 23), (160, 49), (40, 23), (80, 8), (20, 3), (10, 1), (1, 1)]


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_every_line_fits_whatever_the_size(columns: int, rows: int) -> None:
    wide = "日本語の関数" * 20
    states = [
        State(),
        asked(*[match(f"{wide}{n}", f"{wide}/a.py", text=f"def f():\n    # {wide}\n\treturn") for n in range(60)]),
        asked(notices=(Notice(NoticeKind.NOTHING_FOUND, f"nothing {wide}: try other words"),)),
    ]
    states[1].working["sample"] = "indexing (encoding 12%)"
    for state in states:
        lines = frame(state, SCENE, columns, rows)
        assert len(lines) == rows
        if columns >= 20:
            assert max(map(width, text_of(lines))) <= max(columns, 30)


def test_a_narrow_or_low_terminal_has_a_list_alone() -> None:
    state = asked(match())
    assert any("return text" in line for line in text_of(frame(state, SCENE, 80, 23)))
    assert not any("return text" in line for line in text_of(frame(state, SCENE, 45, 23)))
    assert not any("return text" in line for line in text_of(frame(state, SCENE, 80, 8)))


def test_a_wide_terminal_has_the_preview_beside_the_list() -> None:
    state = asked(*[match(f"name_{n}") for n in range(100)])
    lines = text_of(frame(state, SCENE, 160, 49))
    assert "name_0" in lines[1]
    assert "def name_0(text):" in lines[1]
    assert list_rows(state, 160, 49) == 47
    assert list_rows(state, 80, 23) < 20


def test_the_selected_match_is_always_in_sight() -> None:
    state = asked(*[match(f"name_{n}") for n in range(50)])
    for _ in range(60):
        assert state.match is not None
        shown = text_of(frame(state, SCENE, 80, 23))
        assert [line for line in shown if line.startswith(f"> {state.match.chunk.name} ")]
        state.move(1)


def test_what_is_empty_says_why() -> None:
    hint = text_of(frame(State(), SCENE, 80, 23))
    assert any("Type what you are looking for" in line for line in hint)
    empty = asked(notices=(Notice(NoticeKind.FILTERED_OUT, "nothing found under these filters"),))
    assert any("nothing found under these filters" in line for line in text_of(frame(empty, SCENE, 80, 23)))
    failed = State()
    number = failed.ask("x")
    assert number is not None
    failed.deliver(Result(number, "x", error="the index is damaged"))
    assert any("the index is damaged" in line for line in text_of(frame(failed, SCENE, 80, 23)))


def test_notices_problems_and_messages_are_told_below() -> None:
    state = asked(match(), notices=(Notice(NoticeKind.EMBEDDINGS_PENDING, "12 texts are not encoded"),))
    assert "12 texts are not encoded" in text_of(frame(state, SCENE, 80, 23))[-1]
    state.problems.append("sample: another process is indexing it")
    assert "another process" in text_of(frame(state, SCENE, 80, 23))[-1]
    state.message = "src/a.py is no longer there"
    assert "no longer there" in text_of(frame(state, SCENE, 80, 23))[-1]


def test_what_is_being_done_is_told_above() -> None:
    state = asked(match())
    state.progress("sample", "indexing (encoding 12%)")
    assert text_of(frame(state, SCENE, 80, 23))[0].endswith("sample: indexing (encoding 12%)")
    state.progress("sample", "")
    assert text_of(frame(state, SCENE, 80, 23))[0].endswith("sample")


def test_places_are_relative_to_the_folder_or_named_by_repository() -> None:
    def shown(scene: Scene, found: Match) -> str:
        return text_of(frame(asked(found), scene, 120, 23))[1]

    assert " src/a.py:1" in shown(SCENE, match())
    assert " a.py:1" in shown(Scene(ROOT / "src"), match())
    assert " sample/src/a.py:1" in shown(Scene(Path("/elsewhere")), match())
    assert " team/sample/src/a.py:1" in shown(Scene(Path("/elsewhere"), "", {ROOT: "team/sample"}), match())
    assert " sample:src/a.py:1" in shown(SCENE, match(imported=True))


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x00\r\x08"


def test_nothing_that_a_terminal_would_obey_comes_out_of_source_or_names() -> None:
    evil = match(f"n{HOSTILE}", f"p{HOSTILE}.py", text=f"def f():\n    '{HOSTILE}'\n{HOSTILE}\treturn")
    notice = Notice(NoticeKind.NOTHING_FOUND, f"no {HOSTILE}")
    states = [asked(evil), asked(notices=(notice,)), asked(evil, notices=(notice,))]
    states[0].message = states[0].message or f"{HOSTILE} is gone"
    states[0].progress(f"r{HOSTILE}", "indexing...")
    for state in states:
        for columns in (80, 160):
            for line in text_of(frame(state, Scene(ROOT, "x", {ROOT: f"r{HOSTILE}"}), columns, 40)):
                assert not [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs")], line


# --- preview ------------------------------------------------------------------------------------------------


def test_a_preview_has_a_thousand_lines_at_most() -> None:
    assert len(code_lines(match(text="x = 1\n" * 5_000))) == 1_000


def test_lines_are_numbered_and_those_that_hold_the_answer_marked() -> None:
    found = match(first=9, text="def f():\n    x = 1\n    return x", lines=(10,))
    assert text_of(list(code_lines(found))) == ["  9  def f():", ">10      x = 1", " 11      return x"]
    styles = {style for line in code_lines(found) for style, text in line if text.strip() == "def"}
    assert styles == {"fg:ansimagenta"}


def test_where_lines_are_left_out_there_is_a_mark() -> None:
    chunk = match().chunk
    parts = (Span(1, 2), Span(8, 8))
    holed = Match("sample", ROOT, Chunk(**{**_fields(chunk), "text_spans": parts, "text": "a\nb\nc"}), 1.0)
    assert text_of(list(code_lines(holed))) == [" 1  a", " 2  b", " ⋮", " 8  c"]


def _fields(chunk: Chunk) -> dict[str, object]:
    return {name: getattr(chunk, name) for name in chunk.__dataclass_fields__}


def test_a_long_comment_above_is_scrolled_away() -> None:
    comment = "\n".join(f"# line {n}" for n in range(40))
    found = match(text=f"{comment}\ndef parse(text):\n    return text")
    found = Match("sample", ROOT, Chunk(**{**_fields(found.chunk), "signature": "def parse(text)"}), 1.0)
    assert opening_line(found) == 41
    assert 20 < first_shown(found, 12) <= 40
    assert first_shown(found, 100) == 0
