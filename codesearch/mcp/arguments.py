"""What agents write for arguments and did not mean otherwise, and what is said of the rest.

Models write null for "the default", one text where a list of texts is asked for, and halves of characters. All of that
has one meaning, so it is taken; what is left over gets a sentence that a model can act on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

__all__ = ["explain", "mend", "mend_line"]

_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""What escapes half of a character, and as a rule the other half after it."""

_WANTED: Final[Mapping[str, str]] = {
    "bool": "true or false",
    "dict": "an object",
    "int": "a whole number",
    "list": "a list of texts",
    "string": "text",
}


def mend(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they were meant: null is the default, and a single value where a list is meant a list of one.

    Args:
        arguments: As the client sent them.
        schema: JSON schema of the tool's arguments.
    """
    properties = schema.get("properties", {})
    return {
        name: _mend_value(value, properties.get(name, {})) for name, value in arguments.items() if value is not None
    }


def _mend_value(value: Any, wanted: Mapping[str, Any]) -> Any:
    if not any(one.get("type") == "array" for one in (wanted, *wanted.get("anyOf", ()))):
        return value
    if isinstance(value, str):
        value = _read_list(value)
    return [item for item in value if item is not None] if isinstance(value, list) else value


def _read_list(text: str) -> list[Any]:
    """Return a list that was written as text; any other text alone, and none of an empty one."""
    if text.lstrip().startswith("["):  # which a pattern may, too
        try:
            found = json.loads(text)
        except ValueError:
            return [text]
        return found if isinstance(found, list) else [text]
    return [text] if text.strip() else []


def explain(error: ValidationError) -> str:
    """Return in a sentence what is wrong with the first argument that cannot be used."""
    first = error.errors(include_url=False)[0]
    name, kind = str(first["loc"][0]) if first["loc"] else "the arguments", first["type"]
    if kind == "missing":
        return f"{name} is missing"
    wanted = _WANTED.get(kind.partition("_")[0])
    given = repr(first["input"])
    shown = given if len(given) <= 80 else f"{given[:77]}..."
    return f"{name} must be {wanted}, not {shown}" if wanted else f"{name}: {first['msg']}, not {shown}"


def mend_line(line: str) -> str:
    """Return a line of JSON with each half of a character replaced, which the protocol's library drops unanswered."""
    if not _HALF.search(line):
        return line
    try:
        return json.dumps(_replaced(json.loads(line))) + "\n"
    except (ValueError, RecursionError):
        return line


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        return {_replaced(name): _replaced(item) for name, item in value.items()}
    return value
