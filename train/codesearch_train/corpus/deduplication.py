"""Near-duplicates by MinHash and locality-sensitive hashing, vectorised over a whole corpus.

The method is Broder's (On the resemblance and containment of documents, 1997): the share of equal minima of
k hash functions over two sets estimates their Jaccard similarity; splitting the k minima into bands finds
the similar ones without comparing all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["PERMUTATIONS", "near_duplicates", "signature"]

PERMUTATIONS = 64
"""Hash functions in a signature: the standard error of an estimate of .85 is .045."""
BANDS = 16
"""Bands of four rows: a pair of similarity .85 meets in one of them with probability .9998, of .5 with .64."""

_random = np.random.default_rng(20221)
_FACTORS = _random.integers(1, 1 << 63, size=(PERMUTATIONS, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 1 << 63, size=(PERMUTATIONS, 1), dtype=np.uint64)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def signature(shingle_hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The MinHash signature of a set.

    Args:
        shingle_hashes: [n] hashes below 2**32, n >= 1.

    Returns:
        [PERMUTATIONS] minima of the upper 32 bits of ``mix(a * x + b)``, modulo 2**64. Without the
        mixing, small sets share the minima of several functions, and look alike.
    """
    hashed = _FACTORS * shingle_hashes[np.newaxis, :] + _OFFSETS
    hashed ^= hashed >> np.uint64(30)
    hashed *= _MIX
    minima: NDArray[np.uint32] = (hashed.min(axis=1) >> np.uint64(32)).astype(np.uint32)
    return minima


def near_duplicates(
    signatures: NDArray[np.uint32], threshold: float = 0.85, groups: Sequence[int] | None = None
) -> NDArray[np.intp]:
    """Finds for each signature an earlier one that it nearly equals.

    Order is priority: what comes first is kept. Each band sorts all signatures by its rows, so that equal
    ones lie side by side; each is compared with the first of its run.

    Args:
        signatures: [n, PERMUTATIONS].
        threshold: Share of equal minima from which two are near-duplicates.
        groups: Signatures of different groups are never compared; one group where None.

    Returns:
        [n] index of the earlier near-duplicate, or -1.
    """
    count = len(signatures)
    original = np.full(count, -1, dtype=np.intp)
    if count < 2:
        return original
    group = np.zeros(count, dtype=np.uint64) if groups is None else np.asarray(groups, dtype=np.uint64)
    rows = PERMUTATIONS // BANDS
    factors = np.array(
        [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], dtype=np.uint64
    )
    for band in range(BANDS):
        columns = signatures[:, band * rows : (band + 1) * rows].astype(np.uint64)
        keys = (columns * factors[np.newaxis, :rows]).sum(axis=1, dtype=np.uint64) ^ (
            group * np.uint64(0x9E3779B97F4A7C15)
        )
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        first = order[np.maximum.accumulate(np.where(starts, np.arange(count), 0))]
        candidates = (first != order) & (original[order] < 0)
        left, right = first[candidates], order[candidates]
        for start in range(0, len(left), 200_000):
            one, other = left[start : start + 200_000], right[start : start + 200_000]
            similar = (signatures[one] == signatures[other]).mean(axis=1) >= threshold
            similar &= group[one] == group[other]
            original[other[similar]] = one[similar]
    return original
