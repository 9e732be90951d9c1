"""Noticing that a repository has changed. The sole importer of watchfiles.

Only folders in which a change can matter are watched (``sources/scope.py``), one by one: a build that writes into
ignored folders wakes nobody up, and costs none of the watches that the system hands out in small numbers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import watchfiles

from codesearch.records import Repository
from codesearch.sources import FileRules, Scope

__all__ = ["RepositoryChanged", "RepositoryGone", "WatchStarted", "watch"]

_QUIET_MS: Final = 100
"""A change is told once nothing has followed it for this long ..."""

_DEBOUNCE_MS: Final = 2_000
"""... or after this, where changes never cease."""

_LOOK_MS: Final = 250
"""How often it is checked whether a root is still there."""

_POLL_MS: Final = 2_000
_SETTLE_ROUNDS: Final = 5

_Running: TypeAlias = "Generator[set[tuple[watchfiles.Change, str]], None, None]"


@dataclass(frozen=True, slots=True)
class WatchStarted:
    """Everything is being watched from now on.

    Attributes:
        folders: How many.
    """

    folders: int


@dataclass(frozen=True, slots=True)
class RepositoryChanged:
    """An update of this repository may find something to do."""

    repository: Repository


@dataclass(frozen=True, slots=True)
class RepositoryGone:
    """The root of this repository is no longer there, or cannot be read; it is not watched any more."""

    repository: Repository


def watch(
    repositories: Sequence[Repository],
    rules: Callable[[Repository], FileRules],
    *,
    leave_out: Sequence[Path] = (),
    on_polling: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Generator[WatchStarted | RepositoryChanged | RepositoryGone, None, None]:
    """Watch repositories until none is left, or until the generator is closed or another thread ends it.

    Changes are collected while the caller does something else. :class:`WatchStarted` comes first, so that an update
    which is made then misses nothing.

    Args:
        repositories: With their files here.
        rules: What each leaves out; asked again whenever it has changed.
        leave_out: Folders whose changes are ours: indexes and caches.
        on_polling: Told the reason when the system cannot notify us, and files are looked at every two seconds instead.
        stop: Ends it soon after it is set.

    Raises:
        KeyboardInterrupt: A signal came whose handler raised something.
    """
    watchers = _Watchers(on_polling)
    scopes = {repository.root: Scope(repository, rules(repository)) for repository in repositories}
    left = {repository.root: repository for repository in repositories}
    try:
        yield from _drop_gone(left)
        watchers.watch(_folders(scopes, left), lambda: _folders(scopes, left))
        yield WatchStarted(len(watchers.folders))
        while left and not (stop is not None and stop.is_set()):
            paths = [p for p in watchers.changes() if not any(Path(p).is_relative_to(ours) for ours in leave_out)]
            yield from _drop_gone(left)
            touched = {root for root in left if paths and scopes[root].concerned(paths)}
            for root in touched:
                scopes[root] = Scope(left[root], rules(left[root]))
            if touched:
                watchers.watch(_folders(scopes, left), lambda: _folders(scopes, left))
            for root in sorted(touched):
                yield RepositoryChanged(left[root])
    finally:
        watchers.close()


def _drop_gone(left: dict[Path, Repository]) -> Iterator[RepositoryGone]:
    for root in list(left):
        if not (root.is_dir() and os.access(root, os.R_OK | os.X_OK)):
            yield RepositoryGone(left.pop(root))


def _folders(scopes: dict[Path, Scope], roots: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    for root in roots:
        with suppress(OSError):  # it is about to be found gone
            found |= scopes[root].folders()
    return found


class _Watchers:
    """The running watcher, replaced by another when folders come or go."""

    def __init__(self, on_polling: Callable[[str], None]) -> None:
        self._on_polling = on_polling
        self._polling: bool | None = None
        self._running: _Running | None = None
        self._waiting: set[str] = set()
        self.folders: set[Path] = set()

    def watch(self, wanted: set[Path], look: Callable[[], set[Path]]) -> None:
        """Watch these folders from now on, and those that came to be while this was being set up."""
        for _ in range(_SETTLE_ROUNDS):
            if wanted == self.folders:
                return
            before, self._running = self._running, self._start(wanted)
            if before is not None:
                # What the one before has seen; after that the new one sees everything.
                self._waiting |= _next_paths(before)
                before.close()
            self.folders = wanted
            wanted = look()

    def _start(self, folders: set[Path]) -> _Running:
        if self._polling is None:
            running = self._running_on(folders, polling=None)
            try:
                self._waiting |= _next_paths(running)
            except (OSError, RuntimeError) as error:
                there = {folder for folder in folders if os.access(folder, os.R_OK | os.X_OK)}
                if there != folders:  # one has just gone, or may not be read
                    return self._start(there)
                self._polling = True
                self._on_polling(_reason(error))
            else:
                return running
        running = self._running_on(folders, polling=True)
        self._waiting |= _next_paths(running)
        return running

    @staticmethod
    def _running_on(folders: set[Path], *, polling: bool | None) -> _Running:
        return watchfiles.watch(
            *sorted(folders),
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_QUIET_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            force_polling=polling,
            poll_delay_ms=_POLL_MS,
            recursive=False,
            ignore_permission_denied=bool(polling),  # otherwise it would also ignore that the limit is reached
        )

    def changes(self) -> set[str]:
        """Wait a moment for changes; return their paths."""
        if self._waiting or self._running is None:
            waiting, self._waiting = self._waiting, set()
            return waiting
        return _next_paths(self._running)

    def close(self) -> None:
        if self._running is not None:
            self._running.close()


def _next_paths(running: _Running) -> set[str]:
    return {path for _, path in next(running, set())}


def _reason(error: Exception) -> str:
    """Return why the system does not notify us, and what to do about it."""
    text = str(error)
    if "limit" in text or "No space left" in text:
        return "the system's limit of watched folders is reached (raise it with sysctl fs.inotify.max_user_watches=...)"
    if "Too many open files" in text:
        return "the system's limit of watchers is reached (raise it with sysctl fs.inotify.max_user_instances=...)"
    return f"the system does not notify of changes here ({text.splitlines()[0][:200] if text else 'no reason given'})"
