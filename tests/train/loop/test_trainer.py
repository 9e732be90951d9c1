from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from codesearch.errors import InputError
from codesearch_train.loop import trainer as trainer_module
from codesearch_train.loop.config import Distillation, TrainConfig
from codesearch_train.loop.development import DevelopmentSet, one_each, write_development
from codesearch_train.loop.optimization import learning_rate
from codesearch_train.loop.progress import Evaluation, Progress, SavedModel
from codesearch_train.loop.trainer import train
from codesearch_train.network.weights import load_encoder
from tests.train.training_data import small_run, synthetic_pairs


def final_weights(config: TrainConfig) -> dict[str, torch.Tensor]:
    return load_encoder(str(Path(config.runs) / config.name / "last")).state_dict()


def test_training_lowers_the_loss(tiny_bert: Path, tmp_path: Path) -> None:
    events = list(train(small_run(tmp_path, tiny_bert, steps=40)))
    losses = [event.loss for event in events if isinstance(event, Progress)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.step, last.steps) == (40, 40)
    assert last.pairs_per_second > 0
    assert last.utilisation is None


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_resumed_run_equals_one_that_was_never_interrupted(tiny_bert: Path, tmp_path: Path, share: float) -> None:
    straight = small_run(tmp_path, tiny_bert, name="straight", steps=10, dropout=share, token_masking=share)
    halves = dataclasses.replace(straight, name="halves")
    list(train(straight))
    list(train(halves, stop_after=7))  # in the second epoch: 96 pairs are 6 batches of 16
    half_way = final_weights(halves)
    steps = [event.step for event in train(halves) if isinstance(event, Progress)]
    assert steps == [8, 9, 10]
    for name, tensor in final_weights(straight).items():
        torch.testing.assert_close(final_weights(halves)[name], tensor, rtol=0, atol=1e-6)
    assert any(not torch.equal(half_way[name], tensor) for name, tensor in final_weights(straight).items())


def test_checkpoint_of_another_configuration_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    config = small_run(tmp_path, tiny_bert, steps=2)
    list(train(config))
    with pytest.raises(InputError, match=r"another configuration \(learning_rate was 0\.002, is 0\.1\)"):
        list(train(dataclasses.replace(config, learning_rate=0.1)))
    checkpoint = Path(config.runs) / config.name / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged; delete it"):
        list(train(config))


def test_minutes_stop_a_run_with_a_checkpoint(tiny_bert: Path, tmp_path: Path) -> None:
    config = small_run(tmp_path, tiny_bert, steps=1000, minutes=0.002)
    events = list(train(config))
    done = [event.step for event in events if isinstance(event, Progress)][-1]
    assert done < 1000
    assert (Path(config.runs) / config.name / "checkpoint.pt").exists()


def development_file(folder: Path) -> str:
    pairs = synthetic_pairs(40, seed=9)
    rows = np.arange(len(pairs))
    development = DevelopmentSet(
        "dev", pairs.texts, pairs.codes, one_each(rows), np.zeros(len(rows), np.int64), ("all",)
    )
    write_development(folder / "dev.xz", development)
    return str(folder / "dev.xz")


def test_the_best_checkpoint_is_kept(tiny_bert: Path, tmp_path: Path) -> None:
    config = small_run(tmp_path, tiny_bert, steps=30, evaluate_every=10, development=(development_file(tmp_path),))
    events = list(train(config))
    evaluations = [event for event in events if isinstance(event, Evaluation)]
    assert [event.step for event in evaluations] == [10, 20, 30]
    assert [event.best for event in evaluations] == [
        event.mean > max([earlier.mean for earlier in evaluations[:place]], default=-1.0)
        for place, event in enumerate(evaluations)
    ]
    saved = [event.step for event in events if isinstance(event, SavedModel) and event.what == "best weights"]
    assert saved == [event.step for event in evaluations if event.best]
    assert (Path(config.runs) / config.name / "best" / "model.safetensors").exists()


def test_delivered_weights_are_averaged_with_the_initial_ones(tiny_bert: Path, tmp_path: Path) -> None:
    plain = small_run(tmp_path, tiny_bert, name="plain", steps=3)
    mixed = dataclasses.replace(plain, name="mixed", initial_share=0.4)
    list(train(plain))
    list(train(mixed))
    initial = load_encoder(str(tiny_bert)).state_dict()
    for name, tensor in final_weights(mixed).items():
        torch.testing.assert_close(tensor, 0.6 * final_weights(plain)[name] + 0.4 * initial[name], atol=1e-5, rtol=0)


