"""How many columns of a terminal text takes, and cutting it to fit: East Asian characters take two."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.utils import get_cwidth

__all__ = ["Pieces", "cut", "cut_left", "fitted", "width"]

Pieces = list[tuple[str, str]]
"""A line as (style, text) pieces, styles as prompt_toolkit writes them."""


def width(text: str) -> int:
    """Return the number of columns that text without control characters takes."""
    return len(text) if text.isascii() else sum(map(get_cwidth, text))


def cut(text: str, room: int) -> str:
    """Return text as it is if it fits into `room` columns, else its beginning and "…"."""
    if width(text) <= room:
        return text
    return _beginning(text, room - 1) + "…" if room > 0 else ""


def cut_left(text: str, room: int) -> str:
    """Return text as it is if it fits into `room` columns, else "…" and its end."""
    if width(text) <= room:
        return text
    return "…" + _beginning(text[::-1], room - 1)[::-1] if room > 0 else ""


def _beginning(text: str, room: int) -> str:
    taken = 0
    for position, character in enumerate(text):
        taken += width(character)
        if taken > room:
            return text[:position]
    return text


def fitted(pieces: Iterable[tuple[str, str]], room: int, *, fill: bool = True) -> Pieces:
    """Return a line of `room` columns: cut, the last piece then ending in "…", or filled up with spaces if wanted."""
    pieces = list(pieces)
    cutting = sum(width(text) for _, text in pieces) > room
    left = room - 1 if cutting else room
    result: Pieces = []
    for style, text in pieces:
        part = _beginning(text, left)
        if part:
            result.append((style, part))
        left -= width(part)
        if part != text:
            break
    if cutting and room > 0:
        result.append(("", "…"))
    if fill and left > 0:
        result.append(("", " " * left))
    return result
