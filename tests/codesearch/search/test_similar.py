from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesearch.encoders import Encoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError, PlaceNotFound
from codesearch.index.snapshot import Snapshot
from codesearch.records import Kind
from codesearch.search.candidates import Filters
from codesearch.search.location import read_snippet
from codesearch.search.notices import Answer, NoticeKind
from codesearch.search.similar import Place, Snippet, similar
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan

FILES = {
    "a.py": '''class Mailer:
    """Sends mail."""

    def send_mail(self, server, to, text):
        """Send a mail."""
        server.connect()
        server.deliver(to, text)
        server.close()

    def close(self):
        self.server.close()


def read_rows(path):
    with open(path) as file:
        return [line.split(",") for line in file]
''',
    "b.py": '''def send_letter(server, to, text):
    """Send a mail by post."""
    server.connect()
    server.deliver(to, text)
    server.close()


class Letter:
    """Sends mail by post."""

    def weigh(self):
        return 20
''',
    "c.go": "package c\n\nfunc SendMail(server Server, to string, text string) {\n\tserver.Connect()\n"
    "\tserver.Deliver(to, text)\n\tserver.Close()\n}\n",
    "notes.md": "# Mail\n\nsend mail, server, connect, deliver, close\n",
}


class OtherEncoder(HashingEncoder):
    @property
    def model_id(self) -> str:
        return "other"


Open = Callable[..., Snapshot]
WriteTree = Callable[[Path, Mapping[str, str]], Path]


@pytest.fixture
def opened(environment: Path) -> Iterator[Open]:
    """Index a folder and open a snapshot of it; no encoder leaves all texts waiting."""
    with ExitStack() as stack:

        def run(root: Path, encoder: Encoder | None = HashingEncoder()) -> Snapshot:  # noqa: B008
            job = plan(open_repository(root, cache=environment), load_settings())
            for _ in bring_up_to_date(job, None if encoder is None else lambda: encoder):
                pass
            return stack.enter_context(Snapshot(job.directory))

        yield run


@pytest.fixture
def mail(tmp_path: Path, write_tree: WriteTree) -> Path:
    return write_tree(tmp_path / "mail", FILES)


def names(answer: Answer) -> list[str]:
    return [match.chunk.qualified_name or match.chunk.path for match in answer.matches]


def kinds_of(answer: Answer) -> list[NoticeKind]:
    return [notice.kind for notice in answer.notices]


def refuse() -> Encoder:
    raise AssertionError("nothing was to be encoded")


# --- places -------------------------------------------------------------------------------------------------


def test_the_nearest_functions_of_a_line_without_encoding_anything(mail: Path, opened: Open) -> None:
    answer = similar([opened(mail)], Place(mail, "a.py", 7), refuse)
    assert names(answer)[:2] == ["send_letter", "SendMail"]
    assert "Mailer.send_mail" not in names(answer)
    assert {match.chunk.kind for match in answer.matches} <= {Kind.FUNCTION, Kind.METHOD}
    assert answer.notices == ()


def test_scores_are_cosines_of_the_stored_vectors_in_order(mail: Path, opened: Open) -> None:
    snapshot = opened(mail)
    matches = similar([snapshot], Place(mail, "a.py", 7)).matches
    vectors = {
        chunk.qualified_name: snapshot.vector_of(chunk_id)
        for path in FILES
        for chunk_id, chunk in snapshot.chunks_of(path).items()
    }
    target = vectors["Mailer.send_mail"]
    assert target is not None
    for match in matches:
        vector = vectors[match.chunk.qualified_name]
        assert vector is not None
        assert match.score == pytest.approx(float(vector @ target), abs=1e-3)
        assert match.signals == {"cosine": match.score}
    assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)


@pytest.mark.parametrize("name", ["Mailer.send_mail", "send_mail"])
def test_a_place_by_name_is_the_place_by_line(mail: Path, opened: Open, name: str) -> None:
    snapshot = opened(mail)
    assert similar([snapshot], Place(mail, "a.py", name=name)) == similar([snapshot], Place(mail, "a.py", 5))


def test_a_type_is_compared_with_types(mail: Path, opened: Open) -> None:
    assert names(similar([opened(mail)], Place(mail, "a.py", 2))) == ["Letter"]
    assert names(similar([opened(mail)], Place(mail, "a.py", 9))) == ["Letter"], "a blank line inside the class"


