"""The open indexes and the encoder, and the one thread that searches them.

A snapshot may be used by one thread at a time, so all searching is done by one, a few milliseconds each. A newer
state is opened by another thread, warmed up there, and only then takes the older one's place: no question waits for
an index to be read.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from codesearch.encoders.text import document_text
from codesearch.errors import CodesearchError, IndexUnusable, Unusable
from codesearch.index.snapshot import Snapshot
from codesearch.search.candidates import Searchable
from codesearch.search.overlay import Document, Overlay
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch_lsp.configuration import Configuration

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["Library"]

T = TypeVar("T")
Counts = tuple[int, int, int]
"""Files, chunks, and texts still to be encoded."""

_log = logging.getLogger(__name__)

_GIVE_WAY_SECONDS: Final = 0.2
"""How long the opening of a newer state waits for questions to end, as both want the interpreter."""


class Library:
    """Opens, keeps, replaces and searches snapshots. All methods but :meth:`view` are for the event loop."""

    def __init__(self) -> None:
        self._searching = ThreadPoolExecutor(1, thread_name_prefix="search")
        self._opening = ThreadPoolExecutor(1, thread_name_prefix="open")
        self._snapshots: dict[Path, Snapshot] = {}
        self._states: dict[Path, tuple[Hashable, Counts]] = {}  # for the opening thread
        self._quiet = threading.Event()
        self._quiet.set()
        self._asked = 0
        self._encoder: Future[Encoder] | None = None

    def load_encoder(self, configuration: Configuration) -> Future[Encoder]:
        """Start to load the encoder, ahead of the first question."""
        overrides = {"model": configuration.model or "", "device": configuration.device}
        if configuration.device == "auto":
            del overrides["device"]

        def load() -> Encoder:
            from codesearch.encoders import load_encoder

            settings = load_settings(overrides={name: value for name, value in overrides.items() if value})
            encoder = load_encoder(settings.model, settings.device, threads=1)
            encoder.encode_queries(["the first question takes longest"])
            return encoder

        self._encoder = self._opening.submit(load)
        return self._encoder

    @property
    def encodes(self) -> bool:
        """Whether the encoder can be used, as far as is known."""
        if self._encoder is None:
            return False
        return not self._encoder.done() or self._encoder.exception() is None

    def encoder(self) -> Encoder | None:
        """Return the encoder once it is loaded, None if it cannot be; for the searching thread."""
        # Whatever it failed of was told when it did; words can be searched all the same.
        if self._encoder is None or self._encoder.exception() is not None:
            return None
        return self._encoder.result()

    async def run(self, use: Callable[[], T]) -> T:
        """Do something in the searching thread; a request that is cancelled while it waits is never begun."""
        self._asked += 1
        self._quiet.clear()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._searching, use)
        finally:
            self._asked -= 1
            if not self._asked:
                self._quiet.set()

    def view(self, directory: Path, documents: Mapping[str, Document]) -> Searchable | None:
        """Return what a question sees of an index, None where there is none; for the searching thread."""
        base = self._snapshots.get(directory)
        return Overlay(base, documents) if base is not None and documents else base

    async def refresh(self, directory: Path) -> Counts | None:
        """Let the latest committed state of an index take the place of what was open.

        Returns:
            What it holds; None where there is no index.

        Raises:
            IndexUnusable: There is one, and it cannot be read.
        """
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(self._opening, self._open, directory)
        if opened is None:
            return None
        snapshot, counts = opened
        if snapshot is not None:
            await self.run(lambda: self._replace(directory, snapshot))
        return counts

    def _open(self, directory: Path) -> tuple[Snapshot | None, Counts] | None:
        """Open the latest state; None in its place where that is what is open already, None where there is no index."""
        before = self._snapshots.get(directory)
        if before is not None:
            self._quiet.wait(_GIVE_WAY_SECONDS)  # there is something to search: whoever asks goes first
        try:
            snapshot = Snapshot(directory, before)
        except IndexUnusable as error:
            if error.reason is Unusable.MISSING:
                return None
            raise
        try:
            state = snapshot.state
            known = self._states.get(directory)
            if known is not None and known[0] == state and directory in self._snapshots:
                snapshot.close()
                return None, known[1]
            found = snapshot.counts()
            counts = found.files, found.chunks, found.pending
            _ = snapshot.dense, snapshot.chunk_count, snapshot.pending_count  # loaded and counted here, once
            if before is None:
                search([snapshot], "a question to warm up", None, limit=1)
        except BaseException:
            snapshot.close()
            raise
        self._states[directory] = state, counts
        return snapshot, counts

    def _replace(self, directory: Path, snapshot: Snapshot) -> None:
        before = self._snapshots.get(directory)
        self._snapshots[directory] = snapshot
        if before is not None:
            before.close()

    async def drop(self, directory: Path) -> None:
        """Close an index that belongs to no folder any more."""

        def drop() -> None:
            snapshot = self._snapshots.pop(directory, None)
            if snapshot is not None:
                snapshot.close()

        await self.run(drop)

    async def complete(self, directory: Path, document: Document) -> None:
        """Give a document its vectors: those of texts that are indexed, then of the rest one after the other."""
        missing = await self.run(lambda: self._known(directory, document))
        for text in missing:
            await self.run(lambda text=text: self._encode(document, text))  # type: ignore[misc]

    def _known(self, directory: Path, document: Document) -> Sequence[str]:
        snapshot = self._snapshots.get(directory)
        texts = dict.fromkeys(document_text(chunk) for chunk in document.chunks)
        encoder = self.encoder()
        if encoder is None:
            return []
        if snapshot is not None and snapshot.manifest.model_id == encoder.model_id:
            with suppress(CodesearchError):
                for chunk_id, chunk in snapshot.chunks_of(document.path).items():
                    text = document_text(chunk)
                    if text in texts and (vector := snapshot.vector_of(chunk_id)) is not None:
                        document.vectors[text] = vector
        return [text for text in texts if text not in document.vectors]

    def _encode(self, document: Document, text: str) -> None:
        encoder = self.encoder()
        if encoder is not None:
            document.vectors[text] = encoder.encode_documents([text])[0]

    def close(self) -> None:
        """Close all indexes."""
        self._opening.shutdown(wait=False, cancel_futures=True)
        self._searching.shutdown(wait=False, cancel_futures=True)
