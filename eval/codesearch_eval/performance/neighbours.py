"""Exact search against HNSW graphs, by number of vectors: what `codesearch.index.dense.EXACT_LIMIT` rests on.

The vectors are random, without neighbourhoods: the worst case of a graph, whose recall on code is far higher.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import InputError
from codesearch.index.dense import DenseIndex, build_graph, pack, read_vectors
from codesearch.index.graphs import graph_libraries, graph_library
from codesearch.index.seals import Seal
from codesearch.index.storage import Manifest, open_reader, open_writer
from codesearch_eval.machine import Machine, describe_machine
from codesearch_eval.markdown import markdown_table

__all__ = ["GraphFigures", "NeighbourFigures", "SizeFigures", "measure_neighbours", "neighbours_table"]

Progress = Callable[[str], None]
Vectors = NDArray[np.float32]

_NEAREST = 100
"""Neighbours asked for when a search is timed."""

_BLOCK = 5000
_LOADS = 3


@dataclass(frozen=True, slots=True)
class GraphFigures:
    """One graph over all vectors.

    Attributes:
        build_seconds: Processor time of building and saving it, all threads together.
        load_ms: Processor time of opening it; median.
        search_ms: Processor time of one search; median.
        recall: Of the ten nearest, the share that it finds.
        file_bytes: Its size on disk.
    """

    build_seconds: float
    load_ms: float
    search_ms: float
    recall: float
    file_bytes: int


@dataclass(frozen=True, slots=True)
class SizeFigures:
    """Both ways of searching so many vectors.

    Attributes:
        vectors: How many.
        load_ms: Processor time of reading them from the database for exact search; median.
        search_ms: Processor time of one exact search; median.
        graph: The graph; None without a library of graphs.
    """

    vectors: int
    load_ms: float
    search_ms: float
    graph: GraphFigures | None


@dataclass(frozen=True, slots=True)
class NeighbourFigures:
    """All sizes, and what they were taken on; `library` is the one of the graphs, None where there are none."""

    dimension: int
    library: str | None
    sizes: tuple[SizeFigures, ...]
    machine: Machine


def measure_neighbours(
    sizes: Sequence[int],
    *,
    dimension: int = 384,
    questions: int = 40,
    seed: int = 0,
    library: str | None = None,
    progress: Progress = lambda _: None,
) -> NeighbourFigures:
    """Search random unit vectors exactly and by a graph.

    Args:
        sizes: Numbers of vectors.
        dimension: Of each.
        questions: Random unit vectors that are asked for.
        seed: For both.
        library: Of graphs, one that is installed; None for the one that indexes are built with.
        progress: Called with a few words before each step.

    Raises:
        InputError: No size is given, or one is too small for ten neighbours; or the library is not installed.
        StorageError: The disk of the temporary folder is full.
    """
    if not sizes or min(sizes) < 10:
        raise InputError("name numbers of vectors, each 10 or more, such as 10000,50000")
    if library is not None and library not in graph_libraries():
        raise InputError(
            f"{library} is not installed; of libraries of graphs there are: {', '.join(graph_libraries())}"
        )
    library = library or graph_library()
    random = np.random.default_rng(seed)
    found = []
    for size in sizes:
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            found.append(_measure(Path(folder), size, dimension, questions, random, library, progress))
    return NeighbourFigures(dimension, library, tuple(found), describe_machine())


def _measure(
    directory: Path,
    size: int,
    dimension: int,
    questions: int,
    random: np.random.Generator,
    library: str | None,
    progress: Progress,
) -> SizeFigures:
    progress(f"{size:,} vectors: exact")
    _store(directory, size, dimension, random)
    queries = _unit_vectors(random, questions, dimension)
    load_ms, search_ms, truth = _search(directory, dimension, queries)
    graph = None
    if library is not None:
        progress(f"{size:,} vectors: graph by {library}")
        build_seconds, file_bytes = _add_graph(directory, size, dimension, library)
        graph_load_ms, graph_search_ms, found = _search(directory, dimension, queries)
        right = sum(len(one & other) for one, other in zip(truth, found, strict=True))
        recall = right / sum(map(len, truth))
        graph = GraphFigures(build_seconds, graph_load_ms, graph_search_ms, recall, file_bytes)
    return SizeFigures(size, load_ms, search_ms, graph)


def _unit_vectors(random: np.random.Generator, count: int, dimension: int) -> Vectors:
    vectors = random.standard_normal((count, dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _store(directory: Path, size: int, dimension: int, random: np.random.Generator) -> None:
    """Make an index that holds vectors only, in no segment."""
    fresh = Manifest(root="/", name="random vectors", dimension=dimension)
    with open_writer(directory, fresh) as writer, writer.transaction(derived=True):
        for start in range(0, size, _BLOCK):
            vectors = _unit_vectors(random, min(_BLOCK, size - start), dimension)
            rows = ((f"{start + number}".encode(), pack(vector)) for number, vector in enumerate(vectors))
            writer.connection.executemany("INSERT INTO vectors (key, vector) VALUES (?, ?)", rows)


def _add_graph(directory: Path, size: int, dimension: int, library: str) -> tuple[float, int]:
    """Move all vectors into one graph, however few they are; returns its seconds and its bytes."""
    with open_writer(directory, Manifest(root="/", name="random vectors", dimension=dimension)) as writer:
        connection: sqlite3.Connection = writer.connection
        vectors = read_vectors(connection, dimension, "segment IS NULL")
        started = process_time()
        unplaced = writer.write_partial(lambda path: build_graph(path, size, dimension, vectors, library=library))
        seconds = process_time() - started
        file_bytes = unplaced.stat().st_size
        with writer.transaction(derived=True):
            (segment,) = connection.execute(
                "INSERT INTO segments (vectors, seal) VALUES (?, '') RETURNING id", [size]
            ).fetchone()
            seal = writer.place_segment(unplaced, segment, Seal.of(unplaced))
            connection.execute("UPDATE segments SET seal = ? WHERE id = ?", [str(seal), segment])
            connection.execute("UPDATE vectors SET segment = ?", [segment])
    return seconds, file_bytes


def _search(directory: Path, dimension: int, queries: Vectors) -> tuple[float, float, list[set[int]]]:
    """Return the milliseconds of loading and of one search, and the ten nearest of each query."""
    connection, _ = open_reader(directory)
    try:
        loads = [_milliseconds(lambda: DenseIndex(connection, directory, dimension)) for _ in range(_LOADS)]
        index = DenseIndex(connection, directory, dimension)
        searches = [_milliseconds(partial(index.search, query, _NEAREST)) for query in queries]
        nearest = [{vector for vector, _ in index.search(query, 10)} for query in queries]
    finally:
        connection.close()
    return float(np.median(loads)), float(np.median(searches)), nearest


def _milliseconds(action: Callable[[], object]) -> float:
    started = process_time()
    action()
    return 1000 * (process_time() - started)


def neighbours_table(figures: NeighbourFigures) -> str:
    """Return the figures as Markdown: a table by number of vectors, and a line on what they were taken on."""
    header = ["vectors", "exact: load ms", "search ms", "graph: build s", "load ms", "search ms", "recall@10", "MB"]
    machine = figures.machine
    return (
        f"{markdown_table(header, [_row(size) for size in figures.sizes])}\n\n"
        f"CPU time, all threads together; random unit vectors of {figures.dimension}, the {_NEAREST} nearest; "
        f"graphs by {figures.library or 'no library'}; {machine.cpu}, {machine.cores} cores, {machine.system}."
    )


def _row(size: SizeFigures) -> list[str]:
    row = [f"{size.vectors:,}", f"{size.load_ms:.0f}", f"{size.search_ms:.1f}"]
    graph = size.graph
    if graph is None:
        return [*row, "", "", "", "", ""]
    return [
        *row,
        f"{graph.build_seconds:.1f}",
        f"{graph.load_ms:.0f}",
        f"{graph.search_ms:.1f}",
        f"{graph.recall:.2f}",
        f"{graph.file_bytes / 1e6:.0f}",
    ]
