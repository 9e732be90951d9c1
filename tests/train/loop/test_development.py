from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from codesearch.errors import InputError
from codesearch_train.corpus.shards import write_lines
from codesearch_train.corpus.token_files import Ragged
from codesearch_train.loop.development import (
    DevelopmentSet,
    Pool,
    mean_over_sets,
    mean_reciprocal_rank,
    one_each,
    read_development,
    read_pools,
    write_development,
)
from codesearch_train.network.text_preparation import prepare_tokenizer
from codesearch_train.network.weights import load_encoder, read_tokenizer
from tests.train.training_data import synthetic_pairs


def test_mean_reciprocal_rank_worked_by_hand(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = {
        "queries": [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
        "documents": [[1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
    }
    sides = iter(torch.tensor(side) for side in vectors.values())
    monkeypatch.setattr("codesearch_train.loop.development.encode_all", lambda *_: next(sides))
    one = Ragged.of([[8]] * 3)
    development = DevelopmentSet(
        "d", one, Ragged.of([[8]] * 4), one_each(np.array([0, 2, 1])), np.array([0, 0, 0, 1]), ("a", "b")
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


def test_of_several_right_documents_the_best_counts(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = {
        "queries": [[1.0, 0.0], [0.0, 1.0]],
        "documents": [[0.9, 0.0], [0.5, 0.0], [0.5, 0.0], [0.0, 1.0], [0.0, 0.5]],
    }
    sides = iter(torch.tensor(side) for side in vectors.values())
    monkeypatch.setattr("codesearch_train.loop.development.encode_all", lambda *_: next(sides))
    development = DevelopmentSet(
        "d", Ragged.of([[8]] * 2), Ragged.of([[8]] * 5), Ragged.of([[1, 3], [3, 4]]), np.zeros(5, np.int64), ("a",)
    )
    # Query 0: .9 is before .5, and the wrong .5 ties with the right one: rank 3. Query 1: both right ones lead.
    figures = mean_reciprocal_rank(load_encoder(str(tiny_bert)), development, (2, 3))
    assert figures["a"] == pytest.approx(100 * (1 / 3 + 1) / 2)


def test_pool_files_become_development_sets(tiny_bert: Path, tmp_path: Path) -> None:
    record = {"pool": "go", "queries": ["open a file"], "documents": ["a", "func Open()"], "relevant": [[1]]}
    write_lines(tmp_path / "dev.pools.gz", [record])
    (pool,) = read_pools(tmp_path / "dev.pools.gz")
    assert pool == Pool("go", ("open a file",), ("a", "func Open()"), ((1,),))
    tokenizer = prepare_tokenizer(read_tokenizer(str(tiny_bert)))
    development = DevelopmentSet.of_pools("dev", [pool, pool], tokenizer, text_tokens=16, code_tokens=24)
    write_development(tmp_path / "dev.xz", development)
    again = read_development(tmp_path / "dev.xz")
    assert [again.gold[row].tolist() for row in range(2)] == [[1], [3]]
    assert again.pool.tolist() == [0, 0, 1, 1]
    assert len(again.queries) == 2


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"pool": "go", "queries": ["x"], "documents": ["a"]}, "no pool"),
        ({"pool": "go", "queries": ["x"], "documents": ["a"], "relevant": [[1]]}, "none of the 1"),
        ({"pool": "go", "queries": ["x"], "documents": ["a"], "relevant": [[]]}, "none of the 1"),
        ({"pool": "go", "queries": ["x", "y"], "documents": ["a"], "relevant": [[0]]}, "2 questions but 1"),
        (None, "holds no pool"),
    ],
)
def test_what_is_no_pool_file_is_refused(tmp_path: Path, record: dict[str, object] | None, reason: str) -> None:
    write_lines(tmp_path / "bad.pools.gz", [record] if record else [])
    with pytest.raises(InputError, match=reason):
        read_pools(tmp_path / "bad.pools.gz")
