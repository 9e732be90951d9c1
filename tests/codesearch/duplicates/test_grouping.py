from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from codesearch.duplicates.grouping import link
from codesearch.duplicates.opposites import are_opposites


def groups(similar: dict[tuple[int, int], float], threshold: float = 0.9) -> list[list[int]]:
    def similarity(one: int, others: Sequence[int]) -> np.ndarray:
        found = [similar.get((min(one, o), max(one, o)), 0.0) for o in others]
        return np.array(found, np.float32)

    linked = {pair: score for pair, score in similar.items() if score >= threshold}
    pairs = np.array(list(linked), np.int64).reshape(-1, 2)
    return link(pairs, np.array(list(linked.values()), np.float32), similarity, threshold)


def test_a_chain_of_pairs_is_no_group() -> None:
    chain = {(i, i + 1): 0.91 for i in range(10)}
    assert groups(chain) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_all_alike_is_one_group_and_the_best_pair_comes_first() -> None:
    assert groups({(0, 1): 0.95, (0, 2): 0.93, (1, 2): 0.92}) == [[0, 1, 2]]
    assert groups({(0, 1): 0.91, (1, 2): 0.97, (0, 2): 0.5}) == [[1, 2]]


def test_a_pair_just_below_the_threshold_does_not_part_a_group_that_is_alike_on_average() -> None:
    assert groups({(0, 1): 0.97, (0, 2): 0.95, (1, 2): 0.87}) == [[0, 1, 2]]
    assert groups({(0, 1): 0.97, (0, 2): 0.95, (1, 2): 0.84}) == [[0, 1]]


def test_two_groups_become_one_only_if_all_of_both_are_alike() -> None:
    two = {(0, 1): 0.99, (2, 3): 0.98, (1, 2): 0.95}
    assert groups(two) == [[0, 1], [2, 3]]
    assert groups({**two, (0, 2): 0.91, (0, 3): 0.91, (1, 3): 0.91}) == [[0, 1, 2, 3]]


def test_no_pairs_no_groups() -> None:
    assert groups({}) == []


def test_a_large_group_is_one() -> None:
    size = 300
    assert groups({(i, j): 0.95 for i in range(size) for j in range(i + 1, size)}) == [list(range(size))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("encodeText", "decode_text"),
        ("Lock", "Unlock"),
        ("bytesToText", "text_to_bytes"),
        ("HTTPRead", "HTTPWrite"),
        ("on_start", "on_stop"),
        ("GenericAttributesToOSAttrs", "OSAttrsToGenericAttributes"),
    ],
)
def test_opposites(one: str, other: str) -> None:
    assert are_opposites(one, other)
    assert are_opposites(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("parse", "parse"), ("readRows", "read_lines"), ("toText", "toText"), ("", "x"), ("add_start", "add_start_task")],
)
def test_no_opposites(one: str, other: str) -> None:
    assert not are_opposites(one, other)
