"""MinHash: estimates, candidates, and the earlier one that a set nearly equals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from codesearch.duplicates.minhash import MinHash, agreement


def functions(count: int, *, mixed: bool = False) -> MinHash:
    random = np.random.default_rng(3)
    factors, terms = random.integers(1, 1 << 62, (2, count), np.uint64) * np.uint64(2) + np.uint64(1)
    return MinHash(factors, terms, mixed=mixed)


def members(size: int, seed: int, below: int = 1 << 63) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, below, size, np.uint64)


def with_common(size: int, common: int, seed: int) -> list[NDArray[np.uint64]]:
    """Two sets of a size that have some members in common."""
    values = members(2 * size - common, seed)
    return [values[:size], values[size - common :]]


@pytest.mark.parametrize(("size", "common"), [(30, 27), (30, 10), (300, 200)])
def test_equal_minima_estimate_what_sets_have_in_common(size: int, common: int) -> None:
    minhash = functions(80)
    estimates = [
        agreement(minhash.signatures(with_common(size, common, seed)), np.array([[0, 1]]))[0] for seed in range(60)
    ]
    assert np.mean(estimates) == pytest.approx(common / (2 * size - common), abs=0.03)


def test_sets_are_hashed_alike_alone_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    minhash, sets = functions(8, mixed=True), [members(size, size) for size in (1, 40, 3, 500, 7)]
    together = minhash.signatures(sets)
    monkeypatch.setattr("codesearch.duplicates.minhash._BLOCK", 10)
    assert (minhash.signatures(sets) == together).all()
    assert (np.concatenate([minhash.signatures([one]) for one in sets]) == together).all()
    assert minhash.signatures([]).shape == (0, 8)


def test_mixing_takes_the_order_of_members_away() -> None:
    def mean_estimate(minhash: MinHash) -> float:
        """For two of six numbers in a row, four of them in common: a share of one half."""
        starts = np.random.default_rng(0).integers(0, 1 << 20, 300)
        rows = [[np.arange(n, n + 6, dtype=np.uint64), np.arange(n + 2, n + 8, dtype=np.uint64)] for n in starts]
        return float(np.mean([agreement(minhash.signatures(two), np.array([[0, 1]]))[0] for two in rows]))

    assert mean_estimate(functions(80, mixed=True)) == pytest.approx(0.5, abs=0.02)
    assert mean_estimate(functions(80)) < 0.45


def test_candidates_are_those_that_are_alike() -> None:
    minhash = functions(80)
    sets = [*with_common(100, 95, 1), members(100, 2), *with_common(100, 100, 3), members(100, 4)]
    assert minhash.candidates(minhash.signatures(sets)).tolist() == [[0, 1], [3, 4]]
    assert minhash.candidates(minhash.signatures(sets[:1])).tolist() == []
    assert minhash.candidates(minhash.signatures([])).tolist() == []


def test_the_original_is_the_earliest_of_its_group() -> None:
    minhash = functions(64, mixed=True)
    one, other = with_common(200, 196, 1)
    minima = minhash.signatures([members(200, 5), one, other, one, one])
    groups = np.array([0, 0, 0, 1, 0], np.uint64)
    assert minhash.originals(minima, 0.85, groups).tolist() == [-1, -1, 1, -1, 1]
    assert minhash.originals(minima, 1.0, groups).tolist() == [-1, -1, -1, -1, 1]
