"""Joint rounding keeps what a layer computes nearer than the nearest steps do, and no processor overflows on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnxruntime
from safetensors.numpy import load_file

from codesearch.encoders.batching import TokenBatch
from codesearch_train.graph.onnx_graph import bert_graph
from codesearch_train.rounding.gptq import (
    PAIR_LIMIT,
    WEIGHT_RANGE,
    output_scales,
    round_jointly,
    round_pairs,
    second_moments,
)


def _layer(rows: int = 400, inputs: int = 32, outputs: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs that go together, as those of a trained network do; weights; their steps."""
    random = np.random.default_rng(1)
    x = random.normal(size=(rows, 6)) @ random.normal(size=(6, inputs)) + 0.1 * random.normal(size=(rows, inputs))
    weight = random.normal(size=(inputs, outputs)).astype(np.float32)
    scale = (np.abs(weight).max(axis=0, keepdims=True) / (PAIR_LIMIT // 2)).astype(np.float32)
    return x.astype(np.float32), weight, scale


def _overflows(rounded: np.ndarray) -> bool:
    """Whether two neighbouring products with values of uint8 can leave 16 bits."""
    pairs = rounded.astype(np.int64).reshape(-1, 2, rounded.shape[1])
    highest, lowest = 255 * np.maximum(pairs, 0).sum(1), 255 * np.minimum(pairs, 0).sum(1)
    return bool((highest > 2**15 - 1).any() or (lowest < -(2**15)).any())


def test_outputs_change_less_than_with_the_nearest_steps() -> None:
    x, weight, scale = _layer()
    seen, unseen = x[:200], x[200:]
    jointly = round_jointly(weight, scale, seen.T @ seen)
    nearest = np.rint(weight / scale)
    lost = [np.square(unseen @ (rounded * scale - weight)).mean() for rounded in (jointly, nearest)]
    assert lost[0] < 0.5 * lost[1]
    assert jointly.dtype == np.int8


def test_inputs_that_do_not_go_together_are_rounded_to_the_nearest_step() -> None:
    _, weight, scale = _layer()
    assert (round_jointly(weight, scale, np.eye(len(weight), dtype=np.float32)) == np.rint(weight / scale)).all()


def test_a_layer_that_reads_nothing_is_rounded_all_the_same() -> None:
    _, weight, scale = _layer()
    nothing = np.zeros((len(weight), len(weight)), np.float32)
    assert (round_jointly(weight, scale, nothing) == np.rint(weight / scale)).all()


# --- two neighbouring weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "rounded"),
    [
        ((100.2, 20.4), (100, 20)),
        ((100, 100), (64, 64)),
        ((-100, -101), (-63, -65)),
        ((127, -127), (127, -127)),  # products of opposite signs make up for each other
        ((300, 0), (127, 0)),
        ((127, 127), (64, 64)),
        ((127, 1), (127, 1)),
        ((127, 2), (126, 2)),
    ],
)
def test_a_pair_is_cut_to_what_fits(pair: tuple[float, float], rounded: tuple[int, int]) -> None:
    assert round_pairs(np.array(pair)[:, None])[:, 0].tolist() == list(rounded)
    assert not _overflows(round_pairs(np.array(pair)[:, None]))


def test_no_processor_overflows_however_large_the_weights() -> None:
    random = np.random.default_rng(2)
    x, _, _ = _layer()
    weight = random.standard_t(2, size=(32, 64)).astype(np.float32)
    for steps in (64, 127, 250):
        scale = np.abs(weight).max(axis=0, keepdims=True) / steps
        jointly = round_jointly(weight, scale, x.T @ x)
        assert not _overflows(jointly)
        assert np.abs(jointly).max() <= WEIGHT_RANGE
    # The check sees what it is for.
    assert _overflows(np.clip(np.rint(weight / scale), -WEIGHT_RANGE, WEIGHT_RANGE))


def test_what_a_pair_cannot_hold_is_made_good_by_the_inputs_that_follow() -> None:
    random = np.random.default_rng(3)
    x = np.repeat(random.normal(size=(200, 4)), 2, axis=1)  # inputs that say the same, two by two
    x = np.concatenate([x, x], axis=1) + 0.01 * random.normal(size=(200, 16))
    weight = np.zeros((16, 1), np.float32)
    weight[:2] = 1
    scale = np.full((1, 1), 1 / 100, np.float32)
    jointly = round_jointly(weight, scale, x.T @ x)
    cut = round_pairs(weight / scale)
    lost = [np.square(x @ (rounded * scale - weight)).mean() for rounded in (jointly, cut)]
    assert lost[0] < 0.01 * lost[1]


# --- the step of each output ------------------------------------------------------------------------------------


def test_half_is_lost_of_what_weights_rounded_alone_lose() -> None:
    random = np.random.default_rng(4)
    weight = random.normal(size=(384, 32)).astype(np.float32)
    steps = output_scales(weight, np.eye(384, dtype=np.float32))
    alone = np.abs(weight).max(axis=0, keepdims=True) / (PAIR_LIMIT // 2)
    assert steps.shape == (1, 32)
    assert np.median(steps / alone) < 0.8
    lost = [np.square(round_pairs(weight / scale) * scale - weight).mean() for scale in (steps, alone)]
    assert lost[0] < 0.6 * lost[1]


def test_a_step_suits_the_inputs_that_are_large() -> None:
    """A large weight that reads next to nothing is cut, so that the others are rounded finely."""
    weight = np.full((64, 1), 0.1003, np.float32)
    weight[1::2] = -0.0712
    weight[0] = 1
    evenly = np.eye(64, dtype=np.float32)
    quiet = evenly.copy()
    quiet[0, 0] = 1e-6
    assert output_scales(weight, quiet) < output_scales(weight, evenly)
    assert output_scales(weight, evenly) >= 1 / WEIGHT_RANGE


def test_an_output_without_weights_has_a_step() -> None:
    steps = output_scales(np.zeros((4, 3), np.float32), np.eye(4, dtype=np.float32))
    assert (steps > 0).all()


# --- a whole graph -----------------------------------------------------------------------------------------------


def _batch(rows: int = 8, length: int = 12) -> TokenBatch:
    random = np.random.default_rng(3)
    lengths = np.full(rows, length)
    lengths[0] = 5
    return TokenBatch(np.arange(rows), random.integers(5, 50, (rows, length), dtype=np.int32), lengths)


def _network(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    return load_file(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())


def _run(model: onnx.ModelProto, batch: TokenBatch) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["embedding"], batch.feeds())[0])


def test_a_graph_rounded_jointly_is_nearer_to_float32(tiny_bert: Path) -> None:
    weights, config = _network(tiny_bert)
    batch = _batch(64, 24)
    moments = second_moments(bert_graph(weights, config, int8=False), [batch])
    assert {name.rsplit(".", 1)[1] for name in moments} == {"qkv", "attended", "inner", "outer"}
    exact = _run(bert_graph(weights, config, int8=False), batch)
    nearest = _run(bert_graph(weights, config, int8=True), batch)
    jointly = _run(bert_graph(weights, config, int8=True, moments=moments), batch)
    lost_nearest, lost_jointly = (1 - (vectors * exact).sum(1).mean() for vectors in (nearest, jointly))
    assert lost_jointly < 0.8 * lost_nearest


def test_moments_are_of_all_batches_without_padding(tiny_bert: Path) -> None:
    weights, config = _network(tiny_bert)
    batch, other = _batch(), _batch(4, 9)
    both = second_moments(bert_graph(weights, config, int8=False), [batch, other])
    one, two = (second_moments(bert_graph(weights, config, int8=False), [b]) for b in (batch, other))
    assert all(np.allclose(both[name], one[name] + two[name], rtol=1e-4, atol=1e-4) for name in both)
    # What stands in the padding is no token's, so that it cannot change what is found.
    padded = TokenBatch(batch.indices, np.where(batch.attention_mask, batch.input_ids, np.int32(7)), batch.lengths)
    again = second_moments(bert_graph(weights, config, int8=False), [padded])
    assert all(np.allclose(again[name], one[name], rtol=1e-4, atol=1e-4) for name in one)
