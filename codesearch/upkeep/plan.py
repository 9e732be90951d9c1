"""Keeping a repository's index fresh: what the command line and the servers do before they search.

Ties together settings, sources, encoder and index; the pieces know nothing of each other's configuration.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from codesearch.encoders import LazyEncoder
from codesearch.errors import IndexUnusable, InputError, NothingToIndex, Unusable
from codesearch.index.locations import index_directory
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, open_reader, open_writer
from codesearch.records import Repository
from codesearch.settings import Settings
from codesearch.sources import FileRules, discover

if TYPE_CHECKING:
    from codesearch.index.progress import Progress, UpdateReport

__all__ = ["Job", "bring_up_to_date", "index_is_current", "is_current", "is_damaged", "plan"]


_MAGIC: Final = re.compile(r"[*?\[\]\\ ]")
"""What has a meaning in a pattern, and may stand in the name of a folder."""


@dataclass(frozen=True, slots=True)
class Job:
    """An index to be brought up to date.

    Attributes:
        repository: What to index.
        directory: Where the index lies.
        rules: What is left out, all told.
        include: Patterns for the index to remember, those of the settings not among them.
        exclude: Likewise.
        vector_cache: The cache shared by all repositories.
    """

    repository: Repository
    directory: Path
    rules: FileRules
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    vector_cache: Path


def plan(
    repository: Repository,
    settings: Settings,
    *,
    indexes: Path | None = None,
    include: tuple[str, ...] | None = None,
    exclude: tuple[str, ...] | None = None,
) -> Job:
    """Decide where the index lies and what it leaves out.

    Patterns given here are remembered by the index; where none are given, the remembered ones hold, and
    those of ``codesearch.toml`` are added to either.

    Args:
        repository: What to index.
        settings: That hold for it.
        indexes: Folder of all indexes, instead of the one in the cache.
        include: Patterns that a file must match; () to forget those remembered, None to keep them.
        exclude: Patterns that a file must not match, likewise.
    """
    directory = index_directory(indexes or settings.indexes, repository.root)
    remembered = _remembered(directory)
    included = remembered[0] if include is None else include
    excluded = remembered[1] if exclude is None else exclude
    return Job(
        repository,
        directory,
        FileRules(
            include=(*settings.include, *included),
            exclude=(*settings.exclude, *excluded, *_own_folders(repository.root, directory, settings.cache)),
            max_file_bytes=settings.max_file_bytes,
        ),
        included,
        excluded,
        settings.vector_cache,
    )


def _own_folders(root: Path, directory: Path, cache: Path) -> Iterator[str]:
    """Yield patterns for what codesearch itself keeps in a repository: an index must not index itself."""
    top = root.resolve()
    folders = [directory.parent if directory.parent.resolve() != top else directory, cache]
    for folder in dict.fromkeys(one.resolve() for one in folders):
        if folder != top and folder.is_relative_to(top):
            yield "/" + _MAGIC.sub(r"\\\g<0>", folder.relative_to(top).as_posix()) + "/"


def _remembered(directory: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        # What its user said is not lost with the rest, as long as it can be read.
        connection, manifest = open_reader(directory, verify=False)
    except IndexUnusable:
        return (), ()
    connection.close()
    return manifest.include, manifest.exclude


def is_current(snapshot: Snapshot, job: Job, encoder: LazyEncoder | None) -> bool:
    """Whether an update would change nothing that a question could see; takes no lock and writes nothing.

    Args:
        snapshot: Of the job's index.
        job: What an update would be asked to do.
        encoder: As for :func:`bring_up_to_date`; called only if texts wait.
    """
    manifest = snapshot.manifest
    if job.repository.imported:
        return True
    if not manifest.updated or (manifest.include, manifest.exclude) != (job.include, job.exclude):
        return False
    if snapshot.lexical is None or snapshot.lexical.generation != manifest.generation:
        return False
    changes = snapshot.changes(job.repository, job.rules)
    if changes.changed or changes.removed or changes.listing.commit != manifest.commit:
        return False
    if encoder is None:
        return True
    # The vectors of another model are left be when a question is asked: see `adopt_model`.
    # Asked in this order, because loading the encoder takes longer than all of the rest.
    return bool(manifest.model_id) and (not snapshot.pending_count or manifest.model_id != encoder().model_id)


def index_is_current(job: Job, encoder: LazyEncoder | None) -> bool:
    """Whether there is an index that :func:`is_current`; arguments as there."""
    with suppress(IndexUnusable), Snapshot(job.directory) as snapshot:
        return is_current(snapshot, job, encoder)
    return False


def is_damaged(directory: Path) -> bool:
    """Whether the database of an index fails SQLite's own check; reads all of it."""
    try:
        connection, _ = open_reader(directory)
    except IndexUnusable as error:
        return error.reason is Unusable.CORRUPT
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.DatabaseError:
        return True
    finally:
        connection.close()


