"""A second look at what a syntax error cost.

One thing that a grammar does not know (a macro, newer syntax) can cost it all that follows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from codesearch.extraction.definitions import Definition
from codesearch.extraction.documentation import clean_comment, is_license
from codesearch.extraction.grammars import Position, Tree
from codesearch.extraction.landmarks import Landmark
from codesearch.extraction.names import signature
from codesearch.extraction.reader import read_definitions
from codesearch.extraction.source import Range, Source
from codesearch.records import Kind

__all__ = ["recover", "recover_landmarks"]

# Fewer rows than this between two definitions of a broken file are not worth a second look.
_MIN_ROWS = 3

_Parse = Callable[[Position, Position], Tree]


def recover(source: Source, file: Definition, parse_rows: _Parse) -> None:
    """Look again at what lies between the definitions of a file with a syntax error.

    The rows in which no definition was found are parsed again, each run as if it were a file, and if
    that has an error too, each paragraph as if it were one. What is found there is added to `file`.

    Args:
        source: The file's text.
        file: What the first look found; only its outermost definitions are looked at.
        parse_rows: Parses what lies between two places as if it were a file.
    """
    found: list[Definition] = []
    for run in _runs_between(source, file.members, range(source.last_row + 1)):
        members, has_error = _read_rows(source, run, parse_rows)
        found += members
        if has_error:
            for rest in _runs_between(source, members, run):
                for paragraph in _paragraphs(source, rest):
                    found += _read_rows(source, paragraph, parse_rows)[0]
    file.members = sorted([*file.members, *found], key=lambda item: (item.first_row, -item.last_row))


def recover_landmarks(source: Source, file: Definition, marks: Mapping[int, Landmark]) -> None:
    """Add what a regular expression takes for definitions where the grammar found none.

    Each ends where the next one begins.

    Args:
        source: The file's text.
        file: What was found so far; only between its outermost definitions is looked.
        marks: By the row at which what they define begins, comment lines above included.
    """
    covered = {row for member in file.members for row in range(member.first_row, member.last_row + 1)}
    starts = sorted(row for row, mark in marks.items() if mark.row not in covered)
    bounds = sorted({*starts, *(member.first_row for member in file.members), source.last_row + 1})
    found = [_landmark_definition(source, row, bounds[bisect_right(bounds, row)], marks[row]) for row in starts]
    file.members = sorted([*file.members, *found], key=lambda item: (item.first_row, -item.last_row))


def _landmark_definition(source: Source, row: int, stop: int, mark: Landmark) -> Definition:
    last = max(mark.row, source.worded(row, stop)[-1] if source.worded(row, stop) else mark.row)
    start, end = source.row_range(row).start, source.row_range(last).end
    above = Range(start, max(start, source.row_range(mark.row).start - 1))
    comment = source.decode(*above) if row < mark.row else ""
    return Definition(
        kind=Kind.TYPE if mark.is_type else Kind.FUNCTION,
        names=mark.names,
        range=Range(start, end),
        body=None,
        first_row=row,
        last_row=last,
        header=(mark.row, mark.row),
        signature=signature(source.lines[mark.row], has_body=True),
        documentation="" if is_license(comment) else clean_comment(comment),
        doc_ranges=[above] if comment and not is_license(comment) else [],
    )


def _runs_between(source: Source, members: Sequence[Definition], rows: range) -> Iterator[range]:
    """The rows without a definition, where there are enough of them in a row to hold one."""
    at = rows.start
    for start, stop in [
        *((member.first_row, member.last_row + 1) for member in members),
        (rows.stop, rows.stop),
    ]:
        run = source.worded(at, start)
        if len(run) >= _MIN_ROWS:
            yield run
        at = max(at, stop)


def _paragraphs(source: Source, rows: range) -> Iterator[range]:
    """Cut rows where a blank row precedes and the indentation is the least of all such places."""
    starts = [row for row in rows[1:] if source.lines[row].strip() and not source.lines[row - 1].strip()]
    indentations = [len(source.lines[row]) - len(source.lines[row].lstrip()) for row in starts]
    least = min(indentations, default=0)
    bounds = [row for row, indentation in zip(starts, indentations, strict=True) if indentation == least]
    if bounds:
        yield from (range(start, stop) for start, stop in pairwise([rows.start, *bounds, rows.stop]))


def _read_rows(source: Source, rows: range, parse_rows: _Parse) -> tuple[list[Definition], bool]:
    """The definitions with a body that some rows hold on their own, and whether they had an error."""
    begin, end = source.row_range(rows[0]), source.row_range(rows[-1])
    tree = parse_rows(Position(begin.start, (rows[0], 0)), Position(end.end, (rows[-1], end.end - end.start)))
    members = read_definitions(source, tree.matches).members
    return [member for member in members if member.body is not None], tree.has_error
