"""Questions about a repository, taken from its own history and documentation: development data.

Two kinds, both answered by one snapshot of the tree, so that nothing of an answer's change is in it:

- *commit* questions: the subject of a small, later commit asks; the functions that it changed answer, as
  they were before it.
- *documentation* questions: the first paragraph of a function's documentation asks; the function without
  its documentation answers, among functions that keep theirs.
"""

from __future__ import annotations

import io
import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from codesearch.errors import InputError
from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk, Kind

__all__ = [
    "MAX_FILES",
    "TEST_PATH",
    "CommitQuestion",
    "RepositoryQuestions",
    "documentation_asks",
    "first_paragraph",
    "git_bytes",
    "git_text",
    "hunks_of",
    "parse_source",
    "read_repository_questions",
    "subject_question",
    "touches",
    "tree_chunks",
    "without_documentation",
]

_COMMITS = 600
MAX_FILES = 3
_MAX_ANSWERS = 5
_MAX_BYTES = 200_000
_MAX_MEAN_LINE = 200
_QUESTIONS = 40
_SUBJECT_WORDS = range(4, 17)
_DOCUMENTATION_WORDS = range(5, 60)
_MIN_CODE_LINES = 3

_PREFIX = re.compile(r"^\s*(?:\[[^\]]*\]\s*)*(?:[\w./-]+(?:\([^)]*\))?!?:\s+)?")
_SUFFIX = re.compile(r"\s*\(?(?:(?:close[sd]?|fix(?:e[sd])?|refs?|see|issue)\s+)?#\d+\)?\s*$", re.IGNORECASE)
_NOISE = re.compile(
    r"\b(?:merge|revert|bump|release|version|upgrade|typos?|changelog|readme|docs?|documentation|comments?|lint|"
    r"format(?:ting)?|whitespace|rename|refactor|clean ?up|tests?|specs?|ci|workflow|dependenc\w+|deps|copyright|"
    r"wip)\b",
    re.IGNORECASE,
)
TEST_PATH = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing|examples?|benchmarks?)(?:/|$)|[._-](?:test|spec)s?\."
)
# A blank line, or a tag of Javadoc, Doxygen or Sphinx; a role of Sphinx (":class:`Reader`") is part of the text.
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n|^[ \t]*[@\\][A-Za-z]\w*|^[ \t]*:\w[^:\n]*:(?!`)", re.MULTILINE)
_BRIEF = re.compile(r"^[@\\](?:brief|short|summary|desc(?:ription)?)\b")
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


def first_paragraph(documentation: str) -> str:
    """Return the text up to the first blank line or tag, on one line; "" where a tag comes first.

    Nobody asks "@param array $levels": what a tag says is of a part of the function, not of the function.
    """
    text = _BRIEF.sub("", documentation.strip())
    return " ".join(_PARAGRAPH_END.split(text, maxsplit=1)[0].split())


def subject_question(subject: str) -> str:
    """Return what a commit's subject asks for, or "" where it says nothing of code."""
    text = _SUFFIX.sub("", _PREFIX.sub("", subject)).strip()
    return text if len(text.split()) in _SUBJECT_WORDS and not _NOISE.search(subject) else ""


def documentation_asks(chunk: Chunk) -> bool:
    """Whether the documentation of a chunk can be asked: a function of some lines, a paragraph of some words."""
    return (
        chunk.kind in (Kind.FUNCTION, Kind.METHOD)
        and chunk.part == 0
        and not TEST_PATH.search(chunk.path)
        and len(first_paragraph(chunk.documentation).split()) in _DOCUMENTATION_WORDS
        and chunk.code.count("\n") + 1 >= _MIN_CODE_LINES
    )


def _answers(git_dir: Path, parent: str, commit: str, by_name: dict[tuple[str, str], list[int]]) -> tuple[int, ...]:
    """Return the chunks of the snapshot that a commit changed; none where it is large, or changed no function."""
    changes = [
        line.split("\t")
        for line in git_text(
            git_dir, "diff", "--no-renames", "--ignore-submodules", "--name-status", parent, commit
        ).splitlines()
    ]
    paths = [path for _, path in changes if language_of(path) and not TEST_PATH.search(path)]
    if not 0 < len(paths) <= MAX_FILES:
        return ()
    answers: set[int] = set()
    for status, path in changes:
        if status == "M" and path in paths:
            for name in _changed_functions(git_dir, parent, commit, path):
                answers.update(by_name.get((path, name), ()))
    return tuple(sorted(answers)) if len(answers) <= _MAX_ANSWERS else ()


def _changed_functions(git_dir: Path, parent: str, commit: str, path: str) -> Iterator[str]:
    """Yield the qualified names of the functions of the parent's file that a commit changed."""
    hunks = hunks_of(git_dir, parent, commit, path)
    for chunk in parse_source(path, git_text(git_dir, "show", f"{parent}:{path}")):
        if chunk.kind in (Kind.FUNCTION, Kind.METHOD) and any(touches(chunk, *hunk) for hunk in hunks):
            yield chunk.qualified_name


def hunks_of(git_dir: Path, parent: str, commit: str, path: str) -> list[tuple[int, int]]:
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
    entries = [line.split("\t", 1) for line in git_text(git_dir, "ls-tree", "-r", "-z", commit).split("\0") if line]
    files = [(path, meta.split()[2]) for meta, path in entries if meta.startswith("100") and language_of(path)]
    # Large files may be absent from a partial clone, so objects are asked for one by one and may be missing.
    objects = io.BytesIO(git_bytes(git_dir, "cat-file", "--batch", stdin="\n".join(blob for _, blob in files).encode()))
    for path, _ in files:
        header = objects.readline().split()
        if header[1] == b"missing":
            continue
        content = objects.read(int(header[2]) + 1)[:-1]
        if len(content) <= _MAX_BYTES:
            yield from parse_source(path, content.decode("utf-8", errors="replace"))


def parse_source(path: str, source: str) -> list[Chunk]:
    """Return the chunks of a file; none of a file without a grammar, or a minified one."""
    language = language_of(path, source.split("\n", 1)[0])
    minified = len(source) > _MAX_MEAN_LINE * (source.count("\n") + 1)
    if language is None or language.grammar is None or minified:
        return []
    return extract(path, source, language)


def git_text(git_dir: Path, *arguments: str) -> str:
    """Return what Git prints, as text; InputError where it fails."""
    return git_bytes(git_dir, *arguments).decode("utf-8", errors="replace")


def git_bytes(git_dir: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Return what Git prints; InputError where it fails."""
    done = subprocess.run(["git", "--git-dir", str(git_dir), *arguments], input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise InputError(f"git cannot read {git_dir}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
