from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from codesearch.errors import InputError
from codesearch_train.loop.batches import Sequences, pair_sequences
from codesearch_train.loop.config import Distillation, TrainConfig
from codesearch_train.loop.development import encode_all
from codesearch_train.loop.distributed import World
from codesearch_train.loop.progress import Progress
from codesearch_train.loop.teaching import taught_vectors
from codesearch_train.loop.trainer import train
from codesearch_train.network.model import Encoder
from codesearch_train.network.text_preparation import special_ids
from codesearch_train.network.weights import load_encoder, read_tokenizer, save_encoder
from tests.train.training_data import small_run, synthetic_pairs


@pytest.fixture
def teachers(tiny_bert: Path, tmp_path: Path) -> tuple[str, str]:
    """The tiny encoder, and one that is like it but for random weights of its own."""
    torch.manual_seed(5)
    other = Encoder(load_encoder(str(tiny_bert)).shape)
    save_encoder(other, tmp_path / "other", read_tokenizer(str(tiny_bert)))
    return str(tiny_bert), str(tmp_path / "other")


def sequences_of(config: TrainConfig, model: str) -> Sequences:
    special = special_ids(read_tokenizer(model))
    return pair_sequences(synthetic_pairs(), config, special, torch.device("cpu"))


def taught(config: TrainConfig, sequences: Sequences) -> torch.Tensor:
    encoders = [load_encoder(name) for name in config.distillation.teachers]
    return taught_vectors(encoders, sequences, config, 64, World("cpu"))


def losses(config: TrainConfig) -> list[float]:
    return [event.loss for event in train(config) if isinstance(event, Progress)]


def learning_of(teachers: tuple[str, ...], vectors: str = "") -> Distillation:
    return Distillation(teachers=teachers, vectors=vectors, cosine=0.0, contrastive=0.0)


def test_the_mean_of_two_teachers_cosines_is_taught(teachers: tuple[str, str], tmp_path: Path) -> None:
    config = small_run(tmp_path, Path(teachers[0]), distillation=learning_of(teachers))
    sequences = sequences_of(config, teachers[0])
    vectors = taught(config, sequences).float()
    rows = np.arange(len(sequences))
    each = [encode_all(load_encoder(name), sequences, rows, 64) for name in teachers]
    assert vectors.shape == (len(sequences), 64)
    assert not torch.allclose(each[0] @ each[0].T, each[1] @ each[1].T, atol=0.05)
    mean = (each[0] @ each[0].T + each[1] @ each[1].T) / 2
    torch.testing.assert_close(vectors @ vectors.T, mean, atol=2e-3, rtol=0)


def test_a_student_that_is_its_teacher_has_nothing_to_learn(teachers: tuple[str, str], tmp_path: Path) -> None:
    weights = Distillation(teachers=teachers[:1], contrastive=0.0)
    same = small_run(tmp_path, Path(teachers[0]), name="same", steps=1, distillation=weights)
    other = small_run(tmp_path, Path(teachers[1]), name="other", steps=1, distillation=weights)
    assert losses(same)[0] < 1e-3 < 0.1 < losses(other)[0]


def test_a_student_learns_from_two_teachers(teachers: tuple[str, str], tmp_path: Path) -> None:
    config = small_run(tmp_path, Path(teachers[0]), steps=40, layers=(0,), distillation=learning_of(teachers))
    seen = losses(config)
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])


def test_vectors_are_kept_for_the_next_student(
    teachers: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kept" / "vectors.safetensors"
    plain = small_run(tmp_path, Path(teachers[0]), name="plain", layers=(1,), distillation=learning_of(teachers))
    keeping = dataclasses.replace(plain, name="keeping", distillation=learning_of(teachers, str(file)))
    expected = losses(plain)
    assert losses(keeping) == expected
    monkeypatch.setattr(
        "codesearch_train.loop.teaching.encode_all", lambda *_: pytest.fail("a teacher was asked again")
    )
    assert losses(dataclasses.replace(keeping, name="next")) == expected


def test_kept_vectors_of_something_else_are_refused(teachers: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "vectors.safetensors"
    config = small_run(tmp_path, Path(teachers[0]), distillation=learning_of(teachers, str(file)))
    sequences = sequences_of(config, teachers[0])
    taught(config, sequences)
    others = dataclasses.replace(config, distillation=learning_of(teachers[:1], str(file)))
    with pytest.raises(InputError, match="other teachers or pairs; delete it or name another"):
        taught(others, sequences)
    shorter = dataclasses.replace(config, code_tokens=6)
    with pytest.raises(InputError, match="other teachers or pairs; delete it or name another"):
        taught(shorter, sequences_of(shorter, teachers[0]))
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(InputError, match=r"is damaged .*; delete it"):
        taught(config, sequences)


def test_a_run_goes_on_where_its_vectors_were_moved(teachers: tuple[str, str], tmp_path: Path) -> None:
    straight = small_run(tmp_path, Path(teachers[0]), name="straight", distillation=learning_of(teachers))
    halves = dataclasses.replace(straight, name="halves")
    list(train(halves, stop_after=5))
    moved = dataclasses.replace(halves, distillation=learning_of(teachers, str(tmp_path / "moved.safetensors")))
    assert losses(moved) == pytest.approx(losses(straight)[5:], abs=1e-5)


def test_the_cosine_takes_one_teacher() -> None:
    with pytest.raises(InputError, match="cosine takes one teacher: set it to 0"):
        TrainConfig(distillation=Distillation(teachers=("a", "b")))
