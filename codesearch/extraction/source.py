"""A file's text, addressed by byte (as tree-sitter does) and by row (as chunks do)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from codesearch.formats.blobs import data_rows, shorten_line

__all__ = ["Range", "Source"]

_NEWLINE = re.compile(rb"\n")
_WORD = re.compile(r"\w")
_BRACKETS = b"(){}[]"
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_STEPS = {bracket: 1 if bracket in b"({[" else -1 for bracket in _BRACKETS}

# A column further right than this is not indentation, but the middle of minified code.
_MAX_INDENTATION = 1_000

_WHITESPACE = b" \t\n\f\v"


class Range(NamedTuple):
    """A half-open range of bytes."""

    start: int
    end: int


def _without_blobs(text: str) -> tuple[str, frozenset[int]]:
    """Shorten the blobs of a text; returns it with the rows that were taken out, which are left blank."""
    before = text.split("\n")
    lines = [shorten_line(line) for line in before]
    omitted = frozenset(row for rows in data_rows(lines) for row in rows)
    for row in omitted:
        lines[row] = "\\" if lines[row].endswith("\\") else ""  # a line that is continued stays one
    return (text if lines == before else "\n".join(lines)), omitted


class Source:
    """The text of one file; rows are 0-based here, and 1-based lines only in the chunks.

    Attributes:
        text: The text with every line end as a newline, without a byte order mark.
        data: `text` in UTF-8. Lone surrogates, which have no UTF-8, are "?" here, and only here.
        lines: The lines of `text`, without line ends.
        hidden: Ranges of `data` that grammars do not see.
        omitted: Rows of data that are shown in no chunk; in `text` and `lines` they are blank.

    Long literals are cut to their beginning, and of long runs of data only the first rows and the last are kept
    (see `codesearch.formats.blobs`). No row changes its number by that.
    """

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        self.text, self.omitted = _without_blobs(text)
        self.data = self.text.encode("utf-8", errors="replace")
        self.lines = self.text.split("\n")
        self.hidden: Sequence[Range] = ()
        self._starts = [0, *(match.end() for match in _NEWLINE.finditer(self.data))]

    def shown(self, rows: Sequence[int]) -> Sequence[int]:
        """Rows less those that are omitted."""
        return [row for row in rows if row not in self.omitted] if self.omitted else rows

    def only(self, rows: Collection[int]) -> Source:
        """This text with all rows but some blank, which are shown in no chunk: what a part of it is read from."""
        part = Source("\n".join(line if row in rows else "" for row, line in enumerate(self.lines)))
        part.omitted |= self.omitted | {row for row in range(len(self.lines)) if row not in rows}
        return part

    def nesting(self) -> int:
        """How deep brackets are nested at most, those in strings and comments counted too."""
        return max(accumulate(map(_STEPS.__getitem__, self.data.translate(None, _NO_BRACKETS))), default=0)

    def row(self, byte: int) -> int:
        """The row that holds the byte at this offset."""
        return bisect_right(self._starts, byte) - 1

    @property
    def last_row(self) -> int:
        """The last row, which is empty if the file ends with a line end."""
        return len(self.lines) - 1

    def row_range(self, row: int) -> Range:
        """The bytes of a row, without its line end."""
        end = self._starts[row + 1] - 1 if row + 1 < len(self._starts) else len(self.data)
        return Range(self._starts[row], end)

    def worded(self, start: int, stop: int) -> range:
        """The rows from `start` up to `stop`, less closing brackets at their start and blank rows at their end."""
        lines = self.lines
        while start < stop and not _WORD.search(lines[start]):
            start += 1
        while stop > start and not lines[stop - 1].strip():
            stop -= 1
        return range(start, stop)

    def decode(self, start: int, end: int) -> str:
        """The text of a range of bytes."""
        return self.data[start:end].decode("utf-8", errors="replace")

    def indentation(self, byte: int) -> int | None:
        """Column, in bytes, of an offset that only white space precedes on its row, else None."""
        start = self._starts[self.row(byte)]
        if byte - start > _MAX_INDENTATION:
            return None
        return byte - start if not self.data[start:byte].strip() else None

    def trimmed(self, start: int, end: int) -> Range:
        """The part of a range that is in the text, less white space at its end, which grammars count in differently."""
        data = self.data
        start, end = min(start, len(data)), min(end, len(data))
        while end > start and data[end - 1] in _WHITESPACE:
            end -= 1
        return Range(start, end)

    def skip_space(self, byte: int) -> int:
        """The first offset from this one on that is not white space."""
        data = self.data
        while byte < len(data) and data[byte] in _WHITESPACE:
            byte += 1
        return byte

    def end_before(self, byte: int) -> int | None:
        """Where the text right above (or before) an offset ends: past white space, but no blank line."""
        data, end = self.data, byte
        newlines = 0
        while end > 0 and data[end - 1] in _WHITESPACE:
            end -= 1
            newlines += data[end] == 0x0A
            if newlines > 1:
                return None
        return end

    def without(self, rows: Iterable[int], cuts: Mapping[Range, str]) -> list[str]:
        """Lines of rows with ranges of bytes cut out; a line of which nothing is left is left out.

        Args:
            rows: Rows in ascending order.
            cuts: Ranges that do not overlap, and what stands in for each, where it begins.
        """
        touched: dict[int, list[Range]] = {}
        for cut in cuts:
            for row in range(self.row(cut.start), self.row(max(cut.start, cut.end - 1)) + 1):
                touched.setdefault(row, []).append(cut)
        lines: list[str] = []
        for row in rows:
            if row not in touched:
                lines.append(self.lines[row])
                continue
            start, end = self.row_range(row)
            kept: list[str] = []
            for cut in sorted(touched[row]):
                if start <= cut.start:
                    kept += [self.decode(start, cut.start), cuts[cut]]
                start = max(start, min(cut.end, end))
            line = ("".join(kept) + self.decode(start, end)).rstrip()
            if line.strip():
                lines.append(line)
        return lines
