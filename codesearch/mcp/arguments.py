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

_TESTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("false", "exclude", "none", "never", "without"), "no"),
    **dict.fromkeys(("true", "include", "all", "both", "with", ""), "yes"),
}

_WANTED: Final[Mapping[str, str]] = {
    "bool": "true or false",
    "dict": "an object",
    "int": "a whole number",
    "list": "a list of texts",
    "string": "text",
}


def mend(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they were meant.

    Null and an empty number are the default. A single value where a list is meant is a list of one, and a list of one
    where a single text is meant is that text. Kinds and languages may stand in one text with commas between them.

    Args:
        arguments: As the client sent them.
        schema: JSON schema of the tool's arguments.
    """
    properties = schema.get("properties", {})
    return {
        name: _mend_value(name, value, properties.get(name, {}))
        for name, value in arguments.items()
        if value is not None and not (value == "" and "integer" in _types(properties.get(name, {})))
    }


def _types(wanted: Mapping[str, Any]) -> list[str]:
    return [str(one.get("type")) for one in (wanted, *wanted.get("anyOf", ()))]


def _mend_value(name: str, value: Any, wanted: Mapping[str, Any]) -> Any:
    types = _types(wanted)
    if name == "tests":
        return _TESTS.get(str(value).strip().lower(), value)
    if "integer" in types and isinstance(value, bool):
        return str(value)  # which is refused: true is no line
    if "array" not in types:
        return value[0] if isinstance(value, list) and len(value) == 1 and "string" in types else value
    if isinstance(value, str):
        value = _read_list(value)
    if not isinstance(value, list):
        return value
    if name in ("kinds", "languages"):
        value = [part for item in value for part in (item.split(",") if isinstance(item, str) else [item])]
        value = [part.strip() if isinstance(part, str) else part for part in value if part != ""]
    return [item for item in value if item is not None]


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
