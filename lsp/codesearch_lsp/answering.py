"""From checked requests to answers: which folders are meant, what of them may be found, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lsprotocol.types import Position
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, IndexUnusable, InputError, Unusable
from codesearch.records import Chunk
from codesearch.search.candidates import Filters, Searchable
from codesearch.search.location import Place, Snippet
from codesearch.search.notices import Answer, Notice, NoticeKind
from codesearch.search.overlay import Document
from codesearch.search.pipeline import search
from codesearch.search.question_filters import read_filters
from codesearch.search.similar import similar
from codesearch_lsp.documents import Documents
from codesearch_lsp.folders import Folder, State, filters_for
from codesearch_lsp.freshness import FolderKeeper
from codesearch_lsp.items import answer_of
from codesearch_lsp.protocol import RequestFailed
from codesearch_lsp.requests import SearchRequest, SimilarTarget
from codesearch_lsp.searching import Searcher
from codesearch_lsp.wire import Positions, path_of

__all__ = ["QuestionHandler"]

_SETTLE_SECONDS: Final = 0.5
"""How long a question waits for what was typed last to be split: a few milliseconds as a rule."""

_OPEN_SECONDS: Final = 5.0
"""How long a question waits for an index to be opened, once after the start: a tenth of a second as a rule."""

_Use = Callable[[Sequence[Searchable], Sequence[Filters]], Answer]


class QuestionHandler:
    """Answers questions about the workspace."""

    def __init__(self, keeper: FolderKeeper, searcher: Searcher, documents: Documents) -> None:
        self._keeper = keeper
        self._searcher = searcher
        self._documents = documents

    def limit(self, asked: SearchRequest) -> int:
        """Return how many results an answer holds."""
        return asked.limit or self._keeper.configuration.limit

    async def search(self, asked: SearchRequest) -> Answer:
        """Answer a question with one match more than was asked for, which tells whether there are more.

        Raises:
            JsonRpcException: The question cannot be answered; the text says why.
        """
        many = asked.start + self.limit(asked) + 1

        def use(snapshots: Sequence[Searchable], filters: Sequence[Filters]) -> Answer:
            encoder, least = self._searcher.encoder(), asked.min_confidence
            return search(snapshots, asked.query, encoder, limit=many, filters=filters, min_confidence=least)

        return await self._consult(asked, use)

    async def ask(self, asked: SearchRequest, positions: Positions) -> dict[str, Any]:
        """Return the result of ``codesearch/search``."""
        return answer_of(await self.search(asked), asked.start, self.limit(asked), positions)

    async def similar(self, target: SimilarTarget, asked: SearchRequest, positions: Positions) -> dict[str, Any]:
        """Return the result of ``codesearch/similar``."""
        answer = await self.similar_to(target, asked, positions)
        return answer_of(answer, asked.start, self.limit(asked), positions)

    async def similar_to(self, target: SimilarTarget, asked: SearchRequest, positions: Positions) -> Answer:
        """Find what is like a place or a snippet.

        Raises:
            JsonRpcException: As :meth:`search`.
        """
        many = asked.start + self.limit(asked) + 1
        wanted: Place | Snippet = Snippet(target.text, target.language)
        home: list[Folder] = []
        if target.uri:
            if (document := path_of(target.uri)) is not None:
                await self._keeper.include_ignored((), [document])
            folder, path = self._place(target.uri)
            home = [folder]
            assert folder.target is not None
            wanted = Place(folder.target.repository.root, path, positions.line_of(Position(target.line, 0)))

        def use(snapshots: Sequence[Searchable], filters: Sequence[Filters]) -> Answer:
            encoder = self._searcher.encoder()
            load = LazyEncoder(lambda: encoder) if encoder is not None else None
            return similar(snapshots, wanted, load, limit=many, filters=filters)

        return await self._consult(asked, use, home)

    async def chunks_at(self, uri: str) -> list[Chunk]:
        """Return the chunks of a document as it stands; none where it is not in an index that is open."""
        try:
            folder, path = self._place(uri)
        except JsonRpcException:
            return []
        await self._documents.settle(_SETTLE_SECONDS)
        documents = self._documents.over(folder)
        assert folder.directory is not None
        directory = folder.directory

        def read() -> list[Chunk]:
            with self._searcher.views({directory: documents}) as views:
                return [chunk for _, state in views for chunk in state.chunks_of(path).values()]

        return await self._searcher.run(read)

    def _place(self, uri: str) -> tuple[Folder, str]:
        path = path_of(uri)
        if path is None:
            raise JsonRpcInvalidParams(f"{uri[:200]!r} is no file on this machine: give a file of the workspace")
        for folder in self._keeper.within(path):
            relative = folder.relative(path)
            if relative is not None:
                return folder, relative
        raise JsonRpcInvalidParams(f"{path} lies in no folder of the workspace that is indexed")

    # --- consulting -----------------------------------------------------------------------------------------

    async def _consult(self, asked: SearchRequest, use: _Use, home: Sequence[Folder] = ()) -> Answer:
        """Answer a request.

        Args:
            asked: The request.
            use: Searches what is open.
            home: The folder of the place that it starts from.
        """
        self._keeper.touch_stale()
        await self._keeper.opened(_OPEN_SECONDS)
        named = [*home, *await self._named_though_ignored(asked)]
        await self._documents.settle(_SETTLE_SECONDS)
        meant = self._meant(asked, named)
        overlays: dict[Path, dict[str, Document]] = {}
        for folder, _ in meant:
            assert folder.directory is not None
            overlays.setdefault(folder.directory, self._documents.over(folder))

        def consult() -> Answer:
            filters: dict[Path, list[Filters]] = {}
            for folder, within in meant:
                assert folder.directory is not None
                filters.setdefault(folder.directory, []).append(filters_for(folder, asked, within))
            with self._searcher.views(overlays) as views:
                if not views:
                    return Answer((), ())
                return use([state for _, state in views], [_either(filters[directory]) for directory, _ in views])

        try:
            answer = await self._searcher.run(consult)
        except InputError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        except IndexUnusable as error:
            raise RequestFailed(self._mend(meant, error)) from error
        except CodesearchError as error:
            raise RequestFailed(str(error)) from error
        notices = [*map(self._own_advice, answer.notices), *self._notices(meant)]
        if answer.matches and not self._searcher.encodes:
            notices.append(Notice(NoticeKind.EMBEDDINGS_PENDING, "there is no encoder: only words were compared"))
        return Answer(answer.matches, tuple(notices))

    async def _named_though_ignored(self, asked: SearchRequest) -> list[Folder]:
        try:
            patterns = (*asked.paths, *read_filters(asked.query).patterns)
            paths = [path for path in map(path_of, asked.folders) if path is not None]
            return await self._keeper.include_ignored(patterns, paths)
        except InputError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        except CodesearchError as error:
            raise RequestFailed(str(error)) from error

    def _meant(self, asked: SearchRequest, named: Sequence[Folder]) -> list[tuple[Folder, list[Path]]]:
        """Return the folders that a request is about, each with the parts that it names.

        Args:
            asked: The request.
            named: Folders that it names though Git ignores them.
        """
        folders = [folder for folder in self._keeper.folders.values() if folder.around is None or folder in named]
        if not asked.folders:
            return [(folder, []) for folder in folders if folder.directory is not None]
        parts: dict[str, tuple[Folder, list[Path]]] = {}
        for uri in asked.folders:
            path = path_of(uri)
            holders = [f for f in folders if path is not None and (f.holds(path) or f.path.is_relative_to(path))]
            if not holders or path is None:
                raise JsonRpcInvalidParams(f"{uri[:200]!r} is no folder of the workspace")
            for folder in holders:
                parts.setdefault(folder.uri, (folder, []))[1].append(path if folder.holds(path) else folder.path)
        return [(folder, within) for folder, within in parts.values() if folder.directory is not None]

    def _own_advice(self, notice: Notice) -> Notice:
        """Leave out the advice to do by hand what the server does by itself, unless the user stopped it."""
        if not notice.advice:
            return notice
        return replace(notice, advice="" if self._keeper.finishes else "run the command codesearch.reindex")

    def _mend(self, meant: Sequence[tuple[Folder, list[Path]]], error: IndexUnusable) -> str:
        """Have damaged indexes built anew; returns what to tell."""
        if error.reason is not Unusable.CORRUPT:
            return str(error)
        for folder, _ in meant:
            folder.rebuild = True
            self._keeper.reindex(folder)
        return f"{error.reason.value}: it is being built anew; ask again in a moment"

    def _notices(self, meant: Sequence[tuple[Folder, list[Path]]]) -> list[Notice]:
        """Say what a client cannot see from the answer alone: folders that have no index, or none yet."""
        notices = []
        about = [folder for folder, _ in meant]
        for folder in self._keeper.folders.values():
            if folder.around is not None and folder not in about:
                continue
            if folder.state is State.FAILED:
                notices.append(Notice(NoticeKind.NOTHING_INDEXED, folder.message))
            elif folder.directory is None or not folder.chunks:
                doing = "is being indexed: ask again in a moment"
                if not self._keeper.configuration.index_on_start and not folder.update and not folder.dirty:
                    doing = "is not indexed: run the command codesearch.reindex"
                if all(folder is not other or not other.chunks for other, _ in meant):
                    notices.append(Notice(NoticeKind.NOTHING_INDEXED, f"{folder.name} {doing}"))
        if not self._keeper.folders:
            notices.append(Notice(NoticeKind.NOTHING_INDEXED, "no folder is open: open one to search it"))
        return notices


def _either(filters: Sequence[Filters]) -> Filters:
    """Return what lets through all that any of these does: of two folders in one repository, which is searched once."""
    if len(filters) == 1:
        return filters[0]
    tests = [one.path for one in filters if one.path is not None]
    path = (lambda path: any(test(path) for test in tests)) if len(tests) == len(filters) else None
    return replace(filters[0], path=path)
