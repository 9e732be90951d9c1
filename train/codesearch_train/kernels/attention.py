"""Attention within each of many short sequences that lie end to end: three ways to the same numbers.

FlashAttention's variable-length kernel works in tiles of 128 queries by 128 keys, which a docstring of 18
tokens fills to a fiftieth; at this model's sizes it took 41% of a training step. `attend_tiled` fits the tile
to the sequences at hand (sub-batches are sorted by length), keeps a whole sequence of up to 128 tokens in one
program, needs no atomics in its backward pass, and writes the gradient of the packed projection directly.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

__all__ = ["attend", "attend_padded", "attend_varlen"]


def attend(
    qkv: Tensor, sequence: Tensor, position: Tensor, starts: Tensor, longest: int, bias: Tensor | None = None
) -> Tensor:
    """Attention within each sequence, by the fastest way that the device has.

    Args:
        qkv: [tokens, 3, heads, head width] queries, keys and values.
        sequence: [tokens] which sequence each token belongs to.
        position: [tokens] place of each token in its sequence.
        starts: [sequences + 1] int32, where each sequence starts.
        longest: Upper bound of the sequences' lengths.
        bias: [heads, 2 * reach - 1] added to the scores by distance, key's place less query's place; distance 0
            is in the middle. It gets no gradient.

    Returns:
        [tokens, heads, head width].
    """
    if not qkv.is_cuda or qkv.dtype == torch.float32:
        return attend_padded(qkv, sequence, position, starts, longest, bias)
    if _has_triton() and qkv.shape[-1] in (16, 32, 64, 128):
        mixed, _ = torch.ops.codesearch_train.attend_tiled(qkv, starts, longest, bias)
        assert isinstance(mixed, Tensor)
        return mixed
    if bias is not None:
        return attend_padded(qkv, sequence, position, starts, longest, bias)
    return attend_varlen(qkv, starts, longest)


def attend_padded(
    qkv: Tensor, sequence: Tensor, position: Tensor, starts: Tensor, longest: int, bias: Tensor | None = None
) -> Tensor:
    """`attend` through padding: any device, any dtype."""
    count = len(starts) - 1
    padded = qkv.new_zeros((count, longest, *qkv.shape[1:]))
    padded[sequence, position] = qkv
    query, key, value = padded.permute(2, 0, 3, 1, 4)
    real = torch.arange(longest, device=qkv.device) < starts.diff()[:, None]
    mask = real[:, None, None, :]
    if bias is not None:
        places = torch.arange(longest, device=qkv.device)
        added = bias[:, places - places[:, None] + bias.shape[1] // 2].to(qkv.dtype)
        mask = torch.where(mask, added, -torch.inf)
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return mixed.transpose(1, 2)[sequence, position]


def attend_varlen(qkv: Tensor, starts: Tensor, longest: int) -> Tensor:
    """`attend` by FlashAttention's variable-length kernel: CUDA, 16-bit floats."""
    from torch.nn.attention.varlen import varlen_attn

    query, key, value = qkv.unbind(1)
    mixed = varlen_attn(query, key, value, starts, starts, longest, longest)
    assert isinstance(mixed, Tensor)
    return mixed


@functools.cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _tile(longest: int, width: int) -> tuple[int, int]:
    """Rows of a tile, and warps that work on it; tiles of 128 of wide heads do not fit into shared memory."""
    if longest <= 64:
        return (16 if longest <= 16 else 32 if longest <= 32 else 64), 4
    return (128, 8) if longest <= 128 and width <= 32 else (64, 4)


def _stages(bias: Tensor | None) -> int:
    """Tiles of a loop that are loaded ahead; those of the bias are large, and shared memory is not."""
    return 3 if bias is None else 1


@torch.library.custom_op("codesearch_train::attend_tiled", mutates_args=())
def _attend_tiled(qkv: Tensor, starts: Tensor, longest: int, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    from codesearch_train.kernels.attention_kernels import forward_kernel

    tokens, _, heads, width = qkv.shape
    mixed = torch.empty((tokens, heads, width), dtype=qkv.dtype, device=qkv.device)
    sums = torch.empty((tokens, heads), dtype=torch.float32, device=qkv.device)
    tile, warps = _tile(longest, width)
    grid = (len(starts) - 1, heads, -(-longest // tile))
    table, reach = (sums, 0) if bias is None else (bias, bias.shape[1])
    scale = width**-0.5
    forward_kernel[grid](
        qkv,
        mixed,
        sums,
        starts,
        table,
        scale,
        heads,
        width,
        tile,
        reach,
        num_warps=warps,
        num_stages=_stages(bias),
    )
    return mixed, sums


@_attend_tiled.register_fake
def _(qkv: Tensor, *_layout: object) -> tuple[Tensor, Tensor]:
    tokens, _, heads, width = qkv.shape
    return qkv.new_empty((tokens, heads, width)), qkv.new_empty((tokens, heads), dtype=torch.float32)


@torch.library.custom_op("codesearch_train::attend_tiled_backward", mutates_args=())
def _attend_tiled_backward(
    gradient: Tensor,
    qkv: Tensor,
    mixed: Tensor,
    sums: Tensor,
    starts: Tensor,
    longest: int,
    bias: Tensor | None,
) -> Tensor:
    from codesearch_train.kernels.attention_kernels import backward_kernel

    _, _, heads, width = qkv.shape
    result = torch.empty_like(qkv)
    tile, warps = _tile(longest, width)
    tiles = -(-longest // tile)
    grid = (len(starts) - 1, heads, tiles)
    backward_kernel[grid](
        gradient.contiguous(),
        qkv,
        mixed,
        sums,
        result,
        starts,
        sums if bias is None else bias,
        width**-0.5,
        heads,
        width,
        tile,
        0 if bias is None else bias.shape[1],
        tiles == 1,
        num_warps=warps,
        num_stages=_stages(bias),
    )
    return result


@_attend_tiled_backward.register_fake
def _(_gradient: Tensor, qkv: Tensor, *_: object) -> Tensor:
    return torch.empty_like(qkv)


def _setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, Tensor | None], output: tuple[Tensor, Tensor]) -> None:
    qkv, starts, ctx.longest, bias = inputs
    ctx.save_for_backward(qkv, *output, starts, bias)
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, gradient: Tensor, _: Tensor | None) -> tuple[Tensor, None, None, None]:
    qkv, mixed, sums, starts, bias = ctx.saved_tensors
    return _attend_tiled_backward(gradient, qkv, mixed, sums, starts, ctx.longest, bias), None, None, None


_attend_tiled.register_autograd(_backward, setup_context=_setup_context)
