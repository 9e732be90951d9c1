"""Near-identical token sequences, by their runs of tokens.

A function is the set of its runs of `RUN` tokens (shingles), and two functions are as alike as the share of runs
that they have in common (Jaccard). `MinHash` names the pairs that are worth comparing. They are then compared exactly,
so that nothing is reported on an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.minhash import MinHash, agreement, distinct
from codesearch.duplicates.pairs import Pairs, each
from codesearch.duplicates.tokens import Tokens

__all__ = ["RUN", "Shingles"]

RUN: Final = 5
"""Tokens of a run: a changed token costs five runs, so one change in 100 tokens leaves 90% in common."""

_FUNCTIONS: Final = 80
"""Of `MinHash`, in bands of four: functions that have 70% of their runs in common meet in a band with a probability
of 99.6%, with 40% of 40%."""

_SLACK: Final = 0.2
"""How far the estimate may be below the threshold for a pair to be compared exactly; its deviation is 0.05."""

_SETS: Final = 4_096
"""Functions whose runs are held as sets: some 20 MB."""


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
        seeds = random.integers(1, 1 << 62, (_FUNCTIONS, 2), np.uint64) * np.uint64(2) + np.uint64(1)
        self._minhash = MinHash(seeds[:, 0], seeds[:, 1])
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
        return distinct(hashes)

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
        signatures = self._minhash.signatures(self._of)
        pairs = self._minhash.candidates(signatures)
        lengths = np.array([len(runs) for runs in self._of])
        shorter, longer = np.sort(lengths[pairs], axis=1).T
        pairs = pairs[shorter >= threshold * longer]
        pairs = pairs[agreement(signatures, pairs) >= threshold - _SLACK]
        shares = np.fromiter((self.similarity(one, [other])[0] for one, other in each(pairs)), np.float32, len(pairs))
        return pairs[shares >= threshold], shares[shares >= threshold]
