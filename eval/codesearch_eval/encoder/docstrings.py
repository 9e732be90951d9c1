"""What of a function and of its documentation an evaluation uses: docstring cut or kept, which part asks.

The docstring is the question, so it must not stand in the answer. CodeSearchNet's Python functions contain
theirs (those of its other languages do not), and so do CoSQA's.
"""

from __future__ import annotations

from enum import StrEnum

from codesearch.extraction.documentation import first_paragraph, strip_comment_markers

__all__ = ["DocstringRule", "QueryForm", "summary_question"]


class DocstringRule(StrEnum):
    """Whether a function keeps the docstring that stands in its body."""

    CUT = "cut"
    KEPT = "kept"


class QueryForm(StrEnum):
    """What is asked."""

    QUESTION = "the question as it was asked"
    FIRST_PARAGRAPH = "first paragraph of the docstring"
    WHOLE = "whole docstring"


def summary_question(docstring: str) -> str:
    """Return the first paragraph of a docstring, markers stripped.

    Where nothing stands before the first tag (``@return the size``), the whole docstring is returned:
    an empty question would ask for nothing.
    """
    text = strip_comment_markers(docstring)
    return first_paragraph(text) or text
