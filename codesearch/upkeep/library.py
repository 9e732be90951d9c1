"""The open snapshots of indexes, for programs that are asked again and again while their indexes change.

A newer state is opened and warmed up by whichever thread says so, and only then takes the older one's place: no
question waits for an index to be read. A snapshot may be used by one thread at a time, which is seen to here, so any
thread may search.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codesearch.errors import IndexUnusable, Unusable
from codesearch.index.snapshot import Counts, Snapshot
from codesearch.search.pipeline import search

__all__ = ["Library"]

_GIVE_WAY_SECONDS: Final = 0.2
"""How long the opening of a newer state waits for questions to end, as both want the interpreter."""


@dataclass(slots=True)
class _Volume:
    """An open snapshot.

    Attributes:
        snapshot: Open until nobody uses it and it has left the library.
        state: Of the snapshot, to be compared with that of a later one.
        counts: What it holds.
        lent: Whether a thread is using it.
        withdrawn: Whether it has left the library: whoever uses it then closes it.
    """

    snapshot: Snapshot
    state: Hashable
    counts: Counts
    lent: bool = False
    withdrawn: bool = False


class Library:
    """Opens, keeps, lends and replaces snapshots; any thread may call any method."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._volumes: dict[Path, _Volume] = {}
        self._opening: dict[Path, threading.Lock] = {}
        self._asking = 0
        self._closed = False

    def refresh(self, directory: Path) -> Counts | None:
        """Let the latest committed state of an index take the place of the one that is open.

        It is opened by the calling thread, with the vectors that the one before has loaded. Where nothing has changed
        since, the open one stays; so it does where the index cannot be opened.

        Args:
            directory: Of the index.

        Returns:
            What the index holds; None where there is none.

        Raises:
            IndexUnusable: There is one, and it cannot be read.
            StorageError: The disk cannot be read.
        """
        with self._changed:
            opening = self._opening.setdefault(directory, threading.Lock())
        with opening:
            before = self._volumes.get(directory)
            if before is not None:
                self._give_way()
            try:
                snapshot = Snapshot(directory, None if before is None else before.snapshot)
            except IndexUnusable as error:
                if error.reason is Unusable.MISSING:
                    return None
                raise
            return self._take_in(snapshot, before)

    def _take_in(self, snapshot: Snapshot, before: _Volume | None) -> Counts:
        try:
            state = snapshot.state
            if before is not None and before.state == state and self._volumes.get(snapshot.directory) is before:
                snapshot.close()
                return before.counts
            volume = _Volume(snapshot, state, snapshot.counts())
            _warm_up(snapshot, first=before is None)
        except BaseException:
            snapshot.close()
            raise
        with self._changed:
            self._withdraw(self._volumes.pop(snapshot.directory, None))
            if self._closed:
                snapshot.close()
            else:
                self._volumes[snapshot.directory] = volume
            self._changed.notify_all()
        return volume.counts

    def _give_way(self) -> None:
        """Wait a moment for questions to end: whoever asks goes first, and has something to search."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asking, _GIVE_WAY_SECONDS)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Have newer states wait a moment with being opened: for a question that is about to be answered."""
        with self._changed:
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._changed.notify_all()

    @contextmanager
    def snapshots(self, directories: Sequence[Path]) -> Iterator[list[Snapshot]]:
        """Lend the open snapshots of some indexes; waits until no other thread uses any of them.

        They are the caller's alone, and stay open, until it leaves the context, whatever is refreshed or dropped
        meanwhile. Nothing is opened here: an index that was never refreshed, or is not there, is left out. Must not be
        nested in a thread.

        Args:
            directories: Of the indexes.

        Yields:
            Those that are open, each once, in the order of `directories`; `Snapshot.directory` says which is which.
        """
        wanted = list(dict.fromkeys(directories))
        with self.asking():
            with self._changed:
                self._changed.wait_for(lambda: not any(volume.lent for volume in self._open(wanted)))
                lent = self._open(wanted)
                for volume in lent:
                    volume.lent = True
            try:
                yield [volume.snapshot for volume in lent]
            finally:
                with self._changed:
                    for volume in lent:
                        volume.lent = False
                        if volume.withdrawn:
                            volume.snapshot.close()
                    self._changed.notify_all()

    def _open(self, directories: Sequence[Path]) -> list[_Volume]:
        return [self._volumes[directory] for directory in directories if directory in self._volumes]

    def drop(self, directory: Path) -> None:
        """Close the snapshot of an index, as soon as nobody uses it."""
        with self._changed:
            self._withdraw(self._volumes.pop(directory, None))
            self._changed.notify_all()

    def close(self) -> None:
        """Close all snapshots, each as soon as nobody uses it; nothing is lent after that."""
        with self._changed:
            self._closed = True
            while self._volumes:
                self._withdraw(self._volumes.popitem()[1])
            self._changed.notify_all()

    @staticmethod
    def _withdraw(volume: _Volume | None) -> None:
        if volume is not None:
            volume.withdrawn = True
            if not volume.lent:
                volume.snapshot.close()


def _warm_up(snapshot: Snapshot, *, first: bool) -> None:
    """Load and count now what the next question would."""
    _ = snapshot.dense, snapshot.chunk_count, snapshot.pending_count
    if first:
        search([snapshot], "a question to warm up", None, limit=1)
