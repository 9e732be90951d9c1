"""Which folders an agent may search, and whether a path that it names lies in one of them.

A path is resolved first, symbolic links and ``..`` included, and only then compared: what counts is where it leads.
Nothing is opened to find out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from codesearch.errors import InputError

__all__ = ["Sandbox", "path_of_uri"]

_LONGEST_PATH = 4_096


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Folders that may be searched.

    Attributes:
        roots: Absolute, resolved paths; the first is what relative paths are tried against first.
    """

    roots: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Sandbox:
        """Return a sandbox of those of the folders that exist, each once; one inside another is left out."""
        found: list[Path] = []
        for folder in folders:
            try:
                resolved = folder.resolve(strict=True)
            except (OSError, RuntimeError):
                continue
            if resolved.is_dir() and resolved not in found:
                found.append(resolved)
        outer = [root for root in found if not any(root != other and root.is_relative_to(other) for other in found)]
        return cls(tuple(outer))

    def locate(self, path: str | None) -> Path:
        """Return the real path that an agent means.

        Args:
            path: Absolute, a file URI, or relative to a root; None for the first root.

        Raises:
            InputError: It is outside of every root, does not exist, or is no path. What lies outside is told apart
                from what does not exist by nobody: both get the same answer.
        """
        if not self.roots:
            raise InputError(
                "there is no folder of this machine to search: start `codesearch mcp` with --folder and your project"
            )
        if path is None or not path.strip():
            return self.roots[0]
        for candidate in self._candidates(path.strip()):
            try:
                real = candidate.resolve(strict=True)
            except (OSError, RuntimeError, ValueError):
                continue
            if any(real == root or real.is_relative_to(root) for root in self.roots):
                return real
        raise InputError(
            f"{path[:200]!r} is not in a folder that may be searched; these may be: "
            + ", ".join(str(root) for root in self.roots)
        )

    def _candidates(self, path: str) -> Sequence[Path]:
        if "\0" in path or len(path) > _LONGEST_PATH:
            raise InputError("that is no path: give one relative to the project, such as src/app.py")
        if path.lower().startswith("file:"):
            return [path_of_uri(path)]
        if "://" in path:
            raise InputError(f"{path[:200]!r} is a URL: only folders of this machine are searched")
        if os.path.isabs(path):  # noqa: PTH117 - a drive without a folder is absolute to neither
            return [Path(path)]
        # The name of a root itself is a path that agents like to give: "project/src/app.py".
        below = [root / path for root in self.roots]
        return [*below, *(root.parent / path for root in self.roots)]


def path_of_uri(uri: str) -> Path:
    """Return the path of a file URI (RFC 8089).

    Raises:
        InputError: It is none, or names another machine.
    """
    parts = urlsplit(uri)
    if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
        raise InputError(f"{uri[:200]!r} is no file of this machine")
    path = unquote(parts.path)
    if "\0" in path:
        raise InputError("that is no path: it holds a NUL")
    return Path(path[1:] if os.name == "nt" and path[2:3] == ":" else path)
