"""``codesearch export`` and ``codesearch import``: an index in one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.console import follow, say, summary, tell
from codesearch.cli.inputs import IndexAccess, make_lazy_encoder, resolve_index_folder
from codesearch.cli.options import Device, IndexDir, Model, NoRefresh
from codesearch.errors import InputError, ModelError
from codesearch.portable import Description, export_index, import_index, relate, relation_text
from codesearch.upkeep.asking import Surface, consult
from codesearch.upkeep.status import model_id

__all__ = ["export", "import_"]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as index.zip.")],
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="A folder or a Git URL. The default is here.")] = "",
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
    (target,) = access.find_targets([path] if path else [])
    if target.below:
        raise InputError(f"an index is exported whole: name {target.repository.root} instead of a part of it")
    written = consult(
        access.plan_jobs([target]),
        lambda snapshots: export_index(snapshots[0], file),
        make_lazy_encoder(access.load_settings()) if access.dense else None,
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        refresh=access.refresh,
        encode_seconds=None,
    )
    if written.pending:
        tell(f"{written.pending:,} texts are not encoded, and will be found by their words only")
    say(f"{file}: {_contents(written)}; {file.stat().st_size / 1e6:,.1f} MB")


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
    access = IndexAccess(resolve_index_folder(index_dir), model=model)
    settings = access.load_settings()
    indexes = access.folder or settings.indexes
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
    try:
        mine = model_id(model)
    except ModelError:
        return
    if description.model_id not in ("", mine):
        tell(
            f"its vectors are of the model {description.model_id}, and {mine or 'none'} is in use here: it will be "
            "searched by words only, unless --model names a directory of the former"
        )
