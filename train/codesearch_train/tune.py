"""Fine-tuning on the user's own repository: a few minutes, installed only where it helps.

Pairs are made from the repository as the corpus makes them. A part is held out by file; the weights before and
after are measured on it, after as they were exported, and the new ones are installed only if they are better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import Pairs, read_pairs_directory, tokenize_pairs
from codesearch_train.loop.config import TrainConfig
from codesearch_train.loop.development import DevelopmentSet, mean_reciprocal_rank, one_each, write_development
from codesearch_train.loop.trainer import Evaluation, Progress, SavedModel, train
from codesearch_train.network.text_preparation import prepare_tokenizer, special_ids
from codesearch_train.network.weights import load_encoder, read_tokenizer

if TYPE_CHECKING:
    from codesearch_train.corpus.pairs import Pair

__all__ = ["TuningResult", "repository_pairs", "tune"]

LEAST_PAIRS = 200
"""Below this, neither training nor the held-out figure means anything."""
HELD_OUT_SHARE = 0.15
TEXT_TOKENS, CODE_TOKENS = 64, 160


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
        if language is None or language.grammar is None or why_not_file(file.path):
            continue
        source = read_source(repository, file, rules)
        if not isinstance(source, SourceText):
            continue
        for chunk in extract(file.path, source.text, language):
            pairs = pairs_from_chunk(chunk, repository.name, "unknown", Split.TRAIN)
            found += [pair for pair in pairs if why_not(pair) is None]
    return found


@dataclass(frozen=True, slots=True)
class TuningResult:
    """MRR in percent over the held-out pairs, before and after.

    Attributes:
        pairs: Number of training pairs.
        held_out: Number of held-out pairs, each searched among all of them.
        before: Of the weights as they were.
        after: Of the tuned weights, rounded as they are installed; of the weights before rounding, where these did not
            gain already.
        installed: The new model directory, None where the weights did not gain.
    """

    pairs: int
    held_out: int
    before: float
    after: float
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
) -> Iterator[Progress | Evaluation | SavedModel | TuningResult]:
    """Tune an encoder on the pairs of a repository.

    Args:
        pairs: Of the repository, in a stable order.
        work: Directory for tokenised pairs and checkpoints.
        target: Model directory that is written where the weights gain.
        initial: Folder or name of the encoder to start from.
        minutes: Longest time to train.
        device: "auto", "cpu" or "cuda".
        gain: Points of MRR below which the new weights are not worth installing.

    Yields:
        What `train` yields, and last what was measured.

    Raises:
        InputError: if the repository has too few documented functions, or something else is where `target` is to be.
        ModelError: if the encoder cannot be read.
    """
    from codesearch_train.export.conversion import check_target, export, install

    check_target(target)
    if len(pairs) < LEAST_PAIRS:
        raise InputError(
            f"the repository gives {len(pairs)} pairs of documentation and code, {LEAST_PAIRS} are needed: "
            "tune on a larger repository, or stay with the shipped model"
        )
    description = read_tokenizer(initial)
    tokenizer = prepare_tokenizer(description)
    held_out = [pair for pair in pairs if _is_held_out(pair.path)]
    training = [pair for pair in pairs if not _is_held_out(pair.path)]
    if min(len(held_out), len(training)) < 10:
        raise InputError("the pairs come from too few files to hold some out: tune on a larger repository")
    tokenized: dict[str, Pairs] = {}
    for name, some in (("train", training), ("valid", held_out)):
        for _ in tokenize_pairs(
            some, tokenizer, work / name, text_tokens=TEXT_TOKENS, code_tokens=CODE_TOKENS, prefix=name
        ):
            pass
        tokenized[name] = read_pairs_directory([work / name])
    valid = tokenized["valid"]
    rows = np.arange(len(valid))
    development = DevelopmentSet("held-out", valid.texts, valid.codes, one_each(rows), np.zeros_like(rows), ("files",))
    write_development(work / "held-out.dev.xz", development)
    config = _configuration(work, initial, len(tokenized["train"]), minutes, device)
    before = _held_out_figure(initial, development, special_ids(description))
    yield from train(config)
    # The run's own evaluations chose "best" among its checkpoints; where none was made in time, "last" is it.
    best = work / config.name / "best"
    tuned = best if best.exists() else work / config.name / "last"
    after = _held_out_figure(str(tuned), development, special_ids(description))
    installed = None
    if after >= before + gain:
        exported = work / "exported"
        export(tuned, exported, name=target.name)
        after = _held_out_figure(str(exported), development, special_ids(description))
        if after >= before + gain:
            install(exported, target)
            installed = target
    yield TuningResult(len(training), len(held_out), before, after, installed)


def _is_held_out(path: str) -> bool:
    """By file, so that no function is searched whose neighbours were trained on; stable between runs."""
    return int(hashlib.sha256(path.encode()).hexdigest()[:8], 16) / 16**8 < HELD_OUT_SHARE


def _configuration(work: Path, initial: str, pairs: int, minutes: float, device: str) -> TrainConfig:
    batch = min(1024, 2 ** int(np.log2(pairs / 2)))
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
        evaluate_every=max(1, steps // 4),
        checkpoint_every=steps,
        log_every=5,
        initial_share=0.3,
    )


def _held_out_figure(model: str, development: DevelopmentSet, special: tuple[int, int]) -> float:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = torch.bfloat16 if device.type == "cuda" else torch.float32
    encoder = load_encoder(model, precision=precision).to(device)
    return mean_reciprocal_rank(
        encoder, development, special, text_tokens=TEXT_TOKENS, code_tokens=CODE_TOKENS, max_tokens=8192
    )["files"]
