"""``codesearch export`` and ``codesearch import``: their options, and their help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import Device, IndexDir, Model, NoRefresh

__all__ = ["export", "import_"]

_export: Callable[[Path, str, IndexAccess], None] = Later("codesearch.cli.work.portable", "export_to")
_import: Callable[[Path, str | None, IndexAccess], None] = Later("codesearch.cli.work.portable", "import_from")


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as index.zip.")],
    path: Annotated[
        str,
        typer.Argument(
            metavar="[PATH]", help="A folder or a Git URL. Without one: the repository around the current folder."
        ),
    ] = "",
    no_refresh: NoRefresh = False,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Encode nothing; export what there is.")] = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Write the index of a repository to one file.

    Another machine can search the file without the source; `codesearch import` reads it. The command first updates
    the index and encodes all of it. The file holds the text of the code: keep it like the source.

    \b
    Examples:
      codesearch export index.zip
      codesearch export index.zip ../other
    """  # noqa: D301 - the backspace character tells click to keep the lines
    access = IndexAccess(resolve_index_folder(index_dir), device, model, dense=not no_dense, refresh=not no_refresh)
    _export(file, path, access)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `codesearch export` wrote.")],
    name: Annotated[str | None, typer.Option(help="Call it so, instead of by the repository's name.")] = None,
    index_dir: IndexDir = None,
    model: Model = None,
) -> None:
    """Read an index that was exported elsewhere.

    You search it by its name. It replaces an earlier import of the same name, and stays as it is: import a newer
    file to update it. `codesearch forget NAME` deletes it. The command checks the file and never trusts it.

    \b
    Examples:
      codesearch import index.zip
      codesearch import index.zip --name owner/name
    """  # noqa: D301 - the backspace character tells click to keep the lines
    _import(file, name, IndexAccess(resolve_index_folder(index_dir), model=model))
