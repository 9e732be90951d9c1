"""Making the rows of files and chunks agree with the repository."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from codesearch.encoders.text import document_text
from codesearch.index.changes import Changes, KnownFile, find_changes
from codesearch.index.extraction_workers import ExtractedFile, Outcome, UnchangedFile, extract_files
from codesearch.index.progress import Phase, Progress, UpdateReport
from codesearch.index.schema import chunk_columns
from codesearch.index.storage import Writer
from codesearch.index.vector_cache import text_key
from codesearch.records import Chunk, Repository, SkippedFile, SourceFile
from codesearch.sources import FileRules

__all__ = ["update_files"]

_COMMIT_CHUNKS: Final = 4_000
"""Chunks that one transaction writes; bounds both memory and what an interruption costs."""

_PROGRESS_SECONDS: Final = 0.1
"""How often it is said how far reading has come."""

_RACY_NS: Final = 2_000_000_000
"""A file changed this shortly before it was read may change again within the same clock tick."""


def update_files(repository: Repository, writer: Writer, rules: FileRules, report: UpdateReport) -> Iterator[Progress]:
    """Read what changed in the repository since the last update, and drop what is gone."""
    yield Progress(Phase.EXTRACTING, 0, 0)
    changes = find_changes(repository, writer.connection, rules)
    report.removed_files = len(changes.removed)
    report.notice = changes.listing.notice
    if changes.removed:
        with writer.transaction() as generation:
            for file_id in changes.removed:
                _remove_file(writer, file_id, generation)
    yield from _extract_changed(repository, writer, rules, changes, report)
    _finish_listing(writer, changes)


def _extract_changed(
    repository: Repository, writer: Writer, rules: FileRules, changes: Changes, report: UpdateReport
) -> Iterator[Progress]:
    known = ((file.path, changes.known.get(file.path)) for file in changes.changed)
    blobs = {path: entry.blob for path, entry in known if entry is not None and entry.id is not None}
    batch: list[Outcome] = []
    troubles: dict[str, str] = {}
    chunks = 0
    shown = time.monotonic()
    for done, outcome in enumerate(extract_files(repository, rules, changes.changed, blobs), 1):
        batch.append(outcome)
        if isinstance(outcome[1], ExtractedFile):
            chunks += len(outcome[1].chunks)
            if outcome[1].trouble:
                troubles[outcome[1].language] = outcome[1].trouble
        if chunks >= _COMMIT_CHUNKS:
            _write_batch(writer, batch, changes, report)
            batch, chunks = [], 0
        if time.monotonic() - shown > _PROGRESS_SECONDS:
            yield Progress(Phase.EXTRACTING, done, len(changes.changed))
            shown = time.monotonic()
    if batch:
        _write_batch(writer, batch, changes, report)
    report.notice = " ".join(filter(None, [report.notice, *_sentences(troubles)]))


def _sentences(troubles: Mapping[str, str]) -> Iterator[str]:
    """Say of each language whose grammar is missing why, and what was done without it."""
    for language, trouble in sorted(troubles.items()):
        yield f"The grammar of {language} cannot be loaded ({trouble}): its files were split without it."


def _write_batch(writer: Writer, batch: list[Outcome], changes: Changes, report: UpdateReport) -> None:
    """Write what a run of files came to; files that were only touched are no change of the index."""
    touched = [file for file, outcome in batch if isinstance(outcome, UnchangedFile)]
    _remember_times(writer, touched, changes)
    if len(touched) == len(batch):
        return
    report.changed_files += len(batch) - len(touched)
    with writer.transaction() as generation:
        for file, outcome in batch:
            if isinstance(outcome, ExtractedFile):
                _write_file(writer, outcome, generation)
            elif isinstance(outcome, SkippedFile):
                _write_skipped(writer, file, outcome, changes.known.get(file.path), generation)


def _remember_times(writer: Writer, files: Iterable[SourceFile], changes: Changes) -> None:
    rows = []
    for file in files:
        known, settled = changes.known[file.path], _settled_mtime(file)
        if (known.size, known.mtime_ns) != (file.size, settled):
            rows.append((file.size, settled, known.id))
    if rows:
        with writer.transaction(derived=True):
            writer.connection.executemany("UPDATE files SET size = ?, mtime_ns = ? WHERE id = ?", rows)


def _settled_mtime(file: SourceFile) -> int:
    """Return the modification time to remember: 0, which never matches, if the file may be changing now."""
    return 0 if time.time_ns() - file.mtime_ns < _RACY_NS else file.mtime_ns


def _write_file(writer: Writer, extracted: ExtractedFile, generation: int) -> None:
    db = writer.connection
    file = extracted.file
    path = os.fsencode(file.path)
    (file_id,) = db.execute(
        "INSERT INTO files (path, language, blob, size, mtime_ns, generation) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET language = excluded.language, blob = excluded.blob,"
        " size = excluded.size, mtime_ns = excluded.mtime_ns, generation = excluded.generation RETURNING id",
        [path, extracted.language, extracted.blob, file.size, _settled_mtime(file), generation],
    ).fetchone()
    before = _remove_chunks(writer, file_id)
    db.execute("DELETE FROM skipped WHERE path = ?", [path])
    for chunk in extracted.chunks:
        _write_chunk(writer, file_id, chunk)
    _drop_unused_vectors(writer, before)


def _remove_chunks(writer: Writer, file_id: int) -> set[int]:
    """Remove the chunks of a file; returns the vectors that they had."""
    vectors = writer.connection.execute("SELECT vector_id FROM chunks WHERE file_id = ?", [file_id])
    before = {row[0] for row in vectors}
    writer.connection.execute("DELETE FROM chunks WHERE file_id = ?", [file_id])
    return before


def _write_chunk(writer: Writer, file_id: int, chunk: Chunk) -> None:
    columns = chunk_columns(chunk) | {"file_id": file_id, "vector_id": _vector_id(writer, chunk)}
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    writer.connection.execute(f"INSERT INTO chunks ({names}) VALUES ({marks})", list(columns.values()))


def _vector_id(writer: Writer, chunk: Chunk) -> int:
    """Return the row of the vector of a chunk's text; a text never seen is queued for encoding."""
    text = document_text(chunk)
    key = text_key(text)
    row = writer.connection.execute("SELECT id FROM vectors WHERE key = ?", [key]).fetchone()
    if row is None:
        row = writer.connection.execute("INSERT INTO vectors (key) VALUES (?) RETURNING id", [key]).fetchone()
        writer.connection.execute("INSERT INTO pending VALUES (?, ?)", [row[0], text])
    return int(row[0])


