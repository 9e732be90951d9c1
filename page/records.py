"""Writes ``src/records.ts``, the types of the API's answers, from its description. A test fails where they lag behind.

Run it from the top of the project: ``python page/records.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codesearch.server.openapi import describe

FILE = Path(__file__).parent / "src" / "records.ts"


def typescript() -> str:
    """Return the module."""
    schemas = describe()["components"]["schemas"]
    parts = ["// Written by page/records.py, from the description of the API."]
    for name, schema in sorted(schemas.items()):
        if "enum" in schema:
            parts.append(f"export type {name} = {' | '.join(repr_of(value) for value in schema['enum'])};")
            continue
        members = "".join(f"  {member}: {type_of(one)};\n" for member, one in schema["properties"].items())
        parts.append(f"export interface {name} {{\n{members}}}")
    return "\n\n".join(parts) + "\n"


def type_of(schema: dict[str, Any]) -> str:
    """Return a schema as a type."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(type_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(repr_of(value) for value in schema["enum"])
    kind = schema["type"]
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(type_of(one) for one in schema['prefixItems'])}]"
        return f"Array<{type_of(schema['items'])}>"
    if kind == "object":
        return f"Record<string, {type_of(schema['additionalProperties'])}>"
    return {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}[kind]


def repr_of(value: object) -> str:
    """Return a value of an enumeration."""
    return f'"{value}"'


if __name__ == "__main__":
    FILE.write_text(typescript(), encoding="utf-8")
