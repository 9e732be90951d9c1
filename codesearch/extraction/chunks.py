"""The tree of definitions -> chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from codesearch.extraction.definitions import Definition
from codesearch.extraction.grammars import Tree
from codesearch.extraction.source import Range, Source
from codesearch.extraction.windows import FUNCTION_LIMIT, MODULE_LIMIT, Limit, cut
from codesearch.languages import Language
from codesearch.records import Chunk, Kind, Span

__all__ = ["definition_chunks", "runs", "strip_blank"]

# A row that begins no statement: inside a string or an argument list, or closing a block.
_NO_STATEMENT = 1_000.0


def definition_chunks(path: str, source: Source, language: Language, file: Definition, tree: Tree) -> list[Chunk]:
    """The chunks of a file with a grammar, in document order.

    Args:
        path: Goes into the chunks.
        source: The file's text.
        language: Goes into the chunks.
        file: What `codesearch.extraction.reader.read_definitions` made of it.
        tree: Asked where statements begin, if anything is long enough to be cut.
    """
    return _Writer(path, source, language, tree).write(file)


class _Writer:
    """Writes the chunks of one file."""

    def __init__(self, path: str, source: Source, language: Language, tree: Tree) -> None:
        self._path = path
        self._source = source
        self._language = language
        self._tree = tree
        self._depths: dict[int, int] | None = None

    def write(self, file: Definition) -> list[Chunk]:
        """Go over the tree without recursion, and sort what comes out by line."""
        chunks = list(self._module(file))
        waiting = list(reversed(file.members))
        while waiting:
            definition = waiting.pop()
            rows = range(definition.first_row, definition.last_row + 1)
            if definition.kind is not Kind.TYPE and (not definition.members or self._fits(definition, rows)):
                chunks += self._pieces(definition, rows)
                continue
            chunks += self._pieces(definition, _rows_of_its_own(definition))
            waiting.extend(reversed(definition.members))
        return sorted(chunks, key=lambda chunk: (chunk.text_spans[0].start, -chunk.span.end, chunk.part))

    def _module(self, file: Definition) -> Iterator[Chunk]:
        """What lies outside of all definitions, in runs that have at least one word in them."""
        rows: list[int] = []
        at = 0
        for member in file.members:
            rows += self._run(at, member.first_row)
            at = max(at, member.last_row + 1)
        rows += self._run(at, self._source.last_row + 1)
        if rows:
            yield from self._cut(file, rows, Kind.MODULE, MODULE_LIMIT)

    def _run(self, start: int, stop: int) -> Sequence[int]:
        """The rows from `start` up to `stop` without blank ends, or none if they are punctuation only."""
        run = strip_blank(self._source, range(start, stop))
        return run if self._source.worded(start, stop) else ()

    def _pieces(self, definition: Definition, rows: Sequence[int]) -> Iterator[Chunk]:
        assert definition.kind is not None
        yield from self._cut(definition, rows, definition.kind, FUNCTION_LIMIT)

    def _fits(self, definition: Definition, rows: Sequence[int]) -> bool:
        length = self._length(definition)
        if len(rows) <= FUNCTION_LIMIT.rows and sum(map(length, rows)) <= FUNCTION_LIMIT.characters:
            return True
        weights = [length(row) for row in rows]
        return sum(map(bool, weights)) <= FUNCTION_LIMIT.rows and sum(weights) <= FUNCTION_LIMIT.characters

    def _length(self, definition: Definition) -> Callable[[int], int]:
        """Characters of a row, where documentation counts nothing: it is not what makes code long."""
        source = self._source
        documented = {
            row
            for span in definition.doc_ranges
            for row in range(source.row(span.start), source.row(max(span.start, span.end - 1)) + 1)
        }
        return lambda row: 0 if row in documented else len(source.lines[row]) + 1

    def _cut(self, definition: Definition, rows: Sequence[int], kind: Kind, limit: Limit) -> Iterator[Chunk]:
        """One chunk, or several parts if the rows are more than the limit allows."""
        rows = self._source.shown(rows)
        pieces = cut(rows, self._length(definition), self._cost(rows), limit)
        cuts = _cuts(definition, self._source)
        is_module = kind is Kind.MODULE
        source = self._source
        for part, piece in enumerate(pieces):
            spans = runs(piece)
            whole = Span(definition.first_row + 1, definition.last_row + 1)
            yield Chunk(
                path=self._path,
                language=self._language.name,
                kind=kind,
                name=definition.name,
                qualified_name=definition.qualified_name,
                signature=definition.signature,
                documentation=definition.documentation if part == 0 else "",
                span=Span(spans[0].start, spans[-1].end) if is_module else whole,
                text_spans=spans,
                text="\n".join(source.lines[row] for row in piece),
                code="\n".join(source.without(piece, cuts)),
                part=part,
            )

    def _cost(self, rows: Sequence[int]) -> Callable[[int], float]:
        gaps = {after for before, after in pairwise(rows) if after != before + 1}

        def cost(row: int) -> float:
            if row in gaps:
                return 0.0
            if self._depths is None:
                self._depths = self._tree.statement_depths()
            return self._depths.get(row, _NO_STATEMENT)

        return cost


def _rows_of_its_own(definition: Definition) -> list[int]:
    """The rows of a definition less those of its members, of which only the header is kept."""
    rows: list[int] = []
    at = definition.first_row
    for member in definition.members:
        rows += range(at, member.first_row)
        first, last = member.header
        rows += range(max(at, first), last + 1)
        at = max(at, last + 1, member.last_row + 1)
    rows += range(at, definition.last_row + 1)
    return rows


def _cuts(definition: Definition, source: Source) -> dict[Range, str]:
    """The documentation to cut out, and what stands in for it.

    That is "..." for a docstring that is the whole body, or that other statements follow on its row:
    nothing would leave a header without a body, or a statement without a beginning.
    """
    cuts = dict.fromkeys(definition.doc_ranges, "")
    for span in cuts:
        opens_body = definition.body is not None and span.start == definition.body.start
        if opens_body and (span == definition.body or source.data[span.end : span.end + 1] == b";"):
            cuts[span] = "..."
    return cuts


def runs(rows: Sequence[int]) -> tuple[Span, ...]:
    """Rows in ascending order -> runs of 1-based lines."""
    spans: list[Span] = []
    start = previous = rows[0]
    for row in rows[1:]:
        if row != previous + 1:
            spans.append(Span(start + 1, previous + 1))
            start = row
        previous = row
    spans.append(Span(start + 1, previous + 1))
    return tuple(spans)


def strip_blank(source: Source, rows: Sequence[int]) -> Sequence[int]:
    """Rows without the blank ones at either end."""
    start, stop = 0, len(rows)
    while start < stop and not source.lines[rows[start]].strip():
        start += 1
    while stop > start and not source.lines[rows[stop - 1]].strip():
        stop -= 1
    return rows[start:stop]
