"""Nearest neighbours over the vectors of an index: exact while they are few, HNSW where they are many.

Vectors live in segments. The newest ones, the *tail*, are searched exactly, which up to `EXACT_LIMIT` is as
fast as a graph and never wrong. When the tail outgrows that, an update turns it into a segment: an HNSW graph
(Malkov and Yashunin, arXiv 1603.09320) that is never changed again, as the segments of a log-structured
store. So an edit never touches a graph, a crash cannot leave half of one, and building takes memory for one
segment only, however large the repository. Vectors that were removed since are still found in the graph and
dropped by the caller, which knows what exists.

Where no library of graphs is installed (`codesearch.index.graphs`) everything is searched exactly.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.index.graphs import Graph, graph_library, load_graph, new_graph
from codesearch.index.seals import Seal, holds_seal
from codesearch.index.storage import segment_path

__all__ = [
    "EXACT_LIMIT",
    "SEGMENT_LIMIT",
    "DenseIndex",
    "build_graph",
    "cosines",
    "near_pairs",
    "pack",
    "read_vectors",
    "unpack",
]

EXACT_LIMIT: Final = 50_000
"""Vectors that are searched exactly: 3 to 6 ms for float32 of 384 dimensions on one core."""

SEGMENT_LIMIT: Final = 200_000
"""Vectors of one graph at most: 350 MB of memory while it is built."""

_M: Final = 16
_EF_CONSTRUCTION: Final = 200
_EF_SEARCH: Final = 128
"""Recall@10 of .98 to .99 on 100,000 and 250,000 real code vectors (docs/notebook/graphs.md)."""

_EXACT_SHARE: Final = 0.05
"""A filter that lets less than this through is answered exactly. Of 50,000 vectors, a share of 0.05 takes 7 ms
exactly and 11 ms in a graph, asked for twenty times as many; one of 0.2 takes 25 ms and 4."""

_BLOCK: Final = 16_384

_ROWS: Final = 512
"""Rows that are compared with all others at once: a product of 40 MB for 20,000."""

_M_PAIRS, _EF_PAIRS = 12, 64
"""For a graph that is asked only for what is very near, and thrown away."""

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]


def pack(vector: NDArray[np.float32]) -> bytes:
    """Return a vector as it is stored: little-endian float16, which keeps cosines to within 0.001."""
    return vector.astype("<f2").tobytes()


def unpack(blobs: Iterable[bytes], dimension: int) -> Vectors:
    """Return stored vectors as rows of shape [n, dimension]."""
    return np.frombuffer(b"".join(blobs), dtype="<f2").reshape(-1, dimension).astype(np.float32)


def cosines(vectors: Vectors, query: Vectors) -> NDArray[np.float64]:
    """Return the cosines of vectors to a question, each the same to the last digit whatever others there are.

    A product of matrices is not: how its sums are ordered depends on where a row lies.

    Args:
        vectors: Of shape [n, dimension].
        query: Of shape [dimension].
    """
    products = vectors.astype(np.float64) * query.astype(np.float64)
    found: NDArray[np.float64] = np.ascontiguousarray(products).sum(axis=1)
    return found


def build_graph(
    path: Path,
    count: int,
    dimension: int,
    blocks: Iterable[tuple[Ids, Vectors]],
    *,
    library: str | None = None,
) -> None:
    """Build the HNSW graph of a segment and save it to `path`.

    Args:
        path: Where to save it; the folder must exist.
        count: How many vectors there are in all.
        dimension: Of each vector.
        blocks: (ids of shape [n], normalised vectors of shape [n, dimension]).
        library: As of :func:`codesearch.index.graphs.new_graph`.

    Raises:
        OSError: The file could not be written whole.
    """
    graph = new_graph(dimension, count, neighbours=_M, breadth=_EF_CONSTRUCTION, library=library)
    for ids, vectors in blocks:
        graph.add(vectors, ids)
    graph.save(path)


def near_pairs(
    vectors: Vectors, threshold: float, *, nearest: int = 16, threads: int = 0, exact_limit: int = 20_000
) -> tuple[Ids, Vectors]:
    """Return the pairs of vectors whose cosine is at least `threshold`, of each vector with its nearest ones.

    Args:
        vectors: Of length 1, shape [n, dimension].
        threshold: The least cosine.
        nearest: How many neighbours of a vector are looked at.
        threads: To compute with; 0 for one per core.
        exact_limit: More vectors than this are searched by a graph, which takes seconds where comparing all with
            all takes minutes; where there is no library of graphs they are compared.

    Returns:
        Pairs of rows of shape [m, 2], the lower first, ascending, each once; their cosines, of shape [m].
    """
    nearest = min(nearest + 1, len(vectors))
    by_graph = len(vectors) > exact_limit and graph_library() is not None
    found = (_neighbours_by_graph if by_graph else _neighbours)(vectors, nearest, threads)
    codes, cosines = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for rows, columns, scores in found:
        keep = (scores >= threshold) & (rows != columns)
        rows, columns = rows[keep].astype(np.int64), columns[keep].astype(np.int64)
        codes.append(np.minimum(rows, columns) * len(vectors) + np.maximum(rows, columns))
        cosines.append(scores[keep])
    distinct, at = np.unique(np.concatenate(codes), return_index=True)
    pairs = np.stack([distinct // max(1, len(vectors)), distinct % max(1, len(vectors))], axis=1)
    return pairs, np.concatenate(cosines)[at]


_Neighbours = Iterator[tuple[Ids, Ids, Vectors]]
"""Blocks of (rows, rows of their neighbours, cosines), each of shape [b * nearest]."""


def _neighbours(vectors: Vectors, nearest: int, threads: int) -> _Neighbours:
    def block(start: int) -> tuple[Ids, Ids, Vectors]:
        scores = vectors[start : start + _ROWS] @ vectors.T
        columns = np.argpartition(scores, -nearest, axis=1)[:, -nearest:]
        rows = np.arange(start, start + len(scores)).repeat(nearest)
        return rows, columns.ravel(), np.take_along_axis(scores, columns, axis=1).ravel()

    # Products of matrices release the interpreter, and one of BLAS's threads is all that each is given.
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        yield from pool.map(block, range(0, len(vectors), _ROWS))


def _neighbours_by_graph(vectors: Vectors, nearest: int, threads: int) -> _Neighbours:
    threads = threads or os.cpu_count() or 1
    graph = new_graph(vectors.shape[1], len(vectors), neighbours=_M_PAIRS, breadth=_EF_PAIRS)
    graph.add(vectors, np.arange(len(vectors)), threads=threads)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        labels, _ = graph.search(block, nearest, breadth=_EF_PAIRS, threads=threads)
        # The same numbers as comparing all with all gives: a graph may have made the lengths 1 once more.
        scores = np.einsum("nd,nkd->nk", block, vectors[labels])
        yield np.arange(start, start + len(labels)).repeat(nearest), labels.ravel(), scores.ravel()


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


@dataclass(frozen=True, slots=True)
class _Segment:
    """A graph, and what it says it holds: some of that was removed since."""

    id: int
    graph: Graph
    built: int
    alive: int


class DenseIndex:
    """The vectors of one committed state, read-only.

    Args:
        connection: Of a reader, in its transaction.
        directory: The index directory, where the graphs lie.
        dimension: Of the vectors.
        before: An earlier state of the same index under the same model. Its graphs and vectors are used again, and
            only what came since is read: an id is never given to another graph or vector.
    """

    def __init__(
        self, connection: sqlite3.Connection, directory: Path, dimension: int, before: DenseIndex | None = None
    ) -> None:
        self._connection = connection
        self._dimension = dimension
        self._segments: list[_Segment] = []
        loaded = {segment.id: segment.graph for segment in before._segments} if before else {}
        where = "segment IS NULL"
        for segment, built, seal in connection.execute("SELECT id, vectors, seal FROM segments").fetchall():
            graph = loaded.get(segment)
            if graph is None:
                graph = _load_graph(segment_path(directory, segment), dimension, Seal.parse(seal))
            if graph is None:  # its vectors are in the database, and searched there
                where += f" OR segment = {int(segment)}"
            else:
                query = "SELECT count(*) FROM vectors WHERE segment = ?"
                (alive,) = connection.execute(query, [segment]).fetchone()
                self._segments.append(_Segment(segment, graph, built, alive))
        self._tail_ids, self._tail = self._read(f"({where})") if before is None else self._update(before, where)
        self.count = len(self._tail_ids) + sum(segment.alive for segment in self._segments)

    def _read(self, where: str) -> tuple[Ids, Vectors]:
        blocks = list(read_vectors(self._connection, self._dimension, where))
        empty = (np.empty(0, np.int64), np.empty((0, self._dimension), np.float32))
        ids = np.concatenate([empty[0], *(ids for ids, _ in blocks)])
        return ids, np.concatenate([empty[1], *(vectors for _, vectors in blocks)])

    def _update(self, before: DenseIndex, where: str) -> tuple[Ids, Vectors]:
        """Return the tail as it is now, with those of its vectors that the state before has."""
        query = f"SELECT id FROM vectors WHERE ({where}) AND id NOT IN (SELECT vector_id FROM pending)"
        wanted = np.array([row[0] for row in self._connection.execute(query)], np.int64)
        kept = np.isin(before._tail_ids, wanted, assume_unique=True)
        fresh = wanted[~np.isin(wanted, before._tail_ids, assume_unique=True)]
        if not len(fresh) and kept.all():
            return before._tail_ids, before._tail
        if len(fresh) > len(wanted) // 2:
            return self._read(f"({where})")
        rows = slice(None) if kept.all() else kept  # a slice copies nothing
        parts = (", ".join(map(str, fresh[start : start + _BLOCK])) for start in range(0, len(fresh), _BLOCK))
        blocks = [(before._tail_ids[rows], before._tail[rows]), *(self._read(f"id IN ({part})") for part in parts)]
        return np.concatenate([ids for ids, _ in blocks]), np.concatenate([vectors for _, vectors in blocks])

    @cached_property
    def _order(self) -> Ids:
        """The rows of the tail by the ids of their vectors, of shape [n]."""
        return np.argsort(self._tail_ids, kind="stable")

    def cosines(self, query: Vectors, ids: Ids) -> NDArray[np.float64]:
        """Return the cosines of vectors to a question, of shape [n]; not a number where there is no vector.

        They are the same to the last digit, whatever other vectors there are.

        Args:
            query: A normalised vector of shape [dimension].
            ids: Of the vectors, of shape [n].
        """
        found = np.full(len(ids), np.nan)
        in_tail = np.isin(ids, self._tail_ids)
        rows = self._order[np.searchsorted(self._tail_ids, ids[in_tail], sorter=self._order)]
        found[in_tail] = cosines(self._tail[rows], query)
        if not in_tail.all():
            of = self._read_cosines(query, np.unique(ids[~in_tail]))
            found[~in_tail] = [of.get(i, np.nan) for i in ids[~in_tail].tolist()]
        return found

    def _read_cosines(self, query: Vectors, ids: Ids) -> dict[int, float]:
        of: dict[int, float] = {}
        for start in range(0, len(ids), _BLOCK):
            block = ", ".join(map(str, ids[start : start + _BLOCK]))
            for read, vectors in read_vectors(self._connection, self._dimension, f"id IN ({block})"):
                of.update(zip(read.tolist(), cosines(vectors, query).tolist(), strict=True))
        return of

    @property
    def segment_count(self) -> int:
        """How many graphs are searched."""
        return len(self._segments)

    def search(self, query: Vectors, limit: int, allowed: Ids | None = None) -> list[tuple[int, float]]:
        """Return (vector id, cosine) of the nearest vectors, best first, ties by id.

        Args:
            query: A normalised vector of shape [dimension].
            limit: The most that are returned.
            allowed: If given, only these ids, sorted. Where they are few the search is exact over just them:
                a filter inside the graph costs most exactly where it lets little through.
        """
        tail = _best(self._tail_ids, self._tail @ query, limit, allowed)
        if allowed is None or len(allowed) > _EXACT_SHARE * self.count:
            graphs = [self._search_graph(segment, query, limit, allowed) for segment in self._segments]
            if allowed is None or all(len(found) == limit for found in graphs):
                return _merge([tail, *graphs], limit)
        # What is allowed is little, or lies so far from the question that a graph hardly came across it.
        return _merge([tail, *self._read_and_compare(query, limit, allowed)], limit)

    def _search_graph(
        self, segment: _Segment, query: Vectors, limit: int, allowed: Ids | None
    ) -> list[tuple[int, float]]:
        """Ask a graph for as many as leaves `limit` when what was removed or is not allowed is taken out."""
        share = segment.alive / segment.built * (1.0 if allowed is None else len(allowed) / self.count)
        k = max(limit, int(1.5 * limit / max(share, 1e-6)) if share < 1.0 else limit)
        while True:
            k = min(k, segment.built)
            labels, scores = segment.graph.search(query, k, breadth=max(_EF_SEARCH, 2 * k))
            ids, cosines = labels[0], scores[0]
            if not segment.graph.is_exact:
                of = self._read_cosines(query, ids)
                ids = ids[np.isin(ids, np.fromiter(of, np.int64, len(of)))]
                cosines = np.array([of[i] for i in ids.tolist()], np.float32)
            wanted = ids if allowed is None else ids[np.isin(ids, allowed)]
            if segment.alive < segment.built:
                wanted = self._existing(wanted)
            found = _best(ids, cosines, limit, wanted)
            if len(found) >= min(limit, segment.alive) or k == segment.built or allowed is not None:
                return found
            k *= 2

    def _existing(self, ids: Ids) -> Ids:
        """Return those of the vectors that were not removed since their graph was built."""
        existing: list[int] = []
        for start in range(0, len(ids), _BLOCK):
            block = ", ".join(map(str, ids[start : start + _BLOCK]))
            rows = self._connection.execute(f"SELECT id FROM vectors WHERE id IN ({block}) AND segment IS NOT NULL")
            existing += [row[0] for row in rows]
        return np.array(existing, np.int64)

    def _read_and_compare(self, query: Vectors, limit: int, allowed: Ids) -> list[list[tuple[int, float]]]:
        """Search exactly over those of the allowed vectors that lie in segments, read from the database."""
        found = []
        rest = allowed[~np.isin(allowed, self._tail_ids, assume_unique=True)]
        for start in range(0, len(rest), _BLOCK):
            block = ", ".join(map(str, rest[start : start + _BLOCK]))
            for ids, vectors in read_vectors(self._connection, self._dimension, f"id IN ({block})"):
                found.append(_best(ids, vectors @ query, limit, None))
        return found


def _load_graph(path: Path, dimension: int, seal: Seal | None) -> Graph | None:
    """Load a graph; None where it is missing or damaged, or nobody here can read it."""
    try:
        return load_graph(path, dimension) if seal is not None and holds_seal(path, seal) else None
    except (OSError, RuntimeError):
        return None


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
