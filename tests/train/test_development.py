from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from codesearch.errors import InputError
from codesearch_train.development import (
    DevelopmentSet,
    mean_over_sets,
    mean_reciprocal_rank,
    read_development,
    write_development,
)
from codesearch_train.tokens import Ragged
from codesearch_train.weights import load_encoder
from tests.train.training_data import synthetic_pairs


def test_mean_reciprocal_rank_worked_by_hand(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = {
        "queries": [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
        "documents": [[1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
    }
    sides = iter(torch.tensor(side) for side in vectors.values())
    monkeypatch.setattr("codesearch_train.development.encode_all", lambda *_: next(sides))
    one = Ragged.of([[8]] * 3)
    development = DevelopmentSet(
        "d", one, Ragged.of([[8]] * 4), np.array([0, 2, 1]), np.array([0, 0, 0, 1]), ("a", "b")
    )
    # Query 0: documents 1 before 0 (1.0 ties with 1.0: both count as before or equal), so rank 3 of 3 in pool a
    # is impossible: similarities 1.0, 1.0, 0.0 for unnormalised rows; its own 1.0 ties with document 1: rank 2.
    figures = mean_reciprocal_rank(load_encoder(str(tiny_bert)), _only_pool(development), (2, 3))
    assert figures["a"] == pytest.approx(100 * (1 / 2 + 1 / 1 + 1 / 2) / 3)


def _only_pool(development: DevelopmentSet) -> DevelopmentSet:
    return DevelopmentSet(
        development.name,
        development.queries,
        development.documents,
        development.gold,
        development.pool,
        ("a",),
    )


def test_a_trained_eye_beats_chance_and_pools_are_apart(tiny_bert: Path, tmp_path: Path) -> None:
    pairs = synthetic_pairs(200)
    development = DevelopmentSet.of_pairs("dev", pairs, pool_size=50)
    write_development(tmp_path / "dev.xz", development)
    again = read_development(tmp_path / "dev.xz")
    assert again.pools == ("go", "ruby")
    assert again.documents.ids.tolist() == development.documents.ids.tolist()
    figures = mean_reciprocal_rank(
        load_encoder(str(tiny_bert)), again, (2, 3), text_tokens=16, code_tokens=24, max_tokens=100
    )
    assert set(figures) == {"go", "ruby"}
    assert all(20 < figure <= 100 for figure in figures.values())  # shared words; chance is 9
    with pytest.raises(InputError, match="no language has 500"):
        DevelopmentSet.of_pairs("dev", pairs, pool_size=500)


def test_mean_over_sets_weighs_sets_equally() -> None:
    assert mean_over_sets([{"a": 10.0, "b": 30.0}, {"all": 40.0}]) == 30.0
