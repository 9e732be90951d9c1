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
from codesearch.index.encoding import encode_pending
from codesearch.index.files import update_files
from codesearch.index.lexical import LexicalDamaged, LexicalWriter, lexical_generation
from codesearch.index.progress import Phase, Progress, UpdateReport
from codesearch.index.schema import CHUNK_SELECT, chunk_from_row
from codesearch.index.segments import update_segments
from codesearch.index.storage import Writer, database_errors, lexical_directory
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
        held = lexical_generation(lexical_directory(writer.directory))
        if held is not None and held > writer.manifest.generation:
            held = None
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
    db, since = writer.connection, held or 0
    (total,) = db.execute("SELECT count(*) FROM files WHERE generation > ?", [since]).fetchone()
    done = 0
    with LexicalWriter(writer.lexical(fresh=held is None)) as lexical:
        if held is not None:
            for (file_id,) in db.execute("SELECT file_id FROM removed WHERE generation > ?", [since]):
                lexical.remove_file(file_id)
        changed = db.execute("SELECT id, path, language FROM files WHERE generation > ? ORDER BY id", [since])
        for file_id, path, language in changed:
            if held is not None:
                lexical.remove_file(file_id)
            for chunk_id, *row in db.execute(f"SELECT id, {CHUNK_SELECT} FROM chunks WHERE file_id = ?", [file_id]):
                lexical.add(chunk_id, file_id, chunk_from_row(path, language, tuple(row)))
            done += 1
            if done % 100 == 0:
                yield Progress(Phase.LEXICAL, done, total)
        lexical.commit(writer.manifest.generation)
    yield Progress(Phase.LEXICAL, total, total)
