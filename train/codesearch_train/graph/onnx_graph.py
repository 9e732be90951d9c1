"""BERT with mean pooling and L2 normalisation as an ONNX graph, written node by node.

``torch.onnx`` and ONNX Runtime's own quantiser reach the same network by way of some 400 nodes, which
ONNX Runtime then has to fuse each time it opens the file. Written directly the graph has about 120 nodes,
opens in a fifth of the time, and runs a fifth faster, because of four choices that were measured
(docs/design/encoding.md): one matrix for query, key and value; ``Add`` and ``LayerNormalization`` rather than the
fused ``SkipLayerNormalization``, which is ten times slower; plain ``MatMul`` and ``Softmax`` rather than the
fused attention; and ``Gelu`` rather than ``BiasGelu``.

Quantisation is dynamic: weights are int8, symmetric, one scale for each output channel; activations become
uint8 with one scale for each tensor, at run time (``DynamicQuantizeMatMul``), which suits a network that was trained to
have no outlying ones (`quantisation`). Weights are rounded jointly, and so that no processor overflows (`rounding`).
The table of token vectors is int8 with one scale for each token; it is only looked up. `dequantised` gives back what
such a graph computes with (`codesearch.encoders.graph_weights`), so that float32 can compute with the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.graph_weights import ATTENTION, DENSE, float_weights, query_scale
from codesearch.errors import ModelError
from codesearch_train.rounding.gptq import PAIR_LIMIT, output_scales, round_jointly

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

__all__ = ["bert_graph", "dequantised"]

_OPSET = 20  # the first with Gelu
_IR_VERSION = 9
_MICROSOFT = "com.microsoft"
_ALONE_RANGE = PAIR_LIMIT // 2
"""Of weights that are rounded each by itself, so that no two of them overflow."""
_TOKEN_RANGE = 127
_MASKED = 1e4  # taken from the logits of padding; exp(-1e4) is 0 in float32

Float = NDArray[np.float32]


def bert_graph(
    weights: Mapping[str, Float],
    config: Mapping[str, Any],
    *,
    int8: bool,
    moments: Mapping[str, Float] | None = None,
) -> ModelProto:
    """Return the network: ``input_ids``, ``attention_mask`` ``[batch, sequence]`` -> ``embedding`` ``[batch, d]``.

    Args:
        weights: Hugging Face's tensors of a ``BertModel``, float32.
        config: Hugging Face's ``config.json``.
        int8: Quantise the weights; else all is float32.
        moments: With int8, the second moments of each layer's inputs (`rounding.second_moments`); without it each
            weight is rounded to the nearest step.

    Raises:
        ModelError: A weight is missing, or the configuration asks for what is not BERT as published.
    """
    if config.get("hidden_act") != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise ModelError("only a BERT with gelu and absolute positions can be exported: check config.json")
    graph = _Graph(weights, int8=int8, moments=moments or {})
    heads, epsilon = int(config["num_attention_heads"]), float(config["layer_norm_eps"])
    hidden = _embed(graph, epsilon)
    bias = _attention_bias(graph)
    for index in range(int(config["num_hidden_layers"])):
        hidden = _layer(graph, hidden, bias, f"encoder.layer.{index}", heads, epsilon)
    _pool(graph, hidden)
    return graph.model(int(config["hidden_size"]))


class _Graph:
    """Collects nodes and initialisers; a node is named after its output."""

    def __init__(self, weights: Mapping[str, Float], *, int8: bool, moments: Mapping[str, Float]) -> None:
        self._weights = weights
        self._int8 = int8
        self._moments = moments
        self._nodes: list[NodeProto] = []
        self._initialisers: dict[str, TensorProto] = {}

    def weight(self, name: str) -> Float:
        """Return a tensor of the source model."""
        if name not in self._weights:
            raise ModelError(f"the model has no weight {name!r}: give a folder of a Hugging Face BertModel")
        return self._weights[name]

    def constant(self, name: str, value: Any) -> str:
        """Add an initialiser, once, and return its name."""
        from onnx import numpy_helper

        if name not in self._initialisers:
            self._initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.nodes(operator, inputs, [output], domain, **attributes)[0]

    def nodes(
        self, operator: str, inputs: Sequence[str], outputs: list[str], domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs and return their names."""
        from onnx import helper

        self._nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0], domain=domain, **attributes))
        return outputs

    def linear(self, x: str, weight: Float, bias: Float, output: str) -> str:
        """Add ``x @ weight + bias``; `weight` is ``[in, out]``."""
        shift = self.constant(f"{output}.bias", bias)
        if not self._int8:
            product = self.node("MatMul", [x, self.constant(f"{output}.weight", weight)], f"{output}.product")
            return self.node("Add", [product, shift], output)
        if output in self._moments:
            moments = self._moments[output]
            scale = output_scales(weight, moments)
            quantised = round_jointly(weight, scale, moments)
        else:
            quantised, scale = _quantise(weight, axis=0, limit=_ALONE_RANGE)
        inputs = [
            x,
            self.constant(f"{output}.weight", quantised),
            self.constant(f"{output}.scale", scale.ravel()),
            self.constant(f"{output}.zero", np.zeros(weight.shape[1], np.int8)),
            shift,
        ]
        return self.node("DynamicQuantizeMatMul", inputs, output, _MICROSOFT)

    def lookup(self, table: Float, indices: str, output: str) -> str:
        """Add ``table[indices]``."""
        if not self._int8:
            return self.node("Gather", [self.constant(f"{output}.table", table), indices], output)
        from onnx import TensorProto

        quantised, scale = _quantise(table, axis=1, limit=_TOKEN_RANGE)
        row = self.node("Gather", [self.constant(f"{output}.table", quantised), indices], f"{output}.int8")
        row_scale = self.node("Gather", [self.constant(f"{output}.scale", scale), indices], f"{output}.factor")
        return self.node("Mul", [self.node("Cast", [row], f"{output}.float", to=TensorProto.FLOAT), row_scale], output)

    def add_and_norm(self, x: str, residual: str, name: str, epsilon: float, output: str) -> str:
        """Add ``LayerNorm(x + residual)`` with the weights of `name`."""
        total = self.node("Add", [x, residual], f"{output}.sum")
        gain = self.constant(f"{output}.gain", self.weight(f"{name}.weight"))
        shift = self.constant(f"{output}.shift", self.weight(f"{name}.bias"))
        return self.node("LayerNormalization", [total, gain, shift], output, axis=-1, epsilon=epsilon)

    def model(self, dimension: int) -> ModelProto:
        """Return what was collected as a model."""
        from onnx import TensorProto, helper

        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ]
        outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", dimension])]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, list(self._initialisers.values()))
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="codesearch-train")


