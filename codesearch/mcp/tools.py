"""What the tools do: from an agent's arguments to an answer, in the folders of a sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

from codesearch.encoders import LazyEncoder
from codesearch.errors import IndexUnusable, InputError
from codesearch.index.snapshot import Snapshot
from codesearch.languages import language_named
from codesearch.mcp.answers import FoundCode, layout
from codesearch.mcp.descriptions import MOST_RESULTS, MOST_TOKENS
from codesearch.mcp.freshness import IndexKeeper, Keeper, Report
from codesearch.mcp.sandbox import Sandbox
from codesearch.records import Kind
from codesearch.search.candidates import Filters
from codesearch.search.least_confidence import read_level
from codesearch.search.location import Place, Snippet
from codesearch.search.notices import Answer
from codesearch.search.pipeline import search
from codesearch.search.question_filters import read_filters
from codesearch.search.similar import similar
from codesearch.settings import Settings, load_settings
from codesearch.sources import find_repository, open_repository
from codesearch.upkeep.messages import EncoderChoice
from codesearch.upkeep.plan import Job, plan
from codesearch.upkeep.targets import Target, find_ignored, open_ignored

__all__ = ["Status", "Tools"]

_LEAST_TOKENS: Final = 200
_DEEPEST: Final = 500
_LONGEST_SNIPPET: Final = 100_000

_PLACE: Final = re.compile(r"(?P<path>.+?)(?::|#L)(?P<line>\d{1,9})(?::\d+)?")

Narrowing = tuple[Sequence[str] | None, Sequence[str] | None, Sequence[str] | None, str]
"""Languages, kinds, patterns of files, and whether tests are found, as the agent named them."""

Window = tuple[int, int, int]
"""Offset, limit and tokens, as the agent named them."""


class FolderStatus(BaseModel):
    """What is indexed of one folder."""

    root: str
    state: str = Field(description="not indexed, indexing, encoding, partly encoded, or ready.")
    files: int
    chunks: int = Field(description="Functions, methods, types and what lies between.")
    pending: int = Field(description="Texts whose vectors are still to be made: found by their words only so far.")
    skipped: int = Field(description="Files that are left out.")
    languages: dict[str, int]


class Status(BaseModel):
    """What is searched."""

    folders: list[FolderStatus]


class Tools:
    """Answers of the tools; any thread may ask.

    Args:
        settings: Of the user.
        encoder: Loads the encoder, once; None to search by words only.
        indexes: Folder of all indexes, instead of the one in the cache.
        keeper: Keeps indexes open and fresh; None for one of its own.
    """

    def __init__(
        self, settings: Settings, encoder: LazyEncoder | None, indexes: Path | None, keeper: Keeper | None = None
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._indexes = indexes
        choice = None if encoder is None else EncoderChoice.of(settings)
        self._keeper: Keeper = keeper or IndexKeeper(encoder, choice)

    def search(
        self,
        where: Sandbox,
        query: str,
        path: str,
        narrowing: Narrowing,
        window: Window,
        report: Report,
        min_confidence: str = "",
    ) -> tuple[str, FoundCode]:
        """Answer ``search_code``.

        Raises:
            CodesearchError: The arguments cannot be used, or there is nothing to search.
        """
        if not query.strip():
            raise InputError('the query is empty: say in plain words what the code does, such as "parse json"')
        offset, limit, tokens = _checked(window)
        least, many = read_level(min_confidence, "min_confidence"), offset + limit + 1

        def ask(snapshots: Sequence[Snapshot], filters: Sequence[Filters]) -> Answer:
            encoder = self._encoder() if self._encoder else None
            return search(snapshots, query, encoder, limit=many, filters=filters, min_confidence=least)

        patterns = (*(narrowing[2] or ()), *read_filters(query).patterns)
        answer, single = self._asked(self._with_ignored(self._targets(where, path), patterns), narrowing, ask, report)
        return self._laid_out(answer, offset, limit, tokens, single)

    def similar(
        self,
        where: Sandbox,
        target: tuple[str, int | None, str, str, str],
        narrowing: Narrowing,
        window: Window,
        report: Report,
    ) -> tuple[str, FoundCode]:
        """Answer ``similar_code``; `target` is path, line, name, snippet and the snippet's language.

        Raises:
            CodesearchError: The arguments cannot be used, or there is no code at the place.
        """
        path, line, name, snippet, language = target
        if line is None and not name and (place := _PLACE.fullmatch(path)):
            path, line = place["path"], int(place["line"])
        if bool(path) == bool(snippet):
            raise InputError("give either path with line or name, or a snippet")
        if self._encoder is None:
            raise InputError("similar code is found by vectors, which this server was started without")
        offset, limit, tokens = _checked(window)
        wanted: Place | Snippet
        if snippet:
            if not snippet.strip() or "\0" in snippet or len(snippet) > _LONGEST_SNIPPET:
                raise InputError("the snippet is empty, binary, or longer than 100,000 characters: give one function")
            wanted = Snippet(snippet, language_named(language, "language") if language else "")
            targets = self._targets(where, "")
        else:
            if (line is None) == (not name):
                raise InputError("say which function of the file: give its line, or its name")
            real = where.locate(path)
            home = self._target(where, real)
            if not real.is_file():
                raise InputError(f"{path} is a folder: name a file")
            wanted = Place(home.repository.root, home.below[0] if home.below else "", line or 0, name)
            targets = [Target(home.repository)]
        encoder = self._encoder

        def ask(snapshots: Sequence[Snapshot], filters: Sequence[Filters]) -> Answer:
            return similar(snapshots, wanted, encoder, limit=offset + limit + 1, filters=filters)

        targets = self._with_ignored(targets, narrowing[2] or ())
        answer, single = self._asked(targets, narrowing, ask, report)
        return self._laid_out(answer, offset, limit, tokens, single)

    def status(self, where: Sandbox) -> tuple[str, Status]:
        """Answer ``index_status``."""
        folders = [self._folder_status(target) for target in self._targets(where, "")]
        lines = []
        for folder in folders:
            lines.append(f"{folder.root}: {folder.state}")
            if folder.chunks:
                lines.append(
                    f"  {folder.files:,} files, {folder.chunks:,} chunks, {folder.pending:,} still to be encoded, "
                    f"{folder.skipped:,} files left out; "
                    + ", ".join(f"{k} {v:,}" for k, v in folder.languages.items())
                )
        return "\n".join(lines), Status(folders=folders)

    def _folder_status(self, target: Target) -> FolderStatus:
        job = self._plan(target)
        working = self._keeper.is_working(job)
        try:
            with Snapshot(job.directory) as snapshot:
                counts = snapshot.counts()
        except IndexUnusable:
            state = "indexing" if working else "not indexed"
            root = str(target.repository.root)
            return FolderStatus(root=root, state=state, files=0, chunks=0, pending=0, skipped=0, languages={})
        state = "partly encoded" if counts.pending else "ready"
        if working:
            state = "encoding" if counts.pending else "indexing"
        return FolderStatus(
            root=str(target.repository.root),
            state=state,
            files=counts.files,
            chunks=counts.chunks,
            pending=counts.pending,
            skipped=counts.skipped,
            languages=counts.languages,
        )

    def _targets(self, where: Sandbox, path: str) -> list[Target]:
        """Return what is to be searched: what a path names, else every root."""
        if path.strip():
            return [self._target(where, where.locate(path))]
        where.locate(None)  # says what to do if there is no root
        return [self._target(where, root) for root in where.roots]

    def _target(self, where: Sandbox, real: Path) -> Target:
        """Return the repository of a path: a root, or a Git repository inside one.

        Not the one around a root, though Git would name it: what lies outside of the root is not to be read.
        """
        root = next(root for root in where.roots if real == root or real.is_relative_to(root))
        inner = find_repository(real)
        place = inner.root if inner.is_git and inner.root.is_relative_to(root) else root
        around = open_repository(str(place), cache=self._settings.cache, refresh=False)
        repository = open_ignored(real, around, cache=self._settings.cache)
        below = real.relative_to(repository.root).as_posix()
        return Target(repository, () if below == "." else (below,))

    def _with_ignored(self, targets: Sequence[Target], patterns: Iterable[str]) -> list[Target]:
        """Return the targets, and after them the folders that Git ignores and a pattern names."""
        ignored: dict[Path, Target] = {}
        for target in targets:
            for found in find_ignored([target], patterns, target.repository.root, cache=self._settings.cache):
                ignored[found.repository.root] = found
        return [*targets, *ignored.values()]

    def _plan(self, target: Target) -> Job:
        return plan(target.repository, load_settings(target.repository.root), indexes=self._indexes)

    def _asked(
        self,
        targets: Sequence[Target],
        narrowing: Narrowing,
        ask: Callable[[Sequence[Snapshot], Sequence[Filters]], Answer],
        report: Report,
    ) -> tuple[Answer, bool]:
        filters = [_filters(target, narrowing) for target in targets]
        with self._keeper.snapshots([self._plan(target) for target in targets], report) as snapshots:
            return ask(snapshots, filters), len(targets) == 1

    @staticmethod
    def _laid_out(answer: Answer, offset: int, limit: int, tokens: int, single: bool) -> tuple[str, FoundCode]:
        text, found = layout(answer, offset=offset, limit=limit, max_tokens=tokens, single_root=single)
        if not found.results and offset and answer.matches:
            raise InputError(f"there are only {len(answer.matches)} results: offset={offset} is beyond the last")
        return text, found


def _checked(window: Window) -> Window:
    offset, limit, tokens = window
    if not 1 <= limit <= MOST_RESULTS:
        raise InputError(f"limit={limit}: ask for 1 to {MOST_RESULTS} results, and for more with offset")
    if not 0 <= offset <= _DEEPEST:
        raise InputError(f"offset={offset}: give 0 to {_DEEPEST}; a better question beats a later page")
    if not _LEAST_TOKENS <= tokens <= MOST_TOKENS:
        raise InputError(f"max_tokens={tokens}: give {_LEAST_TOKENS} to {MOST_TOKENS}")
    return window


def _filters(target: Target, narrowing: Narrowing) -> Filters:
    languages, kinds, patterns, tests = narrowing
    try:
        wanted = frozenset(Kind(kind.lower()) for kind in kinds or ())
    except ValueError as error:
        raise InputError(f"{error}: known kinds are {', '.join(kind.value for kind in Kind)}") from error
    named = [language_named(name, "languages") for name in languages or ()]
    return target.filters(named, wanted, patterns or (), tests=tests)
