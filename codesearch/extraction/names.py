"""Names and signatures as they are written -> as they are shown."""

from __future__ import annotations

import re

__all__ = ["segments", "signature", "verbatim"]

# A signature is for reading at a glance; a longer one is a generated parameter list or a type's whole body.
_MAX_SIGNATURE = 400

# What is longer is not looked at further than this: the patterns below take the square of the time.
_MAX_HEADER = 4_000
_MAX_NAME = 500

_SPACE = re.compile(r"\s+")
_SEPARATOR = re.compile(r"::|\\|->|[.:#]")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_OPERATOR = re.compile(r"(?<![^\W_])operator(?![^\W])")  # of C++: not a part of a longer name
_CAST_PARAMETERS = re.compile(r"(?<=[\w*&>])\s*\(.*")
_SIGNATURE_END = re.compile(r"(?:\s|[{:=;,\\]|\bdo$|\bthen$|\bwhere$|=>$)+$")
_EMPTY_BODY = re.compile(r"(?<=[\s;)])end$")  # of Lua and Ruby, whose empty functions have no node for the body


def segments(name: str) -> list[str]:
    """Split a written name such as ``A::B<T>::f`` at its separators, without type arguments.

    A quoted name (of a property, of a test) is one segment, and so is a name that is an operator.
    """
    name = _SPACE.sub(" ", name[:_MAX_NAME]).strip()
    if len(name) > 1 and name[0] in "\"'`" and name[-1] == name[0]:
        return [name[1:-1]]
    if name and not re.search(r"\w", name):
        return [name]
    operator = _OPERATOR.search(name)
    last = _CAST_PARAMETERS.sub("", name[operator.start() :]) if operator else ""
    name = name[: operator.start()] if operator else name
    while (shorter := _TYPE_ARGUMENTS.sub("", name)) != name and shorter.strip():
        name = shorter
    found = [part.strip() for part in _SEPARATOR.split(name) if part.strip()]
    return [*found, last] if last else found


def verbatim(name: str) -> str:
    """A written name as one segment, where its separators are parts of it: ``print.shop`` of R, ``main.o`` of Make."""
    name = _SPACE.sub(" ", name[:_MAX_NAME]).strip()
    return name[1:-1] if len(name) > 1 and name[0] in "\"'`" and name[-1] == name[0] else name


def signature(header: str, has_body: bool) -> str:
    """A header on one line, without what leads over to the body.

    Args:
        header: The text from the definition's first word up to its body, attributes and comments cut out.
        has_body: Whether a body follows. Where the grammar found none, the header is all there is: a short
            definition, or a broken one, of which the first line is taken.
    """
    header = header[:_MAX_HEADER].strip()
    line = _SPACE.sub(" ", header)
    if not has_body:
        if len(line) > _MAX_SIGNATURE:
            line = _SPACE.sub(" ", header.partition("\n")[0])
        line = _EMPTY_BODY.sub("", line)
    line = _SIGNATURE_END.sub("", line)
    return line if len(line) <= _MAX_SIGNATURE else line[: _MAX_SIGNATURE - 1].rstrip() + "…"
