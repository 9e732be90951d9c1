"""``codesearch version``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from codesearch.cli.lazy import Later

__all__ = ["version"]

_print: Callable[[bool], None] = Later("codesearch.cli.work.version", "print_versions")


def version(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the versions of codesearch and of its parts.

    \b
    Examples:
      codesearch version --json
    """  # noqa: D301 - the backspace character tells click to keep the lines
    _print(as_json)
