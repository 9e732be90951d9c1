"""Patterns that narrow a search to files, as people write them.

They are patterns in gitignore syntax, with what is found in place of what is ignored, and three liberties. A pattern
that begins with ``./`` or ``../`` is relative to the folder where it was written, and an absolute one may be a path of
the disk. A pattern that begins with ``!`` leaves files out, those of a folder that was let in before it as well; where
all patterns do, everything else is let in. A backslash that would escape nothing, before a letter or at the end, is a
slash as Windows writes it.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from codesearch.sources.patterns import IgnoreTree, PatternList
from codesearch.sources.rules import FileRules

__all__ = ["path_matcher"]

_MAGIC: Final = re.compile(r"[*?\[\]\\]")
_WINDOWS: Final = re.compile(r"\\(?=\w)|(?<=[\w.])\\(?=\*{2}|$|\.{1,2}(?:\\|$))")
_DRIVE: Final = re.compile(r"[A-Za-z]:/")
_DOTTED: Final = re.compile(r"(^|/)\.\.?(/|$)|//")


def path_matcher(
    patterns: tuple[str, ...], root: Path | None = None, here: Path | None = None
) -> Callable[[str], bool]:
    """Return what says whether a path relative to the root of a repository is let through by patterns.

    The last pattern that matches a path, or a folder above it, decides.

    Args:
        patterns: In gitignore syntax.
        root: Of the repository; None where paths of the disk mean nothing.
        here: Folder that ``./`` means; None for the root.

    Raises:
        InputError: A pattern is invalid.
    """
    rules: list[tuple[bool, Callable[[str], bool]]] = []
    for given in FileRules(include=tuple(_WINDOWS.sub("/", pattern) for pattern in patterns)).include:
        out = given.startswith("!")
        pattern = _relative_to_root(given[1:] if out else given, root, here)
        if pattern:
            rules.append((not out, IgnoreTree.of_patterns(PatternList((pattern,), strict=True)).ignores))
    otherwise = not any(lets_in for lets_in, _ in rules)
    rules.reverse()
    return lambda path: next((lets_in for lets_in, matches in rules if matches(path)), otherwise)


def _relative_to_root(pattern: str, root: Path | None, here: Path | None) -> str:
    """Return a pattern as it is written at the root; one that leads out of the repository matches nothing there."""
    folder = "/" if pattern.endswith(("/", "/.", "/..")) else ""
    if root is not None and (pattern.startswith("/") or _DRIVE.match(pattern)):
        inside = _inside(pattern, root)
        if inside is not None:
            return _anchored(inside, folder)
    if pattern in (".", "..") or pattern.startswith(("./", "../")):
        if root is not None and here is not None:
            # What the folder is called must not be read as a pattern.
            whole = posixpath.normpath(posixpath.join(_MAGIC.sub(r"\\\g<0>", here.as_posix()), pattern))
            inside = _inside(whole, Path(_MAGIC.sub(r"\\\g<0>", root.as_posix())))
            if inside is not None:
                return _anchored(inside, folder)
        return _anchored(posixpath.normpath(pattern), folder)
    if _DOTTED.search(pattern):
        return posixpath.normpath(pattern).lstrip("/").join(("/" if pattern.startswith("/") else "", folder))
    return pattern


def _inside(path: str, root: Path) -> str | None:
    """Return an absolute path below a root as relative to it, "." for the root itself; None where it lies elsewhere."""
    top = root.as_posix().rstrip("/")
    whole = posixpath.normpath(path)
    for candidate in (whole, _resolved(whole)):
        if candidate == (top or "/"):
            return "."
        if candidate.startswith(f"{top}/"):
            return candidate[len(top) + 1 :]
    return None


def _resolved(path: str) -> str:
    """Resolve links in the folders of a path that stand before the first that is a pattern."""
    parts = path.split("/")
    plain = next((n for n, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
    return posixpath.join(os.path.realpath("/".join(parts[:plain]) or "/").replace(os.sep, "/"), *parts[plain:])


def _anchored(path: str, folder: str) -> str:
    return "/**" if path == "." else f"/{path}{folder}"
