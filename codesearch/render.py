"""Matches as text: for a terminal, for a pipe, and as JSON.

The JSON of a match, one object a line, is a public interface; ``docs/json.md`` describes it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from codesearch.records import Chunk, Match

__all__ = ["match_json", "match_object", "match_text"]

_LINES_SHOWN: Final = 4
_LONGEST_LINE: Final = 200
_RESET, _BOLD, _DIM, _PATH, _LINE = "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[35m", "\x1b[32m"

_LEXERS: Final[Mapping[str, tuple[str, dict[str, bool]]]] = {
    "dockerfile": ("docker", {}),
    "make": ("makefile", {}),
    "php": ("php", {"startinline": True}),
}
"""Where Pygments calls a language otherwise than we do, or needs to be told that it sees a part of a file."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def match_object(match: Match, *, text: bool = True) -> dict[str, Any]:
    """Return a match as the object that ``--json`` prints, ready for ``json.dumps``.

    Args:
        match: What was found.
        text: Whether the source text is included.
    """
    chunk = match.chunk
    return {
        "repository": match.repository,
        "root": _printable(str(match.root)),
        "path": _printable(chunk.path),
        "start_line": chunk.span.start,
        "end_line": chunk.span.end,
        "language": chunk.language,
        "kind": chunk.kind.value,
        "name": chunk.name,
        "qualified_name": chunk.qualified_name,
        "signature": chunk.signature,
        "documentation": chunk.documentation,
        "score": round(match.score, 4),
        "signals": {name: round(value, 4) for name, value in match.signals.items()},
        "lines": sorted(match.lines),
        **({"text": chunk.text} if text else {}),
    }


def match_json(match: Match) -> str:
    """Return a match as one line of JSON."""
    return json.dumps(match_object(match), ensure_ascii=False)


def match_text(
    match: Match,
    *,
    cwd: Path,
    context: int = 0,
    colour: bool = False,
    score: bool = False,
    width: int = _LONGEST_LINE,
) -> str:
    """Return a match as a person reads it: where it is, what it is, and the lines that matter.

    Args:
        match: What was found.
        cwd: Paths are shown relative to this folder where that needs no "..".
        context: Lines shown before and after each line that matters.
        colour: Whether to use ANSI colours and highlight syntax.
        score: Whether to show the score.
        width: Longer lines are cut.
    """
    chunk = match.chunk
    place = f"{_shown_path(match, cwd)}:{_first_line(match)}"
    name = chunk.qualified_name or chunk.kind.value
    what = f"{chunk.kind.value}" + (f", part {chunk.part + 1}" if chunk.part else "")
    points = f"  {match.score:.3f}" if score else ""
    if colour:
        path, _, line = place.rpartition(":")
        head = f"{_PATH}{path}{_RESET}:{_LINE}{line}{_RESET}  {_BOLD}{name}{_RESET}  {_DIM}{what}{points}{_RESET}"
    else:
        head = f"{place}  {name}  {what}{points}"
    shown = _lines_to_show(match, context)
    digits = len(str(max(shown, default=0)))
    room = max(20, width - digits - 4)
    source = {number: _cut(line, room) for number, line in _numbered(chunk)}
    if colour:
        source = _highlighted(source, chunk.language)
    body = [_source_line(number, source[number], digits, colour=colour) for number in shown]
    return "\n".join([head, *body])


def _cut(line: str, room: int) -> str:
    """Return a line fit for a terminal: tabs expanded, control characters made visible, not too long.

    Source code is not trusted: an escape sequence in it must not reach the terminal.
    """
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line.expandtabs(4).rstrip())
    return line if len(line) <= room else line[: room - 1] + "…"


def _source_line(number: int, text: str, digits: int, *, colour: bool) -> str:
    if colour:
        return f"  {_DIM}{number:>{digits}}{_RESET}  {text}"
    return f"  {number:>{digits}}  {text}".rstrip()


def _printable(path: str) -> str:
    """Return a path without the surrogates that stand for bytes which are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _shown_path(match: Match, cwd: Path) -> str:
    path = match.root / match.chunk.path
    if path.is_relative_to(cwd):
        path = path.relative_to(cwd)
    return _printable(str(path)).replace("\n", "\\n")


def _numbered(chunk: Chunk) -> Iterable[tuple[int, str]]:
    numbers = (n for span in chunk.text_spans for n in range(span.start, span.end + 1))
    return zip(numbers, chunk.text.split("\n"), strict=False)


def _signature_line(chunk: Chunk) -> int:
    """Return the line where the definition itself begins, after documentation and decorators."""
    signature = " ".join(chunk.signature.split())
    for number, line in _numbered(chunk):
        start = " ".join(line.split())
        if len(start) > 1 and signature.startswith(start.rstrip("{: ")[:60]):
            return number
    return chunk.span.start


def _first_line(match: Match) -> int:
    """Return the line to jump to."""
    chunk = match.chunk
    if chunk.signature and not chunk.part:
        return _signature_line(chunk)
    return min(match.lines, default=chunk.span.start)


def _lines_to_show(match: Match, context: int) -> list[int]:
    lines = dict(_numbered(match.chunk))
    wanted = [_first_line(match), *match.lines]
    if not match.lines:
        wanted += [n for n in lines if n > wanted[0]]
    chosen = list(dict.fromkeys(n for n in wanted if n in lines and lines[n].strip()))[:_LINES_SHOWN]
    return sorted({n for c in chosen for n in range(c - context, c + context + 1) if n in lines})


def _highlighted(lines: Mapping[int, str], language: str) -> dict[int, str]:
    """Return numbered lines with ANSI colours of the terminal's own palette."""
    from pygments import highlight
    from pygments.formatters.terminal import TerminalFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    name, options = _LEXERS.get(language, (language, {}))
    try:
        lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False, **options)
    except ClassNotFound:
        return dict(lines)
    coloured = highlight("\n".join(lines.values()), lexer, TerminalFormatter(bg="dark")).split("\n")
    return dict(zip(lines, coloured, strict=False))
