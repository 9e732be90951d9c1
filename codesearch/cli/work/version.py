"""What ``codesearch version`` does: the versions of codesearch and of its parts."""

from __future__ import annotations

import json

from codesearch.upkeep.status import versions

__all__ = ["print_versions"]


def print_versions(as_json: bool) -> None:
    """Print the versions."""
    found = versions()
    print(json.dumps(found) if as_json else "\n".join(f"{name:<14}{value}" for name, value in found.items()))
