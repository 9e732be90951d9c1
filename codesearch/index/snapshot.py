"""One committed state of an index, read-only: what a search sees from beginning to end."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from codesearch.index.analysis import FileTerms, count_in_path, count_in_symbol, unpack_repeats
from codesearch.index.bm25 import BM25, FIELDS, NO_STATISTICS, Statistics
from codesearch.index.changes import Changes, find_changes
from codesearch.index.dense import DenseIndex, read_vectors, unpack
from codesearch.index.evidence import NOTHING_NAMED, ChunkHead, Evidence, NamedChunks
from codesearch.index.left_out import LeftOut, left_out_text
from codesearch.index.lexical import EVERYTHING, Among, LexicalDamaged, LexicalIndex
from codesearch.index.schema import CHUNK_SELECT, chunk_from_row
from codesearch.index.storage import Manifest, database_errors, lexical_directory, open_reader
from codesearch.records import Chunk, Kind, Repository, SkippedFile, SkipReason
from codesearch.sources import FileRules

__all__ = ["Counts", "Snapshot"]

_BLOCK = 500
"""Values in one IN (...); SQLite allows 32,766, and statements of one length are compiled once."""

_MOST_ROWS: Final = 4_096
"""More definitions of one name are not looked at."""

_SUM_ERROR: Final = 1e-5
"""How far the cosine of a single-precision product, or of a graph, may be below the exact one."""

_KINDS: Final = {kind.value: kind for kind in Kind}

_EVIDENCE: Final = (
    "SELECT files.path, chunks.id, language, kind, name, qualified_name, signature, documentation, first_line,"
    " last_line, part, vector_id, words.symbol, words.path, words.text, substance, tests,"
    " repeated, file_id"
    " FROM chunks JOIN files ON files.id = file_id LEFT JOIN words ON chunk_id = chunks.id WHERE chunks.id IN"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds; `pending` texts are still to be encoded."""

    files: int
    chunks: int
    vectors: int
    pending: int
    skipped: int
    languages: dict[str, int] = field(default_factory=dict)


