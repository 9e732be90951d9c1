"""The front door for Python programs: open an index, ask it, keep it fresh.

Whatever is public here is re-exported by :mod:`codesearch`, which imports this module when it is first used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from codesearch.encoders import Encoder, LazyEncoder, load_encoder
from codesearch.errors import (
    CodesearchError,
    IndexClosed,
    IndexUnusable,
    InputError,
    MissingExtra,
    ModelError,
    Unusable,
)
from codesearch.index.progress import Progress, UpdateReport
from codesearch.index.snapshot import Snapshot
from codesearch.languages import language_named
from codesearch.records import Kind, Level, Match, Repository, SkippedFile, SkipReason
from codesearch.search.candidates import Filters
from codesearch.search.least_confidence import read_level
from codesearch.search.location import Place, Snippet, read_place
from codesearch.search.notices import Answer
from codesearch.search.pipeline import search
from codesearch.search.similar import similar
from codesearch.settings import Settings, load_settings
from codesearch.upkeep.asking import damaged_jobs
from codesearch.upkeep.library import Library
from codesearch.upkeep.plan import Job, bring_up_to_date, is_current, plan
from codesearch.upkeep.status import repository_status
from codesearch.upkeep.targets import Target, find_targets

__all__ = ["Index", "Status", "open"]

WAIT_SECONDS: Final = 60.0
"""How long an update waits for another process that is updating the same index."""

Names = str | Collection[str] | None
Callback = Callable[[Repository, Progress], None]


def open(  # noqa: A001 - as gzip.open and tarfile.open
    *locations: str | os.PathLike[str],
    update: bool = True,
    words_only: bool = False,
    model: str | os.PathLike[str] | None = None,
    device: str | None = None,
    index_dir: str | os.PathLike[str] | None = None,
    progress: Callback | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> Index:
    """Open the indexes of one or several repositories, to be searched as one.

    The first time, a repository is indexed: its words within seconds, its vectors at a rate of ten to some hundred
    functions a second, depending on the machine. Later only what has changed is read. Interrupted anywhere, what was
    committed stays, and the next update goes on from there. Settings come from ``codesearch.toml`` and the environment,
    as for the command line, with which indexes are shared.

    Args:
        locations: One or several of: a folder, which means the Git work tree around it, searched below that folder
            only; a file likewise; a Git URL, which is cloned into the cache; the name of an imported index.
        update: Whether to bring the indexes up to date first, as :meth:`Index.update` does. False opens them as they
            are, writes nothing, and does not look at the files.
        words_only: Search by words alone, and make no vectors: no model is loaded.
        model: A model directory, or the name of a shipped or installed model; None for the one of the settings. An
            index that was made with another model is encoded anew by an update.
        device: What computes vectors: "auto", "cpu", "cuda" or "mps"; None for that of the settings.
        index_dir: Folder of all indexes; None for the one in the user's cache.
        progress: Called in this thread, a few times a second while an update runs, with the repository and a
            :class:`Progress`. Whatever it raises ends the update and is raised here.
        wait_seconds: How long to wait while another process updates one of the indexes; -1 for as long as it takes.

    Returns:
        The index, a context manager; close it in the end.

    Raises:
        InputError: No location was given, or an argument is of the wrong type.
        RepositoryNotFound: There is no such path, or a clone failed.
        NothingToIndex: A repository holds no file that can be searched.
        IndexUnusable: An index is of a newer version; or, without an update, missing, damaged or of an older version.
        IndexBusy: Another process was updating an index for all of `wait_seconds`. With ``update=False`` what it has
            committed can be searched.
        StorageError: The disk is full, read-only or failing.
        SettingsError: ``codesearch.toml`` or the environment holds a value that cannot be used.
        ModelError: The model cannot be loaded.
        MissingExtra: The device needs PyTorch, which is not installed.
    """
    if not locations:
        raise InputError('nothing to open: name a folder or a Git URL, such as codesearch.open(".")')
    named = [_path_text(location, "a location") for location in locations]
    if not all(named):
        raise InputError('an empty path names no repository: give a folder or a Git URL; "." is the current folder')
    given = {"device": device or "", "model": "" if model is None else _path_text(model, "model")}
    overrides = {name: value for name, value in given.items() if value}
    settings = load_settings(None, overrides=overrides)
    indexes = None if index_dir is None else Path(_path_text(index_dir, "index_dir")).absolute()
    targets = find_targets(named, indexes=indexes or settings.indexes, cache=settings.cache, refresh=update)

    def load() -> Encoder:
        try:
            return load_encoder(settings.model, settings.device, threads=settings.threads)
        except (ModelError, MissingExtra) as error:
            raise type(error)(f"{error.args[0].rstrip('.')}; or open with words_only=True") from error

    index = Index(targets, overrides, indexes, None if words_only else LazyEncoder(load))
    try:
        if update:
            index.update(progress=progress, wait_seconds=wait_seconds)
        else:
            index._open_as_it_is()
    except BaseException:
        index.close()
        raise
    return index


@dataclass(frozen=True, slots=True)
class Status:
    """What is indexed of one repository, and how fresh it is.

    Attributes:
        repository: The repository.
        directory: Folder of the index.
        size: Of that folder, in bytes.
        files: Number of files in the index.
        languages: Number of files by language, most first.
        chunks: Number of functions, types and other pieces that can be found.
        vectors: Number of distinct texts that are encoded.
        pending: Number of texts that are still to be encoded, and are found by their words only.
        model_id: Of the model that made the vectors; "" if there are none yet.
        commit: That was indexed; None outside Git.
        current_commit: That is checked out now; None outside Git, and of an imported index.
        updated: When the last update was completed, in seconds since 1970; 0.0 if none was.
        changed_files: Number of files that are new, or hold something else since.
        removed_files: Number of files that are gone since.
        skipped: The files that are left out, and why, by path.
    """

    repository: Repository
    directory: Path
    size: int
    files: int
    languages: Mapping[str, int]
    chunks: int
    vectors: int
    pending: int
    model_id: str
    commit: str | None
    current_commit: str | None
    updated: float
    changed_files: int
    removed_files: int
    skipped: tuple[SkippedFile, ...]

    @property
    def is_current(self) -> bool:
        """Whether an update would find nothing to do; an imported index has nothing to be compared with."""
        if self.repository.imported:
            return True
        stale = self.changed_files or self.removed_files or self.pending or self.commit != self.current_commit
        return bool(self.updated) and not stale


class Index:
    """The open indexes of one or several repositories; made by :func:`codesearch.open`.

    **What is seen.** Searches see the state that was committed when the index was opened, or last updated by
    :meth:`update` of this object: they look neither at the files nor at what another process commits. To see changes,
    call :meth:`update`; where nothing has changed it takes some milliseconds, most of them Git's.

    **Threads.** Any thread may call any method at any time. Searches take turns: each has the opened state to itself
    for the milliseconds that it takes. An update reads, encodes and commits beside them, holds none of them up, and
    takes the place of the older state between two of them; a search that is under way sees one state from beginning
    to end. Updates take turns, too. All methods block, so an asynchronous program calls them with
    ``await asyncio.to_thread(index.search, "parse json")``.

    **Processes.** Any number may have an index open; one at a time may update it. An object must not be used after a
    fork: open the index anew in each process.
    """

    def __init__(
        self, targets: Sequence[Target], overrides: Mapping[str, str], indexes: Path | None, encoder: LazyEncoder | None
    ) -> None:
        self._targets = tuple(targets)
        self._overrides = dict(overrides)
        self._indexes = indexes
        self._encoder = encoder
        self._directories = [self._job(target).directory for target in targets]
        self._library = Library()
        self._updating = threading.RLock()  # a callback may close the index that is being updated
        self._damaged: set[Path] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(repository.name for repository in self.repositories)
        return f"<codesearch.Index of {names}{', closed' if self._closed else ''}>"

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """What is searched, in the order in which it was named."""
        return tuple(target.repository for target in self._targets)

    def close(self) -> None:
        """Let go of the indexes; nothing else may be called after that. A second call does nothing.

        A search that is under way in another thread is answered. An update that is under way ends with
        :exc:`IndexClosed` at its next step, which is waited for; what it has committed stays.
        """
        self._closed = True
        with self._updating:
            self._library.close()

    # --- asking ---------------------------------------------------------------------------------------------

    def search(
        self,
        question: str,
        *,
        limit: int = 10,
        language: Names = None,
        kind: Kind | str | Collection[Kind | str] | None = None,
        path: Names = None,
        tests: str = "yes",
        min_confidence: Level | str = Level.GUESS,
    ) -> Answer:
        """Answer a question.

        Args:
            question: Plain words, a name, or pasted code.
            limit: The most matches that are returned, 1 or more.
            language: Only of this language, or of one of these: a name such as "python", or a suffix such as ".py".
            kind: Only chunks of this :class:`Kind`, or of one of these.
            path: Only of files that match this pattern, or one of these, as in a .gitignore; with "!" before it, only
                of others.
            tests: "no" to leave out files of tests, "only" to find nothing else.
            min_confidence: Leave out matches whose :class:`Level` is below this: "sure", "likely" or "guess".

        Returns:
            The matches, best first: a sequence. Its `notices` say what makes it less than complete; where there is no
            match, they say why. If nothing fits well, a notice of the kind :attr:`NoticeKind.NOTHING_FITS` says so.

        Raises:
            InputError: The question is empty, an argument is of the wrong type, or there is no such language or kind.
            IndexClosed: The index was closed.
            IndexUnusable: The index turned out to be damaged; :meth:`update` then builds it anew.
            ModelError: The model cannot be loaded.
            MissingExtra: The device needs PyTorch, which is not installed.
        """
        if not isinstance(question, str):
            raise InputError(f"the question must be text, not {_type_name(question)}")
        if not isinstance(min_confidence, str):
            raise InputError(f"min_confidence must be text, not {_type_name(min_confidence)}")
        least = read_level(min_confidence, "min_confidence")
        filters = self._filters(limit, language, kind, path, tests)
        encoder = self._encoder() if self._encoder else None
        with self._snapshots() as snapshots:
            return search(snapshots, question, encoder, limit=limit, filters=filters, min_confidence=least)

    def similar(
        self,
        place: str | Match | None = None,
        *,
        snippet: str | None = None,
        snippet_language: str = "",
        limit: int = 10,
        language: Names = None,
        kind: Kind | str | Collection[Kind | str] | None = None,
        path: Names = None,
        tests: str = "yes",
    ) -> Answer:
        """Find the code that is most like a place, or like a snippet.

        Of a function the answer is functions and methods, of a type types, unless `kind` says otherwise; the place
        itself is left out.

        Args:
            place: ``"src/net.py:120"``, ``"src/net.py:Client.send"``, or a match of an earlier answer. The path is
                relative to the top of the repository, as in a match, or absolute.
            snippet: Code from elsewhere, in place of `place`.
            snippet_language: What the snippet is written in: a name or a suffix; "" where it is not known.
            limit: As for :meth:`search`.
            language: Likewise.
            kind: Likewise.
            path: Likewise.
            tests: Likewise.

        Returns:
            The matches, most similar first. A score is the cosine of two vectors, 1.0 at most.

        Raises:
            InputError: Not exactly one of `place` and `snippet` was given; the snippet is empty or binary, or the index
                was opened with ``words_only``; and as for :meth:`search`.
            PlaceNotFound: There is no indexed code at the place.
            IndexClosed: The index was closed.
            IndexUnusable: The index turned out to be damaged; :meth:`update` then builds it anew.
            ModelError: The model cannot be loaded.
            MissingExtra: The device needs PyTorch, which is not installed.
        """
        if (place is None) == (snippet is None):
            raise InputError("give either a place, such as src/net.py:120, or a snippet")
        for value, what in ((snippet, "the snippet"), (snippet_language, "snippet_language")):
            if value is not None and not isinstance(value, str):
                raise InputError(f"{what} must be text, not {_type_name(value)}")
        if place is not None and not isinstance(place, str | Match):
            raise InputError(f"the place must be text or a match, not {_type_name(place)}")
        filters = self._filters(limit, language, kind, path, tests)
        with self._snapshots() as snapshots:
            target: Place | Snippet
            if snippet is not None:
                named = language_named(snippet_language, "snippet_language") if snippet_language else ""
                target = Snippet(snippet, named)
            elif isinstance(place, Match):
                target = Place(place.root, place.path, place.line)
            else:
                target = read_place(place or "", snapshots)
            return similar(snapshots, target, self._encoder, limit=limit, filters=filters)

    def status(self) -> tuple[Status, ...]:
        """Say what is indexed and how fresh it is: the files are compared with the last commit of the index.

        Returns:
            One for each of `repositories`, in their order.

        Raises:
            IndexClosed: The index was closed.
            IndexUnusable: An index was deleted or damaged meanwhile.
        """
        self._check_open()
        return tuple(self._status(target.repository) for target in self._targets)

    def _status(self, repository: Repository) -> Status:
        told = repository_status(repository, self._settings(repository), indexes=self._indexes)
        skipped = (SkippedFile(f["path"], SkipReason(f["reason"]), f["detail"]) for f in told["skipped"])
        return Status(
            repository=repository,
            directory=Path(told["index"]),
            size=told["bytes"],
            model_id=told["model"],
            skipped=tuple(skipped),
            **{name: told[name] for name in _SAME_NAME},
        )

    # --- keeping fresh --------------------------------------------------------------------------------------

    def update(
        self, *, progress: Callback | None = None, rebuild: bool = False, wait_seconds: float = WAIT_SECONDS
    ) -> tuple[UpdateReport, ...]:
        """Bring the indexes up to date with the files; the next search sees the new state.

        A damaged index, and one of an older version, is built anew. An imported index has nothing to be brought up to
        date from, and stays as it is.

        Args:
            progress: As for :func:`codesearch.open`.
            rebuild: Build all anew, from nothing. Vectors that the cache remembers are not made again.
            wait_seconds: How long to wait while another process updates one of the indexes; -1 for as long as it takes.

        Returns:
            What was done, one for each of `repositories`, in their order.

        Raises:
            NothingToIndex: A repository holds no file that can be searched.
            IndexClosed: The index was closed, before or meanwhile.
            IndexBusy: Another process was updating an index for all of `wait_seconds`.
            IndexUnusable: An index is of a newer version, and `rebuild` is not set; or an imported one is damaged.
            StorageError: The disk is full, read-only or failing; searches see what was committed before.
            ModelError: The model cannot be loaded; words are up to date.
            MissingExtra: The device needs PyTorch, which is not installed; words are up to date.
        """
        with self._updating:
            self._check_open()
            return tuple(self._update(target, progress, rebuild, wait_seconds) for target in self._targets)

    def _update(self, target: Target, progress: Callback | None, rebuild: bool, wait_seconds: float) -> UpdateReport:
        job = self._job(target)
        rebuild = rebuild or job.directory in self._damaged
        if job.repository.imported or not (rebuild or self._is_outdated(job)):
            self._refresh(job)
            return self._nothing_done(job)
        replaced: list[str] = []
        updating = bring_up_to_date(
            job,
            self._encoder,
            rebuild=rebuild,
            wait_seconds=wait_seconds,
            on_replace=lambda error: replaced.append(f"{error.reason.value}: it was built anew"),
        )
        try:
            while True:
                try:
                    step = next(updating)
                except StopIteration as stopped:
                    report: UpdateReport = stopped.value
                    break
                self._check_open()
                if progress is not None:
                    progress(job.repository, step)
        except BaseException:
            updating.close()  # commits what it has, and lets go of the lock
            with suppress(CodesearchError):
                self._refresh(job)
            raise
        self._damaged.discard(job.directory)
        self._refresh(job)
        report.notice = "; ".join([*replaced, *([report.notice] if report.notice else [])])
        return report

    def _is_outdated(self, job: Job) -> bool:
        """Whether there is anything to update; sees the last commit, and not what is lent to searches."""
        try:
            with Snapshot(job.directory) as snapshot:
                if not is_current(snapshot, job, self._encoder):
                    return True
                return self._encoder is not None and snapshot.manifest.model_id != self._encoder().model_id
        except IndexUnusable:
            return True

    def _nothing_done(self, job: Job) -> UpdateReport:
        with self._snapshots() as snapshots:
            counts = next(s for s in snapshots if s.directory == job.directory).counts()
        return UpdateReport(counts.files, counts.chunks, pending=counts.pending, skipped=counts.skipped)

    def _open_as_it_is(self) -> None:
        for target in self._targets:
            self._refresh(self._job(target))

    def _refresh(self, job: Job) -> None:
        """Let the last commit of an index take the place of what was open."""
        if self._closed:
            return
        try:
            if self._library.refresh(job.directory) is None:
                raise IndexUnusable(Unusable.MISSING, "")
        except IndexUnusable as error:
            if job.repository.imported:
                raise IndexUnusable(error.reason, f"import {job.repository.name} again") from error
            if error.reason is Unusable.NEWER_FORMAT:
                raise
            where = f"{job.repository.name}: open it without update=False"
            raise IndexUnusable(error.reason, f"{where}, or run `codesearch index`, to build it") from error

    # --- what methods share ---------------------------------------------------------------------------------

    def _settings(self, repository: Repository) -> Settings:
        return load_settings(repository.root, overrides=self._overrides)

    def _job(self, target: Target) -> Job:
        """Plan anew each time: ``codesearch.toml`` and the patterns that the index remembers may have changed."""
        return plan(target.repository, self._settings(target.repository), indexes=self._indexes)

    def _check_open(self) -> None:
        if self._closed:
            raise IndexClosed("the index is closed: open it again with codesearch.open()")

    @contextmanager
    def _snapshots(self) -> Iterator[list[Snapshot]]:
        """Lend what is open, to this thread alone."""
        self._check_open()
        with self._library.snapshots(self._directories) as snapshots:
            if len(snapshots) < len(self._directories):  # closed since it was asked
                self._check_open()
            try:
                yield snapshots
                return
            except IndexUnusable as error:
                if error.reason is not Unusable.CORRUPT:
                    raise
                damage = error
        # Outside: to find the damage means to read all of the indexes.
        self._damaged |= {job.directory for job in damaged_jobs([self._job(t) for t in self._targets], damage)}
        raise IndexUnusable(damage.reason, "call update(), which builds it anew") from damage

    def _filters(self, limit: int, language: Names, kind: Names, path: Names, tests: str) -> list[Filters]:
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise InputError(f"the limit must be a whole number, not {_type_name(limit)}")
        languages = [language_named(name, "language") for name in _names(language, "language")]
        kinds = [_kind(name) for name in _names(kind, "kind")]
        patterns = _names(path, "path")
        if not isinstance(tests, str):
            raise InputError(f"tests must be text, not {_type_name(tests)}")
        return [target.filters(languages, kinds, patterns, tests=tests) for target in self._targets]


_SAME_NAME: Final = (
    *("files", "languages", "chunks", "vectors", "pending", "commit", "current_commit", "updated"),
    *("changed_files", "removed_files"),
)


def _names(given: object, what: str) -> tuple[str, ...]:
    """Return what was given as one text or as several.

    Raises:
        InputError: It is neither.
    """
    if given is None:
        return ()
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{what} must be text or a list of texts, not {_type_name(given)}")
    return tuple(names)


def _kind(name: str) -> Kind:
    try:
        return Kind(name.lower())
    except ValueError as error:
        known = ", ".join(kind.value for kind in Kind)
        raise InputError(f"kind {name[:80]!r} is unknown: known kinds are {known}") from error


def _path_text(given: object, what: str) -> str:
    """Return a path or a URL as text.

    Raises:
        InputError: It is neither; several have to be given one by one.
    """
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if isinstance(text, str):
        try:
            os.fsencode(text)
        except UnicodeEncodeError:
            raise InputError(f"{what} is no path: {text[:200]!r} holds half of a character") from None
        return text
    several = "; give several one by one, as open(*paths)" if isinstance(given, Sequence) else ""
    raise InputError(f"{what} must be a path or a Git URL as text or Path, not {_type_name(given)}{several}")


def _type_name(given: object) -> str:
    return type(given).__name__
