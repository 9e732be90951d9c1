"""What a run needs, assembled from its configuration: data, encoder, objective, optimizer.

Everything that can be wrong with the input is said here, before the first step.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.corpus.shards import read_pairs
from codesearch_train.corpus.token_files import Pairs, read_pairs_directory, tokenized
from codesearch_train.loop.batches import Sequences, pair_keys, pair_sequences
from codesearch_train.loop.config import TrainConfig, for_device
from codesearch_train.loop.development import DevelopmentSet, read_development
from codesearch_train.loop.distillation import DistillationObjective
from codesearch_train.loop.distributed import World
from codesearch_train.loop.epochs import Epochs
from codesearch_train.loop.memory import choose_max_tokens, name_the_setting
from codesearch_train.loop.mining import read_neighbours
from codesearch_train.loop.objective import Contrastive
from codesearch_train.loop.optimization import build_optimizer
from codesearch_train.loop.progress import Meter
from codesearch_train.loop.teaching import read_teachers, taught_vectors
from codesearch_train.network.model import Computation, Encoder
from codesearch_train.network.text_preparation import prepare_tokenizer, special_ids
from codesearch_train.network.weights import average, load_encoder, new_encoder, read_tokenizer, save_encoder

__all__ = ["Run", "build"]


@dataclass(slots=True)
class Run:
    """A run: what it is made of, and how far it has come.

    Attributes:
        config: Every hyper-parameter.
        world: The processes.
        tokenizer: Content of ``tokenizer.json``.
        special: Ids of the tokens around each sequence.
        sequences: Texts of all pairs at [0, n), their codes at [n, 2n).
        keys: [n] and [n] hashes of texts and codes.
        epochs: Gives the batches.
        development: Sets whose MRR is watched.
        encoder: What is trained.
        initial: Its weights at the start.
        objective: The loss.
        optimizer: Steps encoder and objective.
        taught: [2n, d] the teachers' vectors of `sequences`; None without teachers.
        max_tokens: Tokens of a forward pass.
        keep_tokens: Tokens whose activations are held at once; None until the first step measures it.
        done: Steps done.
        best: Highest development MRR so far.
        meter: Sums since the last progress line.
    """

    config: TrainConfig
    world: World
    tokenizer: str
    special: tuple[int, int]
    sequences: Sequences
    keys: tuple[Tensor, Tensor]
    epochs: Epochs
    development: list[DevelopmentSet]
    encoder: Encoder
    initial: dict[str, Tensor]
    objective: Contrastive | DistillationObjective
    optimizer: torch.optim.Optimizer
    taught: Tensor | None
    max_tokens: int
    keep_tokens: int | None
    done: int = 0
    best: float = -math.inf
    meter: Meter = field(default_factory=Meter)

    @property
    def directory(self) -> Path:
        """Where the run writes."""
        return Path(self.config.runs) / self.config.name

    @property
    def pairs(self) -> int:
        """Number of training pairs."""
        return len(self.sequences) // 2

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "encoder": self.encoder.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "place": [self.done, *self.epochs.position],
            "best": self.best,
            "pairs": self.pairs,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.encoder.load_state_dict(state["encoder"])
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, epoch, place = state["place"]
        self.epochs.position = (epoch, place)
        self.best = state["best"]

    def save_model(self, folder: Path) -> None:
        """Write the encoder, averaged with the initial weights as configured, as a Hugging Face folder."""
        weights = average(self.encoder.state_dict(), self.initial, self.config.initial_share)
        delivered = Encoder(self.encoder.shape)
        delivered.load_state_dict(weights)
        save_encoder(delivered, folder, self.tokenizer)


def build(config: TrainConfig, world: World) -> Run:
    """Assemble a run.

    Raises:
        InputError: if data, development sets or a setting cannot be used, or the teachers do not fit into memory.
        ModelError: if the initial model or a teacher cannot be read.
    """
    device = world.device
    config = for_device(config, device.type)
    tokenizer = read_tokenizer(config.initial or "all-MiniLM-L6-v2")
    pairs = _read_data(config, tokenizer)
    config = _with_steps(config, pairs)
    development = [read_development(Path(path)) for path in config.development]
    neighbours = read_neighbours(Path(config.neighbours), len(pairs)) if config.neighbours else None
    special, mask = special_ids(tokenizer), _mask_id(tokenizer, config)
    torch.manual_seed(config.seed)
    encoder = _build_encoder(config, tokenizer, device)
    _check_fit(pairs, encoder, config)
    teachers = read_teachers(
        config, tokenizer, Computation(_precision(config, device), compiled=_compiled(config, device))
    )
    initial = {name: tensor.detach().cpu().clone() for name, tensor in encoder.state_dict().items()}
    objective = _build_objective(config, device)
    optimizer = build_optimizer(encoder, objective, config)
    sequences = pair_sequences(pairs, config, special, device, mask)
    max_tokens = choose_max_tokens(config, device)
    with name_the_setting(config):
        taught = taught_vectors(teachers, sequences, config, max_tokens, world) if teachers else None
    return Run(
        config=config,
        world=world,
        tokenizer=tokenizer,
        special=special,
        sequences=sequences,
        keys=pair_keys(pairs, device),
        epochs=Epochs(pairs, config, neighbours),
        development=development,
        encoder=encoder.train(),
        initial=initial,
        objective=objective,
        optimizer=optimizer,
        taught=taught,
        max_tokens=max_tokens,
        keep_tokens=None if config.keep_tokens == "auto" else int(config.keep_tokens),
    )


def _read_data(config: TrainConfig, tokenizer: str) -> Pairs:
    """Read what was tokenised, and tokenise what was not.

    Raises:
        InputError: There is none, or a file is damaged.
    """
    entries = [Path(entry) for entry in config.data]
    shards = [entry for entry in entries if entry.is_file()]
    directories = [entry for entry in entries if not entry.is_file()]
    found = [read_pairs_directory(directories)] if directories or not shards else []
    prepared = prepare_tokenizer(tokenizer)
    cuts = {"text_tokens": config.text_tokens, "code_tokens": config.code_tokens}
    found += [tokenized(read_pairs(shard), prepared, **cuts) for shard in shards]
    return Pairs.concatenate(found)


def _with_steps(config: TrainConfig, pairs: Pairs) -> TrainConfig:
    """`epochs` as a number of steps."""
    if not config.epochs:
        return config
    share = np.array([config.kinds.get(kind, 1.0) for kind in pairs.kinds])
    drawn = float(share[pairs.kind].sum())
    return dataclasses.replace(
        config, steps=max(1, min(config.steps, round(config.epochs * drawn / config.batch_size)))
    )


def _build_encoder(config: TrainConfig, tokenizer: str, device: torch.device) -> Encoder:
    computation = Computation(
        _precision(config, device), config.dropout, config.quantisation_aware, _compiled(config, device)
    )
    if config.initial:
        encoder = load_encoder(config.initial, layers=config.layers, pooling=config.pooling, computation=computation)
    else:
        from tokenizers import Tokenizer

        vocabulary = Tokenizer.from_str(tokenizer).get_vocab_size()
        encoder = new_encoder(*config.shape, vocabulary=vocabulary, pooling=config.pooling, computation=computation)
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


def _compiled(config: TrainConfig, device: torch.device) -> bool:
    return config.compile is True or (config.compile == "auto" and device.type == "cuda")


def _build_objective(config: TrainConfig, device: torch.device) -> Contrastive | DistillationObjective:
    contrastive = Contrastive(
        config.temperature,
        config.minimum_temperature,
        config.matryoshka,
        config.false_negative_margin,
        compiled=_compiled(config, device),
    )
    taught = bool(config.distillation.teachers)
    return (DistillationObjective(contrastive, config.distillation) if taught else contrastive).to(device)


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
