"""Source code in the colours of a terminal. The sole importer of Pygments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

__all__ = ["cut_pieces", "highlight_lines"]

_LEXERS: Final[Mapping[str, tuple[str, dict[str, bool]]]] = {
    "commonlisp": ("common-lisp", {}),
    "dockerfile": ("docker", {}),
    "just": ("makefile", {}),
    "kconfig": ("kconfig", {}),
    "linker-script": ("text", {}),
    "make": ("makefile", {}),
    "php": ("php", {"startinline": True}),
    "terraform": ("terraform", {}),
    "visual-basic": ("vb.net", {}),
}
"""Where Pygments calls a language otherwise than we do, or needs to be told that it sees a part of a file."""

_STYLES: Final[tuple[tuple[_TokenType, str], ...]] = (
    (String.Doc, "2"),
    (Comment, "2"),
    (String, "32"),
    (Number, "36"),
    (Keyword.Constant, "36"),
    (Keyword.Type, ""),
    (Keyword, "35"),
    (Name.Function, "1"),
    (Name.Class, "1"),
    (Name.Decorator, "36"),
)
"""Select-graphic-rendition codes, first fit wins. From the terminal's own palette, and none that is pale on a
light background or dark on a dark one: no yellow, no white, no blue."""

Pieces = list[tuple[str, str]]
"""A line as (code, text) pieces."""


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    name, options = _LEXERS.get(language, (language, {}))
    try:
        return get_lexer_by_name(name, stripnl=False, ensurenl=False, **options)
    except ClassNotFound:
        return None


@lru_cache(maxsize=256)
def _style(token: _TokenType) -> str:
    return next((code for kind, code in _STYLES if token[: len(kind)] == kind), "")


def highlight_lines(lines: Sequence[str], language: str) -> list[Pieces]:
    """Return each line as (code, text) pieces, whose texts joined are the line.

    The lines are read together, so that the middle of a docstring is known to be one.

    Args:
        lines: Consecutive lines without line ends or control characters.
        language: A name of ``codesearch.languages``; one that Pygments does not know is not coloured.
    """
    lexer = _lexer(language)
    if lexer is None:
        return [[("", line)] for line in lines]
    result: list[Pieces] = [[]]
    for token, text in lexer.get_tokens("\n".join(lines)):
        code = _style(token)
        first, *more = text.split("\n")
        result[-1].append((code, first))
        result.extend([(code, part)] for part in more)
    result.extend([] for _ in range(len(lines) - len(result)))
    return result[: len(lines)]


def cut_pieces(pieces: Pieces, room: int) -> Iterator[tuple[str, str]]:
    """Yield the pieces of a line up to `room` characters, the last one "…" if it is longer."""
    total = sum(len(text) for _, text in pieces)
    left = room if total <= room else room - 1
    for code, text in pieces:
        if len(text) >= left:
            yield code, text[:left]
            break
        yield code, text
        left -= len(text)
    if total > room:
        yield "", "…"
