"""What an index tells of chunks that a search names, for whoever puts them into order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codesearch.index.bm25 import FIELDS
from codesearch.records import Kind

__all__ = ["NOTHING_NAMED", "ChunkHead", "Evidence", "NamedChunks"]


@dataclass(frozen=True, slots=True)
class NamedChunks:
    """Chunks that one search of an index names, best first.

    Attributes:
        ids: Of the chunks.
        scores: About what each scores.
        rest: The most that any other chunk can score; minus infinity where there is no other.
    """

    ids: Sequence[int]
    scores: Sequence[float]
    rest: float


NOTHING_NAMED: Final = NamedChunks((), (), -inf)


class ChunkHead(NamedTuple):
    """A chunk without its text."""

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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of n chunks with regard to a question. They are ordered by path, byte by byte, and within a
    file as in it.

    Attributes:
        heads: What they are.
        texts: What stands for the text of each that was encoded, of shape [n]: equal texts have equal numbers.
        lengths: How many terms each field holds, of shape [fields, n].
        counts: How often each term occurs in each field, of shape [fields, terms, n].
        quotes: Whether each pair of words are neighbours in the text, of shape [pairs, n].
        cosines: To the question's vector, of shape [n]; not a number where there is no vector.
        substance: How many words of its code do something, of shape [n].
        tests: Whether what is in it says that it is a test, of shape [n].
        file_lengths: How many terms the file of each holds, of shape [n].
        file_counts: How often each term occurs in the file of each, of shape [terms, n].
    """

    heads: Sequence[ChunkHead]
    texts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    counts: NDArray[np.int64]
    quotes: NDArray[np.bool_]
    cosines: NDArray[np.float64]
    substance: NDArray[np.int64]
    tests: NDArray[np.bool_]
    file_lengths: NDArray[np.int64]
    file_counts: NDArray[np.int64]

    @classmethod
    def blank(cls, heads: Sequence[ChunkHead], terms: int, pairs: int) -> Evidence:
        """Return evidence that tells nothing yet, to be filled in."""
        n = len(heads)
        return cls(
            heads,
            np.zeros(n, np.int64),
            np.zeros((len(FIELDS), n), np.int64),
            np.zeros((len(FIELDS), terms, n), np.int64),
            np.zeros((pairs, n), np.bool_),
            np.full(n, np.nan),
            np.zeros(n, np.int64),
            np.zeros(n, np.bool_),
            np.zeros(n, np.int64),
            np.zeros((terms, n), np.int64),
        )

    def __add__(self, other: Evidence) -> Evidence:
        """Return the evidence of both, in order."""
        heads = [*self.heads, *other.heads]
        order = sorted(range(len(heads)), key=lambda row: (os.fsencode(heads[row].path), heads[row].id))
        return Evidence(
            [heads[row] for row in order],
            np.concatenate([self.texts, other.texts])[order],
            np.concatenate([self.lengths, other.lengths], axis=1)[:, order],
            np.concatenate([self.counts, other.counts], axis=2)[:, :, order],
            np.concatenate([self.quotes, other.quotes], axis=1)[:, order],
            np.concatenate([self.cosines, other.cosines])[order],
            np.concatenate([self.substance, other.substance])[order],
            np.concatenate([self.tests, other.tests])[order],
            np.concatenate([self.file_lengths, other.file_lengths])[order],
            np.concatenate([self.file_counts, other.file_counts], axis=1)[:, order],
        )
