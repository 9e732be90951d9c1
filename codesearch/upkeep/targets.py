"""What a question is about: from paths and URLs to indexed repositories, and the parts of them that were named."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.errors import CodesearchError, InputError, RepositoryNotFound
from codesearch.index.locations import find_imported, find_index, index_directory, list_indexes
from codesearch.records import Kind, Repository
from codesearch.search.candidates import Filters
from codesearch.search.location import Place, place_in_file
from codesearch.search.tests_choice import tests_matcher
from codesearch.sources import (
    Discovery,
    Progress,
    discover,
    find_repository,
    open_repository,
    passes_over,
    path_matcher,
)

__all__ = [
    "IndexedRepositories",
    "Target",
    "find_ignored",
    "find_indexed",
    "find_place_target",
    "find_target",
    "find_targets",
    "open_ignored",
]


@dataclass(frozen=True, slots=True)
class Target:
    """A repository to ask, and what of it was named.

    Attributes:
        repository: The repository.
        below: The folders or files of it that were named; () for all of it.
        around: Root of the repository that ignores this folder; patterns are relative to it. None as a rule.
    """

    repository: Repository
    below: tuple[str, ...] = ()
    around: Path | None = None

    @property
    def contains(self) -> Callable[[str], bool] | None:
        """Says of a path of the repository whether it was named; None where all of them were."""
        if not self.below:
            return None
        return lambda path: any(path == part or path.startswith(part + "/") for part in self.below)

    def filters(
        self,
        languages: Iterable[str] = (),
        kinds: Iterable[Kind] = (),
        patterns: Iterable[str] = (),
        *,
        tests: str = "",
        here: Path | None = None,
    ) -> Filters:
        """Return which chunks may be found: of these languages and kinds, in what was named.

        Args:
            languages: Names of ``codesearch.languages``; none for all.
            kinds: None for all.
            patterns: That let a path through, see ``codesearch.sources.path_filters``; none for all.
            tests: "no" to leave files of tests out, "only" to find nothing else, "" or "yes" for all files.
            here: Folder that a pattern which begins with ``./`` is relative to; None for the repository's root.

        Raises:
            InputError: A pattern is invalid, or there is no such choice of tests.
        """
        given = tuple(patterns)
        root = None if self.repository.imported else self.repository.root
        around = None
        if self.around is not None:
            around = self.around, self.repository.root.relative_to(self.around).as_posix() + "/"
        needed: list[Callable[[str], bool]] = []
        if self.contains is not None:
            needed.append(self.contains)
        if given:
            top, lead = around or (root, "")
            lets_through = path_matcher(given, top, here)
            needed.append(lambda path: lets_through(lead + path))
        if (chosen := tests_matcher(tests)) is not None:
            needed.append(chosen)
        path = (lambda path: all(lets(path) for lets in needed)) if needed else None
        return Filters(frozenset(languages), frozenset(kinds), path, around)


def find_targets(
    locations: Sequence[str],
    *,
    indexes: Path,
    cache: Path,
    refresh: bool = True,
    progress: Progress | None = None,
) -> list[Target]:
    """Return what several paths and URLs name, each repository once, in the order given.

    Args:
        locations: Paths and URLs; none for the current folder.
        indexes: Folder of all indexes.
        cache: Folder of the user's cache, for clones.
        refresh: Whether to fetch a URL that was cloned before.
        progress: Told about a clone.

    Raises:
        InputError: A URL cannot be cloned safely.
        RepositoryNotFound: There is no such path, or a clone failed.
    """
    named: dict[Path, Target] = {}
    for location in locations or [""]:
        target = find_target(location, indexes=indexes, cache=cache, refresh=refresh, progress=progress)
        known = named.get(target.repository.root)
        if known is not None:
            both = (*known.below, *target.below) if known.below and target.below else ()
            target = Target(target.repository, both)
        named[target.repository.root] = target
    return list(named.values())


def find_target(
    location: str, *, indexes: Path, cache: Path, refresh: bool = True, progress: Progress | None = None
) -> Target:
    """Find the repository that a path lies in; a file or folder inside it that was named narrows the search.

    A name that is no path may be that of an imported index; ``imported:NAME`` is one also where there is such a path.

    The innermost index that holds the path wins, for that is what its user chose to index; where there is
    none, the whole Git work tree. "" is the current folder, and all of the repository that it lies in.
    """
    if not os.path.exists(location or "."):  # noqa: PTH110 - Path.exists raises where a folder may not be entered
        imported = find_imported(indexes, location.removeprefix("imported:"))
        if imported is not None:
            return Target(Repository(imported, location.removeprefix("imported:"), imported=True))
        return Target(open_repository(location, cache=cache, refresh=refresh, progress=progress))
    path = Path(location or ".").absolute().resolve()
    repository = find_repository(path)
    indexed = find_index(indexes, path)
    # An index further out than the Git repository does not hold it: nested repositories are left out there.
    if indexed is not None and (not repository.is_git or indexed.is_relative_to(repository.root)):
        repository = open_repository(indexed, cache=cache)
    if location:
        repository = open_ignored(path, repository, cache=cache)
    below = path.relative_to(repository.root).as_posix() if location else "."
    return Target(repository, () if below == "." else (below,))


def open_ignored(path: Path, repository: Repository, *, cache: Path) -> Repository:
    """Open the folder that Git ignores and somebody named, or that holds the file that was named.

    Args:
        path: Absolute and resolved.
        repository: That holds it.
        cache: Folder of the user's cache.

    Returns:
        The repository itself where Git does not ignore the path.

    Raises:
        InputError: Git ignores a file by itself.
    """
    if not passes_over(repository, path):
        return repository
    folder = path if path.is_dir() else path.parent
    if folder != path and not passes_over(repository, folder):
        raise InputError(
            f"{path} is ignored by Git, and so not indexed: take it out of .gitignore, or read it with another tool"
        )
    return open_repository(folder, cache=cache)


def find_ignored(targets: Sequence[Target], patterns: Iterable[str], here: Path, *, cache: Path) -> list[Target]:
    """Return the folders that Git ignores and patterns name, for no pattern can find them in the index around them.

    Args:
        targets: What is searched; the patterns are of these repositories.
        patterns: What stands before the first wildcard of each is looked at: "vendor" of ``vendor/**/*.py``.
        here: Folder that ``./`` means.
        cache: Folder of the user's cache.

    Returns:
        What is not among the targets, without what lies in another folder that is returned.
    """
    found: dict[Path, Target] = {}
    plain = [lead for lead in map(_lead_of, patterns) if lead]
    for repository in (target.repository for target in targets if plain and not target.repository.imported):
        for lead in plain:
            try:
                path = _path_of(lead, repository.root, here)
                folder = path if path.is_dir() else path.parent
            except (OSError, ValueError):  # no path at all
                continue
            if path.exists() and folder.is_relative_to(repository.root) and passes_over(repository, folder):
                found[folder] = Target(open_ignored(folder, repository, cache=cache), around=repository.root)
    known = {target.repository.root for target in targets}
    return [target for folder, target in found.items() if folder not in known and not found.keys() & {*folder.parents}]


def _lead_of(pattern: str) -> str:
    """Return the folders and the file that a pattern names before its first wildcard; "" for none."""
    if pattern.startswith("!") or "\0" in pattern:
        return ""
    wildcard = _WILDCARD.search(pattern)
    lead = pattern if wildcard is None else pattern[: wildcard.start()].rpartition("/")[0]
    return lead.rstrip("/")


def _path_of(lead: str, root: Path, here: Path) -> Path:
    """Return what a pattern without a wildcard names: an absolute path may be one of the disk or of the repository."""
    if lead.startswith("."):
        beside = Path(os.path.realpath(here / lead))
        return beside if lead.startswith(("./", "../")) or beside.exists() else Path(os.path.realpath(root / lead))
    on_disk = Path(os.path.realpath(lead))
    inside = lead.startswith("/") and on_disk.is_relative_to(root)
    return on_disk if inside else Path(os.path.realpath(root / lead.lstrip("/")))


_WILDCARD = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True, slots=True)
class IndexedRepositories:
    """What of the repositories below a folder can be asked.

    Attributes:
        roots: Of those that have an index, by path, and what tells each from the others: its path below the folder.
        missing: Likewise of the Git repositories that have none.
    """

    roots: dict[Path, str]
    missing: tuple[str, ...]


def find_indexed(folder: Path, indexes: Path) -> IndexedRepositories:
    """Find the indexed repositories in and below a folder, and those that could be indexed.

    Raises:
        InputError: There is no such folder, or it holds no Git repository and nothing that is indexed.
    """
    found = discover(folder)
    work_trees = set(found.work_trees)
    roots = {root for root in work_trees if (index_directory(indexes, root) / "index.db").is_file()}
    for _, manifest in list_indexes(indexes):
        # A folder outside Git may have an index, too. A part of a repository that is asked anyway adds nothing.
        if not isinstance(manifest, CodesearchError) and not manifest.imported:
            root = Path(manifest.root)
            if (
                root.is_relative_to(found.folder)
                and root.is_dir()
                and not work_trees.intersection((root, *root.parents))
            ):
                roots.add(root)
    if not work_trees and not roots:
        raise InputError(nothing_below(found))
    missing = tuple(found.label(root) for root in found.work_trees if root not in roots)
    return IndexedRepositories({root: found.label(root) for root in sorted(roots)}, missing)


def nothing_below(found: Discovery) -> str:
    """Return the sentence that says why there is nothing to do below a folder."""
    if found.bare:
        return (
            f"in and below {found.folder} there are only bare repositories, which hold no files: "
            f"give file://{found.bare[0]}, which is cloned into the cache"
        )
    return f"there is no Git repository in or below {found.folder}: name a folder that is none as a PATH, without --all"


def find_place_target(text: str, *, indexes: Path, cache: Path) -> tuple[Target, Place]:
    """Find the repository and the place that ``path:line``, ``path:line:column`` or ``path:name`` names.

    The longest path that exists is taken, whatever colons are in it; before the path of an imported index stands its
    name, as in its results. A name may be written as its language writes
    it: ``Parser::parse`` and ``Parser#parse`` are ``Parser.parse``.

    Raises:
        InputError: The text names no file, or nothing in it.
    """
    colons = [match.start() for match in re.finditer(":", text)]
    for colon in reversed(colons):
        path, rest = text[:colon], text[colon + 1 :]
        if rest and os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder may not be entered
            target = find_target(path, indexes=indexes, cache=cache, refresh=False)
            return target, place_in_file(target.repository.root, target.below[0], rest)
    for colon in colons:
        name, (path, _, rest) = text[:colon], text[colon + 1 :].partition(":")
        root = find_imported(indexes, name.removeprefix("imported:"))
        if root is not None and path and rest:
            repository = Repository(root, name.removeprefix("imported:"), imported=True)
            return Target(repository), place_in_file(root, path, rest)
    if os.path.isfile(text.rstrip(":")):  # noqa: PTH113
        file = text.rstrip(":")
        raise InputError(f"{file}: name a line or a function of it, such as {file}:12 or {file}:parse")
    if colons:
        raise RepositoryNotFound(f"there is no file {text[: colons[0]]}: name a place as path:line or path:name")
    raise InputError(f'{text[:80]} is no place: name one as path:line or path:name, or give code on stdin with "-"')
