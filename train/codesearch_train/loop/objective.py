"""The contrastive objective: symmetric InfoNCE over the batch with a learned temperature.

Each text must pick its code out of all codes of the batch, and each code its text (van den Oord et al.,
arXiv 1807.03748; in this form Radford et al., arXiv 2103.00020, and cpt-code, arXiv 2201.10005). Pairs that
share a text or a code are no negatives of each other. With `dimensions` the same is asked of the leading
dimensions alone, renormalised (Kusupati et al., *Matryoshka Representation Learning*, arXiv 2205.13147).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

__all__ = ["Contrastive", "Outcome", "duplicates", "info_nce", "leading"]


class Outcome(NamedTuple):
    """What a batch gave.

    Attributes:
        loss: Scalar to differentiate.
        accuracy: Share of the texts whose own code is the most similar of the batch (detached).
    """

    loss: Tensor
    accuracy: Tensor


def duplicates(text_keys: Tensor, code_keys: Tensor) -> Tensor:
    """[n, n] bool: which pairs share a text or a code. True on the diagonal."""
    return (text_keys[:, None] == text_keys) | (code_keys[:, None] == code_keys)


class Contrastive(nn.Module):
    """Symmetric InfoNCE.

    Args:
        temperature: Initial temperature.
        minimum_temperature: Where the learned temperature stops.
        dimensions: Leading dimensions the loss is averaged over; empty for the full width only.
        margin: A negative more similar than the positive by over this cosine is masked; 0 masks none.
        compiled: Fuse the passes over the similarity matrix, by torch.compile.
    """

    def __init__(
        self,
        temperature: float = 0.05,
        minimum_temperature: float = 0.01,
        dimensions: Sequence[int] = (),
        margin: float = 0.0,
        *,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))
        self.largest = -math.log(minimum_temperature)
        self.dimensions = tuple(dimensions)
        self.margin = margin
        # The function of `similarity` alone is compiled: with the masks made from detached similarities in the
        # same graph, the inductor of torch 2.13 gave the right loss and wrong gradients.
        self._info_nce: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = (
            torch.compile(info_nce, dynamic=False) if compiled else info_nce
        )

    @property
    def temperature(self) -> Tensor:
        """The current temperature, a scalar."""
        return (-self.log_scale.detach().clamp(max=self.largest)).exp()

    def forward(self, texts: Tensor, codes: Tensor, same: Tensor) -> Outcome:
        """The loss of a batch.

        Args:
            texts: [n, d] vectors of length 1.
            codes: [n, d] vectors of length 1; row i belongs to row i of `texts`.
            same: [n, n] from `duplicates`.
        """
        scale = self.log_scale.clamp(max=self.largest).exp()
        blocked = same ^ torch.eye(len(texts), dtype=torch.bool, device=texts.device)
        losses = []
        for dimension in self.dimensions or (texts.shape[1],):
            similarity = leading(texts, dimension) @ leading(codes, dimension).T
            losses.append(self._info_nce(similarity, scale, *self._masks(similarity.detach(), blocked)))
        seen = (texts.detach() @ codes.detach().T).masked_fill_(blocked, -torch.inf)
        accuracy = (seen.amax(1) <= seen.diagonal()).float().mean()
        return Outcome(torch.stack(losses).mean(), accuracy)

    def _masks(self, similarity: Tensor, blocked: Tensor) -> tuple[Tensor, Tensor]:
        """[n, n] and [n, n] bool: the negatives that do not count for text i, and for code j."""
        if self.margin <= 0:
            return blocked, blocked
        bound = similarity.diagonal() + self.margin
        return blocked | (similarity > bound[:, None]), blocked | (similarity > bound)


def info_nce(similarity: Tensor, scale: Tensor, by_text: Tensor, by_code: Tensor) -> Tensor:
    """Mean cross-entropy of picking the diagonal, over rows and over columns.

    Args:
        similarity: [n, n], texts by codes.
        scale: Scalar, 1 / temperature.
        by_text: [n, n] bool, entries left out of the rows' sums.
        by_code: [n, n] bool, entries left out of the columns' sums.
    """
    logits = scale * similarity
    over_codes = logits.masked_fill(by_text, -torch.inf).logsumexp(1)
    over_texts = logits.masked_fill(by_code, -torch.inf).logsumexp(0)
    return (over_codes + over_texts).mean() / 2 - logits.diagonal().mean()


def leading(vectors: Tensor, dimension: int) -> Tensor:
    """[n, dimension] the leading dimensions of [n, d] vectors of length 1, renormalised."""
    return vectors if dimension == vectors.shape[1] else functional.normalize(vectors[:, :dimension], dim=-1)
