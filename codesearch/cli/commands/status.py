"""``codesearch status``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import IndexDir

__all__ = ["status"]

_print_all: Callable[[Path | None, bool], None] = Later("codesearch.cli.work.status", "print_all_statuses")
_print_one: Callable[[str, Path | None, bool, bool], None] = Later("codesearch.cli.work.status", "print_status")


def status(
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="A folder. Without one: the repository around the current folder.")
    ] = "",
    skipped: Annotated[bool, typer.Option("--skipped", help="List the files that are left out, and why.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List every index.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    index_dir: IndexDir = None,
) -> None:
    """Show what is indexed, and how fresh it is.

    The command shows the commit, the model, the age and the size of an index, and how many files it leaves out.

    \b
    Examples:
      codesearch status
      codesearch status --skipped
      codesearch status --all --json
    """  # noqa: D301 - the backspace character tells click to keep the lines
    indexes = resolve_index_folder(index_dir)
    if everything:
        _print_all(indexes, as_json)
    else:
        _print_one(path, indexes, skipped, as_json)
