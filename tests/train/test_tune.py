from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codesearch.encoders.model_directory import read_model_directory
from codesearch.errors import InputError
from codesearch_train import tune as tune_module
from codesearch_train.corpus.pairs import Pair, PairKind, Split
from codesearch_train.export.conversion import export
from codesearch_train.loop.progress import Progress
from codesearch_train.tune import Stage, TuningResult, repository_pairs, tune

WORDS = ["parse", "json", "file", "read", "write", "open", "close", "send", "load", "sort", "merge", "split"]


def pairs(count: int = 300) -> list[Pair]:
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        words = random.choice(WORDS, size=4)
        text, code = " ".join(words), f"def {'_'.join(words)}(x{number}): pass"
        made.append(Pair(text, code, "a/b", f"file{number}.py", "python", "MIT", Split.TRAIN, PairKind.DOCSTRING))
    return made


def short_export(source: Path, target: Path, *, name: str) -> None:
    """The export, for a model of few positions."""
    export(source, target, name=name, max_query_tokens=32, max_document_tokens=40)


@pytest.fixture(autouse=True)
def _gentle(monkeypatch: pytest.MonkeyPatch, tiny_bert: Path) -> None:
    monkeypatch.setattr("codesearch_train.export.conversion.export", short_export)
    real = tune_module._configuration

    def small(*arguments: object) -> object:
        import dataclasses

        config = real(*arguments)  # type: ignore[arg-type]
        return dataclasses.replace(config, text_tokens=32, code_tokens=40, learning_rate=3e-3, batch_size=32, steps=40)

    monkeypatch.setattr(tune_module, "_configuration", small)
    monkeypatch.setattr(tune_module, "CODE_TOKENS", 40)
    monkeypatch.setattr(tune_module, "TEXT_TOKENS", 32)


def test_weights_that_gain_are_installed(tiny_bert: Path, tmp_path: Path) -> None:
    events = list(tune(pairs(), tmp_path / "work", tmp_path / "model", initial=str(tiny_bert), minutes=1, device="cpu"))
    measured = events[-1]
    assert isinstance(measured, TuningResult)
    assert measured.pairs + measured.held_out == 300
    assert measured.after > measured.before
    assert measured.installed == tmp_path / "model"
    assert read_model_directory(tmp_path / "model").model_id.startswith("model-")
    assert not (tmp_path / "work" / "exported").exists()
    assert any(isinstance(event, Progress) for event in events)
    assert isinstance(events[0], Stage), "something is said before the first step"
    gain, low, high = measured.gain
    assert low <= gain <= high
    assert gain == pytest.approx(measured.after - measured.before)


def test_weights_that_do_not_gain_enough_are_not(tiny_bert: Path, tmp_path: Path) -> None:
    events = list(
        tune(
            pairs(),
            tmp_path / "work",
            tmp_path / "model",
            initial=str(tiny_bert),
            minutes=1,
            device="cpu",
            gain=101,
        )
    )
    measured = events[-1]
    assert isinstance(measured, TuningResult)
    assert measured.installed is None
    assert not (tmp_path / "model").exists()


def test_what_is_installed_is_what_was_measured(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights whose gain does not outlive their rounding do not replace those that are there."""

    def lossy(_: Path, target: Path, *, name: str) -> None:
        short_export(tiny_bert, target, name=name)

    monkeypatch.setattr("codesearch_train.export.conversion.export", lossy)
    short_export(tiny_bert, tmp_path / "model", name="older")
    *_, measured = tune(
        pairs(), tmp_path / "work", tmp_path / "model", initial=str(tiny_bert), minutes=1, device="cpu", gain=5
    )
    assert isinstance(measured, TuningResult)
    assert measured.installed is None
    assert measured.after < measured.before + 5
    assert read_model_directory(tmp_path / "model").model_id.startswith("older-")


def test_something_in_the_way_is_said_before_anything_is_trained(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no model directory"):
        next(tune(pairs(), tmp_path / "work", tmp_path, initial=str(tiny_bert), minutes=1))
    with pytest.raises(InputError, match="is no model directory"):
        next(tune(pairs(), tmp_path / "work", tmp_path / "notes.txt", initial=str(tiny_bert), minutes=1))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_too_few_pairs_are_said(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="200 are needed"):
        list(tune(pairs(20), tmp_path, tmp_path / "model", initial=str(tiny_bert), minutes=1))


def test_a_time_that_leaves_none_for_training_is_refused_with_the_time_it_takes(
    tiny_bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"0\.1 minutes leave no time to train .* Give --minutes \d+ or more"):
        list(tune(pairs(), tmp_path / "w", tmp_path / "model", initial=str(tiny_bert), minutes=0.1, device="cpu"))
    assert not (tmp_path / "model").exists()


def test_pairs_of_a_work_tree(tmp_path: Path) -> None:
    source = '''
def merge_intervals(intervals):
    """Merge overlapping intervals into the smallest sorted list that covers them."""
    merged = []
    for start, stop in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
'''
    (tmp_path / "intervals.py").write_text(source)
    found = repository_pairs(tmp_path)
    assert [pair.text for pair in found if pair.kind == PairKind.DOCSTRING] == [
        "Merge overlapping intervals into the smallest sorted list that covers them."
    ]
    assert all('"""' not in pair.code for pair in found)


def test_no_more_is_held_out_than_can_be_measured_in_time(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_module, "_LEAST_HELD_OUT", 5)
    monkeypatch.setattr(tune_module, "_MEASURING_SHARE", 1e-9)
    *_, measured = tune(pairs(), tmp_path / "w", tmp_path / "model", initial=str(tiny_bert), minutes=1, device="cpu")
    assert isinstance(measured, TuningResult)
    assert measured.held_out == 5
