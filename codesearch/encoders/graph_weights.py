"""The weights inside an int8 graph as Hugging Face's floating-point tensors.

A model ships its weights once: as the 8-bit tensors that the CPU's graph computes with. Whoever wants them as floating
point (a GPU, a trainer, another library) multiplies steps by scales, which gives exactly what the graph computes with.
``model_int8.tensors.json`` says where in the data file each tensor lies, so that nobody has to read the graph for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from codesearch.encoders.model_directory import ModelDirectory

__all__ = ["ATTENTION", "DENSE", "float_weights", "query_scale", "read_float_weights"]

ATTENTION: Final = ("query", "key", "value")
"""Hugging Face's names of what one matrix of the graph computes, in its order; the graph calls it qkv."""

DENSE: Final[Mapping[str, str]] = {
    "attention.output.dense": "attended",
    "intermediate.dense": "inner",
    "output.dense": "outer",
}
"""The other linear layers: Hugging Face's name, and the graph's."""

_NORMS: Final[Mapping[str, str]] = {"attention.output.LayerNorm": "middle", "output.LayerNorm": "hidden"}
_TYPES: Final = {"int8": np.int8, "float32": np.float32}

Float = NDArray[np.float32]


def query_scale(hidden: int, heads: int) -> np.float32:
    """Return what the graph multiplies the queries' weights by: 1 / sqrt(width of a head)."""
    return np.float32(1 / np.sqrt(hidden // heads))


def read_float_weights(directory: ModelDirectory) -> dict[str, Float]:
    """Read the weights of a model directory.

    Returns:
        As :func:`float_weights`.

    Raises:
        ModelError: A file is missing or damaged.
    """
    config = directory.read_config()
    file = directory.tensors_file
    try:
        places = json.loads(file.read_text(encoding="utf-8"))
        file = directory.data_file
        data = np.memmap(file, np.uint8, mode="r")
        tensors = {name: _tensor(data, *place) for name, place in places.items()}
        return float_weights(tensors, config)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise directory.damaged(file, error) from error


def _tensor(data: NDArray[np.uint8], kind: str, shape: list[int], offset: int) -> NDArray[Any]:
    element = np.dtype(_TYPES[kind])
    end = offset + int(np.prod(shape)) * element.itemsize
    if offset < 0 or end > len(data):
        raise ValueError(f"it ends at byte {len(data)}, and a tensor at {end}")
    return data[offset:end].view(element).reshape(shape)


def float_weights(tensors: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> dict[str, Float]:
    """Return what an int8 graph computes with, as the tensors of Hugging Face's ``BertModel``.

    Args:
        tensors: The graph's initialisers by name: ``[in, out]`` int8 steps with float32 scales, ``[out]`` biases.
        config: Hugging Face's ``config.json``.

    Returns:
        float32 tensors by name; matrices ``[out, in]``. Token types are part of the positions: their own table is 0.

    Raises:
        KeyError: A tensor or a field of the configuration is missing.
    """

    def product(name: str, part: str = "weight") -> Float:
        steps, scale = tensors[f"{name}.{part}"], tensors[f"{name}.scale"]
        return np.asarray(steps.astype(np.float32) * scale, np.float32)

    found: dict[str, NDArray[Any]] = {}

    def norm(name: str, output: str) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = tensors[f"{output}.gain"], tensors[f"{output}.shift"]

    hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    found["embeddings.word_embeddings.weight"] = product("words", "table")
    found["embeddings.position_embeddings.weight"] = tensors["positions"]
    types = int(config.get("type_vocab_size", 2))
    found["embeddings.token_type_embeddings.weight"] = np.zeros((types, hidden), np.float32)
    norm("embeddings.LayerNorm", "embedded")
    for index in range(int(config["num_hidden_layers"])):
        layer = f"encoder.layer.{index}"
        matrices: list[NDArray[Any]] = np.split(product(f"{layer}.qkv"), 3, axis=1)
        biases: list[NDArray[Any]] = np.split(tensors[f"{layer}.qkv.bias"], 3)
        matrices[0], biases[0] = (part / query_scale(hidden, heads) for part in (matrices[0], biases[0]))
        for name, matrix, bias in zip(ATTENTION, matrices, biases, strict=True):
            found[f"{layer}.attention.self.{name}.weight"] = matrix.T
            found[f"{layer}.attention.self.{name}.bias"] = bias
        for name, output in DENSE.items():
            found[f"{layer}.{name}.weight"] = product(f"{layer}.{output}").T
            found[f"{layer}.{name}.bias"] = tensors[f"{layer}.{output}.bias"]
        for name, output in _NORMS.items():
            norm(f"{layer}.{name}", f"{layer}.{output}")
    return {name: np.array(value, np.float32, order="C") for name, value in found.items()}
