"""Fine-tuning on the user's own repository: a few minutes, installed only where it helps.

Pairs are made from the repository as the corpus makes them. A part is held out by file; the weights before and
after are measured on it, after as they were exported, and the new ones are installed only if they are better beyond
noise. What each step will take is worked out from how long this machine takes to encode a pair.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import Pairs, read_pairs_directory, tokenize_pairs
from codesearch_train.corpus.work_tree import LEAST_PAIRS
from codesearch_train.loop.config import TrainConfig
from codesearch_train.loop.development import DevelopmentSet, one_each, reciprocal_ranks, write_development
from codesearch_train.loop.progress import Evaluation, Progress, SavedModel
from codesearch_train.loop.trainer import train
from codesearch_train.network.model import Computation, Encoder
from codesearch_train.network.text_preparation import prepare_tokenizer, special_ids
from codesearch_train.network.weights import load_encoder, read_tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from codesearch_train.corpus.pairs import Pair

__all__ = ["Stage", "TuningResult", "tune"]

HELD_OUT_SHARE = 0.15
TEXT_TOKENS, CODE_TOKENS = 64, 160

_MEASURING_SHARE = 0.06
"""Of the time that was asked for, what one measurement may take; there are three."""
_LEAST_HELD_OUT = 50
_ROUNDING_SHARE = 0.15
"""Of the time that was asked for, what encoding the texts that the rounding is fitted on may take."""
_LEAST_SAMPLE, _LARGEST_SAMPLE = 16, 400
_ENCODINGS_OF_ROUNDING = (1900.0, 2.5)
"""What the export costs, in encodings of a pair on a CPU: for 6 layers, and for each pair of its sample."""
_GPU_ROUNDING_SECONDS = 60.0
"""What the export, which runs on the CPU, is given where the rest runs on a GPU."""
_STEP_TO_ENCODING = 4.0
"""What a step costs to what encoding its pairs costs: forwards, backwards, and the optimizer."""
_WANTED_STEPS, _LEAST_STEPS = 20, 3
_PROBE = 16
_SMALLEST_BATCH = 16
_CPU_BATCH = 128
"""Pairs of a step on a CPU, where one of 1,024 takes longer than a minute, and time is looked at between steps."""


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
        installed: The new model directory, None where the weights did not gain, or the gain may be chance.
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
        work: Directory for tokenised pairs and checkpoints; those of an earlier run are replaced.
        target: Model directory that is written where the weights gain.
        initial: Folder or name of the encoder to start from.
        minutes: Longest time for all of it: reading, measuring, training and the export.
        device: "auto", "cpu" or "cuda".
        gain: Points of MRR below which the new weights are not worth installing, however sure they are.
        started: When that time began, by ``time.perf_counter``; None for now.

    Yields:
        What begins, what `train` yields, and last what was measured.

    Raises:
        InputError: if the repository has too few documented functions, something else is where `target` is to be, or
            the time does not suffice on this machine.
        ModelError: if the encoder cannot be read.
    """
    from codesearch_train.export.conversion import check_target, export, install

    check_target(target)
    held_out, training = _parted(pairs)
    clock = _Clock(time.perf_counter() if started is None else started, 60 * minutes)
    description = read_tokenizer(initial)
    special = special_ids(description)
    yield Stage(f"{len(training):,} pairs to train on, {len(held_out):,} held out by file; cutting them into tokens")
    tokens = _tokenize(work, {"train": training, "valid": held_out}, prepare_tokenizer(description))
    each = _seconds_a_pair(tokens["valid"], initial, special, device)
    rows = _rows_in_time(tokens["valid"], each, 60 * minutes * _MEASURING_SHARE)
    measuring = each * len(rows)
    sample = _sample_in_time(len(training), each, 60 * minutes * _ROUNDING_SHARE)
    rounding = _rounding_seconds(sample, each, device)
    batch = _batch(len(tokens["train"]), each, clock.left() - 3 * measuring - rounding, device)
    step = each * _STEP_TO_ENCODING * batch
    needed = 3 * measuring + rounding + _LEAST_STEPS * step
    if clock.left() < needed:
        in_all = (time.perf_counter() - clock.started + needed) / 60
        raise InputError(
            f"{minutes:g} minutes are too few: as busy as this machine is, it needs {in_all:.1f}; "
            f"give --minutes {int(np.ceil(1.2 * in_all))}"
        )
    development = _development(tokens["valid"], rows)
    write_development(work / "held-out.dev.xz", development)
    yield Stage(f"measuring the encoder as it is, on {len(rows):,} held-out pairs: about {measuring:.0f} s")
    before = _held_out_ranks(initial, development, special, device)
    left = clock.left() - 2 * measuring - rounding
    config = _configuration(work, initial, len(tokens["train"]), batch, max(left - step, 1.0) / 60, device)
    yield Stage(f"MRR {before.mean():.2f}; training for at most {max(left, 1.0):.0f} s, {batch} pairs a step")
    yield from train(config)
    # The run's own evaluations chose "best" among its checkpoints; where none was made in time, "last" is it.
    best = work / config.name / "best"
    tuned = best if best.exists() else work / config.name / "last"
    yield Stage(f"measuring the new weights: about {measuring:.0f} s")
    after = _held_out_ranks(str(tuned), development, special, device)
    installed = None
    if _is_gain(before, after, gain):
        yield Stage(
            f"rounding the new weights to 8 bits, and measuring them once more: about {rounding + measuring:.0f} s"
        )
        exported = work / "exported"
        export(tuned, exported, name=target.name, texts=_write_sample(work / "sample.jsonl", training, sample))
        after = _held_out_ranks(str(exported), development, special, device)
        if _is_gain(before, after, gain):
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


