"""The folders of the workspace: what each is to the index, and how its index is doing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from codesearch.errors import CodesearchError, InputError
from codesearch.index.locations import index_directory
from codesearch.search.candidates import Filters
from codesearch.settings import Settings, load_settings
from codesearch.sources import Scope
from codesearch.upkeep.plan import Job, plan
from codesearch.upkeep.targets import Target, find_ignored, find_target, open_ignored
from codesearch_lsp.configuration import Configuration
from codesearch_lsp.requests import SearchRequest

__all__ = [
    "Folder",
    "State",
    "filters_for",
    "find_folder",
    "find_ignored_folders",
    "plan_folder",
    "settings_for",
    "takes_file",
]


class State(StrEnum):
    """How the index of a folder is doing. The values are what ``codesearch.status`` says."""

    MISSING = "missing"
    INDEXING = "indexing"
    ENCODING = "encoding"
    PARTIAL = "partial"
    """Up to date, but for vectors that nobody makes: those texts are found by their words only."""
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True)
class Folder:
    """A folder of the workspace.

    Attributes:
        uri: As the client wrote it.
        name: What the client calls it.
        path: Where it lies.
        target: The repository that holds it, and which part of it the folder is; None until that is found out.
        directory: Of the repository's index.
        state: Of the index.
        message: What there is to say about that; "" as a rule.
        files: In the index.
        chunks: In the index.
        pending: Texts that are still to be encoded.
        dirty: Whether something may have changed since the last update began.
        rebuild: Whether the index is to be built anew.
        update: Number of the update that is under way, 0 for none.
        checked: When the last update ended, on the clock of the event loop.
        around: Of a folder that Git ignores and that a request named: the root of the repository around it. Such a
            folder is searched when it is named, and only then. None for what the client opened.
    """

    uri: str
    name: str
    path: Path
    target: Target | None = None
    directory: Path | None = None
    state: State = State.MISSING
    message: str = ""
    files: int = 0
    chunks: int = 0
    pending: int = 0
    dirty: bool = False
    rebuild: bool = False
    update: int = 0
    checked: float = float("-inf")
    around: Path | None = None

    def holds(self, path: Path) -> bool:
        """Whether a path lies in the folder."""
        return path == self.path or path.is_relative_to(self.path)

    def relative(self, path: Path) -> str | None:
        """Return a path relative to the repository, None if it lies outside or that is not known yet."""
        root = self.target.repository.root if self.target is not None else None
        return path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else None

    def rest(self) -> State:
        """Return the state of the index while nothing is done to it."""
        return State.PARTIAL if self.pending else State.READY

    def status(self) -> dict[str, Any]:
        """Return what ``codesearch.status`` says of it."""
        return {
            "uri": self.uri,
            "name": self.name,
            "state": self.state.value,
            "files": self.files,
            "chunks": self.chunks,
            "pending": self.pending,
            "message": self.message,
        }


def find_folder(path: Path, configuration: Configuration) -> tuple[Target, Path]:
    """Return what a folder is part of, and where the index lies; asks Git, so not for the event loop.

    Raises:
        InputError: There is no such folder, or it is one of those that nobody means to search; or indexes are to lie in
            a home that does not exist.
        CodesearchError: Settings cannot be read.
    """
    if not path.is_dir():
        raise InputError(f"{path} is no folder (any more): open another, or remove it from the workspace")
    if path == Path(path.anchor) or path == Path.home():
        raise InputError(f"{path} is not indexed as a whole: open a project in it")
    settings = load_settings()
    indexes = indexes_of(configuration) or settings.indexes
    target = find_target(str(path), indexes=indexes, cache=settings.cache, refresh=False)
    return target, index_directory(indexes, target.repository.root)


def plan_folder(target: Target, configuration: Configuration) -> Job:
    """Return what an update of a folder's repository is to do; reads settings and the index.

    Raises:
        CodesearchError: Settings cannot be read, or a pattern of the client is none.
    """
    root = target.repository.root
    job = plan(target.repository, settings_for(configuration, root), indexes=indexes_of(configuration))
    # Not remembered by the index: these are the client's, and hold for as long as it says so.
    rules = replace(
        job.rules,
        include=(*job.rules.include, *configuration.include),
        exclude=(*job.rules.exclude, *configuration.exclude),
    )
    return replace(job, rules=rules)


def takes_file(folder: Folder, path: Path, configuration: Configuration) -> bool:
    """Whether an update of a folder's repository would take a file, were it saved; asks Git.

    Where that cannot be told the answer is yes: the document is searched, as it was before anybody asked.
    """
    assert folder.target is not None
    try:
        rules = plan_folder(folder.target, configuration).rules
        return bool(Scope(folder.target.repository, rules).concerned([os.fspath(path)]))
    except (CodesearchError, OSError):
        return True


def settings_for(configuration: Configuration, root: Path | None = None) -> Settings:
    """Return the settings that hold for a repository, or anywhere, those of the client before all others.

    Raises:
        SettingsError: They cannot be read.
    """
    given = {"model": configuration.model, "device": "" if configuration.device == "auto" else configuration.device}
    return load_settings(root, overrides={name: value for name, value in given.items() if value})


def indexes_of(configuration: Configuration) -> Path | None:
    """Return where the client wants indexes to lie; None for the default.

    Raises:
        InputError: In the home of somebody who is not known here.
    """
    if not configuration.index_dir:
        return None
    try:
        return Path(configuration.index_dir).expanduser().absolute()
    except RuntimeError:
        text = f"codesearch.indexDir must be a folder, not {configuration.index_dir!r:.80}: there is no such home"
        raise InputError(text) from None


def find_ignored_folders(
    folders: Sequence[Folder], patterns: Sequence[str], paths: Sequence[Path], configuration: Configuration
) -> dict[Path, Path]:
    """Find the folders that Git ignores and a request names; asks Git, so not for the event loop.

    Args:
        folders: Of the workspace.
        patterns: Of files, relative to the repositories of the folders.
        paths: Folders and files.
        configuration: Of the client.

    Returns:
        The folders, each with the root of the repository around it.
    """
    found: dict[Path, Path] = {}
    cache = settings_for(configuration).cache
    for folder in folders:
        if folder.target is None or folder.around is not None:
            continue
        repository = folder.target.repository
        for target in find_ignored([folder.target], patterns, folder.path, cache=cache):
            found[target.repository.root] = repository.root
        for path in paths:
            if path.is_relative_to(repository.root) and folder.holds(path):
                with suppress(CodesearchError):
                    opened = open_ignored(path, repository, cache=cache)
                    if opened is not repository:
                        found[opened.root] = repository.root
    return found


def filters_for(folder: Folder, asked: SearchRequest, within: Sequence[Path]) -> Filters:
    """Return which chunks of a folder's repository may be found.

    Args:
        folder: Whose repository is found out.
        asked: What was asked for.
        within: Folders that were named, none for all of the folder.

    Raises:
        InputError: A pattern is invalid.
    """
    assert folder.target is not None
    root = folder.target.repository.root
    below = [path.relative_to(root).as_posix() for path in within if path.is_relative_to(root)]
    narrowed = Target(folder.target.repository, tuple(below)) if below and "." not in below else folder.target
    narrowed = replace(narrowed, around=folder.around)
    return narrowed.filters(asked.languages, asked.kinds, asked.paths, tests=asked.tests)