def test_distillation_brings_a_student_of_one_layer_closer_to_its_teacher(tiny_bert: Path, tmp_path: Path) -> None:
    weights = Distillation(teachers=(str(tiny_bert),), contrastive=0.0)
    config = small_run(tmp_path, tiny_bert, steps=30, layers=(0,), distillation=weights)
    losses = [event.loss for event in train(config) if isinstance(event, Progress)]
    assert losses[-1] < 0.6 * losses[0]
    assert load_encoder(str(Path(config.runs) / config.name / "last")).shape.layers == 1


def test_learning_rate_rises_then_falls_to_its_floor() -> None:
    config = TrainConfig(steps=100, warmup=0.1, final_rate=0.1)
    rates = [learning_rate(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"batch_size": 200}, "lower batch_size"),
        ({"data": ("nowhere",)}, "codesearch-train tokenize"),
        ({"text_tokens": 64, "max_tokens": 100}, "lower text_tokens"),
        ({"matryoshka": (16, 64)}, "32 dimensions only"),
        ({"development": ("nowhere.xz",)}, "no such file"),
        ({"neighbours": "nowhere.xz"}, "no such file"),
    ],
)
def test_bad_input_is_refused_before_the_first_step(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr(trainer_module, "step", lambda _: pytest.fail("a step was made"))
    with pytest.raises(InputError, match=sentence):
        list(train(small_run(tmp_path, tiny_bert, **changes)))


def test_out_of_memory_names_the_setting(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer_module, "step", exhausted)
    with pytest.raises(InputError, match=r"lower max_tokens \(now 64\)"):
        list(train(small_run(tmp_path, tiny_bert)))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_a_machine_without_memory_names_the_setting(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def exhausted(_: object) -> None:
        raise error

    monkeypatch.setattr(trainer_module, "step", exhausted)
    with pytest.raises(InputError, match=r"the machine is out of memory: lower batch_size \(now 16\)"):
        list(train(small_run(tmp_path, tiny_bert)))


def test_another_error_is_not_taken_for_that(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(trainer_module, "step", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        list(train(small_run(tmp_path, tiny_bert)))


def test_epochs_become_steps_and_a_cpu_has_settings_of_its_own(tiny_bert: Path, tmp_path: Path) -> None:
    config = small_run(tmp_path, tiny_bert, epochs=1.5, steps=100, kinds={"name": 0.0}, cpu={"batch_size": 24})
    steps = [event for event in train(config) if isinstance(event, Progress)]
    assert len(steps) == round(1.5 * 72 / 24), "72 of 96 pairs are drawn: those of the other kind"
    assert len([event for event in train(config) if isinstance(event, Progress)]) == 0, "it goes on where it was"


def test_files_of_pairs_are_tokenised_when_the_run_starts(tiny_bert: Path, tmp_path: Path) -> None:
    rows = [
        {"text": f"parse file {n}", "code": f"def f{n}(): json", "repository": "a/b", "path": "", "language": "python"}
        | {"licence": "MIT", "split": "train", "kind": "docstring"}
        for n in range(40)
    ]
    shard = tmp_path / "pairs.jsonl"
    shard.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = small_run(tmp_path, tiny_bert, steps=2, data=(str(shard),))
    assert [event.step for event in train(config) if isinstance(event, Progress)] == [1, 2]
    shard.write_text(json.dumps({**rows[0], "text": ""}))
    with pytest.raises(InputError, match=r"pairs\.jsonl:1: text is empty"):
        list(train(dataclasses.replace(config, name="other")))
    shard.write_text("")
    with pytest.raises(InputError, match="the corpus is empty"):
        list(train(dataclasses.replace(config, name="other")))


def test_a_checkpoint_of_something_else_is_refused_in_a_sentence(tiny_bert: Path, tmp_path: Path) -> None:
    config = small_run(tmp_path, tiny_bert, steps=2)
    path = tmp_path / "runs" / "small" / "checkpoint.pt"
    path.parent.mkdir(parents=True)
    for foreign in ({"model": torch.zeros(2)}, [1, 2], torch.zeros(3)):
        torch.save(foreign, path)
        with pytest.raises(InputError, match="is a checkpoint of another program"):
            list(train(config))


def test_a_loss_that_is_not_a_number_stops_the_run(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower learning_rate"):
        list(train(small_run(tmp_path, tiny_bert, learning_rate=1e30, steps=20)))


def test_a_teacher_of_another_vocabulary_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher"
    shutil.copytree(tiny_bert, teacher)
    text = (teacher / "tokenizer.json").read_text()
    (teacher / "tokenizer.json").write_text(text.replace('"parse"', '"phrase"'))
    config = small_run(tmp_path, tiny_bert, distillation=Distillation(teachers=(str(teacher),)))
    with pytest.raises(InputError, match=r"vocabulary of .* is not the student's"):
        list(train(config))
