"""Starting the process of a worker: as a new program, or as a copy of this one.

A new program has to import what it needs, which takes a sixth of a second of processor time for grammars. A copy takes
some milliseconds, and is safe as long as this process has one thread: a lock that another thread holds at that moment
would be held in the copy for ever. So programs make one first of all, before they start threads.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Final, Protocol

from codesearch.processes.serving import serve

__all__ = ["Child", "fork_child", "may_fork", "start_child"]

_LEAVE_SECONDS: Final = 2.0

_PROGRAM: Final = "import sys; sys.path[:] = sys.argv[1:]; from codesearch.processes.serving import serve; serve()"


class Child(Protocol):
    """A process that serves.

    Attributes:
        requests: What it reads.
        answers: What it writes.
    """

    requests: IO[bytes]
    answers: IO[bytes]

    def runs(self) -> bool:
        """Whether it has not ended."""
        ...

    def end(self) -> None:
        """End it, and wait for that."""
        ...


def start_child() -> Child:
    """Start a new program.

    Raises:
        OSError: The system refuses.
    """
    return _Program()


def may_fork() -> bool:
    """Whether this process may be copied."""
    # Elsewhere the system's own libraries start threads that Python does not know.
    return sys.platform == "linux" and threading.active_count() == 1


def fork_child() -> Child:
    """Start a copy of this process; see :func:`may_fork`.

    Raises:
        OSError: The system refuses.
    """
    return _Copy()


class _Program:
    def __init__(self) -> None:
        path = [folder for folder in sys.path if folder]
        # A session of its own: Ctrl-C in the terminal is for this process alone, also before the other ignores it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, *path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where C code prints what it dies of
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.requests: IO[bytes] = self._process.stdin
        self.answers: IO[bytes] = self._process.stdout

    def runs(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        _close(self.requests, self.answers)
        with suppress(OSError):
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_SECONDS)


class _Copy:
    def __init__(self) -> None:
        theirs, requests = os.pipe()
        answers, theirs_too = os.pipe()
        self._ended = False
        try:
            self._pid = os.fork()
        except OSError:
            for descriptor in (theirs, requests, answers, theirs_too):
                os.close(descriptor)
            raise
        if self._pid == 0:
            _serve_as_copy(theirs, theirs_too)
        os.close(theirs)
        os.close(theirs_too)
        self.requests: IO[bytes] = os.fdopen(requests, "wb")
        self.answers: IO[bytes] = os.fdopen(answers, "rb")

    def runs(self) -> bool:
        if not self._ended:
            try:
                self._ended = os.waitpid(self._pid, os.WNOHANG)[0] != 0
            except ChildProcessError:
                self._ended = True
        return not self._ended

    def end(self) -> None:
        _close(self.requests, self.answers)
        if self.runs():
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            self._ended = True


def _close(*pipes: IO[bytes]) -> None:
    for pipe in pipes:
        with suppress(OSError):
            pipe.close()


def _serve_as_copy(requests: int, answers: int) -> None:
    """Serve in a process that was just forked, and never return: what the caller was doing is not this one's to do."""
    try:
        with suppress(OSError):
            os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        # Among what else is open are the ends of other workers' pipes, which would not end with the program then.
        low, high = sorted((requests, answers))
        for first, last in ((3, low), (low + 1, high), (high + 1, 1 << 16)):
            os.closerange(first, last)
        gc.freeze()  # what was copied is not looked at again, and so stays one with that of the parent
        serve(requests, answers, patient=True)
    finally:
        os._exit(1)
