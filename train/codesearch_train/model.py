"""The encoder: a BERT that computes no padding, and how it is read from and written to a Hugging Face folder.

Every sequence of a sub-batch lies in one row of tokens, end to end. All layers but attention do not care
where a sequence ends; attention gets the boundaries (see `attention`). There is no dropout: the pairs are many
and each is seen a few times only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from codesearch.errors import ModelError
from codesearch_train.attention import attend

__all__ = ["Encoder", "Packed", "Shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an encoder is built of.

    Attributes:
        layers: Number of transformer layers.
        width: Dimensions of the hidden states, and of the vectors.
        heads: Attention heads.
        inner: Width of the feed-forward layers.
        vocabulary: Number of token ids.
        positions: Longest sequence, special tokens included.
        position_offset: Index of the first position (2 in the RoBERTa family).
        epsilon: Of the layer norms.
        pooling: "mean" or "cls".
    """

    layers: int
    width: int
    heads: int
    inner: int
    vocabulary: int = 30522
    positions: int = 512
    position_offset: int = 0
    epsilon: float = 1e-12
    pooling: str = "mean"

    def flops(self, lengths: Sequence[int] | Tensor) -> float:
        """Floating-point operations of one forward pass over sequences of these lengths.

        Matrix products only, a multiply-add counted as two. A training step costs three times that.
        """
        sizes = torch.as_tensor(lengths, dtype=torch.float64)
        per_token = 2 * (4 * self.width**2 + 2 * self.width * self.inner)
        return float(self.layers * (per_token * sizes.sum() + 4 * self.width * (sizes**2).sum()))


@dataclass(frozen=True, slots=True)
class Packed:
    """Sequences end to end, special tokens included.

    Attributes:
        ids: [tokens] token ids.
        position: [tokens] place of each token in its sequence.
        sequence: [tokens] which sequence each token belongs to.
        starts: [sequences + 1] int32, where each sequence starts.
        longest: Upper bound of the sequences' lengths.
    """

    ids: Tensor
    position: Tensor
    sequence: Tensor
    starts: Tensor
    longest: int

    def __len__(self) -> int:
        return len(self.starts) - 1


class Linear(nn.Linear):
    """A linear layer whose float32 weights are cast to the dtype of its input."""

    def forward(self, x: Tensor) -> Tensor:
        """[tokens, in] -> [tokens, out] in the dtype of `x`."""
        return functional.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class LayerNorm(nn.LayerNorm):
    """Layer norm in float32, whatever the dtype of its input."""

    def forward(self, x: Tensor) -> Tensor:
        """[tokens, width] -> the same shape and dtype."""
        normed = functional.layer_norm(x.float(), self.normalized_shape, self.weight, self.bias, self.eps)
        return normed.to(x.dtype)


class Layer(nn.Module):
    """One post-norm transformer layer, as in BERT (Devlin et al., arXiv 1810.04805)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = Linear(shape.width, 3 * shape.width)
        self.out = Linear(shape.width, shape.width)
        self.attention_norm = LayerNorm(shape.width, eps=shape.epsilon)
        self.up = Linear(shape.width, shape.inner)
        self.down = Linear(shape.inner, shape.width)
        self.output_norm = LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, x: Tensor, sequence: Tensor, position: Tensor, starts: Tensor, longest: int) -> Tensor:
        """[tokens, width] -> [tokens, width]."""
        qkv = self.qkv(x).view(len(x), 3, self.heads, -1)
        mixed = attend(qkv, sequence, position, starts, longest)
        x = self.attention_norm(x + self.out(mixed.reshape(x.shape)))
        output: Tensor = self.output_norm(x + self.down(functional.gelu(self.up(x))))
        return output


class Embeddings(nn.Module):
    """Word and position embeddings. Token types are always 0: their row is added into the positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.word = nn.Embedding(shape.vocabulary, shape.width)
        self.position = nn.Embedding(shape.positions, shape.width)
        self.norm = LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, ids: Tensor, position: Tensor, precision: torch.dtype) -> Tensor:
        """[tokens], [tokens] -> [tokens, width] in `precision`."""
        summed: Tensor = self.norm(self.word(ids) + self.position(position))
        return summed.to(precision)


