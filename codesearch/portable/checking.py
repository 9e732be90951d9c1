"""What a database from elsewhere has to be before a row of it is used.

SQLite runs what a schema holds (triggers, views, generated columns), so the schema has to be ours to the letter. Rows
are then checked one by one: paths that stay below the root, kinds that exist, vectors of the right length and finite.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

import numpy as np

from codesearch.errors import InputError
from codesearch.index.dense import read_vectors
from codesearch.index.schema import CHUNK_SELECT, SCHEMA, chunk_from_row
from codesearch.languages import LANGUAGES
from codesearch.portable.archive import Description
from codesearch.records import SkipReason

__all__ = ["check_database"]

_LONGEST_VALUE: Final = 16 << 20
_LONGEST_PATH: Final = 4_096


class _WrongError(Exception):
    """Why a database is not used."""


def check_database(path: Path, description: Description) -> None:
    """Look at everything in a database that was exported elsewhere.

    Raises:
        InputError: It is not what an export writes; the message says in what.
    """
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        _check_schema(connection)
        _check_soundness(connection)
        _check_files(connection)
        _check_chunks(connection, description)
        _check_vectors(connection, description)
    except (_WrongError, sqlite3.Error, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"the file holds a database that no export writes: {error}") from error
    finally:
        connection.close()


def _check_schema(connection: sqlite3.Connection) -> None:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    ours = sqlite3.connect(":memory:")
    try:
        ours.executescript(SCHEMA)
        expected = ours.execute(query).fetchall()
    finally:
        ours.close()
    if connection.execute(query).fetchall() != expected:
        raise _WrongError("its tables are not those of an index")


def _check_soundness(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise _WrongError("it is damaged")
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise _WrongError("its rows point to nothing")
    mistyped = "SELECT 1 FROM {} WHERE typeof({}) != '{}' LIMIT 1"
    for table, column, kind in (("files", "path", "blob"), ("skipped", "path", "blob"), ("vectors", "key", "blob")):
        if connection.execute(mistyped.format(table, column, kind)).fetchone():
            raise _WrongError(f"{table}.{column} holds something else than {kind}s")


def _check_files(connection: sqlite3.Connection) -> None:
    for path, language in connection.execute("SELECT path, language FROM files"):
        _check_path(path)
        if language not in LANGUAGES:
            raise _WrongError(f"it has files in {str(language)[:50]!r}")
    for path, reason, detail in connection.execute("SELECT path, reason, detail FROM skipped"):
        _check_path(path)
        if reason not in SkipReason.__members__ or not isinstance(detail, str):
            raise _WrongError("it leaves files out for a reason that there is not")


def _check_path(path: bytes) -> None:
    parts = path.split(b"/")
    if len(path) > _LONGEST_PATH or b"\0" in path or any(part in (b"", b".", b"..") for part in parts):
        raise _WrongError(f"a path of it leads elsewhere: {os.fsdecode(path)[:100]!a}")
    if b"\\" in path and os.name == "nt":
        raise _WrongError(f"a path of it means something else here: {os.fsdecode(path)[:100]!a}")


def _check_chunks(connection: sqlite3.Connection, description: Description) -> None:
    count = 0
    for path, language, *row in connection.execute(
        f"SELECT path, language, {CHUNK_SELECT} FROM chunks JOIN files ON files.id = file_id"
    ):
        chunk = chunk_from_row(path, language, tuple(row))
        texts = (chunk.name, chunk.qualified_name, chunk.signature, chunk.documentation, chunk.text, chunk.code)
        lines = [line for span in (chunk.span, *chunk.text_spans) for line in (span.start, span.end)]
        if not all(isinstance(text, str) for text in texts):
            raise _WrongError("it has chunks that are no text")
        if not chunk.text_spans or not all(isinstance(line, int) and 1 <= line < 1 << 31 for line in lines):
            raise _WrongError("it has chunks that are nowhere")
        if not isinstance(chunk.part, int) or sum(s.end - s.start + 1 for s in chunk.text_spans) > 1 << 24:
            raise _WrongError("it has chunks that are nowhere")
        count += 1
    if count != description.chunks:
        raise _WrongError(f"it says that it has {description.chunks:,} chunks, and has {count:,}")


def _check_vectors(connection: sqlite3.Connection, description: Description) -> None:
    size = 2 * description.dimension
    wrong = connection.execute(
        "SELECT 1 FROM vectors WHERE vector IS NOT NULL AND (typeof(vector) != 'blob' OR length(vector) != ?) LIMIT 1",
        [size],
    ).fetchone()
    if wrong or (not size and connection.execute("SELECT 1 FROM vectors WHERE vector IS NOT NULL").fetchone()):
        raise _WrongError("it has vectors of another length than it says")
    waiting = "SELECT 1 FROM vectors WHERE (vector IS NULL) != (id IN (SELECT vector_id FROM pending)) LIMIT 1"
    if connection.execute(waiting).fetchone():
        raise _WrongError("it has texts that have neither a vector nor wait for one")
    if connection.execute("SELECT 1 FROM vectors WHERE segment IS NOT NULL LIMIT 1").fetchone():
        raise _WrongError("it has vectors in graphs that it does not hold")
    if size:
        for _, vectors in read_vectors(connection, description.dimension, "1"):
            lengths = np.linalg.norm(vectors, axis=1)
            if not (np.isfinite(vectors).all() and (np.abs(lengths - 1) < 0.05).all()):
                raise _WrongError("it has vectors that are no directions")
