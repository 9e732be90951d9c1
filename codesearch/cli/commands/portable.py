"""``codesearch export`` and ``codesearch import``: an index in one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesearch.cli.console import follow, say, summary
from codesearch.cli.options import (
    Device,
    IndexDir,
    Model,
    NoRefresh,
    encoder_loader,
    find,
    indexes_folder,
    settings_for,
    tell,
)
from codesearch.errors import InputError, ModelError

if TYPE_CHECKING:
    from codesearch.portable import Description

__all__ = ["export", "import_"]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write, such as index.zip.")],
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="A folder or a Git URL; default: here.")] = "",
    no_refresh: NoRefresh = False,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Encode nothing; export what there is.")] = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Write the index of a repository to one file, to be searched where its source is not.

    The index is brought up to date first, all of it encoded. The file holds the text of the code: keep it like the
    source. `codesearch import` reads it.

    \b
    Examples:
      codesearch export index.zip
      codesearch export index.zip ../other
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.portable import export_index
    from codesearch.upkeep.asking import Surface, consult
    from codesearch.upkeep.plan import plan

    settings, indexes = settings_for(None, device, model), indexes_folder(index_dir)
    (target,) = find([path] if path else [], settings, indexes, refresh=not no_refresh)
    if target.below:
        raise InputError(f"an index is exported whole: name {target.repository.root} instead of a part of it")
    root = target.repository.root
    written = consult(
        [plan(target.repository, settings_for(root, device, model), indexes=indexes)],
        lambda snapshots: export_index(snapshots[0], file),
        None if no_dense else encoder_loader(settings),
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        refresh=not no_refresh,
        encode_seconds=None,
    )
    if written.pending:
        tell(f"{written.pending:,} texts are not encoded, and will be found by their words only")
    say(f"{file}: {_contents(written)}; {file.stat().st_size / 1e6:,.1f} MB")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="That `codesearch export` wrote.")],
    name: Annotated[str | None, typer.Option(help="What to call it, instead of the repository's name.")] = None,
    index_dir: IndexDir = None,
    model: Model = None,
) -> None:
    """Read an index that was exported elsewhere, to be searched by its name.

    An earlier import of the same name is replaced. Nothing is kept up to date: import a newer file for that.
    `codesearch forget NAME` deletes it. The file is checked and never trusted.

    \b
    Examples:
      codesearch import index.zip
      codesearch import index.zip --name owner/name
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.portable import import_index, relate, relation_text

    settings = settings_for(None, "", model)
    indexes = indexes_folder(index_dir) or settings.indexes
    description, called = follow(import_index(file, indexes, name=name), file.name)
    say(f"imported {called}: {_contents(description)}")
    say(f'ask it by name: codesearch ask "..." {_typed(called)}')
    _tell_of_model(description, settings.model)
    for distance in relate(description.commit, indexes, Path.cwd()):
        tell(relation_text(distance))


def _typed(name: str) -> str:
    """Return a name as it has to be typed here, where it may be that of a folder as well."""
    return f"imported:{name}" if Path(name).exists() else name


def _contents(description: Description) -> str:
    made = time.strftime("%Y-%m-%d", time.localtime(description.updated))
    at = f"commit {description.commit[:10]}, {made}" if description.commit else made
    by = f", encoded by {description.model_id}" if description.model_id else ", not encoded"
    return f"{description.files:,} files, {description.chunks:,} chunks as of {at}{by}"


def _tell_of_model(description: Description, model: str | None) -> None:
    from codesearch.upkeep.status import model_id

    try:
        mine = model_id(model)
    except ModelError:
        return
    if description.model_id not in ("", mine):
        tell(
            f"its vectors are of the model {description.model_id}, and {mine or 'none'} is in use here: it will be "
            "searched by words only, unless --model names a directory of the former"
        )