def test_text_is_compared_with_everything(mail: Path, opened: Open) -> None:
    kinds = {match.chunk.kind for match in similar([opened(mail)], Place(mail, "notes.md", 3)).matches}
    assert {Kind.METHOD, Kind.TYPE, Kind.FUNCTION} <= kinds


def test_filters_hold_and_decide_the_kinds(mail: Path, opened: Open) -> None:
    place = Place(mail, "a.py", 7)
    snapshot = opened(mail)
    assert names(similar([snapshot], place, filters=[Filters(languages=frozenset({"go"}))])) == ["SendMail"]
    text = similar([snapshot], place, filters=[Filters(kinds=frozenset({Kind.TEXT}))])
    assert [match.chunk.path for match in text.matches] == ["notes.md"]


def test_a_copy_elsewhere_is_found_and_the_function_itself_is_not(
    tmp_path: Path, opened: Open, write_tree: WriteTree
) -> None:
    code = "def send(to):\n    return smtp(to).deliver()\n"
    root = write_tree(tmp_path / "r", {"a.py": code, "b.py": code, "c.py": f"{code}\n\n{code}"})
    snapshot = opened(root)
    found = similar([snapshot], Place(root, "a.py", 1)).matches
    assert [(m.chunk.path, m.chunk.span.start) for m in found] == [("b.py", 1), ("c.py", 1), ("c.py", 5)]
    assert all(match.score == pytest.approx(1, abs=1e-3) and match.score <= 1 for match in found)
    again = similar([snapshot], Place(root, "c.py", 6)).matches
    assert [(m.chunk.path, m.chunk.span.start) for m in again] == [("a.py", 1), ("b.py", 1), ("c.py", 1)]


def test_a_function_in_several_parts_is_found_once_and_its_parts_are_not_like_it(
    tmp_path: Path, opened: Open, write_tree: WriteTree
) -> None:
    lines = "".join(f"    value_{i} = compute(other_{i}, {i}) + offset_{i}\n" for i in range(300))
    long = f"def long(x):\n{lines}"
    root = write_tree(tmp_path / "r", {"a.py": long, "b.py": long.replace("long", "longer"), "c.py": "def f(): ...\n"})
    snapshot = opened(root)
    assert len(snapshot.chunks_of("a.py")) > 2
    assert names(similar([snapshot], Place(root, "a.py", 150))) == ["longer", "f"]
    assert sorted(names(similar([snapshot], Place(root, "c.py", 1)))) == ["long", "longer"]


