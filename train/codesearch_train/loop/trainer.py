"""The training loop.

`train` is a generator: it does the work and yields what happened; a command line draws it. Read `Run.step` for
what a step does, `train` for what surrounds it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import Pairs, read_pairs_directory
from codesearch_train.loop.batches import (
    SubBatch,
    epoch_batches,
    pair_keys,
    pair_sequences,
    sub_batches,
    to_device,
)
from codesearch_train.loop.checkpoint import read_checkpoint, write_checkpoint
from codesearch_train.loop.config import TrainConfig
from codesearch_train.loop.development import (
    mean_over_sets,
    mean_reciprocal_rank,
    read_development,
)
from codesearch_train.loop.distillation import DistillationObjective
from codesearch_train.loop.distributed import World, gather_vectors, sum_gradients
from codesearch_train.loop.gradcache import backward
from codesearch_train.loop.memory import choose_keep_tokens, choose_max_tokens, name_the_setting
from codesearch_train.loop.mining import read_neighbours
from codesearch_train.loop.objective import Contrastive, Outcome, duplicates
from codesearch_train.loop.teaching import read_teachers, taught_vectors
from codesearch_train.network.model import Encoder
from codesearch_train.network.text_preparation import special_ids
from codesearch_train.network.weights import average, load_encoder, new_encoder, read_tokenizer, save_encoder

__all__ = ["Evaluation", "Progress", "SavedModel", "train"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps since the last such line.

    Attributes:
        step: Steps done, of `steps`.
        loss: Mean over the steps; so is `accuracy` (of texts whose own code is the nearest of the batch).
        pairs_per_second: Over all processes, as are `tokens_per_second`.
        utilisation: Model FLOPs (recomputation not counted) per second over the peak of the GPUs; None where
            the peak is not known.
        learning_rate: Of the last step.
        temperature: After the last step.
        memory: Largest GPU memory allocated so far, in GiB; 0 on a CPU.
    """

    step: int
    steps: int
    loss: float
    accuracy: float
    pairs_per_second: float
    tokens_per_second: float
    utilisation: float | None
    learning_rate: float
    temperature: float
    memory: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """MRR in percent on the development sets: by set, by pool."""

    step: int
    figures: dict[str, dict[str, float]]
    mean: float
    best: bool


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model folder or checkpoint was written."""

    step: int
    path: Path
    what: str


def learning_rate(step: int, config: TrainConfig) -> float:
    """Rate of a step counted from 0, as a share of the peak: linear warm-up, then a cosine."""
    warm = max(1, round(config.warmup * config.steps))
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, config.steps - warm)
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * min(1.0, done))) / 2


@dataclass(slots=True)
class _Meter:
    """Sums since the last progress line; losses stay on the device until it is drawn, as reading them waits."""

    started: float = field(default_factory=time.perf_counter)
    steps: int = 0
    pairs: int = 0
    tokens: int = 0
    flops: float = 0.0
    loss: Tensor | float = 0.0
    accuracy: Tensor | float = 0.0


class Run:
    """The state of a run: encoder, objective, optimizer, data, and the place in it."""

    def __init__(self, config: TrainConfig, world: World) -> None:
        self.config = config
        self.world = world
        self.pairs: Pairs = read_pairs_directory([Path(directory) for directory in config.data])
        self.development = [read_development(Path(path)) for path in config.development]
        self.neighbours = read_neighbours(Path(config.neighbours), len(self.pairs)) if config.neighbours else None
        self.tokenizer = read_tokenizer(config.initial or "all-MiniLM-L6-v2")
        self.special = special_ids(self.tokenizer)
        torch.manual_seed(config.seed)
        self.encoder = _build_encoder(config, self.tokenizer, world.device)
        _check_fit(self.pairs, self.encoder, config)
        teachers = read_teachers(config, self.tokenizer, _precision(config, world.device))
        self.initial = {name: tensor.detach().cpu().clone() for name, tensor in self.encoder.state_dict().items()}
        self.encoder.train().set_dropout(config.dropout)
        self.encoder.set_quantised(config.quantisation_aware)
        self.encoder.set_outlier_penalty(config.outlier_penalty)
        self.objective = _build_objective(config).to(world.device)
        self.optimizer = _build_optimizer(self.encoder, self.objective, config)
        compiled = config.compile is True or (config.compile == "auto" and world.device.type == "cuda")
        if compiled:
            self.encoder.compile_layers()
            self.objective.compile_loss()
        self.sequences = pair_sequences(
            self.pairs, config, self.special, world.device, _mask_id(self.tokenizer, config)
        )
        self.text_keys, self.code_keys = pair_keys(self.pairs, world.device)
        self.max_tokens = choose_max_tokens(config, world.device)
        self.taught: Tensor | None = None
        if teachers:
            with name_the_setting(config):
                self.taught = taught_vectors(
                    teachers, self.sequences, config, self.max_tokens, world, compiled=compiled
                )
        self.keep_tokens: int | None = None if config.keep_tokens == "auto" else int(config.keep_tokens)
        self.done, self.epoch, self.place, self.best = 0, 0, 0, -math.inf
        self._order: NDArray[np.int64] | None = None
        self._planner = ThreadPoolExecutor(1)  # sorting an epoch of millions takes seconds: one ahead of the GPU
        self._planned: Future[NDArray[np.int64]] | None = None
        self.meter = _Meter()

    @property
    def directory(self) -> Path:
        """Where the run writes."""
        return Path(self.config.runs) / self.config.name

    def next_batch(self) -> NDArray[np.int64]:
        """[batch_size] rows of the pairs; the next epoch is drawn when one ends."""
        if self._order is not None and self.place == len(self._order):
            self.epoch, self.place, self._order = self.epoch + 1, 0, None
        if self._order is None:
            planned = self._planned or self._plan(self.epoch)
            self._order, self._planned = planned.result(), self._plan(self.epoch + 1)
        self.place += 1
        batch: NDArray[np.int64] = self._order[self.place - 1]
        return batch

    def _plan(self, epoch: int) -> Future[NDArray[np.int64]]:
        return self._planner.submit(epoch_batches, self.pairs, self.config, epoch, self.neighbours)

    def step(self) -> None:
        """One optimizer step over one batch."""
        config = self.config
        rows = self.next_batch()
        own = rows[self.world.share(len(rows))]
        members = np.concatenate([own, own + len(self.pairs)])  # texts first, then their codes
        lengths = self.sequences.lengths[members]
        pieces = sub_batches(lengths, self.max_tokens)
        if self.keep_tokens is None:
            self.keep_tokens = choose_keep_tokens(self._encode(members), pieces, config, self.world.device)
        kept = int(np.searchsorted(np.cumsum([piece.tokens for piece in pieces]), self.keep_tokens, side="right"))
        tokens = int(lengths.sum()) * self.world.size
        self.encoder.set_outlier_penalty(config.outlier_penalty / tokens)
        seed = self._seed()
        packed = [self.sequences.pack(members[piece.members], config.token_masking) for piece in pieces]
        self._set_rate()
        self.optimizer.zero_grad(set_to_none=True)

        def encode(index: int) -> Tensor:
            if config.dropout:  # a piece that is encoded twice must drop the same
                torch.manual_seed(seed + index + 1)
            vectors: Tensor = self.encoder(packed[index])
            return vectors

        outcome = backward(encode, range(len(packed)), kept, lambda vectors: self._loss(vectors, pieces, rows))
        sum_gradients(self.encoder.parameters())
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), config.clip_norm)
        self.optimizer.step()
        self.done += 1
        self._count(outcome, lengths)

    def _seed(self) -> int:
        """Seed what this step draws; a resumed run draws the same, and every process something else."""
        seed = ((self.config.seed * 1_000_003 + self.done) * self.world.size + self.world.rank) * 4096
        torch.manual_seed(seed)
        return seed

    def _loss(self, vectors: Tensor, pieces: list[SubBatch], rows: NDArray[np.int64]) -> tuple[Tensor, Outcome]:
        """Loss of the whole batch from this process's vectors, which lie in the order of the pieces."""
        texts, codes = self._gather(vectors, pieces, len(rows))
        index = to_device(rows, self.world.device)
        same = duplicates(self.text_keys[index], self.code_keys[index])
        if self.taught is None:
            outcome = self.objective(texts, codes, same)
        else:
            outcome = self.objective(texts, codes, same, self._taught(rows), self._taught(rows + len(self.pairs)))
        return outcome.loss, outcome

    def _taught(self, members: NDArray[np.int64]) -> Tensor:
        """[members, d] float32: the teachers' vectors."""
        assert self.taught is not None
        chosen = self.taught[to_device(members, self.taught.device)]
        return chosen.to(self.world.device, non_blocking=True).float()

    def _gather(self, vectors: Tensor, pieces: list[SubBatch], rows: int) -> tuple[Tensor, Tensor]:
        """[rows, d] texts and codes of the whole batch."""
        members = to_device(np.concatenate([piece.members for piece in pieces]), vectors.device)
        ordered = torch.empty_like(vectors).index_copy(0, members, vectors)
        world = self.world
        shares = [rows * (rank + 1) // world.size - rows * rank // world.size for rank in range(world.size)]
        texts, codes = ordered.chunk(2)
        return gather_vectors(texts, shares), gather_vectors(codes, shares)

    def _encode(self, members: NDArray[np.int64]) -> Any:
        return lambda piece: self.encoder(self.sequences.pack(members[piece.members]))

    def _set_rate(self) -> None:
        share = learning_rate(self.done, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = share * group["peak"]

    def _count(self, outcome: Outcome, lengths: NDArray[np.int64]) -> None:
        meter = self.meter
        meter.steps += 1
        meter.pairs += self.config.batch_size
        meter.tokens += int(lengths.sum()) * self.world.size
        meter.flops += 3 * self.encoder.shape.flops(torch.from_numpy(lengths)) * self.world.size
        meter.loss = meter.loss + outcome.loss.detach()
        meter.accuracy = meter.accuracy + outcome.accuracy

    def progress(self) -> Progress:
        """Read the meter and start it anew.

        Raises:
            InputError: if the loss is not a number any more.
        """
        meter, self.meter = self.meter, _Meter()
        loss, accuracy = float(meter.loss) / meter.steps, float(meter.accuracy) / meter.steps
        if not math.isfinite(loss):
            raise InputError(f"the loss is {loss} at step {self.done}: lower learning_rate")
        self.meter.started = now = time.perf_counter()
        seconds = now - meter.started
        peak = peak_flops(self.world.device)
        cuda = self.world.device.type == "cuda"
        return Progress(
            step=self.done,
            steps=self.config.steps,
            loss=loss,
            accuracy=accuracy,
            pairs_per_second=meter.pairs / seconds,
            tokens_per_second=meter.tokens / seconds,
            utilisation=meter.flops / seconds / peak / self.world.size if peak else None,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            temperature=float(self.objective.temperature),
            memory=torch.cuda.max_memory_allocated() / 2**30 if cuda else 0.0,
        )

    def evaluate(self) -> Evaluation:
        """MRR on the development sets."""
        config = self.config
        self.encoder.eval()
        figures = {
            development.name: mean_reciprocal_rank(
                self.encoder,
                development,
                self.special,
                text_tokens=config.text_tokens,
                code_tokens=config.code_tokens,
                max_tokens=self.max_tokens,
            )
            for development in self.development
        }
        self.encoder.train()
        mean = mean_over_sets(figures.values())
        best, self.best = mean > self.best, max(mean, self.best)
        return Evaluation(self.done, figures, mean, best)

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "encoder": self.encoder.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "place": [self.done, self.epoch, self.place],
            "best": self.best,
            "pairs": len(self.pairs),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.encoder.load_state_dict(state["encoder"])
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.epoch, self.place = state["place"]
        self._order = self._planned = None
        self.best = state["best"]

    def save_model(self, folder: Path) -> None:
        """Write the encoder, averaged with the initial weights as configured, as a Hugging Face folder."""
        weights = average(self.encoder.state_dict(), self.initial, self.config.initial_share)
        delivered = Encoder(self.encoder.shape)
        delivered.load_state_dict(weights)
        save_encoder(delivered, folder, self.tokenizer)


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
        run = Run(config, world)
        checkpoint = run.directory / "checkpoint.pt"
        if checkpoint.exists():
            run.restore(read_checkpoint(checkpoint, config, pairs=len(run.pairs), device=world.device))
        with name_the_setting(config):
            yield from _loop(run, checkpoint, stop_after)
    finally:
        world.leave()


def _loop(run: Run, checkpoint: Path, stop_after: int) -> Iterator[Progress | Evaluation | SavedModel]:
    config, chief = run.config, run.world.rank == 0
    started = time.perf_counter()
    last = min(stop_after or config.steps, config.steps)
    while run.done < last:
        run.step()
        out_of_time = bool(config.minutes) and time.perf_counter() - started > 60 * config.minutes
        final = run.done == last or out_of_time
        if run.done % config.log_every == 0 or final:
            yield run.progress()
        if chief and run.development and (run.done % config.evaluate_every == 0 or final):
            yield from _evaluate(run)
        if chief and (run.done % config.checkpoint_every == 0 or final):
            write_checkpoint(checkpoint, config, run.state())
            yield SavedModel(run.done, checkpoint, "checkpoint")
        if out_of_time:
            break
    if chief:
        run.save_model(run.directory / "last")
        yield SavedModel(run.done, run.directory / "last", "last weights")


def _evaluate(run: Run) -> Iterator[Evaluation | SavedModel]:
    started = time.perf_counter()
    evaluated = run.evaluate()
    yield evaluated
    if evaluated.best:
        run.save_model(run.directory / "best")
        yield SavedModel(run.done, run.directory / "best", "best weights")
    run.meter.started += time.perf_counter() - started  # pairs per second are those of training alone


def _build_encoder(config: TrainConfig, tokenizer: str, device: torch.device) -> Encoder:
    precision = _precision(config, device)
    if config.initial:
        encoder = load_encoder(config.initial, layers=config.layers, pooling=config.pooling, precision=precision)
    else:
        from tokenizers import Tokenizer

        vocabulary = Tokenizer.from_str(tokenizer).get_vocab_size()
        encoder = new_encoder(*config.shape, vocabulary=vocabulary, pooling=config.pooling, precision=precision)
    return encoder.to(device)


def _mask_id(tokenizer: str, config: TrainConfig) -> int:
    """Id of [MASK].

    Raises:
        InputError: if tokens are to be masked and the tokenizer has no such token.
    """
    from tokenizers import Tokenizer

    mask = Tokenizer.from_str(tokenizer).token_to_id("[MASK]")
    if mask is None and config.token_masking:
        raise InputError("token_masking: the tokenizer has no [MASK]; set it to 0")
    return mask or 0


def _precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    wanted = config.precision if config.precision != "auto" else "bf16" if device.type == "cuda" else "fp32"
    return torch.bfloat16 if wanted == "bf16" else torch.float32


def _build_objective(config: TrainConfig) -> Contrastive | DistillationObjective:
    contrastive = Contrastive(
        config.temperature, config.minimum_temperature, config.matryoshka, config.false_negative_margin
    )
    return DistillationObjective(contrastive, config.distillation) if config.distillation.teachers else contrastive


def _build_optimizer(encoder: Encoder, objective: torch.nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; matrices decay, biases, norms and the temperature do not."""
    matrices = [parameter for parameter in encoder.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in encoder.parameters() if parameter.dim() == 1]
    rate = config.learning_rate
    groups = [
        {"params": matrices, "peak": rate, "weight_decay": config.weight_decay},
        {"params": vectors, "peak": rate, "weight_decay": 0.0},
        {
            "params": list(objective.parameters()),
            "peak": config.temperature_learning_rate,
            "weight_decay": 0.0,
        },
    ]
    fused = next(encoder.parameters()).is_cuda
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, config.beta2), eps=1e-8, fused=fused)


def _check_fit(pairs: Pairs, encoder: Encoder, config: TrainConfig) -> None:
    """Refuse data or settings that the encoder cannot take, before anything is computed.

    Raises:
        InputError: saying which.
    """
    shape = encoder.shape
    largest = max(int(pairs.texts.ids.max(initial=0)), int(pairs.codes.ids.max(initial=0)))
    if largest >= shape.vocabulary:
        raise InputError(
            f"token id {largest} is beyond the model's {shape.vocabulary}: tokenise with the model you train"
        )
    if max(config.text_tokens, config.code_tokens) > shape.positions:
        raise InputError(f"the model takes {shape.positions} tokens: lower text_tokens and code_tokens to that")
    if config.matryoshka and max(config.matryoshka) > shape.width:
        raise InputError(f"matryoshka: the vectors have {shape.width} dimensions only")
    if len(pairs) < config.batch_size:
        raise InputError(f"{len(pairs):,} pairs do not fill a batch of {config.batch_size:,}: lower batch_size")


_PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12, "L4": 121e12}
"""Dense bf16 FLOP/s of the vendor's data sheets; SXM forms."""


def peak_flops(device: torch.device) -> float | None:
    """Peak of the device, None where it is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for key, peak in _PEAK_FLOPS.items() if key in name), None)
