"""Turning vectors that have outgrown exact search into graphs, and graphs that have aged into new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codesearch.index import dense
from codesearch.index.graphs import graph_library
from codesearch.index.progress import Phase, Progress
from codesearch.index.seals import Seal, holds_seal
from codesearch.index.storage import Writer, segment_path

__all__ = ["update_segments"]


def update_segments(writer: Writer) -> Iterator[Progress]:
    """Make segments of a tail that is too long, and dissolve segments that are not worth keeping.

    A segment is dissolved, its vectors going back to the tail, if its file is gone or cut short, or if most of
    what its graph holds was removed. When new ones are made, small ones join them, so that their number stays
    small as a repository grows.
    """
    if graph_library() is None:
        return
    sizes = _segment_sizes(writer)
    dissolved = _unfit(writer, sizes)
    tail = _tail_size(writer) + sum(sizes[segment] for segment in dissolved)
    if tail <= dense.EXACT_LIMIT and not dissolved:
        return
    if tail > dense.EXACT_LIMIT:
        small = {segment for segment, size in sizes.items() if size < dense.SEGMENT_LIMIT // 2} - dissolved
        dissolved |= small
        tail += sum(sizes[segment] for segment in small)
    _dissolve(writer, dissolved)
    done = 0
    while tail - done > dense.EXACT_LIMIT:
        yield Progress(Phase.GRAPH, done, tail)
        done += _build_segment(writer)
        yield Progress(Phase.GRAPH, done, tail)
    writer.remove_segments(keep={row[0] for row in writer.connection.execute("SELECT id FROM segments")})


def _segment_sizes(writer: Writer) -> dict[int, int]:
    """Return how many vectors of each segment still exist."""
    rows = writer.connection.execute(
        "SELECT id, (SELECT count(*) FROM vectors WHERE segment = segments.id) FROM segments"
    )
    return dict(rows.fetchall())


def _tail_size(writer: Writer) -> int:
    """Return how many vectors belong to no segment; a text that is pending has none yet."""
    (rows,) = writer.connection.execute("SELECT count(*) FROM vectors WHERE segment IS NULL").fetchone()
    (pending,) = writer.connection.execute("SELECT count(*) FROM pending").fetchone()
    return int(rows) - int(pending)


def _unfit(writer: Writer, sizes: dict[int, int]) -> set[int]:
    unfit = set()
    for segment, built, text in writer.connection.execute("SELECT id, vectors, seal FROM segments"):
        path, seal = segment_path(writer.directory, segment), Seal.parse(text)
        if not path.exists() or seal is None or not holds_seal(path, seal) or sizes[segment] < built / 2:
            unfit.add(segment)
    return unfit


def _dissolve(writer: Writer, segments: set[int]) -> None:
    if segments:
        with writer.transaction(derived=True):
            rows = [(segment,) for segment in sorted(segments)]
            writer.connection.executemany("UPDATE vectors SET segment = NULL WHERE segment = ?", rows)
            writer.connection.executemany("DELETE FROM segments WHERE id = ?", rows)


def _build_segment(writer: Writer) -> int:
    """Make a segment of the oldest vectors of the tail; returns how many they are."""
    db, dimension = writer.connection, writer.manifest.dimension
    tail = "vector IS NOT NULL AND segment IS NULL"
    first, last, count = db.execute(
        f"SELECT min(id), max(id), count(*) FROM (SELECT id FROM vectors WHERE {tail} ORDER BY id LIMIT ?)",
        [dense.SEGMENT_LIMIT],
    ).fetchone()
    members, span = "segment IS NULL AND id BETWEEN ? AND ?", (first, last)

    def save(path: Path) -> None:
        dense.build_graph(path, count, dimension, dense.read_vectors(db, dimension, members, span))

    partial = writer.write_partial(save)
    seal = Seal.of(partial)
    with writer.transaction(derived=True):
        (segment,) = db.execute(
            "INSERT INTO segments (vectors, seal) VALUES (?, ?) RETURNING id", [count, str(seal)]
        ).fetchone()
        placed = writer.place_segment(partial, segment, seal)
        db.execute("UPDATE segments SET seal = ? WHERE id = ?", [str(placed), segment])
        db.execute(f"UPDATE vectors SET segment = ? WHERE vector IS NOT NULL AND {members}", (segment, *span))
    return int(count)
