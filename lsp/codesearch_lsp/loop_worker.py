"""The indexing process as the event loop sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from codesearch.errors import WorkerCrash
from codesearch.records import Chunk
from codesearch.upkeep.messages import (
    DocumentChunks,
    Ending,
    ExtractRequest,
    Message,
    UpdateFinished,
    UpdateRequest,
    WorkFailed,
)
from codesearch.upkeep.worker import Worker

__all__ = ["LoopWorker"]

_log = logging.getLogger(__name__)


class LoopWorker:
    """A :class:`Worker` whose answers are awaited; all methods are to be called on the event loop."""

    def __init__(self) -> None:
        self._worker = Worker()

    def new_number(self) -> int:
        """Return a number for a request, by which an update can be stopped."""
        return self._worker.new_number()

    async def update(self, request: UpdateRequest, listen: Callable[[Message], None]) -> UpdateFinished | WorkFailed:
        """Carry out an update; `listen` is told how far it has come."""
        answer = await self._ask(request, listen)
        assert not isinstance(answer, DocumentChunks)
        return answer

    async def extract(self, path: str, text: str) -> tuple[Chunk, ...] | None:
        """Split the text of a document; None if it cannot be split.

        Raises:
            WorkerCrash: The process died; the next request starts another.
        """
        answer = await self._ask(ExtractRequest(self.new_number(), path, text), lambda _: None)
        if isinstance(answer, WorkFailed):
            raise answer.error
        return answer.chunks if isinstance(answer, DocumentChunks) else None

    async def _ask(self, request: UpdateRequest | ExtractRequest, listen: Callable[[Message], None]) -> Ending:
        loop = asyncio.get_running_loop()
        ending: asyncio.Future[Ending] = loop.create_future()

        def take(message: Message) -> None:
            if not isinstance(message, Ending):
                listen(message)
            elif not ending.done():  # it is, where whoever asked was cancelled
                ending.set_result(message)

        def hear(message: Message) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(take, message)

        await asyncio.to_thread(self._worker.send, request, hear)
        answer = await ending
        if isinstance(answer, WorkFailed) and isinstance(answer.error, WorkerCrash):
            _log.warning("%s", answer.error)
        return answer

    def stop(self, number: int) -> None:
        """End an update early, at its next step."""
        self._worker.stop(number)

    def close(self) -> None:
        """End the process; what it has committed stays. Takes up to two seconds."""
        self._worker.close()
