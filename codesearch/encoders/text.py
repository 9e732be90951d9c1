"""What of a chunk is encoded. Identifier splitting and lower-casing are the tokenizer's business."""

from __future__ import annotations

from codesearch.records import Chunk

__all__ = ["document_text"]


def document_text(chunk: Chunk) -> str:
    """Return the text of `chunk` that is encoded: its qualified name, then its text."""
    return f"{chunk.qualified_name}\n{chunk.text}" if chunk.qualified_name else chunk.text
