"""Bringing an index up to date with its repository: what changed is read, extracted, and encoded.

The order is what a person notices: first all changed files become searchable by their words, in one pass that
takes seconds; then texts that were never seen are encoded, which takes minutes the first time, committed
every few seconds. Interrupted anywhere, the last commit answers, and the next update goes on from there.

Nothing is printed here: :func:`update` yields :class:`Progress`, and surfaces draw it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from codesearch.encoders import Encoder
from codesearch.encoders.text import document_text
from codesearch.index import dense
from codesearch.index.changes import Changes, find_changes
from codesearch.index.lexical import LexicalWriter, lexical_generation
from codesearch.index.storage import (
    CHUNK_SELECT,
    Writer,
    chunk_columns,
    chunk_from_row,
    segment_path,
)
from codesearch.index.vector_cache import VectorCache
from codesearch.records import Chunk, Repository, SkippedFile, SourceFile
from codesearch.sources import FileRules

if TYPE_CHECKING:
    from codesearch.index.workers import Extracted

__all__ = ["Phase", "Progress", "UpdateReport", "update"]

_COMMIT_CHUNKS: Final = 4_000
"""Chunks that one transaction writes; bounds both memory and what an interruption costs."""

_COMMIT_SECONDS: Final = 2.0
"""How often finished vectors are committed."""

_ENCODE_BLOCK: Final = 4_096
"""Texts that are sorted by length and encoded together: enough for even batches, small in memory."""

_RACY_NS: Final = 2_000_000_000
"""A file changed this shortly before it was read may change again within the same clock tick."""


class Phase(StrEnum):
    """What an update is doing. The value is what a progress bar says."""

    EXTRACTING = "reading files"
    LEXICAL = "indexing words"
    ENCODING = "encoding"
    GRAPH = "building vector graph"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase has come: `done` of `total` files, chunks, texts or vectors."""

    phase: Phase
    done: int
    total: int


@dataclass(slots=True)
class UpdateReport:
    """What an update did.

    Attributes:
        files: Files in the index now.
        chunks: Chunks in the index now.
        changed_files: Files that were read and extracted, because they are new or changed.
        removed_files: Files that were dropped.
        encoded: Texts that went through the encoder.
        remembered: Texts whose vectors came from the cache shared by all repositories.
        pending: Texts that are still to be encoded; above 0 only if the update was told to stop early.
        skipped: Files that are left out.
        notice: What the user should know about how the files were found; "" as a rule.
        seconds: By phase.
    """

    files: int = 0
    chunks: int = 0
    changed_files: int = 0
    removed_files: int = 0
    encoded: int = 0
    remembered: int = 0
    pending: int = 0
    skipped: int = 0
    notice: str = ""
    seconds: dict[Phase, float] | None = None


Updating = Generator[Progress, None, UpdateReport]