def bring_up_to_date(
    job: Job,
    encoder: LazyEncoder | None,
    *,
    rebuild: bool = False,
    encode_seconds: float | None = None,
    wait_seconds: float = -1,
    on_wait: Callable[[], None] | None = None,
    on_replace: Callable[[IndexUnusable], None] | None = None,
    adopt_model: bool = True,
) -> Generator[Progress, None, UpdateReport]:
    """Bring an index up to date, building it anew where it is damaged.

    Args:
        job: What to do.
        encoder: Called when the first vector is to be made; None to leave texts waiting.
        rebuild: Start from nothing. Vectors that the shared cache remembers are not made again.
        encode_seconds: If given, stop encoding after this time and leave the rest waiting.
        wait_seconds: How long to wait for another process that writes; -1 for as long as it takes.
        on_wait: Called once if there is one.
        on_replace: Called before an index that is damaged or of an older version is built anew.
        adopt_model: If the vectors are of another model, make all of them anew; otherwise leave them be.

    Yields:
        Progress, a few times a second.

    Returns:
        What was done.

    Raises:
        InputError: The index was imported, and there is nothing here to bring it up to date from.
        NothingToIndex: No file of the repository can be searched.
        IndexBusy: Another process was writing for all of `wait_seconds`.
        StorageError: The disk is full, read-only or failing.
    """
    # Imported late: grammars and worker processes are not needed where nothing changed, as before most questions.
    from codesearch.index.update import update

    repository = job.repository
    if repository.imported:
        raise InputError(
            f"{repository.name} was imported: its source is not here, so import a newer file of it instead"
        )
    fresh = Manifest(root=str(repository.root), name=repository.name, url=repository.url)
    for attempt in range(2):
        try:
            with open_writer(
                job.directory,
                fresh,
                rebuild=rebuild or attempt > 0,
                wait_seconds=wait_seconds,
                on_wait=on_wait,
                on_replace=on_replace,
            ) as writer:
                if (writer.manifest.include, writer.manifest.exclude) != (job.include, job.exclude):
                    with writer.transaction(derived=True):
                        writer.describe(include=job.include, exclude=job.exclude)
                report = yield from update(
                    repository,
                    writer,
                    job.rules,
                    encoder,
                    vector_cache=job.vector_cache,
                    encode_seconds=encode_seconds,
                    adopt_model=adopt_model,
                )
            break
        except IndexUnusable as error:
            # Damage inside the file shows only where it is read. Everything in an index can be made again.
            if error.reason is not Unusable.CORRUPT or attempt:
                raise
            if on_replace is not None:
                on_replace(error)
    if not report.chunks:
        raise NothingToIndex(
            _holds_repositories(repository)
            or f"{repository.root} holds no file that can be searched"
            # Without a number: a language server tells each text once, and would tell this anew with every file.
            + (": all were left out, `codesearch status --skipped` says why" if report.skipped else "")
        )
    return report


def _holds_repositories(repository: Repository) -> str:
    """Return how to go on in a folder that holds nothing but repositories; "" where it holds none."""
    if repository.is_git or repository.imported:
        return ""
    count = len(discover(repository.root).work_trees)
    place = shlex.quote(str(repository.root))
    return (
        f"{repository.root} holds {count:,} Git repositor{'y' if count == 1 else 'ies'} and no file of its own: run "
        f'`codesearch index --all {place}`, then ask with `codesearch ask "parse json" --all {place}`'
        if count
        else ""
    )
