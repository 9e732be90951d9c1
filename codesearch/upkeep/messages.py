"""What a program and its indexing process say to each other, one pickled record after the other over pipes.

Every request is answered by any number of :class:`UpdateProgress`, :class:`UpdateNotice` and :class:`WordsCommitted`,
and then by one record of `Ending`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from codesearch.errors import CodesearchError
from codesearch.index.progress import Progress, UpdateReport
from codesearch.records import Chunk
from codesearch.settings import Settings
from codesearch.upkeep.plan import Job

__all__ = [
    "DocumentChunks",
    "EncoderChoice",
    "Ending",
    "ExtractRequest",
    "Message",
    "StopRequest",
    "UpdateFinished",
    "UpdateNotice",
    "UpdateProgress",
    "UpdateRequest",
    "WordsCommitted",
    "WorkFailed",
]


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """Which encoder to load; see `codesearch.encoders.load_encoder`."""

    model: str | None = None
    device: str = "auto"
    threads: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the one that settings name."""
        return cls(settings.model, settings.device, settings.threads)


# --- to the process -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Bring an index up to date.

    Updates are carried out one after the other. One that encodes, which may take minutes, gives way to those that come
    later, until all files can be found by their words; then it is gone on with. It ends, as if it had been stopped, if
    the later one is of the same index.

    Attributes:
        number: Of this request; all answers carry it.
        job: What to do, as :func:`codesearch.upkeep.plan.plan` gives it.
        encoder: What makes vectors; None to leave texts waiting.
        rebuild: Whether to start from nothing.
        wait_seconds: How long to wait for another process that writes; -1 for as long as it takes.
        adopt_model: If the vectors are of another model, whether to make all of them anew.
        unless_current: Whether to take no lock and do nothing where the index is current.
    """

    number: int
    job: Job
    encoder: EncoderChoice | None = None
    rebuild: bool = False
    wait_seconds: float = 0
    adopt_model: bool = True
    unless_current: bool = False


@dataclass(frozen=True, slots=True)
class ExtractRequest:
    """Split the text of a document into chunks, also while an update is under way.

    Attributes:
        number: As of an :class:`UpdateRequest`.
        path: Relative to the repository; says which language it is.
        text: Of the document.
    """

    number: int
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class StopRequest:
    """End the update of this number at its next step; what it has made is committed."""

    number: int


# --- from the process ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UpdateProgress:
    """How far an update has come."""

    number: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class UpdateNotice:
    """A sentence about an update that is worth telling, such as that it waits for another process."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class WordsCommitted:
    """All changed files can be found by their words now. Not sent where nothing follows."""

    number: int


@dataclass(frozen=True, slots=True)
class UpdateFinished:
    """An update is at its end.

    Attributes:
        number: Of the request.
        report: What was done, since it gave way last if it did; None if it was stopped or there was nothing to do.
        stopped: Whether it was ended early.
    """

    number: int
    report: UpdateReport | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class WorkFailed:
    """A request came to nothing.

    Attributes:
        number: Of the request.
        error: Why: what was raised, :class:`WorkerFault` for what should not have been, or :class:`WorkerCrash`.
    """

    number: int
    error: CodesearchError


@dataclass(frozen=True, slots=True)
class DocumentChunks:
    """The chunks of a document, none where an index would leave it out; None where it cannot be split."""

    number: int
    chunks: tuple[Chunk, ...] | None


Ending = UpdateFinished | WorkFailed | DocumentChunks
Message = UpdateProgress | UpdateNotice | WordsCommitted | Ending
