"""Shallow clones of remote repositories in the user's cache. The sole importer of GitPython.

GitPython makes the clone: it reads Git's progress, and refuses unsafe protocols and options a second time
after :func:`parse_url` has. What touches a clone afterwards runs through
:mod:`codesearch.sources.commands`, because GitPython hands every environment variable on to Git: with the
``GIT_DIR`` and ``GIT_INDEX_FILE`` that Git sets for a hook, a ``reset --hard`` would reset the repository
whose hook started us.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from codesearch.errors import InputError, RepositoryNotFound, StorageError
from codesearch.sources.commands import GitUnavailableError, run_in_clone

__all__ = ["Progress", "Remote", "clone", "is_url", "parse_url"]

Progress: TypeAlias = Callable[[str, float | None], None]
"""Called with what is being done and the fraction done of it, None where that is unknown."""

_SCHEMES = frozenset({"file", "http", "https", "ssh"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|:)")
_SCP_LIKE = re.compile(r"(?P<user>[\w.+-]+)@(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\]):(?P<path>[^:].*)", re.DOTALL)
_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s'\"]*@")
_CONTROLS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ERROR = re.compile(r"(?:remote: )?(?:fatal|error|ERROR|ssh): ?")
_NO_REASONS = ("Cloning into", "warning: ", "Please make sure you have the correct access", "and the repository exists")
_VAGUE = "Could not read from remote repository"
"""Said by Git after each failure of ssh, whose own line before it says more."""

_LONGEST_REASON = 300
_ADVICE = "give https://host/owner/name, git@host:owner/name, ssh://..., or file:///path"


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository that can be cloned.

    Attributes:
        address: What Git is given; may hold a password.
        url: The same without the password: what is shown and stored.
        name: ``owner/name``, the last two parts of its path.
    """

    address: str
    url: str
    name: str

    @property
    def folder(self) -> str:
        """Name of the clone's folder in the cache: readable, and different for every URL."""
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.")[:80]
        return f"{readable}-{hashlib.sha256(self.url.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def is_url(location: str) -> bool:
    """Whether `location` is written like a URL, of a scheme that can be cloned or not."""
    return bool(_URL.match(location) or _SCP_LIKE.fullmatch(location))


def parse_url(location: str) -> Remote:
    """Reads a URL, and refuses one that could make Git do anything but clone.

    Raises:
        InputError: The URL holds white space or control characters; or its scheme is not https, http, ssh
            or file (``ext::`` runs a command); or its host, user or path begins with "-", which ssh or Git
            would take for an option.
    """
    shown = _without_password(location)
    if any(character.isspace() or not character.isprintable() for character in location):
        raise InputError(f"{shown!r} is not a URL that can be cloned: it holds white space or control characters.")
    if scp := _SCP_LIKE.fullmatch(location):
        parts, path = (scp["user"], scp["host"]), scp["path"]
    else:
        try:
            split = urlsplit(location)
            split.port  # noqa: B018  (a property that raises ValueError for a port that is no number)
        except ValueError as error:
            raise InputError(f"{shown!r} is not a URL that can be cloned ({error}): {_ADVICE}.") from error
        if split.scheme.lower() not in _SCHEMES or not _URL.match(location) or "://" not in location:
            raise InputError(f"{shown!r} cannot be cloned, its scheme is not supported: {_ADVICE}.")
        if split.scheme.lower() != "file" and not split.hostname:
            raise InputError(f"{shown!r} names no host: {_ADVICE}.")
        parts, path = (split.username or "", split.hostname or ""), split.path
    names = [part for part in path.removesuffix("/").removesuffix(".git").split("/") if part]
    if not names:
        raise InputError(f"{shown!r} names no repository: {_ADVICE}.")
    if any(part.startswith("-") for part in (*parts, path)):
        raise InputError(
            f"{shown!r} cannot be cloned: a part of it would be read as an option. {_ADVICE.capitalize()}."
        )
    return Remote(location, shown, "/".join(names[-2:]))


def clone(remote: Remote, folder: Path, *, refresh: bool, progress: Progress | None) -> Path:
    """Returns the work tree of a shallow clone in `folder`, made now or earlier.

    Args:
        remote: What to clone.
        folder: Where clones lie; made if it is missing.
        refresh: Whether to bring an earlier clone up to date. If that fails, because there is no network
            perhaps, the earlier clone is used as it is, and `progress` is told.
        progress: See :data:`Progress`.

    Raises:
        RepositoryNotFound: The clone failed.
        StorageError: `folder` cannot be written.
    """
    target = folder / remote.folder
    if (target / ".git").is_dir():
        if refresh:
            _refresh(remote, target, progress)
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="clone-", dir=folder, ignore_cleanup_errors=True) as scratch:
            fresh = Path(scratch) / "tree"
            _clone(remote, fresh, progress)
            _put_in_place(fresh, target)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror}): free space, or set another cache."
        ) from error
    return target


