"""Quantisation as the exported graph will do it, simulated in training: the weights learn to bear it.

The forward pass rounds, the backward pass does not see it (Bengio et al., arXiv 1308.3432; Jacob et al., arXiv
1712.05877). Rounded are the inputs and weights of every linear layer, those that `onnx_graph` makes int8; what makes
that milder in an export, `smoothing` and joint `rounding`, is not simulated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from codesearch_train.rounding import PAIR_LIMIT

__all__ = ["rounded_activations", "rounded_weights"]

_LEVELS = 255


def rounded_weights(weight: Tensor) -> Tensor:
    """[out, in] on the grid of each output's own scale, as `onnx_graph` stores weights rounded each by itself."""
    exact = weight.detach()
    scale = (exact.abs().amax(1, keepdim=True) / (PAIR_LIMIT // 2)).clamp_min(1e-12)
    return weight + (torch.round(exact / scale) * scale - exact)


def rounded_activations(x: Tensor) -> Tensor:
    """[tokens, width] on a grid of 256 values from the smallest to the largest of all, 0 among them."""
    exact = x.detach().float()
    low, high = exact.amin().clamp_max(0), exact.amax().clamp_min(0)
    scale = ((high - low) / _LEVELS).clamp_min(1e-12)
    zero = torch.round(-low / scale)
    on_grid = (torch.round(exact / scale) + zero).clamp(0, _LEVELS) - zero
    return x + (on_grid * scale - exact).to(x.dtype)
