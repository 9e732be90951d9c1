"""How a repository differs from its index: which files have to be read again, and which are gone."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass

from codesearch.records import Repository, SourceFile
from codesearch.sources import FileRules, Listing, list_files

__all__ = ["Changes", "find_changes"]


@dataclass(frozen=True, slots=True)
class _Known:
    """A file as it was when it was last read; `id` is None for one that was left out."""

    id: int | None
    blob: str
    size: int
    mtime_ns: int

    def is_current(self, file: SourceFile) -> bool:
        if file.blob and self.blob:
            return file.blob == self.blob
        return (file.size, file.mtime_ns) == (self.size, self.mtime_ns)


def _known_files(connection: sqlite3.Connection) -> dict[str, _Known]:
    rows = connection.execute(
        "SELECT path, id, blob, size, mtime_ns FROM files"
        " UNION ALL SELECT path, NULL, blob, size, mtime_ns FROM skipped WHERE was_read"
    )
    return {os.fsdecode(path): _Known(*rest) for path, *rest in rows}


@dataclass(frozen=True, slots=True)
class Changes:
    """How a repository differs from its index.

    Attributes:
        listing: The repository as it is now.
        changed: Files that are new or may have changed.
        removed: Ids of files that are no longer to be searched.
    """

    listing: Listing
    changed: list[SourceFile]
    removed: list[int]


def find_changes(repository: Repository, connection: sqlite3.Connection, rules: FileRules) -> Changes:
    """Compare a repository with the database of its index; reads no file."""
    listing = list_files(repository, rules)
    known = _known_files(connection)
    changed = [f for f in listing.files if not (f.path in known and known[f.path].is_current(f))]
    listed = {file.path for file in listing.files}
    removed = [entry.id for path, entry in known.items() if path not in listed and entry.id is not None]
    return Changes(listing, changed, removed)
