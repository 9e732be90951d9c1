"""The picker's side of the process that brings indexes up to date: starts it, and tells what it reports."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from codesearch.upkeep.plan import Job

__all__ = ["Refreshing"]

_LEAVE_SECONDS: Final = 2.0


class Refreshing:
    """A process that brings indexes up to date, and ends when it is done, or when its stdin does.

    Whatever ends the picker closes that pipe, so that nothing is left behind.

    Args:
        jobs: What is to be brought up to date.
        indexes: Folder of all indexes; None for the default.
        device: What computes vectors; "" for what the settings say.
        model: Likewise; None for what they say.
        dense: Whether texts are encoded.
        report: Takes what is reported, ``{"job": position, "doing": text}`` with "" at the end, and perhaps
            ``"committed": true`` or ``"problem": text``; called by a thread.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        indexes: Path | None,
        device: str,
        model: str | None,
        dense: bool,
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._count = len(jobs)
        self._report = report
        self._request = {
            "repositories": [
                {
                    "root": str(job.repository.root),
                    "name": job.repository.name,
                    "url": job.repository.url,
                    "is_git": job.repository.is_git,
                    "imported": job.repository.imported,
                }
                for job in jobs
            ],
            "indexes": None if indexes is None else str(indexes),
            "device": device,
            "model": model,
            "dense": dense,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        # -P: the current folder must not become a place that modules come from. A session of its own: Ctrl-C in the
        # terminal is for the picker.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "codesearch.picker.refresher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died at once: the reader tells
            self._process.stdin.write(json.dumps(self._request).encode() + b"\n")
            self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="refresh", daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        unfinished = set(range(self._count))
        with suppress(ValueError, OSError), process.stdout as reports:  # cut off in the middle of a line
            for line in reports:
                said = json.loads(line)
                if not said["doing"]:
                    unfinished.discard(said["job"])
                self._report(said)
        code = process.wait()
        for job in sorted(unfinished):
            problem = f"indexing ended unexpectedly (status {code}): run `codesearch index` to see why"
            self._report({"job": job, "doing": "", "committed": True, "problem": problem})

    def close(self) -> None:
        """End the process; what it has committed stays."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join(_LEAVE_SECONDS)
