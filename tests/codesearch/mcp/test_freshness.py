"""An index that is asked again and again is read once, and never waited for longer than it must be."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from codesearch.encoders import LazyEncoder, load_encoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import NothingToIndex
from codesearch.index.snapshot import Snapshot
from codesearch.mcp import freshness
from codesearch.mcp.freshness import IndexKeeper
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep import library
from codesearch.upkeep.messages import EncoderChoice
from codesearch.upkeep.plan import Job, plan

WriteTree = Callable[[Path, Mapping[str, str]], Path]

PATIENCE = 60.0


@pytest.fixture
def root(tmp_path: Path, write_tree: WriteTree) -> Path:
    return write_tree(tmp_path / "repository", {"a.py": "def first_function():\n    return 1\n"})


@pytest.fixture
def keeper() -> Iterator[IndexKeeper]:
    keeper = IndexKeeper(LazyEncoder(HashingEncoder), EncoderChoice("hashing"))
    yield keeper
    keeper.close()


def job_for(root: Path) -> Job:
    return plan(open_repository(str(root), cache=root), load_settings())


def names(keeper: IndexKeeper, root: Path, path: str, report: Callable[..., None] = lambda *_: None) -> set[str]:
    with keeper.snapshots([job_for(root)], report) as (snapshot,):
        return {chunk.name for chunk in snapshot.chunks_of(path).values()}


def test_a_later_question_uses_the_vectors_that_an_earlier_one_has_loaded(
    root: Path, keeper: IndexKeeper, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier: list[Any] = []
    monkeypatch.setattr(library, "Snapshot", lambda *given: earlier.append(given[1]) or Snapshot(*given))
    job = job_for(root)
    with keeper.snapshots([job], lambda *_: None) as (first,):
        assert first.dense is not None
    with keeper.snapshots([job], lambda *_: None) as (second,):
        assert second is first, "nothing has changed"
    write_tree(root, {"b.py": "def second_function():\n    return 2\n"})
    asked = len(earlier)
    with keeper.snapshots([job], lambda *_: None) as (third,):
        assert third is not first
        assert earlier[asked] is first
        assert third.dense is not None


def test_what_has_changed_is_found_and_the_indexing_process_does_the_work(
    root: Path, keeper: IndexKeeper, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    assert names(keeper, root, "a.py", lambda *progress: told.append(progress)) == {"first_function"}
    assert told
    assert not keeper.is_working(job_for(root))
    # Other tests may have left a process of theirs, such as the one that multiprocessing tracks its resources with.
    (child,) = [one for one in psutil.Process().children() if "codesearch.upkeep.updater" in one.cmdline()]
    write_tree(root, {"a.py": "def changed_function():\n    return 1\n"})
    assert names(keeper, root, "a.py") == {"changed_function"}
    (root / "a.py").write_text("def changed_again():\n    return 1\n")
    os.kill(child.pid, signal.SIGKILL)
    psutil.wait_procs([child], PATIENCE)
    assert names(keeper, root, "a.py") == {"changed_again"}, "another process was started"


def test_the_indexing_process_ends_when_it_is_idle_and_is_started_again(
    root: Path, keeper: IndexKeeper, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "_IDLE_SECONDS", 0.2)
    monkeypatch.setattr(freshness, "_UPDATE_SECONDS", PATIENCE)  # another process takes its time to start

    def indexing() -> list[psutil.Process]:
        found = []
        for child in psutil.Process().children():
            with suppress(psutil.Error):  # it is ending
                found += [child] if "codesearch.upkeep.updater" in child.cmdline() else []
        return found

    for name in ("first", "second"):
        write_tree(root, {"a.py": f"def {name}_function():\n    return 1\n"})
        assert names(keeper, root, "a.py") == {f"{name}_function"}
        deadline = time.monotonic() + PATIENCE
        while indexing():
            assert time.monotonic() < deadline, "it holds an encoder of its own for nothing"
            time.sleep(0.05)


def test_what_holds_nothing_to_search_is_an_error(tmp_path: Path, keeper: IndexKeeper) -> None:
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        with pytest.raises(NothingToIndex):
            names(keeper, tmp_path / "empty", "a.py")


def test_a_question_waits_for_words_and_not_for_vectors(
    tmp_path: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "_UPDATE_SECONDS", 0.2)
    functions = "\n\n".join(f"def f_{k}(x):\n    return x + {k}\n" for k in range(40))
    files = {f"m{n}.py": functions.replace("f_", f"f_{n}_") for n in range(60)}
    root = write_tree(tmp_path / "many", files)
    keeper = IndexKeeper(LazyEncoder(load_encoder), EncoderChoice())  # the shipped model: encoding takes seconds
    try:
        job = job_for(root)
        with keeper.snapshots([job], lambda *_: None) as (snapshot,):
            held = snapshot.counts()
        assert held.files == 60
        assert held.pending > 0
        assert keeper.is_working(job)
        write_tree(root, {"late.py": "def late_function():\n    return 1\n"})
        deadline = time.monotonic() + PATIENCE
        while names(keeper, root, "late.py") != {"late_function"}:
            assert time.monotonic() < deadline
        with keeper.snapshots([job], lambda *_: None) as (snapshot,):
            assert snapshot.pending_count > 0, "it was found before all was encoded"
    finally:
        keeper.close()
