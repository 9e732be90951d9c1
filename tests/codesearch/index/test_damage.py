"""Damage to any file of an index is seen, is never taken for an answer, and a full disk is never taken for damage.

The long form: CODESEARCH_CORRUPTIONS=1000 pytest -o faulthandler_timeout=0 tests/codesearch/index/test_damage.py
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import CodesearchError, IndexUnusable, StorageError, Unusable
from codesearch.index import seals, storage
from codesearch.index.locations import list_indexes
from codesearch.index.snapshot import Snapshot
from codesearch.index.vector_cache import VectorCache, count_damaged
from codesearch.search.pipeline import search
from codesearch.upkeep import doctor
from codesearch.upkeep.doctor import Outcome
from codesearch.upkeep.plan import Job, bring_up_to_date

CORRUPTIONS = int(os.environ.get("CODESEARCH_CORRUPTIONS", "60"))
QUESTIONS = ("action 3 1", "value times seven", "module", "return value")


def flip(data: bytearray, chance: random.Random) -> bytes:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def cut(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.randrange(len(data))])


def noise(data: bytearray, chance: random.Random) -> bytes:
    start, length = chance.randrange(len(data)), chance.randrange(1, 200)
    return bytes(data[:start]) + chance.randbytes(length) + bytes(data[start + length :])


def zeros(data: bytearray, chance: random.Random) -> bytes:
    start, length = chance.randrange(len(data)), chance.choice((1, 16, 512, 4096))
    return bytes(data[:start]) + bytes(min(length, len(data) - start)) + bytes(data[start + length :])


def exchange(data: bytearray, chance: random.Random) -> bytes:
    half = len(data) // 2
    return bytes(data[half:]) + bytes(data[:half])


def longer(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data) + chance.randbytes(chance.randrange(1, 5000))


def nothing(data: bytearray, chance: random.Random) -> bytes:
    return b""


WAYS = (flip, flip, flip, cut, noise, zeros, exchange, longer, nothing)


def answers(directory: Path) -> list[Any]:
    with Snapshot(directory) as snapshot:
        if not snapshot.has_words:
            raise IndexUnusable(Unusable.CORRUPT, "the words are said not to be there")
        found = [search([snapshot], question, HashingEncoder(16), limit=5) for question in QUESTIONS]
        return [[(match.chunk.path, match.chunk.text, match.score) for match in one.matches] for one in found]


def bring(bench: Any, *, rebuild: bool = False) -> Any:
    cache = bench.directory.with_name("vectors.db")
    job = Job(bench.repository, bench.directory, bench.rules, (), (), cache)
    steps = bring_up_to_date(job, lambda: HashingEncoder(16), rebuild=rebuild)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_corruption_of_any_file_is_no_wrong_answer(bench: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is answered as before or said; each is mended by an update, or by a rebuild at the latest."""
    bench.fill(30)
    bring(bench)
    sound, expected = answers(bench.directory), bench.contents()
    kept, chance = bench.directory.with_name("kept"), random.Random(25)
    home = bench.directory.parent
    shutil.copytree(bench.directory, kept)
    shutil.copy(home / "vectors.db", home / "vectors.kept")
    names = sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file() and path.stat().st_size)
    names.append("../vectors.db")
    assert {"index.db", "index.seal", "lexical/meta.json"} <= set(names)
    seen = 0
    for number in range(CORRUPTIONS):
        shutil.rmtree(bench.directory)
        shutil.copytree(kept, bench.directory)
        shutil.copy(home / "vectors.kept", home / "vectors.db")
        path = bench.directory / names[number % len(names)]
        way = chance.choice(WAYS)
        path.write_bytes(way(bytearray(path.read_bytes()), chance))
        case = f"{way.__name__} of {path.name}, number {number}"
        try:
            assert answers(bench.directory) == sound, case
        except CodesearchError:
            seen += 1
        if number % 3 == 0:
            bring(bench, rebuild=path.name == "vectors.db")
            assert answers(bench.directory) == sound, case
            assert bench.contents() == expected, case
    assert seen > CORRUPTIONS // 3
    assert "panicked" not in capfd.readouterr().err


def test_a_seal_is_broken_by_the_first_change_and_made_when_the_writer_closes(bench: Any) -> None:
    bench.fill(3)
    for file in bench.root.rglob("*.py"):
        os.utime(file, (1_500_000_000, 1_500_000_000))
    bench.index()
    seal = bench.directory / "index.seal"
    before = seal.read_text()
    bench.index()
    assert seal.read_text() == before  # nothing was written
    bench.write("new.py", "def new(): pass\n")
    steps = bench.updating()
    for progress in steps:
        if progress.phase.name == "LEXICAL":
            break
    assert not seal.exists()
    steps.close()
    for _ in bench.updating():
        pass
    assert seal.read_text() != before
    assert not storage.seal_is_broken(bench.directory, read=True)


