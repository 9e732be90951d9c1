"""What goes over the wire: paths as URIs, and lines and columns as positions in the client's encoding.

This is the only module that converts either (tests/test_architecture.py). Everywhere else a file is a
`pathlib.Path` or a path relative to its repository, a line is 1-based as in ``codesearch.records``, and a column
counts characters.
"""

from __future__ import annotations

import re
from pathlib import Path

from lsprotocol.types import Position, Range
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import PositionCodec

from codesearch.records import Chunk, Kind, Span

__all__ = ["Positions", "path_of", "uri_of"]


def path_of(uri: str) -> Path | None:
    """Return the absolute path of a ``file:`` URI; None for any other URI."""
    if not uri.startswith("file:"):
        return None
    try:
        path = to_fs_path(uri)
    except ValueError:  # "file://[": what should be a host is none
        return None
    return Path(path) if path and "\0" not in path and Path(path).is_absolute() else None


def uri_of(path: Path) -> str:
    """Return the ``file:`` URI of an absolute path, everything percent-encoded that has a meaning in URIs."""
    uri: str | None = from_fs_path(str(path))
    if uri is None:
        raise ValueError(f"{path} has no URI")
    return uri


class Positions:
    """Lines and columns as the client counts them.

    Args:
        codec: Of the encoding that was agreed on: UTF-16 unless the client offers another.
    """

    def __init__(self, codec: PositionCodec) -> None:
        self._codec = codec

    def range_of(self, chunk: Chunk) -> Range:
        """Return the range of a chunk: the whole definition, or the part or window that it is."""
        spans = chunk.text_spans
        whole = chunk.part == 0 and chunk.kind not in (Kind.MODULE, Kind.TEXT)
        span = chunk.span if whole or not spans else Span(spans[0].start, spans[-1].end)
        return Range(Position(span.start - 1, 0), self._end_of(chunk, span.end))

    def name_range_of(self, chunk: Chunk, lines: tuple[int, ...] = (), declared_at: int = 0) -> Range:
        """Return the range of a chunk's name where it is defined.

        Args:
            chunk: If it has no name, or was cut and its name is in another part, the answer is a whole line of it.
            lines: 1-based lines of the chunk that matter, best first; the first of them is that line. A window of a
                file without a grammar may hold many definitions: its name is that of one, and the line is asked for.
            declared_at: 1-based line that defines what was asked for, where that is not the chunk's name; 0 for none.
        """
        numbered = _numbered(chunk)
        lines = (declared_at, *lines) if declared_at else lines
        window = bool(declared_at) or (chunk.kind is Kind.TEXT and bool(lines))
        if chunk.name and chunk.part == 0 and not window and (found := _name_place(chunk, numbered)) is not None:
            number, line, column = found
            start = self._units(line[:column])
            return Range(Position(number - 1, start), Position(number - 1, start + self._units(chunk.name)))
        texts = dict(numbered)
        first = next((number for number, line in numbered if line.strip()), chunk.span.start)
        number = next((number for number in lines if number in texts), first)
        line = texts.get(number, "")
        indent = len(line) - len(line.lstrip())
        return Range(Position(number - 1, self._units(line[:indent])), Position(number - 1, self._units(line)))

    def _end_of(self, chunk: Chunk, number: int) -> Position:
        """Return the end of a line, or the start of the next where the chunk does not hold the line's text."""
        line = dict(_numbered(chunk)).get(number)
        return Position(number, 0) if line is None else Position(number - 1, self._units(line))

    def _units(self, text: str) -> int:
        return int(self._codec.client_num_units(text))

    def line_of(self, position: Position) -> int:
        """Return the 1-based line of a position."""
        return position.line + 1

    def lines_of(self, lines: tuple[int, ...]) -> list[int]:
        """Return 1-based lines as the client counts them."""
        return [number - 1 for number in lines]


def _numbered(chunk: Chunk) -> list[tuple[int, str]]:
    numbers = [number for span in chunk.text_spans for number in range(span.start, span.end + 1)]
    return list(zip(numbers, chunk.text.split("\n"), strict=False))


def _name_place(chunk: Chunk, numbered: list[tuple[int, str]]) -> tuple[int, str, int] | None:
    """Find (line, its text, column) of the name: best where the signature begins, else in a line of code."""
    name = re.compile(rf"(?<!\w){re.escape(chunk.name)}(?!\w)")
    places = [(number, line, found.start()) for number, line in numbered if (found := name.search(line))]
    head = chunk.signature[: max(1, chunk.signature.find(chunk.name))].strip()
    code = set(chunk.code.split("\n"))
    for fits in (
        lambda line: bool(head) and line.strip().startswith(head),
        lambda line: line in code and not line.strip().startswith("@"),
        lambda line: line in code,
    ):
        for place in places:
            if fits(place[1]):
                return place
    return None
