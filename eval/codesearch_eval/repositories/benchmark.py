"""Questions about whole repositories that no language model wrote: the development benchmark of ranking.

Each repository of `repositories.tsv` is asked in several ways (`QuestionKind`), all of them from what its own
authors wrote. Answers are files and, inside them, chunks; what is searched is a whole tree of the repository:

- *commit*: the subject of a small, focused commit asks; the functions and files that it changed answer, in the
  tree of its parent. *commit body* is the same with the first paragraph of the message's body after the subject.
- *documentation*: the first paragraph of a function's documentation asks; the function answers, in a tree from
  which the documentation of every function that asks was cut.
- *symbol*: the name of a definition asks, as it is written, in another case style, or with one of its words
  forgotten; every definition of that name answers.
- *pasted*: a line of code, or a message out of a string literal, that occurs in one function only; it answers.

Repositories are split into a half that ranking is fitted on and a held-out half. None of them was in the
training corpus of the shipped encoder.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from codesearch.errors import InputError
from codesearch_eval.json_lines import read_records

__all__ = ["BenchmarkRepository", "Half", "Question", "QuestionKind", "read_list", "read_questions"]


class Half(StrEnum):
    """What a repository is for."""

    FIT = "fit"
    HELD_OUT = "held out"


class QuestionKind(StrEnum):
    """Where a question comes from."""

    COMMIT = "commit"
    COMMIT_BODY = "commit body"
    DOCUMENTATION = "documentation"
    SYMBOL = "symbol"
    SYMBOL_STYLE = "symbol, other case style"
    SYMBOL_PART = "symbol, partly remembered"
    CODE = "pasted line of code"
    MESSAGE = "pasted message"
    FOREIGN = "foreign"
    """A question of another repository, which has no answer here."""
    NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True)
class BenchmarkRepository:
    """A line of `repositories.tsv`.

    Attributes:
        name: ``owner/name`` on GitHub.
        language: The one that most of it is written in.
        half: Whether ranking may be fitted on it.
        commit: The newest commit that questions are taken from; its tree is searched for all but commit questions.
    """

    name: str
    language: str
    half: Half
    commit: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answers.

    Attributes:
        kind: Where it comes from.
        text: What is asked.
        tree: Id of the commit whose tree is searched.
        files: Paths that answer.
        chunks: (path, qualified name) of each chunk that answers, all of them in `files`.
        source: The commit that asks, or the qualified name of the function that does.
    """

    kind: QuestionKind
    text: str
    tree: str
    files: tuple[str, ...]
    chunks: tuple[tuple[str, str], ...]
    source: str


def read_list(path: Path | None = None) -> list[BenchmarkRepository]:
    """Return the repositories of a list; by default of the committed one.

    Raises:
        InputError: The list cannot be read, or names a repository twice.
    """
    try:
        text = (path or files("codesearch_eval.repositories") / "repositories.tsv").read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    try:
        found = [BenchmarkRepository(r["repository"], r["language"], Half(r["half"]), r["commit"]) for r in rows]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: columns must be repository, language, half and commit: {error}") from error
    if len({repository.name for repository in found}) < len(found):
        raise InputError(f"{path} names a repository twice")
    return found


def read_questions(path: Path) -> Sequence[Question]:
    """Read questions; `codesearch_eval.json_lines.write_records` wrote them.

    Raises:
        InputError: The file is missing or damaged.
    """
    return read_records(path, _question, "questions: run `codesearch-eval repositories build`")


def _question(row: dict[str, Any]) -> Question:
    chunks = tuple((str(path), str(name)) for path, name in row["chunks"])
    kind, files_ = QuestionKind(row["kind"]), tuple(map(str, row["files"]))
    return Question(kind, str(row["text"]), str(row["tree"]), files_, chunks, str(row["source"]))
