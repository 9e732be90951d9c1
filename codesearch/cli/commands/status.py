"""``codesearch status``: what is indexed, and how fresh it is."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from codesearch.cli.inputs import resolve_index_folder
from codesearch.cli.options import IndexDir
from codesearch.settings import load_settings
from codesearch.upkeep.status import all_statuses, brief_line, repository_status, skipped_lines, status_lines
from codesearch.upkeep.targets import find_target

__all__ = ["status"]


def status(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="A repository, or a folder in it.")] = "",
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
    settings = load_settings()
    indexes = resolve_index_folder(index_dir)
    if everything:
        statuses = all_statuses(indexes or settings.indexes)
        print(json.dumps(statuses) if as_json else "\n".join(map(brief_line, statuses)) or "nothing is indexed")
        return
    repository = find_target(path, indexes=indexes or settings.indexes, cache=settings.cache, refresh=False).repository
    found = repository_status(repository, load_settings(repository.root), indexes=indexes)
    if as_json:
        print(json.dumps(found))
    else:
        print("\n".join(skipped_lines(found) if skipped else status_lines(found)))
