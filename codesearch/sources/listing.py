"""Listing a repository: which files are to be searched, and which are left out and why."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codesearch.languages import language_of, may_be_text
from codesearch.records import Repository, SkippedFile, SkipReason, SourceFile
from codesearch.sources.commands import GitUnavailableError
from codesearch.sources.generated import reason_by_name
from codesearch.sources.opening import read_regular
from codesearch.sources.patterns import NO_PATTERNS, IgnoreTree, PatternList, parse_lines
from codesearch.sources.repository import is_ignored
from codesearch.sources.rules import FileRules
from codesearch.sources.walk import DEPENDENCIES_AND_CACHES, walk
from codesearch.sources.worktree import Status, WorkTree

__all__ = ["GIT_IGNORE_FILE", "OWN_IGNORE_FILE", "Listing", "list_files", "passes_over", "read_ignore_file"]

OWN_IGNORE_FILE = ".codesearchignore"
GIT_IGNORE_FILE = ".gitignore"
_MAX_IGNORE_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one moment. No path is in it twice.

    Attributes:
        files: What is to be searched, sorted by path.
        skipped: What is left out, sorted by path. A whole folder is one entry whose path ends in "/"; files
            in no known language are one entry per suffix, with a path such as ``*.png`` and their number as
            the detail; those that no include pattern matches are one entry with the path ``*``.
            What Git ignores is not listed.
        commit: The commit that is checked out; None outside Git, or before the first commit.
        dirty: Whether the work tree or the index differs from that commit below the root.
        notice: What the user should know about how the files were found; "" as a rule.
    """

    files: tuple[SourceFile, ...]
    skipped: tuple[SkippedFile, ...]
    commit: str | None
    dirty: bool
    notice: str = ""


def list_files(repository: Repository, rules: FileRules) -> Listing:
    """Lists a repository. No content is read but that of ignore files.

    In a Git work tree: what Git tracks, and what is untracked and not ignored. Elsewhere, and where Git is
    missing or refuses the repository (`notice` says so): a walk that gives ``.gitignore`` files the meaning
    that Git gives them. On top of both, ``.codesearchignore`` files (the same syntax, in any folder) and
    `rules` leave out more; they cannot bring back what Git ignores.

    Raises:
        RepositoryNotFound: The root cannot be read.
    """
    notice = ""
    if repository.is_git:
        try:
            return _list_work_tree(repository.root, rules)
        except GitUnavailableError as error:
            notice = f"{error} The files were found without Git."
    return _list_folder(repository.root, rules, notice)


def passes_over(repository: Repository, path: Path) -> bool:
    """Whether a repository's listing passes over a file or folder: Git ignores it, or would if there were Git.

    Args:
        repository: That holds it.
        path: Absolute and resolved.
    """
    if repository.is_git:
        return is_ignored(path, repository.root)
    relative = path.relative_to(repository.root).as_posix()
    if relative == ".":
        return False
    tree = IgnoreTree(lambda folder: read_ignore_file(repository.root, folder, GIT_IGNORE_FILE))
    ignored = tree.ignored_folder(relative) if path.is_dir() else tree.ignores(relative)
    return bool(ignored) or not DEPENDENCIES_AND_CACHES.isdisjoint(relative.split("/"))


def _list_work_tree(root: Path, rules: FileRules) -> Listing:
    with WorkTree(root) as tree:
        index = tree.tracked()
        statuses = _look_at(root, index.blobs)  # while `git status` looks at the same files
        status = tree.status()
    sieve = _Sieve(root, rules, _own_ignore_tree(root, (*index.blobs, *status.untracked)), statuses)
    for path in index.blobs.keys() - status.gone:
        sieve.add(path)
    for path in status.untracked:
        sieve.add(path)
    for path in status.generated:
        sieve.demote(path, SkipReason.GENERATED, "linguist-generated in .gitattributes")
    for paths, reason in (
        (index.symlinks, SkipReason.SYMLINK),
        (index.submodules, SkipReason.SUBMODULE),
        (status.nested, SkipReason.NESTED_REPOSITORY),
    ):
        for path in paths:
            if path not in status.gone:
                sieve.skip(path, reason)
    blobs = {path: blob for path, blob in index.blobs.items() if path not in status.changed}
    return sieve.listing(blobs, status)


def _list_folder(root: Path, rules: FileRules, notice: str) -> Listing:
    own = IgnoreTree(lambda folder: read_ignore_file(root, folder, OWN_IGNORE_FILE))
    ignored = IgnoreTree(lambda folder: read_ignore_file(root, folder, GIT_IGNORE_FILE))
    sieve = _Sieve(root, rules, own, {})
    for found in walk(root, ignored, sieve.enter):
        if isinstance(found, SkippedFile):
            sieve.skip(found.path, found.reason, found.detail)
        else:
            sieve.add(found)
    return sieve.listing({}, Status(), notice)


def _look_at(root: Path, paths: Iterable[str]) -> dict[str, os.stat_result]:
    """Looks at files without following links; one that cannot be looked at is left out."""
    prefix = _prefix(root)
    statuses = {}
    for path in paths:
        with suppress(OSError):
            statuses[path] = os.lstat(prefix + path)
    return statuses


def _prefix(root: Path) -> str:
    return os.fspath(root).rstrip(os.sep) + os.sep


