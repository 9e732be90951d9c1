"""Triton kernels of `attention.attend_tiled`; imported only where Triton is.

The layout of `qkv` is [tokens, 3, heads, width], of the outputs [tokens, heads, width]. A program handles one
tile of one head of one sequence. Softmax runs in base 2, as the hardware's exponential does; `sums` keeps its
log2 normaliser for the backward pass (Dao, *FlashAttention-2*, arXiv 2307.08691). `bias`, where REACH is not 0, is
[heads, REACH] and added to the scores by distance, REACH // 2 being distance 0.
"""

# mypy: ignore-errors
# ruff: noqa: N803
# Triton has a type system of its own, and its compile-time constants are upper case by custom.
from __future__ import annotations

import triton
import triton.language as tl

LOG2_E: tl.constexpr = tl.constexpr(1.4426950408889634)


@triton.jit
def _load(base, rows, columns, stride, length):
    """[rows, columns] of one operand, zeros beyond the sequence."""
    return tl.load(base + rows[:, None] * stride + columns[None, :], mask=rows[:, None] < length, other=0.0)


@triton.jit
def _scores(query, key, bias, queries, keys, factor, REACH: tl.constexpr):
    """[queries, keys] scores in base 2. Distances beyond the table belong to rows that are masked anyway."""
    score = tl.dot(query, tl.trans(key)) * factor
    if REACH:
        distance = keys[None, :] - queries[:, None] + REACH // 2
        inside = (distance >= 0) & (distance < REACH)
        score += tl.load(bias + distance, mask=inside, other=0.0) * LOG2_E
    return score


@triton.jit
def forward_kernel(
    qkv,
    mixed,
    sums,
    starts,
    bias,
    scale,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    TILE: tl.constexpr,
    REACH: tl.constexpr,
):
    """Attention of one tile of queries: writes `mixed` and `sums`."""
    start = tl.load(starts + tl.program_id(0))
    length = tl.load(starts + tl.program_id(0) + 1) - start
    head = tl.program_id(1)
    first = tl.program_id(2) * TILE
    if first < length:
        stride: tl.constexpr = 3 * HEADS * WIDTH
        columns = tl.arange(0, WIDTH)
        rows = first + tl.arange(0, TILE)
        base = qkv + start.to(tl.int64) * stride + head * WIDTH
        query = _load(base, rows, columns, stride, length)
        largest = tl.full((TILE,), float("-inf"), tl.float32)
        normaliser = tl.zeros((TILE,), tl.float32)
        total = tl.zeros((TILE, WIDTH), tl.float32)
        for at in range(0, length, TILE):
            others = at + tl.arange(0, TILE)
            key = _load(base + HEADS * WIDTH, others, columns, stride, length)
            value = _load(base + 2 * HEADS * WIDTH, others, columns, stride, length)
            score = _scores(query, key, bias + head * REACH, rows, others, scale * LOG2_E, REACH)
            score = tl.where(others[None, :] < length, score, float("-inf"))
            larger = tl.maximum(largest, tl.max(score, 1))
            weight = tl.exp2(score - larger[:, None])
            shrink = tl.exp2(largest - larger)
            normaliser = normaliser * shrink + tl.sum(weight, 1)
            total = total * shrink[:, None] + tl.dot(weight.to(value.dtype), value)
            largest = larger
        inside = rows < length
        target = (start + rows).to(tl.int64) * HEADS + head
        result = (total / normaliser[:, None]).to(mixed.dtype.element_ty)
        tl.store(mixed + target[:, None] * WIDTH + columns[None, :], result, mask=inside[:, None])
        tl.store(sums + target, largest + tl.log2(normaliser), mask=inside)


