"""``codesearch doctor``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import IndexDir

__all__ = ["doctor"]

_check: Callable[[Path | None, bool, bool], None] = Later("codesearch.cli.work.doctor", "print_checks")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, one check a line.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every byte of every index, and compare checksums.")
    ] = False,
    index_dir: IndexDir = None,
) -> None:
    """Check whether everything works here.

    The command checks grammars, model, graphics card, cache and every index. It says how to mend what does not work.
    The exit code is 0 if everything works, and 1 if something does not.

    \b
    Examples:
      codesearch doctor
      codesearch doctor --json
      codesearch doctor --verify
    """  # noqa: D301 - the backspace character tells click to keep the lines
    _check(resolve_index_folder(index_dir), as_json, verify)