def _own_ignore_tree(root: Path, paths: Iterable[str]) -> IgnoreTree | None:
    """The ``.codesearchignore`` files among `paths`, and that of the root, which Git may be told to ignore.

    None if there is no such file, which saves asking it about every path.

    Looking for one in each of 13,000 folders would cost as much as ``git status``.
    """
    holders = {path.rpartition("/")[0] for path in paths if path.endswith("/" + OWN_IGNORE_FILE)}
    if os.path.lexists(_prefix(root) + OWN_IGNORE_FILE):
        holders.add("")
    if not holders:
        return None

    def load(folder: str) -> PatternList:
        return read_ignore_file(root, folder, OWN_IGNORE_FILE) if folder in holders else NO_PATTERNS

    return IgnoreTree(load)


def read_ignore_file(root: Path, folder: str, name: str) -> PatternList:
    """The patterns of one ignore file. Like Git, does not follow it if it is a symbolic link."""
    path = f"{folder}/{name}" if folder else name
    try:
        os.lstat(_prefix(root) + path)  # nearly always missing: found out at a tenth of a safe open's cost
        return PatternList(parse_lines(read_regular(root, path, _MAX_IGNORE_FILE_BYTES)))
    except OSError:
        return NO_PATTERNS


class _Sieve:
    """Sorts paths into files to search and files to leave out."""

    def __init__(
        self, root: Path, rules: FileRules, own: IgnoreTree | None, statuses: dict[str, os.stat_result]
    ) -> None:
        self._prefix = _prefix(root)
        self._statuses = statuses
        self._most_bytes = rules.most_bytes
        self._include = IgnoreTree.of_patterns(PatternList(rules.include)) if rules.include else None
        self._exclude = IgnoreTree.of_patterns(PatternList(rules.exclude)) if rules.exclude else None
        self._own = own
        self._found: dict[str, os.stat_result] = {}
        self._skipped: dict[str, SkippedFile] = {}
        self._unknown: Counter[str] = Counter()
        self._excluded: Counter[tuple[str, str]] = Counter()
        self._not_included = 0

    def enter(self, folder: str) -> bool:
        """Whether a walk has to go into a folder; one that is excluded is noted here."""
        for tree, by in ((self._exclude, "--exclude"), (self._own, OWN_IGNORE_FILE)):
            if tree and tree.ignored_folder(folder):
                self.skip(folder + "/", SkipReason.EXCLUDED, by)
                return False
        return True

    def skip(self, path: str, reason: SkipReason, detail: str = "") -> None:
        self._skipped[path] = SkippedFile(path, reason, detail)

    def demote(self, path: str, reason: SkipReason, detail: str) -> None:
        """Leaves out a file that was to be searched."""
        if self._found.pop(path, None):
            self.skip(path, reason, detail)

    def add(self, path: str) -> None:
        """Sorts one file in."""
        if self._is_excluded(path):
            return
        if self._include and not self._include.ignores(path):
            self._not_included += 1
            return
        if by_name := reason_by_name(path):
            self.skip(path, *by_name)
            return
        if language_of(path) is None and not may_be_text(path):
            self._unknown[_suffix(path)] += 1
            return
        try:
            status = self._statuses.get(path) or os.lstat(self._prefix + path)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self.skip(path, SkipReason.UNREADABLE, getattr(error, "strerror", None) or str(error))
            return
        if unwanted := self._unwanted(path, status):
            self.skip(path, *unwanted)
        else:  # what a name does not tell, the content does when it is read
            self._found[path] = status

    def _is_excluded(self, path: str) -> bool:
        for tree, by in ((self._exclude, "--exclude"), (self._own, OWN_IGNORE_FILE)):
            if tree and tree.ignores(path):
                folder = tree.ignored_folder(path.rpartition("/")[0])
                if folder:
                    self._excluded[folder + "/", by] += 1
                else:
                    self.skip(path, SkipReason.EXCLUDED, by)
                return True
        return False

    def _unwanted(self, path: str, status: os.stat_result) -> tuple[SkipReason, str] | None:
        if stat.S_ISLNK(status.st_mode):
            return SkipReason.SYMLINK, ""
        if not stat.S_ISREG(status.st_mode):
            return SkipReason.SPECIAL, ""
        if status.st_size > self._most_bytes(path):
            return SkipReason.TOO_LARGE, f"{status.st_size:,} bytes"
        if status.st_size == 0:
            return SkipReason.EMPTY, ""
        return None

    def listing(self, blobs: dict[str, str], status: Status, notice: str = "") -> Listing:
        """What was found; a file's blob is taken from `blobs`, if it is there."""
        for (folder, by), count in self._excluded.items():
            self.skip(folder, SkipReason.EXCLUDED, f"{by}, {_files(count)}")
        for suffix, count in self._unknown.items():
            self.skip(f"*{suffix}", SkipReason.UNKNOWN_LANGUAGE, _files(count))
        if self._not_included:
            self.skip("*", SkipReason.NOT_INCLUDED, _files(self._not_included))
        files = tuple(
            SourceFile(path, found.st_size, found.st_mtime_ns, blobs.get(path, ""))
            for path, found in sorted(self._found.items())
        )
        skipped = tuple(skipped for path, skipped in sorted(self._skipped.items()) if path not in self._found)
        return Listing(files, skipped, status.commit, status.dirty, notice)


def _suffix(path: str) -> str:
    """The lower-case suffix of a file name, with its dot; "" for a name without one."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem and suffix else ""


def _files(count: int) -> str:
    return f"{count:,} file" if count == 1 else f"{count:,} files"
