"""From the values of options to what the library takes: settings, repositories, filters, an encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from codesearch.cli.choices import IndexAccess, MatchFilters
from codesearch.cli.console import cloning
from codesearch.encoders import Encoder, LazyEncoder, load_encoder
from codesearch.errors import InputError, MissingExtra, ModelError, RepositoryNotFound
from codesearch.index.locations import find_imported
from codesearch.languages import language_named
from codesearch.records import Repository
from codesearch.search.candidates import Filters
from codesearch.settings import Settings, load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import Job, plan
from codesearch.upkeep.targets import Target, find_ignored, find_targets

__all__ = [
    "filters_within",
    "find_named",
    "load_access_settings",
    "make_lazy_encoder",
    "open_repository_at",
    "plan_jobs",
    "with_ignored",
]


def load_access_settings(access: IndexAccess, root: Path | None = None) -> Settings:
    """Return the settings of a repository, or those of the user; options are before all else."""
    given = {"device": access.device, "model": access.model}
    return load_settings(root, overrides={name: value for name, value in given.items() if value})


def find_named(access: IndexAccess, paths: Sequence[str]) -> list[Target]:
    """Return what paths and URLs name; a lone word that names nothing may be a question without quotes.

    Raises:
        RepositoryNotFound: A path is not there, or a clone failed.
        InputError: A path cannot be searched.
    """
    settings = load_access_settings(access)
    with cloning() as progress:
        try:
            return find_targets(
                paths,
                indexes=access.folder or settings.indexes,
                cache=settings.cache,
                refresh=access.refresh,
                progress=progress if access.refresh else None,
            )
        except RepositoryNotFound as error:
            if len(paths) == 1 and not any(mark in paths[0] for mark in "/\\:."):
                raise RepositoryNotFound(f"{error} (A question of several words needs quotes around it.)") from None
            raise


def plan_jobs(access: IndexAccess, targets: Sequence[Target]) -> list[Job]:
    """Return what has to be done to search each target."""
    return [
        plan(target.repository, load_access_settings(access, target.repository.root), indexes=access.folder)
        for target in targets
    ]


def with_ignored(access: IndexAccess, targets: Sequence[Target], patterns: Iterable[str]) -> list[Target]:
    """Return the targets, and after them the folders that Git ignores and a pattern names."""
    cache = load_access_settings(access).cache
    return [*targets, *find_ignored(targets, patterns, Path.cwd(), cache=cache)]


def filters_within(wanted: MatchFilters, target: Target) -> Filters:
    """Return the filters for a target, of which a part may be searched only.

    Raises:
        InputError: A language is not known, or a pattern is invalid.
    """
    languages = map(language_named, wanted.languages)
    return target.filters(languages, wanted.kinds, wanted.patterns, tests=wanted.tests, here=Path.cwd())


def open_repository_at(location: str) -> Repository:
    """Return the repository at a path or URL; clone it, with progress, if need be.

    Raises:
        RepositoryNotFound: There is none, or the clone failed.
        InputError: An index of it was imported, and its source is not here.
    """
    settings = load_settings()
    with cloning() as progress:
        try:
            return open_repository(location, cache=settings.cache, progress=progress)
        except RepositoryNotFound as error:
            if find_imported(settings.indexes, location.removeprefix("imported:")) is None:
                raise
            raise InputError(f"{location} was imported, and its source is not here: import a newer file") from error


def make_lazy_encoder(settings: Settings) -> LazyEncoder:
    """Return what loads the encoder that the settings name."""

    def load() -> Encoder:
        try:
            return load_encoder(settings.model, settings.device, threads=settings.threads)
        except (ModelError, MissingExtra) as error:
            raise type(error)(f"{error.args[0].rstrip('.')}; or search by words only, with --no-dense") from error

    return LazyEncoder(load)
