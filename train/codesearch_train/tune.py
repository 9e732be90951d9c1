"""Fine-tuning on the user's own repository: a few minutes, installed only where it helps.

Pairs are made from the repository as the corpus makes them. A part is held out by file; the weights before and
after are measured on it, after as they were exported, and the new ones are installed only if they are better.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import Pairs, read_pairs_directory, tokenize_pairs
from codesearch_train.loop.config import TrainConfig
from codesearch_train.loop.development import DevelopmentSet, one_each, reciprocal_ranks, write_development
from codesearch_train.loop.progress import Evaluation, Progress, SavedModel
from codesearch_train.loop.trainer import train
from codesearch_train.network.model import Computation
from codesearch_train.network.text_preparation import prepare_tokenizer, special_ids
from codesearch_train.network.weights import load_encoder, read_tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from codesearch_train.corpus.pairs import Pair

__all__ = ["Stage", "TuningResult", "repository_pairs", "tune"]

LEAST_PAIRS = 200
"""Below this, neither training nor the held-out figure means anything."""
HELD_OUT_SHARE = 0.15
TEXT_TOKENS, CODE_TOKENS = 64, 160

_STEP_PER_MEASURED = 2.0
"""What a pair costs in a step of training, where it costs 1 to measure it, which loads the weights as well."""

_MEASURING_SHARE = 0.06
"""Of the time that was asked for, what one measurement may take; there are four."""
_LEAST_HELD_OUT = 50
_EXPORT_SECONDS = 15.0
"""Kept for the export, which rounds the weights."""
_CPU_BATCH = 128
"""Pairs of a step on a CPU, where one of 1,024 takes longer than a minute, and time is looked at between steps."""


def repository_pairs(root: Path) -> list[Pair]:
    """Pairs of a work tree as it is on the disk, made and filtered as the corpus makes them.

    Unlike the corpus, this asks for no licence: the weights stay with whoever owns the code.

    Raises:
        InputError: if `root` is no directory that can be read.
    """
    from codesearch.extraction import extract
    from codesearch.languages import language_of
    from codesearch.sources import FileRules, SourceText, list_files, open_repository, read_source
    from codesearch_train.corpus.filters import why_not, why_not_file
    from codesearch_train.corpus.pairs import Split, pairs_from_chunk

    repository = open_repository(root, cache=root)
    rules = FileRules()
    found = []
    for file in list_files(repository, rules).files:
        language = language_of(file.path)
        if language is None or not language.has_definitions or why_not_file(file.path):
            continue
        source = read_source(repository, file, rules)
        if not isinstance(source, SourceText):
            continue
        for chunk in extract(file.path, source.text, language):
            pairs = pairs_from_chunk(chunk, repository.name, "unknown", Split.TRAIN)
            found += [pair for pair in pairs if why_not(pair) is None]
    return found


@dataclass(frozen=True, slots=True)
class Stage:
    """What begins now, as a sentence for whoever waits."""

    text: str


@dataclass(frozen=True, slots=True)
class TuningResult:
    """MRR in percent over the held-out pairs, before and after.

    Attributes:
        pairs: Number of training pairs.
        held_out: Number of held-out pairs, each searched among all of them.
        before: Of the weights as they were.
        after: Of the tuned weights, rounded as they are installed; of the weights before rounding, where these did not
            gain already.
        gain: The difference, with the ends of its 95% interval, over the held-out questions.
        installed: The new model directory, None where the weights did not gain.
    """

    pairs: int
    held_out: int
    before: float
    after: float
    gain: tuple[float, float, float]
    installed: Path | None


def tune(
    pairs: list[Pair],
    work: Path,
    target: Path,
    *,
    initial: str,
    minutes: float,
    device: str = "auto",
    gain: float = 0.1,
    started: float | None = None,
) -> Iterator[Stage | Progress | Evaluation | SavedModel | TuningResult]:
    """Tune an encoder on the pairs of a repository.

    Args:
        pairs: Of the repository, in a stable order.
        work: Directory for tokenised pairs and checkpoints.
        target: Model directory that is written where the weights gain.
        initial: Folder or name of the encoder to start from.
        minutes: Longest time for all of it: reading, measuring, training and the export.
        device: "auto", "cpu" or "cuda".
        gain: Points of MRR below which the new weights are not worth installing.
        started: When that time began, by ``time.perf_counter``; None for now.

    Yields:
        What begins, what `train` yields, and last what was measured.

    Raises:
        InputError: if the repository has too few documented functions, something else is where `target` is to be, or
            the time does not suffice for one step of training.
        ModelError: if the encoder cannot be read.
    """
    from codesearch_train.export.conversion import check_target, export, install

    check_target(target)
    if len(pairs) < LEAST_PAIRS:
        raise InputError(
            f"the repository gives {len(pairs)} pairs of documentation and code, {LEAST_PAIRS} are needed: "
            "tune on a larger repository, or stay with the shipped model"
        )
    started = time.perf_counter() if started is None else started
    description = read_tokenizer(initial)
    tokenizer, special = prepare_tokenizer(description), special_ids(description)
    held_out = [pair for pair in pairs if _is_held_out(pair.path)]
    training = [pair for pair in pairs if not _is_held_out(pair.path)]
    if min(len(held_out), len(training)) < 10:
        raise InputError("the pairs come from too few files to hold some out: tune on a larger repository")
    yield Stage(f"{len(training):,} pairs to train on, {len(held_out):,} held out by file; cutting them into tokens")
    tokenized: dict[str, Pairs] = {}
    for name, some in (("train", training), ("valid", held_out)):
        for _ in tokenize_pairs(
            some, tokenizer, work / name, text_tokens=TEXT_TOKENS, code_tokens=CODE_TOKENS, prefix=name
        ):
            pass
        tokenized[name] = read_pairs_directory([work / name])
    rows = _rows_in_time(tokenized["valid"], initial, special, 60 * minutes * _MEASURING_SHARE)
    development = _development(tokenized["valid"], rows)
    write_development(work / "held-out.dev.xz", development)
    yield Stage(f"measuring the encoder as it is, on {len(rows):,} held-out pairs")
    measuring = time.perf_counter()
    before = _held_out_ranks(initial, development, special)
    measuring = time.perf_counter() - measuring
    left = 60 * minutes - (time.perf_counter() - started) - 3 * measuring - _EXPORT_SECONDS
    config = _configuration(work, initial, len(tokenized["train"]), max(left, 1.0) / 60, device)
    step = _STEP_PER_MEASURED * measuring / len(rows) * config.batch_size
    if left < step:
        needed = minutes + (step - left) / 60
        raise InputError(
            f"{minutes:g} minutes leave no time to train on this machine: reading and measuring take most of them. "
            f"Give --minutes {ceil(needed + 1)} or more, or stay with the model that you have"
        )
    yield Stage(f"MRR {before.mean():.2f}; training for at most {left:.0f} s")
    yield from train(config)
    # The run's own evaluations chose "best" among its checkpoints; where none was made in time, "last" is it.
    best = work / config.name / "best"
    tuned = best if best.exists() else work / config.name / "last"
    yield Stage("measuring the new weights")
    after = _held_out_ranks(str(tuned), development, special)
    installed = None
    if after.mean() >= before.mean() + gain:
        yield Stage("rounding the new weights to 8 bits, and measuring them once more")
        exported = work / "exported"
        export(tuned, exported, name=target.name)
        after = _held_out_ranks(str(exported), development, special)
        if after.mean() >= before.mean() + gain:
            install(exported, target)
            installed = target
    yield TuningResult(
        len(training),
        len(rows),
        float(before.mean()),
        float(after.mean()),
        _difference(before, after),
        installed,
    )


def _development(valid: Pairs, rows: NDArray[np.int64]) -> DevelopmentSet:
    gold = np.arange(len(rows))
    return DevelopmentSet(
        "held-out", valid.texts.take(rows), valid.codes.take(rows), one_each(gold), np.zeros_like(gold), ("files",)
    )


def _rows_in_time(valid: Pairs, initial: str, special: tuple[int, int], seconds: float) -> NDArray[np.int64]:
    """Return which held-out pairs can be measured in a time, evenly drawn; a few are measured to find out."""
    probe = np.arange(min(len(valid), 16))
    began = time.perf_counter()
    _held_out_ranks(initial, _development(valid, probe), special)
    each = (time.perf_counter() - began) / len(probe)
    count = min(len(valid), max(_LEAST_HELD_OUT, int(seconds / each)))
    return np.linspace(0, len(valid) - 1, count).astype(np.int64)


def _difference(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean difference and its 95% interval: questions are drawn anew 2,000 times."""
    differences = after - before
    random = np.random.default_rng(0)
    means = differences[random.integers(len(differences), size=(2000, len(differences)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(differences.mean()), float(low), float(high)


def _is_held_out(path: str) -> bool:
    """By file, so that no function is searched whose neighbours were trained on; stable between runs."""
    return int(hashlib.sha256(path.encode()).hexdigest()[:8], 16) / 16**8 < HELD_OUT_SHARE


def _configuration(work: Path, initial: str, pairs: int, minutes: float, device: str) -> TrainConfig:
    on_cpu = device == "cpu" or not torch.cuda.is_available()
    batch = min(_CPU_BATCH if on_cpu else 1024, 2 ** int(np.log2(pairs / 2)))
    steps = max(20, 4 * pairs // batch)  # four epochs: more overfits a single repository
    return TrainConfig(
        name="tuned",
        runs=str(work),
        data=(str(work / "train"),),
        initial=initial,
        batch_size=batch,
        mates=0.0,  # one repository: all are mates
        one_language=0.0,
        learning_rate=2e-5,
        steps=steps,
        minutes=minutes,
        device=device,
        development=(str(work / "held-out.dev.xz"),),
        evaluate_every=steps if on_cpu else max(1, steps // 4),  # each costs as much as many steps
        checkpoint_every=steps,
        log_every=5,
        initial_share=0.3,
    )


def _held_out_ranks(model: str, development: DevelopmentSet, special: tuple[int, int]) -> NDArray[np.float64]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = torch.bfloat16 if device.type == "cuda" else torch.float32
    encoder = load_encoder(model, computation=Computation(precision)).to(device)
    return reciprocal_ranks(
        encoder, development, special, text_tokens=TEXT_TOKENS, code_tokens=CODE_TOKENS, max_tokens=8192
    )["files"]
