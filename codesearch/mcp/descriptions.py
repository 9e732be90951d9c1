"""What agents are told of the tools: their descriptions and schemas, as short as they can be.

A model reads all of it before its first question, in every session. So a schema says of each argument what it is, and
nothing twice: no titles, no null beside what may be left out, no default that is nothing. What is taken is wider than
what is told (`arguments.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

__all__ = [
    "DEFAULT_RESULTS",
    "DEFAULT_TOKENS",
    "INSTRUCTIONS",
    "MOST_RESULTS",
    "MOST_TOKENS",
    "Code",
    "Files",
    "Kinds",
    "Language",
    "Languages",
    "Limit",
    "Line",
    "MaxTokens",
    "MinConfidence",
    "Name",
    "Offset",
    "Place",
    "Query",
    "Tests",
    "Within",
    "lean",
    "lean_answer",
    "refer_to_search",
]

DEFAULT_RESULTS: Final = 5
DEFAULT_TOKENS: Final = 500
MOST_RESULTS: Final = 50
MOST_TOKENS: Final = 20_000

INSTRUCTIONS: Final = (
    "Search the user's project by meaning: ask search_code in plain words (what the code does) or with a name, instead "
    "of guessing words to grep for. It answers with the best places, and code of the first. Read the lines named where "
    "that is not enough. Paths are relative to the project."
)

Query = Annotated[str, Field(description="Plain words, a name, an error or a line of code.")]
Within = Annotated[str, Field(description="Folder or file.")]
Languages = Annotated[list[str] | None, Field(description="python, go.")]
Kinds = Annotated[list[str] | None, Field(description="function, method, type, module, text.")]
Files = Annotated[list[str] | None, Field(description="Patterns as in .gitignore: src/**, !docs/.")]
Tests = Annotated[str, Field(description="no (none) or only.")]
MinConfidence = Annotated[str, Field(description="sure or likely.")]
Limit = Annotated[int, Field(description=f"Results, to {MOST_RESULTS}.")]
Offset = Annotated[int, Field(description="next_offset of the last answer.")]
MaxTokens = Annotated[int, Field(description=f"200 to {MOST_TOKENS}: more shows more code.")]

Place = Annotated[str, Field(description="The function's file, with line or name.")]
Line = Annotated[int | None, Field()]
Name = Annotated[str, Field()]
Code = Annotated[str, Field(description="Instead of a place.")]
Language = Annotated[str, Field(description="Of the snippet.")]


_NOTHING_TO_A_READER: Final = frozenset({"title", "anyOf", "default", "description", "required"})
"""Of an answer, which has all fields, called what they are."""

_SHARED: Final = ("languages", "kinds", "files", "tests", "limit", "offset", "max_tokens")
"""Arguments of two tools, which are described once."""


def lean(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of arguments: a JSON schema without what tells a reader nothing.

    Args:
        schema: As pydantic writes it.
    """
    kept = {name: value for name, value in schema.items() if name not in ("title", "anyOf", "default")}
    if "anyOf" in schema:  # null is left out: where it is given all the same, it means the default
        (kind,) = (kind for kind in schema["anyOf"] if kind.get("type") != "null")
        kept = {**kind, **kept}
    if schema.get("default"):
        kept["default"] = schema["default"]
    if "properties" in kept:
        kept["properties"] = {name: lean(value) for name, value in kept["properties"].items()}
    return kept


def refer_to_search(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lean schema whose arguments that `search_code` has too are described there.

    Args:
        schema: As `lean` returns it.
    """
    arguments = {
        name: {key: said for key, said in value.items() if name not in _SHARED or key != "description"}
        for name, value in schema["properties"].items()
    }
    return {**schema, "properties": arguments}


def lean_answer(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of structured answers: their fields and types.

    Args:
        schema: As pydantic writes it.
    """
    kept = {name: value for name, value in schema.items() if name not in _NOTHING_TO_A_READER}
    if "anyOf" in schema:
        kept["type"] = [kind["type"] for kind in schema["anyOf"]]
    for name in ("properties", "$defs"):
        if name in kept:
            kept[name] = {key: lean_answer(value) for key, value in kept[name].items()}
    return kept
