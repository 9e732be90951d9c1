"""Vectors by content, shared by all repositories of a user.

A function that was encoded once is never encoded again: not on another branch, not in a worktree or a clone,
not after a rename. The cache only ever saves time, so no failure of it may fail an update: a damaged file is
replaced, a full or read-only disk means that nothing is remembered. Each row carries a checksum: one that is damaged is
made again, as if it were not there.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from codesearch.index.seals import packed, unpacked
from codesearch.index.storage import check_room

__all__ = ["VectorCache", "count_damaged", "text_key"]

_LOOKUP_BLOCK = 500
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vectors (model TEXT, key BLOB, vector BLOB NOT NULL, "
    "PRIMARY KEY (model, key)) WITHOUT ROWID"
)
_DAMAGE = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})


def text_key(text: str) -> bytes:
    """Return what stands for an encoded text, 16 bytes: equal texts, and no others, have equal keys."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class VectorCache:
    """A mapping from (model, key of the encoded text) to a packed vector.

    Args:
        path: The database file; None for a cache that remembers nothing.
        model_id: Of the encoder; vectors of other models are not seen.
        dimension: Of its vectors; whatever is of another length is not seen.
    """

    def __init__(self, path: Path | None, model_id: str, dimension: int) -> None:
        self._path = path
        self._model = model_id
        self._bytes = 2 * dimension + 4  # float16, and a checksum; older versions wrote none
        self._connection: sqlite3.Connection | None = None
        with self._forgiven():
            self._open()

    def _open(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_SCHEMA)

    @contextlib.contextmanager
    def _forgiven(self) -> Iterator[None]:
        """Go on without the cache after an error; a damaged file is replaced by an empty one."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE or self._path is None:
                return
            self.close()
            with contextlib.suppress(sqlite3.Error, OSError):
                check_room(self._path.parent)  # on a full disk, a sound file may look like a damaged one
                for suffix in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
                self._open()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the vectors that are known, by key."""
        found: dict[bytes, bytes] = {}
        with self._forgiven():
            for start in range(0, len(keys) if self._connection else 0, _LOOKUP_BLOCK):
                block = keys[start : start + _LOOKUP_BLOCK]
                marks = ", ".join("?" * len(block))
                # A bit of a row says whether it is text, which would be no error of that row alone.
                query = "SELECT key, CAST(vector AS BLOB) FROM vectors"
                query += f" WHERE model = ? AND key IN ({marks}) AND length(vector) = ?"
                for key, stored in self._execute(query, [self._model, *block, self._bytes]):
                    vector = unpacked(stored, self._model.encode(), key)
                    if vector is not None:
                        found[key] = vector
        return found

    def _execute(self, query: str, values: Sequence[object]) -> Iterable[tuple[bytes, bytes]]:
        return [] if self._connection is None else self._connection.execute(query, values)

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        """Remember vectors."""
        model = self._model.encode()
        rows = [(self._model, key, packed(vector, model, key)) for key, vector in vectors.items()]
        with self._forgiven():
            if self._connection is not None:
                with self._connection:
                    self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def count_damaged(path: Path) -> tuple[int, int]:
    """Return how many vectors a cache holds, and how many of them are damaged; reads all of it, and writes nothing.

    Vectors of older versions have no checksum: they are not used any more, and count as damaged.

    Raises:
        sqlite3.Error: It cannot be read.
    """
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        sound = damaged = 0
        connection.text_factory = bytes
        for row in connection.execute(
            "SELECT CAST(model AS TEXT), CAST(key AS BLOB), CAST(vector AS BLOB) FROM vectors"
        ):
            model, key, stored = row
            if unpacked(stored, model, key) is None:
                damaged += 1
            else:
                sound += 1
    return sound + damaged, damaged
