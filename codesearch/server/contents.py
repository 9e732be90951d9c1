"""A file of a repository: its lines, with their highlights, and its symbols.

Only a file that is in the index is shown: what Git ignores, and what was excluded, is as absent here as from any
answer. It is read without following a link out of the repository. Where it is gone, or has changed since it was
indexed, its lines come from the index, so that they are those that results speak of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from codesearch.errors import InputError
from codesearch.records import Chunk, Match
from codesearch.server.access import Caller
from codesearch.server.collection import Collection, UnknownRepository
from codesearch.server.records import CodeLine, ContentAnswer, ContentRequest, SymbolEntry
from codesearch.server.searches import NotYet, coloured, printable
from codesearch.sources.opening import read_regular
from codesearch.sources.reading import decode_source

__all__ = ["UnknownFile", "read_content"]

_LARGEST_FILE: Final = 8 << 20
_MOST_COLOURED: Final = 400_000
"""Characters; a longer file comes without colours."""


_NOWHERE: Final = Path()


class UnknownFile(InputError):
    """There is no such file in the index."""


def read_content(collection: Collection, caller: Caller, name: str, wanted: ContentRequest) -> ContentAnswer:
    """Return lines of a file.

    Raises:
        UnknownRepository: There is none of this name that the caller may see.
        UnknownFile: The index holds no such file.
        NotYet: There is no index yet.
    """
    if name not in collection.names(caller):
        raise UnknownRepository(f"there is no repository {name[:200]!r}: GET /v1/repositories lists them")
    with collection.lend([name]) as snapshots:
        if name not in snapshots:
            raise NotYet(f"{name} is not indexed yet: ask again in a minute")
        snapshot = snapshots[name]
        chunks = list(snapshot.chunks_of(wanted.path).values())
        root = snapshot.root
    if not chunks:
        raise UnknownFile(f"{wanted.path[:200]!r} is not in the index of {name}: name a file as a result does")
    indexed = _indexed_lines(chunks)
    text = None if collection.root(name) is None else _text_of(root, wanted.path)
    lines, notice = (None, "its file is not here: this is what was indexed of it") if text is None else (text, "")
    if lines is not None and any(lines.get(number) != line for number, line in indexed.items()):
        lines, notice = None, "the file has changed since it was indexed: this is what was indexed of it"
    shown = indexed if lines is None else lines
    total = max(shown, default=0)
    first, last = 1, total
    if wanted.line is not None:
        first, last = max(1, wanted.line - wanted.around), min(total, wanted.line + wanted.around)
    numbers = [number for number in sorted(shown) if first <= number <= last]
    return ContentAnswer(
        repository=name,
        path=printable(wanted.path),
        language=chunks[0].language,
        start_line=numbers[0] if numbers else first,
        end_line=numbers[-1] if numbers else first - 1,
        total_lines=total,
        text=None if wanted.highlight else "\n".join(shown[number] for number in numbers),
        code=_code(shown, numbers, chunks[0].language) if wanted.highlight else None,
        symbols=_symbols(chunks),
        from_index=lines is None,
        notice=notice,
    )


def _text_of(root: Path, path: str) -> dict[int, str] | None:
    """Return the lines of a file by number; None where it cannot be read any more."""
    try:
        data = read_regular(root, path, _LARGEST_FILE)
    except (OSError, ValueError):
        return None
    text = decode_source(path, data)
    if not isinstance(text, str):
        return None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return dict(enumerate(lines if lines[-1] else lines[:-1], 1))


def _indexed_lines(chunks: list[Chunk]) -> dict[int, str]:
    lines: dict[int, str] = {}
    for chunk in chunks:
        lines |= {number: line.removesuffix("\r") for number, line in chunk.numbered_lines().items()}
    return lines


def _code(shown: dict[int, str], numbers: list[int], language: str) -> list[CodeLine]:
    # Coloured as a whole and then cut: the middle of a docstring looks like code by itself.
    everything = sorted(shown)
    text = "\n".join(shown[number] for number in everything)
    pieces = coloured.__wrapped__(text, language if len(text) <= _MOST_COLOURED else "")
    wanted = set(numbers)
    return [
        CodeLine.model_construct(line=number, telling=False, pieces=list(line))
        for number, line in zip(everything, pieces, strict=False)
        if number in wanted
    ]


def _symbols(chunks: list[Chunk]) -> list[SymbolEntry]:
    found = {
        (chunk.qualified_name, chunk.span.start): SymbolEntry(
            name=chunk.qualified_name,
            kind=chunk.kind,
            line=Match("", _NOWHERE, chunk, 0.0).line,
            end_line=chunk.span.end,
            signature=chunk.signature,
        )
        for chunk in chunks
        if chunk.qualified_name and not chunk.part
    }
    return [entry for _, entry in sorted(found.items(), key=lambda item: (item[0][1], -item[1].end_line))]
