"""Vectors by content, shared by all repositories of a user.

A function that was encoded once is never encoded again: not on another branch, not in a worktree or a clone,
not after a rename. The cache only ever saves time, so no failure of it may fail an update: a damaged file is
replaced, a full or read-only disk means that nothing is remembered.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

__all__ = ["VectorCache"]

_LOOKUP_BLOCK = 500


class VectorCache:
    """A mapping from (model, key of the encoded text) to a packed vector.

    Args:
        path: The database file; None for a cache that remembers nothing.
        model_id: Of the encoder; vectors of other models are not seen.
    """

    def __init__(self, path: Path | None, model_id: str) -> None:
        self._model = model_id
        self._connection = None if path is None else _open(path)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the vectors that are known, by key."""
        found: dict[bytes, bytes] = {}
        if self._connection is None:
            return found
        with contextlib.suppress(sqlite3.Error):
            for start in range(0, len(keys), _LOOKUP_BLOCK):
                block = keys[start : start + _LOOKUP_BLOCK]
                marks = ", ".join("?" * len(block))
                found.update(
                    self._connection.execute(
                        f"SELECT key, vector FROM vectors WHERE model = ? AND key IN ({marks})",
                        [self._model, *block],
                    ).fetchall()
                )
        return found

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        """Remember vectors."""
        if self._connection is None:
            return
        rows: Iterable[tuple[str, bytes, bytes]] = ((self._model, k, v) for k, v in vectors.items())
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _open(path: Path) -> sqlite3.Connection | None:
    for attempt in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=5)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (model TEXT, key BLOB, vector BLOB NOT NULL, "
                "PRIMARY KEY (model, key)) WITHOUT ROWID"
            )
            return connection
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if attempt or code not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                return None
            with contextlib.suppress(OSError):
                path.unlink()
    return None
