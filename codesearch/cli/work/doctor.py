"""What ``codesearch doctor`` does: see whether everything works here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

from codesearch.present.render import visible
from codesearch.settings import load_settings
from codesearch.upkeep.doctor import Outcome, examine

__all__ = ["print_checks"]


def print_checks(indexes: Path | None, as_json: bool, verify: bool) -> None:
    """Print what works and what does not.

    Raises:
        typer.Exit: With 1 if something does not work.
    """
    failed = False
    for check in examine(load_settings(), indexes=indexes, verify=verify):
        failed |= check.outcome is Outcome.FAILED
        if as_json:
            print(json.dumps(asdict(check)))
        else:
            print(f"{check.outcome.value:<7}{visible(check.name)}: {visible(check.says)}")
            if check.mend:
                print(f"       -> {visible(check.mend)}")
    if failed:
        raise typer.Exit(1)
