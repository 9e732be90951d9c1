"""From an index to a file."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import database_errors
from codesearch.portable.archive import Description, check_target, write_archive

__all__ = ["export_index"]


def export_index(snapshot: Snapshot, path: Path) -> Description:
    """Write the state that a snapshot sees to one file.

    What can be derived is left out: words and graphs are made anew where it is imported. Where the repository lies
    on this machine is not told.

    Args:
        snapshot: Of the index.
        path: The file; replaced only when the new one is whole.

    Raises:
        InputError: `path` is a folder, or another file; or nothing is indexed.
        StorageError: The disk is full, or the folder of `path` cannot be written to.
    """
    check_target(path)
    counts, manifest = snapshot.counts(), snapshot.manifest
    if not counts.chunks:
        raise InputError(f"{manifest.name}: nothing is indexed, so there is nothing to export")
    with TemporaryDirectory(prefix="codesearch-export-") as folder:
        database = Path(folder) / "index.db"
        with database_errors(database.parent):
            _copy(snapshot, database)
        return write_archive(
            path,
            database,
            {
                "name": manifest.name,
                "url": manifest.url,
                "commit": manifest.commit,
                "updated": manifest.updated,
                "model_id": manifest.model_id,
                "dimension": manifest.dimension,
                "format": manifest.format,
                "files": counts.files,
                "chunks": counts.chunks,
                "pending": counts.pending,
            },
        )


def _copy(snapshot: Snapshot, path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        snapshot.copy_to(connection)
        connection.execute("PRAGMA journal_mode = DELETE")
        manifest = replace(snapshot.manifest, root="", generation=0, imported=0.0)
        connection.execute("UPDATE manifest SET json = ?", [json.dumps(asdict(manifest))])
        connection.execute("UPDATE vectors SET segment = NULL WHERE segment IS NOT NULL")
        connection.execute("UPDATE files SET mtime_ns = 0, generation = 1")
        connection.execute("UPDATE skipped SET mtime_ns = 0")
        connection.execute("DELETE FROM segments")
        connection.execute("DELETE FROM removed")
        connection.execute("DELETE FROM words")
        connection.execute("DELETE FROM file_words")
        connection.execute("UPDATE statistics SET generation = 0")
        connection.execute("VACUUM")
    finally:
        connection.close()
