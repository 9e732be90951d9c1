"""Files of a repository that a text names: as a path, as the end of one, as a module, or in a traceback."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from codesearch.search.location import relative_to_root

if TYPE_CHECKING:
    from codesearch.search.candidates import Searchable

__all__ = ["FilesOf", "read_paths"]

_PATH: Final = re.compile(r"(?<![\w/.@+-])(?:~|\.{1,2})?/?(?:[\w.@+-]+[/\\])*[\w.+-]*\w\.[A-Za-z]\w{0,9}(?![\w/(])")
_MODULE: Final = re.compile(r"(?<![\w./:-])[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)+(?![\w/])")
_LONGEST: Final = 20_000
_MOST_FILES: Final = 5
"""A name that more files have names none of them."""

_INSTALLED: Final = re.compile(
    r"/(?:site-packages|dist-packages|node_modules|gems|pkg/mod|registry/src|vendor|deps|lib/(?:python|ruby)[\d./]*"
    r"|usr/local/go/src|rustc)(?=/)"
)
"""Below these lies what was installed: no part of the repository, unless the repository is what was installed."""
_VERSION: Final = re.compile(r"[@-]v?\d[\w.+-]*$")


def read_paths(text: str) -> Iterator[str]:
    """Yield each path that a text names, as it is written, with "/", and what may be the name of a module."""
    seen = set()
    for form in (_PATH, _MODULE):
        for found in form.finditer(text[:_LONGEST]):
            path = found[0].replace("\\", "/").removeprefix("./")
            if path not in seen:
                seen.add(path)
                yield path


class FilesOf:
    """The files of a repository, by the names that a text has for them.

    Args:
        state: Of the repository.
    """

    def __init__(self, state: Searchable) -> None:
        self._state = state
        self._paths = {path for _, path in state.files()}
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            name = path.rpartition("/")[2]
            self._by_name[name].append(path)
            self._by_stem[name.partition(".")[0]].append(path)

    def named(self, path: str) -> Mapping[str, float]:
        """Return the files that a text may mean, each by how sure that is; none where too many have the name.

        Args:
            path: Or the name of a module, as :func:`read_paths` gives it.
        """
        relative = relative_to_root(path, self._state)
        if relative in self._paths:
            return {relative: 1.0}
        parts = _parts(path)
        found = self._ending(parts) or (self._module(path) if len(parts) == 1 else [])
        return dict.fromkeys(found, 1 / len(found)) if 0 < len(found) <= _MOST_FILES else {}

    def of_frame(self, path: str) -> str:
        """Return the file that a frame of a traceback is of; "" where that is none, or more than one.

        The path may be of another machine, of a container, or of an installed copy.
        """
        relative = relative_to_root(path, self._state)
        if relative in self._paths:
            return relative
        if installed := list(_INSTALLED.finditer(path)):
            return self._installed(path[installed[-1].end() + 1 :])
        parts = _parts(path)
        # A part of the path that is shared but the file's name: another project has a file of that name as well.
        known = [
            (_shared(parts, other), other)
            for name in self._by_name.get(parts[-1] if parts else "", ())
            if (other := _parts(name))
        ]
        sure = [(n, other) for n, other in known if n == len(other) or n == len(parts) or n > 1]
        most = max((n for n, _ in sure), default=0)
        best = ["/".join(other) for n, other in sure if n == most]
        return best[0] if len(best) == 1 else ""

    def _installed(self, below: str) -> str:
        """Return the file that was installed as a path below a folder of packages."""
        package, _, rest = below.partition("/")
        if package.startswith("index.") or ("." in package and "@" not in rest.partition("/")[0] and "/" in rest):
            # A registry of Rust, or a host of Go, is a folder more.
            while rest and not _VERSION.search(package):
                package, _, rest = rest.partition("/")
        bare = _VERSION.sub("", package)
        names = {_plain(self._state.root.name), _plain(self._state.manifest.name.rpartition("/")[2])}
        if bare != package or _plain(bare) in names:
            found = self._ending(_parts(rest)) if _plain(bare) in names else []
        else:
            found = []
        found = found or [path for path in self._ending(_parts(below)) if "/" in below]
        return found[0] if len(found) == 1 else ""

    def _ending(self, parts: Sequence[str]) -> list[str]:
        """Return the files whose paths end in all of some parts."""
        named = self._by_name.get(parts[-1], ()) if parts else ()
        return [path for path in named if _shared(parts, _parts(path)) == len(parts)]

    def _module(self, name: str) -> list[str]:
        """Return the files of a module, or of the module that holds what is named: ``net.client.send``."""
        parts = re.split(r"\.|::", name)
        for end in (len(parts), len(parts) - 1):
            inner = parts[:end]
            if len(inner) > 1 and inner[0] not in ("self", "this"):
                inner = inner[1:] if inner[0] == "crate" else inner
                found = [
                    path
                    for path in self._by_stem.get(inner[-1], ())
                    if _shared(inner, _parts(path.rpartition(".")[0])) == len(inner)
                ]
                if found:
                    return found
        return []


def _parts(path: str) -> list[str]:
    return [part for part in PurePosixPath(path).parts if part not in ("/", ".", "..", "~")]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two paths have in common, from their ends."""
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower())).removesuffix("js")
