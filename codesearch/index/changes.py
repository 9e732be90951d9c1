"""How a repository differs from its index: which files have to be read again, and which are gone."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from codesearch.records import Repository, SkippedFile, SourceFile
from codesearch.sources import FileRules, Listing, list_files, read_source

__all__ = ["Changes", "KnownFile", "find_changes", "really_changed"]


class KnownFile(NamedTuple):
    """A file as it was when it was last read; `id` is None for one that was left out then."""

    id: int | None
    blob: str
    size: int
    mtime_ns: int

    def is_current(self, file: SourceFile) -> bool:
        """Whether the file is still as it was: by Git's id where Git has one, else by size and time."""
        if file.blob and self.blob:
            return file.blob == self.blob
        return file.mtime_ns == self.mtime_ns and file.size == self.size


@dataclass(frozen=True, slots=True)
class Changes:
    """How a repository differs from its index.

    Attributes:
        listing: The repository as it is now.
        changed: Files that are new or may have changed.
        removed: Ids of files that are no longer to be searched.
        forgotten: Paths of files that were left out after reading, and are no longer listed at all.
        known: Every file that was read before, by path.
    """

    listing: Listing
    changed: list[SourceFile]
    removed: list[int]
    forgotten: list[str]
    known: Mapping[str, KnownFile]


def find_changes(repository: Repository, connection: sqlite3.Connection, rules: FileRules) -> Changes:
    """Compare a repository with the database of its index; reads no file."""
    listing = list_files(repository, rules)
    known = _known_files(connection)
    changed = [f for f in listing.files if f.path not in known or not known[f.path].is_current(f)]
    gone = known.keys() - {file.path for file in listing.files}
    removed = sorted(entry.id for path in gone if (entry := known[path]).id is not None)
    forgotten = sorted(path for path in gone if known[path].id is None)
    return Changes(listing, changed, removed, forgotten, known)


def really_changed(repository: Repository, changes: Changes, rules: FileRules) -> list[SourceFile]:
    """Return the files whose content is another than that in the index; reads those of which time and size do not tell.

    Of a file that was written just before it was read no time is remembered, for it might be written again within a
    tick of its clock.
    """
    return [file for file in changes.changed if not _holds_the_same(repository, file, changes.known, rules)]


def _holds_the_same(repository: Repository, file: SourceFile, known: Mapping[str, KnownFile], rules: FileRules) -> bool:
    before = known.get(file.path)
    if before is None or not before.blob or before.size != file.size:
        return False
    source = read_source(repository, file, rules)
    return not isinstance(source, SkippedFile) and source.blob == before.blob


def _known_files(connection: sqlite3.Connection) -> dict[str, KnownFile]:
    rows = connection.execute(
        "SELECT path, id, blob, size, mtime_ns FROM files"
        " UNION ALL SELECT path, NULL, blob, size, mtime_ns FROM skipped WHERE was_read"
    )
    # As os.fsdecode, but looked up once: this runs over every file before every question.
    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    return {path.decode(encoding, errors): KnownFile(*rest) for path, *rest in rows}