def test_no_more_than_asked_for_and_all_that_there_is(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    files = {f"m{i}.py": f"def action_{i}(value):\n    return value * {i} + value\n" for i in range(60)}
    root = write_tree(tmp_path / "r", files)
    snapshot = opened(root)
    assert len(similar([snapshot], Place(root, "m0.py", 1), limit=3).matches) == 3
    assert len(similar([snapshot], Place(root, "m0.py", 1), limit=1000).matches) == 59


def test_several_repositories(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    first = write_tree(tmp_path / "first", {"a.py": "def send_mail(to):\n    return smtp(to)\n"})
    second = write_tree(tmp_path / "second", {"a.py": "def send_mails(to):\n    return smtp(to)\n"})
    snapshots = [opened(first), opened(second)]
    answer = similar(snapshots, Place(first, "a.py", 1))
    assert [(m.repository, m.chunk.name) for m in answer.matches] == [("second", "send_mails")]
    assert names(similar(snapshots[::-1], Place(second, "a.py", 1))) == ["send_mail"]


# --- text that is newer than the index ----------------------------------------------------------------------


def test_an_unsaved_text_with_lines_moved_needs_no_encoding_and_leaves_itself_out(mail: Path, opened: Open) -> None:
    moved = "import os\n\n\n" + FILES["a.py"]
    answer = similar([opened(mail)], Place(mail, "a.py", 10, text=moved), refuse)
    assert answer.matches == similar([opened(mail)], Place(mail, "a.py", 7)).matches


def test_an_unsaved_function_is_encoded(mail: Path, opened: Open) -> None:
    edited = FILES["a.py"].replace("read_rows", "weigh_letter").replace("line.split", "weigh(letter).of")
    answer = similar([opened(mail)], Place(mail, "a.py", 16, text=edited), HashingEncoder)
    assert "read_rows" in names(answer), "it is another function, as far as the index knows"
    edited = FILES["a.py"].replace("server.connect()", "server.connect(0)")
    assert names(similar([opened(mail)], Place(mail, "a.py", 7, text=edited), HashingEncoder))[0] == "send_letter"


def test_an_unsaved_file_that_was_never_indexed(mail: Path, opened: Open) -> None:
    answer = similar([opened(mail)], Place(mail, "new.py", 1, text=FILES["b.py"]), HashingEncoder)
    assert names(answer)[0] == "send_letter"


# --- snippets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "python"])
def test_a_snippet_of_a_function(mail: Path, opened: Open, language: str) -> None:
    indented = "\n".join(f"        {line}" for line in FILES["b.py"].split("\n")[:5])
    answer = similar([opened(mail)], Snippet(indented, language), HashingEncoder)
    assert names(answer)[0] == "send_letter"
    if language:
        assert answer.matches[0].score == pytest.approx(1, abs=1e-3), "read as the index reads it"


@pytest.mark.parametrize(
    ("language", "before", "snippet", "after"),
    [
        ("typescript", "class A {", "  enqueue(task: string): void {\n    this.items.push(task);\n  }\n", "}"),
        ("php", "<?php\nclass A {", "  public function add($a) {\n    return $a + 1;\n  }\n", "}"),
        ("java", "class A {", "  /** Adds. */\n  public int add(int a) {\n    return a + 1;\n  }\n", "}"),
    ],
)
def test_a_method_without_its_class_is_read_as_a_method(
    tmp_path: Path, opened: Open, write_tree: WriteTree, language: str, before: str, snippet: str, after: str
) -> None:
    suffix = {"typescript": "ts", "php": "php", "java": "java"}[language]
    root = write_tree(tmp_path / "r", {f"a.{suffix}": f"{before}\n{snippet}{after}\n"})
    answer = similar([opened(root)], Snippet(snippet, language), HashingEncoder)
    assert {match.chunk.kind for match in answer.matches} == {Kind.METHOD}
    assert answer.matches[0].score > 0.8


@pytest.mark.parametrize("text", ["def f(:\n  ]]", "a b c", "SELECT 1", "é" * 5000, "\udcff x", "x\n" * 2000])
@pytest.mark.parametrize("language", ["", "python", "sql", "haskell"])
def test_any_snippet_has_an_answer(mail: Path, opened: Open, text: str, language: str) -> None:
    assert similar([opened(mail)], Snippet(text, language), HashingEncoder).matches


def test_a_snippet_that_no_model_reads_to_the_end_is_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    head, line = "def f():\n", "    x = 1\n"
    assert read_snippet(Snippet(head + line, "python"))[1] is Kind.FUNCTION
    long = (head + 20_000 * line).strip("\n")
    monkeypatch.setattr(
        "codesearch.index.extraction_workers.extract_apart", None
    )  # it would take seconds, and find nothing
    assert read_snippet(Snippet(long, "python")) == (long, None)


@pytest.mark.parametrize(
    ("snippet", "message"),
    [
        (Snippet(""), "the snippet is empty"),
        (Snippet(" \n {}; \n"), "the snippet is empty"),
        (Snippet("\x7fELF\0\0\0"), "the snippet is binary"),
        (Snippet("x = 1", "klingon"), "klingon: unknown language; known are bash, c, "),
    ],
)
def test_a_snippet_that_cannot_be_used(mail: Path, opened: Open, snippet: Snippet, message: str) -> None:
    with pytest.raises(InputError, match=message):
        similar([opened(mail)], snippet, HashingEncoder)


def test_a_snippet_needs_an_encoder(mail: Path, opened: Open) -> None:
    with pytest.raises(InputError, match="give an encoder"):
        similar([opened(mail)], Snippet("def f(): ..."))


# --- places that there are not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (Place(Path(), "no.py", 1), "no.py is not in the index of mail: there is no such file, or it is ignored"),
        (Place(Path(), "a.py", 13), "no code at a.py:13: the nearest is read_rows, lines 14 to 16"),
        (Place(Path(), "a.py", 9_999), "no code at a.py:9999: the nearest is read_rows"),
        (Place(Path(), "a.py", -1), "no code at a.py:-1"),
        (Place(Path(), "a.py", name="nothing"), "nothing named nothing; it has Mailer, Mailer.send_mail, "),
        (Place(Path(), "two.py", name="f"), r"two.py has 2 of the name f: name one by its line \(two.py:1, two.py:5\)"),
        (Place(Path(), "x.py", 1), "x.py is not in the index: binary content"),
        (Place(Path(), "a.unknown", 1, text="x"), "in no language that is searched"),
    ],
)
def test_a_place_that_is_not_there(mail: Path, opened: Open, place: Place, message: str) -> None:
    (mail / "x.py").write_bytes(bytes(range(256)) * 10)
    (mail / "two.py").write_text("def f(): return 1\n\n\n\ndef f(): return 2\n")
    with pytest.raises(PlaceNotFound, match=message):
        similar([opened(mail)], replace(place, root=mail), HashingEncoder)


