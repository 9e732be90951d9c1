"""Questions that were written: what two readers agree on, and that the answers are there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from codesearch.errors import InputError
from codesearch_eval.repositories.asked import (
    SecondAnswer,
    WrittenQuestion,
    agree,
    agreement_table,
    asked_questions,
    join_readers,
    read_written,
)
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Half
from codesearch_eval.repositories.commands import app
from codesearch_eval.repositories.history import tree_chunks


def written(files: Sequence[str], functions: Sequence[tuple[str, str]] = ()) -> WrittenQuestion:
    return WrittenQuestion("o/n", "place", "where does it end", tuple(files), tuple(functions))


def second(files: Sequence[str], functions: Sequence[tuple[str, str]] = (), *, clear: bool = True) -> SecondAnswer:
    return SecondAnswer(0, tuple(files), tuple(functions), clear)


def test_what_both_readers_accept_is_kept() -> None:
    found = agree(
        written(["a.py", "b.py"], [("a.py", "f"), ("a.py", "g"), ("b.py", "h")]),
        second(["a.py", "c.py"], [("a.py", "f"), ("b.py", "h"), ("c.py", "k")]),
    )
    assert found.kept is not None
    # b.py: the second reader accepts a function of it. c.py: nothing of it is in what the writer accepts.
    assert found.kept.files == ("a.py", "b.py")
    assert found.kept.functions == (("a.py", "f"), ("b.py", "h"))
    assert (found.file_overlap, found.function_overlap) == (1 / 3, 0.5)


def test_without_a_function_in_common_the_writers_hold_in_the_files_that_are_kept() -> None:
    found = agree(written(["a.py", "b.py"], [("a.py", "f"), ("b.py", "h")]), second(["a.py"], [("a.py", "g")]))
    assert found.kept is not None
    assert found.kept.files == ("a.py",)
    assert found.kept.functions == (("a.py", "f"),)
    assert found.functions is False


@pytest.mark.parametrize(
    "answer",
    [
        second(["b.py"]),  # another place
        second(["a.py"], clear=False),
        second(["b.py", "a.py"]),  # what this reader takes for the best, the writer does not accept
        second([]),
    ],
)
def test_a_question_is_dropped_where_the_readers_do_not_agree(answer: SecondAnswer) -> None:
    assert agree(written(["a.py"]), answer).kept is None


def row(**fields: Any) -> str:
    base = {
        "repository": "o/n",
        "style": "place",
        "question": "where  does it\nend",
        "files": ["a.py"],
        "functions": [],
    }
    return json.dumps(base | fields) + "\n"


def test_agreement_is_printed_by_style_and_what_is_agreed_on_is_written(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(row() + row(style="concept", files=["b.py"]))
    lines = [{"id": n, "files": ["a.py"], "functions": [], "clear": True} for n in (1, 0)]
    (tmp_path / "second").write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = ["--first", str(tmp_path / "first"), "--second", str(tmp_path / "second"), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["agree", *options])
    assert done.exit_code == 0, done.output
    assert "| place" in done.output
    assert "| all" in done.output
    (kept,) = read_written(tmp_path / "out")
    assert kept.question == "where does it end"


def test_what_cannot_be_compared_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(row() + row())
    (tmp_path / "second").write_text(json.dumps({"id": 0, "files": [], "functions": [], "clear": True}) + "\n")
    with pytest.raises(InputError, match="no answer to question 1"):
        join_readers([tmp_path / "first"], [tmp_path / "second"])
    with pytest.raises(InputError, match="second reader"):
        join_readers([tmp_path / "first"], [])
    (tmp_path / "first").write_text(row(style="whim"))
    with pytest.raises(InputError, match="no style"):
        read_written(tmp_path / "first")


def test_the_table_has_no_share_of_nothing() -> None:
    assert "nan" not in agreement_table([agree(written(["a.py"]), second(["a.py"]))])


def test_answers_that_are_not_in_the_tree_are_named(tmp_path: Path) -> None:
    root = tmp_path / "clone"
    root.mkdir()
    (root / "a.py").write_text("def f():\n    return 1\n")
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True).stdout
    repository = BenchmarkRepository("o/n", "python", Half.FIT, commit.strip())
    chunks = list(tree_chunks(root / ".git", repository.commit))
    for answers, missing in (
        ({"functions": [["a.py", "f"]]}, None),
        ({"functions": [["a.py", "g"]]}, "'g'"),
        ({"files": ["b.py"]}, "b.py"),
        ({"repository": "other/name", "files": ["b.py"]}, None),
    ):
        (tmp_path / "asked").write_text(row(**answers))
        if missing:
            with pytest.raises(InputError, match=missing):
                asked_questions(root / ".git", repository, chunks, tmp_path / "asked")
        else:
            asked_questions(root / ".git", repository, chunks, tmp_path / "asked")


def test_the_committed_questions_are_read_and_name_committed_repositories() -> None:
    from codesearch_eval.repositories.asked import ASKED
    from codesearch_eval.repositories.benchmark import read_list

    found = read_written(ASKED)
    assert len(found) >= 500
    assert {one.repository for one in found} <= {one.name for one in read_list()}
    assert len({(one.repository, one.question.casefold()) for one in found}) == len(found)
