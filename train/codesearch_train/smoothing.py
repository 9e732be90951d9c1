"""Outlying channels of activations moved into the weights, so that one 8-bit scale serves a whole tensor.

The quantised graph has one scale for all activations of a tensor. A few channels reach ten times what the others do,
and take most of its 256 steps. Dividing a channel by a factor, and multiplying the weights that read it by the same,
changes nothing but the rounding (SmoothQuant, Xiao et al., arXiv 2211.10438). docs/encoding.md has what it is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

    from codesearch.encoders.batching import TokenBatch

__all__ = ["balanced_factors", "channel_maxima", "linear_inputs", "outlier_factors"]

Float = NDArray[np.float32]

_SHARE_OF_ACTIVATIONS = 0.7
"""Of the two exponents of SmoothQuant, that of the activations; .6 to .8 are alike, .5 worse."""
_TYPICAL = 2.0
"""Channels up to so many times the median stay as they are; 1.5 to 3 are alike."""
_SMALLEST = 1e-6


def balanced_factors(largest: Float, weight: Float) -> Float:
    """Factors ``[in]`` that share the range of each channel between activations and weights.

    For the outputs of layer norms, whose channels are all in use.

    Args:
        largest: Largest magnitude of each input channel, ``[in]``.
        weight: ``[in, out]``.
    """
    reading = np.maximum(np.abs(weight).max(axis=1), _SMALLEST)
    factors = np.maximum(largest, _SMALLEST) ** _SHARE_OF_ACTIVATIONS / reading ** (1 - _SHARE_OF_ACTIVATIONS)
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def outlier_factors(largest: Float) -> Float:
    """Factors ``[in]``, 1 for all but the channels that reach far beyond the others.

    For the outputs of gelu, where balancing all channels does harm: most of them are next to nothing.

    Args:
        largest: Largest magnitude of each input channel, ``[in]``.
    """
    typical = max(float(np.median(largest)) * _TYPICAL, _SMALLEST)
    return np.asarray(np.maximum(1, largest / typical), np.float32)


def channel_maxima(graph: ModelProto, batches: Iterable[TokenBatch]) -> dict[str, Float]:
    """Largest magnitude of each input channel of each linear layer, over the tokens of `batches`; no padding counts.

    Args:
        graph: A float32 graph of `onnx_graph.bert_graph`; it gets more outputs.
        batches: What to run it on.

    Returns:
        ``[in]`` for the name of each linear layer's output.
    """
    largest: dict[str, Float] = {}
    for inputs in linear_inputs(graph, batches):
        for layer, rows in inputs.items():
            here = np.abs(rows).max(axis=0)
            largest[layer] = np.maximum(largest[layer], here) if layer in largest else here
    return largest


def linear_inputs(graph: ModelProto, batches: Iterable[TokenBatch]) -> Iterator[dict[str, Float]]:
    """Yield what each linear layer reads, ``[tokens, in]`` for the name of its output, batch by batch, without padding.

    Args:
        graph: A float32 graph of `onnx_graph.bert_graph`; it gets more outputs.
        batches: What to run it on.
    """
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
