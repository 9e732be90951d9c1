"""The index directory: one SQLite database that is the truth, and derived files that follow it.

::

    <directory>/
        index.db            files, chunks, vectors, the queue of texts to encode; SQLite in WAL mode
        lexical/            tantivy; carries the generation that it was built from
        segment-<id>.hnsw   HNSW graph over the vectors of one segment, never changed once written
        index.seal          what the database was when it was last closed after a change (``seals``)
        lock                held by the one process that writes

Every change is one transaction that ends with a higher *generation*, so a crash at any moment leaves the
last commit in place. Derived files are replaced atomically and may be deleted at any time: the next update
makes them anew. This module is the only one that writes into an index directory; ``lexical`` and ``dense``
write where it tells them to.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codesearch.errors import IndexBusy, IndexUnusable, StorageError, Unusable
from codesearch.index.schema import FORMAT, SCHEMA, Manifest
from codesearch.index.seals import LARGEST_SEALED, Seal, holds_seal

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = [
    "Manifest",
    "Writer",
    "check_room",
    "database_errors",
    "delete_index",
    "index_size",
    "lexical_directory",
    "open_reader",
    "open_writer",
    "replace_index",
    "seal_is_broken",
    "segment_path",
]

_PROBE_BYTES = 1 << 16


def lexical_directory(directory: Path) -> Path:
    """Return where the lexical index of an index directory lies."""
    return directory / "lexical"


def segment_path(directory: Path, segment: int) -> Path:
    """Return where the HNSW graph of a segment lies."""
    return directory / f"segment-{segment}.hnsw"


@contextlib.contextmanager
def database_errors(directory: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into errors that say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_FULL:
            raise _disk_full(directory) from error
        if _is_damage(error, code):
            raise _corrupt(f"{directory}: {error}") from error
        raise StorageError(
            f"{directory}: {error}; check the free space of the disk and the folder's permissions"
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _disk_full(directory) from error
        raise StorageError(
            f"{error.filename or directory}: {error.strerror or error}; "
            "check the disk and the permissions, or choose another place with --index-dir"
        ) from error


def _is_damage(error: sqlite3.DatabaseError, code: int | None) -> bool:
    if code is None:  # raised by Python's module and not by SQLite: text that is not UTF-8
        return isinstance(error, sqlite3.OperationalError)
    # SQLITE_ERROR: a table is missing, so this is not our schema.
    damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
    return code & 0xFF in damaged or code == sqlite3.SQLITE_IOERR_SHORT_READ


def _corrupt(detail: str) -> IndexUnusable:
    return IndexUnusable(Unusable.CORRUPT, f"run `codesearch index --rebuild` to build it anew ({detail})")


def _disk_full(directory: Path) -> StorageError:
    return StorageError(
        f"no space left for the index in {directory}: free some, or choose another place with --index-dir; "
        "what was indexed before is still there"
    )


def check_room(folder: Path) -> None:
    """See that files can be written: on a full disk, much that looks like damage is none.

    Raises:
        OSError: They cannot.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(_PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _seal_path(directory: Path) -> Path:
    return directory / "index.seal"


def seal_is_broken(directory: Path, *, read: bool = False) -> bool:
    """Whether the database is not what a writer left behind; False where that cannot be told.

    It cannot while something is being written, and after a writer was killed, until the next one has closed it.

    Args:
        directory: The index directory.
        read: As of :func:`codesearch.index.seals.holds_seal`.
    """
    path, sealed = directory / "index.db", _seal_path(directory)
    try:
        seal = Seal.parse(sealed.read_text("ascii"))
        if seal is None or _has_log(directory) or holds_seal(path, seal, read=read):
            return False
        # A writer that came meanwhile has broken the seal before it wrote.
        return Seal.parse(sealed.read_text("ascii")) == seal and not _has_log(directory)
    except (FileNotFoundError, ValueError):
        return False


def _has_log(directory: Path) -> bool:
    try:
        return (directory / "index.db-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, timeout=30, check_same_thread=False
    )
    try:  # a file that is no database is found out here
        connection.execute("PRAGMA cache_size = -16000")
        if mode != "mode=ro":
            connection.execute("PRAGMA synchronous = NORMAL")
        else:  # a writer goes over all of a large index, and what it maps counts as its memory
            connection.execute("PRAGMA mmap_size = 268435456")
    except BaseException:
        connection.close()
        raise
    return connection


def _read_manifest(connection: sqlite3.Connection) -> Manifest:
    try:
        (text,) = connection.execute("SELECT json FROM manifest").fetchone()
        found: dict[str, Any] = json.loads(text)
        if found["format"] == FORMAT:
            found["include"], found["exclude"] = tuple(found["include"]), tuple(found["exclude"])
            return Manifest(**found)
        older = found["format"] < FORMAT
    except (TypeError, KeyError, ValueError) as error:
        raise _corrupt(f"its manifest cannot be read: {error}") from error
    if older:
        raise IndexUnusable(Unusable.OLDER_FORMAT, "run `codesearch index` to build it anew")
    raise IndexUnusable(Unusable.NEWER_FORMAT, "upgrade codesearch, or run `codesearch index --rebuild` to replace it")


def open_reader(directory: Path, *, verify: bool = True) -> tuple[sqlite3.Connection, Manifest]:
    """Open one committed state, which stays as it is for as long as the connection is open.

    Args:
        directory: The index directory.
        verify: Whether a database that does not hold to its seal is an error.

    Raises:
        IndexUnusable: There is none, it is of another format, or it is damaged.
        StorageError: The disk cannot be read.
    """
    path = directory / "index.db"
    with database_errors(directory):
        if not path.is_file():
            raise IndexUnusable(Unusable.MISSING, "run `codesearch index` first")
        try:
            return _begin(directory, _connect(path, "mode=ro"), verify)
        except sqlite3.OperationalError:
            # A read-only folder: SQLite cannot make the shared-memory file that a WAL reader needs. Nobody
            # can be writing there either, so the file may be read as it lies, if no commit lies beside it.
            wal = path.with_name("index.db-wal")
            if os.access(directory, os.W_OK) or (wal.exists() and wal.stat().st_size):
                raise
            return _begin(directory, _connect(path, "immutable=1"), verify)


def _begin(directory: Path, connection: sqlite3.Connection, verify: bool) -> tuple[sqlite3.Connection, Manifest]:
    """Fix the state that the connection sees; closes it on an error."""
    try:
        connection.execute("BEGIN")
        manifest = _read_manifest(connection)
        if verify and seal_is_broken(directory):
            raise _corrupt(f"{directory / 'index.db'} is not what was written")
        return connection, manifest
    except BaseException:
        connection.close()
        raise


class Writer:
    """The write side of an index; made by :func:`open_writer`, which holds the lock.

    Attributes:
        directory: The index directory.
        connection: In autocommit mode; use :meth:`transaction` to write.
        manifest: As of the last transaction.
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection, manifest: Manifest) -> None:
        self.directory = directory
        self.connection = connection
        self.manifest = manifest
        self._changed = False

    @contextlib.contextmanager
    def transaction(self, *, derived: bool = False) -> Iterator[int]:
        """Write as one change; yields the generation that it will make, and undoes all on an error.

        Args:
            derived: The change leaves all chunks as they are, so the generation stays the same.
        """
        before = self.manifest
        generation = before.generation + (not derived)
        with database_errors(self.directory):
            self._break_seal()
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield generation
                self.describe(generation=generation)
                self._write_manifest(self.manifest)
                self.connection.execute("COMMIT")
            except BaseException:
                self.manifest = before
                with contextlib.suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
                raise

    def _break_seal(self) -> None:
        if not self._changed:
            _seal_path(self.directory).unlink(missing_ok=True)
            self._changed = True

    def close(self) -> None:
        """Close the database, and seal it if it has changed."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
        path = self.directory / "index.db"
        # A seal only ever tells of damage, so no failure of it may fail an update.
        with contextlib.suppress(OSError):
            if self._changed and not _has_log(self.directory) and path.stat().st_size <= LARGEST_SEALED:
                partial = self.directory / "index.seal.partial"
                partial.write_text(str(Seal.of(path)), "ascii")
                partial.replace(_seal_path(self.directory))

    def _write_manifest(self, manifest: Manifest) -> None:
        self.connection.execute(
            "INSERT INTO manifest VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET json = excluded.json",
            [json.dumps(asdict(manifest))],
        )

    def describe(self, **changes: Any) -> None:
        """Change fields of the manifest, within the transaction that is open."""
        self.manifest = replace(self.manifest, **changes)

    def lexical(self, *, fresh: bool = False) -> Path:
        """Return the folder of the lexical index, made if it is missing and emptied if `fresh`."""
        path = lexical_directory(self.directory)
        with database_errors(self.directory):
            if fresh:
                check_room(self.directory)  # what is there may be sound
                shutil.rmtree(path, ignore_errors=True)
            path.mkdir(exist_ok=True)
        return path

    def write_partial(self, save: Callable[[Path], None]) -> Path:
        """Let `save` write a file that nobody reads yet, for :meth:`place_segment`; returns where it lies."""
        partial = self.directory / "segment.partial"
        with database_errors(self.directory):
            try:
                save(partial)
                with partial.open("rb") as file:
                    os.fsync(file.fileno())
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
        return partial

    def place_segment(self, partial: Path, segment: int, seal: Seal) -> Seal:
        """Make a file that was written the graph of a segment; returns its seal, since moving it changes its times."""
        path = segment_path(self.directory, segment)
        with database_errors(self.directory):
            partial.replace(path)
            return seal.with_times_of(path)

    def remove_segments(self, keep: set[int]) -> None:
        """Delete the graphs of all segments but those to keep.

        A reader of an older state that has not loaded one yet searches its vectors exactly instead.
        """
        names = {segment_path(self.directory, segment).name for segment in keep}
        with database_errors(self.directory):
            for path in self.directory.glob("segment*"):
                if path.name not in names:
                    path.unlink(missing_ok=True)


@contextlib.contextmanager
def open_writer(
    directory: Path,
    fresh: Manifest,
    *,
    rebuild: bool = False,
    wait_seconds: float = -1,
    on_wait: Callable[[], None] | None = None,
    on_replace: Callable[[IndexUnusable], None] | None = None,
) -> Iterator[Writer]:
    """Take the lock and open the index for writing; an index that cannot be used is replaced.

    Args:
        directory: The index directory; made if it is missing.
        fresh: The manifest to start with where there is no index.
        rebuild: Replace what is there, even an index of a newer version.
        wait_seconds: How long to wait for another writer; -1 for as long as it takes.
        on_wait: Called once if there is another writer, before waiting for it; not where nothing is waited for.
        on_replace: Called before an index that cannot be used is replaced.

    Raises:
        IndexBusy: Another process was writing for all of `wait_seconds`.
        IndexUnusable: The index is of a newer version, and `rebuild` is not set.
        StorageError: The disk is full, read-only or failing.
    """
    _check_name(directory)
    with database_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        lock = _lock(directory)
        try:
            lock.acquire(timeout=0)
        except TimeoutError:
            if on_wait is not None and wait_seconds:
                on_wait()
            try:
                lock.acquire(timeout=wait_seconds)
            except TimeoutError:
                raise IndexBusy(
                    f"another process is indexing it, and writes to {directory}: wait for it, or stop it and try again"
                ) from None
    try:
        writer = _open_or_replace(directory, fresh, rebuild=rebuild, on_replace=on_replace)
        try:
            yield writer
        finally:
            writer.close()
    finally:
        lock.release()


def _check_name(directory: Path) -> None:
    """Refuse a folder that the libraries below cannot open, which take its name as text."""
    try:
        str(directory).encode()
    except UnicodeEncodeError:
        raise StorageError(
            f"{directory}: indexes cannot lie in a folder whose name is not UTF-8: choose another with --index-dir"
        ) from None


def _open_or_replace(
    directory: Path, fresh: Manifest, *, rebuild: bool, on_replace: Callable[[IndexUnusable], None] | None
) -> Writer:
    if not rebuild:
        try:
            return _open_existing(directory)
        except IndexUnusable as error:
            if error.reason is Unusable.NEWER_FORMAT:
                raise
            if error.reason is not Unusable.MISSING and on_replace is not None:
                on_replace(error)
    with database_errors(directory):
        check_room(directory)
        partial = _create(directory, replace(fresh, created=time.time(), generation=0))
        _clear(directory)  # now that there is something to take its place
        partial.replace(directory / "index.db")
    return _open_existing(directory)


def _create(directory: Path, manifest: Manifest) -> Path:
    """Make an empty database under another name, to be moved to its place: no reader ever sees half of it."""
    _clear_partial(directory)
    partial = directory / "index.partial"
    connection = _connect(partial, "mode=rwc")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        writer = Writer(directory, connection, manifest)
        connection.executescript(f"BEGIN;{SCHEMA}COMMIT;")
        with writer.transaction(derived=True):
            pass
    finally:
        connection.close()
    return partial


def _clear_partial(directory: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        (directory / f"index.partial{suffix}").unlink(missing_ok=True)


def _open_existing(directory: Path) -> Writer:
    reader, _ = open_reader(directory)
    reader.close()
    with database_errors(directory):
        connection = _connect(directory / "index.db", "mode=rw")
        try:
            return Writer(directory, connection, _read_manifest(connection))
        except BaseException:
            connection.close()
            raise


def _lock(directory: Path) -> FileLock:
    from filelock import FileLock

    # Not thread-local: a generator that writes may be closed by another thread than the one that began it.
    return FileLock(directory / "lock", thread_local=False)


def _clear(directory: Path) -> None:
    """Delete every file of an index, and nothing else. The database goes first: without it nothing counts."""
    for name in ("index.seal", "index.seal.partial", "index.db", "index.db-wal", "index.db-shm", "index.db-journal"):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(lexical_directory(directory), ignore_errors=True)
    for path in directory.glob("segment*"):
        path.unlink(missing_ok=True)


def delete_index(directory: Path) -> bool:
    """Delete an index; returns whether there was one. Other files in the folder are left alone.

    Raises:
        IndexBusy: Another process is writing to it.
        StorageError: A file cannot be deleted.
    """
    if not (directory / "index.db").exists():
        return False
    with database_errors(directory):
        lock = _lock(directory)
        try:
            lock.acquire(timeout=0)
        except TimeoutError:
            raise IndexBusy(f"another process is writing to {directory}: stop it first") from None
        try:
            _clear(directory)
            _clear_partial(directory)
            # While it is held: another process that waits for it then sees that it guards nothing any more.
            with contextlib.suppress(PermissionError):  # Windows deletes no file that is open
                (directory / "lock").unlink(missing_ok=True)
        finally:
            lock.release()
        with contextlib.suppress(OSError):
            directory.rmdir()
    return True


def replace_index(directory: Path, built: Path) -> None:
    """Move an index that was built elsewhere on the same disk into its place; one that is there is deleted.

    Raises:
        IndexBusy: Another process is writing to the index that is there.
        StorageError: It cannot be moved.
    """
    with database_errors(directory):
        (built / "lock").unlink(missing_ok=True)
        aside = built.with_name(f"{built.name}.before")
        if directory.exists():
            lock = _lock(directory)
            try:
                lock.acquire(timeout=0)
            except TimeoutError:
                raise IndexBusy(f"another process is writing to {directory}: wait for it, or stop it") from None
            try:
                directory.replace(aside)
            finally:
                lock.release()
        try:
            built.replace(directory)
        except OSError:
            if aside.exists():
                aside.replace(directory)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def index_size(directory: Path) -> int:
    """Return the bytes that an index takes on disk."""
    total = 0
    for folder, _, names in os.walk(directory):  # which goes on where a folder vanishes: others may be writing
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(folder, name).stat().st_size
    return total
