"""The program's side of its indexing process: starts it, talks to it, and starts another when it has died."""

from __future__ import annotations

import itertools
import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from codesearch.errors import WorkerCrash
from codesearch.index.progress import Progress, UpdateReport
from codesearch.upkeep.messages import (
    Ending,
    ExtractRequest,
    Message,
    StopRequest,
    UpdateFinished,
    UpdateNotice,
    UpdateProgress,
    UpdateRequest,
    WorkFailed,
)

__all__ = ["Listener", "Worker"]

_log = logging.getLogger(__name__)

_LEAVE_SECONDS: Final = 2.0
"""How long the process may take to end once its stdin has."""

_STOP_SECONDS: Final = 5.0
"""How long an update that is broken off may take to commit what it has."""

_SIGNAL_SECONDS: Final = 0.5
"""How often a wait looks up: on Windows, Ctrl-C does not end one."""

Listener = Callable[[Message], None]
"""Takes what the process says about one request, in a thread of the worker; must not block for long."""


@dataclass(frozen=True, slots=True)
class _Audience:
    """Who listens to the answers to a request, and which process has to give them."""

    listener: Listener
    process: subprocess.Popen[bytes]


class Worker:
    """A process that indexes. It is started by the first request; any thread may call any method.

    It ends with the program that it works for, whatever ends that, and with :meth:`close`. What it has committed stays.

    Args:
        silent: Whether what libraries print in it is dropped, instead of going to stderr.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # of the following three
        self._process: subprocess.Popen[bytes] | None = None
        self._audiences: dict[int, _Audience] = {}
        self._closed = False
        self._sending = threading.Lock()  # one record after the other

    def new_number(self) -> int:
        """Return a number for a request, which no other has."""
        return next(self._numbers)

    def send(self, request: UpdateRequest | ExtractRequest, listener: Listener) -> None:
        """Have something done; the last that the listener is told is an `Ending`, whatever happens to the process.

        Returns at once as a rule, but may have to start the process.
        """
        with self._lock:
            if self._closed:
                process = None
            else:
                process = self._process = self._process or self._start()
                self._audiences[request.number] = _Audience(listener, process)
        if process is None:
            listener(WorkFailed(request.number, WorkerCrash("the indexing process was ended")))
        else:
            self._write(process, request)

    def stop(self, number: int) -> None:
        """End an update early, at its next step; nothing happens if it is at its end already."""
        with self._lock:
            audience = self._audiences.get(number)
        if audience is not None:
            self._write(audience.process, StopRequest(number))

    def run(
        self, request: UpdateRequest, on_notice: Callable[[str], None] = lambda _: None
    ) -> Generator[Progress, None, UpdateReport | None]:
        """Carry out an update, and wait for it; closed early, it waits until what was made is committed.

        Args:
            request: What to do.
            on_notice: Takes the sentences of :class:`UpdateNotice`.

        Yields:
            How far it has come.

        Returns:
            What was done; None if it was stopped, or there was nothing to do.

        Raises:
            CodesearchError: That of :class:`WorkFailed`.
        """
        messages: SimpleQueue[Message] = SimpleQueue()
        ended = False
        try:
            self.send(request, messages.put)
            while True:
                message = _next(messages)
                if isinstance(message, UpdateProgress):
                    yield message.progress
                elif isinstance(message, UpdateNotice):
                    on_notice(message.text)
                elif isinstance(message, Ending):
                    ended = True
                    if isinstance(message, WorkFailed):
                        raise message.error
                    assert isinstance(message, UpdateFinished)
                    return message.report
        finally:
            if not ended:
                self.stop(request.number)
                with suppress(Empty):
                    while not isinstance(messages.get(timeout=_STOP_SECONDS), Ending):
                        pass

    def rest(self) -> None:
        """End the process if it has nothing to do, for its memory; the next request starts another."""
        with self._lock:
            if self._audiences:
                return
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def close(self) -> None:
        """End the process, and whatever it is doing."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            _end(process)

    # --- the process ----------------------------------------------------------------------------------------

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: the current folder must not become a place that modules come from. A session of its own: Ctrl-C in the
        # terminal is for the program alone.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "codesearch.upkeep.updater"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if self._silent else None,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(process,), name="indexing process", daemon=True).start()
        return process

    def _write(self, process: subprocess.Popen[bytes], request: UpdateRequest | ExtractRequest | StopRequest) -> None:
        said = pickle.dumps(request)
        # It may have died, or have been told to leave: the thread that reads then tells whoever listens.
        with self._sending, suppress(OSError, ValueError):
            assert process.stdin is not None
            process.stdin.write(said)
            process.stdin.flush()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        try:
            with process.stdout as answers:
                while True:
                    self._deliver(pickle.load(answers))
        except (EOFError, OSError):
            pass
        except Exception:  # what it says cannot be understood: cut off in the middle, as a rule
            _log.warning("the indexing process said something odd", exc_info=True)
        self._bury(process, _end(process))

    def _deliver(self, message: Message) -> None:
        with self._lock:
            audience = self._audiences.get(message.number)
            if isinstance(message, Ending):
                self._audiences.pop(message.number, None)
        if audience is not None:
            _tell(audience.listener, message)

    def _bury(self, process: subprocess.Popen[bytes], code: int) -> None:
        """Tell those who wait for a process that has ended; the next request starts another."""
        with self._lock:
            closed = self._closed
            if self._process is process:
                self._process = None
            bereft = {number: one for number, one in self._audiences.items() if one.process is process}
            for number in bereft:
                del self._audiences[number]
        _log.info("the indexing process ended with code %d", code)
        reason = "was ended" if closed else f"ended unexpectedly (status {code})"
        for number, audience in bereft.items():
            _tell(audience.listener, WorkFailed(number, WorkerCrash(f"the indexing process {reason}")))


def _next(messages: SimpleQueue[Message]) -> Message:
    while True:
        with suppress(Empty):
            return messages.get(timeout=_SIGNAL_SECONDS)


def _tell(listener: Listener, message: Message) -> None:
    try:
        listener(message)
    except Exception:  # the others are to be told all the same
        _log.exception("an answer of the indexing process was not taken")


def _end(process: subprocess.Popen[bytes]) -> int:
    """End a process by ending its stdin, and by force if that does not help; returns its exit status."""
    assert process.stdin is not None
    with suppress(OSError, ValueError):
        process.stdin.close()
    try:
        return process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
