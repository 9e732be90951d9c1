"""Keeping the indexes of the workspace fresh: one update after the other, in another process.

Whatever may have changed something marks a folder as dirty. One task carries out the updates, so a hundred saves in a
row become as many updates as there is time for, and the last save is always followed by one. Clients miss changes
(a branch switch, a file written by a tool, a client that watches nothing), so folders are looked at now and then, and
whenever somebody asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from codesearch.errors import CodesearchError, IndexBusy, WorkerCrash
from codesearch.index.progress import Phase, Progress
from codesearch.upkeep.messages import (
    EncoderChoice,
    Message,
    UpdateFinished,
    UpdateProgress,
    UpdateRequest,
    WordsCommitted,
    WorkFailed,
)
from codesearch_lsp.configuration import Configuration
from codesearch_lsp.folders import Folder, State, find_folder, find_ignored_folders, plan_folder, settings_for
from codesearch_lsp.loop_worker import LoopWorker
from codesearch_lsp.searching import Searcher
from codesearch_lsp.wire import uri_of

__all__ = ["FolderKeeper", "Observer"]

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 30.0
"""How often a folder is looked at when nobody says that anything changed; costs some 50 ms in the other process."""

_ASKED_SECONDS: Final = 2.0
"""A question has its folders looked at if that was longer ago than this."""

_REST_SECONDS: Final = 0.3
"""An update is followed by a rest as long as itself, but no longer: saves may come faster than they are indexed, and
then half of the time is for questions."""

_RETRY_SECONDS: Final = 1.0
_OPEN_SECONDS: Final = 5.0
"""How long a question waits for the index of a folder that it names."""

_MOST_CRASHES: Final = 3

_NOTABLE: Final = 64
"""From so many files or texts on, an update is shown, and ended early when there is something newer to read."""

_REOPEN_SECONDS: Final = 5.0
"""How often vectors are taken into use while many are being made."""


class Observer(Protocol):
    """Who is told about updates."""

    def changed(self) -> None:
        """The state of a folder is another."""

    def moved(self, folder: Folder, progress: Progress) -> None:
        """An update that is worth showing has come so far."""

    def ended(self, folder: Folder) -> None:
        """An update is over."""

    def updated(self, folder: Folder, began: float) -> None:
        """All that was saved before `began`, on the clock of the event loop, is in the index that is open."""

    def failed(self, text: str) -> None:
        """Something the user should know."""


class FolderKeeper:
    """Carries out updates for as long as :meth:`run` runs. All methods are for the event loop.

    Attributes:
        folders: Of the workspace, by URI.
        told: Set once the client has told its folders.
    """

    def __init__(self, worker: LoopWorker, searcher: Searcher, observer: Observer) -> None:
        self.folders: dict[str, Folder] = {}
        self.configuration = Configuration()
        self._worker = worker
        self._searcher = searcher
        self._observer = observer
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self.told = asyncio.Event()
        self._words_only: set[str] = set()
        self._crashes = 0

    @property
    def finishes(self) -> bool:
        """Whether what is still to be encoded will be without anybody's doing: the user stopped nothing."""
        return not self._words_only

    def add(self, folder: Folder) -> None:
        """Take a folder in; it is opened, and indexed if that is configured."""
        self.folders[folder.uri] = folder
        opening = self._start(self._open(folder))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def opened(self, seconds: float) -> None:
        """Wait until the indexes that exist already are open, for some seconds at most.

        An editor asks as soon as it has started the server, and would be told that there is nothing.
        """
        if not self.told.is_set():  # asked first: wait_for may swallow a cancellation that comes at the same moment
            with suppress(TimeoutError):
                await asyncio.wait_for(self.told.wait(), seconds)
        if self._opening:
            await asyncio.wait(self._opening, timeout=seconds)

    async def remove(self, uri: str) -> None:
        """Let go of a folder; its index stays."""
        folder = self.folders.pop(uri, None)
        if folder is None:
            return
        if folder.update:
            self._worker.stop(folder.update)
        directories = {other.directory for other in self.folders.values()}
        if folder.directory is not None and folder.directory not in directories:
            self._searcher.drop(folder.directory)
        self._observer.changed()

    def touch(self, folder: Folder) -> None:
        """Note that something in a folder may have changed."""
        folder.dirty = True
        # What is being encoded takes minutes; a save must not wait for it. What was made is kept.
        if folder.update and folder.state is State.ENCODING:
            self._worker.stop(folder.update)
        self._wake.set()

    def touch_stale(self) -> None:
        """Have folders looked at that were not looked at for some seconds: somebody asks."""
        now = asyncio.get_running_loop().time()
        for folder in self.folders.values():
            if not folder.update and now - folder.checked > _ASKED_SECONDS and folder.checked > 0:
                self.touch(folder)

    def reindex(self, folder: Folder) -> None:
        """Bring a folder up to date because the user says so, whatever was stopped or failed before."""
        self._words_only.discard(folder.uri)
        self._crashes = 0
        self.touch(folder)

    def stop(self, folder: Folder) -> None:
        """End what is being done for a folder; it is encoded no further until the user says so."""
        self._words_only.add(folder.uri)
        if folder.update:
            self._worker.stop(folder.update)

    async def run(self) -> None:
        """Carry out updates until cancelled."""
        while True:
            folder = next((folder for folder in self.folders.values() if folder.dirty), None)
            if folder is not None:
                began = asyncio.get_running_loop().time()
                try:
                    await self._update(folder)
                except Exception as error:  # the other folders are kept fresh, and this one from the next change on
                    _log.exception("%s was not brought up to date", folder.name)
                    self._fail(folder, f"{folder.name}: {type(error).__name__}: {error}")
                await asyncio.sleep(min(asyncio.get_running_loop().time() - began, _REST_SECONDS))
                continue
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
                continue
            for folder in self.folders.values():
                folder.dirty = folder.checked > 0 and self.configuration.index_on_start

    # --- one folder -----------------------------------------------------------------------------------------

    async def _open(self, folder: Folder) -> None:
        if await self._find(folder) and folder.directory is not None:
            with suppress(CodesearchError):
                await self._reopen(folder)
        if self.configuration.index_on_start:
            self.touch(folder)

    async def _find(self, folder: Folder) -> bool:
        """Find out what a folder is part of; says so if that cannot be."""
        try:
            found = await asyncio.to_thread(find_folder, folder.path, self.configuration)
        except (CodesearchError, OSError) as error:
            self._fail(folder, str(error))
            return False
        folder.target, folder.directory = found
        return True

    async def _update(self, folder: Folder) -> None:
        folder.dirty = False
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Asked anew each time: a folder may vanish, come back, or become a Git repository.
        if not await self._find(folder):
            folder.checked = loop.time()
            return
        number = self._worker.new_number()
        try:
            request = await asyncio.to_thread(self._request, number, folder)
            folder.update = number
            answer = await self._worker.update(request, lambda message: self._watch(folder, message))
        except CodesearchError as error:
            answer = WorkFailed(number, error)
        finally:
            folder.update = 0
            folder.checked = loop.time()
            self._observer.ended(folder)
        if folder.uri in self.folders:
            await self._conclude(folder, answer, began)

    def _request(self, number: int, folder: Folder) -> UpdateRequest:
        """Plan an update; reads settings and the index, so not on the event loop."""
        assert folder.target is not None
        rebuild, folder.rebuild = folder.rebuild, False
        encodes = folder.uri not in self._words_only and self._searcher.encodes
        job = plan_folder(folder.target, self.configuration)
        choice = EncoderChoice.of(settings_for(self.configuration)) if encodes else None
        return UpdateRequest(number, job, choice, rebuild=rebuild)

    def _watch(self, folder: Folder, message: Message) -> None:
        if isinstance(message, WordsCommitted):
            self._start(self._reopen(folder))
        elif isinstance(message, UpdateProgress):
            self._watch_progress(folder, message.progress)

    def _watch_progress(self, folder: Folder, progress: Progress) -> None:
        state = State.ENCODING if progress.phase in (Phase.ENCODING, Phase.GRAPH) else State.INDEXING
        if progress.total < _NOTABLE and folder.state not in (State.MISSING, State.INDEXING, State.FAILED):
            return
        if progress.phase is Phase.ENCODING:
            folder.pending = progress.total - progress.done
            now = asyncio.get_running_loop().time()
            if now - folder.checked > _REOPEN_SECONDS:
                folder.checked = now
                self._start(self._reopen(folder))
        if progress.total >= _NOTABLE:
            self._observer.moved(folder, progress)
        if folder.state is not state:
            folder.state, folder.message = state, ""
            self._observer.changed()

    async def _conclude(self, folder: Folder, answer: UpdateFinished | WorkFailed, began: float) -> None:
        if isinstance(answer, WorkFailed) and isinstance(answer.error, WorkerCrash):
            self._crashed(folder, answer.error)
            return
        self._crashes = 0
        with suppress(CodesearchError):
            await self._reopen(folder)
        if isinstance(answer, WorkFailed):
            if isinstance(answer.error, IndexBusy):
                self._later(folder)
            else:
                self._fail(folder, str(answer.error))
            return
        if answer.stopped and folder.uri not in self._words_only:
            folder.dirty = True  # something newer came in between: go on from there
        before = folder.state, folder.message
        folder.state = folder.rest()
        folder.message = f"{folder.pending:,} texts are not encoded" if folder.pending else ""
        if answer.report is not None and answer.report.notice:
            folder.message = answer.report.notice
        if before != (folder.state, folder.message) or (answer.report and answer.report.changed_files):
            self._observer.changed()
        if not answer.stopped or not folder.dirty:
            self._observer.updated(folder, began)

    def _crashed(self, folder: Folder, error: WorkerCrash) -> None:
        self._crashes += 1
        if self._crashes < _MOST_CRASHES:
            self._later(folder)
            return
        self._fail(folder, f"{folder.name}: {error}; run the command codesearch.reindex to try again")

    def _later(self, folder: Folder) -> None:
        asyncio.get_running_loop().call_later(_RETRY_SECONDS, self.touch, folder)

    def _fail(self, folder: Folder, text: str) -> None:
        if (folder.state, folder.message) != (State.FAILED, text):
            folder.state, folder.message = State.FAILED, text
            self._observer.failed(text)
            self._observer.changed()

    async def _reopen(self, folder: Folder) -> None:
        directory = folder.directory
        if directory is None:
            return
        counts = await self._searcher.refresh(directory)
        if counts is not None:
            folder.files, folder.chunks, folder.pending = counts.files, counts.chunks, counts.pending
            if folder.state is State.MISSING:
                folder.state = folder.rest()
                self._observer.changed()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def within(self, path: Path) -> list[Folder]:
        """Return the folders that hold a path, those that Git ignores before those around them."""
        holders = [folder for folder in self.folders.values() if folder.holds(path)]
        return sorted(holders, key=lambda folder: folder.around is None)

    async def include_ignored(self, patterns: Sequence[str], paths: Sequence[Path]) -> list[Folder]:
        """Take in the folders that Git ignores and a request names.

        Args:
            patterns: Of files, as the request has them.
            paths: Folders and files that it names.

        Returns:
            Those folders, also the ones that were taken in before.

        Raises:
            CodesearchError: Settings cannot be read.
        """
        if not patterns and not paths:
            return []
        folders = list(self.folders.values())
        found = await asyncio.to_thread(find_ignored_folders, folders, patterns, paths, self.configuration)
        for path, around in found.items():
            if uri_of(path) not in self.folders:
                self.add(Folder(uri_of(path), path.name, path, around=around))
        if found:
            await self.opened(_OPEN_SECONDS)
        return [self.folders[uri_of(path)] for path in found]


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except CodesearchError as error:
        _log.warning("%s", error)
    except Exception:
        _log.exception("a task failed")
