"""What ``codesearch export`` and ``codesearch import`` do: an index in one file."""

from __future__ import annotations

import time
from pathlib import Path

from codesearch.cli.choices import IndexAccess
from codesearch.cli.console import follow, say, summary, tell
from codesearch.cli.inputs import find_named, load_access_settings, make_lazy_encoder, plan_jobs
from codesearch.errors import InputError, ModelError
from codesearch.portable import Description, export_index, import_index, relate, relation_text
from codesearch.upkeep.asking import Surface, consult
from codesearch.upkeep.status import model_id

__all__ = ["export_to", "import_from"]


def export_to(file: Path, path: str, access: IndexAccess) -> None:
    """Write the index of the repository at a path to a file.

    Raises:
        CodesearchError: The path names a part of a repository, or the file cannot be written.
    """
    (target,) = find_named(access, [path] if path else [])
    if target.below:
        raise InputError(f"an index is exported whole: name {target.repository.root} instead of a part of it")
    written = consult(
        plan_jobs(access, [target]),
        lambda snapshots: export_index(snapshots[0], file),
        make_lazy_encoder(load_access_settings(access)) if access.dense else None,
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        refresh=access.refresh,
        encode_seconds=None,
    )
    if written.pending:
        tell(f"{written.pending:,} texts are not encoded, and will be found by their words only")
    say(f"{file}: {_contents(written)}; {file.stat().st_size / 1e6:,.1f} MB")


def import_from(file: Path, name: str | None, access: IndexAccess) -> None:
    """Read an index from a file, and say how it relates to what is here.

    Raises:
        CodesearchError: The file cannot be used.
    """
    settings = load_access_settings(access)
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
