"""The server's side of the indexing process: starts it, talks to it, and starts it again when it has died."""

from __future__ import annotations

import asyncio
import itertools
import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from codesearch.records import Chunk
from codesearch_lsp.messages import (
    Committed,
    Done,
    Extract,
    Extracted,
    Failed,
    FromIndexer,
    Moved,
    Stop,
    ToIndexer,
    Update,
)

__all__ = ["IndexerDied", "Worker"]

_log = logging.getLogger(__name__)

_LEAVE_SECONDS: Final = 2.0


class IndexerDied(Exception):
    """The indexing process ended before it answered."""


class Worker:
    """A process for indexing; all methods are to be called on the event loop."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Done | Failed | Extracted]] = {}
        self._watching: dict[int, Callable[[Moved | Committed], None]] = {}
        self._asked: dict[int, subprocess.Popen[bytes]] = {}
        self._sending = threading.Lock()
        self._closed = False

    async def update(
        self,
        request: Callable[[int], Update],
        watch: Callable[[Moved | Committed], None],
        started: Callable[[int], None],
    ) -> Done | Failed:
        """Carry out an update.

        Args:
            request: Makes it, given its number.
            watch: Told how far it has come.
            started: Told its number, by which it can be stopped.

        Raises:
            IndexerDied: The process crashed; the next request starts another.
        """
        number = next(self._numbers)
        self._watching[number] = watch
        started(number)
        try:
            answer = await self._ask(number, request(number))
        finally:
            self._watching.pop(number, None)
        assert not isinstance(answer, Extracted)
        return answer

    async def extract(self, path: str, text: str) -> tuple[Chunk, ...] | None:
        """Split the text of a document; None if it cannot be split.

        Raises:
            IndexerDied: As :meth:`update`.
        """
        number = next(self._numbers)
        answer = await self._ask(number, Extract(number, path, text))
        return answer.chunks if isinstance(answer, Extracted) else None

    def stop(self, number: int) -> None:
        """End an update early, at its next step."""
        self._send(Stop(number))

    async def _ask(self, number: int, request: ToIndexer) -> Done | Failed | Extracted:
        if self._closed:
            raise IndexerDied("the server is about to end")
        answer: asyncio.Future[Done | Failed | Extracted] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._send, request)
            return await answer
        finally:
            self._waiting.pop(number, None)
            self._asked.pop(number, None)

    def _send(self, request: ToIndexer) -> None:
        with self._sending:
            process = self._process
            if process is None or process.poll() is not None:
                if isinstance(request, Stop) or self._closed:
                    return
                process = self._process = self._start()
            if not isinstance(request, Stop):
                self._asked[request.number] = process
            assert process.stdin is not None
            try:
                process.stdin.write(pickle.dumps(request))
                process.stdin.flush()
            except OSError:  # it has just died, perhaps after those who wait were told
                self._loop.call_soon_threadsafe(self._end, process, process.wait())

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: the folder that the server was started in must not become a place that modules come from.
        command = [sys.executable, "-P", "-m", "codesearch_lsp.indexer"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say on which loop answers are given; to be called once, before anything else."""
        self._loop = loop

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with suppress(EOFError, OSError, pickle.UnpicklingError, RuntimeError):
            while True:
                answer = pickle.load(process.stdout)
                self._loop.call_soon_threadsafe(self._deliver, answer)
        code = process.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._end, process, code)

    def _deliver(self, answer: FromIndexer) -> None:
        if isinstance(answer, Moved | Committed):
            watch = self._watching.get(answer.number)
            if watch is not None:
                watch(answer)
            return
        waiting = self._waiting.get(answer.number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _end(self, process: subprocess.Popen[bytes], code: int) -> None:
        if not self._closed:
            _log.warning("the indexing process ended with code %d", code)
        for number, answer in self._waiting.items():
            if self._asked.get(number) is process and not answer.done():
                answer.set_exception(IndexerDied(f"the indexing process ended with code {code}"))

    def close(self) -> None:
        """End the process; what it has committed stays."""
        self._closed = True
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
