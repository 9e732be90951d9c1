"""The encoder: a BERT or MPNet that computes no padding.

Every sequence of a sub-batch lies in one row of tokens, end to end. All layers but attention do not care
where a sequence ends; attention gets the boundaries (see `attention`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from codesearch_train.kernels.attention import attend
from codesearch_train.network.quantisation import REACH, outlying, rounded_activations, with_penalty

__all__ = ["Computation", "Encoder", "PackedSequences", "Shape"]


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
        buckets: Buckets of relative distances that attention is biased by (MPNet); 0: none (BERT).
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
    buckets: int = 0

    def flops(self, lengths: Sequence[int] | Tensor) -> float:
        """Floating-point operations of one forward pass over sequences of these lengths.

        Matrix products only, a multiply-add counted as two. A training step costs three times that.
        """
        sizes = torch.as_tensor(lengths, dtype=torch.float64)
        per_token = 2 * (4 * self.width**2 + 2 * self.width * self.inner)
        return float(self.layers * (per_token * sizes.sum() + 4 * self.width * (sizes**2).sum()))


@dataclass(frozen=True, slots=True)
class Computation:
    """How an encoder computes; what it is built of is its `Shape`.

    Attributes:
        precision: What the layers compute in. Parameters are float32 always.
        dropout: Share of what each sublayer adds that is dropped in training mode (Devlin et al. have 0.1).
        quantised: Round what every linear layer reads as the int8 graph will.
        compiled: Compile the layers, by torch.compile.
    """

    precision: torch.dtype = torch.float32
    dropout: float = 0.0
    quantised: bool = False
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class PackedSequences:
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
    """A linear layer whose float32 weights are cast to the dtype of its input.

    Args:
        inputs: Width of what it reads.
        outputs: Width of what it gives.
        quantised: Round what is read as the int8 graph will.
    """

    def __init__(self, inputs: int, outputs: int, *, quantised: bool = False) -> None:
        super().__init__(inputs, outputs)
        self.quantised = quantised

    def forward(self, x: Tensor) -> Tensor:
        """[tokens, in] -> [tokens, out] in the dtype of `x`."""
        if self.quantised:
            x = rounded_activations(x)
        return functional.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class LayerNorm(nn.LayerNorm):
    """Layer norm in float32, whatever the dtype of its input."""

    def forward(self, x: Tensor) -> Tensor:
        """[tokens, width] -> the same shape and dtype."""
        normed = functional.layer_norm(x.float(), self.normalized_shape, self.weight, self.bias, self.eps)
        return normed.to(x.dtype)


class Layer(nn.Module):
    """One post-norm transformer layer, as in BERT (Devlin et al., arXiv 1810.04805)."""

    def __init__(self, shape: Shape, computation: Computation) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = computation.dropout
        quantised = computation.quantised
        self.qkv = Linear(shape.width, 3 * shape.width, quantised=quantised)
        self.out = Linear(shape.width, shape.width, quantised=quantised)
        self.attention_norm = LayerNorm(shape.width, eps=shape.epsilon)
        self.up = Linear(shape.width, shape.inner, quantised=quantised)
        self.down = Linear(shape.inner, shape.width, quantised=quantised)
        self.output_norm = LayerNorm(shape.width, eps=shape.epsilon)

    def forward(
        self,
        x: Tensor,
        sequence: Tensor,
        position: Tensor,
        starts: Tensor,
        longest: int,
        bias: Tensor | None,
        penalised: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """[tokens, width] -> the same, and how far activations lie out if `penalised`; `bias` as for `attend`."""
        qkv = self.qkv(x).view(len(x), 3, self.heads, -1)
        mixed = attend(qkv, sequence, position, starts, longest, bias).reshape(x.shape)
        middle = self.attention_norm(x + self._drop(self.out(mixed)))
        active = functional.gelu(self.up(middle))
        output = self.output_norm(middle + self._drop(self.down(active)))
        return output, _outlying(qkv=x, out=mixed, up=middle, down=active) if penalised else None

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout) if self.training and self.dropout else x


def _outlying(**read: Tensor) -> Tensor:
    """Of what each linear layer reads."""
    return torch.stack([outlying(x, REACH[name]) for name, x in read.items()]).sum()


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

    Args:
        shape: What it is built of.
        computation: How it computes.
    """

    def __init__(self, shape: Shape, computation: Computation | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.computation = computation or Computation()
        self.embeddings = Embeddings(shape)
        self.layers = nn.ModuleList(Layer(shape, self.computation) for _ in range(shape.layers))
        if shape.buckets:
            self.distance = nn.Embedding(shape.buckets, shape.heads)
        self.apply(_initialise)
        if shape.buckets:  # kept as it came: the attention kernels give it no gradient
            self.distance.requires_grad_(False)
        if self.computation.compiled:  # one layer is compiled; the others are the same code, so its kernels serve them
            self.embeddings.compile()
            for layer in self.layers:
                layer.compile()
        self.eval()

    def forward(self, packed: PackedSequences, outlier_penalty: float = 0.0) -> Tensor:
        """Encode.

        Args:
            packed: The sequences.
            outlier_penalty: In training mode, this times what lies out (`quantisation.outlying`), summed over all
                tokens and layers, is added to any loss that is made of the vectors.

        Returns:
            [sequences, width] float32, each row of length 1.
        """
        precision = self.computation.precision
        x = self.embeddings(self._any_length(packed.ids), self._any_length(packed.position), precision)
        layout = [self._any_length(tensor) for tensor in (packed.sequence, packed.position, packed.starts)]
        longest = -(-packed.longest // 32) * 32  # few values: compiled code is specialised on numbers it sees often
        bias = self._distance_bias() if self.shape.buckets else None
        penalised = self.training and outlier_penalty > 0
        lying_out = []
        for layer in self.layers:
            x, outlying_here = layer(self._any_length(x), *layout, longest, bias, penalised)
            if outlying_here is not None:
                lying_out.append(outlying_here)
        vectors = functional.normalize(self._pool(x.float(), packed), dim=-1)
        if not lying_out:
            return vectors
        return with_penalty(vectors, outlier_penalty * torch.stack(lying_out).sum())

    def _any_length(self, tensor: Tensor) -> Tensor:
        """Tell the compiler that the first dimension varies.

        This and not ``compile(dynamic=True)``, under which the inductor of torch 2.11 did not see that a row of
        a layer norm fits into one block: 26,400 pairs a second against 35,600.
        """
        if self.computation.compiled:
            torch._dynamo.mark_dynamic(tensor, 0)
        return tensor

    def _distance_bias(self) -> Tensor:
        """[heads, 2 * positions - 1] what attention adds at each distance; distance 0 is in the middle.

        Buckets as in T5 (Raffel et al., arXiv 1910.10683) and MPNet (Song et al., arXiv 2004.09297): half of them
        for keys behind the query, half for keys before it; single distances first, then ever wider ranges up to 128.
        """
        reach = self.shape.positions
        distance = torch.arange(1 - reach, reach, device=self.distance.weight.device)
        half = self.shape.buckets // 2
        single = half // 2
        apart = distance.abs()
        wide = single + (torch.log(apart.clamp(min=1) / single) / math.log(128 / single) * (half - single)).long()
        bucket = torch.where(apart < single, apart, wide.clamp(max=half - 1)) + half * (distance > 0)
        return self.distance.weight[bucket].T.contiguous()

    def _pool(self, x: Tensor, packed: PackedSequences) -> Tensor:
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
