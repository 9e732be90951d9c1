"""Functions in CodeSearchNet's format: what a function is called is in its documentation."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NOUNS = ("intervals", "tokens", "headers", "records", "matrices", "sockets", "colours", "queues", "layouts", "digests")
VERBS = ("filter", "rotate", "encode", "resize", "flush", "quote", "rank", "shuffle", "clip", "invert")


def function(number: int, *, repo: str = "") -> dict[str, Any]:
    """A function of Ruby as CodeSearchNet's files have it."""
    noun, verb = NOUNS[number % 10], VERBS[number // 10 % 10]
    name = f"{verb}_{noun}_{number}"
    docstring = f"Merges the sorted {noun} and then {verb} each group numbered {number}.\n\n"
    docstring += f"@param values [Array] the {noun} to {verb}, in any order\n@return [Array] what is left of them"
    code = f"def {name}(values)\n  kept = values.map {{ |{noun}| {verb}({noun}) }}\n  kept.compact.sort\nend"
    return {
        "repo": repo or f"owner/{number % 4}",
        "path": f"lib/{noun}.rb",
        "func_name": name,
        "original_string": code,
        "language": "ruby",
        "code": code,
        "code_tokens": code.split(),
        "docstring": docstring,
        "docstring_tokens": docstring.split(),
        "sha": "0" * 40,
        "url": f"https://example.org/{repo or 'owner'}/{number}",
    }


def write_split(folder: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a split as CodeSearchNet does, in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "part_0.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
