"""The worker's side of a :class:`~codesearch.processes.piped.PipedWorker`: calls functions, and says what came of it.

It imports nothing but what the functions need, for a worker may be started for one small file.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from typing import IO, Any, Final, NoReturn

__all__ = ["read_record", "serve", "write_record"]

_IDLE_SECONDS: Final = 120.0
"""After so long without work a worker ends; the next work starts another."""

_MOST_MEMORY: Final = 4 << 30
"""Address space of a worker, where the system can limit it: what wants more than that fails, here and not elsewhere."""

_LENGTH: Final = 8


def write_record(pipe: IO[bytes], record: object) -> None:
    """Write a record, its length before it."""
    said = pickle.dumps(record)
    pipe.write(len(said).to_bytes(_LENGTH, "little") + said)
    pipe.flush()


def read_record(read: Any) -> bytes:
    """Return the bytes of the next record.

    Args:
        read: Given a number of bytes, returns as many, or fewer at the end.

    Raises:
        EOFError: There is none, or not all of one.
    """
    length = read(_LENGTH)
    if len(length) < _LENGTH:
        raise EOFError
    found: bytes = read(int.from_bytes(length, "little"))
    return found


def serve(requests: int = 0, answers: int = 1, *, patient: bool = False) -> NoReturn:
    """Work until the requests end, or none has come for a while.

    Args:
        requests: Descriptor that they are read from.
        answers: Descriptor that they are answered on.
        patient: Whether to wait for requests as long as it takes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started this
    _limit_memory()
    pipe = os.fdopen(os.dup(answers), "wb")
    if answers == 1:
        os.dup2(2, 1)  # whatever a library prints must not end up among the answers
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(os.fdopen(requests, "rb", closefd=False), asked), daemon=True).start()
    with contextlib.suppress(OSError, queue.Empty):  # nobody listens any more, or nobody asks
        write_record(pipe, None)
        while True:
            function, calls = pickle.loads(asked.get(timeout=None if patient else _IDLE_SECONDS))
            for arguments in calls:
                try:
                    answer = (True, function(*arguments))
                except Exception as error:  # what is wrong with one call must not end the others
                    answer = (False, f"{type(error).__name__}: {error}"[:200])
                write_record(pipe, answer)
    os._exit(0)


def _listen(pipe: IO[bytes], asked: queue.SimpleQueue[bytes]) -> None:
    """Take requests. A thread of its own sees that the program has ended while a call is under way."""
    try:
        while True:
            asked.put(read_record(pipe.read))
    finally:
        os._exit(0)


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