def update(
    repository: Repository,
    writer: Writer,
    rules: FileRules,
    encoder: Callable[[], Encoder] | None,
    *,
    vector_cache: Path | None = None,
    encode_seconds: float | None = None,
    adopt_model: bool = True,
) -> Updating:
    """Bring an index up to date.

    Args:
        repository: What to index.
        writer: Of its index, with the lock held.
        rules: What to leave out.
        encoder: Loads what makes the vectors, once everything else is done; None to leave texts waiting for
            a later update.
        vector_cache: Database file of the cache shared by all repositories; None for no cache.
        encode_seconds: If given, stop encoding after this time and leave the rest waiting.
        adopt_model: If the vectors are of another model, make all of them anew; otherwise leave them be.

    Yields:
        Progress, a few times a second.

    Returns:
        What was done (the generator's return value).

    Raises:
        IndexUnusable: The index turned out to be damaged.
        StorageError: The disk is full, read-only or failing.
    """
    report = UpdateReport(seconds={})
    assert report.seconds is not None
    clock = time.perf_counter()
    for phase, steps in (
        (Phase.EXTRACTING, _update_files(repository, writer, rules, report)),
        (Phase.LEXICAL, _update_lexical(writer)),
        (
            Phase.ENCODING,
            _encode_pending(writer, encoder, vector_cache, encode_seconds, report, adopt=adopt_model),
        ),
        (Phase.GRAPH, _update_graphs(writer)),
    ):
        yield from steps
        now = time.perf_counter()
        report.seconds[phase], clock = now - clock, now
    count = writer.connection.execute
    report.files, report.chunks, report.pending, report.skipped = (
        count(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("files", "chunks", "pending", "skipped")
    )
    return report


# --- files and chunks ---------------------------------------------------------------------------------------


def _update_files(repository: Repository, writer: Writer, rules: FileRules, report: UpdateReport) -> Iterator[Progress]:
    """Make the rows of files and chunks agree with the repository."""
    yield Progress(Phase.EXTRACTING, 0, 0)
    changes = find_changes(repository, writer.connection, rules)
    report.changed_files, report.removed_files = len(changes.changed), len(changes.removed)
    report.notice = changes.listing.notice
    if changes.removed:
        with writer.transaction() as generation:
            for file_id in changes.removed:
                _remove_file(writer, file_id, generation)
    if changes.changed:
        yield from _extract_changed(repository, writer, rules, changes.changed)
    _finish_listing(writer, changes)


def _extract_changed(
    repository: Repository, writer: Writer, rules: FileRules, changed: Sequence[SourceFile]
) -> Iterator[Progress]:
    # Imported late: grammars and worker processes are not needed where nothing changed, as before most questions.
    from codesearch.index.workers import extract_files

    done = 0
    for batch in _batches(extract_files(repository, rules, changed)):
        with writer.transaction() as generation:
            for file, outcome in batch:
                if isinstance(outcome, SkippedFile):
                    _write_skipped(writer, file, outcome, generation)
                else:
                    _write_file(writer, outcome, generation)
        done += len(batch)
        yield Progress(Phase.EXTRACTING, done, len(changed))


def _batches(
    outcomes: Iterable[tuple[SourceFile, Extracted | SkippedFile]],
) -> Iterator[list[tuple[SourceFile, Extracted | SkippedFile]]]:
    batch: list[tuple[SourceFile, Extracted | SkippedFile]] = []
    chunks = 0
    for file, outcome in outcomes:
        batch.append((file, outcome))
        chunks += len(outcome.chunks) if isinstance(outcome, Extracted) else 0
        if chunks >= _COMMIT_CHUNKS:
            yield batch
            batch, chunks = [], 0
    if batch:
        yield batch


def _settled_mtime(file: SourceFile) -> int:
    """Return the modification time to remember: 0, which never matches, if the file may be changing now."""
    return 0 if time.time_ns() - file.mtime_ns < _RACY_NS else file.mtime_ns


def _write_file(writer: Writer, extracted: Extracted, generation: int) -> None:
    db = writer.connection
    file = extracted.file
    path = os.fsencode(file.path)
    (file_id,) = db.execute(
        "INSERT INTO files (path, language, blob, size, mtime_ns, generation) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET language = excluded.language, blob = excluded.blob,"
        " size = excluded.size, mtime_ns = excluded.mtime_ns, generation = excluded.generation RETURNING id",
        [path, extracted.language, extracted.blob, file.size, _settled_mtime(file), generation],
    ).fetchone()
    before = [row[0] for row in db.execute("SELECT vector_id FROM chunks WHERE file_id = ?", [file_id])]
    db.execute("DELETE FROM chunks WHERE file_id = ?", [file_id])
    db.execute("DELETE FROM skipped WHERE path = ?", [path])
    for chunk in extracted.chunks:
        _write_chunk(writer, file_id, chunk)
    _drop_unused_vectors(writer, before)


def _write_chunk(writer: Writer, file_id: int, chunk: Chunk) -> None:
    columns = chunk_columns(chunk) | {"file_id": file_id, "vector_id": _vector_id(writer, chunk)}
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    writer.connection.execute(f"INSERT INTO chunks ({names}) VALUES ({marks})", list(columns.values()))


def _vector_id(writer: Writer, chunk: Chunk) -> int:
    """Return the row of the vector of a chunk's text; a text never seen is queued for encoding."""
    text = document_text(chunk)
    key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    row = writer.connection.execute("SELECT id FROM vectors WHERE key = ?", [key]).fetchone()
    if row is None:
        row = writer.connection.execute("INSERT INTO vectors (key) VALUES (?) RETURNING id", [key]).fetchone()
        writer.connection.execute("INSERT INTO pending VALUES (?, ?)", [row[0], text])
    return int(row[0])


def _drop_unused_vectors(writer: Writer, vector_ids: Iterable[int]) -> None:
    for vector_id in set(vector_ids):
        used = writer.connection.execute("SELECT 1 FROM chunks WHERE vector_id = ? LIMIT 1", [vector_id])
        if used.fetchone() is None:
            writer.connection.execute("DELETE FROM pending WHERE vector_id = ?", [vector_id])
            writer.connection.execute("DELETE FROM vectors WHERE id = ?", [vector_id])


def _remove_file(writer: Writer, file_id: int, generation: int) -> None:
    db = writer.connection
    before = [row[0] for row in db.execute("SELECT vector_id FROM chunks WHERE file_id = ?", [file_id])]
    db.execute("DELETE FROM chunks WHERE file_id = ?", [file_id])
    db.execute("DELETE FROM files WHERE id = ?", [file_id])
    db.execute("INSERT INTO removed VALUES (?, ?)", [file_id, generation])
    _drop_unused_vectors(writer, before)


def _write_skipped(writer: Writer, file: SourceFile, skipped: SkippedFile, generation: int) -> None:
    """Remember that a file was read and left out, so that it is not read again until it changes."""
    known = writer.connection.execute("SELECT id FROM files WHERE path = ?", [os.fsencode(file.path)]).fetchone()
    if known is not None:
        _remove_file(writer, known[0], generation)
    writer.connection.execute(
        "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?, ?, 1)",
        [
            os.fsencode(file.path),
            skipped.reason.name,
            skipped.detail,
            file.blob,
            file.size,
            _settled_mtime(file),
        ],
    )


def _finish_listing(writer: Writer, changes: Changes) -> None:
    """Record the files that were left out by their name alone, and what state of the tree this is."""
    db, listing = writer.connection, changes.listing
    listed = {os.fsencode(file.path) for file in listing.files}
    now = {(os.fsencode(file.path), file.reason.name, file.detail) for file in listing.skipped}
    before = set(db.execute("SELECT path, reason, detail FROM skipped WHERE NOT was_read").fetchall())
    gone = [row for row in db.execute("SELECT path FROM skipped WHERE was_read") if row[0] not in listed]
    nothing = now == before and not (gone or changes.changed or changes.removed)
    if nothing and listing.commit == writer.manifest.commit and writer.manifest.updated:
        return
    with writer.transaction(derived=True):
        db.execute("DELETE FROM skipped WHERE NOT was_read")
        db.executemany("DELETE FROM skipped WHERE path = ?", gone)
        db.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, '', 0, 0, 0)", sorted(now))
        writer.describe(commit=listing.commit, updated=time.time())


