"""Where the sections of a text begin: by a query's matches, or by a regular expression.

Of prose, settings and the like a landmark is a heading or a key. Of code whose grammar is missing, or makes nothing of
it, a landmark is a definition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from codesearch.extraction.grammars import Match
from codesearch.extraction.source import Source
from codesearch.languages import Language

__all__ = ["Landmark", "landmarks", "section_landmarks"]

_QUOTES = re.compile(r"[\"'`]\s+[\"'`]")  # between the parts of a name: resource "bucket" "logs"

# How much of a line is looked at for a landmark. Beyond it there is none, and a regular expression may
# take the square of the line's length.
_LANDMARK_COLUMNS = 160

_TYPE = re.compile(
    r"(?i)\b(?:class|struct|interface|enum|trait|mixin|extension|module|namespace|protocol|record|union|type|typedef"
    r"|contract|library|actor|component|object|@implementation|@interface|@protocol|package|message|service|model"
    r"|signature|structure|functor|datatype|entity|architecture|instance|resource|input|world|table|view)\b"
)
# What a regular expression for "type name(parameters) {" takes for a name.
_NO_NAMES = frozenset("if else for foreach while switch catch return do try when until unless match with case".split())

# A key this deep in a file of settings says little without those above it, and stays with them.
_DEEPEST_SECTION = 2
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Landmark:
    """Where a section begins.

    Attributes:
        names: Of the section, those of what it lies in first; the last is its own.
        row: Of the landmark itself, comment lines above it not included.
        indentation: Of that row.
        is_type: Whether it defines a type, where it defines something.
    """

    names: tuple[str, ...]
    row: int
    indentation: int = 0
    is_type: bool = False

    @property
    def name(self) -> str:
        """Its own name."""
        return self.names[-1]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def landmarks(source: Source, language: Language) -> dict[int, Landmark]:
    """The matches of the language's ``landmark``, by the row at which their section begins.

    That row is the first of the comment lines right above the landmark, where there are any.
    """
    if language.landmark is None:
        return {}
    comment = _comment(language)
    marks: dict[int, Landmark] = {}
    row, at = 0, 0
    text = "\n".join(line[:_LANDMARK_COLUMNS] for line in source.lines)
    for match in _compiled(language.landmark).finditer(text):
        begin = match.start() + len(match[0]) - len(match[0].lstrip())
        row += text.count("\n", at, begin)
        at = begin
        name = next((group for group in match.groups() if group), "")
        name = _QUOTES.sub(".", name.strip().strip("\"'`{ "))
        line = source.lines[row]
        if language.code and (not name or name in _NO_NAMES or (comment is not None and comment.match(line))):
            continue
        indentation = len(line) - len(line.lstrip())
        first = _first_row(source, row, comment, marks)
        marks[first] = Landmark((name,), row, indentation, _TYPE.search(match[0]) is not None)
    return marks


def section_landmarks(source: Source, language: Language, matches: Sequence[Match]) -> dict[int, Landmark]:
    """The sections that a query found, by the row at which they begin, comment lines right above included.

    Args:
        source: The file's text.
        language: Says what a comment line is.
        matches: Of the language's query; ``@section.nested`` bears the names of those that it lies in.
    """
    comment = _comment(language)
    marks: dict[int, Landmark] = {}
    rows: set[int] = set()
    around: list[tuple[int, str]] = []  # where it ends, its name
    for start, end, name, is_nested in sorted(_sections(source, matches)):
        while around and around[-1][0] <= start:
            around.pop()
        names = (*(outer for _, outer in around), name) if is_nested else (name,)
        around.append((end, name))
        row = source.row(start)
        if len(names) <= _DEEPEST_SECTION and row not in rows:
            rows.add(row)
            marks[_first_row(source, row, comment, marks)] = Landmark(names, row)
    return marks


def _sections(source: Source, matches: Sequence[Match]) -> set[tuple[int, int, str, bool]]:
    """Start, end and name of each section, and whether it is nested; the first pattern that finds one names it."""
    named: dict[tuple[int, int], tuple[str, bool]] = {}
    for match in sorted(matches, key=lambda match: match.pattern):
        for capture in ("section", "section.nested"):
            if capture in match.nodes and "name" in match.nodes:
                span = source.trimmed(match.nodes[capture][0].start_byte, match.nodes[capture][-1].end_byte)
                written = match.nodes["name"][0]
                name = " ".join(source.decode(*source.trimmed(written.start_byte, written.end_byte)).split())
                named.setdefault(span, (name.strip("\"'` ")[:_LONGEST_NAME], capture == "section.nested"))
    return {(*span, *found) for span, found in named.items()}


def _comment(language: Language) -> re.Pattern[str] | None:
    return _compiled(rf"[ \t]*(?:{language.comment})") if language.comment else None


def _first_row(source: Source, row: int, comment: re.Pattern[str] | None, marks: dict[int, Landmark]) -> int:
    while comment is not None and row > 0 and row - 1 not in marks and comment.match(source.lines[row - 1]):
        row -= 1
    return row
