"""Moving outlying channels into the weights changes nothing but the rounding, and rounding them jointly that less."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx")

import onnx
import onnxruntime
from safetensors.numpy import load_file

from codesearch.encoders.batching import TokenBatch
from codesearch_train.onnx_graph import bert_graph
from codesearch_train.rounding import round_jointly, second_moments
from codesearch_train.smoothing import balanced_factors, channel_maxima, linear_inputs, outlier_factors

Float = NDArray[np.float32]


def _batch(rows: int = 8, length: int = 12) -> TokenBatch:
    random = np.random.default_rng(3)
    lengths = np.full(rows, length)
    lengths[0] = 5
    return TokenBatch(np.arange(rows), random.integers(5, 50, (rows, length), dtype=np.int32), lengths)


def _with_outliers(folder: Path) -> tuple[dict[str, Float], dict[str, object]]:
    """A tiny BERT whose layer norms blow up one channel, which the next matrix takes back, as trained ones do."""
    weights = {name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()}
    for name in weights:
        if name.endswith("attention.output.LayerNorm.weight"):
            weights[name][0] *= 60
            inner = name.replace("attention.output.LayerNorm", "intermediate.dense")
            weights[inner][:, 0] /= 60
    return weights, json.loads((folder / "config.json").read_text())


def _run(model: onnx.ModelProto, batch: TokenBatch) -> Float:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = batch.feeds()
    return np.asarray(session.run(["embedding"], inputs)[0])


def test_a_smoothed_graph_is_nearer_to_float32(tiny_bert: Path) -> None:
    weights, config = _with_outliers(tiny_bert)
    batch = _batch(64, 24)
    largest = channel_maxima(bert_graph(weights, config, int8=False), [batch])
    moments = second_moments(bert_graph(weights, config, int8=False), [batch])
    exact = _run(bert_graph(weights, config, int8=False), batch)
    plain = _run(bert_graph(weights, config, int8=True, moments=moments), batch)
    smooth = _run(bert_graph(weights, config, int8=True, largest=largest, moments=moments), batch)
    lost_plain, lost_smooth = (1 - (vectors * exact).sum(1).mean() for vectors in (plain, smooth))
    assert lost_smooth < 0.3 * lost_plain


def test_float32_does_not_care(tiny_bert: Path) -> None:
    weights, config = _with_outliers(tiny_bert)
    batch = _batch()
    largest = channel_maxima(bert_graph(weights, config, int8=False), [batch])
    one = _run(bert_graph(weights, config, int8=False), batch)
    other = _run(bert_graph(weights, config, int8=False, largest=largest), batch)
    assert np.array_equal(one, other)


def test_maxima_are_over_all_batches_and_leave_padding_out(tiny_bert: Path) -> None:
    weights, config = _with_outliers(tiny_bert)
    batch = _batch()
    graph = bert_graph(weights, config, int8=False)
    both = channel_maxima(graph, [batch, _batch(4, 9)])
    one = channel_maxima(bert_graph(weights, config, int8=False), [batch])
    assert set(both) == set(one)
    assert {name.rsplit(".", 1)[1] for name in one} == {"qkv", "attended", "inner", "outer"}
    assert all((both[name] >= one[name]).all() for name in one)
    # What stands in the padding is no token's, so that it cannot change what is found.
    other = TokenBatch(batch.indices, np.where(batch.attention_mask, batch.input_ids, np.int32(7)), batch.lengths)
    again = channel_maxima(bert_graph(weights, config, int8=False), [other])
    assert all(np.allclose(again[name], one[name], rtol=1e-5) for name in one)


def test_factors() -> None:
    largest = np.array([1, 1, 1, 9], np.float32)
    assert outlier_factors(largest).tolist() == [1, 1, 1, 4.5]
    weight = np.array([[1, -1], [1, 1], [1, 0.5], [0.1, 0]], np.float32)
    factors = balanced_factors(largest, weight)
    assert factors[3] == factors.max()
    assert np.exp(np.log(factors).mean()) == pytest.approx(1, rel=1e-5)


def test_channels_that_are_never_used_do_no_harm() -> None:
    nothing = np.zeros(4, np.float32)
    assert outlier_factors(nothing).tolist() == [1, 1, 1, 1]
    assert np.isfinite(balanced_factors(nothing, np.zeros((4, 2), np.float32))).all()


# --- rounded jointly as well (`rounding`; what it does to one layer is tested in test_rounding.py) --------------


def test_a_graph_rounded_jointly_is_nearer_to_float32(tiny_bert: Path) -> None:
    weights, config = _with_outliers(tiny_bert)
    batch = _batch(64, 24)
    largest = channel_maxima(bert_graph(weights, config, int8=False), [batch])
    moments = second_moments(bert_graph(weights, config, int8=False), [batch])
    assert moments.keys() == largest.keys()
    exact = _run(bert_graph(weights, config, int8=False), batch)
    nearest = _run(bert_graph(weights, config, int8=True, largest=largest), batch)
    jointly = _run(bert_graph(weights, config, int8=True, largest=largest, moments=moments), batch)
    lost_nearest, lost_jointly = (1 - (vectors * exact).sum(1).mean() for vectors in (nearest, jointly))
    assert lost_jointly < lost_nearest
    assert not np.array_equal(nearest, jointly)


def test_moments_are_of_all_batches_without_padding(tiny_bert: Path) -> None:
    weights, config = _with_outliers(tiny_bert)
    batch, other = _batch(), _batch(4, 9)
    both = second_moments(bert_graph(weights, config, int8=False), [batch, other])
    one, two = (second_moments(bert_graph(weights, config, int8=False), [b]) for b in (batch, other))
    assert all(np.allclose(both[name], one[name] + two[name], rtol=1e-4, atol=1e-4) for name in both)


def test_moments_are_scaled_as_what_a_layer_reads(tiny_bert: Path) -> None:
    """A channel that smoothing divides is a smaller one to the rounding, too."""
    weights, config = _with_outliers(tiny_bert)
    batch, layer = _batch(64, 24), "encoder.layer.0.inner"
    largest = channel_maxima(bert_graph(weights, config, int8=False), [batch])
    moments = second_moments(bert_graph(weights, config, int8=False), [batch])
    graph = bert_graph(weights, config, int8=True, largest=largest, moments=moments)
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
    (read,) = linear_inputs(bert_graph(weights, config, int8=False), [batch])
    weight = weights["encoder.layer.0.intermediate.dense.weight"].T
    factors = balanced_factors(largest[layer], weight)
    rows = read[layer] / factors
    expected = round_jointly(weight * factors[:, None], stored[f"{layer}.scale"][None], rows.T @ rows)
    assert (stored[f"{layer}.weight"] == expected).mean() > 0.99  # sums in another order may tip a weight over
    bare = round_jointly(weight * factors[:, None], stored[f"{layer}.scale"][None], moments[layer])
    assert (stored[f"{layer}.weight"] == bare).mean() < 0.9
