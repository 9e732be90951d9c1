"""``codesearch index``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import All, Device, IndexDir, Model, Paths

__all__ = ["IndexOptions", "index"]


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """What the options ask for.

    Attributes:
        paths: Of what to index; () for here, or for what is below `below`.
        below: Folder whose repositories are indexed as well; None for none.
        access: Of the indexes.
        include: Patterns that were given; None to keep those that are remembered.
        exclude: Likewise.
        rebuild: Whether to start from nothing.
        dry_run: Whether to say only what would be done.
        files: Whether to list every file then.
        watch: Whether to go on for as long as there are changes.
        wait_seconds: How long to wait for another process that writes; -1 for as long as it takes.
        quiet: Whether to print errors only.
    """

    paths: tuple[str, ...]
    below: Path | None
    access: IndexAccess
    include: tuple[str, ...] | None
    exclude: tuple[str, ...] | None
    rebuild: bool
    dry_run: bool
    files: bool
    watch: bool
    wait_seconds: float
    quiet: bool


_bring_up_to_date: Callable[[IndexOptions], None] = Later("codesearch.cli.work.index", "bring_up_to_date_all")


def index(
    paths: Paths = None,
    below: All = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            help="Index only files that match this .gitignore-style pattern. The index remembers it; '' forgets."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave out files that match. The index remembers it; '' forgets.")
    ] = None,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Index words only; encode nothing.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Start from nothing.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Write nothing. Sum up what the index would hold or leave out, and how long that takes."
        ),
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="With --dry-run: list every file that would be indexed, or left out.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Update the index whenever something changes, until Ctrl-C.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail if another process is indexing, instead of waiting.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Index repositories, or bring their indexes up to date.

    The command reads only files that changed, and encodes only texts that are new. Ctrl-C loses nothing.

    \b
    Examples:
      codesearch index
      codesearch index . ../other
      codesearch index --exclude 'vendor/'
      codesearch index --dry-run
      codesearch index --all ..
      codesearch index --watch
    """  # noqa: D301 - the backspace character tells click to keep the lines
    _bring_up_to_date(
        IndexOptions(
            tuple(paths or ()),
            below,
            IndexAccess(resolve_index_folder(index_dir), device, model, dense=not no_dense),
            include=_drop_empty_patterns(include),
            exclude=_drop_empty_patterns(exclude),
            rebuild=rebuild,
            dry_run=dry_run,
            files=files,
            watch=watch,
            wait_seconds=0 if no_wait else -1,
            quiet=quiet,
        )
    )


def _drop_empty_patterns(given: list[str] | None) -> tuple[str, ...] | None:
    """Return patterns that were given; None if none were, which is not the same as an empty one that forgets."""
    return None if given is None else tuple(pattern for pattern in given if pattern)
