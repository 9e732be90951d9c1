"""Running Git itself, in an environment that nobody else has shaped.

Plain commands, because they are what is fast: on a work tree of 11,400 files ``git status`` takes some
20-50 ms where an object model takes 180, after an import of 70-100.

These commands take no optional lock, never prompt, and do not see the variables through which a hook, a rebase or
an alias tells Git about *its* repository: an indexer started from a post-commit hook has to look where it is told to
look. A repository may be hostile: nothing that its configuration names is run (`git_configuration`), no other machine
is asked for objects that are missing, and Git is not waited for where it waits for a special file.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Final

from codesearch.sources.git_configuration import (
    DISARMED,
    clean_environment,
    disarmed_environment,
    find_costly_pattern,
    find_special_file,
)

__all__ = [
    "GitDialogue",
    "GitProcess",
    "GitUnavailableError",
    "clean_environment",
    "git_version",
    "run",
    "run_in_clone",
    "start",
]

_PREFIX: Final = ("git", "--no-optional-locks", "--no-pager")

_PATIENCE_SECONDS: Final = 2.0
"""A command that takes longer may be waiting for a special file, or be matching a pattern without end: these are looked
for once, which takes a while itself."""

_LIMIT_SECONDS: Final = 300.0
"""No command is waited for longer: it is stuck in a way that nobody thought of."""


class GitUnavailableError(Exception):
    """Git is not installed, or refuses the folder. The text says why and what to do."""


class GitProcess:
    """A Git command that runs while its caller does something else."""

    def __init__(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        given: bytes | None = None,
        *,
        options: tuple[str, ...] = DISARMED,
    ) -> None:
        self._folder = folder
        self._given = given
        self._started = time.monotonic()
        stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
        self._process = _open(folder, (*options, *arguments), environment, stdin=stdin, stderr=subprocess.PIPE)

    def output(self, *, accept: Container[int] = (0,)) -> bytes:
        """Waits for the end and returns what was printed.

        Raises:
            GitUnavailableError: The command ended with a status that is not in `accept`, or does not end.
        """
        stdout, stderr = self._communicate()
        if self._process.returncode not in accept:
            raise GitUnavailableError(_explain(self._folder, stderr.decode("utf-8", "replace")))
        return stdout

    def _communicate(self) -> tuple[bytes, bytes]:
        try:
            return self._process.communicate(self._given, timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            reason = _why_it_waits(self._folder)
        if reason:
            self._process.kill()
            self._process.communicate()
            raise GitUnavailableError(reason)
        try:
            return self._process.communicate(timeout=max(1.0, self._started + _LIMIT_SECONDS - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            minutes = _LIMIT_SECONDS / 60
            raise GitUnavailableError(
                f"Git gave no answer about {self._folder} in {minutes:.0f} minutes: run `git status` there to see why."
            ) from None

    @property
    def status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.returncode

    def __enter__(self) -> GitProcess:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves no child behind when the caller gives up."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()


class GitDialogue:
    """A Git command that answers line by line what it is asked, such as ``cat-file --batch``; `close` ends it.

    Args:
        folder: Where it runs.
        arguments: Of ``git``.

    Raises:
        GitUnavailableError: There is no Git.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._process = _open(
            folder,
            (*DISARMED, *arguments),
            _environment(folder),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout

    def ask(self, line: bytes) -> bytes:
        """Sends a line; returns the first line of the answer, its end included."""
        self._questions.write(line + b"\n")
        self._questions.flush()
        return self._answers.readline()

    def read(self, size: int) -> bytes:
        """Returns the next `size` bytes of the answer; fewer where the command ended."""
        return self._answers.read(size)

    def close(self) -> None:
        """Ends the command."""
        self._questions.close()
        self._answers.close()
        self._process.wait()


def _why_it_waits(folder: Path) -> str:
    """Say what Git may never get done with; "" where nothing is found."""
    special = find_special_file(folder)
    if special is not None:
        return f"Git waits for {special}, which is no regular file: remove it, or replace it by a file."
    costly = find_costly_pattern(folder)
    if costly is not None:
        path, pattern = costly
        return f"Git does not get done with the pattern {pattern[:80]} in {path}: write it with fewer stars."
    return ""


_DIFFING: Final = frozenset({"diff", "diff-files", "diff-index", "diff-tree", "format-patch", "log", "show"})


def _without_programs(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Have a command that shows differences run no program for that; an empty setting would be run as one."""
    skipped = False
    for position, argument in enumerate(arguments):
        if skipped or argument.startswith("-"):
            skipped = not skipped and argument in ("-c", "-C", "--git-dir", "--work-tree")
            continue
        if argument in _DIFFING:
            return (*arguments[: position + 1], "--no-ext-diff", "--no-textconv", *arguments[position + 1 :])
        break
    return arguments


def _open(
    folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str], *, stdin: int, stderr: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            (*_PREFIX, *_without_programs(arguments)),
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    except (FileNotFoundError, PermissionError) as error:
        if error.filename == str(folder):
            raise
        raise GitUnavailableError("Git was not found: install it and put it on the PATH.") from error


def _environment(folder: Path) -> dict[str, str]:
    try:
        return disarmed_environment(folder)
    except TimeoutError as error:
        raise GitUnavailableError(
            f"Git cannot read its configuration of {folder} ({error}): look at the [include] lines of .git/config."
        ) from error


def start(folder: Path, *arguments: str) -> GitProcess:
    """Starts ``git`` in `folder`; use as a context manager.

    Raises:
        GitUnavailableError: There is no Git.
    """
    return GitProcess(folder, arguments, _environment(folder))


def run(
    folder: Path,
    *arguments: str,
    accept: Container[int] = (0,),
    given: bytes | None = None,
) -> tuple[int, bytes]:
    """Runs ``git`` in `folder` to its end, `given` on its stdin; returns the exit status and what it printed.

    Raises:
        GitUnavailableError: There is no Git, or it ended with a status that is not in `accept`.
    """
    with GitProcess(folder, arguments, _environment(folder), given) as command:
        printed = command.output(accept=accept)
        return command.status or 0, printed


def run_in_clone(
    folder: Path, *arguments: str, accept: tuple[int, ...] = (0,), environment: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Runs ``git`` in a clone of ours, as its user configured it: with credential helpers, and with other machines.

    Args:
        folder: A clone in the cache, whose configuration nobody else wrote; or the folder of clones.
        arguments: Of ``git``.
        accept: As for :func:`run`.
        environment: Variables beside this process's own.

    Raises:
        GitUnavailableError: As :func:`run`.
    """
    options = ("-c", "core.fsmonitor=false", "-c", "submodule.recurse=false")
    with GitProcess(folder, arguments, clean_environment(environment), options=options) as command:
        printed = command.output(accept=accept)
        return command.status or 0, printed


def git_version() -> str:
    """Return what ``git --version`` prints; "" where there is no Git."""
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _explain(folder: Path, message: str) -> str:
    if "dubious ownership" in message or "unsafe repository" in message:
        return (
            f"Git does not trust {folder} because another user owns it: "
            f"if you do, run: git config --global --add safe.directory '{folder}'"
        )
    lines = [line for line in message.splitlines() if line.startswith(("fatal: ", "error: "))]
    reason = (lines or message.splitlines() or ["it gave no reason"])[-1]
    return f"Git cannot read {folder} ({reason}): repair it, or remove its .git to have it read as plain files."