def dequantised(graph: ModelProto, config: Mapping[str, Any]) -> dict[str, Float]:
    """What an int8 graph computes with, as Hugging Face's float32 tensors.

    Args:
        graph: Of `bert_graph` with `int8`.
        config: As there.
    """
    from onnx import numpy_helper

    return float_weights({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}, config)


def _embed(graph: _Graph, epsilon: float) -> str:
    words = graph.lookup(graph.weight("embeddings.word_embeddings.weight"), "input_ids", "words")
    # All tokens are of segment 0, so its vector is as good as part of the position's.
    table = (
        graph.weight("embeddings.position_embeddings.weight")
        + graph.weight("embeddings.token_type_embeddings.weight")[0]
    )
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.constant("axis0", np.array([0]))
    positions = graph.node("Slice", [graph.constant("positions", table), zero, length, zero], "position")
    return graph.add_and_norm(words, positions, "embeddings.LayerNorm", epsilon, "embedded")


def _attention_bias(graph: _Graph) -> str:
    """Return ``[batch, 1, 1, sequence]``: 0 for a token, a large negative number for padding."""
    from onnx import TensorProto

    mask = graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    wide = graph.node("Unsqueeze", [mask, graph.constant("axes12", np.array([1, 2]))], "wide_mask")
    shifted = graph.node("Sub", [wide, graph.constant("one", np.float32(1))], "shifted_mask")
    return graph.node("Mul", [shifted, graph.constant("masked", np.float32(_MASKED))], "attention_bias")


