"""Nearest neighbours against brute force, exact and in graphs, as vectors come and go."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from codesearch.index import dense
from codesearch.index import segments as segments_module
from codesearch.index.dense import DenseIndex, pack, unpack
from codesearch.index.progress import Progress
from codesearch.index.schema import Manifest
from codesearch.index.segments import update_segments
from codesearch.index.storage import Writer, open_writer, segment_path

DIMENSION = 24


class Store:
    """An index with nothing in it but vectors."""

    def __init__(self, directory: Path, count: int, seed: int = 0) -> None:
        self.directory = directory
        self.draw = np.random.default_rng(seed)
        self.vectors: dict[int, NDArray[np.float32]] = {}
        self.write(lambda writer: self.add(writer, count))

    def write(self, work: Any) -> list[Progress]:
        with open_writer(self.directory, Manifest(root="/", name="x", dimension=DIMENSION)) as writer:
            with writer.transaction():
                work(writer)
            return list(update_segments(writer))

    def add(self, writer: Writer, count: int) -> None:
        for vector in self.units(count):
            (row,) = writer.connection.execute(
                "INSERT INTO vectors (key, vector) VALUES (randomblob(16), ?) RETURNING id", [pack(vector)]
            ).fetchone()
            self.vectors[row] = unpack([pack(vector)], DIMENSION)[0]

    def remove(self, writer: Writer, ids: list[int]) -> None:
        for row in ids:
            writer.connection.execute("DELETE FROM vectors WHERE id = ?", [row])
            del self.vectors[row]

    def units(self, count: int) -> NDArray[np.float32]:
        vectors = self.draw.standard_normal((count, DIMENSION)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def open(self, before: DenseIndex | None = None) -> DenseIndex:
        connection = sqlite3.connect(self.directory / "index.db")
        return DenseIndex(connection, self.directory, DIMENSION, before)

    def best(self, query: NDArray[np.float32], limit: int, allowed: Any = None) -> list[tuple[int, float]]:
        ids = sorted(self.vectors if allowed is None else set(allowed) & self.vectors.keys())
        scored = [(i, float(self.vectors[i] @ query)) for i in ids]
        return sorted(scored, key=lambda hit: (-hit[1], hit[0]))[:limit]

    def recall(self, limit: int = 10, questions: int = 50, allowed: Any = None) -> float:
        """Share of the truly nearest that a search finds; checks order, cosines and existence on the way."""
        index = self.open()
        assert index.count == len(self.vectors)
        permitted = None if allowed is None else np.array(sorted(allowed), np.int64)
        hits = 0
        for query in self.units(questions):
            found = index.search(query, limit, permitted)
            expected = self.best(query, limit, allowed)
            assert len(found) == len(expected)
            assert found == sorted(found, key=lambda hit: (-hit[1], hit[0]))
            for row, cosine in found:
                assert cosine == pytest.approx(float(self.vectors[row] @ query), abs=1e-5)
                assert allowed is None or row in allowed
            hits += len({row for row, _ in found} & {row for row, _ in expected})
        return hits / (questions * limit)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "EXACT_LIMIT", 500)
    monkeypatch.setattr(dense, "SEGMENT_LIMIT", 1_000)


def segments(store: Store) -> list[tuple[int, int]]:
    """(id, vectors that still exist) of each segment; checks that the folder holds these graphs and no others."""
    db = sqlite3.connect(store.directory / "index.db")
    rows = db.execute("SELECT id, (SELECT count(*) FROM vectors WHERE segment = s.id) FROM segments s").fetchall()
    db.close()
    assert set(store.directory.glob("segment*")) == {segment_path(store.directory, row[0]) for row in rows}
    return rows


def test_few_vectors_are_searched_exactly(tmp_path: Path) -> None:
    store = Store(tmp_path, 300)
    assert segments(store) == []
    assert store.recall() == 1.0
    assert store.recall(limit=300, questions=3) == 1.0
    assert store.recall(limit=5, allowed=range(10, 40)) == 1.0


def test_an_index_without_vectors(tmp_path: Path) -> None:
    index = Store(tmp_path, 0).open()
    assert index.count == 0
    assert index.search(np.ones(DIMENSION, np.float32), 5) == []
    assert index.search(np.ones(DIMENSION, np.float32), 5, np.array([1, 2])) == []


def test_vectors_keep_their_cosines_when_stored() -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stored = unpack([pack(vector) for vector in vectors], 384)
    assert np.abs(stored @ vectors.T - vectors @ vectors.T).max() < 1e-3
    assert unpack([], 384).shape == (0, 384)


@pytest.mark.usefixtures("small_limits")
def test_many_vectors_are_searched_in_graphs(tmp_path: Path) -> None:
    store = Store(tmp_path, 2_700)
    assert [size for _, size in segments(store)] == [1_000, 1_000, 700]
    assert store.open().segment_count == 3
    assert store.recall() > 0.98


@pytest.mark.usefixtures("small_limits")
def test_the_newest_vectors_stay_outside_of_graphs(tmp_path: Path) -> None:
    store = Store(tmp_path, 1_000)
    store.write(lambda writer: store.add(writer, 499))
    assert [size for _, size in segments(store)] == [1_000]
    assert store.recall() > 0.98


@pytest.mark.usefixtures("small_limits")
def test_small_segments_are_merged_when_others_are_made(tmp_path: Path) -> None:
    store = Store(tmp_path, 501)
    first = segments(store)
    assert [size for _, size in first] == [501]
    store.write(lambda writer: store.remove(writer, sorted(store.vectors)[:50]))
    assert segments(store) == [(first[0][0], 451)]
    store.write(lambda writer: store.add(writer, 549))
    (merged,) = segments(store)
    assert merged[1] == 1_000
    assert merged[0] > first[0][0], "a number is never used again: readers of the old state may look for it"
    assert store.recall() > 0.98


@pytest.mark.usefixtures("small_limits")
def test_removed_vectors_are_never_found(tmp_path: Path) -> None:
    store = Store(tmp_path, 1_000)
    store.write(lambda writer: store.remove(writer, sorted(store.vectors)[::5]))
    assert [size for _, size in segments(store)] == [800]
    assert store.recall() > 0.98
    assert store.recall(limit=700, questions=3) > 0.95
    # Those nearest to one question, all of them: the graph names them first.
    query = store.units(1)[0]
    nearest = [row for row, _ in store.best(query, 250)]
    store.write(lambda writer: store.remove(writer, nearest))
    assert segments(store)[0][1] == 550
    found = store.open().search(query, 10)
    assert len({row for row, _ in found} & {row for row, _ in store.best(query, 10)}) >= 9


@pytest.mark.usefixtures("small_limits")
def test_a_graph_that_holds_mostly_what_was_removed_is_dissolved(tmp_path: Path) -> None:
    store = Store(tmp_path, 1_000)
    store.write(lambda writer: store.remove(writer, sorted(store.vectors)[:600]))
    assert segments(store) == []
    assert store.recall() == 1.0


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("share", [0.003, 0.04, 0.06, 0.5, 0.97])
def test_filters_of_any_selectivity(tmp_path: Path, share: float) -> None:
    store = Store(tmp_path, 2_300)
    ids = np.array(sorted(store.vectors))
    allowed = set(store.draw.choice(ids, int(share * len(ids)), replace=False).tolist())
    assert store.recall(allowed=allowed) * 10 >= 0.95 * min(10, len(allowed))


@pytest.mark.usefixtures("small_limits")
def test_a_filter_that_lets_through_only_what_is_far_off(tmp_path: Path) -> None:
    store = Store(tmp_path, 2_300)
    query = store.units(1)[0]
    far = [row for row, _ in store.best(query, 2_300)[-300:]]
    found = store.open().search(query, 10, np.array(sorted(far), np.int64))
    assert [row for row, _ in found] == [row for row, _ in store.best(query, 10, far)]


@pytest.mark.usefixtures("small_limits")
def test_without_a_library_of_graphs_everything_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_graphs = Store(tmp_path / "with", 1_200)
    for module in (dense, segments_module):
        monkeypatch.setattr(module, "graph_library", lambda: None)
    monkeypatch.setattr(dense, "load_graph", lambda *_: None)
    assert with_graphs.open().segment_count == 0
    assert with_graphs.recall() == 1.0
    without = Store(tmp_path / "without", 1_200)
    assert segments(without) == []
    assert without.recall() == 1.0


def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many vectors each later read of the database brings."""
    seen: list[int] = []
    read = dense.read_vectors

    def counted(*arguments: Any) -> Any:
        for ids, vectors in read(*arguments):
            seen.append(len(ids))
            yield ids, vectors

    monkeypatch.setattr(dense, "read_vectors", counted)
    return seen


