"""The process that brings indexes up to date while the picker runs; started by ``refreshing.py``.

It reads one request from stdin, reports on stdout, a JSON object a line, and ends when it is done or when stdin does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, IndexBusy, IndexUnusable
from codesearch.index.progress import Phase, Progress
from codesearch.index.snapshot import Snapshot
from codesearch.records import Repository
from codesearch.settings import load_settings, use_one_blas_thread
from codesearch.upkeep.plan import Job, bring_up_to_date, is_current, plan

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["main"]

_NICENESS: Final = 10
"""Whoever types goes first."""

_REPORT_SECONDS: Final = 0.2


class _Refresher:
    def __init__(self, request: dict[str, Any], reports: BinaryIO) -> None:
        self._request = request
        self._reports = reports
        self._overrides = {name: request[name] for name in ("device", "model") if request[name]}

    def run(self) -> None:
        for number, described in enumerate(self._request["repositories"]):
            repository = Repository(**{**described, "root": Path(described["root"])})
            try:
                self._refresh(number, repository)
            except IndexBusy:
                self._say(number, "", committed=True, problem=f"{repository.name}: another process is indexing it")
            except CodesearchError as error:
                self._say(number, "", committed=True, problem=f"{repository.name}: {error}")
            except Exception as error:  # the others are to be brought up to date all the same
                reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
                self._say(number, "", committed=True, problem=f"{repository.name}: indexing failed ({reason})")

    def _say(self, number: int, doing: str, **more: object) -> None:
        try:
            self._reports.write(json.dumps({"job": number, "doing": doing, **more}).encode() + b"\n")
            self._reports.flush()
        except OSError:
            os._exit(0)  # nobody listens any more; every commit is one transaction

    def _refresh(self, number: int, repository: Repository) -> None:
        if repository.imported:
            self._say(number, "")
            return
        indexes = self._request["indexes"]
        job = plan(
            repository,
            load_settings(repository.root, overrides=self._overrides),
            indexes=Path(indexes) if indexes else None,
        )
        exists = _exists(job)
        if exists and self._is_current(job):
            self._say(number, "")
            return
        self._say(number, "indexing...")
        load = LazyEncoder(self._encoder) if self._request["dense"] else None
        committed, told = False, 0.0
        with closing(bring_up_to_date(job, load, wait_seconds=0 if exists else -1, adopt_model=not exists)) as updating:
            for progress in updating:
                searchable = progress.phase in (Phase.ENCODING, Phase.GRAPH)
                if (searchable and not committed) or time.monotonic() - told > _REPORT_SECONDS:
                    self._say(number, _sentence(progress), committed=searchable and not committed)
                    committed, told = committed or searchable, time.monotonic()
        self._say(number, "", committed=True)

    def _is_current(self, job: Job) -> bool:
        with suppress(IndexUnusable), Snapshot(job.directory) as snapshot:
            return is_current(snapshot, job, None) and not (self._request["dense"] and snapshot.pending_count)
        return False

    @cache  # noqa: B019 - there is one, as long as the process lives
    def _encoder(self) -> Encoder:
        from codesearch.encoders import load_encoder

        settings = load_settings(overrides=self._overrides)
        return load_encoder(settings.model, settings.device, threads=settings.threads)


def _exists(job: Job) -> bool:
    return (job.directory / "index.db").is_file()


def _sentence(progress: Progress) -> str:
    share = f" {progress.done / progress.total:.0%}" if progress.total else ""
    return f"indexing ({progress.phase.value}{share})"


def _end_with_stdin() -> None:
    with suppress(OSError):
        # Not through Python's buffer, whose lock would be held when the interpreter ends before stdin does.
        while os.read(sys.stdin.fileno(), 1 << 16):
            pass
    os._exit(0)


def main() -> None:
    """Bring up to date what the request on stdin names."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICENESS)
    use_one_blas_thread()
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not end up among the reports
    request = json.loads(sys.stdin.buffer.readline() or b"{}")
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    if request:
        _Refresher(request, reports).run()


if __name__ == "__main__":
    main()