def _layer(graph: _Graph, x: str, bias: str, name: str, heads: int, epsilon: float) -> str:
    context = _attention(graph, x, bias, name, heads)
    attended = _linear(graph, context, name, "attention.output.dense")
    x = graph.add_and_norm(attended, x, f"{name}.attention.output.LayerNorm", epsilon, f"{name}.middle")
    inner = _linear(graph, x, name, "intermediate.dense")
    active = graph.node("Gelu", [inner], f"{name}.active")
    outer = _linear(graph, active, name, "output.dense")
    return graph.add_and_norm(outer, x, f"{name}.output.LayerNorm", epsilon, f"{name}.hidden")


def _attention(graph: _Graph, x: str, bias: str, name: str, heads: int) -> str:
    parts = [_dense(graph, f"{name}.attention.self.{part}") for part in ATTENTION]
    hidden = parts[0][0].shape[1]
    width = hidden // heads
    # The scale of the dot products goes into the queries' weights, where it costs nothing.
    scale = query_scale(hidden, heads)
    parts[0] = (parts[0][0] * scale, parts[0][1] * scale)
    weight = np.concatenate([part[0] for part in parts], axis=1)
    shift = np.concatenate([part[1] for part in parts])
    packed = graph.linear(x, weight, shift, f"{name}.qkv")
    split = graph.constant("split_heads", np.array([0, 0, 3, heads, width]))
    by_head = graph.node("Reshape", [packed, split], f"{name}.qkv.split")
    by_part = graph.node("Transpose", [by_head], f"{name}.qkv.parts", perm=[2, 0, 3, 1, 4])
    stacked = graph.nodes("Split", [by_part], [f"{name}.{p}1" for p in "qkv"], axis=0, num_outputs=3)
    axis = graph.constant("axis0", np.array([0]))
    query, key, value = (graph.node("Squeeze", [part, axis], part[:-1]) for part in stacked)
    logits = graph.node("FusedMatMul", [query, key], f"{name}.logits", _MICROSOFT, transB=1)
    masked = graph.node("Add", [logits, bias], f"{name}.masked")
    weights = graph.node("Softmax", [masked], f"{name}.weights", axis=-1)
    mixed = graph.node("MatMul", [weights, value], f"{name}.mixed")
    by_token = graph.node("Transpose", [mixed], f"{name}.by_token", perm=[0, 2, 1, 3])
    joined = graph.constant("join_heads", np.array([0, 0, hidden]))
    return graph.node("Reshape", [by_token, joined], f"{name}.context")


def _pool(graph: _Graph, hidden: str) -> None:
    axis = graph.constant("axis1", np.array([1]))
    row = graph.node("Unsqueeze", ["mask", axis], "row_mask")
    # The sum has the direction of the mean, and only the direction is left after normalisation.
    total = graph.node("Squeeze", [graph.node("MatMul", [row, hidden], "total1"), axis], "total")
    graph.node("LpNormalization", [total], "embedding", axis=-1, p=2)


def _linear(graph: _Graph, x: str, layer: str, name: str) -> str:
    """Add one of the layers of `DENSE`."""
    return graph.linear(x, *_dense(graph, f"{layer}.{name}"), f"{layer}.{DENSE[name]}")


def _dense(graph: _Graph, name: str) -> tuple[Float, Float]:
    """Return ``(weight [in, out], bias [out])``; PyTorch keeps ``[out, in]``."""
    return graph.weight(f"{name}.weight").T, graph.weight(f"{name}.bias")


def _quantise(matrix: Float, *, axis: int, limit: int) -> tuple[NDArray[np.int8], Float]:
    """Return ``(int8, scale)`` with ``matrix ~ int8 * scale``; one scale for each line along `axis`."""
    largest = np.abs(matrix).max(axis=axis, keepdims=True)
    scale = np.where(largest > 0, largest / limit, 1).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale
