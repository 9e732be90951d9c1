"""What the server and its indexing process say to each other, one pickled record after the other over pipes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codesearch.index.progress import Progress, UpdateReport
from codesearch.records import Chunk, Repository

__all__ = ["Committed", "Done", "Extract", "Extracted", "Failed", "FromIndexer", "Moved", "Stop", "ToIndexer", "Update"]


@dataclass(frozen=True, slots=True)
class Update:
    """Bring an index up to date.

    Attributes:
        number: Of this request; the answers carry it.
        repository: What to index.
        include: Patterns of the client, added to those of `codesearch.toml`.
        exclude: Likewise.
        indexes: Folder of all indexes; None for the one in the user's cache.
        model: As in `codesearch.settings.Settings`, and likewise `device`.
        encode: Whether to make vectors.
        rebuild: Whether to start from nothing.
    """

    number: int
    repository: Repository
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    indexes: Path | None = None
    model: str | None = None
    device: str = ""
    encode: bool = True
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """End an update early; what it has made is committed."""

    number: int


@dataclass(frozen=True, slots=True)
class Extract:
    """Split the text of an open document into chunks."""

    number: int
    path: str
    text: str


ToIndexer = Update | Stop | Extract


@dataclass(frozen=True, slots=True)
class Moved:
    """How far an update has come."""

    number: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Committed:
    """All changed files can be found by their words now."""

    number: int


@dataclass(frozen=True, slots=True)
class Done:
    """An update is at its end; `stopped` if it was ended early."""

    number: int
    report: UpdateReport | None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """An update came to nothing.

    Attributes:
        number: Of the request.
        text: Why, and what to do.
        busy: Whether it is only that another process is writing to the index.
        fault: Whether it is a fault of ours, and not something that the user can mend.
    """

    number: int
    text: str
    busy: bool = False
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Extracted:
    """The chunks of a document, none where an index would leave it out; None where it cannot be split."""

    number: int
    chunks: tuple[Chunk, ...] | None


FromIndexer = Moved | Committed | Done | Failed | Extracted
