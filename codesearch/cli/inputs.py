"""From the values of options to what the library takes: settings, repositories, filters, an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.cli.console import cloning
from codesearch.encoders import Encoder, LazyEncoder, load_encoder
from codesearch.errors import InputError, MissingExtra, ModelError, RepositoryNotFound
from codesearch.index.locations import find_imported
from codesearch.languages import language_named
from codesearch.records import Kind, Repository
from codesearch.search.candidates import Filters
from codesearch.settings import Settings, load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import Job, plan
from codesearch.upkeep.targets import Target, find_targets

__all__ = [
    "IndexAccess",
    "MatchFilters",
    "make_lazy_encoder",
    "open_repository_at",
    "resolve_index_folder",
]


@dataclass(frozen=True, slots=True)
class IndexAccess:
    """Where indexes lie, what encodes for them, and whether they are kept current.

    Attributes:
        folder: Folder of all indexes; None for the default.
        device: The option; "" for what the settings say.
        model: The option; None for what the settings say.
        dense: Whether vectors are used, and made.
        refresh: Whether indexes are brought up to date before they are used.
    """

    folder: Path | None
    device: str = ""
    model: str | None = None
    dense: bool = True
    refresh: bool = True

    def load_settings(self, root: Path | None = None) -> Settings:
        """Return the settings of a repository, or those of the user; options are before all else."""
        given = {"device": self.device, "model": self.model}
        return load_settings(root, overrides={name: value for name, value in given.items() if value})

    def find_targets(self, paths: Sequence[str]) -> list[Target]:
        """Return what paths and URLs name; a lone word that names nothing may be a question without quotes.

        Raises:
            RepositoryNotFound: A path is not there, or a clone failed.
            InputError: A path cannot be searched.
        """
        settings = self.load_settings()
        with cloning() as progress:
            try:
                return find_targets(
                    paths,
                    indexes=self.folder or settings.indexes,
                    cache=settings.cache,
                    refresh=self.refresh,
                    progress=progress if self.refresh else None,
                )
            except RepositoryNotFound as error:
                if len(paths) == 1 and not any(mark in paths[0] for mark in "/\\:."):
                    raise RepositoryNotFound(f"{error} (A question of several words needs quotes around it.)") from None
                raise

    def plan_jobs(self, targets: Sequence[Target]) -> list[Job]:
        """Return what has to be done to search each target."""
        return [
            plan(target.repository, self.load_settings(target.repository.root), indexes=self.folder)
            for target in targets
        ]


@dataclass(frozen=True, slots=True)
class MatchFilters:
    """What may be found.

    Attributes:
        languages: Names of languages; none for all.
        kinds: Of code; none for all.
        patterns: ``.gitignore``-style patterns that let a path through; none for all paths.
        tests: Whether files of tests are found: "yes", "no" or "only".
    """

    languages: Sequence[str] = ()
    kinds: Sequence[Kind] = ()
    patterns: Sequence[str] = ()
    tests: str = ""

    def within(self, target: Target) -> Filters:
        """Return the filters for a target, of which a part may be searched only.

        Raises:
            InputError: A language is not known, or a pattern is invalid.
        """
        languages = map(language_named, self.languages)
        return target.filters(languages, self.kinds, self.patterns, tests=self.tests, here=Path.cwd())


def resolve_index_folder(index_dir: Path | None) -> Path | None:
    """Return where ``--index-dir`` says that indexes lie; None for the default."""
    return None if index_dir is None else index_dir.absolute()


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
