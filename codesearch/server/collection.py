"""The repositories that are served: open, kept fresh in the background, and lent to whoever searches.

One indexing process makes all updates, and one library holds all open snapshots, as for the other servers. A thread
opens newer states, and another watches the files. A search never waits for either.
"""

from __future__ import annotations

import gc
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, IndexBusy, IndexUnusable, InputError, SettingsError, WorkerCrash
from codesearch.index.progress import Phase
from codesearch.index.snapshot import Counts, Snapshot
from codesearch.index.storage import Manifest
from codesearch.records import Repository
from codesearch.server.access import Caller
from codesearch.settings import Settings
from codesearch.sources import FileRules
from codesearch.upkeep.asking import damaged_jobs
from codesearch.upkeep.library import Library
from codesearch.upkeep.messages import (
    EncoderChoice,
    Ending,
    Message,
    UpdateFinished,
    UpdateProgress,
    UpdateRequest,
    WordsCommitted,
    WorkFailed,
)
from codesearch.upkeep.plan import Job, plan
from codesearch.upkeep.watching import RepositoryChanged, RepositoryGone, WatchStarted, watch
from codesearch.upkeep.worker import Worker

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["Collection", "ReadyEncoder", "RepositoryState", "Stage", "Standing", "UnknownRepository"]

_log = logging.getLogger(__name__)

_OPEN_SECONDS: Final = 10.0
"""How often the vectors that an update has made so far are opened."""

_RESERVED: Final = frozenset({"content", "refresh"})
_NAME: Final = re.compile(r"[^\x00-\x20/\\?#%\x7f]+(?:/[^\x00-\x20/\\?#%\x7f]+)*")


class UnknownRepository(InputError):
    """There is no repository of this name, or none that the caller may see: nobody is told which."""