# --- words --------------------------------------------------------------------------------------------------


def _update_lexical(writer: Writer) -> Iterator[Progress]:
    """Bring the lexical index from the generation that it holds to that of the database."""
    held = lexical_generation(writer.lexical())
    if held is not None and held == writer.manifest.generation:
        return
    fresh = held is None or held > writer.manifest.generation
    since = 0 if fresh else held
    db = writer.connection
    changed = db.execute(
        "SELECT id, path, language, generation FROM files WHERE generation > ? ORDER BY generation, id",
        [since],
    ).fetchall()
    lexical = LexicalWriter(writer.lexical(fresh=fresh))
    try:
        if not fresh:
            for (file_id,) in db.execute("SELECT file_id FROM removed WHERE generation > ?", [since]):
                lexical.remove_file(file_id)
        for done, (file_id, path, language, _) in enumerate(changed):
            if not fresh:
                lexical.remove_file(file_id)
            rows = db.execute(f"SELECT id, {CHUNK_SELECT} FROM chunks WHERE file_id = ?", [file_id])
            for chunk_id, *row in rows:
                lexical.add(chunk_id, file_id, chunk_from_row(path, language, tuple(row)))
            if done % 100 == 0:
                yield Progress(Phase.LEXICAL, done, len(changed))
        lexical.commit(writer.manifest.generation)
    finally:
        lexical.close()
    if db.execute("SELECT 1 FROM removed LIMIT 1").fetchone():
        with writer.transaction(derived=True):
            db.execute("DELETE FROM removed")
    yield Progress(Phase.LEXICAL, len(changed), len(changed))


# --- vectors ------------------------------------------------------------------------------------------------


def _encode_pending(
    writer: Writer,
    load: Callable[[], Encoder] | None,
    vector_cache: Path | None,
    encode_seconds: float | None,
    report: UpdateReport,
    *,
    adopt: bool,
) -> Iterator[Progress]:
    """Make the vectors of all texts that wait for one."""
    if load is None:
        return
    encoder = load()
    if writer.manifest.model_id != encoder.model_id:
        if writer.manifest.model_id and not adopt:
            return
        _adopt_model(writer, encoder)
    (total,) = writer.connection.execute("SELECT count(*) FROM pending").fetchone()
    if not total:
        return
    deadline = None if encode_seconds is None else time.monotonic() + encode_seconds
    cache = VectorCache(vector_cache, encoder.model_id)
    try:
        done = 0
        yield Progress(Phase.ENCODING, 0, total)
        while block := _next_pending(writer):
            for made, remembered in _encode_block(writer, encoder, cache, block):
                report.encoded += made
                report.remembered += remembered
                done += made + remembered
                yield Progress(Phase.ENCODING, done, total)
                if deadline is not None and time.monotonic() > deadline:
                    return
    finally:
        cache.close()


@dataclass(frozen=True, slots=True)
class _Pending:
    vector_id: int
    key: bytes
    text: str


def _next_pending(writer: Writer) -> list[_Pending]:
    rows = writer.connection.execute(
        "SELECT vector_id, key, text FROM pending JOIN vectors ON vectors.id = vector_id ORDER BY vector_id LIMIT ?",
        [_ENCODE_BLOCK],
    )
    return [_Pending(*row) for row in rows]


