"""Making the vectors of the texts that wait for one, so that none is ever made twice."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codesearch.encoders import Encoder
from codesearch.encoders.text import document_text
from codesearch.index import dense
from codesearch.index.progress import Phase, Progress, UpdateReport
from codesearch.index.schema import CHUNK_SELECT, chunk_from_row
from codesearch.index.storage import Writer
from codesearch.index.vector_cache import VectorCache

__all__ = ["encode_pending"]

_COMMIT_SECONDS: Final = 2.0
"""How often finished vectors are committed."""

_QUEUE_BLOCK: Final = 4_096
"""Texts that are made and queued at a time."""


def encode_pending(
    writer: Writer,
    encoder: Encoder,
    report: UpdateReport,
    *,
    vector_cache: Path | None = None,
    seconds: float | None = None,
    adopt_model: bool = True,
) -> Iterator[Progress]:
    """Make the vectors of all texts that wait for one.

    Whatever ends it, Ctrl-C or a closed generator included, what the encoder has made is committed first.

    Args:
        writer: Of the index.
        encoder: Makes the vectors.
        report: Counts what was encoded and what was remembered.
        vector_cache: Database file of the cache shared by all repositories; None for no cache.
        seconds: If given, stop after this time and leave the rest waiting.
        adopt_model: If the vectors are of another model, make all of them anew; otherwise leave them be.
    """
    if writer.manifest.model_id != encoder.model_id:
        if writer.manifest.model_id and not adopt_model:
            return
        _adopt_model(writer, encoder)
    (total,) = writer.connection.execute("SELECT count(*) FROM pending").fetchone()
    if not total:
        return
    deadline = None if seconds is None else time.monotonic() + seconds
    done = 0
    yield Progress(Phase.ENCODING, 0, total)
    with closing(VectorCache(vector_cache, encoder.model_id, encoder.dimension)) as cache:
        while block := _next_pending(writer, encoder.document_block):
            # Closed by name: its last commit must not be left to the garbage collector.
            with closing(_encode_block(writer, encoder, cache, block, report)) as steps:
                for finished in steps:
                    done += finished
                    yield Progress(Phase.ENCODING, done, total)
                    if deadline is not None and time.monotonic() > deadline:
                        return


@dataclass(frozen=True, slots=True)
class _PendingTexts:
    vector_id: int
    key: bytes
    text: str


def _next_pending(writer: Writer, limit: int) -> list[_PendingTexts]:
    rows = writer.connection.execute(
        "SELECT vector_id, key, text FROM pending JOIN vectors ON vectors.id = vector_id ORDER BY vector_id LIMIT ?",
        [limit],
    )
    return [_PendingTexts(*row) for row in rows]


def _encode_block(
    writer: Writer, encoder: Encoder, cache: VectorCache, block: Sequence[_PendingTexts], report: UpdateReport
) -> Generator[int, None, None]:
    """Encode a block and commit it every few seconds; yields how many texts were finished since last time."""
    remembered = cache.get([pending.key for pending in block])
    _write_vectors(writer, [(p, remembered[p.key]) for p in block if p.key in remembered])
    report.remembered += len(remembered)
    if remembered:
        yield len(remembered)
    missing = [pending for pending in block if pending.key not in remembered]
    made: list[tuple[_PendingTexts, bytes]] = []

    def commit() -> None:
        _write_vectors(writer, made)
        cache.put({pending.key: vector for pending, vector in made})
        report.encoded += len(made)
        made.clear()

    committed = time.monotonic()
    try:
        for indices, vectors in encoder.encode_document_batches([pending.text for pending in missing]):
            made.extend((missing[i], dense.pack(v)) for i, v in zip(indices, vectors, strict=True))
            if time.monotonic() - committed > _COMMIT_SECONDS:
                commit()
                committed = time.monotonic()
            yield len(indices)
    finally:
        commit()


def _write_vectors(writer: Writer, made: Sequence[tuple[_PendingTexts, bytes]]) -> None:
    if not made:
        return
    with writer.transaction(derived=True):
        writer.connection.executemany(
            "UPDATE vectors SET vector = ? WHERE id = ?", [(vector, p.vector_id) for p, vector in made]
        )
        writer.connection.executemany("DELETE FROM pending WHERE vector_id = ?", [(p.vector_id,) for p, _ in made])


def _adopt_model(writer: Writer, encoder: Encoder) -> None:
    """Start over with the vectors, whose texts are all still there, because another encoder makes them now."""
    with writer.transaction(derived=True):
        if writer.manifest.model_id:
            _queue_all(writer)
        writer.describe(model_id=encoder.model_id, dimension=encoder.dimension)
    writer.remove_segments(keep=set())


def _queue_all(writer: Writer) -> None:
    db = writer.connection
    db.execute("UPDATE vectors SET vector = NULL, segment = NULL")
    db.execute("DELETE FROM segments")
    last = 0
    while rows := db.execute(
        f"SELECT vector_id, path, language, {CHUNK_SELECT} FROM chunks JOIN files ON files.id = file_id"
        " WHERE vector_id > ? GROUP BY vector_id ORDER BY vector_id LIMIT ?",
        [last, _QUEUE_BLOCK],
    ).fetchall():
        texts = [(row[0], document_text(chunk_from_row(row[1], row[2], row[3:]))) for row in rows]
        db.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?)", texts)
        last = rows[-1][0]
