"""Near-identical token sequences: runs of tokens, MinHash and locality-sensitive hashing.

A function is the set of its runs of `RUN` tokens (shingles), and two functions are as alike as the share of runs
that they have in common (Jaccard). MinHash (Broder, *On the resemblance and containment of documents*, 1997)
estimates that share from a few numbers a function, and banding (Leskovec, Rajaraman and Ullman, *Mining of Massive
Datasets*, 3.4) finds the pairs that are worth comparing without looking at all. What it names is then compared
exactly, so that nothing is reported on an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.pairs import Pairs, each
from codesearch.duplicates.tokens import Tokens

__all__ = ["RUN", "Shingles"]

RUN: Final = 5
"""Tokens of a run: a changed token costs five runs, so one change in 100 tokens leaves 90% in common."""

_BANDS: Final = 20
_ROWS: Final = 4
"""Functions that have 70% of their runs in common meet in a band with a probability of 99.6%, with 40% of 40%."""

_CROWD: Final = 64
"""In a band that holds more than so many, each meets only so many of the others: they all meet in other bands."""

_SLACK: Final = 0.2
"""How far the estimate may be below the threshold for a pair to be compared exactly; its deviation is 0.05."""

_BLOCK: Final = 1 << 20

_COMPARED: Final = 1 << 16
"""Pairs whose signatures are compared at once: 40 MB."""

_SETS: Final = 4_096
"""Functions whose runs are held as sets: some 20 MB."""

_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93], np.uint64)
"""Odd factors that make one number of the rows of a band."""


class Shingles:
    """The shingles of functions.

    Args:
        tokens: Of each function.
    """

    def __init__(self, tokens: Sequence[Tokens]) -> None:
        random = np.random.default_rng(0)
        highest = max((int(t.max()) for t in tokens if len(t)), default=0)
        self._noise = random.integers(1, 1 << 63, highest + 1, np.uint64)
        self._odd = random.integers(1, 1 << 62, RUN, np.uint64) * np.uint64(2) + np.uint64(1)
        self._seeds = random.integers(1, 1 << 62, (_BANDS * _ROWS, 2), np.uint64) * np.uint64(2) + np.uint64(1)
        self._of = [self._runs(one) for one in tokens]
        # For a few dozen runs, Python's sets are ten times as fast as NumPy, and fifty times as large as its arrays.
        self._set = lru_cache(_SETS)(lambda number: frozenset(self._of[number].tolist()))

    def _runs(self, tokens: Tokens) -> NDArray[np.uint64]:
        """Return the distinct hashes of the runs of a function, ascending."""
        noise = self._noise[tokens]
        count = max(1, len(tokens) - RUN + 1)
        hashes = np.zeros(count, np.uint64)
        for offset, factor in enumerate(self._odd[: len(tokens)]):
            hashes += noise[offset : offset + count] * factor
        return _distinct(hashes)

    def similarity(self, one: int, others: Sequence[int]) -> NDArray[np.float32]:
        """Return the share of runs that a function has in common with each of others, of shape [len(others)]."""
        mine = self._set(one)
        shares = np.empty(len(others), np.float32)
        for at, other in enumerate(others):
            theirs = self._set(other)
            common = len(mine & theirs)
            shares[at] = common / (len(mine) + len(theirs) - common)
        return shares

    def pairs(self, threshold: float) -> tuple[Pairs, NDArray[np.float32]]:
        """Return the pairs that have at least a share of their runs in common, and those shares.

        Returns:
            Pairs of shape [m, 2], the lower number first; shares of shape [m].
        """
        if len(self._of) < 2:
            return np.empty((0, 2), np.int64), np.empty(0, np.float32)
        signatures = self._signatures()
        pairs = _candidates(signatures)
        lengths = np.array([len(runs) for runs in self._of])
        shorter, longer = np.sort(lengths[pairs], axis=1).T
        pairs = pairs[shorter >= threshold * longer]
        agreeing = np.concatenate(
            [np.empty(0, bool)]
            + [
                (signatures[block[:, 0]] == signatures[block[:, 1]]).mean(axis=1) >= threshold - _SLACK
                for block in np.array_split(pairs, len(pairs) // _COMPARED + 1)
            ]
        )
        pairs = pairs[agreeing]
        shares = np.fromiter((self.similarity(one, [other])[0] for one, other in each(pairs)), np.float32, len(pairs))
        return pairs[shares >= threshold], shares[shares >= threshold]

    def _signatures(self) -> NDArray[np.uint32]:
        """Return the MinHash of each function, of shape [n, bands * rows]."""
        signatures = np.empty((len(self._of), len(self._seeds)), np.uint32)
        start = 0
        while start < len(self._of):
            stop, size = start, 0
            while stop < len(self._of) and (size < _BLOCK or stop == start):
                size += len(self._of[stop])
                stop += 1
            runs = np.concatenate(self._of[start:stop])
            bounds = np.cumsum([0, *(len(one) for one in self._of[start : stop - 1])])
            for column, (factor, term) in enumerate(self._seeds):
                mixed = ((runs * factor + term) >> np.uint64(32)).astype(np.uint32)
                signatures[start:stop, column] = np.minimum.reduceat(mixed, bounds)
            start = stop
        return signatures


def _candidates(signatures: NDArray[np.uint32]) -> Pairs:
    """Return the distinct pairs that agree in all rows of a band."""
    count = len(signatures)
    codes = np.empty(0, np.int64)
    for band in range(_BANDS):
        rows = signatures[:, band * _ROWS : (band + 1) * _ROWS].astype(np.uint64)
        keys = (rows * _MIX).sum(axis=1, dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        found = [codes]
        # Equal keys lie side by side: compare each with the next, the one after that, and so on while any are equal.
        for step in range(1, min(_CROWD, count)):
            equal = ordered[step:] == ordered[:-step]
            if not equal.any():
                break
            left, right = order[:-step][equal], order[step:][equal]
            found.append(np.minimum(left, right) * count + np.maximum(left, right))
        codes = _distinct(np.concatenate(found))
    return np.stack([codes // count, codes % count], axis=1)


_Integers = TypeVar("_Integers", NDArray[np.uint64], NDArray[np.int64])


def _distinct(values: _Integers) -> _Integers:
    """Return distinct values, ascending; for many integers several times as fast as ``numpy.unique`` of NumPy 2.3."""
    values.sort()
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values