def test_a_place_in_a_repository_that_is_not_searched(mail: Path, opened: Open) -> None:
    with pytest.raises(PlaceNotFound, match="is not among the indexes"):
        similar([opened(mail)], Place(mail / "other", "a.py", 1))
    with pytest.raises(InputError, match="1 or more, not 0"):
        similar([opened(mail)], Place(mail, "a.py", 1), limit=0)


# --- what an answer does not leave unsaid -------------------------------------------------------------------


def test_texts_that_wait_are_told_and_the_function_is_encoded_for_the_moment(mail: Path, opened: Open) -> None:
    opened(mail)
    (mail / "d.py").write_text("def deliver_mail(server, to, text):\n    server.deliver(to, text)\n")
    snapshot = opened(mail, None)
    answer = similar([snapshot], Place(mail, "a.py", 7), refuse)
    assert kinds_of(answer) == [NoticeKind.EMBEDDINGS_PENDING]
    assert "1 of" in answer.notices[0].text
    assert "deliver_mail" not in names(answer)
    waiting = similar([snapshot], Place(mail, "d.py", 1), HashingEncoder)
    assert {"Mailer.send_mail", "send_letter"} <= set(names(waiting))
    refused = similar([snapshot], Place(mail, "d.py", 1), None)
    assert (refused.matches, kinds_of(refused)) == ((), [NoticeKind.NOT_ENCODED])


def test_nothing_is_encoded_yet(mail: Path, opened: Open) -> None:
    answer = similar([opened(mail, None)], Place(mail, "a.py", 7), HashingEncoder)
    assert answer.matches == ()
    assert NoticeKind.NOT_ENCODED in kinds_of(answer)


def test_vectors_of_another_model_are_not_compared(
    tmp_path: Path, mail: Path, opened: Open, write_tree: WriteTree
) -> None:
    other = opened(write_tree(tmp_path / "other", {"a.py": "def send_mail(to): ...\n"}), OtherEncoder())
    answer = similar([opened(mail), other], Place(mail, "a.py", 7), OtherEncoder)
    assert {match.repository for match in answer.matches} == {"mail"}
    assert kinds_of(answer) == [NoticeKind.OTHER_MODEL]
    answer = similar([opened(mail), other], Snippet("def send_mail(to): ..."), OtherEncoder)
    assert {match.repository for match in answer.matches} == {"other"}


def test_why_nothing_is_like_it(tmp_path: Path, mail: Path, opened: Open, write_tree: WriteTree) -> None:
    filtered = similar([opened(mail)], Place(mail, "a.py", 7), filters=[Filters(languages=frozenset({"rust"}))])
    assert (filtered.matches, kinds_of(filtered)) == ((), [NoticeKind.FILTERED_OUT])
    root = write_tree(tmp_path / "alone", {"a.py": "def f():\n    return 1\n"})
    alone = similar([opened(root)], Place(root, "a.py", 1))
    assert (alone.matches, kinds_of(alone)) == ((), [NoticeKind.NOTHING_FOUND])
    assert "no other function is indexed here" in alone.notices[0].text


def test_vector_of_is_the_vector_that_was_encoded(mail: Path, opened: Open) -> None:
    snapshot = opened(mail)
    (chunk_id,) = (i for i, chunk in snapshot.chunks_of("b.py").items() if chunk.name == "send_letter")
    vector = snapshot.vector_of(chunk_id)
    assert vector is not None
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-2)
    assert snapshot.vector_of(10**9) is None
    assert snapshot.chunks_of("none.py") == {}
