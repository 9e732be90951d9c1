"""Questions about whole repositories: the development benchmark of ranking.

Each repository of `repositories.tsv` is asked in several ways (`QuestionKind`), all but one of them from what its
own authors wrote. Answers are files and, inside them, chunks; what is searched is a whole tree of the repository:

- *commit*: the subject of a small, focused commit asks; the functions and files that it changed answer, in the tree
  of its parent, or in one a little older that has all of them. *commit body* is the same with the first paragraph of
  the message's body after the subject.
- *documentation*: the first paragraph of a function's documentation asks; the function answers, in a tree from
  which the documentation of every function that asks was cut.
- *symbol*: the name of a definition asks, as it is written, in another case style, or with one of its words
  forgotten; every definition of that name answers.
- *pasted*: a line of code, or a message out of a string literal, that occurs in one function only; it answers.
- *asked*: written by somebody who had read the code, for somebody who has not; kept where a second reader, who saw
  only the question and the tree, found the same place (`asked.py`).
- *change log*: an entry that a commit added to a change log asks; what else it changed answers, in a tree from
  before it (`changes.py`).
- *issue-like*: a commit's whole message, longer than most, with all errors and code in it; answered likewise.
- *tests say*: the description of a test asks; the code under test answers, in a tree without the tests that ask
  (`tests_say.py`).
- *file says*: what a file's header, or the documentation of the type that it is named after, says in its first
  paragraph; the file answers, in a tree from which that was cut (`file_says.py`).

Repositories are split into a half that ranking is fitted on and a held-out half. None of them was in the
training corpus of the shipped encoder.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from codesearch.errors import InputError
from codesearch_eval.json_lines import read_records

__all__ = [
    "UNANSWERABLE",
    "BenchmarkRepository",
    "Half",
    "Question",
    "QuestionKind",
    "View",
    "is_sealed",
    "question_of",
    "read_list",
    "read_questions",
]


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
    ASKED = "asked"
    ISSUE = "issue-like"
    CHANGE_LOG = "change log"
    TEST = "tests say"
    FILE = "file says"
    FOREIGN = "foreign"
    """A question of another repository, which has no answer here."""
    NONSENSE = "nonsense"


UNANSWERABLE: Final = frozenset({QuestionKind.FOREIGN, QuestionKind.NONSENSE})
"""Kinds of questions that have no answer where they are asked: confidence is measured with them, and ranking is not."""


class View(StrEnum):
    """What of a commit's tree is searched. In this order, trees of one commit differ little from one to the next."""

    WHOLE = "whole"
    WITHOUT_TESTS = "without the tests that ask"
    WITHOUT_HEADERS = "without the headers that ask"
    WITHOUT_DOCUMENTATION = "without the documentation that asks"


_VIEWS = {
    QuestionKind.TEST: View.WITHOUT_TESTS,
    QuestionKind.FILE: View.WITHOUT_HEADERS,
    QuestionKind.DOCUMENTATION: View.WITHOUT_DOCUMENTATION,
}

_SEALED_SHARE = 0.2


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
        chunks: (path, qualified name) of each chunk that answers, all of them in `files`; () where files answer.
        source: The commit that asks, the qualified name of the function that does, the path of the file or of the
            test that does, or the style of a question that was written.
    """

    kind: QuestionKind
    text: str
    tree: str
    files: tuple[str, ...]
    chunks: tuple[tuple[str, str], ...]
    source: str

    @property
    def view(self) -> View:
        """What of the tree is searched."""
        return _VIEWS.get(self.kind, View.WHOLE)


def is_sealed(repository: BenchmarkRepository, question: Question) -> bool:
    """Whether a question is of the part of the held-out half that nobody looks at until the end.

    Its words decide, so a question stays where it is when others come and go.
    """
    if repository.half is not Half.HELD_OUT:
        return False
    digest = sha256(f"{repository.name}\0{question.kind}\0{question.text}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < _SEALED_SHARE * 2**32


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
    return read_records(path, question_of, "questions: run `codesearch-eval repositories build`")


def question_of(row: dict[str, Any]) -> Question:
    """Return the question whose fields these are."""
    chunks = tuple((str(path), str(name)) for path, name in row["chunks"])
    kind, files_ = QuestionKind(row["kind"]), tuple(map(str, row["files"]))
    return Question(kind, str(row["text"]), str(row["tree"]), files_, chunks, str(row["source"]))
