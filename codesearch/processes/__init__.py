"""Worker processes, for work that holds the interpreter's lock: threads gain nothing there, processes their number."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["peak_memory", "prepare_worker", "start_pool", "usable_cores"]


def usable_cores() -> int:
    """Count the cores that this process may run on, which in a container is fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> int:
    """Return the most memory that this process has had at one time, in bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def prepare_worker() -> None:
    """Have a worker ready in which grammars run, if that costs next to nothing: before a program starts threads."""
    from codesearch.processes.piped import CREW

    CREW.start_ahead()


def start_pool(
    workers: int, *, prepare: Callable[..., None] | None = None, given: tuple[Any, ...] = (), try_out: bool = False
) -> ProcessPoolExecutor | None:
    """Start workers; None where there can be none, so that the caller does the work itself.

    That is on machines without semaphores, or without memory for them, which only shows when they are tried out (or
    when the first of them dies: `BrokenProcessPool`).

    Args:
        workers: How many.
        prepare: Called in each of them before its first task, with `given`.
        given: Arguments of `prepare`.
        try_out: Wait until one of them has answered.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from codesearch.processes.spawning import WorkerContext

    try:
        # spawn: the caller may have threads (a language server, a GPU's), and forking those is not safe.
        pool = ProcessPoolExecutor(
            workers, mp_context=WorkerContext(), initializer=_begin_work, initargs=(prepare, given)
        )
    except (OSError, ImportError, NotImplementedError):
        return None
    try:
        if try_out:
            pool.submit(os.getpid).result()
    except BrokenProcessPool:
        return None
    return pool


def _begin_work(prepare: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    """Set up a worker: Ctrl-C is for the parent to handle, and no worker outlives it."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    if prepare is not None:
        prepare(*given)


def _leave_with(sentinel: int) -> None:
    import multiprocessing.connection

    multiprocessing.connection.wait([sentinel])
    os._exit(1)