@dataclass(frozen=True, slots=True)
class _Clock:
    """When the time began, and how many seconds there are."""

    started: float
    seconds: float

    def left(self) -> float:
        return self.seconds - (time.perf_counter() - self.started)


def _parted(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Held-out pairs and training pairs.

    Raises:
        InputError: if there are too few.
    """
    if len(pairs) < LEAST_PAIRS:
        raise InputError(
            f"the repository gives {len(pairs)} pairs of documentation and code, {LEAST_PAIRS} are needed: "
            "tune on a larger repository, or stay with the shipped model"
        )
    held_out = [pair for pair in pairs if _is_held_out(pair.path)]
    training = [pair for pair in pairs if not _is_held_out(pair.path)]
    if min(len(held_out), len(training)) < 10:
        raise InputError(
            "the pairs come from too few files to hold some out: tune on a larger repository, or give more --minutes "
            "where not all files could be read"
        )
    return held_out, training


def _tokenize(work: Path, parts: dict[str, list[Pair]], tokenizer: Tokenizer) -> dict[str, Pairs]:
    """Tokenise each part into a folder of its name; what an earlier run left there goes."""
    found = {}
    for name, pairs in parts.items():
        shutil.rmtree(work / name, ignore_errors=True)
        cuts = {"text_tokens": TEXT_TOKENS, "code_tokens": CODE_TOKENS}
        for _ in tokenize_pairs(pairs, tokenizer, work / name, **cuts, prefix=name):
            pass
        found[name] = read_pairs_directory([work / name])
    shutil.rmtree(work / "tuned", ignore_errors=True)
    return found


def _is_gain(before: NDArray[np.float64], after: NDArray[np.float64], least: float) -> bool:
    """Whether the gain is worth it, and beyond noise: its interval does not hold 0."""
    points, low, _ = _difference(before, after)
    return points >= least and low > 0


def _write_sample(path: Path, pairs: list[Pair], count: int) -> Path:
    """Texts of the repository itself, evenly drawn, on which the rounding is fitted."""
    chosen = [pairs[row] for row in np.linspace(0, len(pairs) - 1, count).astype(int)]
    path.write_text("".join(json.dumps({"text": pair.text, "code": pair.code}) + "\n" for pair in chosen), "utf-8")
    return path


def _development(valid: Pairs, rows: NDArray[np.int64]) -> DevelopmentSet:
    gold = np.arange(len(rows))
    return DevelopmentSet(
        "held-out", valid.texts.take(rows), valid.codes.take(rows), one_each(gold), np.zeros_like(gold), ("files",)
    )


def _seconds_a_pair(valid: Pairs, initial: str, special: tuple[int, int], device: str) -> float:
    """How long this machine takes to encode a pair, on a few of them; the first pass warms up, and is not counted."""
    probe = _development(valid, np.linspace(0, len(valid) - 1, min(len(valid), _PROBE)).astype(np.int64))
    encoder = _loaded(initial, device)
    took = []
    for _ in range(2):
        began = time.perf_counter()
        _ranks(encoder, probe, special)
        took.append(time.perf_counter() - began)
    return took[-1] / len(probe.queries)


def _rows_in_time(valid: Pairs, each: float, seconds: float) -> NDArray[np.int64]:
    """Return which held-out pairs can be measured in a time, evenly drawn, at `each` seconds a pair."""
    count = min(len(valid), max(_LEAST_HELD_OUT, int(seconds / each)))
    return np.linspace(0, len(valid) - 1, count).astype(np.int64)


def _sample_in_time(training: int, each: float, seconds: float) -> int:
    """How many training pairs the rounding is fitted on."""
    return min(training, _LARGEST_SAMPLE, max(_LEAST_SAMPLE, int(seconds / (_ENCODINGS_OF_ROUNDING[1] * each))))


def _rounding_seconds(sample: int, each: float, device: str) -> float:
    network, pair = _ENCODINGS_OF_ROUNDING
    return (network + pair * sample) * each if _on_cpu(device) else _GPU_ROUNDING_SECONDS


def _batch(pairs: int, each: float, seconds: float, device: str) -> int:
    """Pairs of a step: as many as still give some steps in the time, which is looked at between steps."""
    largest: int = min(_CPU_BATCH if _on_cpu(device) else 1024, 2 ** int(np.log2(pairs / 2)))
    fitting = max(1.0, seconds) / (_WANTED_STEPS * _STEP_TO_ENCODING * each)
    power: int = 2 ** int(np.log2(max(1.0, fitting)))
    return min(largest, max(_SMALLEST_BATCH, power))


def _on_cpu(device: str) -> bool:
    return device == "cpu" or not torch.cuda.is_available()


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


def _configuration(work: Path, initial: str, pairs: int, batch: int, minutes: float, device: str) -> TrainConfig:
    on_cpu = _on_cpu(device)
    steps = max(20, 4 * pairs // batch)  # four epochs: more overfits a single repository
    return TrainConfig(
        name="tuned",
        runs=str(work),
        data=(str(work / "train"),),
        initial=initial,
        batch_size=batch,
        text_tokens=TEXT_TOKENS,
        code_tokens=CODE_TOKENS,
        mates=0.0,  # one repository: all are mates
        one_language=0.0,
        learning_rate=2e-5,
        steps=steps,
        minutes=minutes,
        device=device,
        development=() if on_cpu else (str(work / "held-out.dev.xz"),),  # there each costs as much as many steps
        evaluate_every=max(1, steps // 4),
        checkpoint_every=steps,
        log_every=1 if on_cpu else 5,
        initial_share=0.3,
    )


def _held_out_ranks(
    model: str, development: DevelopmentSet, special: tuple[int, int], device: str
) -> NDArray[np.float64]:
    return _ranks(_loaded(model, device), development, special)


def _loaded(model: str, device: str) -> Encoder:
    where = torch.device("cpu" if _on_cpu(device) else "cuda")
    precision = torch.bfloat16 if where.type == "cuda" else torch.float32
    return load_encoder(model, computation=Computation(precision)).to(where)


def _ranks(encoder: Encoder, development: DevelopmentSet, special: tuple[int, int]) -> NDArray[np.float64]:
    cuts = {"text_tokens": TEXT_TOKENS, "code_tokens": CODE_TOKENS}
    return reciprocal_ranks(encoder, development, special, **cuts, max_tokens=8192)["files"]
