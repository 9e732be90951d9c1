"""The updates of what the picker searches, carried out by the indexing process, and what the picker hears of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from codesearch.errors import IndexBusy, WorkerCrash
from codesearch.upkeep.messages import (
    EncoderChoice,
    Message,
    UpdateFinished,
    UpdateProgress,
    UpdateRequest,
    WordsCommitted,
    WorkFailed,
)
from codesearch.upkeep.plan import Job
from codesearch.upkeep.worker import Worker

__all__ = ["IndexUpdates", "JobReport"]

_REPORT_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class JobReport:
    """What is reported of the update of one index.

    Attributes:
        job: Position of its job.
        doing: What is being done; "" at the end.
        committed: Whether there is something new to be found.
        problem: Why it came to nothing; "" if it did not.
    """

    job: int
    doing: str = ""
    committed: bool = False
    problem: str = ""


class IndexUpdates:
    """One update of each index.

    Args:
        jobs: What is to be brought up to date.
        encoder: What makes vectors; None to leave texts waiting.
        report: Takes what is reported; called by a thread.
    """

    def __init__(self, jobs: Sequence[Job], encoder: EncoderChoice | None, report: Callable[[JobReport], None]) -> None:
        self._jobs = jobs
        self._encoder = encoder
        self._report = report
        self._worker = Worker(silent=True)  # what libraries print would end up between what is drawn
        self._unfinished = set(range(len(jobs)))
        self._reported = 0.0

    def start(self) -> None:
        """Start all updates."""
        for position, job in enumerate(self._jobs):
            if job.repository.imported:
                self._finish(JobReport(position))
            else:
                self._request(position, job)

    def _request(self, position: int, job: Job) -> None:
        exists = (job.directory / "index.db").is_file()
        request = UpdateRequest(
            self._worker.new_number(),
            job,
            self._encoder,
            wait_seconds=0 if exists else -1,
            adopt_model=not exists,
            unless_current=True,
        )
        self._worker.send(request, lambda message: self._hear(position, message))

    def _hear(self, position: int, message: Message) -> None:
        if isinstance(message, UpdateProgress):
            if time.monotonic() - self._reported > _REPORT_SECONDS:
                self._reported = time.monotonic()
                self._report(JobReport(position, f"indexing ({message.progress.text})"))
        elif isinstance(message, WordsCommitted):
            self._report(JobReport(position, "indexing...", committed=True))
        elif isinstance(message, UpdateFinished):
            self._finish(JobReport(position, committed=message.report is not None))
        elif isinstance(message, WorkFailed):
            name = self._jobs[position].repository.name
            self._finish(JobReport(position, committed=True, problem=f"{name}: {_reason(message)}"))

    def _finish(self, report: JobReport) -> None:
        self._report(report)
        self._unfinished.discard(report.job)
        if not self._unfinished:
            self._worker.close()  # the encoder takes memory

    def close(self) -> None:
        """End what is under way; what was committed stays."""
        self._worker.close()


def _reason(failure: WorkFailed) -> str:
    if isinstance(failure.error, IndexBusy):
        return "another process is indexing it"
    if isinstance(failure.error, WorkerCrash):
        return f"{failure.error}: run `codesearch index` to see why"
    return str(failure.error)
