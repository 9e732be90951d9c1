from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.extraction import extract
from codesearch.languages import LANGUAGES
from codesearch.present.render import Style, match_json, match_markdown, match_object, match_text, visible
from codesearch.records import Chunk, Confidence, Kind, Level, Match, Span

ROOT = Path("/repo")
PLAIN = Style(cwd=ROOT)
COLOUR = Style(cwd=ROOT, colour=True)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")

PYTHON = '''class Server:
    """Serves requests."""

    port: int = 80

    @retried
    def handle(
        self,
        request: Request,
        timeout: float = 1.0,
    ) -> Response:
        """Answer a request.

        Slowly.
        """
        response = self.route(request)
        log(response)
        return response
'''


def match(chunk: Chunk, *lines: int, signals: dict[str, float] | None = None) -> Match:
    return Match("repo", ROOT, chunk, 1.5, signals or {"words": 1.0, "kind": 0.5}, lines)


def chunks_of(source: str, language: str = "python", path: str = "src/server.py") -> dict[str, Chunk]:
    return {chunk.qualified_name: chunk for chunk in extract(path, source, LANGUAGES[language])}


def text_chunk(text: str, path: str = "notes.txt", start: int = 1) -> Chunk:
    span = Span(start, start + text.count("\n"))
    return Chunk(path, "text", Kind.TEXT, "", "", "", "", span, (span,), text, text)


def method() -> Chunk:
    return chunks_of(PYTHON)["Server.handle"]


# --- plain text ---------------------------------------------------------------------------------------------


def test_place_name_signature_documentation_and_the_lines_that_matter() -> None:
    assert match_text(match(method(), 17, 16), PLAIN).split("\n") == [
        "src/server.py:7  Server.handle  method",
        "   7  def handle(self, request: Request, timeout: float = 1.0) -> Response:",
        '  12      """Answer a request.',
        "  16      response = self.route(request)",
        "  17      log(response)",
    ]


def test_the_first_line_begins_with_path_and_line() -> None:
    first = match_text(match(method(), 16), PLAIN).split("\n")[0]
    assert re.match(r"src/server\.py:7\s", first)


def test_a_line_of_a_signature_is_not_shown_twice() -> None:
    shown = match_text(match(method(), 8, 9), PLAIN)
    assert shown.count("request: Request") == 1


def test_a_match_by_meaning_alone_shows_how_it_begins() -> None:
    shown = match_text(match(method()), PLAIN)
    assert "def handle" in shown
    assert "response = self.route(request)" in shown


def test_at_most_five_lines_are_shown() -> None:
    assert match_text(match(method(), *range(6, 19)), PLAIN).count("\n") + 1 <= 5


def test_lines_of_a_type_keep_the_numbers_that_they_have_in_the_file() -> None:
    source = (
        "class A:\n"
        + "".join(f"    def f{i}(self) -> int:\n        x = {i}\n        return x\n\n" for i in range(5))
        + "    limit: int = 5\n"
    )
    chunk = chunks_of(source)["A"]
    assert len(chunk.text_spans) > 1
    lines = source.split("\n")
    number = lines.index("    limit: int = 5") + 1
    shown = match_text(match(chunk, number, 6), PLAIN).split("\n")[1:]
    assert shown
    for line in shown:
        digits, text = line.split(maxsplit=1)
        assert lines[int(digits) - 1].strip() == text
    assert any(line.split()[0] == str(number) for line in shown)


def test_documentation_before_the_signature_is_shown_before_it() -> None:
    source = "package a\n\n// Backoff waits longer.\n// Always.\nfunc Backoff(n int) int {\n\treturn 1 << n\n}\n"
    chunk = chunks_of(source, "go", "a.go")["Backoff"]
    assert match_text(match(chunk, 6), PLAIN).split("\n") == [
        "a.go:5  Backoff  function",
        "  3  // Backoff waits longer.",
        "  5  func Backoff(n int) int {",
        "  6      return 1 << n",
    ]


