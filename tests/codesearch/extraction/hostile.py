"""Texts that are made to take a grammar long: nesting and repetition, with other names each time.

Names that differ keep a text from being dismissed as the same few characters again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

__all__ = ["SHAPES", "hostile_text"]

_DEPTH: Final = 450
"""Brackets nested as deep as a grammar is asked to read at all, less some."""

Shape = Callable[[int], str]
"""The text of the item of this number."""


def _nested(opening: str, closing: str, depth: int = _DEPTH) -> Shape:
    """A nest of this depth; "#" stands for a number that no other has."""

    def write(number: int) -> str:
        opened = "".join(opening.replace("#", str(number * depth + level)) for level in range(depth))
        return f"{opened} x{number} {closing * depth}\n"

    return write


def _repeated(pattern: str) -> Shape:
    return lambda number: pattern.replace("#", str(number))


SHAPES: Final[Mapping[str, Shape]] = {
    "calls in calls": _nested("f#(", ")"),
    "lists in lists": _nested("[a#, ", "]"),
    "blocks in blocks": _nested("if (a#) {\n", "}\n"),
    "blocks by words": _nested("if a# then begin do\n", " end\n", 2_000),
    "generics never closed": _repeated("A#<B#, "),
    "elements never closed": _repeated('<a# b="#">\n'),
    "brackets never opened": _repeated("a#) ]\n}"),
    "strings never closed": _repeated("x# = \"a# 'b# `c#\n"),
    "comments never closed": _repeated("/* a# (* {- --[[ \n"),
    "here-documents never closed": _repeated("cat <<E# <<'F#'\n"),
    "one long expression": _repeated("a# + b# * -c# && !d# ? e# : "),
    "else and else again": _repeated("else if (a#) b#;\nelif a#:\n"),
    "steps to the right": lambda number: " " * (number % 1_000) + f"a{number}:\n",
    "chains of members": _repeated(".a#::b#->c#"),
    "attributes of nothing": _repeated("@a#(#) #[b#] [[c#]] #if d#\n"),
}
"""What a person who wants to do harm may write, by what it is."""


def hostile_text(shape: str, size: int) -> str:
    """Return a text of a shape, of at least so many characters, up to the end of an item."""
    parts, length = ["x = "], 0
    for number in count():
        if length >= size:
            break
        parts.append(SHAPES[shape](number))
        length += len(parts[-1])
    return "".join(parts)
