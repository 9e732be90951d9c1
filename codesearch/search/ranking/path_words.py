"""What the path of a file says: the name that stands for it, and the folders that it lies in."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from codesearch.words import terms

__all__ = ["Place", "place_words"]

_SAYS_NOTHING: Final = frozenset(
    "__init__ __main__ index main mod lib init default base impl src app package root doc types common util utils"
    "".split()
)
"""Names of files that stand for the folder that they lie in."""

_LAYOUT: Final = frozenset(
    "src lib libs source sources main java kotlin scala python app apps packages pkg include internal crates modules"
    "".split()
)
"""Names of folders that a language's layout of projects gives."""


class Place(NamedTuple):
    """The words of a path.

    Attributes:
        stem: Of the file's own name, or of its folder where that name says nothing.
        folders: Of the folders, those of a project's layout left out.
    """

    stem: frozenset[str]
    folders: frozenset[str]


@lru_cache(maxsize=1 << 14)
def place_words(path: str) -> Place:
    """Return the words of a path."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0] or name
    folders = [folder for folder in folders if folder.lower() not in _LAYOUT]
    if stem.lower() in _SAYS_NOTHING and folders:
        stem = folders.pop()
    return Place(frozenset(terms(stem)), frozenset(terms(" ".join(folders))))
