"""Which repositories lie below a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codesearch.errors import InputError
from codesearch.sources.walk import DEPENDENCIES_AND_CACHES, METADATA

__all__ = ["NEVER_ENTERED", "Discovery", "discover"]

NEVER_ENTERED: Final = METADATA | DEPENDENCIES_AND_CACHES | {".cache", ".cargo", ".local", ".npm", ".rustup"}
"""Among package managers' own files lie clones that nobody works on."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found below a folder, by path.

    Attributes:
        folder: Absolute and resolved.
        work_trees: Tops of Git work trees: ordinary ones, linked worktrees, submodules, nested repositories.
        bare: Bare repositories, which hold no file to search.
        unreadable: Folders that could not be looked into.
    """

    folder: Path
    work_trees: tuple[Path, ...]
    bare: tuple[Path, ...]
    unreadable: tuple[Path, ...]

    def label(self, root: Path) -> str:
        """Return what tells a repository from the others here: its path below the folder."""
        return root.relative_to(self.folder).as_posix() if root != self.folder else root.name


def discover(folder: Path) -> Discovery:
    """Find the Git repositories in and below a folder, at any depth, also those inside of others.

    Folders of dependencies and caches are not entered, symbolic links not followed.

    Raises:
        InputError: There is no such folder, or it cannot be read.
    """
    try:
        top = folder.resolve(strict=True)
        os.scandir(top).close()
    except NotADirectoryError:
        raise InputError(f"{folder} is a file: --all takes a folder that holds repositories") from None
    except FileNotFoundError:
        raise InputError(f"there is no folder {folder}: --all takes one that holds repositories") from None
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}): check its permissions") from error
    work_trees, bare, unreadable = [], [], []
    folders = [str(top)]
    while folders:
        at = folders.pop()
        try:
            with os.scandir(at) as listing:
                entries = {entry.name: entry.is_dir(follow_symlinks=False) for entry in listing}
        except OSError:
            unreadable.append(Path(at))
            continue
        if ".git" in entries and (not entries[".git"] or os.path.lexists(os.path.join(at, ".git", "HEAD"))):  # noqa: PTH118
            work_trees.append(Path(at))
        elif "HEAD" in entries and entries.get("objects") and entries.get("refs"):
            bare.append(Path(at))
            continue
        elif "pyvenv.cfg" in entries:
            continue
        folders += [
            os.path.join(at, name)  # noqa: PTH118
            for name, is_folder in entries.items()
            if is_folder and name not in NEVER_ENTERED
        ]
    return Discovery(top, tuple(sorted(work_trees)), tuple(sorted(bare)), tuple(sorted(unreadable)))
