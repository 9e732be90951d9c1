"""Open snapshots: asked by several threads, replaced under them, and closed once nobody needs them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import CodesearchError, IndexUnusable
from codesearch.index.snapshot import Snapshot
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep import library as library_module
from codesearch.upkeep.library import Library
from codesearch.upkeep.plan import Job, bring_up_to_date, plan

WriteTree = Callable[[Path, Mapping[str, str]], Path]

PATIENCE = 60.0


def index(root: Path) -> Job:
    job = plan(open_repository(str(root), cache=root), load_settings(root))
    for _ in bring_up_to_date(job, HashingEncoder):  # type: ignore[arg-type]
        pass
    return job


def names(snapshots: list[Snapshot], question: str = "function") -> set[str]:
    return {match.chunk.name for match in search(snapshots, question, None, limit=100).matches}


def is_open(snapshot: Snapshot) -> bool:
    try:
        snapshot.chunks_of("a.py")
    except (sqlite3.ProgrammingError, CodesearchError):  # of a connection that is closed
        return False
    return True


@pytest.fixture
def root(tmp_path: Path, write_tree: WriteTree) -> Path:
    return write_tree(tmp_path / "repository", {"a.py": "def first_function():\n    return 1\n"})


def test_what_is_open_is_what_was_refreshed_last(root: Path, write_tree: WriteTree) -> None:
    directory = index(root).directory
    library = Library()
    with library.snapshots([directory]) as snapshots:
        assert snapshots == []
    counts = library.refresh(directory)
    assert counts is not None
    assert (counts.files, counts.pending) == (1, 0)
    with library.snapshots([directory]) as (first,):
        assert names([first]) == {"first_function"}
    assert library.refresh(directory) == counts
    with library.snapshots([directory, directory]) as snapshots:
        assert snapshots == [first], "an unchanged state is not opened again"
    write_tree(root, {"b.py": "def second_function():\n    return 2\n"})
    index(root)
    with library.snapshots([directory]) as snapshots:
        assert names(snapshots) == {"first_function"}, "nothing is replaced unless somebody says so"
    later = library.refresh(directory)
    assert later is not None
    assert later.files == 2
    assert not is_open(first)
    with library.snapshots([directory]) as (second,):
        assert names([second]) == {"first_function", "second_function"}
    library.close()
    assert not is_open(second)
    with library.snapshots([directory]) as snapshots:
        assert snapshots == []


def test_vectors_of_the_state_before_are_taken_over(
    root: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier: list[Any] = []
    monkeypatch.setattr(library_module, "Snapshot", lambda *given: earlier.append(given[1]) or Snapshot(*given))
    directory = index(root).directory
    library = Library()
    library.refresh(directory)
    with library.snapshots([directory]) as (first,):
        pass
    library.refresh(directory)
    assert earlier == [None, first]
    library.close()


def test_without_an_index_there_is_nothing_and_a_damaged_one_is_told_while_the_older_state_stays(root: Path) -> None:
    job = index(root)
    library = Library()
    assert library.refresh(job.directory.with_name("missing")) is None
    library.refresh(job.directory)
    database = job.directory / "index.db"
    aside = database.rename(database.with_name("aside"))
    assert library.refresh(job.directory) is None
    for leftover in job.directory.glob("index.db-*"):
        leftover.unlink()
    database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(IndexUnusable, match="damaged"):
        library.refresh(job.directory)
    with library.snapshots([job.directory]) as snapshots:
        assert len(snapshots) == 1
    aside.replace(database)
    library.close()


def test_a_replaced_snapshot_is_not_closed_under_its_user(
    root: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "_GIVE_WAY_SECONDS", 0.01)
    directory = index(root).directory
    library = Library()
    library.refresh(directory)
    with library.snapshots([directory]) as (older,):
        write_tree(root, {"b.py": "def second_function():\n    return 2\n"})
        index(root)
        library.refresh(directory)
        assert names([older]) == {"first_function"}
        seen: list[set[str]] = []
        other = threading.Thread(target=lambda: seen.append(_names_of(library, directory)))
        other.start()
        other.join(PATIENCE)
        assert seen == [{"first_function", "second_function"}], "the newer one is free meanwhile"
        assert is_open(older)
    assert not is_open(older)
    with library.snapshots([directory]) as (newer,):
        library.drop(directory)
        assert is_open(newer)
    assert not is_open(newer)
    library.refresh(directory)
    with library.snapshots([directory]) as (last,):
        library.close()
        assert is_open(last)
    assert not is_open(last)


def _names_of(library: Library, directory: Path) -> set[str]:
    with library.snapshots([directory]) as snapshots:
        return names(snapshots)


def test_a_snapshot_is_lent_to_one_thread_at_a_time(root: Path, tmp_path: Path, write_tree: WriteTree) -> None:
    other = write_tree(tmp_path / "other", {"c.py": "def third_function():\n    return 3\n"})
    first, second = index(root).directory, index(other).directory
    library = Library()
    library.refresh(first)
    library.refresh(second)
    order: list[str] = []

    def ask() -> None:
        with library.snapshots([second, first]) as snapshots:
            order.append("other")
            assert [snapshot.directory for snapshot in snapshots] == [second, first]

    with library.snapshots([first]):
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.2)
        order.append("this")
    thread.join(PATIENCE)
    assert order == ["this", "other"]
    library.close()


def test_threads_search_while_another_refreshes(
    root: Path, tmp_path: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "_GIVE_WAY_SECONDS", 0.0)
    other = write_tree(tmp_path / "other", {"c.py": "def third_function():\n    return 3\n"})
    directories = [index(root).directory, index(other).directory]
    library = Library()
    for directory in directories:
        library.refresh(directory)
    ended = threading.Event()
    faults: list[BaseException] = []
    answers = [0] * 4
    using: set[int] = set()

    def ask(number: int) -> None:
        try:
            while not ended.is_set():
                with library.snapshots(directories[:: 1 if number % 2 else -1]) as snapshots:
                    held = {id(snapshot) for snapshot in snapshots}
                    assert not held & using
                    using.update(held)
                    assert {"first_function", "third_function"} <= names(snapshots)
                    using.difference_update(held)
                answers[number] += 1
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(answers))]
    for thread in threads:
        thread.start()
    for number in range(8):
        write_tree(root, {f"new{number}.py": f"def new_function_{number}():\n    return 1\n"})
        index(root)
        for directory in directories:
            assert library.refresh(directory) is not None
    ended.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert not faults
    assert all(answers)
    assert "new_function_7" in _names_of(library, directories[0])
    library.close()


def test_whoever_asks_goes_before_a_newer_state(
    root: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "_GIVE_WAY_SECONDS", PATIENCE)
    opened: list[Any] = []
    monkeypatch.setattr(library_module, "Snapshot", lambda *given: opened.append(given) or Snapshot(*given))
    directory = index(root).directory
    library = Library()
    library.refresh(directory)
    with library.asking():
        newer = threading.Thread(target=library.refresh, args=(directory,))
        newer.start()
        newer.join(0.3)
        assert len(opened) == 1
    newer.join(PATIENCE)
    assert len(opened) == 2
    library.close()
