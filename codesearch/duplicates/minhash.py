"""MinHash and locality-sensitive hashing: which of many sets are alike, without comparing all with all.

The share of equal minima of k hash functions over two sets estimates the share of members that they have in common
(Jaccard; Broder, *On the resemblance and containment of documents*, 1997). Sets that agree in all minima of one band
are candidates (Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, 3.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.pairs import Pairs

__all__ = ["MinHash", "agreement", "distinct"]

_ROWS: Final = 4
"""Minima of a band: sets that have a share s in common meet in one of b bands with probability 1 - (1 - s^4)^b."""

_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_KEY: Final = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93], np.uint64)
"""Odd factors that make one number of the minima of a band."""

_CROWD: Final = 64
"""In a band that holds more than so many, each meets only so many of the others: they all meet in other bands."""

_BLOCK: Final = 1 << 20
"""Members that are hashed at once."""

_COMPARED: Final = 1 << 16
"""Pairs whose signatures are compared at once: 40 MB."""


class MinHash:
    """Hash functions ``upper 32 bits of factor * member + term``.

    Args:
        factors: Of the functions, odd; of shape [k], k a multiple of four.
        terms: Of shape [k].
        mixed: Whether bits are mixed once more before the upper ones are taken. Without it the functions keep something
            of the order of their members: estimates of small sets of numbers in a row are off, by .07 for six.
    """

    def __init__(self, factors: NDArray[np.uint64], terms: NDArray[np.uint64], *, mixed: bool = False) -> None:
        self._factors, self._terms, self._mixed = factors, terms, mixed
        self._bands = len(factors) // _ROWS

    def signatures(self, sets: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint32]:
        """Return the minima of sets.

        Args:
            sets: Each of shape [n], n >= 1.

        Returns:
            Of shape [len(sets), k].
        """
        signatures = np.empty((len(sets), len(self._factors)), np.uint32)
        start = 0
        while start < len(sets):
            stop, size = start, 0
            while stop < len(sets) and (size < _BLOCK or stop == start):
                size += len(sets[stop])
                stop += 1
            members = np.concatenate(sets[start:stop])
            bounds = np.cumsum([0, *(len(one) for one in sets[start : stop - 1])])
            for column, (factor, term) in enumerate(zip(self._factors, self._terms, strict=True)):
                hashed = members * factor + term
                if self._mixed:
                    hashed ^= hashed >> np.uint64(30)
                    hashed *= _MIX
                upper = (hashed >> np.uint64(32)).astype(np.uint32)
                signatures[start:stop, column] = np.minimum.reduceat(upper, bounds)
            start = stop
        return signatures

    def candidates(self, signatures: NDArray[np.uint32]) -> Pairs:
        """Return the pairs that agree in all minima of a band.

        Args:
            signatures: Of shape [n, k].
        """
        count = len(signatures)
        codes = np.empty(0, np.int64)
        for keys in self._keys(signatures):
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            found = [codes]
            # Equal keys lie side by side: compare each with the next, the one after that, and so on while any equal.
            for step in range(1, min(_CROWD, count)):
                equal = ordered[step:] == ordered[:-step]
                if not equal.any():
                    break
                left, right = order[:-step][equal], order[step:][equal]
                found.append(np.minimum(left, right) * count + np.maximum(left, right))
            codes = distinct(np.concatenate(found))
        return np.stack([codes // count, codes % count], axis=1) if count else np.empty((0, 2), np.int64)

    def originals(
        self, signatures: NDArray[np.uint32], threshold: float, groups: NDArray[np.uint64]
    ) -> NDArray[np.intp]:
        """Find for each set an earlier one that it nearly equals, by the estimate.

        Order is priority: what comes first is kept. In each band, sets are compared with the first of those that
        they meet.

        Args:
            signatures: Of shape [n, k].
            threshold: Share of equal minima from which two are nearly equal.
            groups: Of shape [n]; sets of different groups are never compared.

        Returns:
            Of shape [n]: the number of the earlier one, or -1.
        """
        count = len(signatures)
        original = np.full(count, -1, dtype=np.intp)
        if count < 2:
            return original
        for keys in self._keys(signatures):
            keys ^= groups * _KEY[0]
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            starts = np.concatenate(([True], ordered[1:] != ordered[:-1]))
            first = order[np.maximum.accumulate(np.where(starts, np.arange(count), 0))]
            candidates = (first != order) & (original[order] < 0)
            left, right = first[candidates], order[candidates]
            alike = agreement(signatures, np.stack([left, right], axis=1)) >= threshold
            alike &= groups[left] == groups[right]
            original[right[alike]] = left[alike]
        return original

    def _keys(self, signatures: NDArray[np.uint32]) -> Iterator[NDArray[np.uint64]]:
        """Yield for each band one number a set, of shape [n]; equal ones for equal minima."""
        for band in range(self._bands):
            rows = signatures[:, band * _ROWS : (band + 1) * _ROWS].astype(np.uint64)
            yield (rows * _KEY).sum(axis=1, dtype=np.uint64)


def agreement(signatures: NDArray[np.uint32], pairs: Pairs) -> NDArray[np.float64]:
    """Return the share of equal minima of pairs, of shape [m]: the estimate of what they have in common."""
    shares = np.empty(len(pairs))
    for start in range(0, len(pairs), _COMPARED):
        one, other = pairs[start : start + _COMPARED].T
        shares[start : start + _COMPARED] = (signatures[one] == signatures[other]).mean(axis=1)
    return shares


_Integers = TypeVar("_Integers", NDArray[np.uint64], NDArray[np.int64])


def distinct(values: _Integers) -> _Integers:
    """Return distinct values, ascending; for many integers several times as fast as ``numpy.unique`` of NumPy 2.3."""
    values.sort()
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values
