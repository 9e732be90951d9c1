"""Opening an index: what is damaged, of another version, read-only or in use by others."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import IndexBusy, IndexUnusable, StorageError, Unusable
from codesearch.index import dense, storage
from codesearch.index.lexical import LexicalDamaged, LexicalIndex
from codesearch.index.locations import find_index, index_directory, list_indexes
from codesearch.index.schema import FORMAT
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, delete_index, index_size, open_reader, open_writer
from codesearch.search.candidates import Filters, find_in
from codesearch.upkeep.plan import Job, bring_up_to_date


def job(bench: Any) -> Job:
    return Job(bench.repository, bench.directory, bench.rules, (), (), bench.directory.with_name("vectors.db"))


def bring(bench: Any, **options: Any) -> tuple[Any, list[IndexUnusable]]:
    """Bring the index up to date as the command line does; returns the report and what was replaced."""
    replaced: list[IndexUnusable] = []
    steps = bring_up_to_date(job(bench), lambda: HashingEncoder(16), on_replace=replaced.append, **options)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value, replaced


def reason_of(directory: Path) -> Unusable:
    with pytest.raises(IndexUnusable) as caught:
        read_all(directory)
    assert "`codesearch index" in str(caught.value)
    return caught.value.reason


def read_all(directory: Path) -> None:
    """Read what a search may read: damage inside shows only there."""
    with Snapshot(directory) as snapshot:
        snapshot.counts()
        snapshot.chunks(range(1, 10_000))
        find_in(snapshot, ["action"], None, 10, Filters())


def checkpoint(directory: Path) -> None:
    """Move what lies in the write-ahead log into the database file."""
    db = sqlite3.connect(directory / "index.db")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "header": lambda data: b"\xff" * 100 + data[100:],
    "garbage": lambda data: b"no database at all " * 500,
    "cut": lambda data: data[: len(data) // 3],
    "cut within a page": lambda data: data[: len(data) // 2 + 77],
    "empty": lambda data: b"",
    "middle": lambda data: data[:8192] + b"\xa5" * (len(data) - 8192),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_database_is_said_and_replaced(bench: Any, how: str) -> None:
    bench.fill(40)
    bring(bench)
    expected = bench.contents()
    checkpoint(bench.directory)
    database = bench.directory / "index.db"
    database.write_bytes(DAMAGE[how](database.read_bytes()))
    assert reason_of(bench.directory) is Unusable.CORRUPT
    _, replaced = bring(bench, rebuild=how == "middle")
    assert [error.reason for error in replaced] == ([] if how == "middle" else [Unusable.CORRUPT])
    assert bench.contents() == expected


def test_damage_that_an_update_comes_across_is_mended(bench: Any) -> None:
    bench.fill(40)
    bring(bench)
    checkpoint(bench.directory)
    database = bench.directory / "index.db"
    data = database.read_bytes()
    database.write_bytes(data[:8192] + b"\xa5" * (len(data) - 8192))
    bench.write("package_0/module_0.py", "def another(): pass\n")
    _, replaced = bring(bench)
    assert [error.reason for error in replaced] == [Unusable.CORRUPT]
    assert bench.contents() == bench.fresh()


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"format": "one"}', f'{{"format": {FORMAT}}}'])
def test_a_damaged_manifest(bench: Any, text: str) -> None:
    bench.fill(2)
    bench.index()
    edit_manifest(bench.directory, text)
    assert reason_of(bench.directory) is Unusable.CORRUPT
    _, replaced = bring(bench)
    assert len(replaced) == 1


def edit_manifest(directory: Path, text: str | None = None, **changes: Any) -> None:
    db = sqlite3.connect(directory / "index.db")
    if text is None:
        text = json.dumps(json.loads(db.execute("SELECT json FROM manifest").fetchone()[0]) | changes)
    db.execute("UPDATE manifest SET json = ?", [text])
    db.commit()
    db.close()


def test_there_is_no_index(tmp_path: Path) -> None:
    assert reason_of(tmp_path) is Unusable.MISSING
    assert reason_of(tmp_path / "nowhere") is Unusable.MISSING
    assert not delete_index(tmp_path)


def test_an_older_format_is_replaced(bench: Any) -> None:
    bench.fill(2)
    bench.index()
    edit_manifest(bench.directory, format=0)
    assert reason_of(bench.directory) is Unusable.OLDER_FORMAT
    _, replaced = bring(bench)
    assert [error.reason for error in replaced] == [Unusable.OLDER_FORMAT]
    assert bench.contents() == bench.fresh()


def test_a_newer_format_is_replaced_only_if_told_to(bench: Any) -> None:
    bench.fill(2)
    bench.index()
    edit_manifest(bench.directory, format=99, something="new")
    before = (bench.directory / "index.db").read_bytes()
    assert reason_of(bench.directory) is Unusable.NEWER_FORMAT
    with pytest.raises(IndexUnusable, match="upgrade codesearch"):
        bring(bench)
    assert (bench.directory / "index.db").read_bytes() == before
    bring(bench, rebuild=True)
    assert bench.contents() == bench.fresh()


# --- derived files ------------------------------------------------------------------------------------------


def lexical_files(directory: Path) -> list[Path]:
    return sorted(path for path in (directory / "lexical").iterdir() if path.stat().st_size)


@pytest.mark.parametrize("how", ["gone", "cut", "zeros"])
def test_any_damaged_file_of_the_lexical_index_is_mended(bench: Any, how: str, tmp_path: Path) -> None:
    bench.fill(30)
    bench.index()
    expected = bench.contents()
    kept = tmp_path / "kept"
    shutil.copytree(bench.directory, kept)
    for name in [path.name for path in lexical_files(bench.directory)]:
        shutil.rmtree(bench.directory)
        shutil.copytree(kept, bench.directory)
        path = bench.directory / "lexical" / name
        data = path.read_bytes()
        path.unlink()
        if how != "gone":
            path.write_bytes(data[: len(data) // 2] if how == "cut" else bytes(len(data)))
        with bench.snapshot() as snapshot:
            assert snapshot.chunk_count == 90
        bench.index()
        assert bench.contents() == expected, name


def test_damage_that_only_a_search_would_come_across_is_seen_before(bench: Any) -> None:
    bench.fill(200)
    bench.index()
    expected = bench.contents()
    (terms,) = (path for path in lexical_files(bench.directory) if path.suffix == ".term")
    data = terms.read_bytes()
    start, end = len(data) // 2, len(data) * 97 // 100
    terms.write_bytes(data[:start] + b"\xa7" * (end - start) + data[end:])
    with bench.snapshot() as snapshot:
        assert not snapshot.has_words
    bench.index()
    assert bench.contents() == expected


def test_a_panic_inside_tantivy_is_damage(bench: Any, capfd: pytest.CaptureFixture[str]) -> None:
    bench.fill(30)
    bench.index()
    expected = bench.contents()
    (fast,) = (path for path in lexical_files(bench.directory) if path.suffix == ".fast")
    data = fast.read_bytes()
    third = len(data) // 3
    fast.write_bytes(data[:third] + b"\xa7" * third + data[2 * third :])
    with pytest.raises(LexicalDamaged):
        LexicalIndex(bench.directory / "lexical")
    bench.index()
    assert bench.contents() == expected


def test_a_lexical_index_from_a_lost_future_is_made_anew(bench: Any, tmp_path: Path) -> None:
    """After a power cut SQLite may have lost commits that tantivy kept, and reach their number again otherwise."""
    bench.write("a.py", "def first(): pass\n")
    bench.index()
    shutil.copytree(bench.directory, tmp_path / "earlier")
    bench.write("a.py", "def lost(): pass\n")
    bench.index()
    shutil.copytree(bench.directory / "lexical", tmp_path / "later")
    shutil.rmtree(bench.directory)
    shutil.copytree(tmp_path / "earlier", bench.directory)
    shutil.rmtree(bench.directory / "lexical")
    shutil.copytree(tmp_path / "later", bench.directory / "lexical")
    bench.write("a.py", "def other(): pass\n")
    bench.index()
    assert bench.contents() == bench.fresh()
    assert bench.found("other") == ["other"]


@pytest.mark.parametrize("how", ["gone", "cut", "zeros", "middle", "longer"])
def test_a_damaged_graph_is_searched_exactly_and_mended(bench: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "EXACT_LIMIT", 20)
    bench.fill(60)
    bench.index()
    (graph,) = bench.directory.glob("segment-*.hnsw")
    data = graph.read_bytes()
    middle = len(data) // 2
    graph.unlink()
    if how != "gone":
        graph.write_bytes(
            {
                "cut": data[:middle],
                "zeros": bytes(len(data)),
                "middle": data[:middle] + b"\xff" * 4000 + data[middle + 4000 :],
                "longer": data + b"more",
            }[how]
        )
    query = HashingEncoder(16).encode_queries(["action 7 1"])[0]
    with bench.snapshot() as snapshot:
        assert snapshot.dense is not None
        assert not snapshot.dense.segment_count
        assert len(snapshot.dense.search(query, 300)) == 180
    bench.index()
    with bench.snapshot() as snapshot:
        assert snapshot.dense is not None
        assert snapshot.dense.segment_count == 1


# --- one writer ---------------------------------------------------------------------------------------------


def test_a_second_writer_waits_or_says_so(bench: Any) -> None:
    bench.fill(2)
    bench.index()
    manifest = Manifest(root="/", name="x")
    waited = threading.Event()
    done: list[str] = []

    def second() -> None:
        with open_writer(bench.directory, manifest, on_wait=waited.set):
            done.append("second")

    with open_writer(bench.directory, manifest):
        with pytest.raises(IndexBusy, match="another process"), open_writer(bench.directory, manifest, wait_seconds=0):
            pass
        with pytest.raises(IndexBusy), open_writer(bench.directory, manifest, wait_seconds=0.1):
            pass
        with pytest.raises(IndexBusy):
            delete_index(bench.directory)
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        assert done == []
        done.append("first")
    thread.join(10)
    assert done == ["first", "second"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_lock_of_a_dead_process_is_free(bench: Any) -> None:
    bench.fill(2)

    def die() -> None:
        steps = bench.updating()
        next(steps)
        os._exit(9)

    assert bench.in_child(die) == 9
    with open_writer(bench.directory, Manifest(root="/", name="x"), wait_seconds=0):
        pass


def test_the_lock_is_released_by_another_thread_than_took_it(bench: Any) -> None:
    bench.fill(2)
    steps = bench.updating()
    taken, done = threading.Event(), threading.Event()

    def take() -> None:
        next(steps)
        taken.set()
        done.wait(20)

    thread = threading.Thread(target=take)
    thread.start()
    assert taken.wait(20)
    steps.close()
    try:
        with open_writer(bench.directory, Manifest(root="/", name="x"), wait_seconds=0):
            pass
    finally:
        done.set()
        thread.join()


def test_two_updates_at_once_both_complete(bench: Any) -> None:
    bench.fill(20)
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(bench.index())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.changed_files for report in reports) == [0, 0, 20]
    assert bench.contents() == bench.fresh()


# --- read-only, failing -------------------------------------------------------------------------------------


@pytest.fixture
def read_only(bench: Any) -> Iterator[Any]:
    """The workbench with its index on a file system that cannot be written."""
    bench.fill(4)
    bench.index()
    mount = ["mount", "--bind", str(bench.directory), str(bench.directory)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a file system")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(bench.directory)], check=True)
        yield bench
    finally:
        subprocess.run(["umount", "--lazy", str(bench.directory)], check=True)


def test_a_read_only_index_is_searched(read_only: Any) -> None:
    assert "action_2_1" in read_only.found("action 2 1")
    with pytest.raises(StorageError, match=r"[Rr]ead-only"):
        read_only.index()


def test_a_read_only_database_is_opened_as_it_lies(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fill(2)
    bench.index()
    connect = storage._connect

    def refusing(path: Path, mode: str) -> sqlite3.Connection:
        if mode == "mode=ro":
            raise sqlite3.OperationalError("unable to open database file")
        return connect(path, mode)

    monkeypatch.setattr(storage, "_connect", refusing)
    monkeypatch.setattr(os, "access", lambda *_: False)
    db, manifest = open_reader(bench.directory)
    assert db.execute("SELECT count(*) FROM chunks").fetchone() == (6,)
    db.close()
    assert manifest.name == "bench"
    # A commit that lies in the log would be missed, or worse, half of one read.
    (bench.directory / "index.db-wal").write_bytes(b"commits")
    with pytest.raises((StorageError, IndexUnusable)):
        open_reader(bench.directory)


def test_an_index_directory_that_cannot_be_made(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.directory = tmp_path / "file" / "index"
    with pytest.raises(StorageError, match="choose another place"):
        bench.index()


# --- places -------------------------------------------------------------------------------------------------


def test_deleting_leaves_what_is_not_of_the_index(bench: Any) -> None:
    bench.fill(2)
    bench.index()
    assert index_size(bench.directory) > 10_000
    (bench.directory / "notes.txt").write_text("mine")
    assert delete_index(bench.directory)
    assert [path.name for path in bench.directory.iterdir()] == ["notes.txt"]
    (bench.directory / "notes.txt").unlink()
    bench.index()
    assert delete_index(bench.directory)
    assert not bench.directory.exists()


def test_indexes_are_found_from_inside_their_repository(bench: Any, tmp_path: Path) -> None:
    bench.fill(6)
    bench.directory = index_directory(tmp_path / "indexes", bench.root)
    bench.index()
    assert find_index(tmp_path / "indexes", bench.root / "package_1") == bench.root
    assert find_index(tmp_path / "indexes", tmp_path) is None
    (tmp_path / "indexes/broken").mkdir()
    (tmp_path / "indexes/broken/index.db").write_bytes(b"")
    found = dict(list_indexes(tmp_path / "indexes"))
    assert isinstance(found.pop(tmp_path / "indexes/broken"), IndexUnusable)
    (manifest,) = found.values()
    assert isinstance(manifest, Manifest)
    assert manifest.root == str(bench.root)


def test_names_of_index_directories() -> None:
    assert index_directory(Path("/i"), Path("/a/my repo!")).name.startswith("my-repo-")
    assert index_directory(Path("/i"), Path("/")).name.startswith("root-")
    assert index_directory(Path("/i"), Path("/a/x")) != index_directory(Path("/i"), Path("/b/x"))
    assert len(index_directory(Path("/i"), Path("/" + "x" * 200)).name) < 60


def test_a_file_that_is_no_database_leaves_no_connection_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remember(*given: object, **named: object) -> sqlite3.Connection:
        opened.append(connect(*given, **named))  # type: ignore[call-overload]
        return opened[-1]

    (tmp_path / "index.db").write_bytes(b"this is no database" * 1000)
    monkeypatch.setattr(sqlite3, "connect", remember)
    with pytest.raises(IndexUnusable):
        open_reader(tmp_path)
    assert opened
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
