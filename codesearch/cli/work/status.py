"""What ``codesearch status`` does: what is indexed, and how fresh it is."""

from __future__ import annotations

import json
from pathlib import Path

from codesearch.settings import load_settings
from codesearch.upkeep.status import all_statuses, brief_line, repository_status, skipped_lines, status_lines
from codesearch.upkeep.targets import find_target

__all__ = ["print_all_statuses", "print_status"]


def print_all_statuses(indexes: Path | None, as_json: bool) -> None:
    """Print a line about every index of a folder, or of the default one."""
    statuses = all_statuses(indexes or load_settings().indexes)
    print(json.dumps(statuses) if as_json else "\n".join(map(brief_line, statuses)) or "nothing is indexed")


def print_status(path: str, indexes: Path | None, skipped: bool, as_json: bool) -> None:
    """Print what is indexed of the repository at a path, or which of its files are left out.

    Raises:
        CodesearchError: The path or the index cannot be used.
    """
    settings = load_settings()
    repository = find_target(path, indexes=indexes or settings.indexes, cache=settings.cache, refresh=False).repository
    found = repository_status(repository, load_settings(repository.root), indexes=indexes)
    if as_json:
        print(json.dumps(found))
    else:
        print("\n".join(skipped_lines(found) if skipped else status_lines(found)))
