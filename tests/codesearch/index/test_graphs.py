"""Graphs are built and read by whichever library is installed, and each reads what the other left."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from codesearch.index import graphs
from codesearch.index.graphs import Graph, graph_library, load_graph, new_graph

DIMENSION = 32

needs_hnswlib = pytest.mark.skipif(importlib.util.find_spec("hnswlib") is None, reason="hnswlib is not installed")


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have the module find everything but these libraries."""
    find = importlib.util.find_spec
    monkeypatch.setattr(graphs.importlib.util, "find_spec", lambda name: None if name in names else find(name))


def some_vectors(count: int = 600) -> np.ndarray:
    vectors = np.random.default_rng(3).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def built(vectors: np.ndarray) -> Graph:
    graph = new_graph(DIMENSION, len(vectors), neighbours=16, breadth=200)
    ids = np.arange(len(vectors)) + (1 << 40)
    for start in range(0, len(vectors), 250):
        graph.add(vectors[start : start + 250], ids[start : start + 250])
    return graph


def check(graph: Graph, vectors: np.ndarray) -> None:
    ids, cosines = graph.search(vectors[:20], 5, breadth=128)
    exact = vectors[:20] @ vectors.T
    best = np.argsort(-exact, axis=1)[:, :5]
    assert ids[:, 0].tolist() == (np.arange(20) + (1 << 40)).tolist()
    shared = [len(set(a) & set(b)) for a, b in zip((ids - (1 << 40)).tolist(), best.tolist(), strict=True)]
    assert np.mean(shared) > (4.8 if graph.is_exact else 4.5)
    np.testing.assert_allclose(
        cosines, np.take_along_axis(exact, ids - (1 << 40), axis=1), atol=1e-5 if graph.is_exact else 0.02
    )


@pytest.mark.parametrize("builder", ["usearch", pytest.param("hnswlib", marks=needs_hnswlib)])
def test_a_graph_of_either_library_is_read_whatever_builds_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    vectors = some_vectors()
    with monkeypatch.context() as patch:
        if builder == "hnswlib":
            hide(patch, "usearch")
        assert graph_library() == builder
        graph = built(vectors)
        check(graph, vectors)
        graph.save(tmp_path / "graph")
    loaded = load_graph(tmp_path / "graph", DIMENSION)
    assert loaded is not None
    check(loaded, vectors)


@needs_hnswlib
def test_usearch_builds_where_both_are_installed() -> None:
    assert graph_library() == "usearch"


@pytest.mark.parametrize("builder", ["usearch", pytest.param("hnswlib", marks=needs_hnswlib)])
def test_what_nobody_here_can_read_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str) -> None:
    with monkeypatch.context() as patch:
        if builder == "hnswlib":
            hide(patch, "usearch")
        built(some_vectors(50)).save(tmp_path / "graph")
    hide(monkeypatch, builder)
    assert load_graph(tmp_path / "graph", DIMENSION) is None
    hide(monkeypatch, "hnswlib", "usearch")
    assert graph_library() is None


@pytest.mark.parametrize("builder", ["usearch", pytest.param("hnswlib", marks=needs_hnswlib)])
def test_a_file_that_cannot_be_written_whole_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    if builder == "hnswlib":
        hide(monkeypatch, "usearch")
    with pytest.raises(OSError, match="whole"):
        built(some_vectors(50)).save(tmp_path / "missing" / "graph")


@pytest.mark.parametrize("content", [b"", b"VOYA", b"VOYA\x01\x00\x00\x00" + b"x" * 40, b"x" * 200])
def test_a_damaged_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "graph").write_bytes(content)
    with pytest.raises((OSError, RuntimeError)):
        load_graph(tmp_path / "graph", DIMENSION)


def test_a_graph_of_another_dimension_is_an_error(tmp_path: Path) -> None:
    built(some_vectors(50)).save(tmp_path / "graph")
    with pytest.raises(RuntimeError, match="dimensions"):
        load_graph(tmp_path / "graph", 2 * DIMENSION)


def test_fewer_candidates_than_results_are_enough() -> None:
    vectors = some_vectors(80)
    ids, _ = built(vectors).search(vectors[:1], 80, breadth=10)
    assert ids.shape == (1, 80)


def test_several_threads_may_search_one_graph() -> None:
    vectors = some_vectors()
    graph = built(vectors)

    def search(row: int) -> list[int]:
        return graph.search(vectors[row], 10, breadth=64)[0].ravel().tolist()

    expected = [search(row) for row in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(search, range(200))) == expected
