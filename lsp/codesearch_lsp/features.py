"""What editors show beside the code: the action and the lens "similar code", and relatives on hovering."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lsprotocol.types import (
    CodeAction,
    CodeActionParams,
    CodeLens,
    Command,
    Hover,
    HoverParams,
    MarkupContent,
    MarkupKind,
    Position,
)
from pygls.exceptions import JsonRpcException
from pygls.workspace import Workspace

from codesearch.languages import LANGUAGES
from codesearch.records import Chunk
from codesearch.search.location import CODE
from codesearch_lsp.answering import QuestionHandler
from codesearch_lsp.documents import Documents
from codesearch_lsp.requests import SearchRequest, SimilarTarget
from codesearch_lsp.wire import Positions, path_of, uri_of

__all__ = ["code_actions", "code_lenses", "code_of_unnamed", "hover"]

_RELATIVES: Final = 3
_LOOKED_AT: Final = 20
_LEAST_COSINE: Final = 0.5
"""Less alike than this, two functions have little to say about each other."""


def _functions(chunks: Iterable[Chunk]) -> list[Chunk]:
    return [chunk for chunk in chunks if chunk.kind in CODE and chunk.part == 0]


def _command(title: str, uri: str, position: Position) -> Command:
    return Command(title, "codesearch.similar", arguments=[uri, position])


async def code_actions(questions: QuestionHandler, params: CodeActionParams, positions: Positions) -> list[CodeAction]:
    """Return the action "Find code similar to ..." of the innermost function that the cursor is in."""
    uri, line = params.text_document.uri, positions.line_of(params.range.start)
    holding = [c for c in _functions(await questions.chunks_at(uri)) if c.span.start <= line <= c.span.end]
    if not holding:
        return []
    chunk = min(holding, key=lambda chunk: chunk.span.end - chunk.span.start)
    title = f"Find code similar to {chunk.name}" if chunk.name else "Find similar code"
    return [CodeAction(title, command=_command(title, uri, params.range.start))]


async def code_lenses(questions: QuestionHandler, uri: str, positions: Positions) -> list[CodeLens]:
    """Return a lens "similar code" for each function of a document."""
    ranges = [positions.name_range_of(chunk) for chunk in _functions(await questions.chunks_at(uri))]
    return [CodeLens(found, _command("similar code", uri, found.start)) for found in ranges]


async def hover(questions: QuestionHandler, params: HoverParams, positions: Positions) -> Hover | None:
    """Return the nearest relatives that have documentation of the function whose name is pointed at."""
    uri, position = params.text_document.uri, params.position
    for chunk in _functions(await questions.chunks_at(uri)):
        named = positions.name_range_of(chunk)
        if named.start <= position <= named.end:
            break
    else:
        return None
    try:
        answer = await questions.similar_to(
            SimilarTarget(uri=uri, line=position.line), SearchRequest(limit=_LOOKED_AT), positions
        )
    except JsonRpcException:
        return None
    documented = [m for m in answer.matches if m.chunk.documentation and m.score >= _LEAST_COSINE][:_RELATIVES]
    if not documented:
        return None
    lines = [
        f"- [`{m.chunk.qualified_name}`]({uri_of(m.root / m.chunk.path)}#L{m.chunk.span.start}): "
        + m.chunk.documentation.partition("\n")[0]
        for m in documented
    ]
    return Hover(MarkupContent(MarkupKind.Markdown, "Similar, and documented:\n\n" + "\n".join(lines)), named)


async def code_of_unnamed(workspace: Workspace, documents: Documents, target: SimilarTarget) -> SimilarTarget:
    """Return the code at a place of an open document that is no file, such as ``untitled:Untitled-1``.

    Any other target is returned as it is.
    """
    document = workspace.text_documents.get(target.uri) if target.uri and path_of(target.uri) is None else None
    if document is None:
        return target
    language = document.language_id or ""
    text = await documents.definition_in(document.source, language, target.line + 1)
    return SimilarTarget(text=text, language=language if language in LANGUAGES else "")
