"""How far matches have to be believed to be shown: what surfaces take as text."""

from __future__ import annotations

from codesearch.errors import InputError
from codesearch.records import LEVELS, Level

__all__ = ["read_level"]


def read_level(choice: str, name: str) -> Level:
    """Return the level of a choice; "" is the last, which every match reaches.

    Args:
        choice: One of `LEVELS`, in any case, or "".
        name: What the parameter is called, for the message.

    Raises:
        InputError: There is no such level.
    """
    if not choice:
        return Level.GUESS
    try:
        return Level(choice.lower())
    except ValueError:
        raise InputError(f"{name} must be one of {', '.join(LEVELS)}, not {choice[:80]!r}") from None
