"""Joint rounding keeps what a layer computes nearer than the nearest steps do."""

from __future__ import annotations

import numpy as np

from codesearch_train.rounding import round_jointly

LIMIT = 64


def _layer(rows: int = 400, inputs: int = 32, outputs: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs that go together, as those of a trained network do; weights; their steps."""
    random = np.random.default_rng(1)
    x = random.normal(size=(rows, 6)) @ random.normal(size=(6, inputs)) + 0.1 * random.normal(size=(rows, inputs))
    weight = random.normal(size=(inputs, outputs)).astype(np.float32)
    scale = (np.abs(weight).max(axis=0, keepdims=True) / LIMIT).astype(np.float32)
    return x.astype(np.float32), weight, scale


def test_outputs_change_less_than_with_the_nearest_steps() -> None:
    x, weight, scale = _layer()
    seen, unseen = x[:200], x[200:]
    jointly = round_jointly(weight, scale, seen.T @ seen, LIMIT)
    nearest = np.rint(weight / scale)
    lost = [np.square(unseen @ (rounded * scale - weight)).mean() for rounded in (jointly, nearest)]
    assert lost[0] < 0.5 * lost[1]
    assert jointly.dtype == np.int8
    assert np.abs(jointly).max() <= LIMIT


def test_inputs_that_do_not_go_together_are_rounded_to_the_nearest_step() -> None:
    _, weight, scale = _layer()
    assert (round_jointly(weight, scale, np.eye(len(weight), dtype=np.float32), LIMIT) == np.rint(weight / scale)).all()


def test_a_layer_that_reads_nothing_is_rounded_all_the_same() -> None:
    _, weight, scale = _layer()
    nothing = np.zeros((len(weight), len(weight)), np.float32)
    assert (round_jointly(weight, scale, nothing, LIMIT) == np.rint(weight / scale)).all()
