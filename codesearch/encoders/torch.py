"""The encoder for GPUs: PyTorch, half precision. The only module of the package that imports torch.

BERT (Devlin et al., arXiv 1810.04805) is small enough to be written out here, and so needs no
``transformers``, whose import takes seconds. Precision: bfloat16 on CUDA (float16 on GPUs that have
no bfloat16), float16 on MPS, float32 on a CPU. Pooling and normalisation are float32 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from codesearch.encoders.batching import BatchLimits, TextTokenizer, TokenBatch
from codesearch.encoders.graph_weights import read_float_weights
from codesearch.encoders.model_directory import ModelDirectory
from codesearch.encoders.transformer import TransformerEncoder
from codesearch.errors import ModelError

__all__ = ["Bert", "TorchEncoder", "device_is_available"]

_GPU_LIMITS = BatchLimits(tokens=65_536, rows=8_192, window=16_384, even_rows=64, workers=8)
_APPLE_LIMITS = replace(_GPU_LIMITS, workers=0)
_CPU_LIMITS = BatchLimits(tokens=4_096, rows=64, window=2_048, even_rows=16)
_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Not cuDNN's: it builds a plan of some 40 ms for every new shape of a batch, and every batch has another."""

_MASK_ALIGNMENT = 16
"""Attention with a mask wants rows of a multiple of so many tokens, else it copies the mask for every head."""


_T = TypeVar("_T", np.int32, np.bool_)


class TorchEncoder(TransformerEncoder):
    """Encodes on a GPU, in large batches sorted by length; the next one is queued while one is read back.

    Args:
        directory: The model.
        device: ``"cuda"``, ``"mps"`` or ``"cpu"``.

    Raises:
        ModelError: A file is missing or damaged, or the weights do not fit config.json or the recipe.
    """

    def __init__(self, directory: ModelDirectory, *, device: str) -> None:
        self._device = torch.device(device)
        self._bert = _load_bert(directory, self._device)
        limits = {"cpu": _CPU_LIMITS, "mps": _APPLE_LIMITS}.get(device, _GPU_LIMITS)
        super().__init__(directory, TextTokenizer(directory), limits, in_flight=2)

    @property
    def precision(self) -> str:
        """What it computes in; no part of `model_id`, but of every measurement."""
        return {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[_precision(self._device)]

    def _run(self, batch: TokenBatch) -> NDArray[np.float32]:
        return self._start(batch)()

    def _start(self, batch: TokenBatch) -> Callable[[], NDArray[np.float32]]:
        if batch.is_even:  # no padding, no mask: attention takes its fastest kernel
            ids, mask = self._to_device(batch.input_ids), None
        else:
            ids = self._to_device(_align(batch.input_ids, self._bert.max_tokens))
            mask = self._to_device(_align(batch.attention_mask, self._bert.max_tokens))
        with torch.inference_mode(), sdpa_kernel(_ATTENTION):
            vectors = self._bert(ids, mask)

        def wait() -> NDArray[np.float32]:
            array: NDArray[np.float32] = vectors.cpu().numpy()
            return array

        return wait

    def _to_device(self, array: NDArray[np.int32] | NDArray[np.bool_]) -> Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)


def _align(rows: NDArray[_T], max_tokens: int) -> NDArray[_T]:
    """Append zeros, which the mask takes for padding, up to a multiple of `_MASK_ALIGNMENT` columns."""
    aligned = -(-rows.shape[1] // _MASK_ALIGNMENT) * _MASK_ALIGNMENT
    return np.pad(rows, ((0, 0), (0, min(aligned, max_tokens) - rows.shape[1])))


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Tensor  # [out, in]
    bias: Tensor  # [out]

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class _LayerNorm:
    weight: Tensor  # [hidden]
    bias: Tensor  # [hidden]
    epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, slots=True)
class _Layer:
    query_key_value: _Linear
    attention_output: _Linear
    attention_norm: _LayerNorm
    intermediate: _Linear
    output: _Linear
    output_norm: _LayerNorm
    heads: int

    def __call__(self, x: Tensor, mask: Tensor | None) -> Tensor:
        b, s, hidden = x.shape
        q, k, v = self.query_key_value(x).view(b, s, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        context = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        context = context.transpose(1, 2).reshape(b, s, hidden)
        x = self.attention_norm(x + self.attention_output(context))
        return self.output_norm(x + self.output(functional.gelu(self.intermediate(x))))


class Bert:
    """BERT, mean pooling over all tokens, L2 normalisation: inference only.

    Args:
        weights: Tensors under Hugging Face's names, on the device and in the precision to compute with.
        config: Hugging Face's ``config.json``.

    Raises:
        KeyError: A tensor or a field of the configuration is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        epsilon = float(config["layer_norm_eps"])

        def linear(*names: str) -> _Linear:
            return _Linear(
                torch.cat([weights[f"{name}.weight"] for name in names]),
                torch.cat([weights[f"{name}.bias"] for name in names]),
            )

        def norm(name: str) -> _LayerNorm:
            return _LayerNorm(weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)

        def layer(prefix: str) -> _Layer:
            attention = f"{prefix}.attention"
            return _Layer(
                query_key_value=linear(*(f"{attention}.self.{part}" for part in ("query", "key", "value"))),
                attention_output=linear(f"{attention}.output.dense"),
                attention_norm=norm(f"{attention}.output.LayerNorm"),
                intermediate=linear(f"{prefix}.intermediate.dense"),
                output=linear(f"{prefix}.output.dense"),
                output_norm=norm(f"{prefix}.output.LayerNorm"),
                heads=int(config["num_attention_heads"]),
            )

        self._words = weights["embeddings.word_embeddings.weight"]
        # All tokens are of segment 0, so its vector is as good as part of the position's.
        self._positions = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = norm("embeddings.LayerNorm")
        self._layers = [layer(f"encoder.layer.{i}") for i in range(int(config["num_hidden_layers"]))]

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._words.shape[1]

    @property
    def max_tokens(self) -> int:
        """Longest sequence that has positions."""
        return self._positions.shape[0]

    def __call__(self, input_ids: Tensor, mask: Tensor | None) -> Tensor:
        """Return float32 unit vectors, ``[b, dimension]``.

        Args:
            input_ids: ``[b, s]``, int32 or int64.
            mask: ``[b, s]``, bool, true for tokens; None where nothing is padding.
        """
        x = functional.embedding(input_ids, self._words) + self._positions[: input_ids.shape[1]]
        x = self._norm(x)
        attended = None if mask is None else mask[:, None, None, :]
        for layer in self._layers:
            x = layer(x, attended)
        x = x.float()
        if mask is not None:
            x = x * mask[:, :, None]
        # The sum has the direction of the mean, and only the direction is left after normalisation.
        return functional.normalize(x.sum(dim=1), dim=-1)


def device_is_available(device: str) -> bool:
    """Ask PyTorch whether ``"cuda"`` or ``"mps"`` can be used here."""
    if device == "mps":
        return torch.backends.mps.is_available()
    return torch.cuda.is_available()


def _load_bert(directory: ModelDirectory, device: torch.device) -> Bert:
    precision = _precision(device)
    stored = {name: torch.from_numpy(value) for name, value in read_float_weights(directory).items()}
    bert = Bert({name: value.to(device, precision) for name, value in stored.items()}, directory.read_config())
    if bert.dimension != directory.recipe.dimension:
        raise ModelError(
            f"{directory.data_file} gives vectors of length {bert.dimension}, and codesearch.json says "
            f"{directory.recipe.dimension}: export the model again with `codesearch-train export`"
        )
    return bert


def _precision(device: torch.device) -> torch.dtype:
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16
