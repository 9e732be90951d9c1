"""BM25 over the terms of chunks, in tantivy.

Text is analysed in ``codesearch.words``; tantivy sees terms joined by spaces, so the same analysis serves
index, questions and ranking, and nothing has to be registered when an index is opened. BM25 as in Robertson
and Zaragoza, *The Probabilistic Relevance Framework* (2009), with tantivy's k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Final, Self

import tantivy

from codesearch.errors import IndexUnusable, Unusable
from codesearch.records import Chunk
from codesearch.words import terms, terms_in_a_row

__all__ = [
    "EVERYTHING",
    "FIELD_WEIGHTS",
    "Among",
    "LexicalDamaged",
    "LexicalIndex",
    "LexicalWriter",
    "Rarity",
    "lexical_generation",
]

FIELD_WEIGHTS = {"symbol": 1.0, "path": 0.2, "text": 1.0}
"""What a hit in each field is worth; docs/design/ranking.md has others. All chunks of a file share its path."""

_WRITER_HEAP_BYTES = 64_000_000
_GENERATION_MARK = -1
"""The `file` value of the one document that says which generation the index holds."""


class LexicalDamaged(IndexUnusable):
    """There is no lexical index that can be read. An update makes it anew from the database."""

    def __init__(self, detail: object) -> None:
        super().__init__(Unusable.CORRUPT, f"run `codesearch index --rebuild` to build it anew ({detail})")


_ERRNO = re.compile(r"(?:os error |code: )(\d+)")


@contextmanager
def _tantivy_errors(directory: Path) -> Iterator[None]:
    """Tell a disk that fails from files that are damaged: tantivy raises ValueError for both.

    Raises:
        OSError: With the number of the system's error.
        LexicalDamaged: Whatever else it was.
    """
    try:
        yield
    except ValueError as error:
        found = _ERRNO.search(str(error))
        number = int(found[1]) if found else errno.ENOENT
        if number != errno.ENOENT:
            raise OSError(number, os.strerror(number), str(directory)) from error
        raise LexicalDamaged(error) from error
    except BaseException as error:
        # On some damage tantivy panics, which arrives as an exception outside of Exception that has no
        # importable type.
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise LexicalDamaged(error) from error


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("chunk", indexed=True, fast=True)
    builder.add_integer_field("file", indexed=True, fast=True)
    for field in FIELD_WEIGHTS:
        # Only a text is long enough for the places of words in it to tell anything.
        option = "position" if field == "text" else "freq"
        builder.add_text_field(field, tokenizer_name="whitespace", index_option=option)
    for field in ("language", "kind"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _path_terms(path: str) -> list[str]:
    """Words of the path, those of the file's own name twice: they say more than the folders."""
    folders, _, name = path.rpartition("/")
    stem_of_name = name.rpartition(".")[0] or name
    return terms(folders) + terms(stem_of_name) * 2


class LexicalWriter:
    """Adds and removes chunks; nothing is seen by readers before :meth:`commit`. A context manager.

    Args:
        directory: An existing folder of the index directory, empty or with a lexical index in it.

    Raises:
        OSError: By every method: the disk is full or failing.
        LexicalDamaged: By every method: what is there cannot be added to.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with _tantivy_errors(directory):
            self._index = tantivy.Index(_schema(), path=str(directory))
            self._writer = self._index.writer(heap_size=_WRITER_HEAP_BYTES, num_threads=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            with suppress(OSError, LexicalDamaged):  # what ended the block is what counts
                self.close()

    def add(self, chunk_id: int, file_id: int, chunk: Chunk) -> None:
        """Add a chunk under its ids."""
        document = tantivy.Document(
            chunk=chunk_id,
            file=file_id,
            symbol=" ".join(terms(chunk.qualified_name)),
            path=" ".join(_path_terms(chunk.path)),
            text=" ".join(terms_in_a_row(chunk.text)),
            language=chunk.language,
            kind=chunk.kind.value,
        )
        with _tantivy_errors(self._directory):
            self._writer.add_document(document)

    def remove_file(self, file_id: int) -> None:
        """Remove every chunk of a file."""
        with _tantivy_errors(self._directory):
            self._writer.delete_documents_by_term("file", file_id)

    def commit(self, generation: int) -> None:
        """Make all changes since the last commit visible at once, as this generation."""
        with _tantivy_errors(self._directory):
            self._writer.delete_documents_by_term("file", _GENERATION_MARK)
            self._writer.add_document(tantivy.Document(chunk=generation, file=_GENERATION_MARK))
            self._writer.commit()

    def close(self) -> None:
        """Wait for merges and release tantivy's own lock; what was not committed is dropped."""
        with _tantivy_errors(self._directory):
            self._writer.rollback()
            self._writer.wait_merging_threads()


