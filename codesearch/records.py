"""The frozen records that every layer speaks.

Paths inside a repository are POSIX strings relative to its root; lines are 1-based and
inclusive; scores are plain floats where higher is better. Nothing here imports any other
module of the package, so every layer may import it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

__all__ = [
    "LEVELS",
    "TESTS",
    "Chunk",
    "Confidence",
    "Kind",
    "Level",
    "Match",
    "Repository",
    "SkipReason",
    "SkippedFile",
    "SourceFile",
    "Span",
]

TESTS: Final = ("yes", "no", "only")
"""Whether files of tests are found: as all files, not at all, or alone."""

_LONGEST_SIGNATURE_LINES: Final = 30


class Kind(StrEnum):
    """What a chunk is. The values are what ``--kind`` takes and what JSON prints."""

    FUNCTION = "function"
    METHOD = "method"
    TYPE = "type"
    """A class, struct, interface, trait, enum, protocol, record, object or module with members."""
    MODULE = "module"
    """What lies between the definitions of a file."""
    TEXT = "text"
    """A window of a file for which there is no grammar: SQL, YAML, Markdown, Dockerfile ..."""


class SkipReason(StrEnum):
    """Why a file of a repository is not searched. The value is the sentence that ``status --skipped`` prints."""

    BINARY = "binary content"
    DATA = "data by its content"
    EMPTY = "empty"
    EXCLUDED = "matches an exclude pattern"
    FAILED = "could not be split into functions: please report this"
    GENERATED = "generated code"
    LFS_POINTER = "a Git LFS pointer, its content is not checked out"
    MINIFIED = "minified"
    NOT_INCLUDED = "matches no include pattern"
    SUBMODULE = "a Git submodule: index it as a repository of its own"
    NESTED_REPOSITORY = "a nested repository or worktree: index it as a repository of its own"
    SYMLINK = "a symbolic link: its target is indexed where it lies"
    SPECIAL = "not a regular file"
    TOO_LARGE = "larger than the size limit"
    UNKNOWN_LANGUAGE = "in no language that is searched"
    UNREADABLE = "could not be read"


@dataclass(frozen=True, slots=True)
class Repository:
    """A tree of source files that is indexed and searched as one.

    Attributes:
        root: Absolute, resolved path of the tree.
        name: What results call it: the folder's name, or ``owner/name`` for a cloned URL.
        url: The URL it was cloned from, or None for a local tree.
        is_git: Whether `root` lies in a Git work tree: Git lists its files.
        imported: Whether only its index is here, which was made elsewhere: there is nothing at `root`.
    """

    root: Path
    name: str
    url: str | None = None
    is_git: bool = False
    imported: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is to be searched, as it was seen when the repository was listed.

    Attributes:
        path: POSIX path relative to the repository's root.
        size: Bytes.
        mtime_ns: Modification time in nanoseconds.
        blob: Git's blob id where Git says that the work tree holds exactly that blob, else "".
    """

    path: str
    size: int
    mtime_ns: int
    blob: str = ""


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is left out of the index, and why."""

    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of whole lines, 1-based, both ends inclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a source file that can be found: a function, a method, a type, or what lies between.

    Attributes:
        path: POSIX path relative to the repository's root.
        language: A name of ``codesearch.languages``, such as "python".
        kind: What it is.
        name: The bare name, such as ``parse``; "" where there is none.
        qualified_name: The name with what encloses it, such as ``Parser.parse`` (always joined by ".").
        signature: The header without the body, on one line; "" where there is none.
        documentation: Docstring or leading doc comment, without its comment markers; "" where there is none.
        span: First and last line of the whole definition, decorators and leading doc comment included.
        text_spans: The line ranges that `text` is made of, in order. One for a function; several for a
            type, whose text leaves out the bodies of its members, and for module-level code.
        text: The lines of `text_spans`, joined by newlines, documentation included.
        code: `text` with the documentation cut out: what an encoder learns to match with the documentation.
        part: 0 for the whole or the first part of a chunk that was cut because of its length, then 1, 2, ...
    """

    path: str
    language: str
    kind: Kind
    name: str
    qualified_name: str
    signature: str
    documentation: str
    span: Span
    text_spans: tuple[Span, ...]
    text: str
    code: str
    part: int = 0

    def numbered_lines(self) -> dict[int, str]:
        """Return the lines of `text` by their 1-based numbers in the file, ascending."""
        numbers = (number for span in self.text_spans for number in range(span.start, span.end + 1))
        return dict(zip(numbers, self.text.split("\n"), strict=False))

    def signature_lines(self) -> tuple[int, ...]:
        """Return the 1-based lines that `signature` is written on, ascending; () where it cannot be found."""
        if not self.signature or self.part:
            return ()
        lines, signature = self.numbered_lines(), _squeezed(self.signature)
        numbers = list(lines)
        for position, number in enumerate(numbers):
            start = _squeezed(lines[number])
            if len(start) < 2 or not (signature.startswith(start) or start.startswith(signature)):
                continue
            written = ""
            for end in range(position, min(position + _LONGEST_SIGNATURE_LINES, len(numbers))):
                written += _squeezed(lines[numbers[end]])
                if written.startswith(signature):
                    return tuple(numbers[position : end + 1])
                if not signature.startswith(written):
                    break
        return ()


