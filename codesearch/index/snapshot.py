"""One committed state of an index, read-only: what a search sees from beginning to end."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from codesearch.index.changes import Changes, find_changes
from codesearch.index.dense import DenseIndex, read_vectors, unpack
from codesearch.index.lexical import Among, LexicalDamaged, LexicalIndex, Rarity
from codesearch.index.schema import CHUNK_SELECT, chunk_from_row
from codesearch.index.storage import Manifest, database_errors, lexical_directory, open_reader
from codesearch.records import Chunk, Kind, Repository, SkippedFile, SkipReason
from codesearch.search.candidates import QUOTING, Candidate, Filters
from codesearch.sources import FileRules

__all__ = ["Counts", "Snapshot"]

_BLOCK = 500
"""Values in one IN (...); SQLite allows 32,766, and statements of one length are compiled once."""


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
        self.lexical: LexicalIndex | None = None
        with suppress(LexicalDamaged, OSError):
            self.lexical = LexicalIndex(lexical_directory(directory))

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

    @property
    def state(self) -> Hashable:
        """What two snapshots of one index have in common exactly if the same is found in both."""
        segments = tuple(self._db.execute("SELECT id FROM segments"))
        words = self.lexical.generation if self.lexical else None
        return replace(self.manifest, updated=0.0, commit=None), words, self.pending_count, segments

    def document_frequency(self, term: str) -> int:
        """Return in how many chunks a term occurs; 0 where there is no index of words."""
        return 0 if self.lexical is None else self.lexical.document_frequency(term)

    def skipped(self) -> list[SkippedFile]:
        """Return the files that were left out, by path."""
        rows = self._db.execute("SELECT path, reason, detail FROM skipped ORDER BY path").fetchall()
        return [SkippedFile(os.fsdecode(path), SkipReason[reason], detail) for path, reason, detail in rows]

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

    # --- candidates -----------------------------------------------------------------------------------------

    def candidates(
        self,
        terms: Sequence[str],
        query: NDArray[np.float32] | None,
        limit: int,
        filters: Filters,
        rarity: Rarity | None = None,
        pairs: Mapping[tuple[str, str], float] | None = None,
    ) -> list[Candidate]:
        """Return the best chunks by words, the best by meaning, and some that quote the question, with all scores.

        Args:
            terms: Of the question, for BM25.
            query: Its unit vector of shape [dimension]; None to search by words only.
            limit: How many are taken from each of the two searches.
            filters: Which chunks may be found.
            rarity: Weigh terms by this; None for how rare they are in this index.
            pairs: Share of the question that each pair of its neighbouring words is.
        """
        with database_errors(self.directory):
            files = self._allowed_files(filters)
            if files is not None and not files:
                return []
            lexical = self._search_lexical(terms, limit, filters, files, rarity)
            dense = self._search_dense(query, limit, filters, files)
            quoted = self._search_quoted(pairs or {}, filters, files)
            ids = sorted(lexical.keys() | dense.keys() | quoted.keys())
            # Each search names its own best; the other's score of those is asked for, so that fusion
            # compares like with like instead of guessing what is missing.
            lexical |= self._lexical_of([i for i in ids if i not in lexical], terms, rarity)
            dense |= self._dense_of([i for i in ids if i not in dense], query)
            quoted |= self._quoted_of([i for i in ids if i not in quoted], pairs or {})
            return list(self._rows(ids, lexical, dense, quoted))

    def _rows(
        self, ids: Sequence[int], lexical: Mapping[int, float], dense: Mapping[int, float], quoted: Mapping[int, float]
    ) -> Iterator[Candidate]:
        rows = self._select(
            "SELECT chunks.id, path, language, kind, name, qualified_name, signature, documentation,"
            " first_line, last_line, part FROM chunks JOIN files ON files.id = file_id WHERE chunks.id IN",
            ids,
        )
        for chunk_id, path, language, kind, *rest in rows:
            values: list[Any] = [chunk_id, os.fsdecode(path), language, Kind(kind), *rest]
            values += lexical.get(chunk_id, 0.0), dense.get(chunk_id), quoted.get(chunk_id, 0.0)
            yield Candidate(*values)

    def _select(self, query: str, values: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            yield from self._db.execute(f"{query} ({', '.join('?' * len(block))})", block)

    def _allowed_files(self, filters: Filters) -> list[int] | None:
        """Return the ids of the files that may be found, or None for all."""
        if filters.path is None:
            return None
        rows = self._db.execute("SELECT id, path FROM files")
        return [file_id for file_id, path in rows if filters.path(os.fsdecode(path))]

    def _search_lexical(
        self,
        terms: Sequence[str],
        limit: int,
        filters: Filters,
        files: Collection[int] | None,
        rarity: Rarity | None,
    ) -> dict[int, float]:
        if self.lexical is None:
            return {}
        return dict(self.lexical.search(terms, limit, rarity=rarity, among=_among(filters, files)))

    def _search_quoted(
        self, pairs: Mapping[tuple[str, str], float], filters: Filters, files: Collection[int] | None
    ) -> dict[int, float]:
        if self.lexical is None:
            return {}
        return dict(self.lexical.search_neighbours(pairs, QUOTING, among=_among(filters, files)))

    def _quoted_of(self, ids: Sequence[int], pairs: Mapping[tuple[str, str], float]) -> dict[int, float]:
        if self.lexical is None or not ids:
            return {}
        return dict(self.lexical.search_neighbours(pairs, len(ids), among=Among(chunks=ids)))

    def _lexical_of(self, ids: Sequence[int], terms: Sequence[str], rarity: Rarity | None) -> dict[int, float]:
        if self.lexical is None or not ids:
            return {}
        return dict(self.lexical.search(terms, len(ids), rarity=rarity, among=Among(chunks=ids)))

    def _search_dense(
        self,
        query: NDArray[np.float32] | None,
        limit: int,
        filters: Filters,
        files: Collection[int] | None,
    ) -> dict[int, float]:
        if query is None or self.dense is None:
            return {}
        allowed = self._allowed_chunks(filters, files)
        vectors = None if allowed is None else np.unique(np.array(list(allowed.values()), dtype=np.int64))
        cosines = dict(self.dense.search(query, limit, vectors))
        rows = self._select("SELECT id, vector_id FROM chunks WHERE vector_id IN", list(cosines))
        return {
            int(chunk_id): cosines[vector_id] for chunk_id, vector_id in rows if allowed is None or chunk_id in allowed
        }

    def _allowed_chunks(self, filters: Filters, files: Collection[int] | None) -> dict[int, int] | None:
        """Return {chunk id: vector id} of the chunks that may be found, or None for all."""
        if files is None and not filters.languages and not filters.kinds:
            return None
        query = "SELECT chunks.id, vector_id FROM chunks JOIN files ON files.id = file_id WHERE 1"
        values: list[str] = []
        for column, allowed in (("language", filters.languages), ("kind", filters.kinds)):
            if allowed:
                query += f" AND {column} IN ({', '.join('?' * len(allowed))})"
                values += sorted(allowed)
        if files is None:
            return dict(self._db.execute(query, values).fetchall())
        wanted = set(files)
        rows = self._db.execute(query.replace("vector_id", "vector_id, file_id", 1), values)
        return {chunk_id: vector_id for chunk_id, vector_id, file_id in rows if file_id in wanted}

    def _dense_of(self, ids: Sequence[int], query: NDArray[np.float32] | None) -> dict[int, float]:
        if query is None or not self.manifest.dimension or not ids:
            return {}
        rows = list(
            self._select(
                "SELECT chunks.id, vector FROM chunks JOIN vectors ON vectors.id = vector_id"
                " WHERE vector IS NOT NULL AND chunks.id IN",
                ids,
            )
        )
        cosines = unpack((row[1] for row in rows), self.manifest.dimension) @ query
        return {row[0]: float(cosine) for row, cosine in zip(rows, cosines, strict=True)}

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
        with database_errors(self.directory):
            rows = self._db.execute(
                f"SELECT chunks.id, path, language, {CHUNK_SELECT} FROM chunks"
                " JOIN files ON files.id = file_id WHERE path = ? ORDER BY chunks.id",
                [os.fsencode(path)],
            )
            return {row[0]: chunk_from_row(row[1], row[2], row[3:]) for row in rows}

    def vector_of(self, chunk_id: int) -> NDArray[np.float32] | None:
        """Return the vector of a chunk, of shape [dimension], or None while its text is still to be encoded."""
        with database_errors(self.directory):
            row = self._db.execute(
                "SELECT vector FROM chunks JOIN vectors ON vectors.id = vector_id WHERE chunks.id = ?", [chunk_id]
            ).fetchone()
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


def _among(filters: Filters, files: Collection[int] | None) -> Among:
    kinds = {kind.value for kind in filters.kinds}
    return Among(filters.languages or None, kinds or None, files)
