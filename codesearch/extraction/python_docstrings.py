"""The docstring of a Python function, found by Python's tokenizer: Python 2 and truncated sources work, too."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

__all__ = ["cut_docstring"]

_LAYOUT = frozenset({tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.COMMENT})


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
