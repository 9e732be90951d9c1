"""Questions that were written by reading the code, and what two readers agree on.

A writer reads a repository and writes questions with their answers, in the words of somebody who does not know it. A
second reader gets questions and trees only, and finds the answers by reading. What both agree on is kept, in
`asked.jsonl`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from codesearch.errors import InputError
from codesearch.records import Chunk
from codesearch_eval.json_lines import read_records
from codesearch_eval.markdown import markdown_table
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question, QuestionKind
from codesearch_eval.repositories.history import git_text

__all__ = [
    "ASKED",
    "Agreement",
    "SecondAnswer",
    "WrittenQuestion",
    "agree",
    "agreement_table",
    "asked_questions",
    "join_readers",
    "read_second",
    "read_written",
]

ASKED = Path(str(files("codesearch_eval.repositories") / "asked.jsonl"))
"""What two readers agree on, as it is committed."""

STYLES = ("behaviour", "place", "architecture", "concept")

Function = tuple[str, str]
"""(path, qualified name)."""


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """A question that somebody wrote, with the answers that a competent reader would accept.

    Attributes:
        repository: ``owner/name``.
        style: One of `STYLES`.
        question: What is asked.
        files: Paths, best first.
        functions: Of these files; () where a file answers as a whole.
    """

    repository: str
    style: str
    question: str
    files: tuple[str, ...]
    functions: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class SecondAnswer:
    """What a second reader found, who had seen the question only.

    Attributes:
        number: Of the question, from 0.
        files: Paths, best first; () where nothing was found.
        functions: Of these files.
        clear: Whether the question has one good answer.
    """

    number: int
    files: tuple[str, ...]
    functions: tuple[Function, ...]
    clear: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """A question, and how far its two readers agree.

    Attributes:
        written: As it was written.
        clear: Whether the second reader took it for clear.
        first_file: Whether the file that each takes for the best is accepted by the other.
        files: Whether any file is accepted by both.
        functions: Whether any function is; None where one of them names none.
        file_overlap: What share of the files that either accepts both do.
        function_overlap: Likewise of the functions.
        kept: The question with the answers that both accept; None where they do not agree.
    """

    written: WrittenQuestion
    clear: bool
    first_file: bool
    files: bool
    functions: bool | None
    file_overlap: float
    function_overlap: float
    kept: WrittenQuestion | None


def read_written(path: Path) -> list[WrittenQuestion]:
    """Read questions that somebody wrote.

    Raises:
        InputError: The file is missing or damaged, or names a style that there is not.
    """
    return read_records(path, _written, "questions that somebody wrote")


def read_second(path: Path) -> dict[int, SecondAnswer]:
    """Read the answers of a second reader, by number of the question.

    Raises:
        InputError: The file is missing or damaged.
    """
    answers = read_records(path, _second, "answers of a second reader")
    return {answer.number: answer for answer in answers}


def _written(row: dict[str, Any]) -> WrittenQuestion:
    if row["style"] not in STYLES:
        raise ValueError(f"no style: {row['style']}")
    return WrittenQuestion(
        str(row["repository"]),
        str(row["style"]),
        " ".join(str(row["question"]).split()),
        tuple(map(str, row["files"])),
        _functions(row["functions"]),
    )


def _second(row: dict[str, Any]) -> SecondAnswer:
    return SecondAnswer(int(row["id"]), tuple(map(str, row["files"])), _functions(row["functions"]), bool(row["clear"]))


def _functions(rows: Sequence[Sequence[str]]) -> tuple[Function, ...]:
    return tuple((str(path), str(name)) for path, name in rows)


def agree(written: WrittenQuestion, second: SecondAnswer) -> Agreement:
    """Compare what two readers answer, and keep what both accept.

    A question is kept where the second reader takes it for clear, and each accepts the file that the other takes for
    the best. Its files are those that both name, and those that one names and in which the other accepts a function.
    Its functions are those that both accept, and where there are none, those of the writer in these files.
    """
    both = [path for path in written.files if path in second.files]
    first_file = bool(both) and written.files[0] in second.files and second.files[0] in written.files
    functions = [one for one in written.functions if one in second.functions]
    kept = None
    if second.clear and first_file:
        accepted = {path for path, _ in written.functions if path in second.files}
        accepted |= {path for path, _ in second.functions if path in written.files}
        kept_files = tuple(dict.fromkeys([*both, *(p for p in (*written.files, *second.files) if p in accepted)]))
        kept_functions = functions or [one for one in written.functions if one[0] in kept_files]
        kept = WrittenQuestion(written.repository, written.style, written.question, kept_files, tuple(kept_functions))
    return Agreement(
        written,
        second.clear,
        first_file,
        bool(both),
        bool(functions) if written.functions and second.functions else None,
        _overlap(written.files, second.files),
        _overlap(written.functions, second.functions),
        kept,
    )


def join_readers(first: Sequence[Path], second: Sequence[Path]) -> list[Agreement]:
    """Compare files of questions with files of second readers' answers, pair by pair.

    Raises:
        InputError: There are more files of one kind, one cannot be read, or a question has no second answer.
    """
    if len(first) != len(second):
        raise InputError("each file of questions needs one file of a second reader's answers")
    agreements = []
    for questions, answers in zip(first, second, strict=True):
        found = read_second(answers)
        for number, written in enumerate(read_written(questions)):
            if number not in found:
                raise InputError(f"{answers} has no answer to question {number} of {questions}")
            agreements.append(agree(written, found[number]))
    return agreements


def agreement_table(agreements: Sequence[Agreement]) -> str:
    """Return a Markdown table of how often two readers agree, in percent, by style of question."""
    rows = []
    for style in (*STYLES, "all"):
        chosen = [one for one in agreements if style in (one.written.style, "all")]
        if chosen:
            named = [one.functions for one in chosen if one.functions is not None]
            kept = sum(one.kept is not None for one in chosen)
            shares: list[Sequence[float]] = [
                [one.clear for one in chosen],
                [one.files for one in chosen],
                [one.first_file for one in chosen],
                [one.file_overlap for one in chosen],
                named,
                [one.function_overlap for one in chosen if one.functions is not None],
            ]
            rows.append([style, str(len(chosen)), *map(_percent, shares), str(kept)])
    titles = ["clear %", "a file in common %", "best files accepted %", "files shared %"]
    titles += ["a function in common %", "functions shared %"]
    return markdown_table(["style", "n", *titles, "kept"], rows)


def _percent(values: Collection[float]) -> str:
    return f"{100 * sum(values) / len(values):.1f}" if values else ""


def _overlap(first: Collection[object], second: Collection[object]) -> float:
    """Return what two collections share, of all that is in either (Jaccard's index); 1 where both are empty."""
    either = {*first, *second}
    return len(set(first) & set(second)) / len(either) if either else 1.0


def asked_questions(
    git_dir: Path, repository: BenchmarkRepository, chunks: Sequence[Chunk], path: Path | None = None
) -> list[Question]:
    """Return the questions that were written about a repository, checked against its tree.

    Args:
        git_dir: Git directory of the repository.
        repository: Which it is.
        chunks: Of its tree.
        path: Another file than the committed one.

    Raises:
        InputError: A file or a function that answers is not there.
    """
    written = [one for one in read_written(path or ASKED) if one.repository == repository.name]
    if not written:
        return []
    listed = git_text(git_dir, "ls-tree", "-r", "-z", "--name-only", repository.commit).split("\0")
    there: set[object] = {*listed, *((chunk.path, chunk.qualified_name) for chunk in chunks)}
    for one in written:
        missing = [answer for answer in (*one.files, *one.functions) if answer not in there]
        if missing:
            raise InputError(f"{repository.name} has no {missing[0]}, which answers {one.question!r}")
    return [
        Question(QuestionKind.ASKED, one.question, repository.commit, one.files, one.functions, one.style)
        for one in written
    ]