@pytest.mark.usefixtures("small_limits")
def test_a_later_state_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "index", 1_400)
    index = store.open()
    assert index.segment_count == 1
    seen = reads(monkeypatch)
    load = dense._load_graph
    for removed, added in ((0, 0), (0, 3), (40, 0), (7, 5), (0, 1)):
        gone = store.draw.choice(sorted(store.vectors), removed, replace=False).tolist()
        store.write(lambda writer, gone=gone, added=added: (store.remove(writer, gone), store.add(writer, added)))
        seen.clear()
        monkeypatch.setattr(dense, "_load_graph", lambda *_: pytest.fail("a graph was loaded again"))
        index = store.open(index)
        monkeypatch.setattr(dense, "_load_graph", load)
        assert sum(seen) == added
        whole = store.open()
        for query in store.units(20):
            assert index.search(query, 10) == whole.search(query, 10)


def test_what_waited_for_its_vector_takes_its_place(tmp_path: Path) -> None:
    store = Store(tmp_path / "index", 50)
    waiting, newest = 20, max(store.vectors)

    def wait(writer: Writer) -> None:
        writer.connection.execute("UPDATE vectors SET vector = NULL WHERE id = ?", [waiting])
        writer.connection.execute("INSERT INTO pending VALUES (?, 'text')", [waiting])

    def encode(writer: Writer) -> None:
        writer.connection.execute("UPDATE vectors SET vector = ? WHERE id = ?", [pack(store.vectors[waiting]), waiting])
        writer.connection.execute("DELETE FROM pending")

    store.write(wait)
    before = store.open()
    assert waiting not in {row for row, _ in before.search(store.vectors[waiting], 50)}
    assert store.open(before)._tail is before._tail
    store.write(encode)
    after = store.open(before)
    assert after.search(store.vectors[waiting], 1)[0][0] == waiting
    assert after.search(store.vectors[newest], 50) == store.open().search(store.vectors[newest], 50)


def test_most_of_a_state_being_new_it_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "index", 20)
    before = store.open()
    store.write(lambda writer: store.add(writer, 30))
    seen = reads(monkeypatch)
    after = store.open(before)
    assert sum(seen) == 50
    for query in store.units(5):
        assert after.search(query, 10) == store.open().search(query, 10)


def test_a_graph_that_could_not_be_written_whole_is_an_error(tmp_path: Path) -> None:
    vectors = np.eye(4, dtype=np.float32)
    with pytest.raises(OSError, match="whole"):
        dense.build_graph(tmp_path / "nowhere" / "graph", 4, 4, [(np.arange(4), vectors)])
    assert not (tmp_path / "nowhere").exists()
