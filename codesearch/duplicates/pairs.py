"""Pairs of things that are alike, by number: many of them, so they are kept as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pairs", "each"]

Pairs = NDArray[np.int64]
"""Shape [m, 2], the lower number first, each pair once."""

_BLOCK: Final = 1 << 16


def each(pairs: Pairs) -> Iterator[tuple[int, int]]:
    """Yield pairs as numbers; millions of them at once would take twenty times the memory of the array."""
    for start in range(0, len(pairs), _BLOCK):
        yield from pairs[start : start + _BLOCK].tolist()
