"""Keeping the indexes of a server's repositories fresh, without letting an agent wait longer than it must.

The first question about a repository waits until its words are indexed, a matter of seconds; vectors are made in the
background meanwhile and after, and an answer says what is missing. Later questions wait for a short update, or are
answered from the index as it was. All updates are carried out by the indexing process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, IndexBusy, IndexUnusable
from codesearch.index.progress import Progress
from codesearch.index.snapshot import Snapshot
from codesearch.upkeep.extent import refuse_what_is_huge
from codesearch.upkeep.library import Library
from codesearch.upkeep.messages import (
    EncoderChoice,
    Ending,
    Message,
    UpdateProgress,
    UpdateRequest,
    WordsCommitted,
    WorkFailed,
)
from codesearch.upkeep.plan import Job, index_is_current
from codesearch.upkeep.worker import Worker

__all__ = ["IndexKeeper", "Keeper", "Report"]

_UPDATE_SECONDS: Final = 3.0
"""How long a question waits for an update of an index that can be asked as it is, vectors included."""

_BUSY_SECONDS: Final = 30.0
"""How long the first question waits for another process that makes the index."""

_LOOK_SECONDS: Final = 0.1
"""How often a question that waits tells how far the update is, and looks whether there is an index by now."""

_IDLE_SECONDS: Final = 120.0
"""How long the indexing process is kept with nothing to do: it holds an encoder of its own, as this process does."""

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""


class Keeper(Protocol):
    """What lends indexes, and knows whether they are being updated."""

    def snapshots(self, jobs: Sequence[Job], report: Report) -> AbstractContextManager[list[Snapshot]]:
        """As :meth:`IndexKeeper.snapshots`."""

    def is_working(self, job: Job) -> bool:
        """As :meth:`IndexKeeper.is_working`."""


@dataclass(slots=True)
class _Update:
    """An update that the indexing process was asked for.

    Attributes:
        progress: The last that was heard; None before the first.
        committed: Whether all files can be found by their words.
        ended: Whether nothing more will be heard.
        error: Why it came to nothing.
    """

    progress: Progress | None = None
    committed: bool = False
    ended: bool = False
    error: CodesearchError | None = None


class IndexKeeper:
    """Keeps indexes fresh and open; any thread may ask.

    Args:
        encoder: Loads what encodes questions; None to search by words only.
        choice: What makes vectors; None to leave texts waiting.
    """

    def __init__(self, encoder: LazyEncoder | None, choice: EncoderChoice | None) -> None:
        self._encoder = encoder
        self._choice = choice
        self._worker = Worker()
        self._library = Library()
        self._changed = threading.Condition()
        self._updates: dict[Path, _Update] = {}
        self._idle: threading.Timer | None = None

    @contextmanager
    def snapshots(self, jobs: Sequence[Job], report: Report) -> Iterator[list[Snapshot]]:
        """Lend the indexes of some jobs, as fresh as can be had without waiting long.

        Args:
            jobs: No two of one index.
            report: Told how far an update is that is waited for.

        Yields:
            Snapshots, one for each job, in their order.

        Raises:
            CodesearchError: One cannot be made.
        """
        for job in jobs:
            self._freshen(job, report)
        with self._library.snapshots([job.directory for job in jobs]) as snapshots:
            yield snapshots

    def is_working(self, job: Job) -> bool:
        """Whether an update of an index is under way."""
        with self._changed:
            update = self._updates.get(job.directory)
            return update is not None and not update.ended

    def close(self) -> None:
        """End what is under way, and close all indexes."""
        self._rest_later(None)
        self._worker.close()
        self._library.close()

    def _freshen(self, job: Job, report: Report) -> None:
        deadline = time.monotonic() + _UPDATE_SECONDS
        current = index_is_current(job, self._encoder)
        usable = self._open(job)
        if usable and current:
            return
        if not usable and not (job.directory / "index.db").exists():
            refuse_what_is_huge(job.repository)
        update = self._update(job, usable=usable)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: update.ended, _LOOK_SECONDS)
            if update.progress is not None:
                report(update.progress.phase.value, update.progress.done, update.progress.total)
            if (update.ended or time.monotonic() > deadline) and self._open(job):
                return
            if update.ended:
                raise update.error or IndexBusy(f"{job.repository.name} could not be indexed: try again")

    def _open(self, job: Job) -> bool:
        """Open the latest state of an index; returns whether it can be asked."""
        try:
            counts = self._library.refresh(job.directory)
        except IndexUnusable:
            return False
        if counts is None or not counts.chunks:
            return False
        with self._library.snapshots([job.directory]) as snapshots:
            # What is committed while a repository is read for the first time holds a part of its files only.
            return all(one.lexical and one.lexical.generation == one.manifest.generation for one in snapshots)

    def _update(self, job: Job, *, usable: bool) -> _Update:
        """Return the update under way, if it can still find what has changed by now; else ask for another."""
        with self._changed:
            known = self._updates.get(job.directory)
            if known is not None and not known.ended and not known.committed:
                return known
        # One that encodes, which takes minutes, gives way to another.
        if known is not None and not known.ended and index_is_current(job, None):
            return known
        update = _Update()
        self._rest_later(None)
        with self._changed:
            self._updates[job.directory] = update
        request = UpdateRequest(
            self._worker.new_number(),
            job,
            self._choice,
            wait_seconds=_UPDATE_SECONDS if usable else _BUSY_SECONDS,
        )
        self._worker.send(request, lambda message: self._hear(update, message))
        return update

    def _hear(self, update: _Update, message: Message) -> None:
        with self._changed:
            if isinstance(message, UpdateProgress):
                update.progress = message.progress
            elif isinstance(message, WordsCommitted):
                update.committed = True
            elif isinstance(message, Ending):
                update.ended = True
                update.error = message.error if isinstance(message, WorkFailed) else None
            self._changed.notify_all()
        if isinstance(message, Ending):
            self._rest_later(_IDLE_SECONDS)

    def _rest_later(self, seconds: float | None) -> None:
        """Let the indexing process end after so many seconds in which nothing else is asked of it; None: not at all."""
        timer = None
        if seconds is not None:
            timer = threading.Timer(seconds, self._worker.rest)
            timer.daemon = True
        with self._changed:
            before, self._idle = self._idle, timer
        if before is not None:
            before.cancel()
        if timer is not None:
            timer.start()
