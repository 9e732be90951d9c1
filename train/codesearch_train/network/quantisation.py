"""Activations as the exported int8 graph sees them: rounded in training, and kept from lying far out.

The int8 graph gives the inputs of a linear layer one scale for all tokens of a batch, so that a single far-off value
takes the steps away from all others. BERT has such values by habit, in a few channels and at [CLS] above all
(Bondarenko et al., arXiv 2109.12948); nothing that is learned needs them. `outlying` makes them cost something, and a
network trained with it rounds to 8 bits with a third of the error (docs/notebook/runs.md, section 15).

`rounded_activations` rounds in the forward pass; the backward pass does not see it (Bengio et al., arXiv 1308.3432;
Jacob et al., arXiv 1712.05877). Weights are not rounded in training: the export rounds them jointly (`rounding`), and
the float32 weights that ship are the rounded ones, so that both precisions compute with the same.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

__all__ = ["REACH", "outlying", "rounded_activations", "with_penalty"]

_LEVELS = 255

REACH = {"qkv": 4.0, "out": 6.0, "up": 4.0, "down": 8.0}
"""How many times the root mean square of what a linear layer reads is still nothing out of the way: layer norms and
attention give values near a normal distribution, gelu many near 0 and few large ones."""


def rounded_activations(x: Tensor) -> Tensor:
    """[tokens, width] on a grid of 256 values from the smallest to the largest of all, 0 among them."""
    exact = x.detach().float()
    low, high = exact.amin().clamp_max(0), exact.amax().clamp_min(0)
    scale = ((high - low) / _LEVELS).clamp_min(1e-12)
    zero = torch.round(-low / scale)
    on_grid = (torch.round(exact / scale) + zero).clamp(0, _LEVELS) - zero
    return x + (on_grid * scale - exact).to(x.dtype)


def outlying(x: Tensor, reach: float) -> Tensor:
    """Sum over [tokens, width] of the squares of what exceeds `reach`, in root mean squares of `x`; a float32 scalar.

    The root mean square gets no gradient: making everything larger is no way out.
    """
    values = x.float()
    typical = values.detach().square().mean().sqrt().clamp_min(1e-12)
    return functional.relu(values.abs() / typical - reach).square().sum()


def with_penalty(vectors: Tensor, penalty: Tensor) -> Tensor:
    """`vectors` as they are; whatever loss is made of them, `penalty` is added to it in the backward pass.

    So a loss on what lies inside the network reaches it by way of `gradcache`, which knows vectors only.
    """
    attached: Tensor = _Attached.apply(vectors, penalty)  # type: ignore[no-untyped-call]
    return attached


class _Attached(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, vectors: Tensor, penalty: Tensor) -> Tensor:  # noqa: ARG004  # its gradient is all it is for
        return vectors.view_as(vectors)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,) = gradients
        return gradient, torch.ones((), device=gradient.device)
