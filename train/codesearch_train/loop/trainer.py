"""The training loop, from top to bottom.

`construction.build` assembles what a run needs. `train` is a generator: it does the work and yields what happened; a
command line draws it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codesearch_train.loop.batches import SubBatch, sub_batches, to_device
from codesearch_train.loop.checkpoint import read_checkpoint, write_checkpoint
from codesearch_train.loop.config import TrainConfig
from codesearch_train.loop.construction import Run, build
from codesearch_train.loop.development import mean_over_sets, mean_reciprocal_rank
from codesearch_train.loop.distributed import World, gather_vectors, sum_gradients
from codesearch_train.loop.gradcache import backward
from codesearch_train.loop.memory import choose_keep_tokens, name_the_setting
from codesearch_train.loop.objective import Outcome, duplicates
from codesearch_train.loop.optimization import set_rate
from codesearch_train.loop.progress import Evaluation, Meter, Progress, SavedModel

__all__ = ["step", "train"]


def train(
    config: TrainConfig, *, stop_after: int = 0, device: str = ""
) -> Iterator[Progress | Evaluation | SavedModel]:
    """Train, or go on with a run of the same name.

    Leaves in the run's directory: ``checkpoint.pt`` (to go on from), ``best`` (by development MRR) and ``last``
    (both Hugging Face folders).

    Args:
        config: The run.
        stop_after: Stop with a checkpoint after this step, as if the time were up. 0: do not.
        device: Overrides the configuration's.

    Yields:
        Progress every `log_every` steps, evaluations, and what was written.

    Raises:
        InputError: before the first step, if the data, the development sets, the checkpoint or a setting cannot
            be used; later, if the memory does not suffice or the loss is not finite.
        ModelError: if the initial model or the teacher cannot be read.
    """
    world = World(device or config.device)
    try:
        run = build(config, world)
        config = run.config  # as it counts on this device
        checkpoint = run.directory / "checkpoint.pt"
        if checkpoint.exists():
            run.restore(read_checkpoint(checkpoint, config, pairs=run.pairs, device=world.device))
        with name_the_setting(config):
            yield from _loop(run, min(stop_after or config.steps, config.steps))
    finally:
        world.leave()


def _loop(run: Run, last: int) -> Iterator[Progress | Evaluation | SavedModel]:
    """Steps up to `last`, or until the time is up; the first process evaluates and writes."""
    config, chief = run.config, run.world.rank == 0
    started = time.perf_counter()
    out_of_time = False
    while run.done < last and not out_of_time:
        step(run)
        out_of_time = bool(config.minutes) and time.perf_counter() - started > 60 * config.minutes
        final = run.done == last or out_of_time
        if run.done % config.log_every == 0 or final:
            yield _progress(run)
        if chief and run.development and (run.done % config.evaluate_every == 0 or final):
            yield from _evaluate(run)
        if chief and (run.done % config.checkpoint_every == 0 or final):
            checkpoint = run.directory / "checkpoint.pt"
            write_checkpoint(checkpoint, config, run.state())
            yield SavedModel(run.done, checkpoint, "checkpoint")
    if chief:
        run.save_model(run.directory / "last")
        yield SavedModel(run.done, run.directory / "last", "last weights")


def step(run: Run) -> None:
    """One optimizer step over one batch."""
    config, world, encoder = run.config, run.world, run.encoder
    rows = run.epochs.next_batch()  # of all processes
    own = rows[world.share(len(rows))]
    members = np.concatenate([own, own + run.pairs])  # texts first, then their codes
    lengths = run.sequences.lengths[members]
    pieces = sub_batches(lengths, run.max_tokens)
    tokens = int(lengths.sum()) * world.size
    penalty = config.outlier_penalty / tokens
    kept = _kept(run, members, pieces, penalty)
    seed = ((config.seed * 1_000_003 + run.done) * world.size + world.rank) * 4096
    torch.manual_seed(seed)  # a resumed run draws the same, and every process something else
    packed = [run.sequences.pack(members[piece.members], config.token_masking) for piece in pieces]

    def encode(index: int) -> Tensor:
        if config.dropout:  # a piece that is encoded twice must drop the same
            torch.manual_seed(seed + index + 1)
        vectors: Tensor = encoder(packed[index], penalty)
        return vectors

    set_rate(run.optimizer, run.done, config)
    run.optimizer.zero_grad(set_to_none=True)
    outcome = backward(encode, range(len(packed)), kept, lambda vectors: _loss(run, vectors, pieces, rows))
    sum_gradients(encoder.parameters())
    torch.nn.utils.clip_grad_norm_(encoder.parameters(), config.clip_norm)
    run.optimizer.step()
    run.done += 1
    flops = encoder.shape.flops(torch.from_numpy(lengths)) * world.size
    run.meter.count(outcome, pairs=config.batch_size, tokens=tokens, flops=flops)


def _kept(run: Run, members: NDArray[np.int64], pieces: list[SubBatch], penalty: float) -> int:
    """How many of the first pieces keep their activations; how many tokens that may be is measured once."""
    if run.keep_tokens is None:

        def encode(piece: SubBatch) -> Tensor:
            vectors: Tensor = run.encoder(run.sequences.pack(members[piece.members]), penalty)
            return vectors

        run.keep_tokens = choose_keep_tokens(encode, pieces, run.config, run.world.device)
    return int(np.searchsorted(np.cumsum([piece.tokens for piece in pieces]), run.keep_tokens, side="right"))


def _loss(run: Run, vectors: Tensor, pieces: list[SubBatch], rows: NDArray[np.int64]) -> tuple[Tensor, Outcome]:
    """Loss of the whole batch from this process's vectors, which lie in the order of the pieces."""
    members = to_device(np.concatenate([piece.members for piece in pieces]), vectors.device)
    own_texts, own_codes = torch.empty_like(vectors).index_copy(0, members, vectors).chunk(2)
    shares = run.world.shares(len(rows))
    texts, codes = gather_vectors(own_texts, shares), gather_vectors(own_codes, shares)
    index = to_device(rows, vectors.device)
    text_keys, code_keys = run.keys
    same = duplicates(text_keys[index], code_keys[index])
    taught = [] if run.taught is None else [_taken(run.taught, at, vectors.device) for at in (rows, rows + run.pairs)]
    outcome = run.objective(texts, codes, same, *taught)
    return outcome.loss, outcome


