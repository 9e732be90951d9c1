"""Near-duplicates over a whole corpus, by MinHash (`codesearch.duplicates.minhash`) of runs of tokens.

Estimates decide here: a corpus is too large to compare what they name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.minhash import MinHash

__all__ = ["PERMUTATIONS", "near_duplicates", "signatures"]

PERMUTATIONS = 64
"""Hash functions in a signature: the standard error of an estimate of .85 is .045. In 16 bands of four, a pair of
similarity .85 meets in one with probability .9998, of .5 with .64."""

_random = np.random.default_rng(20221)
_FACTORS = _random.integers(1, 1 << 63, size=PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 1 << 63, size=PERMUTATIONS, dtype=np.uint64)
_MINHASH = MinHash(_FACTORS, _OFFSETS, mixed=True)


def signatures(shingles: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    """The MinHash signatures of sets of hashes below 2**32, each of shape [n], n >= 1.

    Returns:
        [len(shingles), PERMUTATIONS], the same in every process and version.
    """
    return _MINHASH.signatures(shingles)


def near_duplicates(
    found: NDArray[np.uint32], threshold: float = 0.85, groups: Sequence[int] | None = None
) -> NDArray[np.intp]:
    """Finds for each signature an earlier one that it nearly equals. Order is priority: what comes first is kept.

    Args:
        found: [n, PERMUTATIONS] signatures.
        threshold: Share of equal minima from which two are near-duplicates.
        groups: Signatures of different groups are never compared; one group where None.

    Returns:
        [n] index of the earlier near-duplicate, or -1.
    """
    group = np.zeros(len(found), dtype=np.uint64) if groups is None else np.asarray(groups, dtype=np.uint64)
    return _MINHASH.originals(found, threshold, group)
