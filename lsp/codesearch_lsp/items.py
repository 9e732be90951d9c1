"""From matches to what clients show: items of our own requests, and symbols of ``workspace/symbol``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lsprotocol.types import Location, SymbolKind, WorkspaceSymbol

from codesearch.present.render import confidence_object
from codesearch.records import Chunk, Kind, Match
from codesearch.search.notices import Answer, NoticeKind
from codesearch_lsp.wire import Positions, uri_of

__all__ = ["answer_of", "symbol_of"]

_SYMBOL_KINDS: Final[Mapping[Kind, SymbolKind]] = {
    Kind.FUNCTION: SymbolKind.Function,
    Kind.METHOD: SymbolKind.Method,
    Kind.TYPE: SymbolKind.Class,
    Kind.MODULE: SymbolKind.Module,
    Kind.TEXT: SymbolKind.File,
}

_INCOMPLETE: Final = frozenset({NoticeKind.EMBEDDINGS_PENDING, NoticeKind.LEXICAL_MISSING, NoticeKind.OTHER_MODEL})

_LONGEST_NAME: Final = 80


def answer_of(answer: Answer, start: int, limit: int, positions: Positions) -> dict[str, Any]:
    """Return the result of ``codesearch/search``, ``codesearch/similar`` and the commands of the same names.

    Args:
        answer: Of a search for one match more than `start` + `limit`, which tells whether there are more.
        start: The first match to return.
        limit: The most to return.
        positions: Of the client.
    """
    matches = answer.matches[start : start + limit]
    result: dict[str, Any] = {
        "items": [_item(match, positions) for match in matches],
        "notices": [{"kind": notice.kind.value, "text": notice.text} for notice in answer.notices],
        "complete": not any(notice.kind in _INCOMPLETE for notice in answer.notices),
    }
    if len(answer.matches) > start + limit:
        result["cursor"] = str(start + limit)
    return result


def _item(match: Match, positions: Positions) -> dict[str, Any]:
    chunk = match.chunk
    preview, first = _preview(chunk)
    return {
        "uri": uri_of(match.root / chunk.path),
        "range": positions.range_of(chunk),
        "selectionRange": positions.name_range_of(chunk, match.lines, match.declared_at),
        "name": _name(chunk),
        "qualifiedName": chunk.qualified_name,
        "kind": chunk.kind.value,
        "symbolKind": _SYMBOL_KINDS[chunk.kind].value,
        "language": chunk.language,
        "repository": match.repository,
        "path": chunk.path,
        "signature": chunk.signature,
        "documentation": chunk.documentation,
        "score": match.score,
        **({"confidence": confidence_object(match.confidence)} if match.confidence else {}),
        "signals": dict(match.signals),
        "preview": preview,
        "previewLine": positions.lines_of((first,))[0],
        "lines": positions.lines_of(match.lines),
    }


def _preview(chunk: Chunk) -> tuple[str, int]:
    """Return the source text that stands in one piece at the chunk's beginning, and its first line."""
    if not chunk.text_spans:
        return chunk.text, chunk.span.start
    first, last = chunk.text_spans[0].start, chunk.text_spans[0].end
    for span in chunk.text_spans[1:]:
        if span.start != last + 1:
            break
        last = span.end
    return "\n".join(chunk.text.split("\n")[: last - first + 1]), first


def _name(chunk: Chunk) -> str:
    """Return what to call a chunk; never "", for which VS Code's client drops the whole answer."""
    if chunk.name:
        return chunk.name
    first = next((" ".join(line.split()) for line in chunk.text.split("\n") if any(map(str.isalnum, line))), "")
    return first[:_LONGEST_NAME] or chunk.path.rpartition("/")[2]


def symbol_of(match: Match, positions: Positions) -> WorkspaceSymbol:
    """Return a match as a symbol, with a complete location: Helix and JetBrains cannot resolve one later.

    What contains it is named by its type, its path and the first line of its documentation: VS Code compares all but
    the first word of what was typed with that text (docs/design/lsp.md).
    """
    chunk = match.chunk
    within = chunk.qualified_name.removesuffix(chunk.name).rstrip(".") if chunk.name else ""
    summary = chunk.documentation.partition("\n")[0].strip()
    return WorkspaceSymbol(
        name=_name(chunk),
        kind=_SYMBOL_KINDS[chunk.kind],
        location=Location(
            uri_of(match.root / chunk.path), positions.name_range_of(chunk, match.lines, match.declared_at)
        ),
        container_name=" · ".join(part for part in (within, chunk.path, summary) if part),
        data={
            "score": match.score,
            "kind": chunk.kind.value,
            "signature": chunk.signature,
            **({"confidence": match.confidence.level.value} if match.confidence else {}),
        },
    )
