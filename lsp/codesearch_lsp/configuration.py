"""What the client configured: ``initializationOptions``, and the section ``codesearch`` of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from codesearch.settings import DEVICES

__all__ = ["MOST_RESULTS", "Configuration", "read_configuration"]

MOST_RESULTS: Final = 1_000
"""No answer holds more: nobody reads further, and each result carries its source text."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a client; docs/design/lsp.md says what each is for.

    Attributes:
        limit: Results of a question that names no number.
        device: What computes vectors; one of `codesearch.settings.DEVICES`.
        model: Model directory or name; None for what `codesearch.toml` says, else the shipped model.
        include: Patterns that a file must match, in gitignore syntax; () for all files.
        exclude: Patterns that a file must not match.
        index_dir: Folder of all indexes; None for the one in the user's cache.
        code_lens: Whether functions carry a lens "similar code".
        hover: Whether hovering shows the nearest documented relatives.
        unsaved_buffers: Whether open documents are searched as they stand.
        index_on_start: Whether folders are indexed when they are opened.
    """

    limit: int = 20
    device: str = "auto"
    model: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    index_dir: str | None = None
    code_lens: bool = False
    hover: bool = False
    unsaved_buffers: bool = True
    index_on_start: bool = True


_NAMES: Final = {
    "limit": "limit",
    "device": "device",
    "model": "model",
    "include": "include",
    "exclude": "exclude",
    "indexDir": "index_dir",
    "codeLens": "code_lens",
    "hover": "hover",
    "unsavedBuffers": "unsaved_buffers",
    "indexOnStart": "index_on_start",
}


def read_configuration(given: object, before: Configuration) -> tuple[Configuration, list[str]]:
    """Read what a client sent over the settings that held before.

    A client's own further settings (where the server lies, say) come in the same section and are passed over.

    Args:
        given: What the client sent; None for nothing.
        before: Kept wherever nothing, or nothing usable, was sent.

    Returns:
        The settings, and a sentence about each value that could not be used.
    """
    if given is None:
        return before, []
    if not isinstance(given, Mapping):
        return before, [f"the settings of codesearch must be an object, not {given!r:.80}"]
    changes: dict[str, Any] = {}
    problems = []
    for name, field in _NAMES.items():
        if name not in given:
            continue
        value, wanted = _checked(field, given[name])
        if wanted:
            problems.append(f"codesearch.{name} must be {wanted}, not {given[name]!r:.80}: it was left as it was")
        else:
            changes[field] = value
    return replace(before, **changes), problems


def _checked(field: str, value: object) -> tuple[object, str]:
    """Return the value as it is kept, and what it should have been if it cannot be used."""
    if field == "limit":
        usable = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_RESULTS
        return value, "" if usable else f"a whole number from 1 to {MOST_RESULTS}"
    if field == "device":
        return value, "" if value in DEVICES else f"one of {', '.join(DEVICES)}"
    if field in ("model", "index_dir"):
        usable = value is None or (isinstance(value, str) and "\0" not in value)
        return value or None, "" if usable else "a string or null"
    if field in ("include", "exclude"):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value), ""
        return value, "a list of strings"
    return value, "" if isinstance(value, bool) else "true or false"