def _encode_block(
    writer: Writer, encoder: Encoder, cache: VectorCache, block: list[_Pending]
) -> Iterator[tuple[int, int]]:
    """Encode a block; yields (texts encoded, texts remembered) since the last time, at each commit or so."""
    remembered = cache.get([pending.key for pending in block])
    _write_vectors(writer, [(p, remembered[p.key]) for p in block if p.key in remembered])
    yield 0, len(remembered)
    missing = [pending for pending in block if pending.key not in remembered]
    made: list[tuple[_Pending, bytes]] = []
    last_commit = time.monotonic()
    try:
        for indices, vectors in encoder.encode_document_batches([pending.text for pending in missing]):
            made.extend((missing[i], dense.pack(v)) for i, v in zip(indices, vectors, strict=True))
            if time.monotonic() - last_commit > _COMMIT_SECONDS:
                count, made = len(made), _commit_vectors(writer, cache, made)
                yield count, 0
                last_commit = time.monotonic()
    finally:
        # Also on Ctrl-C: what is encoded is never encoded again.
        count, made = len(made), _commit_vectors(writer, cache, made)
    yield count, 0


def _commit_vectors(
    writer: Writer, cache: VectorCache, made: list[tuple[_Pending, bytes]]
) -> list[tuple[_Pending, bytes]]:
    _write_vectors(writer, made)
    cache.put({pending.key: vector for pending, vector in made})
    return []


def _write_vectors(writer: Writer, made: Sequence[tuple[_Pending, bytes]]) -> None:
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


def _queue_all(writer: Writer) -> None:
    db = writer.connection
    db.execute("UPDATE vectors SET vector = NULL, segment = NULL")
    last = 0
    while rows := db.execute(
        f"SELECT vector_id, path, language, {CHUNK_SELECT} FROM chunks JOIN files ON files.id = file_id"
        " WHERE vector_id > ? GROUP BY vector_id ORDER BY vector_id LIMIT ?",
        [last, _ENCODE_BLOCK],
    ).fetchall():
        texts = [(row[0], document_text(chunk_from_row(row[1], row[2], row[3:]))) for row in rows]
        db.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?)", texts)
        last = rows[-1][0]


# --- graphs -------------------------------------------------------------------------------------------------


def _update_graphs(writer: Writer) -> Iterator[Progress]:
    """Turn a tail that has outgrown exact search into segments; mend segments whose graph is gone."""
    db = writer.connection
    sizes: dict[int, int] = dict(
        db.execute("SELECT segment, count(*) FROM vectors WHERE segment IS NOT NULL GROUP BY segment").fetchall()
    )
    broken = {segment for segment in sizes if not segment_path(writer.directory, segment).exists()}
    (tail,) = db.execute("SELECT count(*) FROM vectors WHERE vector IS NOT NULL AND segment IS NULL").fetchone()
    if not dense.hnsw_available() or (tail <= dense.EXACT_LIMIT and not broken):
        return
    # Small segments are merged with the tail, so that their number stays small as a repository grows.
    dissolved = broken | {segment for segment, size in sizes.items() if size < dense.SEGMENT_LIMIT // 2}
    with writer.transaction(derived=True):
        db.executemany("UPDATE vectors SET segment = NULL WHERE segment = ?", [(s,) for s in dissolved])
    total = tail + sum(sizes[segment] for segment in dissolved)
    done = 0
    newest = max(sizes, default=0)
    while total - done > dense.EXACT_LIMIT:
        yield Progress(Phase.GRAPH, done, total)
        newest += 1
        done += _build_segment(writer, newest)
        yield Progress(Phase.GRAPH, done, total)
    kept = db.execute("SELECT DISTINCT segment FROM vectors WHERE segment IS NOT NULL").fetchall()
    writer.remove_segments({row[0] for row in kept})


def _build_segment(writer: Writer, segment: int) -> int:
    """Make a segment of the oldest vectors of the tail; returns how many they are."""
    tail = "vector IS NOT NULL AND segment IS NULL"
    first, last, count = writer.connection.execute(
        f"SELECT min(id), max(id), count(*) FROM (SELECT id FROM vectors WHERE {tail} ORDER BY id LIMIT ?)",
        [dense.SEGMENT_LIMIT],
    ).fetchone()
    members, span = "segment IS NULL AND id BETWEEN ? AND ?", (first, last)
    dimension = writer.manifest.dimension

    def save(path: Path) -> None:
        dense.build_graph(path, count, dimension, dense.read_vectors(writer.connection, dimension, members, span))

    writer.write_segment(segment, save)
    with writer.transaction(derived=True):
        writer.connection.execute(
            f"UPDATE vectors SET segment = ? WHERE vector IS NOT NULL AND {members}", (segment, *span)
        )
    return int(count)
