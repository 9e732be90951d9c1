"""``codesearch forget``: delete indexes."""

from __future__ import annotations

from typing import Annotated

import typer

from codesearch.cli.console import say
from codesearch.cli.inputs import resolve_index_folder
from codesearch.cli.options import IndexDir, Paths
from codesearch.errors import RepositoryNotFound
from codesearch.settings import load_settings
from codesearch.upkeep.status import forget_all, forget_repository

__all__ = ["forget"]


def forget(
    paths: Paths = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete every index.")] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="Delete the vectors that are kept for all repositories, too.")
    ] = False,
    index_dir: IndexDir = None,
) -> None:
    """Delete indexes, and never the repositories themselves.

    \b
    Examples:
      codesearch forget
      codesearch forget ../other
      codesearch forget --all --vectors
    """  # noqa: D301 - the backspace character tells click to keep the lines
    settings = load_settings()
    indexes = resolve_index_folder(index_dir) or settings.indexes
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