class Stage(StrEnum):
    """How far a repository is."""

    WAITING = "waiting"
    INDEXING = "indexing"
    ENCODING = "encoding"
    READY = "ready"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a repository is doing.

    Attributes:
        stage: How far it is.
        doing: What an update is doing, in words; "" while there is none.
        done: Of `total`, how much.
        total: 0 where that is not known.
        problem: Why the last update came to nothing; "" if it did not.
    """

    stage: Stage = Stage.WAITING
    doing: str = ""
    done: int = 0
    total: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RepositoryState:
    """What there is of a repository.

    Attributes:
        name: What it is called here.
        standing: How it is doing.
        counts: What its index holds; None while there is none.
        manifest: What its index says of itself; likewise.
        imported: Whether only its index is here.
    """

    name: str
    standing: Standing
    counts: Counts | None
    manifest: Manifest | None
    imported: bool


@dataclass(slots=True)
class _Served:
    name: str
    repository: Repository
    job: Job
    standing: Standing = field(default_factory=Standing)
    counts: Counts | None = None
    manifest: Manifest | None = None
    update: int = 0
    committed: bool = False
    again: bool = False
    crashed: bool = False
    opened: float = 0.0


class ReadyEncoder:
    """An encoder that is loaded in the background, and None until then: words are searched meanwhile.

    Args:
        load: Loads it; None to search by words only.
    """

    def __init__(self, load: LazyEncoder | None) -> None:
        self.load = load
        self.problem = ""
        self.loading = load is not None
        self._encoder: Encoder | None = None

    def start(self) -> None:
        """Start to load it, in a thread."""
        if self.load is not None:
            threading.Thread(target=self._load, name="encoder", daemon=True).start()

    def __call__(self) -> Encoder | None:
        """Return the encoder if it is there by now."""
        return self._encoder

    def _load(self) -> None:
        assert self.load is not None
        try:
            encoder = self.load()
            encoder.encode_queries(["the first question takes longest"])
        except CodesearchError as error:
            self.problem = str(error)
            _log.error("the encoder cannot be loaded: %s", error)
        else:
            self._encoder = encoder
        self.loading = False
        gc.freeze()  # what has been loaded stays: the collector need not go over it again and again


class Collection:
    """Repositories by the names under which they are served; any thread may call any method.

    Args:
        repositories: By name.
        settings: Of a repository, by its root.
        indexes: Folder of all indexes, instead of the one in the cache.
        choice: What makes vectors; None to leave texts waiting.
        refresh: Whether indexes are made, kept fresh, and mended.

    Raises:
        InputError: A name cannot be one.
    """

    def __init__(
        self,
        repositories: Mapping[str, Repository],
        settings: Callable[[Path | None], Settings],
        *,
        indexes: Path | None = None,
        choice: EncoderChoice | None = None,
        refresh: bool = True,
    ) -> None:
        self._settings = settings
        self._indexes = indexes
        self._choice = choice
        self.refreshes = refresh
        self._served: dict[str, _Served] = {}
        for name, repository in repositories.items():
            _check_name(name)
            self._served[name] = _Served(name, repository, self._first_plan(repository))
        self._by_directory = {one.job.directory: one for one in self._served.values()}
        self._by_root = {one.repository.root: one for one in self._served.values()}
        self._library = Library()
        self._worker = Worker()
        self._lock = threading.Lock()
        self._openings: SimpleQueue[_Served | None] = SimpleQueue()
        self._ended = threading.Event()
        self._opened = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Open what there is, bring it up to date, and watch it; returns at once."""
        for target in (self._open_all, *([self._watch] if self.refreshes else [])):
            thread = threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """End what is under way; what was committed stays. Searches that are under way are answered."""
        self._ended.set()
        self._openings.put(None)
        self._worker.close()
        self._library.close()
        for thread in self._threads:
            thread.join(5)

    # --- what there is --------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether every index that there was at the start is open, or known not to open."""
        return self._opened.is_set()

    def all_names(self) -> list[str]:
        """Return all repositories, whoever may see them."""
        return sorted(self._served)

    def names(self, caller: Caller) -> list[str]:
        """Return the repositories that a caller may see, in order."""
        return sorted(name for name in self._served if caller.may_see(name))

    def select(self, caller: Caller, wanted: Sequence[str]) -> list[str]:
        """Return the repositories that names or patterns name; all that the caller may see where none are given.

        Raises:
            UnknownRepository: One names nothing that the caller may see.
        """
        visible = self.names(caller)
        if not wanted:
            if not visible:
                raise UnknownRepository("this token may see no repository that is served here")
            return visible
        chosen: set[str] = set()
        for pattern in wanted:
            named = Caller("", (pattern,))
            found = [pattern] if pattern in visible else [name for name in visible if named.may_see(name)]
            if not found:
                raise UnknownRepository(f"there is no repository {pattern[:200]!r}: GET /v1/repositories lists them")
            chosen.update(found)
        return sorted(chosen)

    def state(self, name: str) -> RepositoryState:
        """Return what there is of a repository."""
        with self._lock:
            one = self._served[name]
            return RepositoryState(name, one.standing, one.counts, one.manifest, one.repository.imported)

    def root(self, name: str) -> Path | None:
        """Return where the files of a repository are; None where only its index is here."""
        repository = self._served[name].repository
        return None if repository.imported else repository.root

    def repository(self, name: str) -> Repository:
        """Return a repository."""
        return self._served[name].repository

    def roots(self, caller: Caller) -> list[Path]:
        """Return where the repositories that a caller may see have their files."""
        return [root for root in map(self.root, self.names(caller)) if root is not None]

    @contextmanager
    def lend(self, names: Sequence[str]) -> Iterator[dict[str, Snapshot]]:
        """Lend what is open of some repositories, to this thread alone; must not be nested in a thread.

        An index that turns out to be damaged is built anew in the background.

        Raises:
            IndexUnusable: The index is damaged.
        """
        directories = {self._served[name].job.directory: name for name in names}
        damage: IndexUnusable | None = None
        with self._library.snapshots(list(directories)) as snapshots:
            try:
                yield {directories[snapshot.directory]: snapshot for snapshot in snapshots}
            except IndexUnusable as error:
                damage = error
        if damage is not None:
            self._mend([self._served[name] for name in names], damage)
            raise damage

    def name_of(self, snapshot: Snapshot) -> str:
        """Return under which name the repository of a snapshot is served."""
        return self._by_directory[snapshot.directory].name

    def conceal(self, text: str) -> str:
        """Return a sentence with the names of repositories in place of folders of this machine."""
        for root, one in self._by_root.items():
            text = text.replace(str(root), one.name)
        return text

    # --- for the tools of coding agents ---------------------------------------------------------------------

    @contextmanager
    def snapshots(self, jobs: Sequence[Job], report: Callable[[str, int, int], None]) -> Iterator[list[Snapshot]]:  # noqa: ARG002
        """Lend the indexes of some jobs, as :meth:`codesearch.mcp.freshness.IndexKeeper.snapshots` does.

        Raises:
            InputError: One is of no repository that is served, or nothing of it can be searched yet.
        """
        wanted = [self._by_directory.get(job.directory) for job in jobs]
        if None in wanted:
            raise InputError("this folder is no repository of this server: name one that index_status lists")
        with self.lend([one.name for one in wanted if one is not None]) as found:
            if len(found) < len(jobs):
                raise InputError("this repository is being indexed for the first time: ask again in a minute")
            yield list(found.values())

    def is_working(self, job: Job) -> bool:
        """Whether an update of an index is under way."""
        one = self._by_directory.get(job.directory)
        return one is not None and one.update != 0

    # --- keeping fresh --------------------------------------------------------------------------------------

    def request_update(self, name: str, *, rebuild: bool = False) -> None:
        """Have a repository brought up to date; returns at once.

        Raises:
            InputError: Its source is not here, or nothing is kept fresh.
        """
        one = self._served[name]
        if one.repository.imported:
            raise InputError(f"{name} was imported, and its source is not here: import a newer file")
        if not self.refreshes:
            raise InputError("this server was started with --no-refresh, and leaves indexes as they are")
        self._request(one, rebuild=rebuild)

    def _plan(self, repository: Repository) -> Job:
        return plan(repository, self._settings(repository.root), indexes=self._indexes)

    def _first_plan(self, repository: Repository) -> Job:
        """Plan without a repository's own settings where they are damaged: the others are to be served all the same."""
        try:
            return self._plan(repository)
        except SettingsError:
            return plan(repository, self._settings(None), indexes=self._indexes)

    def _rules(self, repository: Repository) -> FileRules:
        one = self._by_root[repository.root]
        with suppress(SettingsError):
            return self._plan(repository).rules
        return one.job.rules

    def _request(self, one: _Served, *, rebuild: bool = False) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            if one.update and not one.committed:
                one.again = True  # it may have looked at the files already
                return
            one.update, one.committed, one.again = self._worker.new_number(), False, False
            number = one.update
        try:
            one.job = self._plan(one.repository)  # codesearch.toml may be what has changed
        except CodesearchError as error:
            self._end(one, number, error)
            return
        exists = (one.job.directory / "index.db").is_file()
        request = UpdateRequest(
            number,
            one.job,
            self._choice,
            rebuild=rebuild,
            wait_seconds=30,
            adopt_model=not exists,
            unless_current=not rebuild,
        )
        self._worker.send(request, lambda message: self._hear(one, number, message))

    def _hear(self, one: _Served, number: int, message: Message) -> None:
        if one.update != number:
            return  # it has given way to a later one
        if isinstance(message, UpdateProgress):
            progress = message.progress
            encoding = progress.phase in (Phase.ENCODING, Phase.GRAPH)
            stage = Stage.ENCODING if encoding else Stage.INDEXING
            with self._lock:
                one.standing = Standing(stage, progress.phase.value, progress.done, progress.total)
                late = encoding and time.monotonic() - one.opened > _OPEN_SECONDS
                if late:
                    one.opened = time.monotonic()
            if late:
                self._openings.put(one)
        elif isinstance(message, WordsCommitted):
            one.committed = True
            one.opened = time.monotonic()
            self._openings.put(one)
        elif isinstance(message, Ending):
            self._end(one, number, message.error if isinstance(message, WorkFailed) else None)
            if isinstance(message, UpdateFinished) and message.report is not None:
                _log.info("updated", extra={"fields": {"repository": one.name, "files": message.report.changed_files}})

    def _end(self, one: _Served, number: int, error: CodesearchError | None) -> None:
        with self._lock:
            if one.update != number:
                return
            one.update = 0
            again = one.again or (isinstance(error, IndexBusy)) or (isinstance(error, WorkerCrash) and not one.crashed)
            one.crashed = isinstance(error, WorkerCrash)
            gone = not one.repository.root.is_dir()
            stage = Stage.GONE if gone else Stage.FAILED if error else Stage.READY
            one.standing = Standing(stage, problem=self.conceal(str(error)) if error and not gone else "")
        if error is not None and not self._ended.is_set():
            _log.warning("%s: %s", one.name, error)
        self._openings.put(one)
        if again:
            # Another process may hold the index for a while, and must not be asked without a pause.
            timer = threading.Timer(5.0 if isinstance(error, IndexBusy) else 0.1, self._request, [one])
            timer.daemon = True
            timer.start()

    def _mend(self, suspects: Sequence[_Served], error: IndexUnusable) -> None:
        with suppress(CodesearchError):
            damaged = {job.directory for job in damaged_jobs([one.job for one in suspects], error)}
            for one in suspects:
                if one.job.directory in damaged and self.refreshes:
                    _log.warning("%s: %s: building it anew", one.name, error.reason.value)
                    self._request(one, rebuild=True)

    def _open_all(self) -> None:
        """Open newer states, as they come; first all that there are."""
        for one in self._served.values():
            self._open(one)
        self._opened.set()
        while (next_one := self._openings.get()) is not None:
            self._open(next_one)

    def _open(self, one: _Served) -> None:
        if self._ended.is_set():
            return
        try:
            counts = self._library.refresh(one.job.directory)
        except CodesearchError as error:
            with self._lock:
                if not one.update:
                    one.standing = replace(one.standing, stage=Stage.FAILED, problem=self.conceal(str(error)))
            return
        except Exception:
            _log.exception("%s could not be opened", one.name)
            return
        manifest = None
        with self._library.snapshots([one.job.directory]) as snapshots:
            for snapshot in snapshots:
                manifest = snapshot.manifest
        with self._lock:
            if counts is not None and manifest is not None:
                one.counts, one.manifest = counts, manifest
            static = one.repository.imported or not self.refreshes
            if one.standing.stage is Stage.WAITING and static:
                problem = "" if counts else "there is no index, and --no-refresh makes none: run `codesearch index`"
                one.standing = Standing(Stage.FAILED if problem else Stage.READY, problem=problem)

    def _watch(self) -> None:
        local = [one for one in self._served.values() if not one.repository.imported]
        try:
            for event in watch(
                [one.repository for one in local],
                self._rules,
                leave_out=list({one.job.directory.parent for one in self._served.values()}),
                on_polling=lambda reason: _log.warning("%s: looking at every file each two seconds", reason),
                stop=self._ended,
            ):
                if isinstance(event, WatchStarted):  # so an update that begins now misses nothing
                    for one in local:
                        if one.standing.stage is not Stage.GONE:
                            self._request(one)
                elif isinstance(event, RepositoryChanged):
                    self._request(self._by_root[event.repository.root])
                elif isinstance(event, RepositoryGone):
                    self._lose(self._by_root[event.repository.root])
        except Exception:
            _log.exception("files are not watched any more: POST /v1/repositories/NAME/refresh updates an index")

    def _lose(self, one: _Served) -> None:
        _log.warning("%s: its folder is gone, or cannot be read: its index answers as it is", one.name)
        with self._lock:
            one.standing = Standing(Stage.GONE)


def _check_name(name: str) -> None:
    """Refuse a name that could not stand in an address.

    Raises:
        InputError: It is one.
    """
    last = name.rpartition("/")[2]
    if not _NAME.fullmatch(name) or last in _RESERVED or any(part in (".", "..") for part in name.split("/")):
        raise InputError(f"{name[:80]!r} cannot be the name of a repository here: give another as NAME=PATH")