def _put_in_place(fresh: Path, target: Path) -> None:
    """Renames a finished clone to its place; one that another process put there meanwhile is as good."""
    if target.exists() and not (target / ".git").is_dir():
        shutil.rmtree(target)
    try:
        fresh.rename(target)
    except OSError:
        if not (target / ".git").is_dir():
            raise


def _clone(remote: Remote, target: Path, progress: Progress | None) -> None:
    try:
        import git
        from git.util import CallableRemoteProgress
    except ImportError as error:  # GitPython refuses to be imported where there is no git
        raise RepositoryNotFound("Git was not found: install it and put it on the PATH, then clone again.") from error
    if progress:
        progress(f"Cloning {remote.url}", None)
    report = _reporter(remote, progress) if progress else lambda *_: None
    # It keeps what Git says: given a function alone, GitPython reads Git's reason and throws it away.
    output: Any = CallableRemoteProgress(report)
    try:
        git.Repo.clone_from(
            remote.address,
            target,
            progress=output,
            env=_environment(target.parent),
            multi_options=["--no-checkout", "--no-tags", "--single-branch"],
            depth=1,
        ).close()
        if remote.address != remote.url:  # no password is left in the cache
            run_in_clone(target, "remote", "set-url", "--", "origin", remote.url)
        if run_in_clone(target, "rev-parse", "--verify", "--quiet", "HEAD", accept=(0, 1))[0] == 0:
            run_in_clone(target, "reset", "--quiet", "--hard", environment=_environment(target))
        elif run_in_clone(target, "ls-remote", "--heads", "--", remote.address, environment=_environment(target))[1]:
            raise RepositoryNotFound(_failure(remote, "its HEAD names a branch that it does not have"))
    except git.CommandError as error:
        said = [*output.other_lines, *output.error_lines] or str(error.stderr).splitlines()
        raise RepositoryNotFound(_failure(remote, _reason(said))) from error
    except (git.GitError, GitUnavailableError, ValueError) as error:
        raise RepositoryNotFound(_failure(remote, _reason(str(error).splitlines()))) from error


def _refresh(remote: Remote, target: Path, progress: Progress | None) -> None:
    if progress:
        progress(f"Fetching {remote.url}", None)
    environment = _environment(target)
    try:
        run_in_clone(
            target,
            *("fetch", "--quiet", "--depth", "1", "--no-tags", "--force", "--no-recurse-submodules"),
            *("--", remote.address, "HEAD"),
            environment=environment,
        )
        run_in_clone(target, "reset", "--quiet", "--hard", "FETCH_HEAD", environment=environment)
        run_in_clone(target, "clean", "--quiet", "-ffdx", environment=environment)
    except GitUnavailableError as error:
        if progress:
            reason = _without_passwords(str(error))
            progress(f"{remote.url} could not be fetched, its earlier copy is used. {reason}", None)


def _environment(folder: Path) -> dict[str, str]:
    """What keeps Git from asking anybody anything, from other protocols, and from downloading LFS content."""
    ssh = "ssh"
    with suppress(GitUnavailableError):
        ssh = run_in_clone(folder, "config", "--get", "core.sshCommand", accept=(0, 1))[1].decode().strip() or ssh
    return {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": ":".join(sorted(_SCHEMES)),
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_SSH_COMMAND": f"{ssh} -o BatchMode=yes",
    }


def _reporter(remote: Remote, progress: Progress) -> Callable[..., None]:
    """GitPython's progress callback, in the words of :data:`Progress`."""

    def report(_operation: int, count: str | float, total: str | float | None = None, _message: str = "") -> None:
        progress(f"Cloning {remote.url}", min(float(count) / float(total), 1.0) if total else None)

    return report


def _failure(remote: Remote, reason: str) -> str:
    return (
        f"{remote.url} could not be cloned ({reason}): check the address and the network; for a private "
        f"repository set up Git's credential helper or an SSH key, since you are never asked for a password."
    )


def _reason(said: Sequence[str]) -> str:
    """Return why Git failed, in its own words: one line, without passwords and without escape sequences."""
    lines = [_without_passwords(_CONTROLS.sub("", line)).strip() for line in said]
    lines = [line for line in lines if line and not line.startswith(_NO_REASONS)]
    clear = [line for line in lines if _VAGUE not in line]
    errors = [line for line in clear if _ERROR.match(line)]
    reason = (errors or clear[-1:] or lines[-1:] or ["Git gave no reason"])[0]
    return _ERROR.sub("", reason).rstrip(".")[:_LONGEST_REASON]


def _without_passwords(text: str) -> str:
    """Return text in which no URL names a user, for a password or a token may stand there."""
    return _CREDENTIALS.sub(r"\1", text)


def _without_password(location: str) -> str:
    if "://" not in location:
        return location
    try:
        split = urlsplit(location)
    except ValueError:
        return re.sub(r"//[^/@]*@", "//", location)
    user, at, host = split.netloc.rpartition("@")
    if not at or (":" not in user and split.scheme.lower() == "ssh"):
        return location
    return urlunsplit(split._replace(netloc=host))
