"""What an agent reads until it has seen a function: with ``search_code``, and with grep and a viewer of files.

Both readers yield one text after another, as a tool would print it, and the lines of source that the text shows.
docs/notebook/agents.md says how either goes about it, and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path

from codesearch.encoders import Encoder
from codesearch.index.snapshot import Snapshot
from codesearch.mcp.answers import FoundResult, layout
from codesearch.mcp.descriptions import DEFAULT_RESULTS, DEFAULT_TOKENS
from codesearch.search.pipeline import search
from codesearch.words import question_terms

__all__ = ["Reading", "Text", "read_by_grep", "read_by_search", "read_files"]

_PAGES = 25
"""The most pages."""

_VIEW = 200
"""The most lines that are read of one result at a time."""

_SHORTEST_WORD = 3
_LISTED = 30
_MARGIN = 20
_WINDOWS = 3
"""Files that a listing names and that are opened; lines around a match; windows that are opened of one file."""

_NUMBERED = re.compile(r"^ *(\d+)  ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that an agent reads.

    Attributes:
        text: As the tool gives it.
        shown: (path, line number) of the source that stands in it.
    """

    text: str
    shown: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Text:
    """A file, for searching words in it.

    Attributes:
        lines: As they are.
        lowered: The same in lower case.
    """

    lines: tuple[str, ...]
    lowered: tuple[str, ...]


def read_files(root: Path, paths: Sequence[str]) -> dict[str, Text]:
    """Read those files that are text in UTF-8."""
    found = {}
    for path in paths:
        try:
            source = (root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        lines = source.split("\n")
        found[path] = Text(tuple(lines), tuple(line.lower() for line in lines))
    return found


def read_by_search(
    snapshot: Snapshot, encoder: Encoder | None, files: Mapping[str, Text], question: str
) -> Iterator[Reading]:
    """Ask `search_code`, read the lines of every result that the page did not show whole, ask for the next page."""
    offset: int | None = 0
    for _ in range(_PAGES):
        if offset is None:
            return
        # Asked again for each page and as deep as the page needs, as the tool does.
        answer = search([snapshot], question, encoder, limit=offset + DEFAULT_RESULTS + 1)
        if offset >= len(answer.matches):
            return
        text, found = layout(answer, offset=offset, limit=DEFAULT_RESULTS, max_tokens=DEFAULT_TOKENS, single_root=True)
        yield Reading(text, frozenset(pair for result in found.results for pair in _shown(result)))
        for result in found.results:
            if not result.code_is_complete and result.path in files:
                yield _view(files, result.path, result.start_line, min(result.end_line, result.start_line + _VIEW - 1))
        offset = found.next_offset


def _shown(result: FoundResult) -> Iterator[tuple[str, int]]:
    for number in _NUMBERED.findall(result.code or ""):
        yield result.path, int(number)


def read_by_grep(files: Mapping[str, Text], question: str) -> Iterator[Reading]:
    """Search the words of a question, list the files with the most different ones, open these around the matches."""
    words = [word for word in question_terms(question) if len(word) >= _SHORTEST_WORD]
    matches = {path: _matches(text, words) for path, text in files.items()}
    rarity = {word: 1.0 / max(1, sum(word in _words(lines) for lines in matches.values())) for word in words}

    def worth(path: str) -> tuple[int, float, int]:
        held = _words(matches[path])
        # fsum: the order of a set changes from run to run, and with it the last digit of a sum, and so the order here.
        return len(held), fsum(rarity[word] for word in held), len(matches[path])

    best = sorted((path for path in matches if matches[path]), key=lambda p: (*(-w for w in worth(p)), p))[:_LISTED]
    if not best:
        return
    yield Reading("\n".join(f"{path}:{len(matches[path])}" for path in best), frozenset())
    for path in best:
        for first, last in _windows(matches[path], rarity, len(files[path].lines)):
            yield _view(files, path, first, last)


def _matches(text: Text, words: Sequence[str]) -> dict[int, frozenset[str]]:
    """Return {line number: words that occur in it}, parts of longer words too, as ``rg -i`` finds them."""
    found = {}
    for number, line in enumerate(text.lowered, 1):
        held = frozenset(word for word in words if word in line)
        if held:
            found[number] = held
    return found


def _words(lines: Mapping[int, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*lines.values())


def _windows(matches: Mapping[int, frozenset[str]], rarity: Mapping[str, float], length: int) -> list[tuple[int, int]]:
    """Return the first and last lines of the best windows, those with the most and the rarest words first.

    No line stands in two of them.
    """
    windows: list[tuple[int, int]] = []
    left = dict(matches)
    while left and len(windows) < _WINDOWS:

        def gain(centre: int, left: Mapping[int, frozenset[str]] = left) -> float:
            near = (left[n] for n in range(centre - _MARGIN, centre + _MARGIN + 1) if n in left)
            return fsum(rarity[word] for word in frozenset().union(*near))

        centre = max(left, key=lambda n: (len(left[n]), gain(n), -n))
        taken = {n for first, last in windows for n in range(first, last + 1)}
        first, last = centre, centre
        while first > max(1, centre - _MARGIN) and first - 1 not in taken:
            first -= 1
        while last < min(length, centre + _MARGIN) and last + 1 not in taken:
            last += 1
        windows.append((first, last))
        left = {n: words for n, words in left.items() if not first <= n <= last}
    return windows


def _view(files: Mapping[str, Text], path: str, first: int, last: int) -> Reading:
    """Return lines of a file as a viewer numbers them; lines of the same length as `search_code` shows."""
    lines = files[path].lines[first - 1 : last]
    text = "\n".join(f"{number}  {line[:200]}" for number, line in enumerate(lines, first))
    return Reading(f"{path}\n{text}", frozenset((path, number) for number in range(first, last + 1)))
