"""Weights rounded to 8 bits one input at a time, each step making up for the errors of those before it.

Rounding each weight to the nearest step is best for the weights, not for what they compute: inputs of a layer go
together, so an error in one weight can be made good in those that follow. GPTQ (Frantar et al., arXiv 2210.17323) does
that from the second moments of the layer's inputs. It costs nothing at run time. docs/encoding.md has what it is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch_train.smoothing import linear_inputs

if TYPE_CHECKING:
    from onnx import ModelProto

    from codesearch.encoders.batching import TokenBatch

__all__ = ["round_jointly", "second_moments"]

Float = NDArray[np.float32]

_DAMPING = 0.01
"""Added to the diagonal, as a share of its mean: GPTQ's."""


def second_moments(graph: ModelProto, batches: Iterable[TokenBatch]) -> dict[str, Float]:
    """Sum of the outer products of each linear layer's inputs over the tokens of `batches`; no padding counts.

    Args:
        graph: A float32 graph of `onnx_graph.bert_graph`; it gets more outputs.
        batches: What to run it on.

    Returns:
        ``[in, in]`` for the name of each linear layer's output.
    """
    moments: dict[str, Float] = {}
    for inputs in linear_inputs(graph, batches):
        for layer, rows in inputs.items():
            here = rows.T @ rows
            moments[layer] = moments[layer] + here if layer in moments else here
    return moments


def round_jointly(weight: Float, scale: Float, moments: Float, limit: int) -> NDArray[np.int8]:
    """Round ``weight / scale`` so that the layer's outputs change least.

    Args:
        weight: ``[in, out]``.
        scale: Step of each output, ``[1, out]``.
        moments: Of the layer's inputs, ``[in, in]``.
        limit: Largest magnitude of the result.

    Returns:
        ``[in, out]``.
    """
    scaled = (weight / scale).astype(np.float64)
    hessian = moments.astype(np.float64)
    size = len(hessian)
    mean = float(np.trace(hessian)) / size
    hessian[np.diag_indices(size)] += _DAMPING * mean if mean > 0 else 1.0
    # Rows of the upper Cholesky factor of the inverse say how the weights to come make up for the one at hand.
    remedy = np.linalg.cholesky(np.linalg.inv(hessian)).T
    result = np.empty(scaled.shape, np.int8)
    for row in range(size):
        result[row] = np.clip(np.rint(scaled[row]), -limit, limit)
        error = (scaled[row] - result[row]) / remedy[row, row]
        scaled[row + 1 :] -= np.outer(remedy[row, row + 1 :], error)
    return result
