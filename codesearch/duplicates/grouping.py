"""From pairs that are alike to groups that are: average linkage with a floor, so that no chain of pairs makes a group.

Were a group whatever is connected (union-find, single linkage), then A like B, B like C and so on would put things
into one group that have nothing in common: in a large repository, half of it. Here two groups become one only if
their members are alike on average, and none of one is unlike any of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.pairs import Pairs, each

__all__ = ["FLOOR", "link"]

FLOOR: Final = 0.05
"""How far below the threshold the least similar pair of a group may be."""

_SAMPLE: Final = 24
"""Members of a large group that are compared: enough for its mean, and few enough for a group of thousands."""

Similarity = Callable[[int, Sequence[int]], NDArray[np.float32]]


def link(pairs: Pairs, scores: NDArray[np.float32], similarity: Similarity, threshold: float) -> list[list[int]]:
    """Return groups of two or more, each sorted, in the order of their first members.

    Args:
        pairs: Of items that are alike.
        scores: How much, shape [m].
        similarity: Of one item to each of several.
        threshold: The least mean similarity between what is joined.
    """
    group_of: dict[int, list[int]] = {}
    refused: set[tuple[int, int, int, int]] = set()
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -scores))
    for one, other in each(pairs[order]):
        mine, theirs = group_of.get(one, [one]), group_of.get(other, [other])
        if mine is theirs:
            continue
        attempt = (mine[0], len(mine), theirs[0], len(theirs))
        if attempt in refused:
            continue
        if not _alike(mine, theirs, similarity, threshold):
            refused.add(attempt)
            continue
        small, large = sorted((mine, theirs), key=len)
        large.extend(small)
        for item in (one, other, *small):
            group_of[item] = large
    distinct = {id(group): group for group in group_of.values()}
    return sorted(sorted(group) for group in distinct.values())


def _alike(mine: Sequence[int], theirs: Sequence[int], similarity: Similarity, threshold: float) -> bool:
    few, many = sorted((_sample(mine), _sample(theirs)), key=len)
    total = 0.0
    for item in few:
        found = similarity(item, many)
        if float(found.min()) < threshold - FLOOR:
            return False
        total += float(found.sum())
    return total >= threshold * len(few) * len(many)


def _sample(items: Sequence[int]) -> Sequence[int]:
    """Return all of a few items, or so many of many, evenly spread."""
    if len(items) <= _SAMPLE:
        return items
    return [items[i * len(items) // _SAMPLE] for i in range(_SAMPLE)]
