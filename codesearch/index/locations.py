"""Where the index of a repository lies, and which indexes there are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from codesearch.errors import CodesearchError
from codesearch.index.storage import Manifest, open_reader
from codesearch.words import replace_surrogates

__all__ = ["find_imported", "find_index", "imported_root", "index_directory", "list_indexes"]


def index_directory(indexes: Path, root: Path) -> Path:
    """Return the folder for the index of the repository at `root`: a readable name and a hash of its path."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-.") or "root"
    return indexes / f"{name[:40]}-{blake2b(os.fsencode(root), digest_size=6).hexdigest()}"


def imported_root(name: str) -> Path:
    """Return what stands for the root of an imported index: a path where nothing can be."""
    return Path(os.devnull).absolute() / "imported" / name


def find_imported(indexes: Path, name: str) -> Path | None:
    """Return the root of the imported index of a name, or None."""
    root = imported_root(replace_surrogates(name))
    return root if (index_directory(indexes, root) / "index.db").is_file() else None


def find_index(indexes: Path, path: Path) -> Path | None:
    """Return the root of the innermost indexed repository that holds `path`, or None."""
    for root in (path, *path.parents):
        if (index_directory(indexes, root) / "index.db").is_file():
            return root
    return None


def list_indexes(indexes: Path) -> Iterator[tuple[Path, Manifest | CodesearchError]]:
    """Yield every index directory with its manifest, or with the error that keeps it from being read."""
    for database in sorted(indexes.glob("*/index.db")):
        try:
            connection, manifest = open_reader(database.parent)
            connection.close()
            yield database.parent, manifest
        except CodesearchError as error:
            yield database.parent, error
