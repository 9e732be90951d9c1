"""``codesearch version``: the versions of codesearch and of its parts."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from codesearch.upkeep.status import versions

__all__ = ["version"]


def version(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the versions of codesearch and of its parts.

    \b
    Examples:
      codesearch version --json
    """  # noqa: D301 - the backspace character tells click to keep the lines
    found = versions()
    print(json.dumps(found) if as_json else "\n".join(f"{name:<14}{value}" for name, value in found.items()))