def lexical_generation(directory: Path) -> int | None:
    """Return the generation of the index in `directory`, or None where there is no readable one."""
    try:
        return LexicalIndex(directory).generation
    except (LexicalDamaged, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Rarity:
    """How rare terms are: what BM25 weighs them by.

    Attributes:
        chunks: How many chunks there are.
        holding: How many of them hold a term in a field, by (field, term).
    """

    chunks: int
    holding: Mapping[tuple[str, str], int]

    @classmethod
    def together(cls, parts: Iterable[Rarity]) -> Rarity:
        """Return how rare terms are in several indexes taken as one."""
        parts = list(parts)
        holding: Counter[tuple[str, str]] = Counter()
        for part in parts:
            holding.update(part.holding)
        return cls(sum(part.chunks for part in parts), holding)

    def weight(self, field: str, term: str) -> float:
        """Return the inverse document frequency of a term in a field, above 0."""
        count = self.holding.get((field, term), 0)
        return log(1 + (self.chunks - count + 0.5) / (count + 0.5))


@dataclass(frozen=True, slots=True)
class Among:
    """Which chunks a search may find: those that every field names, a field that is None naming all.

    Attributes:
        languages: Chunks in one of these languages.
        kinds: Chunks of one of these kinds, by their values.
        files: Chunks of files with one of these ids.
        chunks: Chunks with one of these ids.
    """

    languages: Collection[str] | None = None
    kinds: Collection[str] | None = None
    files: Collection[int] | None = None
    chunks: Collection[int] | None = None


EVERYTHING: Final = Among()


class LexicalIndex:
    """One committed state of the index, read-only.

    Args:
        directory: Where the index lies.

    Raises:
        LexicalDamaged: By every method: there is no index, or it cannot be read.
        OSError: By every method: the disk is failing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._schema = _schema()
        try:
            self._searcher = self._open(directory)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            # tantivy cannot open a folder that it may not write a lock into. Nobody else writes there
            # either, so it is shown the same files in a folder of ours, which it has mapped once it is open.
            with tempfile.TemporaryDirectory(prefix="codesearch-") as folder:
                for path in directory.iterdir():
                    if path.suffix != ".lock":
                        Path(folder, path.name).symlink_to(path.resolve())
                self._searcher = self._open(Path(folder))
        with _tantivy_errors(directory):
            self.generation = self._read_generation()

    def _open(self, directory: Path) -> tantivy.Searcher:
        with _tantivy_errors(directory):
            if not tantivy.Index.exists(str(directory)):
                raise ValueError(f"no lexical index in {directory}")
            return tantivy.Index(self._schema, path=str(directory)).searcher()

    def _read_generation(self) -> int:
        mark = tantivy.Query.term_query(self._schema, "file", _GENERATION_MARK)
        found = self._searcher.search(mark, limit=1).hits
        if not found:
            raise ValueError("the lexical index holds no generation")
        (generation,) = self._searcher.fast_field_values("chunk", [found[0][1]])
        return int(generation or 0)

    def _term_query(self, term: str, own: Rarity | None, rarity: Rarity | None) -> tantivy.Query:
        fields = []
        for field, weight in FIELD_WEIGHTS.items():
            if own is not None and rarity is not None:
                weight *= rarity.weight(field, term) / own.weight(field, term)
            query = tantivy.Query.term_query(self._schema, field, term, index_option="freq")
            fields.append((tantivy.Occur.Should, tantivy.Query.boost_query(query, weight)))
        return tantivy.Query.boolean_query(fields)

    def _filter_query(self, field: str, values: Iterable[str | int]) -> tantivy.Query:
        query = tantivy.Query.term_set_query(self._schema, field, list(values))
        return tantivy.Query.const_score_query(query, 0.0)

    def document_frequency(self, term: str) -> int:
        """Return in how many chunks a term occurs, in their text or their name."""
        with _tantivy_errors(self._directory):
            return max(self._searcher.doc_freq(field, term) for field in ("text", "symbol"))

    def rarity(self, question: Sequence[str]) -> Rarity:
        """Return how rare terms are in this index, in each field."""
        with _tantivy_errors(self._directory):
            holding = {(f, t): self._searcher.doc_freq(f, t) for f in FIELD_WEIGHTS for t in question}
            return Rarity(self._searcher.num_docs, holding)

    def search(
        self, question: Sequence[str], limit: int, *, rarity: Rarity | None = None, among: Among = EVERYTHING
    ) -> list[tuple[int, float]]:
        """Return (chunk id, BM25 score) of the best chunks, best first, ties by chunk id.

        Args:
            question: Terms, as ``codesearch.words.question_terms`` gives them.
            limit: The most chunks that are returned.
            rarity: Weigh terms by this instead of by how rare they are here.
            among: Which chunks may be found.
        """
        with _tantivy_errors(self._directory):
            own = self.rarity(question) if rarity is not None else None
            asked = [self._term_query(term, own, rarity) for term in question]
        return self._best(asked, limit, among)

    def search_neighbours(
        self, pairs: Mapping[tuple[str, str], float], limit: int, *, among: Among = EVERYTHING
    ) -> list[tuple[int, float]]:
        """Return (chunk id, sum of weights) of the chunks in whose text pairs of words follow each other, best first.

        Args:
            pairs: What each pair weighs; pairs as ``codesearch.words.neighbours`` gives them.
            limit: The most chunks that are returned.
            among: Which chunks may be found.
        """
        with _tantivy_errors(self._directory):
            asked = [
                tantivy.Query.const_score_query(tantivy.Query.phrase_query(self._schema, "text", list(pair)), weight)
                for pair, weight in pairs.items()
            ]
        return self._best(asked, limit, among)

    def _best(self, asked: Sequence[tantivy.Query], limit: int, among: Among) -> list[tuple[int, float]]:
        """Return (chunk id, score) of the best chunks that one of the queries finds, best first, ties by chunk id."""
        filters = {"language": among.languages, "kind": among.kinds, "file": among.files, "chunk": among.chunks}
        if not asked or any(values is not None and not values for values in filters.values()):
            return []
        with _tantivy_errors(self._directory):
            any_of = tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in asked])
            must = [
                (tantivy.Occur.Must, self._filter_query(field, values))
                for field, values in filters.items()
                if values is not None
            ]
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, any_of), *must])
            hits = self._searcher.search(query, limit=limit, count=False).hits
            ids = self._searcher.fast_field_values("chunk", [address for _, address in hits])
        found = [(int(i or 0), float(score or 0.0)) for i, (score, _) in zip(ids, hits, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))
