"""From a file to an index that has no source."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from codesearch.errors import InputError, StorageError
from codesearch.index.locations import imported_root, index_directory
from codesearch.index.progress import Progress
from codesearch.index.storage import Manifest, Writer, database_errors, open_writer, replace_index
from codesearch.portable.archive import NAME, Description, extract_database, read_description
from codesearch.portable.checking import check_database

__all__ = ["import_index"]

_PREFIX: Final = ".import-"
_ABANDONED_SECONDS: Final = 86_400.0

_TABLES: Final = ("files", "vectors", "chunks", "pending", "skipped")


def import_index(
    path: Path, indexes: Path, *, name: str | None = None
) -> Generator[Progress, None, tuple[Description, str]]:
    """Make an index of a file that :func:`codesearch.portable.export_index` wrote.

    The index is built beside the others, from rows that were checked, and takes its place when it is whole; an
    earlier import of the name is replaced then.

    Args:
        path: The file.
        indexes: Folder of all indexes.
        name: What it is to be called; None for what it calls itself.

    Yields:
        Progress of what is derived: words and graphs.

    Returns:
        What the file says of itself, and the name.

    Raises:
        InputError: The file is none, or not what it says; or the name cannot be used.
        IndexBusy: Another process is importing the same.
        StorageError: The disk is full.
    """
    # Imported late: it loads grammars, which nothing else here needs.
    from codesearch.index.update import derive

    description = read_description(path)
    called = description.name if name is None else name
    if not NAME.fullmatch(called) or len(called) > 200:
        raise InputError(f"{called[:50]!a} cannot be a name: give another with --name, of letters, digits and . _ - /")
    root = imported_root(called)
    with database_errors(indexes):
        indexes.mkdir(parents=True, exist_ok=True)
    # Twice: the database from the file, and the one that is made of it.
    if shutil.disk_usage(indexes).free < 2.2 * description.bytes:
        needed = 2.2 * description.bytes / 1e6
        raise StorageError(f"no space left to import {path}: it takes {needed:,.0f} MB for a while")
    _sweep(indexes)
    with TemporaryDirectory(prefix=_PREFIX, dir=indexes, ignore_cleanup_errors=True) as folder:
        foreign, built = Path(folder) / "foreign" / "index.db", Path(folder) / "built"
        foreign.parent.mkdir()
        extract_database(path, description, foreign)
        check_database(foreign, description)
        manifest = Manifest(
            root=str(root),
            name=called,
            model_id=description.model_id,
            dimension=description.dimension,
            url=description.url,
            commit=description.commit,
            updated=description.updated,
            imported=time.time(),
        )
        with open_writer(built, manifest) as writer:
            _copy(writer, foreign)
            yield from derive(writer)
        replace_index(index_directory(indexes, root), built)
    return description, called


def _sweep(indexes: Path) -> None:
    """Delete what imports that were killed have left, which nobody else would find."""
    for path in indexes.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _copy(writer: Writer, foreign: Path) -> None:
    with database_errors(writer.directory):
        writer.connection.execute("PRAGMA trusted_schema = OFF")
        writer.connection.execute("ATTACH ? AS foreign_index", [f"{foreign.as_uri()}?mode=ro&immutable=1"])
        try:
            with writer.transaction():
                for table in _TABLES:
                    writer.connection.execute(f"INSERT INTO main.{table} SELECT * FROM foreign_index.{table}")
        finally:
            writer.connection.execute("DETACH foreign_index")
