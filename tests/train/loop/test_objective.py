from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from codesearch_train.loop.config import Distillation
from codesearch_train.loop.distillation import DistillationObjective
from codesearch_train.loop.objective import Contrastive, duplicates


def vectors(seed: int, rows: int = 6, width: int = 8) -> Tensor:
    return normalize(torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)), dim=-1)


def distinct(rows: int) -> Tensor:
    return torch.eye(rows, dtype=torch.bool)


def test_loss_of_a_batch_worked_by_hand() -> None:
    # Two pairs, cosines [[1, 0], [0, 1]], temperature 0.5: each row is ln(e^2 + e^0) - 2.
    identity = torch.eye(2)
    outcome = Contrastive(temperature=0.5)(identity, identity, distinct(2))
    assert outcome.loss.item() == pytest.approx(math.log(math.exp(2) + 1) - 2, abs=1e-6)
    assert outcome.accuracy.item() == 1.0


def test_the_loss_is_symmetric_in_texts_and_codes() -> None:
    objective = Contrastive()
    one, other = vectors(0), vectors(1)
    assert objective(one, other, distinct(6)).loss.item() == pytest.approx(
        objective(other, one, distinct(6)).loss.item(), abs=1e-5
    )


def test_duplicates_are_no_negatives() -> None:
    texts, codes = vectors(0, 3), vectors(1, 3)
    texts[2], codes[2] = texts[0], codes[0]  # the third pair repeats the first
    keys = torch.tensor([1, 2, 1])
    masked = Contrastive()(texts, codes, duplicates(keys, keys)).loss
    by_hand = []
    similarity = texts @ codes.T * 20
    for row, negatives in ((0, [1]), (1, [0, 2]), (2, [1])):
        lines = (similarity[row], similarity[:, row])
        by_hand += [torch.logsumexp(line[[row, *negatives]], 0) - line[row] for line in lines]
    assert masked.item() == pytest.approx(torch.stack(by_hand).mean().item(), abs=1e-5)


def test_sharing_only_the_code_is_being_a_duplicate() -> None:
    shared = duplicates(torch.tensor([1, 2, 3]), torch.tensor([7, 7, 8]))
    assert shared.tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_margin_masks_negatives_that_beat_the_positive() -> None:
    texts = normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), dim=-1)
    codes = normalize(torch.tensor([[1.0, 1.0], [1.0, 0.1]]), dim=-1)  # code 1 answers text 0 better than code 0 does
    free = Contrastive()(texts, codes, distinct(2)).loss
    guarded = Contrastive(margin=0.1)(texts, codes, distinct(2)).loss
    assert guarded.item() < free.item() - 1


def test_matryoshka_is_the_mean_over_renormalised_leading_dimensions() -> None:
    texts, codes = vectors(0), vectors(1)
    short = Contrastive()(normalize(texts[:, :4], dim=-1), normalize(codes[:, :4], dim=-1), distinct(6)).loss
    full = Contrastive()(texts, codes, distinct(6)).loss
    both = Contrastive(dimensions=(4, 8))(texts, codes, distinct(6)).loss
    assert both.item() == pytest.approx((short + full).item() / 2, abs=1e-5)


def test_temperature_is_learned_and_bounded() -> None:
    objective = Contrastive(temperature=0.05, minimum_temperature=0.04)
    objective(vectors(0), vectors(1), distinct(6)).loss.backward()
    assert objective.log_scale.grad is not None
    assert objective.log_scale.grad.abs().item() > 0
    with torch.no_grad():
        objective.log_scale.fill_(10.0)
    assert objective.temperature.item() == pytest.approx(0.04)


@pytest.mark.filterwarnings("ignore")  # the inductor of torch warns about itself
def test_the_compiled_loss_has_the_same_gradients() -> None:
    gradients = []
    for compiled in (False, True):
        objective = Contrastive(dimensions=(4, 8), margin=0.1, compiled=compiled)
        texts, codes = vectors(0).requires_grad_(), vectors(1).requires_grad_()
        objective(texts, codes, distinct(6)).loss.backward()
        assert texts.grad is not None
        assert codes.grad is not None
        gradients.append(torch.cat([texts.grad, codes.grad]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)


def test_distillation_vanishes_where_the_student_equals_the_teacher() -> None:
    texts, codes = vectors(0), vectors(1)
    distilled = DistillationObjective(Contrastive(), Distillation(teachers=("t",), contrastive=0.0))
    assert distilled(texts, codes, distinct(6), texts, codes).loss.item() == pytest.approx(0, abs=1e-5)
    assert distilled(texts, codes, distinct(6), codes, texts).loss.item() > 0.1


def test_distillation_moves_the_student_towards_the_teacher() -> None:
    teacher_texts, teacher_codes = vectors(2), vectors(3)
    distilled = DistillationObjective(Contrastive(), Distillation(teachers=("t",), contrastive=0.0, temperature=0.5))
    raw = torch.cat([vectors(0), vectors(1)]).requires_grad_()
    optimizer = torch.optim.Adam([raw], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        texts, codes = normalize(raw, dim=-1).chunk(2)
        distilled(texts, codes, distinct(6), teacher_texts, teacher_codes).loss.backward()
        optimizer.step()
    texts, codes = normalize(raw.detach(), dim=-1).chunk(2)
    torch.testing.assert_close(texts @ codes.T, teacher_texts @ teacher_codes.T, atol=0.02, rtol=0)