class Encoder(nn.Module):
    """Token ids -> one L2-normalised vector for each sequence.

    Parameters are float32; the layers compute in `precision`.
    """

    def __init__(self, shape: Shape, precision: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.shape = shape
        self.precision = precision
        self._compiled = False
        self.embeddings = Embeddings(shape)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.apply(_initialise)

    def compile_layers(self) -> None:
        """Compile one layer; the others are the same code, so its kernels serve them all."""
        self.embeddings.compile()
        for layer in self.layers:
            layer.compile()
        self._compiled = True

    def forward(self, packed: Packed) -> Tensor:
        """Encode.

        Returns:
            [sequences, width] float32, each row of length 1.
        """
        x = self.embeddings(self._any_length(packed.ids), self._any_length(packed.position), self.precision)
        layout = [self._any_length(tensor) for tensor in (packed.sequence, packed.position, packed.starts)]
        longest = -(-packed.longest // 32) * 32  # few values: compiled code is specialised on numbers it sees often
        for layer in self.layers:
            x = layer(self._any_length(x), *layout, longest)
        return functional.normalize(self._pool(x.float(), packed), dim=-1)

    def _any_length(self, tensor: Tensor) -> Tensor:
        """Tell the compiler that the first dimension varies.

        This and not ``compile(dynamic=True)``, under which the inductor of torch 2.11 did not see that a row of
        a layer norm fits into one block: 26,400 pairs a second against 35,600.
        """
        if self._compiled:
            torch._dynamo.mark_dynamic(tensor, 0)
        return tensor

    def _pool(self, x: Tensor, packed: Packed) -> Tensor:
        if self.shape.pooling == "cls":
            return x[packed.starts[:-1].long()]
        sums = x.new_zeros(len(packed), x.shape[1]).index_add(0, packed.sequence, x)
        return sums / packed.starts.diff()[:, None]


def _initialise(module: nn.Module) -> None:
    """BERT's initialisation: normal(0, 0.02), biases 0."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def from_hugging_face(weights: Mapping[str, Tensor], shape: Shape, layers: Sequence[int]) -> dict[str, Tensor]:
    """Weights under our names from weights under Hugging Face's names of the BERT family.

    Args:
        weights: As in ``model.safetensors``; a "bert." or "roberta." prefix is allowed.
        shape: Of the encoder to fill.
        layers: Which layer of `weights` becomes layer 0, 1, ...

    Raises:
        ModelError: if a weight is missing.
    """
    bare = {name.removeprefix("bert.").removeprefix("roberta."): tensor.float() for name, tensor in weights.items()}

    def pick(name: str) -> Tensor:
        if name not in bare:
            raise ModelError(f"the model has no weight {name!r}: give an encoder of the BERT family")
        return bare[name]

    offset = shape.position_offset
    ours = {
        "embeddings.word.weight": pick("embeddings.word_embeddings.weight"),
        "embeddings.position.weight": pick("embeddings.position_embeddings.weight")[offset:]
        + pick("embeddings.token_type_embeddings.weight")[0],
        "embeddings.norm.weight": pick("embeddings.LayerNorm.weight"),
        "embeddings.norm.bias": pick("embeddings.LayerNorm.bias"),
    }
    for target, source in enumerate(layers):
        for kind in ("weight", "bias"):
            for our_name, their_name in _LAYER_NAMES.items():
                ours[f"layers.{target}.{our_name}.{kind}"] = pick(f"encoder.layer.{source}.{their_name}.{kind}")
            parts = [pick(f"encoder.layer.{source}.attention.self.{part}.{kind}") for part in _QKV]
            ours[f"layers.{target}.qkv.{kind}"] = torch.cat(parts)
    return ours


def to_hugging_face(encoder: Encoder) -> dict[str, Tensor]:
    """The encoder's weights under the names of Hugging Face's BertModel, without pooler."""
    ours = {name: tensor.detach().cpu() for name, tensor in encoder.state_dict().items()}
    theirs = {
        "embeddings.word_embeddings.weight": ours["embeddings.word.weight"],
        "embeddings.position_embeddings.weight": ours["embeddings.position.weight"],
        "embeddings.token_type_embeddings.weight": torch.zeros(2, encoder.shape.width),
        "embeddings.LayerNorm.weight": ours["embeddings.norm.weight"],
        "embeddings.LayerNorm.bias": ours["embeddings.norm.bias"],
    }
    for layer in range(encoder.shape.layers):
        for kind in ("weight", "bias"):
            for our_name, their_name in _LAYER_NAMES.items():
                theirs[f"encoder.layer.{layer}.{their_name}.{kind}"] = ours[f"layers.{layer}.{our_name}.{kind}"]
            parts = ours[f"layers.{layer}.qkv.{kind}"].chunk(3)
            for part, tensor in zip(_QKV, parts, strict=True):
                theirs[f"encoder.layer.{layer}.attention.self.{part}.{kind}"] = tensor
    return {name: tensor.contiguous() for name, tensor in theirs.items()}


_QKV = ("query", "key", "value")
_LAYER_NAMES = {
    "out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "output_norm": "output.LayerNorm",
}