def _drop_unused_vectors(writer: Writer, vector_ids: Iterable[int]) -> None:
    for vector_id in vector_ids:
        used = writer.connection.execute("SELECT 1 FROM chunks WHERE vector_id = ? LIMIT 1", [vector_id])
        if used.fetchone() is None:
            writer.connection.execute("DELETE FROM pending WHERE vector_id = ?", [vector_id])
            writer.connection.execute("DELETE FROM vectors WHERE id = ?", [vector_id])


def _remove_file(writer: Writer, file_id: int, generation: int) -> None:
    before = _remove_chunks(writer, file_id)
    writer.connection.execute("DELETE FROM files WHERE id = ?", [file_id])
    writer.connection.execute("INSERT INTO removed VALUES (?, ?)", [file_id, generation])
    _drop_unused_vectors(writer, before)


def _write_skipped(
    writer: Writer, file: SourceFile, skipped: SkippedFile, known: KnownFile | None, generation: int
) -> None:
    """Remember that a file was read and left out, so that it is not read again until it changes."""
    if known is not None and known.id is not None:
        _remove_file(writer, known.id, generation)
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
    now = {(os.fsencode(file.path), file.reason.name, file.detail) for file in listing.skipped}
    before = set(db.execute("SELECT path, reason, detail FROM skipped WHERE NOT was_read").fetchall())
    nothing = now == before and not (changes.changed or changes.removed or changes.forgotten)
    if nothing and listing.commit == writer.manifest.commit and writer.manifest.updated:
        return
    with writer.transaction(derived=True):
        db.execute("DELETE FROM skipped WHERE NOT was_read")
        db.executemany("DELETE FROM skipped WHERE path = ?", [(os.fsencode(path),) for path in changes.forgotten])
        db.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, '', 0, 0, 0)", sorted(now))
        writer.describe(commit=listing.commit, updated=time.time())
