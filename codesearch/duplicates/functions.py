"""From snapshots to the functions that are compared: what is too short to say anything, and tests, left out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.tokens import Lexer, Tokens
from codesearch.index.snapshot import Snapshot
from codesearch.records import Chunk
from codesearch.search.candidates import Filters
from codesearch.search.location import CODE
from codesearch.search.ranking import is_test

__all__ = ["Function", "Functions", "Sizes", "read_functions", "read_vectors"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which functions are compared.

    Attributes:
        lines: With fewer lines of code than this, documentation and blank lines not counted, they are left out.
        tokens: With fewer tokens likewise: getters, forwarding, constructors that store what they are given.
        tests: Whether functions of tests are compared.
    """

    lines: int = 5
    tokens: int = 50
    tests: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is compared.

    Attributes:
        source: Number of its snapshot.
        chunks: Ids of the chunks that it was cut into, one as a rule.
        vectors: Ids of their vectors.
        path: Relative to the repository's root.
        language: A name of ``codesearch.languages``.
        name: Bare.
        qualified_name: With what encloses it.
        first_line: 1-based.
        last_line: Inclusive.
        lines: Of code.
        size: Number of tokens.
        exact: Fingerprint of its tokens; equal for copies, in any process.
    """

    source: int
    chunks: tuple[int, ...]
    vectors: tuple[int, ...]
    path: str
    language: str
    name: str
    qualified_name: str
    first_line: int
    last_line: int
    lines: int
    size: int
    exact: bytes

    @property
    def place(self) -> tuple[int, str, int]:
        """What functions are sorted by."""
        return self.source, self.path, self.first_line

    def is_overload_of(self, other: Function) -> bool:
        """Whether both are variants of one name in one type or file: overloads, a getter and its setter."""
        mine = self.source, self.path, self.qualified_name
        return mine == (other.source, other.path, other.qualified_name)


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions to compare, and their tokens in the renamed form.

    Attributes:
        records: In the order of their places.
        tokens: Of each of them.
        left_out: How many were left out, by reason.
        lexer: That read them.
    """

    records: list[Function]
    tokens: list[Tokens]
    left_out: Counter[str]
    lexer: Lexer

    def one_wraps_the_other(self, one: int, other: int) -> bool:
        """Whether only one of two functions calls what the other is called: it hands on, and is no duplicate."""
        return self._calls(one, other) != self._calls(other, one)

    def _calls(self, one: int, other: int) -> bool:
        mine, theirs = self.records[one].name, self.records[other].name
        called = self.lexer.own_name if mine == theirs else self.lexer.id_of(theirs)
        mentions = int((self.tokens[one] == called).sum())
        return mentions > (mine == theirs)  # its own name is there once anyway, where it is declared


def read_functions(snapshots: Sequence[Snapshot], filters: Sequence[Filters], sizes: Sizes) -> Functions:
    """Read the functions and methods of snapshots.

    Raises:
        IndexUnusable: An index is damaged.
    """
    lexer = Lexer()
    left_out: Counter[str] = Counter()
    found: list[tuple[Function, Tokens]] = []
    for source, (snapshot, allowed) in enumerate(zip(snapshots, filters, strict=True)):
        for pieces in _definitions(snapshot, allowed, sizes, left_out):
            function, tokens = _read(lexer, source, pieces)
            if function.lines < sizes.lines or function.size < sizes.tokens:
                left_out["short"] += 1
            else:
                found.append((function, tokens))
    found.sort(key=lambda item: item[0].place)
    return Functions([function for function, _ in found], [tokens for _, tokens in found], left_out, lexer)


Piece = tuple[int, int, Chunk]


def _definitions(
    snapshot: Snapshot, filters: Filters, sizes: Sizes, left_out: Counter[str]
) -> Iterator[Sequence[Piece]]:
    """Yield the pieces of each function that may be compared."""
    passes = cache(_path_test(filters))
    tested = cache(is_test)
    path, pieces = "", dict[tuple[str, int, int], list[Piece]]()
    for piece in snapshot.each_chunk(CODE):
        chunk = piece[2]
        if not passes(chunk.path) or (filters.languages and chunk.language not in filters.languages):
            continue
        if chunk.path != path:
            yield from pieces.values()
            path, pieces = chunk.path, {}
        if not sizes.tests and (tested(chunk.path) or _is_test_name(chunk)):
            left_out["tests"] += not chunk.part
        else:
            pieces.setdefault((chunk.qualified_name, chunk.span.start, chunk.span.end), []).append(piece)
    yield from pieces.values()


def _path_test(filters: Filters) -> Callable[[str], bool]:
    return filters.path or (lambda _: True)


def _is_test_name(chunk: Chunk) -> bool:
    """Whether a function is a test by its name, as those of Rust inside the file that they test."""
    return chunk.name.startswith("test_") or chunk.qualified_name.startswith(("tests.", "test."))


def _read(lexer: Lexer, source: int, pieces: Sequence[Piece]) -> tuple[Function, Tokens]:
    first = pieces[0][2]
    code = "\n".join(chunk.code for _, _, chunk in pieces)
    exact, tokens = lexer.read(code, first.language, first.name)
    function = Function(
        source,
        tuple(chunk_id for chunk_id, _, _ in pieces),
        tuple(vector_id for _, vector_id, _ in pieces),
        sys.intern(first.path),
        sys.intern(first.language),
        first.name,
        first.qualified_name,
        first.span.start,
        first.span.end,
        sum(1 for line in code.split("\n") if line.strip()),
        len(tokens),
        exact,
    )
    return function, tokens


def read_vectors(
    snapshots: Sequence[Snapshot], functions: Sequence[Function], dimension: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the unit vectors of functions, that of one in several pieces being their mean, and which have one.

    Returns:
        Vectors of shape [n, dimension], zero where there is none yet; a mask of shape [n].
    """
    vectors = np.zeros((len(functions), dimension), np.float32)
    for source, snapshot in enumerate(snapshots):
        wanted = [(vector, row) for row, f in enumerate(functions) if f.source == source for vector in f.vectors]
        wanted.sort()
        ids = np.array([vector for vector, _ in wanted], np.int64)
        rows = np.array([row for _, row in wanted], np.int64)
        for found, block in snapshot.vectors(ids):
            starts, stops = np.searchsorted(ids, found), np.searchsorted(ids, found, side="right")
            counts = stops - starts
            at = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            np.add.at(vectors, rows[at], np.repeat(block, counts, axis=0))
    lengths = np.linalg.norm(vectors, axis=1)
    known: NDArray[np.bool_] = lengths > 0
    vectors[known] /= lengths[known, None]
    return vectors, known
