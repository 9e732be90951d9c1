"""The documents that are open in the editor, as far as they differ from what is saved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from codesearch.errors import WorkerCrash
from codesearch.languages import LANGUAGES
from codesearch.records import Chunk
from codesearch.search.overlay import Document
from codesearch_lsp.folders import Folder
from codesearch_lsp.loop_worker import LoopWorker
from codesearch_lsp.searching import Searcher

__all__ = ["Documents"]

_log = logging.getLogger(__name__)

_LONGEST: Final = 1 << 20
"""Characters of a document that is searched as it stands: what is longer is left out of indexes as well."""


@dataclass(slots=True)
class _Open:
    """An open document.

    Attributes:
        path: Of its file.
        text: Returns what it holds now.
        dirty: Whether that may differ from what is indexed.
        saved_at: When it was saved last, on the clock of the event loop, if it was not changed since.
        version: Counts the changes.
        split: The version that `found` is of.
        found: Its chunks, by the URI of the folder that it lies in.
        task: Splits it, while that is under way.
        taken: By the URI of a folder, whether its index would hold the file; asked anew once it is saved.
    """

    path: Path
    text: Callable[[], str]
    dirty: bool = False
    saved_at: float | None = None
    version: int = 0
    split: int = -1
    found: dict[str, Document] | None = None
    task: asyncio.Task[None] | None = None
    taken: dict[str, bool] = field(default_factory=dict)


class Documents:
    """Splits changed documents in the indexing process, and keeps the result until the index has caught up.

    Args:
        worker: Splits them.
        searcher: Makes their vectors.
        within: Returns the folders that a path lies in.
        takes: Says whether the index of a folder would hold a file, were it saved; called in another thread.
    """

    def __init__(
        self,
        worker: LoopWorker,
        searcher: Searcher,
        within: Callable[[Path], Iterable[Folder]],
        takes: Callable[[Folder, Path], bool],
    ) -> None:
        self._worker = worker
        self._searcher = searcher
        self._within = within
        self._takes = takes
        self._open: dict[str, _Open] = {}
        self.enabled = True

    def opened(self, uri: str, path: Path, text: Callable[[], str]) -> None:
        """Take note of a document; what an editor restores may never have been saved."""
        self._open[uri] = document = _Open(path, text)
        document.task = asyncio.ensure_future(self._compare(document))

    def changed(self, uri: str) -> None:
        """Note that a document holds something else now."""
        document = self._open.get(uri)
        if document is None:
            return
        document.version += 1
        document.dirty, document.saved_at = True, None
        self._begin(document)

    def saved(self, uri: str) -> None:
        """Note that a document was saved: once an update that began later is done, the index has it."""
        if uri in self._open:
            self._open[uri].saved_at = asyncio.get_running_loop().time()
            self._open[uri].taken.clear()

    def closed(self, uri: str) -> None:
        """Forget a document; what was not saved is gone."""
        self._open.pop(uri, None)

    def caught_up(self, folder: Folder, began: float) -> None:
        """Note that the open index has all that was saved in a folder before `began`."""
        for document in self._open.values():
            if document.saved_at is not None and document.saved_at <= began and folder.holds(document.path):
                document.dirty, document.saved_at, document.found = False, None, None

    def over(self, folder: Folder) -> dict[str, Document]:
        """Return the documents that lie over the index of a folder, by path."""
        if not self.enabled:
            return {}
        found = [
            document.found[folder.uri]
            for document in self._open.values()
            if document.dirty and document.found is not None and folder.uri in document.found
        ]
        return {document.path: document for document in found}

    async def settle(self, seconds: float) -> None:
        """Wait until what was typed last is split, but no longer than so many seconds."""
        tasks = [document.task for document in self._open.values() if document.task and not document.task.done()]
        if tasks and self.enabled:
            await asyncio.wait(tasks, timeout=seconds)

    async def definition_in(self, text: str, language: str, line: int) -> str:
        """Return the definition around a line of a text that is no file; all of the text where there is none.

        Args:
            text: Of the document.
            language: As the client calls it.
            line: 1-based.
        """
        known = LANGUAGES.get(language)
        path = f"untitled{known.suffixes[0] if known is not None and known.suffixes else '.txt'}"
        chunks: tuple[Chunk, ...] | None = None
        if len(text) <= _LONGEST:
            with suppress(WorkerCrash):
                chunks = await self._worker.extract(path, text)
        around = [chunk for chunk in chunks or () if chunk.name and chunk.span.start <= line <= chunk.span.end]
        return min(around, key=lambda chunk: chunk.span.end - chunk.span.start).text if around else text

    async def _compare(self, document: _Open) -> None:
        differs = await asyncio.to_thread(_differs, document.path, document.text())
        document.dirty = document.dirty or differs  # it may have been changed meanwhile
        if document.dirty and self.enabled:
            await self._split(document)

    def _begin(self, document: _Open) -> None:
        if self.enabled and (document.task is None or document.task.done()):
            document.task = asyncio.ensure_future(self._split(document))

    async def _split(self, document: _Open) -> None:
        """Split the document until the result is of what it holds, and then see to its vectors."""
        with suppress(WorkerCrash):  # it is searched as it was saved
            while document.split != document.version:
                version, text = document.version, document.text()
                document.found = await self._documents_of(document, text) if len(text) <= _LONGEST else None
                document.split = version
        for folder in self._within(document.path):
            found = (document.found or {}).get(folder.uri)
            if found is not None and folder.directory is not None:
                complete = asyncio.ensure_future(self._searcher.complete(folder.directory, found))
                complete.add_done_callback(_log_failure)

    async def _documents_of(self, document: _Open, text: str) -> dict[str, Document]:
        found = {}
        for folder in self._within(document.path):
            path = folder.relative(document.path)
            if path is not None:
                if folder.uri not in document.taken:
                    document.taken[folder.uri] = await asyncio.to_thread(self._takes, folder, document.path)
                chunks = await self._worker.extract(path, text) if document.taken[folder.uri] else ()
                if chunks is not None:
                    found[folder.uri] = await asyncio.to_thread(Document.of, path, chunks)
        return found


def _log_failure(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("a document was not encoded: %s", error)


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() != text.encode("utf-8", "surrogatepass")
    except OSError:
        return True  # not saved yet
