"""Where in a tree a change can matter to its index: what somebody who watches a repository looks at.

The rules are those of ``listing.py``, asked of folders and of single paths. Where they cannot be told apart cheaply the
answer is "it may matter": an update that finds nothing to do costs some tens of milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from codesearch.languages import language_of, may_be_text
from codesearch.records import Repository
from codesearch.sources.commands import GitUnavailableError, run
from codesearch.sources.listing import GIT_IGNORE_FILE, OWN_IGNORE_FILE, read_ignore_file
from codesearch.sources.patterns import IgnoreTree, PatternList
from codesearch.sources.rules import FileRules
from codesearch.sources.walk import DEPENDENCIES_AND_CACHES, METADATA

__all__ = ["Scope"]

_RULES: Final = frozenset({GIT_IGNORE_FILE, OWN_IGNORE_FILE, ".gitattributes", "codesearch.toml"})
"""Files that say what is searched, wherever they lie and whatever patterns say of them."""

_IN_GIT: Final = ("", "logs", "refs/heads", "reftable", "info")
_TELLING_IN_GIT: Final = frozenset({"HEAD", "packed-refs", "logs/HEAD", "info/exclude", "info/sparse-checkout"})


class Scope:
    """What of a repository is worth watching.

    Args:
        repository: With its files here; not an imported one.
        rules: What is left out.
    """

    def __init__(self, repository: Repository, rules: FileRules) -> None:
        self._repository = repository
        self._root = os.fspath(repository.root)
        self._include = IgnoreTree.of_patterns(PatternList(rules.include)) if rules.include else None
        self._exclude = IgnoreTree.of_patterns(PatternList(rules.exclude))
        self._git = self._git_folder()

    def _git_folder(self) -> str | None:
        """Return where Git keeps the branch of this work tree, which is elsewhere for a linked one."""
        if not self._repository.is_git:
            return None
        try:
            return os.fsdecode(run(self._repository.root, "rev-parse", "--absolute-git-dir")[1].removesuffix(b"\n"))
        except (GitUnavailableError, OSError):
            return None

    # --- folders --------------------------------------------------------------------------------------------

    def folders(self) -> set[Path]:
        """Return the folders in which a change of a file can matter, those of Git's data among them.

        Left out are folders that the index leaves out, with all below them: ignored and excluded ones, dependencies,
        nested repositories, and whatever lies behind a symbolic link.

        Raises:
            OSError: The root cannot be read.
        """
        found = {Path(folder) for folder in self._walk()}
        if self._git is not None:
            found |= {Path(self._git, name) for name in _IN_GIT if os.path.isdir(os.path.join(self._git, name))}  # noqa: PTH112, PTH118
        return found

    def _walk(self) -> Iterator[str]:
        ignored_by_git = self._folders_ignored_by_git()
        trees = self._trees()
        os.scandir(self._root).close()  # raises where the root cannot be read; further down that is no trouble
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as listing:  # noqa: PTH118
                    entries = {entry.name: entry.is_dir(follow_symlinks=False) for entry in listing}
            except OSError:
                continue
            if folder and (".git" in entries or "pyvenv.cfg" in entries):
                continue
            yield os.path.join(self._root, folder).rstrip(os.sep) or os.sep  # noqa: PTH118
            for name, is_folder in entries.items():
                path = f"{folder}/{name}" if folder else name
                if is_folder and name not in METADATA and path not in ignored_by_git:
                    if any(tree.ignored_folder(path) for tree in trees):
                        continue
                    if self._git is None and name in DEPENDENCIES_AND_CACHES:
                        continue
                    folders.append(path)

    def _folders_ignored_by_git(self) -> set[str]:
        if self._git is None:
            return set()
        try:
            listed = run(
                self._repository.root,
                *("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", "--", "."),
            )[1]
        except (GitUnavailableError, OSError):
            return set()
        return {path[:-1] for path in os.fsdecode(listed).split("\0") if path.endswith("/")}

    def _trees(self) -> list[IgnoreTree]:
        """Return what patterns say, ignore files read anew."""
        root = self._repository.root
        trees = [self._exclude, IgnoreTree(lambda folder: read_ignore_file(root, folder, OWN_IGNORE_FILE))]
        if self._git is None:
            trees.append(IgnoreTree(lambda folder: read_ignore_file(root, folder, GIT_IGNORE_FILE)))
        return trees

    # --- changes --------------------------------------------------------------------------------------------

    def concerned(self, changed: Iterable[str]) -> set[str]:
        """Return those of some absolute paths, changed or gone, whose change may change what is searched."""
        found, inside = set(), {}
        for path in changed:
            if self._git is not None and _below(path, self._git) is not None:
                if self._tells_in_git(_below(path, self._git) or ""):
                    found.add(path)
            elif (relative := _below(path, self._root)) is not None:
                inside[relative] = path
        closed: dict[str, bool] = {"": False}
        inside = {relative: path for relative, path in inside.items() if not self._is_beyond(relative, closed)}
        found |= {path for relative, path in inside.items() if relative.rpartition("/")[2] in _RULES}
        trees = self._trees()
        left = [relative for relative, path in inside.items() if path not in found and self._may_matter(path, trees)]
        ignored = self._ignored_by_git(left)
        return found | {inside[relative] for relative in left if relative not in ignored}

    @staticmethod
    def _tells_in_git(relative: str) -> bool:
        if relative.endswith(".lock"):
            return False
        return relative in _TELLING_IN_GIT or relative.startswith(("refs/heads/", "reftable/"))

    def _is_beyond(self, relative: str, closed: dict[str, bool]) -> bool:
        """Whether a path lies in a nested repository, an environment, Git's own data, or behind a link."""
        folder, _, name = relative.rpartition("/")
        if name in METADATA:
            return True
        known = closed.get(folder)
        if known is None:
            whole = os.path.join(self._root, folder)  # noqa: PTH118
            known = (
                self._is_beyond(folder, closed)
                or os.path.islink(whole)  # noqa: PTH114
                or any(os.path.lexists(os.path.join(whole, mark)) for mark in (".git", "pyvenv.cfg"))  # noqa: PTH118
            )
            closed[folder] = known
        return known

    def _may_matter(self, path: str, trees: list[IgnoreTree]) -> bool:
        """Whether patterns and languages leave it open that a path is searched, or that searched ones lie below it."""
        relative = path[len(self._root) :].lstrip(os.sep)
        if os.path.isdir(path):  # noqa: PTH112
            return not any(tree.ignored_folder(relative) for tree in trees)
        if any(tree.ignores(relative) for tree in trees):
            return False
        if self._include and not self._include.ignores(relative):
            return False
        if language_of(relative) is not None or may_be_text(relative):
            return True
        return not os.path.lexists(path)  # a folder may have had this name

    def _ignored_by_git(self, relative: list[str]) -> set[str]:
        if self._git is None or not relative:
            return set()
        given = b"".join(os.fsencode(path) + b"\0" for path in relative)
        try:
            listed = run(self._repository.root, "check-ignore", "-z", "--stdin", accept=(0, 1), given=given)[1]
        except (GitUnavailableError, OSError):
            return set()
        return set(os.fsdecode(listed).split("\0"))


def _below(path: str, folder: str) -> str | None:
    """Return a path relative to a folder, None if it does not lie below it."""
    prefix = folder.rstrip(os.sep) + os.sep
    return path[len(prefix) :].replace(os.sep, "/") if path.startswith(prefix) else None
