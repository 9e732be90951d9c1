"""What the commands share: the options that several take, and from their values to settings, targets and encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesearch.cli.console import cloning, say
from codesearch.errors import InputError, MissingExtra, ModelError, RepositoryNotFound
from codesearch.records import Kind, Repository
from codesearch.settings import DEVICES, Settings, load_settings

if TYPE_CHECKING:
    from codesearch.encoders import Encoder, LazyEncoder
    from codesearch.search.candidates import Filters
    from codesearch.upkeep.targets import Target

__all__ = [
    "All",
    "AsJsonLines",
    "AsMarkdown",
    "Context",
    "Device",
    "IndexDir",
    "Kinds",
    "Languages",
    "Limit",
    "Model",
    "NoRefresh",
    "PathPatterns",
    "Paths",
    "encoder_loader",
    "filters_for",
    "find",
    "indexes_folder",
    "language_names",
    "open_location",
    "patterns_of",
    "settings_for",
    "tell",
]


def language_names() -> list[str]:
    """Complete an option that takes a language."""
    from codesearch.languages import LANGUAGES

    return sorted(LANGUAGES)


All = Annotated[
    Path | None,
    typer.Option("--all", metavar="FOLDER", help="Every Git repository in and below this folder, as well as PATHs."),
]
AsJsonLines = Annotated[bool, typer.Option("--json", help="JSON Lines, one match a line.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Markdown, with all of the code.")]
Context = Annotated[int, typer.Option("--context", "-C", min=0, max=1000, help="Lines around.")]
Kinds = Annotated[list[Kind] | None, typer.Option("--kind", help="Only this kind of code.", case_sensitive=False)]
Languages = Annotated[
    list[str] | None, typer.Option("--lang", help="Only this language.", autocompletion=language_names)
]
Limit = Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="Results at most.")]
NoRefresh = Annotated[
    bool, typer.Option("--no-refresh", help="Answer from the index as it is, without looking for changes.")
]
PathPatterns = Annotated[
    list[str] | None, typer.Option("--path", help="Only files that match this .gitignore-style pattern.")
]
Paths = Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Folders or Git URLs; default: here.")]
IndexDir = Annotated[
    Path | None,
    typer.Option("--index-dir", help="Keep indexes in this folder instead of the user's cache."),
]
Device = Annotated[
    str, typer.Option(help=f"What computes vectors: {', '.join(DEVICES)}.", autocompletion=lambda: list(DEVICES))
]
Model = Annotated[str | None, typer.Option(help="Another encoder: a model directory.")]


def tell(text: str) -> None:
    """Say something on stderr, with the program's name before it."""
    say(f"codesearch: {text}")


def patterns_of(given: list[str] | None) -> tuple[str, ...] | None:
    """Return patterns that were given; None if none were, which is not the same as an empty one that forgets."""
    return None if given is None else tuple(pattern for pattern in given if pattern)


def indexes_folder(index_dir: Path | None) -> Path | None:
    """Return where ``--index-dir`` says that indexes lie; None for the default."""
    return None if index_dir is None else index_dir.absolute()


def settings_for(root: Path | None, device: str, model: str | None) -> Settings:
    """Return the settings of a repository, options before all else."""
    given = {"device": device, "model": model}
    return load_settings(root, overrides={name: value for name, value in given.items() if value})


def open_location(location: str) -> Repository:
    """Return the repository at a path or URL; clone it, with progress, if need be."""
    from codesearch.index.locations import find_imported
    from codesearch.sources import open_repository

    settings = load_settings()
    with cloning() as progress:
        try:
            return open_repository(location, cache=settings.cache, progress=progress)
        except RepositoryNotFound as error:
            if find_imported(settings.indexes, location.removeprefix("imported:")) is None:
                raise
            raise InputError(f"{location} was imported, and its source is not here: import a newer file") from error


def encoder_loader(settings: Settings) -> LazyEncoder:
    """Return what loads the encoder that the settings name."""
    from codesearch.encoders import LazyEncoder, load_encoder

    def load() -> Encoder:
        try:
            return load_encoder(settings.model, settings.device, threads=settings.threads)
        except (ModelError, MissingExtra) as error:
            raise type(error)(f"{error.args[0].rstrip('.')}; or search by words only, with --no-dense") from error

    return LazyEncoder(load)


def find(paths: list[str], settings: Settings, indexes: Path | None, *, refresh: bool) -> list[Target]:
    """Return what paths and URLs name; a lone word that names nothing may be a question without quotes."""
    from codesearch.upkeep.targets import find_targets

    with cloning() as progress:
        try:
            return find_targets(
                paths,
                indexes=indexes or settings.indexes,
                cache=settings.cache,
                refresh=refresh,
                progress=progress if refresh else None,
            )
        except RepositoryNotFound as error:
            if len(paths) == 1 and not any(mark in paths[0] for mark in "/\\:."):
                raise RepositoryNotFound(f"{error} (A question of several words needs quotes around it.)") from None
            raise


def filters_for(
    languages: list[str] | None, kinds: list[Kind] | None, patterns: list[str] | None, target: Target
) -> Filters:
    """Return the filters that options ask for, within what the target names."""
    from codesearch.languages import language_named

    return target.filters([language_named(name) for name in languages or ()], kinds or (), patterns or ())
