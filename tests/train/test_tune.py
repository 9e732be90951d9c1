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
from codesearch_train.tune import Stage, TuningResult, tune

WORDS = ["parse", "json", "file", "read", "write", "open", "close", "send", "load", "sort", "merge", "split"]


def pairs(count: int = 300) -> list[Pair]:
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        words = random.choice(WORDS, size=4)
        text, code = " ".join(words), f"def {'_'.join(words)}(x{number}): pass"
        made.append(Pair(text, code, "a/b", f"file{number}.py", "python", "MIT", Split.TRAIN, PairKind.DOCSTRING))
    return made


def short_export(source: Path, target: Path, *, name: str, texts: Path | None = None) -> None:
    """The export, for a model of few positions."""
    export(source, target, name=name, max_query_tokens=32, max_document_tokens=40, texts=texts)


@pytest.fixture(autouse=True)
def _gentle(monkeypatch: pytest.MonkeyPatch, tiny_bert: Path) -> None:
    monkeypatch.setattr("codesearch_train.export.conversion.export", short_export)
    real = tune_module._configuration

    def small(*arguments: object) -> object:
        import dataclasses

        config = real(*arguments)  # type: ignore[arg-type]
        return dataclasses.replace(config, learning_rate=3e-3, batch_size=32, steps=40)

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

    def lossy(_: Path, target: Path, *, name: str, texts: Path) -> None:
        short_export(tiny_bert, target, name=name, texts=texts)

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


def test_a_gain_that_may_be_chance_is_not_installed(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the questions gain what the other half loses, but for a little."""
    given = iter([np.full(40, 50.0), np.tile([90.0, 12.0], 20)])
    monkeypatch.setattr(tune_module, "_held_out_ranks", lambda *_: next(given))
    *_, measured = tune(pairs(), tmp_path / "w", tmp_path / "model", initial=str(tiny_bert), minutes=1, device="cpu")
    assert isinstance(measured, TuningResult)
    points, low, high = measured.gain
    assert points == pytest.approx(1.0)
    assert low < 0 < high
    assert measured.installed is None
    assert not (tmp_path / "model").exists()


def test_too_little_time_is_said_before_anything_is_measured_or_trained(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_module, "_seconds_a_pair", lambda *_: 2.0)
    monkeypatch.setattr(tune_module, "_held_out_ranks", lambda *_: pytest.fail("it was measured"))
    with pytest.raises(
        InputError, match=r"1 minutes are too few: as busy as this machine is, it needs \d+.*--minutes \d+"
    ):
        list(tune(pairs(), tmp_path / "w", tmp_path / "model", initial=str(tiny_bert), minutes=1, device="cpu"))


@pytest.mark.parametrize("each", [0.001, 0.02, 0.1])
def test_what_is_planned_fits_into_the_time(each: float) -> None:
    """Whatever the machine, a plan that is not refused leaves room for what follows the training."""
    seconds = 600.0
    rows = tune_module._rows_in_time(range(3000), each, seconds * tune_module._MEASURING_SHARE)  # type: ignore[arg-type]
    sample = tune_module._sample_in_time(5000, each, seconds * tune_module._ROUNDING_SHARE)
    fixed = 3 * each * len(rows) + tune_module._rounding_seconds(sample, each, "cpu")
    assert fixed < 0.7 * seconds
    batch = tune_module._batch(5000, each, seconds - fixed, "cpu")
    assert tune_module._LEAST_STEPS * tune_module._STEP_TO_ENCODING * each * batch < seconds - fixed


def test_no_more_is_held_out_than_can_be_measured_in_time(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_module, "_LEAST_HELD_OUT", 5)
    monkeypatch.setattr(tune_module, "_MEASURING_SHARE", 1e-9)
    *_, measured = tune(pairs(), tmp_path / "w", tmp_path / "model", initial=str(tiny_bert), minutes=1, device="cpu")
    assert isinstance(measured, TuningResult)
    assert measured.held_out == 5
