"""BM25 with statistics that are exact: what a chunk scores follows from what is indexed, not from how it came there.

Robertson and Zaragoza, *The Probabilistic Relevance Framework* (2009), each field by itself and the fields added up,
with the parameters of tantivy, which names the candidates: k1 = 1.2, b = 0.75, and lengths rounded down as Lucene and
tantivy store them in a byte. tantivy's own scores count what was deleted until segments are merged; these do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BM25", "FIELDS", "FIELD_WEIGHTS", "NO_STATISTICS", "Statistics", "inverse_document_frequency", "quantised"]

FIELD_WEIGHTS: Final[Mapping[str, float]] = {"symbol": 1.0, "path": 0.2, "text": 1.0}
"""What a hit in each field is worth; docs/notebook/ranking.md has others. All chunks of a file share its path."""

FIELDS: Final = tuple(FIELD_WEIGHTS)
"""The fields, in the order of every array that has a row or a column for each."""

_K1, _B = 1.2, 0.75

_FILE_K1, _FILE_B = 2.0, 0.6
"""In a whole file a word that comes again and again tells more than in a chunk, and length takes off less."""

_EXACT_LENGTHS: Final = 24
"""Lengths are this, and a number of four significant bits."""


def inverse_document_frequency(documents: int, holding: int) -> float:
    """Return how much a term tells, above 0: the rarer, the more.

    Args:
        documents: How many there are.
        holding: How many of them hold the term; a number that is out of date may be larger.
    """
    holding = min(holding, documents)
    return log(1 + (documents - holding + 0.5) / (holding + 0.5))


def quantised(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return lengths as a byte keeps them: exact up to 40, then rounded down to 42, 44 ... 56, 60, 64 ..."""
    beyond = np.maximum(lengths - _EXACT_LENGTHS, 0)
    shift = np.maximum(np.frexp(beyond.astype(np.float64))[1].astype(np.int64) - 4, 0)
    return np.where(lengths < _EXACT_LENGTHS, lengths, _EXACT_LENGTHS + (beyond >> shift << shift))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 has to know of all chunks.

    Attributes:
        chunks: How many there are.
        tokens: How many terms they hold in each field, with repetitions.
        holding: How many of them hold a term in a field, by (field, term).
        files: How many files they are of.
        file_length: How many terms the texts of these files hold.
    """

    chunks: int
    tokens: Mapping[str, int]
    holding: Mapping[tuple[str, str], int]
    files: int = 0
    file_length: int = 0

    def __add__(self, other: Statistics) -> Statistics:
        """Return the statistics of two collections taken as one."""
        return self._with(other, 1)

    def __sub__(self, part: Statistics) -> Statistics:
        """Return the statistics of what is left when a part is taken away."""
        return self._with(part, -1)

    def _with(self, other: Statistics, sign: int) -> Statistics:
        tokens = {field: self.tokens.get(field, 0) + sign * other.tokens.get(field, 0) for field in FIELDS}
        holding = Counter(self.holding)
        for key, count in other.holding.items():
            holding[key] += sign * count
        files, length = self.files + sign * other.files, self.file_length + sign * other.file_length
        return Statistics(self.chunks + sign * other.chunks, tokens, holding, files, length)

    def frequency(self, term: str) -> int:
        """Return in how many chunks a term occurs, in their text or their name."""
        return max(self.holding.get((field, term), 0) for field in ("text", "symbol"))


NO_STATISTICS: Final = Statistics(0, {}, {})


class BM25:
    """What the terms of a question are worth in a collection.

    Args:
        statistics: Of all chunks that compete.
        terms: Distinct terms of the question.
        emphasis: What terms weigh beside their rarity; 1 for those that are not in it.
    """

    def __init__(
        self, statistics: Statistics, terms: Sequence[str], emphasis: Mapping[str, float] | None = None
    ) -> None:
        self.statistics = statistics
        self.terms = tuple(terms)
        self.rarity = {
            (field, term): (1.0 if emphasis is None else emphasis.get(term, 1.0))
            * inverse_document_frequency(statistics.chunks, statistics.holding.get((field, term), 0))
            for field in FIELDS
            for term in self.terms
        }

    def mean_length(self, field: str) -> float:
        """Return how many terms a field holds on average, 1 where it holds none at all."""
        return self.statistics.tokens.get(field, 0) / max(self.statistics.chunks, 1) or 1.0

    def scores(self, counts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the scores of chunks, of shape [n]; that of one is the same whatever others there are.

        Args:
            counts: How often each term occurs in each field, of shape [fields, terms, n].
            lengths: How many terms each field holds, of shape [fields, n].
        """
        scores = np.zeros(lengths.shape[1])
        for row, field in enumerate(FIELDS):
            norm = _K1 * (1 - _B + _B * quantised(lengths[row]) / self.mean_length(field))
            for column, term in enumerate(self.terms):
                count = counts[row, column]
                if count.any():
                    scores += FIELD_WEIGHTS[field] * self.rarity[field, term] * (_K1 + 1) * (count / (count + norm))
        return scores

    def file_scores(self, counts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the scores of whole files by their text, of shape [n]; that of one is the same whatever others are.

        Args:
            counts: How often each term occurs in the file, of shape [terms, n].
            lengths: How many terms each file holds, of shape [n].
        """
        mean = self.statistics.file_length / max(self.statistics.files, 1) or 1.0
        norm = _FILE_K1 * (1 - _FILE_B + _FILE_B * lengths / mean)
        scores = np.zeros(len(lengths))
        for row, term in zip(counts, self.terms, strict=True):
            scores += self.rarity["text", term] * (_FILE_K1 + 1) * (row / (row + norm))
        return scores
