"""Gradients of a loss over a batch that is encoded piece by piece.

A contrastive loss needs all vectors of the batch at once, but the activations behind them may not fit into
memory. The vectors are small, so: encode every piece, differentiate the loss with respect to the vectors, then
send each piece's share of that gradient back through the encoder. Pieces whose activations fit are kept; the
others are encoded without a graph first and a second time when their turn comes (Gao et al., *Scaling Deep
Contrastive Learning Batch Size under Memory Limited Setup*, arXiv 2101.06983). The gradient is the same.

Encoding must be a deterministic function of a piece: dropout has to be seeded by the piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["backward"]

_P = TypeVar("_P")
_R = TypeVar("_R")


def backward(
    encode: Callable[[_P], Tensor],
    pieces: Sequence[_P],
    kept: int,
    loss_of: Callable[[Tensor], tuple[Tensor, _R]],
) -> _R:
    """Accumulate the gradients of a loss over all pieces.

    Args:
        encode: Piece -> [rows, d] vectors.
        pieces: What makes up the batch.
        kept: How many of the first pieces keep their activations.
        loss_of: All vectors, [sum of rows, d] in the order of the pieces -> (the loss, whatever else is wanted).

    Returns:
        What `loss_of` returned beside the loss.
    """
    with_graph = [encode(piece) for piece in pieces[:kept]]
    without = _encode_without_graph(encode, pieces[kept:])
    vectors = torch.cat([vector.detach() for vector in with_graph] + without).requires_grad_()
    loss, result = loss_of(vectors)
    loss.backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    sizes = [len(vector) for vector in [*with_graph, *without]]
    gradients = torch.split(vectors.grad, sizes)
    while with_graph:  # popped, so that a piece's activations are freed as soon as they are used
        with_graph.pop().backward(gradients[len(with_graph)])  # type: ignore[no-untyped-call]
    for piece, gradient in zip(pieces[kept:], gradients[kept:], strict=True):
        encode(piece).backward(gradient)  # type: ignore[no-untyped-call]
    return result


def _encode_without_graph(encode: Callable[[_P], Tensor], pieces: Sequence[_P]) -> list[Tensor]:
    """Encode each piece without a graph."""
    with torch.no_grad():
        return [encode(piece) for piece in pieces]