@triton.jit
def backward_kernel(
    gradient,
    qkv,
    mixed,
    sums,
    result,
    starts,
    bias,
    scale,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    TILE: tl.constexpr,
    REACH: tl.constexpr,
    SINGLE: tl.constexpr,
):
    """Gradients of one tile's queries, keys and values: writes `result`, laid out as `qkv`."""
    start = tl.load(starts + tl.program_id(0))
    length = tl.load(starts + tl.program_id(0) + 1) - start
    head = tl.program_id(1)
    first = tl.program_id(2) * TILE
    if first < length:
        stride: tl.constexpr = 3 * HEADS * WIDTH
        narrow: tl.constexpr = HEADS * WIDTH
        columns = tl.arange(0, WIDTH)
        mine = first + tl.arange(0, TILE)
        base = qkv + start.to(tl.int64) * stride + head * WIDTH
        out = start.to(tl.int64) * narrow + head * WIDTH
        sums_base = sums + start.to(tl.int64) * HEADS + head
        factor = scale * LOG2_E
        table = bias + head * REACH

        query = _load(base, mine, columns, stride, length)
        key = _load(base + narrow, mine, columns, stride, length)
        value = _load(base + 2 * narrow, mine, columns, stride, length)
        slope = _load(gradient + out, mine, columns, narrow, length)
        answer = _load(mixed + out, mine, columns, narrow, length)
        delta = tl.sum(slope.to(tl.float32) * answer.to(tl.float32), 1)
        # Beyond the sequence the normaliser is +inf, so that every weight there is 0.
        norm = tl.load(sums_base + mine * HEADS, mask=mine < length, other=float("inf"))

        if SINGLE:
            weight = tl.exp2(_scores(query, key, table, mine, mine, factor, REACH) - norm[:, None])
            weight = tl.where(mine[None, :] < length, weight, 0.0)
            value_slope = tl.dot(tl.trans(weight.to(slope.dtype)), slope)
            score_slope = weight * (tl.dot(slope, tl.trans(value)) - delta[:, None])
            score_slope = score_slope.to(query.dtype)
            query_slope = tl.dot(score_slope, key)
            key_slope = tl.dot(tl.trans(score_slope), query)
        else:
            query_slope = tl.zeros((TILE, WIDTH), tl.float32)
            key_slope = tl.zeros((TILE, WIDTH), tl.float32)
            value_slope = tl.zeros((TILE, WIDTH), tl.float32)
            for at in range(0, length, TILE):
                others = at + tl.arange(0, TILE)
                # This tile's queries, the other tile's keys.
                other_key = _load(base + narrow, others, columns, stride, length)
                other_value = _load(base + 2 * narrow, others, columns, stride, length)
                weight = tl.exp2(_scores(query, other_key, table, mine, others, factor, REACH) - norm[:, None])
                weight = tl.where(others[None, :] < length, weight, 0.0)
                score_slope = weight * (tl.dot(slope, tl.trans(other_value)) - delta[:, None])
                query_slope += tl.dot(score_slope.to(query.dtype), other_key)
                # The other tile's queries, this tile's keys.
                other_query = _load(base, others, columns, stride, length)
                other_slope = _load(gradient + out, others, columns, narrow, length)
                other_answer = _load(mixed + out, others, columns, narrow, length)
                other_delta = tl.sum(other_slope.to(tl.float32) * other_answer.to(tl.float32), 1)
                other_norm = tl.load(sums_base + others * HEADS, mask=others < length, other=float("inf"))
                weight = tl.exp2(_scores(other_query, key, table, others, mine, factor, REACH) - other_norm[:, None])
                weight = tl.where(mine[None, :] < length, weight, 0.0)
                value_slope += tl.dot(tl.trans(weight.to(slope.dtype)), other_slope)
                score_slope = weight * (tl.dot(other_slope, tl.trans(value)) - other_delta[:, None])
                key_slope += tl.dot(tl.trans(score_slope.to(query.dtype)), other_query)

        inside = mine[:, None] < length
        target = result + start.to(tl.int64) * stride + head * WIDTH + mine[:, None] * stride + columns[None, :]
        tl.store(target, (query_slope * scale).to(result.dtype.element_ty), mask=inside)
        tl.store(target + narrow, (key_slope * scale).to(result.dtype.element_ty), mask=inside)
        tl.store(target + 2 * narrow, value_slope.to(result.dtype.element_ty), mask=inside)