def test_what_a_disk_forgets_is_found_by_reading_all(
    bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The times say that nobody has written: only `doctor --verify` reads the file all the same."""
    bench.fill(5)
    bench.directory = tmp_path / "indexes" / "bench"
    bench.directory.parent.mkdir()
    bench.index()
    database, (words,) = bench.directory / "index.db", [*bench.directory.glob("lexical/*.term")][:1]

    def verdict() -> tuple[Outcome, str]:
        (found,) = list_indexes(tmp_path / "indexes")
        return doctor._index_check(*found, verify=True)()[:2]

    assert verdict()[0] is Outcome.OK
    for path, name in ((words, f"lexical/{words.name}"), (database, "index.db")):
        sound = path.read_bytes()
        at = len(sound) // 3
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        # As if its times were those of before.
        stat = path.stat()
        seal = seals.Seal.parse((bench.directory / "index.seal").read_text())
        assert seal is not None
        if path == database:
            forged = seals.Seal(seal.size, stat.st_mtime_ns, stat.st_ctime_ns, seal.checksum)
            (bench.directory / "index.seal").write_text(str(forged))
            assert not storage.seal_is_broken(bench.directory)
        else:
            seals._sound.add((str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
        outcome, says = verdict()
        assert outcome is Outcome.FAILED
        assert name in says or "damaged" in says
        path.write_bytes(sound)


def test_a_damaged_vector_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "vectors.db"
    cache = VectorCache(path, "model", 4)
    cache.put({b"a" * 16: b"12345678", b"b" * 16: b"abcdefgh"})
    cache.close()
    with sqlite3.connect(path) as database:  # a bit of one, and the other under a key that is not its own
        database.execute("UPDATE vectors SET vector = ? || substr(vector, 2) WHERE key = ?", [b"0", b"a" * 16])
        database.execute("UPDATE vectors SET key = ? WHERE key = ?", [b"c" * 16, b"b" * 16])
    database.close()
    assert count_damaged(path) == (2, 2)
    cache = VectorCache(path, "model", 4)
    assert cache.get([b"a" * 16, b"b" * 16, b"c" * 16]) == {}
    cache.put({b"a" * 16: b"12345678"})
    assert cache.get([b"a" * 16]) == {b"a" * 16: b"12345678"}
    cache.close()


# --- a full disk --------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=60", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def use_up(folder: Path, what: str) -> Callable[[], None]:
    """Leave no bytes or no inodes; returns what gives them back."""
    ballast = folder / "ballast"
    ballast.mkdir()
    usage = os.statvfs(folder)
    if what == "bytes":
        (ballast / "file").write_bytes(bytes(usage.f_bavail * usage.f_frsize))
    else:
        for number in range(usage.f_favail):
            (ballast / str(number)).touch()
    return lambda: shutil.rmtree(ballast)


@pytest.mark.parametrize("what", ["bytes", "inodes"])
@pytest.mark.parametrize("state", ["closed", "changed", "left open", "rebuild", "words gone", "looks damaged"])
def test_a_full_disk_costs_no_vector(
    bench: Any, small_disk: Path, what: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done on it: with room again nothing has to be encoded that was encoded before."""
    bench.directory = small_disk / "index"
    bench.fill(20)
    bring(bench)
    if state == "left open":  # by a program that was killed
        (bench.directory / "index.seal").unlink()
        with sqlite3.connect(bench.directory / "index.db") as database:
            database.execute("PRAGMA wal_autocheckpoint = 0")
    if state == "changed":
        bench.write("new.py", "def new(): pass\n")
    if state == "words gone":
        shutil.rmtree(bench.directory / "lexical")
    if state == "looks damaged":  # as SQLite may say of a file that it cannot use for want of space
        opened = storage._open_existing

        def fail(directory: Path) -> Any:
            raise IndexUnusable(Unusable.CORRUPT, "it looks so")

        monkeypatch.setattr(storage, "_open_existing", fail)
    give_back = use_up(small_disk, what)
    with_error = None
    try:
        bring(bench, rebuild=state == "rebuild")
    except CodesearchError as error:
        with_error = error
    assert with_error is None or isinstance(with_error, StorageError), with_error
    if state in ("rebuild", "looks damaged"):
        assert with_error is not None
    cache = VectorCache(small_disk / "vectors.db", HashingEncoder(16).model_id, 16)
    cache.put({b"x" * 16: bytes(32)})
    cache.close()
    give_back()
    if state == "looks damaged":
        monkeypatch.setattr(storage, "_open_existing", opened)
    report = bring(bench)
    assert report.encoded == (1 if state == "changed" else 0)
    assert count_damaged(small_disk / "vectors.db")[1] == 0
    bench.contents()
