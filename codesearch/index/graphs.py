"""HNSW graphs, by usearch or hnswlib (Malkov and Yashunin, arXiv 1603.09320).

usearch has wheels for the usual platforms, so it is what everybody has. Its graphs hold vectors in 8 bits, which is a
third of the bytes, and are mapped into memory: opening one reads next to nothing, and several processes share it.
hnswlib holds them in 32 bits and has to be compiled where it is installed. It is used where usearch is not there
(docs/notebook/graphs.md has what was measured).
"""

from __future__ import annotations

import errno
import importlib.util
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Graph", "graph_libraries", "graph_library", "load_graph", "new_graph"]

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

_HNSWLIB_FILE: Final = b"\0" * 8
"""How a file of hnswlib's begins: with an offset, 0. One of usearch's begins with the number of its vectors."""

_DEVIATIONS: Final = 5.0
"""How large a component of a vector may be, in standard deviations, before 8 bits cut it off: of code vectors, one
component in ten thousand is."""


def graph_libraries() -> tuple[str, ...]:
    """Return the names of the libraries that are installed, the better first."""
    return tuple(name for name in ("usearch", "hnswlib") if importlib.util.find_spec(name) is not None)


def graph_library() -> str | None:
    """Return the name of the library that new graphs are built with; None where none is installed."""
    return next(iter(graph_libraries()), None)


class Graph:
    """A graph over vectors of length 1.

    Attributes:
        is_exact: Whether it returns the cosines of the vectors as they were added. One that holds them in 8 bits finds
            what is near, and cannot say quite how near.
    """

    is_exact = True

    def add(self, vectors: Vectors, ids: Ids, *, threads: int = -1) -> None:
        """Add vectors.

        Args:
            vectors: Of shape [n, dimension].
            ids: Of shape [n], 0 or more.
            threads: -1 for one per core.
        """
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Write the graph to a file, in a folder that exists.

        Raises:
            OSError: The file could not be written whole.
        """
        raise NotImplementedError

    def search(self, queries: Vectors, limit: int, *, breadth: int, threads: int = 1) -> tuple[Ids, Vectors]:
        """Find the nearest vectors of each query.

        Args:
            queries: Of shape [n, dimension].
            limit: How many for each; at most as many as the graph holds.
            breadth: How many candidates are kept on the way (ef): more are slower and miss less.
            threads: To compute with.

        Returns:
            Ids and cosines, both of shape [n, limit], best first.
        """
        raise NotImplementedError


def new_graph(dimension: int, count: int, *, neighbours: int, breadth: int, library: str | None = None) -> Graph:
    """Return an empty graph; a library must be installed.

    Args:
        dimension: Of the vectors.
        count: How many there will be.
        neighbours: Of each vector, in each layer (M).
        breadth: How many candidates are kept while a vector is added (ef_construction).
        library: One that is installed; None for the one that new graphs are built with.
    """
    if (library or graph_library()) == "hnswlib":
        import hnswlib

        index = hnswlib.Index(space="ip", dim=dimension)
        index.init_index(max_elements=count, ef_construction=breadth, M=neighbours)
        return _HnswlibGraph(index)
    return _UsearchGraph(_usearch_index(dimension, connectivity=neighbours, expansion_add=breadth))


def load_graph(path: Path, dimension: int) -> Graph | None:
    """Load a graph from a file of either library; None where the one that can read it is not installed.

    Args:
        path: The file. It must stay as it is while the graph is used: usearch maps it into memory.
        dimension: Of the vectors.

    Raises:
        OSError: The file cannot be read.
        RuntimeError: It is damaged, or of another dimension. On some damage a library crashes: check the file first.
    """
    with path.open("rb") as file:
        by_hnswlib = file.read(len(_HNSWLIB_FILE)) == _HNSWLIB_FILE
    if ("hnswlib" if by_hnswlib else "usearch") not in graph_libraries():
        return None
    if by_hnswlib:
        import hnswlib

        index = hnswlib.Index(space="ip", dim=dimension)
        index.load_index(str(path))
        return _HnswlibGraph(index)
    from usearch.index import Index

    try:
        described = Index.metadata(str(path))
    except ValueError as error:
        raise RuntimeError(str(error)) from error
    if described is None or (described["dimensions"], str(described["kind_scalar"])) != (dimension, "ScalarKind.I8"):
        raise RuntimeError(f"{path} is no graph of vectors of {dimension} dimensions in 8 bits")
    mapped = _usearch_index(dimension)
    mapped.view(str(path))
    return _UsearchGraph(mapped)


def _usearch_index(dimension: int, **options: Any) -> Any:
    from usearch.index import Index

    return Index(ndim=dimension, metric="ip", dtype="i8", **options)


class _HnswlibGraph(Graph):
    def __init__(self, index: Any) -> None:
        self._index = index

    def add(self, vectors: Vectors, ids: Ids, *, threads: int = -1) -> None:
        self._index.add_items(vectors, ids, num_threads=threads)

    def save(self, path: Path) -> None:
        self._index.save_index(str(path))  # says nothing when it fails
        if not path.exists() or path.stat().st_size < self._index.index_file_size():
            raise OSError(errno.ENOSPC, "the vector index could not be written whole", str(path))

    def search(self, queries: Vectors, limit: int, *, breadth: int, threads: int = 1) -> tuple[Ids, Vectors]:
        self._index.set_ef(max(breadth, limit))
        labels, distances = self._index.knn_query(queries, k=limit, num_threads=threads)
        return labels.astype(np.int64), (1.0 - distances).astype(np.float32)


class _UsearchGraph(Graph):
    is_exact = False

    def __init__(self, index: Any) -> None:
        self._index = index
        self._scale = 127 * index.ndim**0.5 / _DEVIATIONS
        # A search works in memory that belongs to the number of its thread, and each search counts its threads from 0.
        self._searching = threading.Lock()

    def _in_8_bits(self, vectors: Vectors) -> NDArray[np.int8]:
        """Round vectors of length 1, whose components have a standard deviation of 1 / sqrt(dimension)."""
        rounded: NDArray[np.int8] = np.clip(np.rint(vectors * np.float32(self._scale)), -127, 127).astype(np.int8)
        return rounded

    def add(self, vectors: Vectors, ids: Ids, *, threads: int = -1) -> None:
        self._index.add(ids.astype(np.uint64), self._in_8_bits(vectors), threads=max(threads, 0))

    def save(self, path: Path) -> None:
        try:
            self._index.save(str(path))
            written = path.stat().st_size
        except (OSError, RuntimeError) as error:
            raise OSError(errno.ENOSPC, "the vector index could not be written whole", str(path)) from error
        if written < len(self._index) * self._index.ndim:  # it says nothing when it fails
            raise OSError(errno.ENOSPC, "the vector index could not be written whole", str(path))

    def search(self, queries: Vectors, limit: int, *, breadth: int, threads: int = 1) -> tuple[Ids, Vectors]:
        rows = self._in_8_bits(np.atleast_2d(queries))
        with self._searching:
            self._index.expansion_search = max(breadth, limit)
            found = self._index.search(rows, limit, threads=threads)
        keys, distances = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
        return keys.astype(np.int64), ((1.0 - distances) / self._scale**2).astype(np.float32)
