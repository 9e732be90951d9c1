"""``codesearch forget``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import IndexDir, Paths

__all__ = ["forget"]

_forget: Callable[[list[str], Path | None, bool, bool], None] = Later("codesearch.cli.work.forget", "forget_indexes")


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
    _forget(paths or [], resolve_index_folder(index_dir), everything, vectors)
