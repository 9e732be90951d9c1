"""Patterns in gitignore syntax: matching them exactly as Git does. The sole importer of pathspec.

pathspec compiles a pattern; *when* it applies is decided here, because a path-by-path answer (pathspec's
``GitIgnoreSpec``) cannot say what Git says: Git walks down the tree, never enters an ignored folder
(so nothing below it can be included again), asks the deepest ignore file first, and within one file
the last pattern that matches wins (gitignore(5)).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Container, Iterable
from typing import NamedTuple

__all__ = ["NO_PATTERNS", "IgnoreTree", "PatternList", "parse_lines"]


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    ignores: bool
    """False for a negated pattern, one that begins with "!"."""


def _compile(line: str) -> _Pattern | None:
    """Compiles one line; None for a blank line, a comment, or a pattern that can match nothing.

    Raises:
        ValueError: The line is no valid pattern.
    """
    # Imported late: it costs 15-25 ms, and most repositories have no pattern for us to match.
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    from codesearch.sources.linear_patterns import make_linear

    if line.rstrip().endswith("/**/"):
        # The folders below "a", at any depth. pathspec 1.1 takes "a/**/" for "a/", which is "a" itself.
        line = line.rstrip() + "*/"
    expression, ignores = GitIgnoreSpecPattern.pattern_to_regex(line)
    if expression is None or ignores is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class such as "[[a]" is what its author wrote
        return _Pattern(re.compile(make_linear(expression)), ignores)


def _matches(regex: re.Pattern[str], path: str, is_folder: bool) -> bool:
    """Whether a compiled pattern matches `path` itself, rather than a folder above it.

    pathspec's expressions also match everything below a folder that they match. They mark that
    case with their only group, which captures the slash after the matched folder.
    """
    found = regex.search(path)
    if found and found.lastindex is None:
        return True
    if not is_folder:
        return False
    # The slash may be the one that ends `path`. The second search is for "*/" and "**/", whose expression is
    # a bare slash and would otherwise stop at the first one; all others are anchored and fail at once.
    marked = path + "/"
    found = regex.search(marked) or None
    if found and found.lastindex and found.start(found.lastindex) < len(path):
        found = regex.search(marked, len(path))
    return bool(found and found.lastindex and found.start(found.lastindex) == len(path))


def parse_lines(data: bytes) -> list[str]:
    """Splits the bytes of an ignore file into lines as Git does: at newlines only, without a BOM."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return [line.removesuffix("\r") for line in text.split("\n")]


class PatternList:
    """The patterns of one ignore file, or of one option, relative to the folder that holds them.

    Args:
        lines: Patterns in gitignore syntax, in order.
        strict: Whether an invalid pattern raises instead of being left out, as Git leaves it out.

    Raises:
        ValueError: A pattern is invalid, and `strict` is set.
    """

    def __init__(self, lines: Iterable[str], *, strict: bool = False) -> None:
        self._patterns: list[_Pattern] = []
        for line in lines:
            if not line or line.startswith("#"):
                continue
            try:
                pattern = _compile(line)
            except ValueError:
                if strict:
                    raise
                continue
            if pattern is not None:
                self._patterns.append(pattern)
        self._patterns.reverse()

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """What the last pattern that matches `path` says: True to ignore, False to keep, else None."""
        for pattern in self._patterns:
            if _matches(pattern.regex, path, is_folder):
                return pattern.ignores
        return None


NO_PATTERNS = PatternList(())


class IgnoreTree:
    """The patterns of a tree, with those of a folder applying to all that lies below it.

    Args:
        load: Gives the patterns that lie in a folder ("" is the root, no trailing slash). Called
            once for a folder, and never for an ignored one.
    """

    def __init__(self, load: Callable[[str], PatternList]) -> None:
        self._load = load
        self._chains: dict[str, tuple[tuple[int, PatternList], ...]] = {}
        self._folders: dict[str, str] = {"": ""}

    @classmethod
    def of_patterns(cls, patterns: PatternList) -> IgnoreTree:
        """A tree whose only patterns are those of its root."""
        return cls(lambda folder: NO_PATTERNS if folder else patterns)

    def ignored_folder(self, folder: str) -> str:
        """The topmost ignored folder among `folder` and those above it; "" if there is none."""
        # A loop, because a path may have more parts than Python's stack has frames.
        for part in _unknown_folders(folder, self._folders):
            above = part.rpartition("/")[0]
            self._folders[part] = self._folders[above] or (part if self._verdict(part, above, True) else "")
        return self._folders[folder]

    def ignores(self, path: str) -> bool:
        """Whether the file `path` is ignored, itself or with a folder above it."""
        folder = path.rpartition("/")[0]
        return bool(self.ignored_folder(folder)) or self._verdict(path, folder, False)

    def _verdict(self, path: str, folder: str, is_folder: bool) -> bool:
        for start, patterns in self._chain(folder):
            verdict = patterns.verdict(path[start:], is_folder=is_folder)
            if verdict is not None:
                return verdict
        return False

    def _chain(self, folder: str) -> tuple[tuple[int, PatternList], ...]:
        """The pattern lists that apply in `folder`, deepest first, with where their paths start."""
        for part in _unknown_folders(folder, self._chains):
            chain = self._chains[part.rpartition("/")[0]] if part else ()
            own = self._load(part)
            if own:
                chain = ((len(part) + 1 if part else 0, own), *chain)
            self._chains[part] = chain
        return self._chains[folder]


def _unknown_folders(folder: str, known: Container[str]) -> list[str]:
    """Return those of a folder and the ones above it that are not known yet, the topmost first; "" is the root."""
    unknown = []
    while folder not in known:
        unknown.append(folder)
        if not folder:
            break
        folder = folder.rpartition("/")[0]
    return unknown[::-1]