def test_common_indentation_is_taken_away_and_the_rest_kept() -> None:
    shown = match_text(match(method(), 16), PLAIN).split("\n")
    assert shown[1].split("7  ")[1].startswith("def")
    assert shown[-1].endswith("    response = self.route(request)")


def test_a_window_of_text_is_shown_by_the_lines_that_matter() -> None:
    shown = match_text(match(text_chunk("one\ntwo\nthree", start=40), 41), PLAIN)
    assert shown == "notes.txt:41  text\n  41  two"


def test_a_part_of_a_long_definition_says_so() -> None:
    chunk = method()
    part = Chunk(**{name: getattr(chunk, name) for name in Chunk.__slots__} | {"part": 2})
    assert "method, part 3" in match_text(match(part, 16), PLAIN)


def test_the_score_is_shown_with_what_it_is_made_of() -> None:
    head = match_text(match(method()), Style(cwd=ROOT, score=True)).split("\n")[0]
    assert head.endswith("1.500 = words 1.00, kind 0.50")
    assert "1.5" not in match_text(match(method()), PLAIN).split("\n")[0]


@pytest.mark.parametrize("context", [1, 3])
def test_context_shows_the_lines_around(context: int) -> None:
    chunk = text_chunk("\n".join(f"line {i}" for i in range(1, 31)))
    shown = match_text(match(chunk, 5, 20), Style(cwd=ROOT, context=context)).split("\n")[1:]
    numbers = [int(line.split()[0]) for line in shown if "⋮" not in line]
    assert numbers == [*range(5 - context, 6 + context), *range(20 - context, 21 + context)]
    assert sum("⋮" in line for line in shown) == 1


def test_context_does_not_leave_the_chunk() -> None:
    shown = match_text(match(text_chunk("one\ntwo"), 1), Style(cwd=ROOT, context=5))
    assert shown.split("\n")[1:] == ["  1  one", "  2  two"]


def test_a_long_line_is_cut_to_the_width() -> None:
    shown = match_text(match(text_chunk("x" * 500), 1), Style(cwd=ROOT, width=80)).split("\n")[1]
    assert len(shown) == 80
    assert shown.endswith("x…")


def test_tabs_are_expanded() -> None:
    assert "  1  a   b" in match_text(match(text_chunk("a\tb"), 1), PLAIN)


@pytest.mark.parametrize(
    ("cwd", "shown"),
    [
        ("/repo", "src/server.py"),
        ("/repo/src", "server.py"),
        ("/", "repo/src/server.py"),
        ("/other", "/repo/src/server.py"),
    ],
)
def test_paths_are_relative_to_the_current_folder_where_it_holds_them(cwd: str, shown: str) -> None:
    assert match_text(match(method()), Style(cwd=Path(cwd))).startswith(f"{shown}:7  ")


# --- what a terminal must not obey --------------------------------------------------------------------------

OBEYED = set("\x00\x07\x08\r\x1b\x9b\u202e\u2066\u2028")
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\x08\x00\u202e\u2066\u2028"


@pytest.mark.parametrize("style", [PLAIN, COLOUR, Style(cwd=ROOT, context=2, colour=True)])
@pytest.mark.parametrize("language", ["text", "python"])
def test_escape_sequences_in_source_and_names_never_reach_the_terminal(style: Style, language: str) -> None:
    text = f"x = 1 # {HOSTILE}\ny{HOSTILE} = '{HOSTILE}'"
    span = Span(1, 2)
    chunk = Chunk(
        f"a{HOSTILE}b.py",
        language,
        Kind.FUNCTION,
        "n",
        f"n{HOSTILE}",
        f"x{HOSTILE}",
        HOSTILE,
        span,
        (span,),
        text,
        text,
    )
    shown = _ANSI.sub("", match_text(match(chunk, 1, 2), style))
    assert not set(shown) & OBEYED
    assert "\x1b" not in shown


