"""What each signal counts, as data with its provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from codesearch.errors import InputError

__all__ = ["Weights", "load_weights", "read_weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What signals are multiplied with.

    Attributes:
        signals: By name; a signal that is not named counts nothing.
        by_words: The same where there are no vectors, and words have to say what meaning says otherwise.
        repeat: Each chunk of a file but the best keeps this share of its score.
        provenance: What they were fitted on, and by which command.
    """

    signals: Mapping[str, float]
    by_words: Mapping[str, float] = field(default_factory=dict)
    repeat: float = 1.0
    provenance: Mapping[str, str] = field(default_factory=dict)


@cache
def load_weights() -> Weights:
    """Return the shipped weights."""
    return _parse((files("codesearch.search.ranking") / "weights.json").read_text(encoding="utf-8"))


def read_weights(path: Path) -> Weights:
    """Return the weights of a file.

    Raises:
        InputError: It cannot be read, or holds no weights.
    """
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no weights of ranking: {error}") from error


def _parse(text: str) -> Weights:
    data = json.loads(text)
    return Weights(
        {name: float(weight) for name, weight in data["signals"].items()},
        {name: float(weight) for name, weight in data["signals, by words only"].items()},
        float(data["repeat"]),
        data["provenance"],
    )
