"""Nearest neighbours over the vectors of an index: exact while they are few, HNSW where they are many.

Vectors live in segments. The newest ones, the *tail*, are searched exactly, which up to `EXACT_LIMIT` is as
fast as a graph and never wrong. When the tail outgrows that, an update turns it into a segment: an HNSW graph
(Malkov and Yashunin, arXiv 1603.09320) that is never changed again, as the segments of a log-structured
store. So an edit never touches a graph, a crash cannot leave half of one, and building takes memory for one
segment only, however large the repository. Vectors that were removed since are still found in the graph and
dropped by the caller, which knows what exists.

Without hnswlib (it ships no wheel and needs a C++ compiler to install) everything is searched exactly.
"""

from __future__ import annotations

import importlib.util
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from codesearch.index.storage import segment_path

if TYPE_CHECKING:
    import hnswlib

__all__ = ["EXACT_LIMIT", "SEGMENT_LIMIT", "DenseIndex", "build_graph", "hnsw_available", "pack", "unpack"]

EXACT_LIMIT: Final = 50_000
"""Vectors that are searched exactly: 6 ms for float32 of 384 dimensions on one core."""

SEGMENT_LIMIT: Final = 200_000
"""Vectors of one graph at most: 350 MB of memory while it is built."""

_M: Final = 16
_EF_CONSTRUCTION: Final = 200
_EF_SEARCH: Final = 128
"""Recall@10 of .989 on 100,000 real code vectors, at 0.3 ms a question."""

_BLOCK: Final = 16_384

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]


def pack(vector: NDArray[np.float32]) -> bytes:
    """Return a vector as it is stored: little-endian float16, which keeps cosines to within 0.001."""
    return vector.astype("<f2").tobytes()


def unpack(blobs: Iterable[bytes], dimension: int) -> Vectors:
    """Return stored vectors as rows of shape [n, dimension]."""
    return np.frombuffer(b"".join(blobs), dtype="<f2").reshape(-1, dimension).astype(np.float32)


def hnsw_available() -> bool:
    """Whether hnswlib is installed."""
    return importlib.util.find_spec("hnswlib") is not None


def _new_graph(dimension: int) -> hnswlib.Index:
    import hnswlib

    return hnswlib.Index(space="ip", dim=dimension)


def build_graph(path: Path, count: int, dimension: int, blocks: Iterable[tuple[Ids, Vectors]]) -> None:
    """Build the HNSW graph of a segment and save it to `path`.

    Args:
        path: Where to save it; the folder must exist.
        count: How many vectors there are in all.
        dimension: Of each vector.
        blocks: (ids of shape [n], normalised vectors of shape [n, dimension]).

    Raises:
        OSError: The file could not be written whole. hnswlib itself raises nothing then.
    """
    graph = _new_graph(dimension)
    graph.init_index(max_elements=count, ef_construction=_EF_CONSTRUCTION, M=_M)
    for ids, vectors in blocks:
        graph.add_items(vectors, ids)
    graph.save_index(str(path))
    expected = graph.index_file_size()
    if not path.exists() or path.stat().st_size < expected:
        raise OSError(28, "the vector index could not be written whole", str(path))


def read_vectors(
    connection: sqlite3.Connection, dimension: int, where: str, parameters: tuple[object, ...] = ()
) -> Iterator[tuple[Ids, Vectors]]:
    """Yield (ids, vectors) of finished vectors in blocks, in the order of their ids."""
    cursor = connection.execute(
        f"SELECT id, vector FROM vectors WHERE vector IS NOT NULL AND {where} ORDER BY id", parameters
    )
    while rows := cursor.fetchmany(_BLOCK):
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        yield ids, unpack((row[1] for row in rows), dimension)


class DenseIndex:
    """The vectors of one committed state, read-only.

    Args:
        connection: Of a reader, in its transaction.
        directory: The index directory, where the graphs lie.
        dimension: Of the vectors.
    """

    def __init__(self, connection: sqlite3.Connection, directory: Path, dimension: int) -> None:
        self._connection = connection
        self._dimension = dimension
        self._graphs: list[tuple[hnswlib.Index, int]] = []
        exact: list[int] = []
        segments = connection.execute(
            "SELECT segment, count(*) FROM vectors WHERE segment IS NOT NULL GROUP BY segment"
        )
        for segment, count in segments.fetchall():
            graph = self._load(segment_path(directory, segment))
            if graph is None:
                exact.append(segment)
            else:
                self._graphs.append((graph, count))
        where = "segment IS NULL" + "".join(f" OR segment = {int(segment)}" for segment in exact)
        blocks = list(read_vectors(connection, dimension, f"({where})"))
        empty = (np.empty(0, np.int64), np.empty((0, dimension), np.float32))
        self._tail_ids = np.concatenate([empty[0], *(ids for ids, _ in blocks)])
        self._tail = np.concatenate([empty[1], *(vectors for _, vectors in blocks)])
        self.count = len(self._tail_ids) + sum(count for _, count in self._graphs)

    def _load(self, path: Path) -> hnswlib.Index | None:
        """Return a segment's graph, or None where it is missing or damaged: its vectors are in the database."""
        if not path.exists() or not hnsw_available():
            return None
        graph = _new_graph(self._dimension)
        try:
            graph.load_index(str(path))
        except RuntimeError:
            return None
        graph.set_num_threads(1)
        return graph

    def search(self, query: Vectors, limit: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """Return (vector id, cosine) of the nearest vectors, best first, ties by id.

        Args:
            query: A normalised vector of shape [dimension].
            limit: The most that are returned.
            allowed: If given, only these ids, sorted. Where they are few the search is exact over just them:
                a filter inside the graph costs most exactly where it lets little through.
        """
        if allowed is not None and (len(allowed) <= EXACT_LIMIT or not self._graphs):
            return self._search_allowed(query, limit, allowed)
        found = [_best(self._tail_ids, self._tail @ query, limit, allowed)]
        share = 1.0 if allowed is None else max(len(allowed) / max(self.count, 1), 1e-3)
        wanted = int(limit / share * 1.5) if allowed is not None else limit
        for graph, count in self._graphs:
            k = min(wanted, count, graph.get_current_count())
            graph.set_ef(max(_EF_SEARCH, 2 * k))
            labels, distances = graph.knn_query(query, k=k)
            found.append(_best(labels[0].astype(np.int64), 1.0 - distances[0], limit, allowed))
        return _merge(found, limit)

    def _search_allowed(self, query: Vectors, limit: int, allowed: Ids) -> list[tuple[int, float]]:
        found = [_best(self._tail_ids, self._tail @ query, limit, allowed)]
        if self._graphs:
            rest = allowed[~np.isin(allowed, self._tail_ids, assume_unique=True)]
            for start in range(0, len(rest), _BLOCK):
                block = ", ".join(map(str, rest[start : start + _BLOCK]))
                for ids, vectors in read_vectors(self._connection, self._dimension, f"id IN ({block})"):
                    found.append(_best(ids, vectors @ query, limit, None))
        return _merge(found, limit)


def _best(ids: Ids, scores: Vectors, limit: int, allowed: Ids | None) -> list[tuple[int, float]]:
    if allowed is not None:
        keep = np.isin(ids, allowed)
        ids, scores = ids[keep], scores[keep]
    if len(ids) > limit:
        top = np.argpartition(scores, -limit)[-limit:]
        ids, scores = ids[top], scores[top]
    return list(zip(ids.tolist(), scores.tolist(), strict=True))


def _merge(found: Iterable[list[tuple[int, float]]], limit: int) -> list[tuple[int, float]]:
    hits = [hit for part in found for hit in part]
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit]
