"""From what the user names, a path or a URL, to a :class:`~codesearch.records.Repository`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from codesearch.errors import RepositoryNotFound
from codesearch.records import Repository
from codesearch.sources import clones
from codesearch.sources.clones import Progress
from codesearch.sources.commands import GitUnavailableError, run

__all__ = ["Progress", "find_repository", "is_ignored", "open_repository"]


def open_repository(
    location: str | Path, *, cache: Path, refresh: bool = True, progress: Progress | None = None
) -> Repository:
    """Opens what is to be indexed: a folder, or a Git repository somewhere else.

    A folder is taken as it is named, as ripgrep and ``git grep`` do: one inside a Git work tree becomes a
    repository of its own that is restricted to that folder, with paths relative to it;
    :func:`find_repository` finds the enclosing one. A folder that the enclosing work tree ignores is listed
    without Git, since its user asked for it.

    Args:
        location: A path, or a URL: ``https://``, ``http://``, ``ssh://``, ``file://`` or
            ``user@host:owner/name``.
        cache: Folder of the user's cache; clones lie in its ``clones``.
        refresh: For a URL that was cloned before: whether to fetch. Without a network the earlier clone is
            used.
        progress: Called while cloning with a message and the fraction done (None where it is unknown).

    Raises:
        InputError: The URL is not one that can be cloned safely.
        RepositoryNotFound: No such folder, a bare repository, or a clone that failed.
    """
    if isinstance(location, str) and clones.is_url(location) and not os.path.lexists(location):
        remote = clones.parse_url(location)
        root = clones.clone(remote, cache / "clones", refresh=refresh, progress=progress)
        return Repository(root, remote.name, remote.url, is_git=True)
    root = _existing(location)
    if not root.is_dir():
        raise RepositoryNotFound(f"{root} is a file: give the folder that holds it.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise RepositoryNotFound(f"{root} cannot be read: check its permissions.")
    _refuse_git_folder(root)
    return Repository(root, root.name or str(root), is_git=_lists_with_git(root))


def find_repository(path: str | Path = ".") -> Repository:
    """Finds the repository that a file or folder lies in: the top of its Git work tree, else the folder.

    Raises:
        RepositoryNotFound: There is no such path, or it lies in a bare repository.
    """
    start = _existing(path)
    if not start.is_dir():
        start = start.parent
    _refuse_git_folder(start)
    top = _enclosing_work_tree(start)
    root = top or start
    return Repository(root, root.name or str(root), is_git=top is not None)


def _existing(location: str | Path) -> Path:
    if not str(location) or "\0" in str(location):
        raise RepositoryNotFound("An empty path names no repository: give a folder or a URL.")
    try:
        return Path(location).resolve(strict=True)
    except FileNotFoundError:
        raise RepositoryNotFound(f"There is no {location}: give an existing folder or a URL.") from None
    except UnicodeEncodeError:
        raise RepositoryNotFound(f"{location!r} is no path: it holds half of a character.") from None
    except (
        OSError,
        RuntimeError,
    ) as error:  # a loop of links (RuntimeError before Python 3.13), no permission
        reason = getattr(error, "strerror", None) or "its symbolic links form a loop"
        raise RepositoryNotFound(f"{location} cannot be opened ({reason}): give a readable folder or a URL.") from error


def _with_parents(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents


def _refuse_git_folder(folder: Path) -> None:
    for candidate in _with_parents(folder):
        if (candidate / ".git").exists():
            return
        if all((candidate / part).exists() for part in ("HEAD", "objects", "refs")):
            if candidate.name == ".git":
                raise RepositoryNotFound(f"{candidate} is where Git keeps its data: give {candidate.parent} instead.")
            raise RepositoryNotFound(
                f"{candidate} is a bare Git repository, which has no files to read: give file://{candidate}, "
                f"which is cloned into the cache, or a work tree of it."
            )


def _enclosing_work_tree(folder: Path) -> Path | None:
    """The top of the work tree that `folder` lies in, found as Git finds it but without starting Git."""
    for candidate in _with_parents(folder):
        marker = candidate / ".git"
        if marker.is_file() or os.path.lexists(marker / "HEAD"):
            return candidate
    return None


def is_ignored(path: Path, top: Path) -> bool:
    """Whether Git ignores a file or folder of a work tree; False also where Git cannot be asked.

    Args:
        path: Absolute and resolved, below `top`.
        top: The top of the work tree.
    """
    if path == top:
        return False
    try:
        status, _ = run(top, "check-ignore", "--quiet", "--", f"./{path.relative_to(top).as_posix()}", accept=(0, 1))
    except GitUnavailableError:
        return False  # list_files meets the same trouble, and says so
    return status == 0


def _lists_with_git(root: Path) -> bool:
    top = _enclosing_work_tree(root)
    return top is not None and not is_ignored(root, top)
