"""The encoder, and the one thread that searches.

One is enough, as a search takes a few milliseconds. Another opens newer states of indexes, see
`codesearch.upkeep.library`: no question waits for an index to be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from codesearch.encoders.text import document_text
from codesearch.errors import CodesearchError
from codesearch.index.snapshot import Counts, Snapshot
from codesearch.search.candidates import Searchable
from codesearch.search.overlay import Document, Overlay
from codesearch.upkeep.library import Library
from codesearch_lsp.configuration import Configuration
from codesearch_lsp.folders import settings_for

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["Searcher"]

T = TypeVar("T")


class Searcher:
    """Opens and searches indexes. All methods but :meth:`views` and :meth:`encoder` are for the event loop."""

    def __init__(self) -> None:
        self._searching = ThreadPoolExecutor(1, thread_name_prefix="search")
        self._opening = ThreadPoolExecutor(1, thread_name_prefix="open")
        self._library = Library()
        self._encoder: Future[Encoder] | None = None

    def load_encoder(self, configuration: Configuration) -> Future[Encoder]:
        """Start to load the encoder, ahead of the first question."""

        def load() -> Encoder:
            from codesearch.encoders import load_encoder

            settings = settings_for(configuration)
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
        with self._library.asking():
            return await asyncio.get_running_loop().run_in_executor(self._searching, use)

    @contextmanager
    def views(self, documents: Mapping[Path, Mapping[str, Document]]) -> Iterator[list[tuple[Path, Searchable]]]:
        """Lend what a question sees of indexes, with documents laid over; those that are not open are left out.

        For the searching thread, and not to be nested.

        Args:
            documents: By path, by directory of the index.
        """
        with self._library.snapshots(list(documents)) as snapshots:
            yield [(one.directory, _view(one, documents[one.directory])) for one in snapshots]

    async def refresh(self, directory: Path) -> Counts | None:
        """Let the latest committed state of an index take the place of what was open.

        Returns:
            What it holds; None where there is no index.

        Raises:
            IndexUnusable: There is one, and it cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._opening, self._library.refresh, directory)

    def drop(self, directory: Path) -> None:
        """Close an index that belongs to no folder any more."""
        self._library.drop(directory)

    async def complete(self, directory: Path, document: Document) -> None:
        """Give a document its vectors: those of texts that are indexed, then of the rest one after the other."""
        missing = await self.run(lambda: self._known(directory, document))
        for text in missing:
            await self.run(lambda text=text: self._encode(document, text))  # type: ignore[misc]

    def _known(self, directory: Path, document: Document) -> Sequence[str]:
        texts = dict.fromkeys(document_text(chunk) for chunk in document.chunks)
        encoder = self.encoder()
        if encoder is None:
            return []
        with self._library.snapshots([directory]) as snapshots, suppress(CodesearchError):
            for snapshot in [one for one in snapshots if one.manifest.model_id == encoder.model_id]:
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
        self._library.close()


def _view(snapshot: Snapshot, documents: Mapping[str, Document]) -> Searchable:
    return Overlay(snapshot, documents) if documents else snapshot
