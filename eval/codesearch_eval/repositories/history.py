"""Questions about a repository, taken from its own history and documentation: development data.

Two kinds, both answered by one snapshot of the tree, so that nothing of an answer's change is in it:

- *commit* questions: the subject of a small, later commit asks; the functions that it changed answer, as
  they were before it.
- *documentation* questions: the first paragraph of a function's documentation asks; the function without
  its documentation answers, among functions that keep theirs.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from codesearch.errors import InputError, RepositoryNotFound
from codesearch.extraction import extract
from codesearch.extraction.documentation import first_paragraph
from codesearch.languages import language_of
from codesearch.records import Chunk, Kind
from codesearch.sources import GitObjects, GitUnavailableError, clean_subject, git_output

__all__ = [
    "MAX_FILES",
    "TEST_PATH",
    "CommitQuestion",
    "RepositoryQuestions",
    "changed_definitions",
    "changed_files",
    "documentation_asks",
    "documentation_question",
    "git_text",
    "parse_source",
    "read_repository_questions",
    "subject_question",
    "touches",
    "tree_chunks",
    "tree_files",
    "without_documentation",
]

_COMMITS = 600
MAX_FILES = 3
_MAX_ANSWERS = 5
_MAX_BYTES = 400_000
_MAX_MEAN_LINE = 200
_QUESTIONS = 40
_SUBJECT_WORDS = range(4, 17)
_DOCUMENTATION_WORDS = range(5, 60)
_MIN_CODE_LINES = 3
_FUNCTIONS = frozenset({Kind.FUNCTION, Kind.METHOD})

_NOISE = re.compile(
    r"\b(?:merge|revert|bump|release|version|upgrade|typos?|changelog|readme|docs?|documentation|comments?|lint|"
    r"format(?:ting)?|whitespace|rename|refactor|clean ?up|tests?|specs?|ci|workflow|dependenc\w+|deps|copyright|"
    r"wip)\b",
    re.IGNORECASE,
)
TEST_PATH = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing|examples?|benchmarks?)(?:/|$)|[._-](?:test|spec)s?\."
)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CommitQuestion:
    """The subject of a commit, and which chunks it changed.

    Attributes:
        text: The subject, without ticket numbers and conventional-commit prefix.
        answers: Positions in `RepositoryQuestions.chunks`, ascending.
    """

    text: str
    answers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RepositoryQuestions:
    """One snapshot of a repository and the questions that it answers.

    Attributes:
        name: The repository's.
        commit: Id of the snapshot.
        chunks: What is searched: all answers, and others drawn at random up to the limit.
        commits: Questions from commits.
        documented: Positions of the chunks whose documentation asks for them.
    """

    name: str
    commit: str
    chunks: tuple[Chunk, ...]
    commits: tuple[CommitQuestion, ...]
    documented: tuple[int, ...]


def read_repository_questions(git_dir: Path, name: str, *, max_chunks: int, seed: int = 0) -> RepositoryQuestions:
    """Build the questions of one repository; the same history and seed give the same questions.

    Args:
        git_dir: A bare repository, or the ``.git`` folder of a work tree.
        name: What the repository is called.
        max_chunks: Size of the pool that is searched.
        seed: Of the draws.

    Raises:
        InputError: It is no repository, or its history is too short.
    """
    draw = random.Random(seed)
    log = git_text(git_dir, "log", "--no-merges", f"-n{_COMMITS}", "--format=%H%x00%P%x00%s").splitlines()
    if len(log) < 2:
        raise InputError(f"{git_dir} has no history to take questions from: give a full clone")
    base = log[-1].split("\0")[0]
    chunks = list(tree_chunks(git_dir, base))
    by_name: dict[tuple[str, str], list[int]] = {}
    for position, chunk in enumerate(chunks):
        by_name.setdefault((chunk.path, chunk.qualified_name), []).append(position)
    asked: list[CommitQuestion] = []
    for line in log[:-1]:
        commit, parents, subject = line.split("\0")
        text = subject_question(subject)
        if text and parents and (answers := _answers(git_dir, parents.split()[0], commit, by_name)):
            asked.append(CommitQuestion(text, answers))
    asked = draw.sample(asked, min(_QUESTIONS, len(asked)))
    documented = [position for position, chunk in enumerate(chunks) if documentation_asks(chunk)]
    documented = draw.sample(documented, min(_QUESTIONS, len(documented)))
    needed = {answer for question in asked for answer in question.answers} | set(documented)
    others = [position for position in range(len(chunks)) if position not in needed]
    pool = sorted(needed | set(draw.sample(others, max(0, min(len(others), max_chunks - len(needed))))))
    moved = {old: new for new, old in enumerate(pool)}
    return RepositoryQuestions(
        name,
        base,
        tuple(chunks[position] for position in pool),
        tuple(CommitQuestion(q.text, tuple(moved[answer] for answer in q.answers)) for q in asked),
        tuple(moved[position] for position in documented),
    )


def without_documentation(chunk: Chunk) -> Chunk:
    """Return `chunk` as if nobody had documented it."""
    return replace(chunk, documentation="", text=chunk.code)


def documentation_question(documentation: str) -> str:
    """Return the first paragraph of a documentation on one line; "" where a tag comes first.

    Nobody asks "@param array $levels": what a tag says is of a part of the function, not of the function.
    """
    return " ".join(first_paragraph(documentation).split())


def subject_question(subject: str) -> str:
    """Return what a commit's subject asks for, or "" where it says nothing of code."""
    text = clean_subject(subject)
    return text if len(text.split()) in _SUBJECT_WORDS and not _NOISE.search(subject) else ""


