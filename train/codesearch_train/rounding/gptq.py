"""Weights rounded to 8 bits one input at a time, each step making up for the errors of those before it.

Rounding each weight to the nearest step is best for the weights, not for what they compute: inputs of a layer go
together, so an error in one weight can be made good in those that follow. GPTQ (Frantar et al., arXiv 2210.17323) does
that from the second moments of the layer's inputs. It costs nothing at run time (docs/design/encoding.md).

Processors with AVX2 and no VNNI (most laptops made before 2020) multiply uint8 by int8 with ``vpmaddubsw``, which
adds the products of two neighbouring inputs in 16 bits and saturates silently. 255 x 128 just fits. So weights may use
all of int8 where those of the inputs 2k and 2k + 1 that have the same sign do not exceed 128 together (`PAIR_LIMIT`),
which few do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.settings import turn_off_telemetry

if TYPE_CHECKING:
    from onnx import ModelProto

    from codesearch.encoders.batching import TokenBatch

__all__ = [
    "PAIR_LIMIT",
    "WEIGHT_RANGE",
    "output_scales",
    "round_jointly",
    "round_pairs",
    "second_moments",
]

Float = NDArray[np.float32]
Steps = NDArray[np.floating]
"""Weights in steps: float64 while errors add up."""

WEIGHT_RANGE = 127
"""Largest magnitude of a weight."""
PAIR_LIMIT = 128
"""Largest magnitude of two neighbouring weights of one sign together: 255 x 128 < 2^15."""

_DAMPING = 0.01
"""Added to the diagonal, as a share of its mean: GPTQ's."""
_SMALLEST = 1e-12
_LARGEST_WEIGHTS = (56, 64, 72, 80, 90, 100, 112, 127, 144, 160, 180, 200, 230, 260)
"""What the largest weight of an output may become before it is cut, and pairs are, in steps: what is tried."""


def second_moments(graph: ModelProto, batches: Iterable[TokenBatch]) -> dict[str, Float]:
    """Sum of the outer products of each linear layer's inputs over the tokens of `batches`; no padding counts.

    Args:
        graph: A float32 graph of `onnx_graph.bert_graph`; it gets more outputs.
        batches: What to run it on.

    Returns:
        ``[in, in]`` for the name of each linear layer's output.
    """
    moments: dict[str, Float] = {}
    for inputs in _linear_inputs(graph, batches):
        for layer, rows in inputs.items():
            here = rows.T @ rows
            moments[layer] = moments[layer] + here if layer in moments else here
    return moments


def _linear_inputs(graph: ModelProto, batches: Iterable[TokenBatch]) -> Iterator[dict[str, Float]]:
    """Yield what each linear layer reads, ``[tokens, in]`` for the name of its output, batch by batch, without padding.

    Args:
        graph: A float32 graph of `onnx_graph.bert_graph`; it gets more outputs.
        batches: What to run it on.
    """
    turn_off_telemetry()
    import onnxruntime
    from onnx import TensorProto, helper

    inputs = {
        node.output[0].removesuffix(".product"): node.input[0]
        for node in graph.graph.node
        if node.op_type == "MatMul" and node.output[0].endswith(".product")
    }
    read = sorted(set(inputs.values()))
    graph.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in read)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    for batch in batches:
        values = dict(zip(read, session.run(read, batch.feeds()), strict=True))
        tokens = batch.attention_mask
        yield {layer: values[name][tokens] for layer, name in inputs.items()}


def output_scales(weight: Float, moments: Float) -> Float:
    """The step of each output that loses least, ``[1, out]``: small ones round finely and cut large weights off.

    Args:
        weight: ``[in, out]``.
        moments: Of the layer's inputs, ``[in, in]``; an error in a weight counts as much as its input is large.
    """
    largest = np.maximum(np.abs(weight).max(axis=0, keepdims=True), _SMALLEST)
    importance = np.diagonal(moments)[:, None]
    candidates = np.stack([largest / steps for steps in _LARGEST_WEIGHTS])
    losses = [np.sum(importance * (round_pairs(weight / scale) * scale - weight) ** 2, axis=0) for scale in candidates]
    best = np.argmin(losses, axis=0)
    return np.asarray(candidates[best, 0, np.arange(weight.shape[1])][None], np.float32)


def round_pairs(scaled: Steps) -> Steps:
    """Round ``[in, out]`` to what `WEIGHT_RANGE` and `PAIR_LIMIT` allow; of a pair too large both lose the same."""
    rounded: Steps = np.clip(np.rint(scaled), -WEIGHT_RANGE, WEIGHT_RANGE)
    first, second = rounded[0::2], rounded[1::2]
    excess = np.where(first * second > 0, np.maximum(np.abs(first + second) - PAIR_LIMIT, 0), 0)
    rounded[0::2] -= np.sign(first) * np.ceil(excess / 2)
    rounded[1::2] -= np.sign(second) * np.floor(excess / 2)
    return rounded


def round_jointly(weight: Float, scale: Float, moments: Float) -> NDArray[np.int8]:
    """Round ``weight / scale`` so that the layer's outputs change least, within `WEIGHT_RANGE` and `PAIR_LIMIT`.

    Args:
        weight: ``[in, out]``, an even number of inputs.
        scale: Step of each output, ``[1, out]``.
        moments: Of the layer's inputs, ``[in, in]``.

    Returns:
        ``[in, out]``.
    """
    scaled = (weight / scale).astype(np.float64)
    hessian = moments.astype(np.float64)
    size = len(hessian)
    mean = float(np.trace(hessian)) / size
    hessian[np.diag_indices(size)] += _DAMPING * mean if mean > 0 else 1.0
    # Rows of the upper Cholesky factor of the inverse say how the weights to come make up for the one at hand.
    remedy = np.linalg.cholesky(np.linalg.inv(hessian)).T
    result = np.zeros(scaled.shape)
    for row in range(size):
        result[row] = _within_pair(scaled[row], result[row - 1]) if row % 2 else round_pairs(scaled[row : row + 2])[0]
        error = (scaled[row] - result[row]) / remedy[row, row]
        scaled[row + 1 :] -= np.outer(remedy[row, row + 1 :], error)
    return result.astype(np.int8)


def _within_pair(scaled: Steps, first: Steps) -> Steps:
    """Round the second of a pair, ``[out]``, to what the first leaves it."""
    low = np.maximum(-WEIGHT_RANGE, -PAIR_LIMIT - np.minimum(first, 0))
    high = np.minimum(WEIGHT_RANGE, PAIR_LIMIT - np.maximum(first, 0))
    within: Steps = np.clip(np.rint(scaled), low, high)
    return within
