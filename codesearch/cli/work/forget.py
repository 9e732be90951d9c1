"""What ``codesearch forget`` does: delete indexes."""

from __future__ import annotations

from pathlib import Path

from codesearch.cli.console import say
from codesearch.errors import RepositoryNotFound
from codesearch.settings import load_settings
from codesearch.upkeep.status import forget_all, forget_repository

__all__ = ["forget_indexes"]


def forget_indexes(paths: list[str], folder: Path | None, everything: bool, vectors: bool) -> None:
    """Delete indexes.

    Args:
        paths: Of the repositories; none for the one here, unless only vectors are to go.
        folder: Of all indexes; None for the default.
        everything: Delete all indexes instead.
        vectors: Delete the vectors that are kept for all repositories, too.

    Raises:
        RepositoryNotFound: A repository is not indexed.
    """
    settings = load_settings()
    indexes = folder or settings.indexes
    if everything:
        say(f"forgot {forget_all(indexes)} indexes")
    elif paths or not vectors:
        for location in paths or ["."]:
            root = forget_repository(location, settings, indexes)
            if root is None:
                raise RepositoryNotFound(f"{location} is not indexed: `codesearch status --all` lists what is")
            say(f"forgot {root}")
    if vectors:
        size = sum(file.stat().st_size for file in settings.cache.glob("vectors.db*"))
        for file in settings.cache.glob("vectors.db*"):
            file.unlink()
        say(f"forgot {size / 1e6:,.1f} MB of vectors")
