"""Keeping the indexes of a server's repositories fresh, without letting an agent wait longer than it must.

The first question about a repository waits until its words are indexed, a matter of seconds; vectors are made in the
background meanwhile and after, and an answer says what is missing. Later questions wait for a short update, or are
answered from the index as it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, IndexBusy, IndexUnusable
from codesearch.index.progress import Progress
from codesearch.index.snapshot import Snapshot
from codesearch.upkeep.plan import Job, bring_up_to_date, is_current

__all__ = ["Keeper", "Report"]

_UPDATE_SECONDS: Final = 3.0
"""How long a question waits for an update of an index that can be asked as it is, vectors included."""

_POLL_SECONDS: Final = 0.05

Report = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""


@dataclass
class _Work:
    """An update under way.

    Attributes:
        thread: That does it.
        progress: The last that was heard; None before the first.
        error: Why it ended early.
    """

    thread: threading.Thread
    progress: Progress | None = None
    error: CodesearchError | None = None


class Keeper:
    """Updates indexes in threads of their own, one for each index at a time.

    Args:
        encoder: Loads the encoder; called in those threads.
    """

    def __init__(self, encoder: LazyEncoder | None) -> None:
        self._encoder = encoder
        self._work: dict[Path, _Work] = {}
        self._before: dict[Path, Snapshot] = {}  # closed, but what they have loaded need not be read again
        self._lock = threading.Lock()

    def open(self, job: Job, report: Report) -> Snapshot:
        """Return the index of a job, as fresh as can be had without waiting long; the caller closes it.

        Raises:
            CodesearchError: It cannot be made.
        """
        deadline = time.monotonic() + _UPDATE_SECONDS
        work: _Work | None = None
        while True:
            snapshot = self._as_it_is(job)
            running = work is not None and work.thread.is_alive()
            if snapshot is not None and not running and is_current(snapshot, job, self._encoder):
                return snapshot
            if work is None:
                work = self._start(job)
            elif snapshot is not None and (not running or time.monotonic() > deadline):
                return snapshot
            elif not running and snapshot is None:
                raise work.error or IndexBusy(f"{job.repository.name} could not be indexed: try again")
            if snapshot is not None:
                snapshot.close()
            _tell(work, report)
            time.sleep(_POLL_SECONDS)

    def is_working(self, job: Job) -> bool:
        """Whether an update of an index is under way."""
        with self._lock:
            work = self._work.get(job.directory)
        return work is not None and work.thread.is_alive()

    def _as_it_is(self, job: Job) -> Snapshot | None:
        try:
            snapshot = Snapshot(job.directory, self._before.get(job.directory))
        except IndexUnusable:
            return None
        # What is committed while a repository is read for the first time holds a part of its files only.
        generation = snapshot.lexical.generation if snapshot.lexical is not None else None
        if generation != snapshot.manifest.generation or not snapshot.chunk_count:
            snapshot.close()
            return None
        self._before[job.directory] = snapshot
        return snapshot

    def _start(self, job: Job) -> _Work:
        with self._lock:
            known = self._work.get(job.directory)
            if known is not None and known.thread.is_alive():
                return known
            work = _Work(threading.Thread(target=lambda: self._update(job, work), daemon=True))
            self._work[job.directory] = work
            work.thread.start()
            return work

    def _update(self, job: Job, work: _Work) -> None:
        try:
            for progress in bring_up_to_date(job, self._encoder, wait_seconds=30):
                work.progress = progress
        except CodesearchError as error:
            work.error = error


def _tell(work: _Work, report: Report) -> None:
    progress = work.progress
    if progress is not None:
        report(progress.phase.value, progress.done, progress.total or 0)
