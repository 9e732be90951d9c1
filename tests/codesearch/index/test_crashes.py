"""An update that dies, at any statement or file operation, leaves an index that answers and can be completed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codesearch.errors import StorageError
from codesearch.index import dense, encoding, files, storage
from codesearch.index.lexical import LexicalWriter
from codesearch.index.storage import Writer
from codesearch.index.vector_cache import VectorCache

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

KILLED = 9


@pytest.fixture
def changed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A repository that changed in every way since it was indexed; its vectors are many enough for graphs."""
    monkeypatch.setattr(dense, "EXACT_LIMIT", 12)
    monkeypatch.setattr(dense, "SEGMENT_LIMIT", 20)
    monkeypatch.setattr(encoding, "_COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(files, "_COMMIT_CHUNKS", 4)
    bench.fill(8)
    bench.index()
    for i in range(8, 14):
        bench.write(f"new/file_{i}.py", f"def newcomer_{i}(): return {i}\n\ndef extra_{i}(): return -{i}\n")
    bench.write("package_1/module_1.py", "def action_1_changed(): return 1\n")
    bench.write("package_2/module_2.py", b"\0binary")
    (bench.root / "package_3/module_3.py").rename(bench.root / "renamed.py")
    (bench.root / "package_4/module_4.py").unlink()
    return bench


def check_and_complete(bench: Any, expected: dict[str, Any], encoder: Any = None) -> None:
    """What a crash left behind answers, each file being as it was or as it is; then it can be completed."""
    with bench.snapshot() as snapshot:
        snapshot.counts()
        assert snapshot.dense is not None
        known = {chunk.path: chunk.text for chunk in snapshot.chunks(range(1, 200)).values()}
        assert "module_0.py" in " ".join(known)
        assert known.get("package_1/module_1.py", "action_1").count("action_1") == 1
    assert "action_5_1" in bench.found("action 5 1")
    bench.index(encoder=encoder)
    assert bench.contents() == expected


def dying(call: Callable[..., Any], *, after: bool, at: int = 1) -> Callable[..., Any]:
    """A function that kills the process before or after its call number `at`."""
    calls = 0

    def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            os._exit(KILLED)
        result = call(*arguments, **options)
        if calls == at:
            os._exit(KILLED)
        return result

    return wrapped


def count_statements(monkeypatch: pytest.MonkeyPatch, on_statement: Callable[[str], None]) -> None:
    """Have every statement of every connection to an index announced before it runs."""
    connect = storage._connect

    def traced(path: Path, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.set_trace_callback(on_statement)
        return connection

    monkeypatch.setattr(storage, "_connect", traced)


def test_killed_at_any_statement(changed: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(changed.directory, before)
    expected = changed.fresh()
    statements: list[str] = []
    with monkeypatch.context() as patch:
        count_statements(patch, statements.append)
        changed.index()
    assert changed.contents() == expected
    # Every commit and what comes right before and after it, and a sample of what lies between.
    commits = [i for i, statement in enumerate(statements) if statement.startswith("COMMIT")]
    assert len(commits) >= 8
    points = sorted({*commits, *(i + 1 for i in commits), *range(0, len(statements), len(statements) // 25)})
    for point in points[:: max(1, len(points) // 40)]:
        shutil.rmtree(changed.directory)
        shutil.copytree(before, changed.directory)

        def die_at(point: int = point) -> None:
            seen = 0

            def on_statement(_: str) -> None:
                nonlocal seen
                seen += 1
                if seen > point:
                    os._exit(KILLED)

            with monkeypatch.context() as patch:
                count_statements(patch, on_statement)
                changed.index()

        assert changed.in_child(die_at) in (KILLED, 0)
        check_and_complete(changed, expected)


PLACES = {
    "lexical commit": (LexicalWriter, "commit"),
    "lexical close": (LexicalWriter, "close"),
    "graph": (dense, "build_graph"),
    "segment written": (Writer, "write_partial"),
    "segment placed": (Writer, "place_segment"),
    "segments removed": (Writer, "remove_segments"),
    "cache": (VectorCache, "put"),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_a_derived_file(changed: Any, monkeypatch: pytest.MonkeyPatch, place: str, after: bool) -> None:
    owner, name = PLACES[place]
    cache = changed.directory.with_name("vectors.db")

    def die() -> None:
        monkeypatch.setattr(owner, name, dying(getattr(owner, name), after=after))
        changed.index(vector_cache=cache)

    assert changed.in_child(die) == KILLED
    check_and_complete(changed, changed.fresh())
    assert not list(changed.directory.glob("*.partial"))


@pytest.mark.parametrize("rebuild", [False, True], ids=["first", "rebuild"])
def test_killed_while_an_index_is_created(changed: Any, monkeypatch: pytest.MonkeyPatch, rebuild: bool) -> None:
    expected = changed.fresh()
    for point in range(0, 40, 3):
        if not rebuild:
            shutil.rmtree(changed.directory, ignore_errors=True)

        def die_at(point: int = point) -> None:
            seen = 0

            def on_statement(_: str) -> None:
                nonlocal seen
                seen += 1
                if seen > point:
                    os._exit(KILLED)

            count_statements(monkeypatch, on_statement)
            changed.index(rebuild=rebuild)

        assert changed.in_child(die_at) == KILLED
        changed.index()
        assert changed.contents() == expected


def test_what_was_committed_is_not_encoded_again(changed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> None:
        monkeypatch.setattr(encoding, "_write_vectors", dying(encoding._write_vectors, after=True, at=2))
        changed.index()

    with changed.snapshot() as snapshot:
        before = snapshot.counts().vectors
    assert changed.in_child(die) == KILLED
    with changed.snapshot() as snapshot:
        counts = snapshot.counts()
    assert counts.pending > 0
    encoder = changed.encoder()
    report = changed.index(encoder=encoder)
    assert report.encoded == len(encoder.texts) == counts.pending
    assert before > 0


INDEXER = """
import sys
from pathlib import Path
from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.storage import Manifest, open_writer
from codesearch.index.update import update
from codesearch.records import Repository
from codesearch.sources import FileRules

if __name__ == "__main__":
    root, directory = map(Path, sys.argv[1:])
    with open_writer(directory, Manifest(root=str(root), name="bench")) as writer:
        print("locked", flush=True)
        repository = Repository(root, "bench")
        for progress in update(repository, writer, FileRules(), lambda: HashingEncoder(16, batch_size=8)):
            pass
"""


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_killed_at_random_times_with_workers(bench: Any, tmp_path: Path) -> None:
    bench.fill(300)
    script = tmp_path / "indexer.py"
    script.write_text(INDEXER)
    for delay in (0.02, 0.15, 0.3, 0.6):
        process = subprocess.Popen(
            [sys.executable, str(script), str(bench.root), str(bench.directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        # Its workers leave too, though nobody told them.
        until = time.monotonic() + 20
        while alive(process.pid) and time.monotonic() < until:
            time.sleep(0.05)
        assert not alive(process.pid)
    bench.index()
    assert bench.contents() == bench.fresh()


# --- the disk is full ---------------------------------------------------------------------------------------


def limit_files(size: int) -> None:
    """Let this process write no file beyond `size` bytes: the system's way to be short of space."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("size", [0, 5_000, 20_000, 40_000, 60_000, 80_000, 120_000])
def test_no_space_at_some_size(changed: Any, size: int) -> None:
    expected = changed.fresh()

    def work() -> None:
        limit_files(size)
        changed.index()

    assert changed.in_child(work) in ((0, 3) if size > 20_000 else (3,))
    check_and_complete(changed, expected)


SHORT_OF_SPACE = {
    "lexical": (LexicalWriter, "commit", 3),
    "graph": (dense, "build_graph", 3),
    "cache": (VectorCache, "put", 0),
}


@pytest.mark.parametrize("stage", SHORT_OF_SPACE)
def test_no_space_at_a_stage(changed: Any, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    owner, name, status = SHORT_OF_SPACE[stage]
    call = getattr(owner, name)

    def limited(*arguments: Any, **options: Any) -> Any:
        limit_files(100)
        try:
            return call(*arguments, **options)
        finally:
            limit_files(resource.RLIM_INFINITY)

    def work() -> None:
        monkeypatch.setattr(owner, name, limited)
        changed.index(vector_cache=changed.directory.with_name("vectors.db"))

    assert changed.in_child(work) == status
    check_and_complete(changed, changed.fresh())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_no_space_on_a_real_file_system(changed: Any, small_disk: Path) -> None:
    """A disk with ever less room: what was there answers, and with room again the update completes."""
    expected = changed.fresh()
    kept = changed.directory
    changed.directory = small_disk / "index"
    ballast = small_disk / "ballast"
    failures = []
    for free_kilobytes in (4, 24, 64, 120, 200, 280, 360):
        shutil.rmtree(changed.directory, ignore_errors=True)
        shutil.copytree(kept, changed.directory)
        usage = os.statvfs(small_disk)
        ballast.write_bytes(bytes(max(0, usage.f_bavail * usage.f_frsize - free_kilobytes * 1024)))
        try:
            changed.index()
        except StorageError as error:
            failures.append(str(error))
        ballast.unlink()
        check_and_complete(changed, expected)
    assert len(failures) >= 2
    assert all("space" in failure for failure in failures)


def test_no_space_for_a_first_index(changed: Any, small_disk: Path) -> None:
    changed.directory = small_disk / "index"
    ballast = small_disk / "ballast"
    usage = os.statvfs(small_disk)
    ballast.write_bytes(bytes(usage.f_bavail * usage.f_frsize - 8192))
    with pytest.raises(StorageError, match="space"):
        changed.index()
    ballast.unlink()
    changed.index()
    changed.contents()
