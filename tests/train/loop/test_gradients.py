"""Gradients that must not depend on how a batch is cut: GradCache, and several processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing

from codesearch_train.loop.config import Distillation, TrainConfig
from codesearch_train.loop.construction import Run, build
from codesearch_train.loop.distributed import World
from codesearch_train.loop.gradcache import backward
from codesearch_train.loop.trainer import step
from tests.train.training_data import small_run


def gradients_of_one_step(run: Run) -> dict[str, torch.Tensor]:
    """Gradients of the first batch as the optimizer sees them: the step itself is left out."""
    run.optimizer.step = lambda *_: None  # type: ignore[method-assign, assignment]
    run.config = run.config.__class__(**{**_fields(run.config), "clip_norm": 1e9})
    step(run)
    named = [*run.encoder.named_parameters(), *run.objective.named_parameters()]
    return {name: parameter.grad.clone() for name, parameter in named if parameter.grad is not None}


def _fields(config: object) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("keep_tokens", [0, 130])
def test_gradcache_gives_the_gradient_of_the_whole_batch(tiny_bert: Path, tmp_path: Path, keep_tokens: int) -> None:
    whole = gradients_of_one_step(build(small_run(tmp_path, tiny_bert, max_tokens=10_000), World("cpu")))
    pieces = gradients_of_one_step(
        build(small_run(tmp_path, tiny_bert, max_tokens=40, keep_tokens=keep_tokens), World("cpu"))
    )
    assert whole.keys() == pieces.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(pieces[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("settings", [{"dropout": 0.3, "token_masking": 0.2}, {"outlier_penalty": 5.0}])
@pytest.mark.parametrize("keep_tokens", [0, 130])
def test_what_is_dropped_or_penalised_does_not_depend_on_what_is_kept(
    tiny_bert: Path, tmp_path: Path, keep_tokens: int, settings: dict[str, float]
) -> None:
    kept = gradients_of_one_step(build(small_run(tmp_path, tiny_bert, max_tokens=40, **settings), World("cpu")))
    twice = gradients_of_one_step(
        build(small_run(tmp_path, tiny_bert, max_tokens=40, keep_tokens=keep_tokens, **settings), World("cpu"))
    )
    for name, gradient in kept.items():
        torch.testing.assert_close(twice[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
    nothing = gradients_of_one_step(build(small_run(tmp_path, tiny_bert, max_tokens=40), World("cpu")))
    assert any(not torch.allclose(kept[name], gradient, rtol=1e-2) for name, gradient in nothing.items())


def test_the_penalty_is_a_mean_over_the_tokens_of_a_batch(tiny_bert: Path, tmp_path: Path) -> None:
    """With it a run does not depend on how large its batches are."""

    def share(pairs: int) -> float:
        run = build(small_run(tmp_path, tiny_bert, batch_size=pairs, outlier_penalty=5.0), World("cpu"))
        weights = []
        run.encoder.register_forward_pre_hook(lambda _, arguments: weights.append(arguments[1]))
        step(run)
        return float(weights[-1] * run.meter.tokens)

    assert share(4) == pytest.approx(5.0)
    assert share(12) == pytest.approx(5.0)


def test_backward_frees_and_returns_what_the_loss_gave() -> None:
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    pieces = [torch.tensor([[1.0]]), torch.tensor([[3.0]])]
    result = backward(lambda piece: piece * weight, pieces, 1, lambda vectors: ((vectors**2).sum(), "seen"))
    assert result == "seen"
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(2 * 2 * (1 + 9))


def _odd_run(folder: Path, model: Path, teachers: tuple[str, ...]) -> TrainConfig:
    """Of 15 pairs a batch, so that the processes' shares differ."""
    weights = Distillation(teachers=teachers, cosine=0.0)
    return small_run(folder, model, batch_size=15, layers=(0,), distillation=weights)


def _one_process(rank: int, size: int, folder: Path, model: Path, teachers: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=size)
    run = build(_odd_run(folder, model, teachers), World("cpu"))
    gradients = gradients_of_one_step(run)
    torch.save(gradients, folder / f"gradients-{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.parametrize("taught", [False, True])
def test_two_processes_give_the_gradients_of_one(tiny_bert: Path, tmp_path: Path, taught: bool) -> None:
    teachers = (str(tiny_bert),) if taught else ()
    alone = gradients_of_one_step(build(_odd_run(tmp_path, tiny_bert, teachers), World("cpu")))
    torch.multiprocessing.spawn(_one_process, args=(2, tmp_path, tiny_bert, teachers), nprocs=2)
    for rank in (0, 1):
        shared = torch.load(tmp_path / f"gradients-{rank}.pt", weights_only=True)
        assert shared.keys() == alone.keys()
        for name, gradient in alone.items():
            torch.testing.assert_close(shared[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