class Snapshot:
    """A committed state of an index; a context manager. Not to be shared between threads at one time.

    Args:
        directory: The index directory.
        before: A state that was opened earlier, open or closed, here or in another thread. If it is of the same index,
            the vectors that it has loaded are used again, and only those that came since are read.

    Raises:
        IndexUnusable: There is no index, or it cannot be read as it is.
        StorageError: The disk cannot be read.
    """

    def __init__(self, directory: Path, before: Snapshot | None = None) -> None:
        self.directory = directory
        self._db, self.manifest = open_reader(directory)
        self._earlier = before._loaded() if before is not None and before.directory == directory else None
        self._counted: dict[Callable[[str], bool], tuple[int, int]] = {}
        self.lexical: LexicalIndex | None = None
        with suppress(LexicalDamaged, OSError):
            lexical = LexicalIndex(lexical_directory(directory))
            if self._agrees_with(lexical):
                self.lexical = lexical

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the state; nothing may be read from it after that."""
        self._db.close()
        self.lexical = None

    def _agrees_with(self, lexical: LexicalIndex) -> bool:
        """Whether the index of words holds as many chunks as the database has counted; False is damage."""
        generation, chunks = self._one("SELECT generation, chunks FROM statistics")
        return not generation == lexical.generation == self.manifest.generation or lexical.chunk_count == chunks

    @property
    def root(self) -> Path:
        """Absolute path of the repository."""
        return Path(self.manifest.root)

    @cached_property
    def dense(self) -> DenseIndex | None:
        """The vectors, loaded at first use; None where there are none yet."""
        if not self.manifest.dimension:
            return None
        earlier, self._earlier = self._earlier, None
        before = earlier[1] if earlier is not None and self._continues(earlier[0]) else None
        with database_errors(self.directory):
            return DenseIndex(self._db, self.directory, self.manifest.dimension, before)

    def _loaded(self) -> tuple[Manifest, DenseIndex] | None:
        """Return the vectors that this state has loaded, or was to use again."""
        dense: DenseIndex | None = self.__dict__.get("dense")
        return self._earlier if dense is None else (self.manifest, dense)

    def _continues(self, earlier: Manifest) -> bool:
        """Whether this is a later state of the same index, built by the same model; one built anew begins new ids."""
        now = self.manifest
        same = (earlier.created, earlier.imported, earlier.model_id, earlier.dimension)
        return (now.created, now.imported, now.model_id, now.dimension) == same and now.generation >= earlier.generation

    def counts(self) -> Counts:
        """Count what the index holds."""
        with database_errors(self.directory):
            (pending,) = self._one("SELECT count(*) FROM pending")
            files, chunks, vectors, skipped = (
                self._one(f"SELECT count(*) FROM {table}")[0] for table in ("files", "chunks", "vectors", "skipped")
            )
            languages = self._db.execute(
                "SELECT language, count(*) FROM files GROUP BY language ORDER BY 2 DESC, 1"
            ).fetchall()
        return Counts(files, chunks, vectors - pending, pending, skipped, dict(languages))

    @cached_property
    def chunk_count(self) -> int:
        """How many chunks there are."""
        return int(self._one("SELECT count(*) FROM chunks")[0])

    @cached_property
    def pending_count(self) -> int:
        """How many texts are still to be encoded."""
        return int(self._one("SELECT count(*) FROM pending")[0])

    @cached_property
    def vector_count(self) -> int:
        """How many texts are encoded."""
        return int(self._one("SELECT count(*) FROM vectors")[0]) - self.pending_count

    @property
    def state(self) -> Hashable:
        """What two snapshots of one index have in common exactly if the same is found in both."""
        segments = tuple(self._db.execute("SELECT id FROM segments"))
        words = self.lexical.generation if self.lexical else None
        return replace(self.manifest, updated=0.0, commit=None), words, self.pending_count, segments

    def skipped(self) -> list[SkippedFile]:
        """Return the files that were left out, by path."""
        rows = self._db.execute("SELECT path, reason, detail FROM skipped ORDER BY path").fetchall()
        return [SkippedFile(os.fsdecode(path), SkipReason[reason], detail) for path, reason, detail in rows]

    @cached_property
    def left_out(self) -> LeftOut:
        """How much text was left out, by kind."""
        return left_out_text(self._one("SELECT count(*) FROM files")[0], self.skipped())

    def changes(self, repository: Repository, rules: FileRules) -> Changes:
        """Compare with the repository as it is now; reads no file of it."""
        with database_errors(self.directory):
            return find_changes(repository, self._db, rules)

    def copy_to(self, target: sqlite3.Connection) -> None:
        """Copy the database, as this snapshot sees it, to a connection of an empty one."""
        with database_errors(self.directory):
            self._db.backup(target)

    def _one(self, query: str) -> tuple[int, ...]:
        with database_errors(self.directory):
            row: tuple[int, ...] = self._db.execute(query).fetchone()
            return row

    # --- what a search asks -----------------------------------------------------------------------------------

    @property
    def has_words(self) -> bool:
        """Whether there is an index of words."""
        return self.lexical is not None

    def files(self) -> list[tuple[int, str]]:
        """Return the id and the path of each file."""
        with database_errors(self.directory):
            return [(file_id, os.fsdecode(path)) for file_id, path in self._db.execute("SELECT id, path FROM files")]

    def count_files(self, matches: Callable[[str], bool]) -> tuple[int, int]:
        """Return of how many files a path matches, and how many files there are; the paths are gone over once."""
        found = self._counted.get(matches)
        if found is None:
            paths = [path for _, path in self.files()]
            found = self._counted[matches] = sum(map(matches, paths)), len(paths)
        return found

    def statistics(self, terms: Sequence[str], files: Collection[int] | None = None) -> Statistics:
        """Return what BM25 has to know of all chunks; of none where there is no index of words.

        Args:
            terms: Of the question.
            files: Ids of files, to know it of their chunks alone.
        """
        if self.lexical is None:
            return NO_STATISTICS
        with database_errors(self.directory):
            if files is None:
                chunks, *tokens, file_count, file_length = self._totals
                holding = self.lexical.holding(terms)
            else:
                chunks, *tokens = self._totals_of(files)
                lengths = self._file_lengths(files)
                file_count, file_length = len(lengths), sum(lengths)
                counts = self.evidence(self.chunk_ids(files), terms).counts
                held = (counts > 0).sum(axis=2)
                holding = {(f, t): int(held[i, j]) for i, f in enumerate(FIELDS) for j, t in enumerate(terms)}
            return Statistics(chunks, dict(zip(FIELDS, tokens, strict=True)), holding, file_count, file_length)

    def _totals_of(self, files: Collection[int]) -> list[int]:
        totals = [0] * (1 + len(FIELDS))
        query = (
            "SELECT 1, words.symbol, words.path, words.text FROM chunks JOIN words ON chunk_id = chunks.id"
            " WHERE file_id IN"
        )
        for row in self._select(query, list(files)):
            totals = [total + number for total, number in zip(totals, row, strict=True)]
        return totals

    def _file_lengths(self, files: Collection[int]) -> list[int]:
        return [row[0] for row in self._select("SELECT length FROM file_words WHERE file_id IN", list(files))]

    def file_ids(self, paths: Sequence[str]) -> dict[str, int]:
        """Return the ids of files by path; of those that are in the index."""
        with database_errors(self.directory):
            rows = self._select("SELECT path, id FROM files WHERE path IN", [os.fsencode(path) for path in paths])
            return {os.fsdecode(path): file_id for path, file_id in rows}

    def chunk_ids(self, files: Collection[int]) -> list[int]:
        """Return the ids of the chunks of files."""
        with database_errors(self.directory):
            return [row[0] for row in self._select("SELECT id FROM chunks WHERE file_id IN", list(files))]

    @cached_property
    def _totals(self) -> tuple[int, ...]:
        return self._one("SELECT chunks, symbol, path, text, files, file_length FROM statistics")

    def best_by_words(self, weights: BM25, limit: int, among: Among) -> NamedChunks:
        """Name the chunks that score best by their words."""
        with database_errors(self.directory):
            return NOTHING_NAMED if self.lexical is None else self.lexical.search(weights, limit, among=among)

    def named(self, names: Collection[str], limit: int, among: Among) -> list[int]:
        """Return the chunks that have one of some bare names; none where there are more than `limit` of a name."""
        with database_errors(self.directory):
            found: list[int] = []
            for name in names:
                rows = self._db.execute(
                    "SELECT chunks.id, file_id, kind, language FROM chunks JOIN files ON files.id = file_id"
                    " WHERE name = ? AND name <> '' LIMIT ?",
                    [name, _MOST_ROWS],
                )
                ids = [row[0] for row in rows if among.lets_through(*row)]
                found += ids if len(ids) <= limit else ()
            return found

    def best_by_quotation(self, pairs: Mapping[tuple[str, str], float], limit: int, among: Among) -> NamedChunks:
        """Name the chunks that hold most of some pairs of neighbouring words, by what each pair weighs."""
        with database_errors(self.directory):
            if self.lexical is None:
                return NOTHING_NAMED
            return self.lexical.search_neighbours(pairs, limit, among=among)

    def best_by_meaning(self, query: NDArray[np.float32], limit: int, among: Among) -> NamedChunks:
        """Name all chunks that have one of the `limit` vectors nearest to a question's."""
        with database_errors(self.directory):
            if self.dense is None:
                return NOTHING_NAMED
            allowed = self._allowed_vectors(among)
            vectors = None if allowed is None else np.unique(np.array(list(allowed.values()), dtype=np.int64))
            cosines = dict(self.dense.search(query, limit, vectors))
            rows = self._select("SELECT id, vector_id FROM chunks WHERE vector_id IN", list(cosines))
            found = {chunk: cosines[vector] for chunk, vector in rows if allowed is None or chunk in allowed}
            rest = min(cosines.values()) + _SUM_ERROR if len(cosines) == limit else -inf
            return NamedChunks(list(found), list(found.values()), rest)

    def _allowed_vectors(self, among: Among) -> dict[int, int] | None:
        """Return {chunk id: vector id} of the chunks that may be found, or None for all."""
        if among == EVERYTHING:
            return None
        query = "SELECT chunks.id, vector_id, file_id FROM chunks JOIN files ON files.id = file_id WHERE 1"
        values: list[str] = []
        for column, allowed in (("language", among.languages), ("kind", among.kinds)):
            if allowed is not None:
                query += f" AND {column} IN ({', '.join('?' * len(allowed))})"
                values += sorted(allowed)
        wanted, unwanted = None if among.files is None else set(among.files), set(among.not_files or ())
        return {
            chunk_id: vector_id
            for chunk_id, vector_id, file_id in self._db.execute(query, values)
            if file_id not in unwanted and (wanted is None or file_id in wanted)
        }

    def evidence(
        self,
        ids: Sequence[int],
        terms: Sequence[str],
        pairs: Sequence[tuple[str, str]] = (),
        query: NDArray[np.float32] | None = None,
    ) -> Evidence:
        """Return what is known of chunks with regard to a question; an id that does not exist is left out.

        Args:
            ids: Of the chunks, each once.
            terms: Of the question.
            pairs: Its pairs of neighbouring words.
            query: Its vector, of shape [dimension].
        """
        with database_errors(self.directory):
            rows = sorted(self._select(_EVIDENCE, ids))  # by path, and an id is there once
            paths = {path: os.fsdecode(path) for path in {row[0] for row in rows}}
            heads = [ChunkHead._make((row[1], paths[row[0]], row[2], _KINDS[row[3]], *row[4:11])) for row in rows]
            found = Evidence.blank(heads, len(terms), len(pairs))
            if not rows:
                return found
            texts, *words, substance, tests, repeated, files = list(zip(*rows, strict=True))[11:]
            found.texts[:] = texts
            found.substance[:] = [number or 0 for number in substance]
            found.tests[:] = [bool(test) for test in tests]
            if (terms or pairs) and self.lexical is not None:
                found.lengths[:] = [[length or 0 for length in lengths] for lengths in words]
                held = self.lexical.held_in_text([head.id for head in heads], terms, pairs)
                found.quotes[:] = held[len(terms) :]
                found.counts[-1] = held[: len(terms)]
                unpack_repeats([blob or b"" for blob in repeated], terms, found.counts[-1])
                _count(terms, [count_in_symbol(head.qualified_name) for head in heads], found.counts[0])
                _count(terms, [count_in_path(head.path) for head in heads], found.counts[1])
                self._count_in_files(files, terms, found)
            if query is not None and self.dense is not None:
                found.cosines[:] = self.dense.cosines(query, found.texts)
            return found

    def _count_in_files(self, files: Sequence[int], terms: Sequence[str], found: Evidence) -> None:
        """Set what is known of the files that chunks are of."""
        rows = list(self._select("SELECT file_id, length, counts FROM file_words WHERE file_id IN", sorted(set(files))))
        if rows:
            column = {row[0]: number for number, row in enumerate(rows)}
            counts = FileTerms.unpack([row[2] for row in rows], terms)
            known = [number for number, file in enumerate(files) if file in column]
            of_file = [column[files[number]] for number in known]
            found.file_lengths[known] = [rows[number][1] for number in of_file]
            found.file_counts[:, known] = counts[:, of_file]

    def texts_of(self, keys: Collection[bytes]) -> dict[bytes, int]:
        """Return what stands for encoded texts in :class:`Evidence`, by their keys; unknown ones are left out."""
        with database_errors(self.directory):
            return dict(self._select("SELECT key, id FROM vectors WHERE key IN", list(keys)))

    def _select(self, query: str, values: Sequence[int] | Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            yield from self._db.execute(f"{query} ({', '.join('?' * len(block))})", block)

    # --- chunks ---------------------------------------------------------------------------------------------

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """Return chunks by id; an id that does not exist is left out."""
        with database_errors(self.directory):
            rows = self._select(
                f"SELECT chunks.id, path, language, {CHUNK_SELECT} FROM chunks"
                " JOIN files ON files.id = file_id WHERE chunks.id IN",
                list(ids),
            )
            return {row[0]: chunk_from_row(row[1], row[2], row[3:]) for row in rows}

    def chunks_of(self, path: str) -> dict[int, Chunk]:
        """Return the chunks of a file by id, in document order; none where the file is not in the index.

        Args:
            path: Relative to the repository's root.
        """
        try:
            name = os.fsencode(path)
        except UnicodeEncodeError:  # half of a character: no file has such a name
            return {}
        with database_errors(self.directory):
            rows = self._db.execute(
                f"SELECT chunks.id, path, language, {CHUNK_SELECT} FROM chunks"
                " JOIN files ON files.id = file_id WHERE path = ? ORDER BY chunks.id",
                [name],
            )
            return {row[0]: chunk_from_row(row[1], row[2], row[3:]) for row in rows}

    def vector_of(self, chunk_id: int) -> NDArray[np.float32] | None:
        """Return the vector of a chunk, of shape [dimension], or None while its text is still to be encoded."""
        with database_errors(self.directory):
            row = self._db.execute("SELECT vector_id FROM chunks WHERE id = ?", [chunk_id]).fetchone()
        return None if row is None else self.stored_vector(row[0])

    def stored_vector(self, text: int) -> NDArray[np.float32] | None:
        """Return the vector of an encoded text, of shape [dimension], or None where there is none (yet).

        Args:
            text: What stands for it in :class:`Evidence`.
        """
        with database_errors(self.directory):
            row = self._db.execute("SELECT vector FROM vectors WHERE id = ?", [text]).fetchone()
        return None if row is None or row[0] is None else unpack([row[0]], self.manifest.dimension)[0]

    def each_chunk(self, kinds: Collection[Kind]) -> Iterator[tuple[int, int, Chunk]]:
        """Yield (id, id of its vector, chunk) of all chunks of these kinds, file by file, in document order."""
        marks = ", ".join("?" * len(kinds))
        with database_errors(self.directory):
            self._map_nothing()
            rows = self._db.execute(
                f"SELECT chunks.id, vector_id, path, language, {CHUNK_SELECT} FROM chunks"
                f" JOIN files ON files.id = file_id WHERE kind IN ({marks}) ORDER BY files.id, chunks.id",
                sorted(kinds),
            )
            for chunk_id, vector_id, path, language, *columns in rows:
                yield chunk_id, vector_id, chunk_from_row(path, language, tuple(columns))

    def vectors(self, ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield (ids of shape [b], vectors of shape [b, dimension]) of those of some vectors that are made, by id.

        Args:
            ids: Ascending.
        """
        if not len(ids) or not self.manifest.dimension:
            return
        with database_errors(self.directory):
            self._map_nothing()
            span = (int(ids[0]), int(ids[-1]))
            for found, block in read_vectors(self._db, self.manifest.dimension, "id BETWEEN ? AND ?", span):
                wanted = np.isin(found, ids, assume_unique=False)
                yield found[wanted], block[wanted]

    def _map_nothing(self) -> None:
        """Read by copying from now on: whoever goes over all of an index would have all of it counted as memory."""
        self._db.execute("PRAGMA mmap_size = 0")


def _count(asked: Sequence[str], counted: Sequence[Mapping[str, int]], counts: NDArray[np.int64]) -> None:
    """Set how often terms occur, given how often all terms occur in each of n fields; of shape [terms, n]."""
    rows = {term: row for row, term in enumerate(asked)}
    for column, count in enumerate(counted):
        if not rows.keys().isdisjoint(count):
            for term in rows.keys() & count.keys():
                counts[rows[term], column] = count[term]
