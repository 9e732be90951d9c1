"""What of a function and of its documentation an evaluation uses: docstring cut or kept, which part asks.

The docstring is the question, so it must not stand in the answer. CodeSearchNet's Python functions contain
theirs (those of its other languages do not), and so do CoSQA's.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from enum import StrEnum

__all__ = ["DocstringRule", "QueryForm", "cut_docstring", "first_paragraph", "strip_comment_markers"]

_MARKER = re.compile(r"^[ \t]*(?://[/!]?|\#+|\*(?!\*))[ \t]?", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n|^[ \t]*@\w+|^[ \t]*:\w+[^:\n]*:", re.MULTILINE)
_LAYOUT = frozenset({tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.COMMENT})


class DocstringRule(StrEnum):
    """Whether a function keeps the docstring that stands in its body."""

    CUT = "cut"
    KEPT = "kept"


class QueryForm(StrEnum):
    """What is asked."""

    QUESTION = "the question as it was asked"
    FIRST_PARAGRAPH = "first paragraph of the docstring"
    WHOLE = "whole docstring"


def cut_docstring(code: str) -> str:
    """Return the source of a Python function without its docstring, everything else as it was.

    Only the tokens up to the docstring's end are looked at, so Python 2 and truncated functions work.
    A source that is not a function with a docstring comes back unchanged.
    """
    span = _docstring_span(code)
    return code if span is None else code[: span[0]] + code[span[1] :]


def _docstring_span(code: str) -> tuple[int, int] | None:
    """Return the start and end offsets of the docstring in `code`."""
    starts = [0]
    for line in io.StringIO(code):
        starts.append(starts[-1] + len(line))
    span: tuple[int, int] | None = None
    try:
        for token in _body_tokens(code):
            if _is_plain_string(token):
                start = starts[token.start[0] - 1] + token.start[1] if span is None else span[0]
                span = (start, starts[token.end[0] - 1] + token.end[1])
            elif span is None and token.type in _LAYOUT:
                continue
            elif token.type in {tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER} or token.string == ";":
                return span
            else:
                return None  # the string is part of an expression, or there is none
    except (tokenize.TokenError, SyntaxError):  # an unfinished source: what was seen so far counts
        return span
    return span


def _is_plain_string(token: tokenize.TokenInfo) -> bool:
    """Say whether `token` can be (part of) a docstring: f-strings and bytes cannot."""
    prefix = token.string.partition('"')[0].partition("'")[0].lower()
    return token.type == tokenize.STRING and not set(prefix) & {"f", "b"}


def _body_tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens after the colon that ends the header of the function."""
    depth = 0
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    for token in tokens:
        if token.type != tokenize.OP:
            continue
        if token.string in "([{":
            depth += 1
        elif token.string in ")]}":
            depth -= 1
        elif token.string == ":" and depth == 0:
            break
    yield from tokens


def strip_comment_markers(docstring: str) -> str:
    """Return `docstring` without the comment markers of its lines (CodeSearchNet's Go has ``//``)."""
    return _MARKER.sub("", docstring).strip()


def first_paragraph(docstring: str) -> str:
    """Return the text up to the first blank line or tag (``@param``, ``:param x:``), markers stripped.

    Where nothing stands before the first tag (``@return the size``), the whole docstring is returned:
    an empty question would ask for nothing.
    """
    text = strip_comment_markers(docstring)
    paragraph = _PARAGRAPH_END.split(text, maxsplit=1)[0].strip()
    return paragraph or text
