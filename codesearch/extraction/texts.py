"""Text without a grammar -> windows, which begin where a regular expression finds a landmark.

Of prose, settings and the like a landmark is a heading, and a window is a text. Of code it is a definition: a window is
a function or a type of its name, as if there were a grammar, with what encloses it told by indentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from codesearch.extraction.chunks import runs, strip_blank
from codesearch.extraction.documentation import clean_comment, is_license
from codesearch.extraction.landmarks import Landmark, landmarks
from codesearch.extraction.names import signature
from codesearch.extraction.source import Source
from codesearch.extraction.windows import FUNCTION_LIMIT, MODULE_LIMIT, TEXT_LIMIT, Limit, cut
from codesearch.languages import Language
from codesearch.records import Chunk, Kind, Span

__all__ = ["text_chunks"]

# A row that begins no statement.
_NO_STATEMENT = 1_000.0

# Sections of a text are joined until they reach this many characters: a heading with one line below
# it, or one entry of a list of settings, says too little to be found by.
_SMALL_SECTION = 400


def text_chunks(
    path: str, source: Source, language: Language, marks: Mapping[int, Landmark] | None = None
) -> list[Chunk]:
    """Windows of a text without a grammar, in order.

    A window begins at a landmark of the language (a heading, a table, a target) where it has any, with
    the comment lines right above it; sections too small to be found by are joined, those of code
    excepted. What is still too long is cut where a blank line precedes and the indentation is low. A
    window is named after the first landmark in it, else after the last one above it.

    Args:
        path: Goes into the chunks.
        source: The file's text.
        language: Goes into the chunks; says whether landmarks are definitions.
        marks: The landmarks that a grammar found, by the row at which their section begins; None to look for those of
            the language's regular expression.
    """
    if marks is None:
        marks = landmarks(source, language)
    return _definitions(path, source, language, marks) if language.code else _windows(path, source, language, marks)


def _windows(path: str, source: Source, language: Language, marks: Mapping[int, Landmark]) -> list[Chunk]:
    chunks: list[Chunk] = []
    names: tuple[str, ...] = ("",)
    for section in _sections(source, sorted(marks), _SMALL_SECTION):
        for rows in _pieces(source, section, TEXT_LIMIT):
            within = [marks[row].names for row in rows if row in marks]
            names = within[0] if within else names
            chunks.append(_chunk(path, source, language, Kind.TEXT, rows, names, part=len(chunks)))
            names = within[-1] if within else names
    return chunks


def _definitions(path: str, source: Source, language: Language, marks: Mapping[int, Landmark]) -> list[Chunk]:
    """The sections of code: what a landmark begins is defined, and what lies before the first is module-level code."""
    chunks: list[Chunk] = []
    around: list[Landmark] = []
    for section in _sections(source, sorted(marks), 0):
        mark = marks.get(section[0])
        limit = FUNCTION_LIMIT if mark else MODULE_LIMIT
        kind, documentation = Kind.MODULE, ""
        names: tuple[str, ...] = ("",)
        if mark is not None:
            while around and around[-1].indentation >= mark.indentation:
                around.pop()
            names = (*(outer.name for outer in around), *mark.names)
            kind = Kind.TYPE if mark.is_type else Kind.METHOD if around else Kind.FUNCTION
            around += [mark] if mark.is_type else []
            above = "\n".join(source.lines[row] for row in range(section[0], mark.row))
            documentation = "" if is_license(above) else clean_comment(above)
        for part, rows in enumerate(_pieces(source, section, limit)):
            text = documentation if part == 0 else ""
            chunks.append(_chunk(path, source, language, kind, rows, names, part=part, documentation=text, mark=mark))
    return chunks


def _pieces(source: Source, section: range, limit: Limit) -> Iterator[Sequence[int]]:
    for piece in cut(source.shown(section), _text_length(source), _text_cost(source), limit):
        if rows := strip_blank(source, piece):
            yield rows


def _chunk(
    path: str,
    source: Source,
    language: Language,
    kind: Kind,
    rows: Sequence[int],
    names: tuple[str, ...],
    *,
    part: int,
    documentation: str = "",
    mark: Landmark | None = None,
) -> Chunk:
    text = "\n".join(source.lines[row] for row in rows)
    spans = runs(rows)
    code = "\n".join(source.lines[row] for row in rows if mark is None or not documentation or row >= mark.row)
    return Chunk(
        path=path,
        language=language.name,
        kind=kind,
        name=names[-1],
        qualified_name=".".join(names),
        signature=signature(source.lines[mark.row], has_body=True) if mark is not None else "",
        documentation=documentation,
        span=Span(spans[0].start, spans[-1].end),
        text_spans=spans,
        text=text,
        code=code,
        part=part,
    )


def _sections(source: Source, starts: Sequence[int], small: int) -> Iterator[range]:
    """Rows between landmarks that are not blank, those of fewer than `small` characters joined with what follows."""
    bounds = sorted({0, *starts, len(source.lines)})
    begin, size = 0, 0
    for start, stop in pairwise(bounds):
        length = sum(len(source.lines[row]) for row in range(start, stop))
        if size and (size >= small or size + length > TEXT_LIMIT.characters):
            yield range(begin, start)
            begin, size = start, 0
        size += length
    yield range(begin, len(source.lines))


def _text_length(source: Source) -> Callable[[int], int]:
    return lambda row: len(source.lines[row]) + 1


def _text_cost(source: Source) -> Callable[[int], float]:
    """Indentation, with a blank row above counting for a good place and a blank row for a bad one."""

    def cost(row: int) -> float:
        line = source.lines[row]
        if not line.strip():
            return _NO_STATEMENT
        follows_blank = row > 0 and not source.lines[row - 1].strip()
        return len(line) - len(line.lstrip()) + (0.0 if follows_blank else 8.0)

    return cost