def _taken(taught: Tensor, members: NDArray[np.int64], device: torch.device) -> Tensor:
    """[members, d] float32: the teachers' vectors, which may lie in main memory."""
    return taught[to_device(members, taught.device)].to(device, non_blocking=True).float()


def _progress(run: Run) -> Progress:
    """The line since the last one; counting starts anew."""
    meter, run.meter = run.meter, Meter()
    rate, temperature = run.optimizer.param_groups[0]["lr"], float(run.objective.temperature)
    device, processes = run.world.device, run.world.size
    return meter.read(
        run.done, run.config.steps, rate=rate, temperature=temperature, device=device, processes=processes
    )


def _evaluate(run: Run) -> Iterator[Evaluation | SavedModel]:
    """MRR on the development sets; the best weights so far are written."""
    started = time.perf_counter()
    text_tokens, code_tokens = run.config.text_tokens, run.config.code_tokens
    limits = {"text_tokens": text_tokens, "code_tokens": code_tokens, "max_tokens": run.max_tokens}
    run.encoder.eval()
    figures = {one.name: mean_reciprocal_rank(run.encoder, one, run.special, **limits) for one in run.development}
    run.encoder.train()
    mean = mean_over_sets(figures.values())
    best, run.best = mean > run.best, max(mean, run.best)
    yield Evaluation(run.done, figures, mean, best)
    if best:
        run.save_model(run.directory / "best")
        yield SavedModel(run.done, run.directory / "best", "best weights")
    run.meter.started += time.perf_counter() - started  # pairs per second are those of training alone
