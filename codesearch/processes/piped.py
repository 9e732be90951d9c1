"""Worker processes over plain pipes, for code that may crash or never return: its death costs one call.

They need neither semaphores nor the main program. A worker that has nothing to do is kept for the next work, and ends
with the program however that ends, for its pipe does.
"""

from __future__ import annotations

import atexit
import os
import pickle
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from codesearch.processes.children import Child, fork_child, may_fork, start_child
from codesearch.processes.serving import read_record, write_record

__all__ = ["CREW", "Crew", "Failure", "WorkersUnavailable"]

_CALL_SECONDS: Final = 120.0
"""After so long a call is taken for one that never returns: six times what a single parse may take."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What stands in place of the result of a call that came to nothing; the text says why."""

    reason: str


class WorkersUnavailable(Exception):
    """No worker can be started here: the caller has to do the work itself."""


class _UnansweredError(Exception):
    """A worker has not answered; `before` are the answers that it gave before."""

    before: Sequence[Any] = ()


class _DiedError(_UnansweredError):
    """It has ended."""


class _NeverEndsError(_UnansweredError):
    """It has not answered in time."""


class PipedWorker:
    """A process that calls functions, one after the other. For one thread at a time.

    Args:
        by_fork: Whether it is a copy of this process, which takes next to no time. Only where there is one thread.

    Raises:
        WorkersUnavailable: It cannot be started.
    """

    def __init__(self, *, by_fork: bool = False) -> None:
        try:
            self._child: Child = fork_child() if by_fork else start_child()
        except OSError as error:
            raise WorkersUnavailable from error
        self._by_fork = by_fork
        self._ended = False
        self._owner = os.getpid()
        self._begun = False

    @property
    def is_usable(self) -> bool:
        """Whether it runs, as a child of this very process and not of one that this was forked from."""
        return not self._ended and self._owner == os.getpid() and self._child.runs()

    def ask(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Have a function called several times; returns for each what it returned, or a :class:`Failure`.

        Args:
            function: Of a module; it is found there by its name.
            calls: The arguments of each call.

        Raises:
            WorkersUnavailable: The process cannot even begin.
            _UnansweredError: It has ended, or does not answer in time.
        """
        if not self._begun:
            try:
                self._receive()
            except _UnansweredError:
                if self._by_fork:  # that it was there already says nothing of a new one
                    raise
                raise WorkersUnavailable from None
            self._begun = True
        with suppress(OSError, ValueError):  # it has died, or was ended: that shows where its answer is read
            write_record(self._child.requests, (function, calls))
        found: list[Any] = []
        for _ in calls:
            try:
                succeeded, value = pickle.loads(self._receive())
            except _UnansweredError as error:
                error.before = found
                raise
            found.append(value if succeeded else Failure(value))
        return found

    def _receive(self) -> bytes:
        deadline = time.monotonic() + _CALL_SECONDS
        descriptor = self._child.answers.fileno()

        def read(count: int) -> bytes:
            found = bytearray()
            while len(found) < count:
                if sys.platform != "win32" and not select.select([descriptor], [], [], deadline - time.monotonic())[0]:
                    raise _NeverEndsError
                block = os.read(descriptor, min(count - len(found), 1 << 20))
                if not block:
                    raise _DiedError
                found += block
            return bytes(found)

        try:
            return read_record(read)
        except (OSError, ValueError):  # it was ended by another thread
            raise _DiedError from None

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._ended = True
        if self._owner == os.getpid():
            self._child.end()


class Crew:
    """Workers that are started when they are needed, and lent to any thread.

    Args:
        kept: How many are kept when there is no work for them.

    Attributes:
        is_dismissed: Whether no work is done any more.
    """

    def __init__(self, kept: int = 1) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._idle: list[PipedWorker] = []
        self._busy: list[PipedWorker] = []
        self.is_dismissed = False

    def start_ahead(self) -> None:
        """Start a worker that may be needed, if that costs nothing: where this process has a single thread yet."""
        with self._lock, suppress(WorkersUnavailable):
            if may_fork() and not any(worker.is_usable for worker in self._idle):
                self._idle.append(PipedWorker(by_fork=True))

    def call(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function several times in a worker; returns for each what it returned, or a :class:`Failure`.

        A worker that dies is replaced. The call that it died of is tried once more, alone: the system may have ended
        the worker for want of memory, and not the call.

        Raises:
            WorkersUnavailable: No worker can be started, or all have been dismissed.
        """
        done: list[Any] = []
        while len(done) < len(calls):
            try:
                with self._lent() as worker:
                    done.extend(worker.ask(function, calls[len(done) :]))
            except _NeverEndsError as end:
                done += [*end.before, Failure("its grammar did not end")]
            except _DiedError as end:
                done += end.before
                done.append(self._again(function, calls[len(done)]))
        return done

    def _again(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        try:
            with self._lent(fresh=True) as worker:
                return worker.ask(function, [arguments])[0]
        except (_DiedError, _NeverEndsError):
            return Failure("its grammar crashed")

    @contextmanager
    def _lent(self, *, fresh: bool = False) -> Iterator[PipedWorker]:
        with self._lock:
            if self.is_dismissed:
                raise WorkersUnavailable
            worker = (None if fresh else self._take()) or PipedWorker()
            self._busy.append(worker)
        try:
            yield worker
        except BaseException:  # whatever it is doing, its next answer would be to a question of before
            worker.end()
            raise
        finally:
            with self._lock:
                self._busy.remove(worker)
                keep = worker.is_usable and len(self._idle) < self._kept and not self.is_dismissed
                if keep:
                    self._idle.append(worker)
            if not keep:
                worker.end()

    def _take(self) -> PipedWorker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_usable:
                return worker
            worker.end()
        return None

    def dismiss(self) -> None:
        """End all workers, those that are busy too: nothing is done after that."""
        with self._lock:
            self.is_dismissed = True
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.end()


CREW: Final = Crew()
"""That of this process."""

atexit.register(CREW.dismiss)
