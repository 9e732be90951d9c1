"""How a work tree relates to a commit."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from codesearch.sources.commands import GitUnavailableError, run

__all__ = ["Distance", "distance_to"]


class Distance(NamedTuple):
    """Commits that the work tree at `top` has and a commit has not, and the other way round."""

    top: Path
    ahead: int
    behind: int


def distance_to(folder: Path, commit: str) -> Distance | None:
    """Compare the work tree that a folder lies in with a commit; None where it does not know the commit.

    Args:
        folder: Anywhere.
        commit: Full id.
    """
    try:
        status, _ = run(folder, "cat-file", "-e", f"{commit}^{{commit}}", accept=(0, 1, 128))
        if status:
            return None
        _, counted = run(folder, "rev-list", "--left-right", "--count", f"HEAD...{commit}")
        _, top = run(folder, "rev-parse", "--show-toplevel")
        ahead, behind = map(int, counted.split())
    except (GitUnavailableError, OSError, ValueError):
        return None
    return Distance(Path(top.decode("utf-8", "surrogateescape").rstrip("\n")), ahead, behind)
