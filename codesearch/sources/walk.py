"""Walking a folder that is not under Git, with the meaning that Git gives to ``.gitignore``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from codesearch.errors import RepositoryNotFound
from codesearch.records import SkippedFile, SkipReason
from codesearch.sources.patterns import IgnoreTree

__all__ = ["DEPENDENCIES_AND_CACHES", "METADATA", "walk"]

METADATA = frozenset({".bzr", ".git", ".hg", ".jj", ".sl", ".svn", "CVS"})
# What people leave unwritten in a .gitignore when there is no Git, and never want to search.
DEPENDENCIES_AND_CACHES = frozenset(
    {
        ".eggs",
        ".gradle",
        ".hypothesis",
        ".mypy_cache",
        ".next",
        ".nox",
        ".nuxt",
        ".pytest_cache",
        ".ruff_cache",
        ".terraform",
        ".tox",
        ".venv",
        "__pycache__",
        "bower_components",
        "node_modules",
    }
)


def walk(root: Path, ignored: IgnoreTree, enter: Callable[[str], bool]) -> Iterator[str | SkippedFile]:
    """Yields the files below `root`, and the folders that are not entered for a reason worth telling.

    Symbolic links to folders are yielded as if they were files: they are never followed, so a loop of them is
    harmless. The order is that of the file system.

    Args:
        root: The folder.
        ignored: What its ``.gitignore`` files say.
        enter: Called with the path of every folder; False keeps the walk out of it.

    Yields:
        POSIX paths relative to `root`, and skipped folders with a trailing slash.

    Raises:
        RepositoryNotFound: `root` itself cannot be read.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder if folder else root) as listing:
                entries = list(listing)
        except OSError as error:
            if not folder:
                raise RepositoryNotFound(f"{root} cannot be read ({error.strerror}): check its permissions.") from error
            yield SkippedFile(folder + "/", SkipReason.UNREADABLE, error.strerror or str(error))
            continue
        names = {entry.name for entry in entries}
        if folder and (reason := _closed(folder, names)):
            yield reason
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not _is_folder(entry):
                if entry.name not in METADATA and not ignored.ignores(path):
                    yield path
            elif entry.name in METADATA or ignored.ignored_folder(path):
                continue
            elif entry.name in DEPENDENCIES_AND_CACHES:
                yield SkippedFile(path + "/", SkipReason.EXCLUDED, "dependencies and caches are not searched")
            elif enter(path):
                folders.append(path)


def _closed(folder: str, names: set[str]) -> SkippedFile | None:
    """Why a folder is not searched because of what lies in it."""
    if ".git" in names:
        return SkippedFile(folder + "/", SkipReason.NESTED_REPOSITORY)
    if "pyvenv.cfg" in names:  # PEP 405: a Python virtual environment, whatever its name
        return SkippedFile(folder + "/", SkipReason.EXCLUDED, "dependencies and caches are not searched")
    return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # where the file system does not tell kinds, and the entry is gone or unreadable
        return False
