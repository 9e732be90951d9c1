"""The code of a match as lines of styled text."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from codesearch.picker.widths import Pieces
from codesearch.present.highlighting import highlight_lines
from codesearch.present.render import safe_line
from codesearch.records import Chunk, Match

__all__ = ["code_lines", "first_shown", "opening_line"]

_MOST_LINES: Final = 1_000
_STYLES: Final = {"": "", "1": "bold", "2": "dim", "32": "fg:ansigreen", "35": "fg:ansimagenta", "36": "fg:ansicyan"}
"""prompt_toolkit's words for the codes of ``highlighting.py``."""


def code_lines(match: Match) -> tuple[Pieces, ...]:
    """Return the lines of a match, with their numbers; those that hold what was asked have a mark."""
    code = _highlighted(match.chunk.text, match.chunk.language)
    numbers = [n for span in match.chunk.text_spans for n in range(span.start, span.end + 1)][: len(code)]
    digits = len(str(numbers[-1])) if numbers else 1
    telling = set(match.lines)
    lines: list[Pieces] = []
    previous = 0
    for number, pieces in zip(numbers, code, strict=False):
        if previous and number > previous + 1:
            lines.append([("dim", f" {'⋮':>{digits}}")])
        previous = number
        mark = ("fg:ansigreen bold", f">{number:>{digits}}") if number in telling else ("dim", f" {number:>{digits}}")
        lines.append([mark, ("", "  "), *pieces])
    return tuple(lines)


def opening_line(match: Match) -> int:
    """Return the line that an editor is opened at; remembered, for it is asked for every row of every frame."""
    return _opening_line(match.chunk, match.lines)


@lru_cache(maxsize=1024)
def _opening_line(chunk: Chunk, lines: tuple[int, ...]) -> int:
    return Match("", Path(), chunk, 0.0, lines=lines).line


@lru_cache(maxsize=256)
def _highlighted(text: str, language: str) -> tuple[Pieces, ...]:
    lines = [safe_line(line) for line in text.split("\n")[:_MOST_LINES]]
    return tuple([(_STYLES.get(code, ""), part) for code, part in line] for line in highlight_lines(lines, language))


def first_shown(match: Match, rows: int) -> int:
    """Return how many lines to leave out at the beginning, so that the line to open is in sight."""
    spans = match.chunk.text_spans
    line = opening_line(match)
    above = sum(min(span.end, line - 1) - span.start + 1 for span in spans if span.start < line)
    return max(0, above - rows // 3) if above >= rows * 2 // 3 else 0
