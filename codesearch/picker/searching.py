"""The one thread that opens the indexes, and runs the newest question."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from codesearch.errors import CodesearchError
from codesearch.picker.state import Result
from codesearch.search.candidates import Filters
from codesearch.search.notices import Answer, Notice, NoticeKind
from codesearch.search.pipeline import search
from codesearch.upkeep.library import Library
from codesearch.upkeep.plan import Job

if TYPE_CHECKING:
    from codesearch.encoders import Encoder, LazyEncoder
    from codesearch.index.snapshot import Snapshot

__all__ = ["SearchThread"]


class SearchThread:
    """Answers questions in a thread of its own, with whatever the indexes hold by then. Methods return at once.

    Args:
        jobs: What is searched.
        filters: Which chunks may be found, one for each job.
        limit: The most matches of an answer.
        encoder: Loads the encoder; None to search by words only.
        deliver: Takes an answer; called by the thread.
        complain: Takes a sentence about an encoder that cannot be loaded; called by another one.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        filters: Sequence[Filters],
        *,
        limit: int,
        encoder: LazyEncoder | None,
        deliver: Callable[[Result], None],
        complain: Callable[[str], None],
    ) -> None:
        self._jobs = jobs
        self._filters = {job.directory: allowed for job, allowed in zip(jobs, filters, strict=True)}
        self._limit = limit
        self._load = encoder
        self._deliver = deliver
        self._complain = complain
        self._encoder: Encoder | None = None
        self._loading = encoder is not None
        self._library = Library()
        self._broken: dict[int, str] = {}
        self._changed = threading.Condition()
        self._asked: tuple[int, str] | None = None
        self._newest: tuple[int, str] | None = None
        self._stale: set[int] = set(range(len(jobs)))
        self._closed = False
        self._done = threading.Event()

    def start(self) -> None:
        """Open what there is, and load the encoder meanwhile."""
        threading.Thread(target=self._run, name="search", daemon=True).start()
        if self._load is not None:
            threading.Thread(target=self._load_encoder, name="encoder", daemon=True).start()

    def ask(self, number: int, question: str) -> None:
        """Answer a question next; one that was still waiting is dropped."""
        with self._changed:
            self._asked = self._newest = (number, question)
            self._done.clear()
            self._changed.notify()

    def wait(self, seconds: float) -> None:
        """Wait until the newest question has been answered, but no longer than this."""
        self._done.wait(seconds)

    def refresh(self, job: int) -> None:
        """Open the index of a job anew, by its position, and ask the newest question again."""
        with self._changed:
            self._stale.add(job)
            self._asked = self._newest
            self._changed.notify()

    def close(self) -> None:
        """End the thread, after the question that it is at."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _load_encoder(self) -> None:
        assert self._load is not None
        try:
            encoder = self._load()
            encoder.encode_queries(["the first question takes longest"])
        except CodesearchError as error:
            self._complain(str(error))
        else:
            self._encoder = encoder
        # What has been loaded stays. Otherwise the collector would go over all of it every few dozen keys: 40 ms each.
        gc.freeze()
        with self._changed:
            self._loading = False
            self._asked = self._newest
            self._changed.notify()

    # --- in the thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked or self._stale or self._closed)
                asked, self._asked = self._asked, None
                stale, self._stale = self._stale, set()
                if self._closed:
                    break
            for job in sorted(stale):
                self._open(job)
            if asked is not None:
                self._deliver(self._answer(*asked))
                if asked is self._newest:
                    self._done.set()
        self._library.close()

    def _open(self, job: int) -> None:
        self._broken.pop(job, None)
        try:
            self._library.refresh(self._jobs[job].directory)
        except CodesearchError as error:
            self._broken[job] = str(error)

    def _answer(self, number: int, question: str) -> Result:
        with self._library.snapshots([job.directory for job in self._jobs]) as snapshots:
            if snapshots:
                return self._search(snapshots, number, question)
        # While an index is being made there is none yet; the state of the indexing says so.
        reason = "; ".join(self._broken.values()) or "there is no index yet: it is being made, and answers will follow"
        return Result(number, question, error=reason)

    def _search(self, snapshots: Sequence[Snapshot], number: int, question: str) -> Result:
        started = time.perf_counter()
        encoder = self._encoder
        by_words = encoder is None and self._loading
        filters = [self._filters[snapshot.directory] for snapshot in snapshots]
        try:
            answer = search(snapshots, question, encoder, limit=self._limit, filters=filters)
        except CodesearchError as error:
            return Result(number, question, error=str(error))
        except Exception as error:  # the picker stays usable for the next question, and says what went wrong
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            return Result(number, question, error=f"this should not have happened ({reason}): please report it")
        if by_words and not answer.matches:
            answer = Answer((), (Notice(NoticeKind.NOTHING_FOUND, "nothing found by words; the encoder is loading"),))
        return Result(
            number,
            question,
            answer.matches,
            answer.notices,
            time.perf_counter() - started,
            by_words or (encoder is not None and not any(snapshot.manifest.model_id for snapshot in snapshots)),
        )
