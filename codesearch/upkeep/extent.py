"""Whether a folder is small enough to be read without having been asked to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from codesearch.errors import InputError
from codesearch.languages import language_of
from codesearch.records import Repository
from codesearch.sources import NEVER_ENTERED

__all__ = ["refuse_what_is_huge"]

_MOST_FILES: Final = 5_000
"""Files that can be searched, in a folder that is read because a question was asked there."""

_MOST_ENTRIES: Final = 100_000
"""Entries of folders that are looked at to find out."""


def refuse_what_is_huge(repository: Repository) -> None:
    """Refuse to index a home folder, one above it, or one of very many files, which nobody asked for in so many words.

    A Git repository is always read: Git says what belongs to it. So is what ``codesearch index`` is given.

    Raises:
        InputError: The folder is one of these; the text says how to go on.
    """
    if repository.is_git or repository.imported:
        return
    root = repository.root
    if root in (home := _home(), *home.parents):
        what = "is your home folder" if root == home else "holds your home folder"
    elif _holds_many(root):
        what = f"is no Git repository and holds more than {_MOST_FILES:,} files"
    else:
        return
    raise InputError(
        f"{root} {what}, and is not indexed unasked: name a folder in it, or run `codesearch index {root}` first"
    )


def _home() -> Path:
    try:
        return Path.home().resolve()
    except (OSError, RuntimeError):
        return Path("/nonexistent")


def _holds_many(root: Path) -> bool:
    files = entries = 0
    folders = [str(root)]
    while folders:
        try:
            with os.scandir(folders.pop()) as listing:
                for entry in listing:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in NEVER_ENTERED:
                            folders.append(entry.path)
                    elif language_of(entry.name) is not None:
                        files += 1
                    if files > _MOST_FILES or entries > _MOST_ENTRIES:
                        return True
        except OSError:
            continue
    return False
