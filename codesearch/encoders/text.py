"""What of a chunk is encoded; docs/design/encoding.md has the figures by which it was decided."""

from __future__ import annotations

from codesearch.records import Chunk

__all__ = ["document_text"]


def document_text(chunk: Chunk) -> str:
    """Return the text of `chunk` that is encoded: its qualified name, its documentation, its code.

    Splitting identifiers, dropping punctuation and lower-casing are the tokenizer's business, and so is
    cutting at the model's limit: what matters most comes first.
    """
    return "\n".join(part for part in (chunk.qualified_name, chunk.documentation, chunk.code) if part)
