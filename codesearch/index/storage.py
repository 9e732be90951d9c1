"""The index directory: one SQLite database that is the truth, and derived files that follow it.

::

    <directory>/
        index.db            files, chunks, vectors, the queue of texts to encode; SQLite in WAL mode
        lexical/            tantivy; carries the generation that it was built from
        segment-<id>.hnsw   HNSW graph over the vectors of one segment, never changed once written
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
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from codesearch.errors import IndexBusy, IndexUnusable, StorageError, Unusable
from codesearch.records import Chunk, Kind, Span

__all__ = [
    "FORMAT",
    "Manifest",
    "chunk_columns",
    "chunk_from_row",
    "database_errors",
    "delete_index",
    "index_size",
    "lexical_directory",
    "open_reader",
    "open_writer",
    "segment_path",
]

FORMAT: Final = 1
"""Raised whenever an older version could not read what this one writes, or the other way round."""

_SCHEMA: Final = """
CREATE TABLE manifest (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,           -- as the file system has it: not every name is UTF-8
    language TEXT NOT NULL,
    blob TEXT NOT NULL,                  -- Git's id of the content
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    generation INTEGER NOT NULL          -- of the transaction that last wrote its chunks
);
CREATE INDEX files_generation ON files (generation);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL REFERENCES files (id),
    vector_id INTEGER NOT NULL REFERENCES vectors (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    qualified_name TEXT NOT NULL,
    signature TEXT NOT NULL,
    documentation TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    spans TEXT NOT NULL,                 -- "1-4 9-9"
    text TEXT NOT NULL,
    code TEXT,                           -- NULL where it equals text
    part INTEGER NOT NULL
);
CREATE INDEX chunks_file ON chunks (file_id);
CREATE INDEX chunks_vector ON chunks (vector_id);
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,            -- hash of the encoded text and the model
    vector BLOB,                         -- float16, NULL while it is still to be made
    segment INTEGER                      -- NULL while it is searched exactly
);
CREATE INDEX vectors_segment ON vectors (segment, id);
CREATE TABLE pending (vector_id INTEGER PRIMARY KEY REFERENCES vectors (id), text TEXT NOT NULL);
CREATE TABLE removed (file_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE TABLE skipped (
    path BLOB PRIMARY KEY,
    reason TEXT NOT NULL,                -- name of a SkipReason
    detail TEXT NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    was_read INTEGER NOT NULL            -- 1 if its content decided, 0 if its name did
);
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says about itself.

    Attributes:
        format: `FORMAT` of the version that wrote it.
        model_id: Of the encoder whose vectors it holds, "" before the first vector.
        dimension: Of the vectors, 0 before the first.
        root: Absolute path of the repository.
        name: What results call the repository.
        url: The URL it was cloned from, if it was.
        include: Patterns that a file must match, if any.
        exclude: Patterns that a file must not match.
        commit: Git commit of the last complete update, if the repository has one.
        generation: Number of the last transaction that changed chunks.
        created: Unix time of the first update.
        updated: Unix time of the last complete update, 0.0 before the first.
    """

    root: str
    name: str
    model_id: str = ""
    dimension: int = 0
    url: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    commit: str | None = None
    generation: int = 0
    created: float = 0.0
    updated: float = 0.0
    format: int = FORMAT


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
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise _disk_full(directory) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise IndexUnusable(
                Unusable.CORRUPT, f"run `codesearch index` to build it anew ({directory}: {error})"
            ) from error
        raise StorageError(f"{directory}: {error}; check the disk and the folder's permissions") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _disk_full(directory) from error
        raise StorageError(f"{error.filename or directory}: {error.strerror or error}") from error


def _disk_full(directory: Path) -> StorageError:
    return StorageError(
        f"no space left for the index in {directory}: free some, or choose another place with --index-dir; "
        "what was indexed before is still there"
    )


def _connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    mode = "rwc" if writable else "ro"
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30, check_same_thread=False
    )
    connection.execute("PRAGMA cache_size = -16000")
    connection.execute("PRAGMA mmap_size = 268435456")
    return connection


def _read_manifest(connection: sqlite3.Connection) -> Manifest:
    (text,) = connection.execute("SELECT json FROM manifest").fetchone()
    found: dict[str, Any] = json.loads(text)
    if found["format"] != FORMAT:
        older = found["format"] < FORMAT
        raise IndexUnusable(
            Unusable.OLDER_FORMAT if older else Unusable.NEWER_FORMAT,
            "run `codesearch index` to build it anew"
            if older
            else "upgrade codesearch, or run `codesearch index --rebuild` to replace it",
        )
    found["include"], found["exclude"] = tuple(found["include"]), tuple(found["exclude"])
    return Manifest(**found)


def open_reader(directory: Path) -> tuple[sqlite3.Connection, Manifest]:
    """Open one committed state, which stays as it is for as long as the connection is open.

    Raises:
        IndexUnusable: There is none, it is of another format, or it is damaged.
        StorageError: The disk cannot be read.
    """
    path = directory / "index.db"
    if not path.is_file():
        raise IndexUnusable(Unusable.MISSING, "run `codesearch index` first")
    with database_errors(directory):
        connection = _connect(path, writable=False)
        try:
            connection.execute("BEGIN")
            return connection, _read_manifest(connection)
        except sqlite3.OperationalError:
            # A read-only folder: SQLite cannot make the shared-memory file that a WAL reader needs. Nobody
            # can be writing there either, so the file may be read as it lies.
            connection.close()
            if os.access(directory, os.W_OK):
                raise
            connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True, isolation_level=None)
            return connection, _read_manifest(connection)
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            connection.close()
            raise IndexUnusable(Unusable.CORRUPT, "run `codesearch index` to build it anew") from error
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

    @contextlib.contextmanager
    def transaction(self, *, derived: bool = False) -> Iterator[int]:
        """Write as one change; yields the generation that it will make, and undoes all on an error.

        Args:
            derived: The change leaves all chunks as they are, so the generation stays the same.
        """
        before = self.manifest
        generation = before.generation + (not derived)
        with database_errors(self.directory):
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
                shutil.rmtree(path, ignore_errors=True)
            path.mkdir(exist_ok=True)
        return path

    def write_segment(self, segment: int, save: Callable[[Path], None]) -> None:
        """Let `save` write a segment's graph to a temporary path, then move it to its place."""
        path = segment_path(self.directory, segment)
        partial = path.with_suffix(".partial")
        with database_errors(self.directory):
            try:
                save(partial)
                with partial.open("rb") as file:
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

    def remove_segments(self, keep: set[int]) -> None:
        """Delete the graphs of all segments but those to keep."""
        names = {segment_path(self.directory, segment).name for segment in keep}
        for path in self.directory.glob("segment-*"):
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
        on_wait: Called once if there is another writer, before waiting for it.
        on_replace: Called before an index that cannot be used is replaced.

    Raises:
        IndexBusy: Another process was writing for all of `wait_seconds`.
        IndexUnusable: The index is of a newer version, and `rebuild` is not set.
        StorageError: The disk is full, read-only or failing.
    """
    with database_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if on_wait is not None:
                on_wait()
            try:
                lock.acquire(timeout=wait_seconds)
            except Timeout:
                raise IndexBusy(
                    f"another process is writing to {directory}: wait for it, or stop it and try again"
                ) from None
    try:
        writer = _open_or_replace(directory, fresh, rebuild=rebuild, on_replace=on_replace)
        try:
            yield writer
        finally:
            with contextlib.suppress(sqlite3.Error):
                writer.connection.close()
    finally:
        lock.release()


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
    _clear(directory)
    with database_errors(directory):
        connection = _connect(directory / "index.db", writable=True)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        writer = Writer(directory, connection, replace(fresh, created=time.time(), generation=0))
        connection.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
        with writer.transaction():
            pass
    return writer


def _open_existing(directory: Path) -> Writer:
    reader, _ = open_reader(directory)
    reader.close()
    with database_errors(directory):
        connection = _connect(directory / "index.db", writable=True)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            return Writer(directory, connection, _read_manifest(connection))
        except BaseException:
            connection.close()
            raise


def _clear(directory: Path) -> None:
    """Delete every file of an index, and nothing else."""
    with database_errors(directory):
        for name in ("index.db", "index.db-wal", "index.db-shm"):
            (directory / name).unlink(missing_ok=True)
        shutil.rmtree(lexical_directory(directory), ignore_errors=True)
        for path in directory.glob("segment-*"):
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
        lock = FileLock(directory / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise IndexBusy(f"another process is writing to {directory}: stop it first") from None
        try:
            _clear(directory)
        finally:
            lock.release()
        (directory / "lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            directory.rmdir()
    return True


def index_size(directory: Path) -> int:
    """Return the bytes that an index takes on disk."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


_CHUNK_COLUMNS: Final = (
    "kind",
    "name",
    "qualified_name",
    "signature",
    "documentation",
    "first_line",
    "last_line",
    "spans",
    "text",
    "code",
    "part",
)


def chunk_columns(chunk: Chunk) -> dict[str, str | int | None]:
    """Return a chunk as the columns of its row, those that point to other tables left out."""
    return {
        "kind": chunk.kind.value,
        "name": chunk.name,
        "qualified_name": chunk.qualified_name,
        "signature": chunk.signature,
        "documentation": chunk.documentation,
        "first_line": chunk.span.start,
        "last_line": chunk.span.end,
        "spans": " ".join(f"{span.start}-{span.end}" for span in chunk.text_spans),
        "text": chunk.text,
        "code": None if chunk.code == chunk.text else chunk.code,
        "part": chunk.part,
    }


def _span(text: str) -> Span:
    start, _, end = text.partition("-")
    return Span(int(start), int(end))


def chunk_from_row(path: bytes, language: str, row: tuple[Any, ...]) -> Chunk:
    """Make a chunk from its file's path and language and its columns in the order of the schema."""
    kind, name, qualified_name, signature, documentation, first, last, spans, text, code, part = row
    return Chunk(
        path=os.fsdecode(path),
        language=language,
        kind=Kind(kind),
        name=name,
        qualified_name=qualified_name,
        signature=signature,
        documentation=documentation,
        span=Span(first, last),
        text_spans=tuple(_span(span) for span in spans.split()),
        text=text,
        code=text if code is None else code,
        part=part,
    )


CHUNK_SELECT: Final = ", ".join(f"chunks.{column}" for column in _CHUNK_COLUMNS)
"""The columns that :func:`chunk_from_row` takes, for a SELECT."""