def documentation_asks(chunk: Chunk) -> bool:
    """Whether the documentation of a chunk can be asked: a function of some lines, a paragraph of some words."""
    return (
        chunk.kind in _FUNCTIONS
        and chunk.part == 0
        and not TEST_PATH.search(chunk.path)
        and len(documentation_question(chunk.documentation).split()) in _DOCUMENTATION_WORDS
        and chunk.code.count("\n") + 1 >= _MIN_CODE_LINES
    )


def _answers(git_dir: Path, parent: str, commit: str, by_name: dict[tuple[str, str], list[int]]) -> tuple[int, ...]:
    """Return the chunks of the snapshot that a commit changed; none where it is large, or changed no function."""
    changes = changed_files(git_dir, parent, commit)
    paths = [path for _, path in changes if language_of(path) and not TEST_PATH.search(path)]
    if not 0 < len(paths) <= MAX_FILES:
        return ()
    answers: set[int] = set()
    for status, path in changes:
        if status == "M" and path in paths:
            for name in changed_definitions(git_dir, parent, commit, path, _FUNCTIONS):
                answers.update(by_name.get((path, name), ()))
    return tuple(sorted(answers)) if len(answers) <= _MAX_ANSWERS else ()


def changed_files(git_dir: Path, parent: str, commit: str) -> list[tuple[str, str]]:
    """Return the files that a commit changed: Git's status letter and the path of each."""
    status = git_text(git_dir, "diff", "--no-renames", "--ignore-submodules", "--name-status", parent, commit)
    return [(mark, path) for mark, _, path in (line.partition("\t") for line in status.splitlines())]


def changed_definitions(git_dir: Path, parent: str, commit: str, path: str, kinds: frozenset[Kind]) -> Iterator[str]:
    """Yield the qualified names of the definitions of some kinds in the parent's file that a commit changed."""
    hunks = _hunks(git_dir, parent, commit, path)
    for chunk in parse_source(path, git_text(git_dir, "show", f"{parent}:{path}")):
        if chunk.kind in kinds and any(touches(chunk, *hunk) for hunk in hunks):
            yield chunk.qualified_name


def _hunks(git_dir: Path, parent: str, commit: str, path: str) -> list[tuple[int, int]]:
    """Return (first line, number of lines) of what a commit replaced in the parent's file."""
    diff = git_text(git_dir, "diff", "-U0", "--no-color", "--no-renames", parent, commit, "--", path)
    return [(int(start), int(count or 1)) for start, count in _HUNK.findall(diff)]


def touches(chunk: Chunk, start: int, count: int) -> bool:
    """Whether the lines that were replaced are of the chunk's own text; `count` 0 puts lines in after `start`."""
    if count == 0:  # lines were put in after line `start`
        return any(span.start <= start < span.end for span in chunk.text_spans)
    return any(span.start < start + count and start <= span.end for span in chunk.text_spans)


def tree_chunks(git_dir: Path, commit: str) -> Iterator[Chunk]:
    """Yield the chunks of all files of a commit that have a grammar, in the order of their paths."""
    for path, source in tree_files(git_dir, commit):
        yield from parse_source(path, source)


def tree_files(git_dir: Path, commit: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of all files of a commit whose language is known, in the order of their paths.

    A file without a suffix may be a script, whose first line says so: `parse_source` looks at it.
    """
    try:
        with GitObjects(git_dir) as objects:
            for file in objects.files(commit):
                # Large files may be absent from a partial clone, and are left out as what is too large is.
                suffix = "." in file.path.rpartition("/")[2]
                if file.size <= _MAX_BYTES and (language_of(file.path) or not suffix):
                    yield file.path, objects.read(file.blob).decode("utf-8", errors="replace")
    except (GitUnavailableError, RepositoryNotFound) as error:
        raise InputError(f"git cannot read {git_dir}: {error}") from error


def parse_source(path: str, source: str) -> list[Chunk]:
    """Return the chunks of a file; none of a file without a grammar, or a minified one."""
    language = language_of(path, source.split("\n", 1)[0])
    minified = len(source) > _MAX_MEAN_LINE * (source.count("\n") + 1)
    if language is None or not language.has_definitions or minified:
        return []
    return extract(path, source, language)


def git_text(git_dir: Path, *arguments: str) -> str:
    """Return what Git prints, as text; InputError where it fails."""
    try:
        return git_output(git_dir, *arguments).decode("utf-8", errors="replace")
    except GitUnavailableError as error:
        raise InputError(f"git cannot read {git_dir}: {error}") from error
