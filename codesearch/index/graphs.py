"""HNSW graphs, by Voyager or hnswlib (Malkov and Yashunin, arXiv 1603.09320).

Voyager is a fork of hnswlib with wheels for the usual platforms, so it is what everybody has. It reads the files of
both. hnswlib has to be compiled where it is installed, for that very machine, and then answers in some six tenths of
the time (docs/notebook/graphs.md): where somebody has installed it, it builds the graphs, and reads its own.
"""

from __future__ import annotations

import errno
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import voyager

__all__ = ["Graph", "graph_libraries", "graph_library", "load_graph", "new_graph"]

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

_VOYAGER_FILE: Final = b"VOYA"
"""How a file of Voyager's begins; what follows its header is a file of hnswlib's."""


def graph_libraries() -> tuple[str, ...]:
    """Return the names of the libraries that are installed, the faster first."""
    return tuple(name for name in ("hnswlib", "voyager") if importlib.util.find_spec(name) is not None)


def graph_library() -> str | None:
    """Return the name of the library that new graphs are built with; None where none is installed."""
    return next(iter(graph_libraries()), None)


class Graph:
    """A graph over vectors of length 1.

    Attributes:
        is_exact: Whether it returns the cosines of the vectors as they were added. Voyager makes their lengths 1 once
            more, and vectors in float16 are not quite that.
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
    import voyager

    return _VoyagerGraph(
        voyager.Index(voyager.Space.Cosine, dimension, M=neighbours, ef_construction=breadth, max_elements=count)
    )


def load_graph(path: Path, dimension: int) -> Graph | None:
    """Load a graph from a file of either library; None where the one that can read it is not installed.

    Raises:
        OSError: The file cannot be read.
        RuntimeError: It is damaged. On some damage a library crashes: check the file first.
    """
    with path.open("rb") as file:
        by_voyager = file.read(len(_VOYAGER_FILE)) == _VOYAGER_FILE
    if not by_voyager and importlib.util.find_spec("hnswlib") is not None:
        import hnswlib

        index = hnswlib.Index(space="ip", dim=dimension)
        index.load_index(str(path))
        return _HnswlibGraph(index)
    if importlib.util.find_spec("voyager") is None:
        return None
    import voyager

    if by_voyager:
        return _VoyagerGraph(voyager.Index.load(str(path)))
    # A file without Voyager's header is told what it holds.
    return _VoyagerGraph(voyager.Index.load(str(path), voyager.Space.InnerProduct, dimension))


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


class _VoyagerGraph(Graph):
    is_exact = False

    def __init__(self, index: voyager.Index) -> None:
        self._index = index

    def add(self, vectors: Vectors, ids: Ids, *, threads: int = -1) -> None:
        self._index.add_items(vectors, ids.tolist(), num_threads=threads)

    def save(self, path: Path) -> None:
        try:
            # Through a file of Python's, which tells of a full disk; given a name, Voyager says nothing.
            with path.open("wb") as file:
                self._index.save(file)
        except (OSError, RuntimeError) as error:
            raise OSError(errno.ENOSPC, "the vector index could not be written whole", str(path)) from error

    def search(self, queries: Vectors, limit: int, *, breadth: int, threads: int = 1) -> tuple[Ids, Vectors]:
        rows = np.atleast_2d(queries)
        labels, distances = self._index.query(rows, limit, num_threads=threads, query_ef=max(breadth, limit))
        return labels.astype(np.int64), (1.0 - distances).astype(np.float32)
