"""Synthetic pairs for the training tests: small, learnable, and with the columns of real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from codesearch_train.corpus.token_files import Pairs, Ragged, write_pairs
from codesearch_train.loop.config import TrainConfig


def synthetic_pairs(count: int = 96, *, seed: int = 0) -> Pairs:
    """Each code repeats the words of its text between others: what a text is about can be learned."""
    random = np.random.default_rng(seed)
    texts = [random.integers(8, 70, size=random.integers(2, 6)).tolist() for _ in range(count)]
    codes = [[*text, *random.integers(8, 70, size=random.integers(1, 9)).tolist()] for text in texts]
    repository = np.sort(random.integers(0, 6, size=count)).astype(np.int32)
    return Pairs(
        Ragged.of(texts),
        Ragged.of(codes),
        repository,
        (repository % 2).astype(np.int32),
        np.where(np.arange(count) % 4, 0, 1).astype(np.int32),
        tuple(f"owner/{number}" for number in range(6)),
        ("go", "ruby"),
        ("docstring", "name"),
    )


def small_run(folder: Path, model: Path, **changes: Any) -> TrainConfig:
    """A run of a 2-layer encoder over `synthetic_pairs`, written below `folder`."""
    data = folder / "tokens"
    data.mkdir(exist_ok=True)
    if not list(data.iterdir()):
        write_pairs(data / "train-00000.tokens.xz", synthetic_pairs())
    settings: dict[str, Any] = {
        "name": "small",
        "runs": str(folder / "runs"),
        "data": (str(data),),
        "initial": str(model),
        "batch_size": 16,
        "text_tokens": 16,
        "code_tokens": 24,
        "max_tokens": 64,
        "steps": 8,
        "learning_rate": 2e-3,
        "device": "cpu",
        "tensorboard": False,
        "log_every": 1,
    }
    return TrainConfig(**{**settings, **changes})