def _squeezed(text: str) -> str:
    """Return text without white space and commas: the last one is dropped when lines are joined."""
    return re.sub(r"[\s,]+", "", text)


class Level(StrEnum):
    """How far a result is to be believed. The values are what ``--min-confidence`` takes and what JSON prints."""

    SURE = "sure"
    """At least nine of ten such results are right."""
    LIKELY = "likely"
    """At least six of ten are."""
    GUESS = "guess"
    """Fewer: read it before you believe it."""

    def reaches(self, least: Level) -> bool:
        """Whether this is `least` or better."""
        order = list(Level)
        return order.index(self) <= order.index(least)


LEVELS: Final = tuple(level.value for level in Level)
"""What says how far matches have to be believed to be shown, best first."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far a result is to be believed; comparable between questions and repositories.

    Attributes:
        level: In a word.
        probability: That the result is right, from 0 to 1.
    """

    level: Level
    probability: float


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk that answers a question, best first in any list of matches.

    `path`, `line`, `name`, `kind`, `language` and `text` say of the chunk what is asked for most.

    Attributes:
        repository: Name of the repository that it is in.
        root: Absolute path of that repository.
        chunk: The chunk as it was when it was indexed.
        score: Higher is better; comparable within one answer only.
        signals: What each signal added to `score`, by name; the values sum to it.
        lines: The 1-based lines of the chunk that matter most to the question, best first.
        imported: Whether only the index of the repository is here: there is no file at `root`.
        confidence: How far it is to be believed; None of code that is like other code, whose score says it.
        declared_at: 1-based line that defines the name which was asked, where that is not the name of the chunk: a
            member of an enum, a field; 0 for any other match.
    """

    repository: str
    root: Path
    chunk: Chunk
    score: float
    signals: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[int, ...] = ()
    imported: bool = False
    confidence: Confidence | None = None
    declared_at: int = 0

    @property
    def path(self) -> str:
        """The file: a POSIX path relative to `root`."""
        return self.chunk.path

    @property
    def line(self) -> int:
        """The 1-based line to open the file at, which every surface prints after the path.

        It is the line that defines the name which was asked, else the first line of the signature, else the first of
        `lines`, else the first line of the chunk. Of a window, which may hold many definitions, it is the best of
        `lines`.
        """
        if self.declared_at:
            return self.declared_at
        signature = self.chunk.signature_lines()
        if signature:
            return signature[0]
        if self.chunk.signature and not self.chunk.part:
            return self.chunk.span.start
        if self.chunk.kind is Kind.TEXT and self.lines:
            return self.lines[0]
        return min(self.lines, default=self.chunk.span.start)

    @property
    def name(self) -> str:
        """The qualified name, such as ``Parser.parse``; "" where there is none."""
        return self.chunk.qualified_name

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.chunk.kind

    @property
    def language(self) -> str:
        """What it is written in, such as "python"."""
        return self.chunk.language

    @property
    def text(self) -> str:
        """The source as it was indexed; that of a type leaves out the bodies of its members."""
        return self.chunk.text
