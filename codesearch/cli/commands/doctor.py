"""``codesearch doctor``: whether everything works here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from codesearch.cli.inputs import resolve_index_folder
from codesearch.cli.options import IndexDir
from codesearch.present.render import visible
from codesearch.settings import load_settings
from codesearch.upkeep.doctor import Outcome, examine

__all__ = ["doctor"]


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
    failed = False
    for check in examine(load_settings(), indexes=resolve_index_folder(index_dir), verify=verify):
        failed |= check.outcome is Outcome.FAILED
        if as_json:
            print(json.dumps(asdict(check)))
        else:
            print(f"{check.outcome.value:<7}{visible(check.name)}: {visible(check.says)}")
            if check.mend:
                print(f"       -> {visible(check.mend)}")
    if failed:
        raise typer.Exit(1)
