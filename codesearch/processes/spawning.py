"""Worker processes that do not begin with running the program that started them.

``multiprocessing`` imports the main program into every worker that it spawns. Ours need nothing of it, and a script
that opens an index without a ``__main__`` guard would be run once more by each of them.
"""

from __future__ import annotations

import multiprocessing.spawn as spawn
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Final

__all__ = ["WorkerContext", "WorkerProcess"]

_LOCK: Final = threading.Lock()


class WorkerProcess(SpawnProcess):
    """A process that is started without the main program."""

    def start(self) -> None:
        """Start it."""
        with _without_main_program():
            super().start()


class WorkerContext(SpawnContext):
    """What a pool of such processes is made with."""

    Process = WorkerProcess


@contextmanager
def _without_main_program() -> Iterator[None]:
    """Have this thread, and no other, leave the main program out of what a new process is told to prepare."""
    caller = threading.get_ident()
    with _LOCK:
        original = spawn.get_preparation_data

        def prepared(name: str) -> dict[str, Any]:
            told: dict[str, Any] = original(name)
            if threading.get_ident() == caller:
                told.pop("init_main_from_name", None)
                told.pop("init_main_from_path", None)
            return told

        spawn.get_preparation_data = prepared
        try:
            yield
        finally:
            spawn.get_preparation_data = original
