"""What an update says of itself, while it runs and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Phase", "Progress", "UpdateReport"]


class Phase(StrEnum):
    """What an update is doing. The value is what a progress bar says."""

    EXTRACTING = "reading files"
    LEXICAL = "indexing words"
    ENCODING = "encoding"
    GRAPH = "building vector graph"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase has come: `done` of `total` files, chunks, texts or vectors."""

    phase: Phase
    done: int
    total: int

    @property
    def text(self) -> str:
        """What people read where there is no room for a bar."""
        return f"{self.phase.value} {self.done:,} of {self.total:,}" if self.total else self.phase.value


@dataclass(slots=True)
class UpdateReport:
    """What an update did.

    Attributes:
        files: Files in the index now.
        chunks: Chunks in the index now.
        changed_files: Files whose content is new or was changed.
        removed_files: Files that were dropped.
        encoded: Texts that went through the encoder.
        remembered: Texts whose vectors came from the cache shared by all repositories.
        pending: Texts that are still to be encoded; above 0 only if the update was told to stop early.
        skipped: Files that are left out.
        notice: What the user should know about how the files were found; "" as a rule.
        seconds: By phase.
    """

    files: int = 0
    chunks: int = 0
    changed_files: int = 0
    removed_files: int = 0
    encoded: int = 0
    remembered: int = 0
    pending: int = 0
    skipped: int = 0
    notice: str = ""
    seconds: dict[Phase, float] = field(default_factory=dict)
