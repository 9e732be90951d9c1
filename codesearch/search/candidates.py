"""What the searches of an index name, for ranking to put into order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codesearch.records import Kind

__all__ = ["QUOTING", "Candidate", "Filters"]

QUOTING = 20
"""How many chunks are named because they quote the question: what it was pasted from is among the first."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which chunks may be found. A field left at its default lets everything through.

    Attributes:
        languages: Names of languages.
        kinds: Kinds of chunks.
        path: Takes a path relative to the repository's root and says whether it may be found.
    """

    languages: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    path: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What ranking looks at: a chunk without its text, and what the two searches think of it.

    Attributes:
        lexical: BM25 score, 0.0 where no term occurs.
        dense: Cosine to the question, None where there is no vector yet or none was asked for.
        quoted: Share of the question's pairs of neighbouring words that are neighbours in its text, from 0 to 1.
    """

    id: int
    path: str
    language: str
    kind: Kind
    name: str
    qualified_name: str
    signature: str
    documentation: str
    first_line: int
    last_line: int
    part: int
    lexical: float = 0.0
    dense: float | None = None
    quoted: float = 0.0
