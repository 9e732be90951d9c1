"""What the client is told without having asked: progress, the state of folders, errors, the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from lsprotocol.types import (
    LogMessageParams,
    MessageType,
    ShowMessageParams,
    WorkDoneProgressBegin,
    WorkDoneProgressEnd,
    WorkDoneProgressReport,
)

from codesearch.index.progress import Progress
from codesearch_lsp.folders import Folder

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

__all__ = ["LogHandler", "Reporter"]

_REPORT_SECONDS: Final = 0.25
"""How often progress is reported."""

_LEVELS: Final = (
    (logging.ERROR, MessageType.Error),
    (logging.WARNING, MessageType.Warning),
    (logging.INFO, MessageType.Info),
)


class Reporter:
    """Tells the client; see `codesearch_lsp.freshness.Observer`.

    Args:
        server: Of the client.
        status: Returns the state of all folders.
        caught_up: Told which folder's open index has all that was saved before a moment.
    """

    def __init__(
        self, server: LanguageServer, status: Callable[[], dict[str, Any]], caught_up: Callable[[Folder, float], None]
    ) -> None:
        self._server = server
        self._status = status
        self._caught_up = caught_up
        self._told: set[str] = set()
        self._shown: dict[str, str] = {}
        self._reported = 0.0
        self._number = 0
        self._beginning: asyncio.Future[None] | None = None

    def tell_once(self, text: str, kind: MessageType = MessageType.Warning) -> None:
        """Show the user a sentence, the first time that there is reason to."""
        if text not in self._told:
            self._told.add(text)
            self._server.window_show_message(ShowMessageParams(kind, f"codesearch: {text}"))

    def changed(self) -> None:
        """Send the state of all folders."""
        self._server.protocol.notify("codesearch/status", self._status())

    def failed(self, text: str) -> None:
        """Tell the user what cannot be done, once."""
        self.tell_once(text)

    def updated(self, folder: Folder, began: float) -> None:
        """Pass on that the open index is that of the moment `began`."""
        self._caught_up(folder, began)

    def moved(self, folder: Folder, progress: Progress) -> None:
        """Show how far an update has come; the progress begins with the first report."""
        capabilities = self._server.client_capabilities.window
        if capabilities is None or not capabilities.work_done_progress:
            return
        now = asyncio.get_running_loop().time()
        token = self._shown.get(folder.uri)
        if token is None:
            self._number += 1
            token = self._shown[folder.uri] = f"codesearch/{self._number}"
            self._beginning = asyncio.ensure_future(self._begin(token, folder, progress))
        elif now - self._reported > _REPORT_SECONDS and token in self._server.work_done_progress.tokens:
            self._reported = now
            self._server.work_done_progress.report(
                token, WorkDoneProgressReport("report", True, progress.text, _percent(progress))
            )

    async def _begin(self, token: str, folder: Folder, progress: Progress) -> None:
        with suppress(Exception):  # a client that refuses gets no progress
            await self._server.work_done_progress.create_async(token)
            if self._shown.get(folder.uri) == token:
                title = f"Indexing {folder.name}"
                begin = WorkDoneProgressBegin(title, "begin", True, progress.text, _percent(progress))
                self._server.work_done_progress.begin(token, begin)

    def ended(self, folder: Folder) -> None:
        """End the progress of an update, if it was shown."""
        token = self._shown.pop(folder.uri, None)
        if token is not None and token in self._server.work_done_progress.tokens:
            self._server.work_done_progress.end(token, WorkDoneProgressEnd("end"))
            del self._server.work_done_progress.tokens[token]

    def folder_of(self, token: object) -> str | None:
        """Return the URI of the folder whose progress has this token."""
        return next((uri for uri, shown in self._shown.items() if shown == token), None)


def _percent(progress: Progress) -> int:
    return min(100, 100 * progress.done // max(1, progress.total))


class LogHandler(logging.Handler):
    """Sends the log through the protocol.

    Args:
        server: Of the client.
        loop: That the server runs on; records come from any thread.
    """

    def __init__(self, server: LanguageServer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.INFO)
        self._server = server
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        kind = next((kind for level, kind in _LEVELS if record.levelno >= level), MessageType.Log)
        message = LogMessageParams(kind, self.format(record))
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._server.window_log_message, message)
