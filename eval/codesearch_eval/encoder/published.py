"""Figures that others published, read from ``published.toml`` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from codesearch_eval.encoder.protocols import PROTOCOLS

__all__ = ["PublishedFigure", "published_figures"]


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A figure of somebody else's, taken under one of our protocols as far as is known.

    Attributes:
        protocol: Name of the protocol.
        system: The system, with its size.
        value: The headline, a fraction 0..1 (the file has percent, as papers do).
        source: Where it was published.
        note: What differs or is not known.
        groups: Language -> figure, where they were published.
    """

    protocol: str
    system: str
    value: float
    source: str
    note: str
    groups: Mapping[str, float] = field(default_factory=dict)


@cache
def published_figures() -> tuple[PublishedFigure, ...]:
    """Return all published figures.

    Raises:
        KeyError: A figure names a protocol that does not exist: it would never be shown.
    """
    text = (files("codesearch_eval.encoder") / "published.toml").read_text(encoding="utf-8")
    return tuple(
        PublishedFigure(
            protocol=PROTOCOLS[row["protocol"]].name,
            system=row["system"],
            value=row["value"] / 100,
            source=row["source"],
            note=row["note"],
            groups={language: figure / 100 for language, figure in row.get("groups", {}).items()},
        )
        for row in tomllib.loads(text)["figure"]
    )
