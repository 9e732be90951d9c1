"""Bringing an index up to date with its repository: what changed is read, extracted, and encoded.

The order is what a person notices: first all changed files become searchable by their words, in one pass that
takes seconds; then texts that were never seen are encoded, which takes minutes the first time, committed
every few seconds. Interrupted anywhere, the last commit answers, and the next update goes on from there.

Nothing is printed here: :func:`update` yields :class:`Progress`, and surfaces draw it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codesearch.encoders import LazyEncoder
from codesearch.index.analysis import ChunkTerms, FileTerms
from codesearch.index.encoding import encode_pending
from codesearch.index.files import update_files
from codesearch.index.lexical import LexicalDamaged, LexicalIndex, LexicalWriter
from codesearch.index.progress import Phase, Progress, UpdateReport
from codesearch.index.schema import CHUNK_SELECT, chunk_from_row
from codesearch.index.segments import update_segments
from codesearch.index.storage import Writer, database_errors, lexical_directory
from codesearch.index.test_code import find_tests
from codesearch.records import Repository
from codesearch.sources import FileRules

__all__ = ["Phase", "Progress", "UpdateReport", "derive", "update"]


def update(
    repository: Repository,
    writer: Writer,
    rules: FileRules,
    encoder: LazyEncoder | None,
    *,
    vector_cache: Path | None = None,
    encode_seconds: float | None = None,
    adopt_model: bool = True,
) -> Generator[Progress, None, UpdateReport]:
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
    report = UpdateReport()
    with database_errors(writer.directory):
        # Asked before the database moves on: after a power cut it may have lost commits that the lexical
        # index has, and would then reach the same number with another content.
        held = _held_generation(writer)
        with _timed(report, Phase.EXTRACTING):
            yield from update_files(repository, writer, rules, report)
        with _timed(report, Phase.LEXICAL):
            yield from _update_lexical(writer, held)
        if encoder is not None:
            with _timed(report, Phase.ENCODING):
                yield from encode_pending(
                    writer,
                    encoder(),
                    report,
                    vector_cache=vector_cache,
                    seconds=encode_seconds,
                    adopt_model=adopt_model,
                )
        with _timed(report, Phase.GRAPH):
            yield from update_segments(writer)
        report.files, report.chunks, report.pending, report.skipped = (
            writer.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("files", "chunks", "pending", "skipped")
        )
    return report


def derive(writer: Writer) -> Iterator[Progress]:
    """Make anew what an index derives from its database: words and graphs.

    Raises:
        StorageError: The disk is full, read-only or failing.
    """
    with database_errors(writer.directory):
        yield from _write_lexical(writer, None)
        yield from update_segments(writer)


@contextmanager
def _timed(report: UpdateReport, phase: Phase) -> Iterator[None]:
    started = time.perf_counter()
    yield
    report.seconds[phase] = time.perf_counter() - started


def _held_generation(writer: Writer) -> int | None:
    """Return the generation whose words are in the lexical index and counted in the database, None to count anew."""
    try:
        lexical = LexicalIndex(lexical_directory(writer.directory))
    except (LexicalDamaged, OSError):
        return None
    held = lexical.generation
    if held > writer.manifest.generation:
        return None
    counted, chunks = writer.connection.execute("SELECT generation, chunks FROM statistics").fetchone()
    if held == counted == writer.manifest.generation and lexical.chunk_count != chunks:
        return None  # its description is not what was written
    return min(held, int(counted))


def _update_lexical(writer: Writer, held: int | None) -> Iterator[Progress]:
    """Bring the lexical index from the generation that it holds to that of the database."""
    if held != writer.manifest.generation:
        yield from _write_lexical_or_rewrite(writer, held)
    if writer.connection.execute("SELECT 1 FROM removed LIMIT 1").fetchone():
        with writer.transaction(derived=True):
            writer.connection.execute("DELETE FROM removed")


def _write_lexical_or_rewrite(writer: Writer, held: int | None) -> Iterator[Progress]:
    if held is not None:
        with suppress(LexicalDamaged):
            yield from _write_lexical(writer, held)
            return
    yield from _write_lexical(writer, None)


def _write_lexical(writer: Writer, held: int | None) -> Iterator[Progress]:
    """Add what changed since generation `held`; None to start from nothing."""
    (total,) = writer.connection.execute("SELECT count(*) FROM files WHERE generation > ?", [held or 0]).fetchone()
    with LexicalWriter(writer.lexical(fresh=held is None)) as lexical:
        # First what is counted, then what is found: words that were counted twice over are none, and the other way
        # round an interruption would leave chunks in the lexical index that nobody has counted.
        with writer.transaction(derived=True):
            yield from _add_words(writer, lexical, held, total)
        lexical.commit(writer.manifest.generation)
    yield Progress(Phase.LEXICAL, total, total)


def _add_words(writer: Writer, lexical: LexicalWriter, held: int | None, total: int) -> Iterator[Progress]:
    db, since = writer.connection, held or 0
    if held is None:
        db.execute("DELETE FROM words")
        db.execute("DELETE FROM file_words")
    else:
        for (file_id,) in db.execute("SELECT file_id FROM removed WHERE generation > ?", [since]):
            lexical.remove_file(file_id)
    changed = db.execute("SELECT id, path, language FROM files WHERE generation > ? ORDER BY id", [since])
    for done, (file_id, path, language) in enumerate(changed, 1):
        if held is not None:
            lexical.remove_file(file_id)
        rows, whole = [], FileTerms()
        stored = db.execute(f"SELECT id, {CHUNK_SELECT} FROM chunks WHERE file_id = ? ORDER BY id", [file_id])
        chunks = {chunk_id: chunk_from_row(path, language, tuple(row)) for chunk_id, *row in stored}
        tests = find_tests(list(chunks.values()))
        for (chunk_id, chunk), is_test in zip(chunks.items(), tests, strict=True):
            found = ChunkTerms.of(chunk)
            lexical.add(chunk_id, file_id, chunk, found)
            rows.append((chunk_id, *found.lengths, found.substance, is_test, found.pack_repeats()))
            whole.add(found)
        # A chunk never changes, and neither does what was counted of it.
        db.executemany("INSERT OR IGNORE INTO words VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        if rows:
            db.execute("INSERT OR IGNORE INTO file_words VALUES (?, ?, ?)", [file_id, whole.length, whole.pack()])
        if done % 100 == 0:
            yield Progress(Phase.LEXICAL, done, total)
    db.execute("UPDATE statistics SET generation = ?", [writer.manifest.generation])
