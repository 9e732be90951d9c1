"""Distillation: a student learns its teacher's vectors, and how the teacher ranks the batch.

The student is usually made of some of the teacher's layers (`layers` of the configuration), which is most of
the way (Sanh et al., *DistilBERT*, arXiv 1910.01108). It runs in the same trainer; only the loss differs.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

from codesearch.errors import InputError
from codesearch_train.loop.config import Distillation
from codesearch_train.loop.objective import Contrastive, Outcome, leading

__all__ = ["DistillationObjective"]


class DistillationObjective(nn.Module):
    """Contrastive loss + cosine to the teacher's vectors + KL between the similarity matrices.

    The last is that of TAS-B and of *Distilling Dense Representations* (Lin et al., arXiv 2010.11386): what the
    student must keep is whom the teacher thinks similar, in both directions.
    """

    def __init__(self, contrastive: Contrastive, weights: Distillation) -> None:
        super().__init__()
        self.contrastive = contrastive
        self.weights = weights

    @property
    def temperature(self) -> Tensor:
        """The contrastive part's temperature."""
        return self.contrastive.temperature

    def forward(
        self, texts: Tensor, codes: Tensor, same: Tensor, teacher_texts: Tensor, teacher_codes: Tensor
    ) -> Outcome:
        """The loss of a batch; all four are [n, d] vectors of length 1, the teacher's without gradients.

        A teacher of more dimensions gives its leading ones to the cosine: train it with `matryoshka` for that.

        Raises:
            InputError: if the cosine is asked for and the student has more dimensions.
        """
        loss, accuracy = self.contrastive(texts, codes, same)
        loss = loss * self.weights.contrastive
        if self.weights.cosine:
            width = texts.shape[1]
            if width > teacher_texts.shape[1]:
                raise InputError("the student has more dimensions than its teacher: set distillation.cosine = 0")
            text_cosine = (texts * leading(teacher_texts, width)).sum(1).mean()
            code_cosine = (codes * leading(teacher_codes, width)).sum(1).mean()
            apart = 2 - text_cosine - code_cosine
            loss = loss + self.weights.cosine * apart / 2
        if self.weights.similarity:
            student = texts @ codes.T / self.weights.temperature
            teacher = teacher_texts @ teacher_codes.T / self.weights.temperature
            rows = _divergence(teacher, student) + _divergence(teacher.T, student.T)
            loss = loss + self.weights.similarity * rows / 2
        return Outcome(loss, accuracy)


def _divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Mean over rows of KL(softmax(teacher) || softmax(student))."""
    target = functional.log_softmax(teacher, 1)
    return functional.kl_div(functional.log_softmax(student, 1), target, reduction="batchmean", log_target=True)