@given(st.text(max_size=60), st.text(max_size=20).filter(lambda name: "/" not in name and "\0" not in name))
def test_nothing_but_printable_text_comes_out(text: str, name: str) -> None:
    for style in (PLAIN, COLOUR):
        shown = _ANSI.sub("", match_text(match(text_chunk(text, path=f"a{name}"), 1), style))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)


def test_file_names_that_are_not_utf8_or_hold_a_newline_stay_one_line() -> None:
    name = os.fsdecode(b"a\xff\nb.txt")
    shown = match_text(match(text_chunk("one", path=name), 1), PLAIN)
    assert shown.split("\n")[0] == "a\N{REPLACEMENT CHARACTER}\\nb.txt:1  text"
    shown.encode("utf-8")
    assert json.loads(match_json(match(text_chunk("one", path=name))))["path"] == "a\N{REPLACEMENT CHARACTER}\nb.txt"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\\nb"), ("\x1b[1m", "\\x1b[1m"), ("größe 数据 🎉", "größe 数据 🎉"), ("\udcff", "\\udcff")],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


# --- colour -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "language", ["python", "go", "typescript", "tsx", "php", "dockerfile", "no such", "text", "sql"]
)
def test_colour_changes_nothing_but_the_colour(language: str) -> None:
    text = "def f(a, b):  # words\n    '''doc'''\n\n    return f\"{a} and 1\""
    span = Span(7, 10)
    chunk = Chunk("f.x", language, Kind.FUNCTION, "f", "f", "def f(a, b)", "doc", span, (span,), text, text)
    for width in (200, 24):
        plain = match_text(match(chunk, 10), Style(cwd=ROOT, width=width))
        coloured = match_text(match(chunk, 10), Style(cwd=ROOT, width=width, colour=True))
        assert "\x1b" not in plain
        assert "\x1b[" in coloured
        assert _ANSI.sub("", coloured) == plain


def test_every_colour_is_ended_on_its_line() -> None:
    for line in match_text(match(method(), 12, 16), COLOUR).split("\n"):
        codes = re.findall(r"\x1b\[([0-9;]*)m", line)
        assert codes[1::2] == ["0"] * (len(codes) // 2)


def test_a_line_within_a_docstring_is_shown_as_one() -> None:
    assert "\x1b[2m    Slowly.\x1b[0m" in match_text(match(method(), 14), COLOUR)


# --- Markdown -----------------------------------------------------------------------------------------------


def test_markdown_is_a_heading_and_all_of_the_code() -> None:
    assert match_markdown(match(method(), 15), cwd=ROOT) == (
        "### `src/server.py:6-18` `Server.handle`\n\n```python\n" + "\n".join(PYTHON.split("\n")[5:18]) + "\n```"
    )


def test_a_fence_is_longer_than_any_in_the_code() -> None:
    shown = match_markdown(match(text_chunk("a\n````\nb\n````")), cwd=ROOT).split("\n")
    assert shown[2] == "`````text"
    assert shown[-1] == "`````"


def test_markdown_marks_what_a_type_leaves_out() -> None:
    chunk = chunks_of("class A:\n    x = 1\n\n    def f(self) -> int:\n        return 1\n\n    y = 2\n")["A"]
    shown = match_markdown(match(chunk), cwd=ROOT)
    assert "…" in shown
    assert "return 1" not in shown


def test_markdown_keeps_tabs_and_replaces_what_must_not_be_obeyed() -> None:
    shown = match_markdown(match(text_chunk(f"a:\n\tb{HOSTILE}", path="M`k.txt")), cwd=ROOT)
    assert "\n\tb" in shown
    assert "### ``M`k.txt:1-2``" in shown
    assert not set(shown) & OBEYED


# --- JSON ---------------------------------------------------------------------------------------------------


def test_json_holds_the_whole_match() -> None:
    chunk = method()
    assert json.loads(match_json(match(chunk, 16, 15))) == {
        "repository": "repo",
        "root": "/repo",
        "path": "src/server.py",
        "start_line": 6,
        "end_line": 18,
        "language": "python",
        "kind": "method",
        "name": "handle",
        "qualified_name": "Server.handle",
        "signature": chunk.signature,
        "documentation": chunk.documentation,
        "score": 1.5,
        "signals": {"words": 1.0, "kind": 0.5},
        "lines": [15, 16],
        "text": chunk.text,
    }
    assert "text" not in match_object(match(chunk), text=False)


@given(st.text(max_size=80))
def test_json_is_one_line_for_every_reader_and_loses_nothing(text: str) -> None:
    line = match_json(match(text_chunk(text)))
    assert len(line.splitlines()) == 1
    assert json.loads(line)["text"] == text


def test_an_explanation_names_each_signal_in_numbers_that_add_up() -> None:
    found = replace(match(method()), score=0.7337, signals={"meaning": 0.30449, "name": 0.62949, "test": -0.2003})
    lines = match_text(found, Style(cwd=ROOT, explain=True)).split("\n")[1:5]
    numbers = [float(line.split()[0]) for line in lines]
    assert sum(numbers[:3]) == pytest.approx(numbers[3], abs=1e-9)
    assert [line.split()[1] for line in lines] == ["name", "meaning", "test", "in"]
    assert "words of the question in its name" in lines[0]


def test_every_signal_that_counts_has_a_description() -> None:
    from codesearch.search.ranking import DESCRIPTIONS, load_weights

    assert {*load_weights().signals, *load_weights().by_words, "repeat"} <= set(DESCRIPTIONS)


def test_a_window_is_opened_at_the_line_that_was_asked_for() -> None:
    text = "\n".join(f"message Invoice{n} {{}}" for n in range(1, 9))
    whole = (Span(1, 8),)
    window = Chunk("api.proto", "protobuf", Kind.TEXT, "Invoice1", "Invoice1", "", "", Span(1, 8), whole, text, text)
    assert Match("r", Path("/r"), window, 1.0, lines=(6, 2)).line == 6
    assert Match("r", Path("/r"), window, 1.0).line == 1


@pytest.mark.parametrize("width", [80, 100])
def test_an_explanation_fits_the_width(width: int) -> None:
    from codesearch.search.ranking import DESCRIPTIONS

    found = replace(match(method()), signals=dict.fromkeys(DESCRIPTIONS, 0.125))
    text = match_text(found, Style(cwd=ROOT, explain=True, width=width))
    assert max(map(len, text.splitlines()[1:])) <= width
    shown = " ".join(text.split())
    assert all(" ".join(description.split()) in shown for description in DESCRIPTIONS.values())


# --- confidence ---------------------------------------------------------------------------------------------


def judged(chunk: Chunk, level: Level) -> Match:
    return replace(match(chunk), confidence=Confidence(level, 0.613))


def test_how_far_a_match_is_to_be_believed_is_said_in_its_heading() -> None:
    heading = match_text(judged(method(), Level.LIKELY), PLAIN).partition("\n")[0]
    assert heading == "src/server.py:7  Server.handle  method  likely"
    assert match_text(match(method()), PLAIN).partition("\n")[0] == "src/server.py:7  Server.handle  method"
    exact = match_text(judged(method(), Level.LIKELY), Style(cwd=ROOT, explain=True)).partition("\n")[0]
    assert exact.endswith("method  likely 61%")


def test_a_heading_gives_up_the_kind_where_the_level_would_make_it_too_long() -> None:
    full, short = "src/server.py:7  Server.handle  method  sure", "src/server.py:7  Server.handle  sure"
    for width, wanted in ((len(full), full), (len(full) - 1, short)):
        shown = match_text(judged(method(), Level.SURE), Style(cwd=ROOT, width=width))
        assert shown.partition("\n")[0] == wanted


def test_confidence_is_in_json_where_there_is_one() -> None:
    assert match_object(judged(method(), Level.SURE))["confidence"] == {"level": "sure", "probability": 0.613}
    assert "confidence" not in match_object(match(method()))
