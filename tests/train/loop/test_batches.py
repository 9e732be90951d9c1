from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import Pairs, Ragged
from codesearch_train.loop.batches import Sequences, epoch_batches, group_neighbours, sub_batches
from codesearch_train.loop.config import TrainConfig
from tests.train.training_data import synthetic_pairs


def many_pairs(count: int = 4000, repositories: int = 40) -> Pairs:
    random = np.random.default_rng(1)
    sequences = Ragged.of([[1 + index % 50] for index in range(count)])
    repository = random.integers(0, repositories, size=count).astype(np.int32)
    return Pairs(
        sequences,
        sequences,
        repository,
        (repository % 4).astype(np.int32),
        (np.arange(count) % 2).astype(np.int32),
        tuple(map(str, range(repositories))),
        ("c", "go", "java", "ruby"),
        ("docstring", "name"),
    )


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(**{"batch_size": 64, "mates": 0.0, "one_language": 0.0, **changes})


def same_repository(pairs: Pairs, batches: np.ndarray[Any, Any]) -> float:
    """Mean number of other pairs of the batch that are of a pair's repository."""
    counts = [np.bincount(pairs.repository[batch]) for batch in batches]
    return float(np.mean([(count * (count - 1)).sum() / count.sum() for count in counts]))


def test_an_epoch_visits_each_pair_at_most_once_and_leaves_out_less_than_a_batch() -> None:
    pairs = many_pairs()
    batches = epoch_batches(pairs, config(mates=0.5, one_language=0.5), 0)
    rows = batches.ravel()
    assert len(set(rows.tolist())) == len(rows)
    assert len(pairs) - len(rows) < 64


def test_an_epoch_is_a_pure_function_of_its_number() -> None:
    pairs = many_pairs()
    settings = config(mates=0.5, one_language=0.5)
    assert (epoch_batches(pairs, settings, 3) == epoch_batches(pairs, settings, 3)).all()
    assert (epoch_batches(pairs, settings, 3) != epoch_batches(pairs, settings, 4)).any()


def test_mates_bring_pairs_of_one_repository_together() -> None:
    pairs = many_pairs()
    alone = same_repository(pairs, epoch_batches(pairs, config(), 0))
    together = same_repository(pairs, epoch_batches(pairs, config(mates=1.0, mates_group=16), 0))
    assert alone < 2.5
    assert together > 13


def test_batches_of_one_language() -> None:
    pairs = many_pairs()
    batches = epoch_batches(pairs, config(one_language=0.5), 0)
    single = np.mean([len(set(pairs.language[batch].tolist())) == 1 for batch in batches])
    assert 0.35 < single < 0.55
    assert all(len(set(pairs.language[batch].tolist())) > 1 for batch in epoch_batches(pairs, config(), 0))


def test_shares_of_kinds() -> None:
    pairs = many_pairs()
    rows = epoch_batches(pairs, config(kinds={"name": 0.25, "docstring": 2.0}), 0).ravel()
    kinds = np.bincount(pairs.kind[rows])
    assert 3800 < kinds[0] <= 4000
    assert 400 < kinds[1] < 600


def test_unknown_kind_and_too_few_pairs_are_said() -> None:
    with pytest.raises(InputError, match="no pair is of kind 'commit'"):
        epoch_batches(many_pairs(), config(kinds={"commit": 1.0}), 0)
    with pytest.raises(InputError, match="lower batch_size"):
        epoch_batches(many_pairs(10), config(), 0)


def test_neighbours_come_into_one_batch() -> None:
    pairs = many_pairs(640)
    partner = np.arange(640).reshape(-1, 2)[:, ::-1].ravel().astype(np.int32)[:, None]
    batches = epoch_batches(pairs, config(mates=1.0, mates_group=2), 0, partner)
    whole = np.mean([partner[row, 0] in batch for batch in batches for row in batch])
    assert whole > 0.95


def test_groups_of_neighbours_are_bounded_and_disjoint() -> None:
    neighbours = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [-1, -1, -1]], np.int32)
    groups = group_neighbours(np.array([0, 1, 2, 3]), neighbours, 3)
    assert groups.tolist() == [0, 0, 0, 1]
    repeated = group_neighbours(np.array([0, 0, 3]), neighbours, 3)  # a pair that is drawn twice
    assert repeated.tolist() == [0, 1, 0]


def test_sub_batches_cover_everything_within_the_budget_longest_first() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, size=500)
    pieces = sub_batches(lengths, 1000)
    assert sorted(np.concatenate([piece.members for piece in pieces]).tolist()) == list(range(500))
    assert all(piece.tokens == lengths[piece.members].sum() <= 1000 for piece in pieces)
    assert [piece.longest for piece in pieces] == sorted((piece.longest for piece in pieces), reverse=True)
    assert len(pieces) <= 1 + -(-int(lengths.sum()) // (1000 - 60))


def test_a_sequence_over_the_budget_gets_a_sub_batch_of_its_own() -> None:
    assert [len(piece.members) for piece in sub_batches(np.array([5, 50, 4]), 10)] == [1, 2]


def test_packing_puts_special_tokens_around_and_cuts() -> None:
    ragged = Ragged.of([[5, 6, 7, 8], [9], [10, 11]])
    sequences = Sequences(ragged, np.array([5, 5, 5]), (2, 3), torch.device("cpu"))
    packed = sequences.pack(np.array([2, 0]))
    assert packed.ids.tolist() == [2, 10, 11, 3, 2, 5, 6, 7, 3]
    assert packed.position.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4]
    assert packed.sequence.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert packed.starts.tolist() == [0, 4, 9]
    assert packed.longest == 5


def test_synthetic_pairs_have_equal_columns() -> None:
    pairs = synthetic_pairs()
    assert len({len(pairs.texts), len(pairs.codes), len(pairs.repository), len(pairs.language), len(pairs.kind)}) == 1
    assert dataclasses.replace(pairs).take(np.array([3])).texts[0].tolist() == pairs.texts[3].tolist()


def test_masking_spares_the_special_tokens() -> None:
    ragged = Ragged.of([[7] * 400, [8] * 400])
    sequences = Sequences(ragged, np.full(2, 512), (2, 3), torch.device("cpu"), mask=4)
    torch.manual_seed(0)
    packed = sequences.pack(np.arange(2), masked=0.25)
    assert packed.ids[packed.position == 0].tolist() == [2, 2]
    assert packed.ids[[401, 803]].tolist() == [3, 3]
    assert 0.2 < (packed.ids == 4).float().mean() < 0.3
    assert not (sequences.pack(np.arange(2)).ids == 4).any()
