"""The terms of chunks in tantivy, which names the chunks that hold what was asked, the best first.

Text is analysed in ``codesearch.words``; tantivy sees terms joined by spaces, so the same analysis serves
index, questions and ranking, and nothing has to be registered when an index is opened.

Which chunks are best is decided by ``codesearch.index.bm25``. tantivy knows the formula and not the figures: it counts
deleted chunks until it merges segments, so it is told how rare a term is, and what it takes for the mean length of a
field is read from it, which says how far its score can be below the exact one.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import tantivy
from numpy.typing import NDArray

from codesearch.errors import IndexUnusable, Unusable
from codesearch.index.analysis import ChunkTerms
from codesearch.index.bm25 import BM25, FIELD_WEIGHTS, FIELDS, inverse_document_frequency
from codesearch.index.evidence import NOTHING_NAMED, NamedChunks
from codesearch.index.seals import damaged_segment_file
from codesearch.records import Chunk

__all__ = [
    "EVERYTHING",
    "Among",
    "LexicalDamaged",
    "LexicalIndex",
    "LexicalWriter",
]

_WRITER_HEAP_BYTES = 64_000_000
_GENERATION_MARK = -1
"""The `file` value of the one document that says which generation the index holds."""

_MARK: Final = "="
"""A term of that document in every field, which nothing else holds: no term is made of a sign."""

_ROUNDING: Final = 1e-5
"""How far tantivy's single precision may be off, as a share."""

_BITS: Final = 24
"""How many powers of two a single-precision score can add up without a rounding."""


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
    for field in FIELDS:
        # Only a text is long enough for the places of words in it to tell anything.
        option = "position" if field == "text" else "freq"
        builder.add_text_field(field, tokenizer_name="whitespace", index_option=option)
    for field in ("language", "kind"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    return builder.build()


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

    def add(self, chunk_id: int, file_id: int, chunk: Chunk, found: ChunkTerms) -> None:
        """Add a chunk, with its terms, under its ids."""
        document = tantivy.Document(
            chunk=chunk_id,
            file=file_id,
            symbol=" ".join(found.symbol),
            path=" ".join(found.path),
            text=" ".join(found.text),
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
            mark = dict.fromkeys(FIELDS, _MARK)
            self._writer.add_document(tantivy.Document(chunk=generation, file=_GENERATION_MARK, **mark))
            self._writer.commit()

    def close(self) -> None:
        """Wait for merges and release tantivy's own lock; what was not committed is dropped."""
        with _tantivy_errors(self._directory):
            self._writer.rollback()
            self._writer.wait_merging_threads()


@dataclass(frozen=True, slots=True)
class _TantivyFigures:
    """What tantivy takes for the statistics of the index, deleted documents and the mark among them.

    Attributes:
        documents: How many there are.
        mean_lengths: Of each field.
        exact: Whether how many documents it says hold a term are none but chunks that exist.
    """

    documents: int
    mean_lengths: Mapping[str, float]
    exact: bool


@dataclass(frozen=True, slots=True)
class Among:
    """Which chunks a search may find: those that every field names, a field that is None naming all.

    Attributes:
        languages: Chunks in one of these languages.
        kinds: Chunks of one of these kinds, by their values.
        files: Chunks of files with one of these ids.
        chunks: Chunks with one of these ids.
        not_files: Chunks of files that have none of these ids.
    """

    languages: Collection[str] | None = None
    kinds: Collection[str] | None = None
    files: Collection[int] | None = None
    chunks: Collection[int] | None = None
    not_files: Collection[int] | None = None

    @property
    def nothing(self) -> bool:
        """Whether no chunk may be found."""
        named = (self.languages, self.kinds, self.files, self.chunks)
        return any(values is not None and not values for values in named)

    def lets_through(self, chunk: int, file: int, kind: str, language: str) -> bool:
        """Whether a chunk may be found."""
        return (
            (self.languages is None or language in self.languages)
            and (self.kinds is None or kind in self.kinds)
            and (self.files is None or file in self.files)
            and (self.chunks is None or chunk in self.chunks)
            and (self.not_files is None or file not in self.not_files)
        )


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
        # Before tantivy sees it: what is damaged it takes for what it is not, or panics.
        if damaged := damaged_segment_file(directory):
            raise LexicalDamaged(f"{directory / damaged} is not what was written")
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
        self._mark = found[0][1]
        (generation,) = self._searcher.fast_field_values("chunk", [self._mark])
        return int(generation or 0)

    @property
    def chunk_count(self) -> int:
        """How many chunks it holds."""
        return int(self._searcher.num_docs) - 1

    @cached_property
    def _figures(self) -> _TantivyFigures:
        """Read from how tantivy explains the score of the mark: nothing else of its interface tells."""
        means, documents = {}, 0
        with _tantivy_errors(self._directory):
            for field in FIELDS:
                query = tantivy.Query.term_query(self._schema, field, _MARK, index_option="freq")
                told = dict(_explained(json.loads(query.explain(self._searcher, self._mark).to_json())))
                means[field], documents = told["avgdl"], int(told["N"])
            marks = self._searcher.doc_freq("file", _GENERATION_MARK)
            return _TantivyFigures(documents, means, exact=documents - marks == self._searcher.num_docs - 1)

    def holding(self, asked: Sequence[str]) -> dict[tuple[str, str], int]:
        """Return how many chunks hold a term in a field, by (field, term)."""
        keys = [(field, term) for field in FIELDS for term in asked]
        exact = self._figures.exact
        with _tantivy_errors(self._directory):
            found = {key: self._searcher.doc_freq(*key) for key in keys}
            return found if exact else {key: self._count(*key) if count else 0 for key, count in found.items()}

    def _count(self, field: str, term: str) -> int:
        query = tantivy.Query.term_query(self._schema, field, term, index_option="basic")
        return int(self._searcher.search(query, limit=1, count=True).count or 0)  # type: ignore[attr-defined]

    def _term_queries(self, weights: BM25, term: str) -> Iterator[tuple[tantivy.Occur, tantivy.Query]]:
        for field in FIELDS:
            if known := self._searcher.doc_freq(field, term):
                own = inverse_document_frequency(self._figures.documents, known)
                query = tantivy.Query.term_query(self._schema, field, term, index_option="freq")
                boost = FIELD_WEIGHTS[field] * weights.rarity[field, term] / own
                yield tantivy.Occur.Should, tantivy.Query.boost_query(query, boost)

    def _filter_query(self, field: str, values: Iterable[str | int]) -> tantivy.Query:
        if field == "chunk":  # a set of terms goes over the dictionary, of which numbers share no beginnings
            terms = (tantivy.Query.term_query(self._schema, field, value, index_option="basic") for value in values)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])
        else:
            query = tantivy.Query.term_set_query(self._schema, field, list(values))
        return tantivy.Query.const_score_query(query, 0.0)

    def search(self, weights: BM25, limit: int, *, among: Among = EVERYTHING) -> NamedChunks:
        """Name the chunks that score best by words; the scores are tantivy's, `rest` is of exact ones.

        Args:
            weights: What the terms of the question are worth.
            limit: The most chunks that are named.
            among: Which chunks may be found.
        """
        if not weights.terms:
            return NOTHING_NAMED
        figures = self._figures
        with _tantivy_errors(self._directory):
            asked = [query for term in weights.terms for query in self._term_queries(weights, term)]
        found = self._best(asked, limit, among)
        # The longer a field is on average, the less is taken off the score of a long chunk.
        above = max(1.0, *(weights.mean_length(field) / figures.mean_lengths[field] for field in FIELDS))
        return _named(found, limit, lambda score: score * above * (1 + _ROUNDING))

    def search_neighbours(
        self, pairs: Mapping[tuple[str, str], float], limit: int, *, among: Among = EVERYTHING
    ) -> NamedChunks:
        """Name the chunks in whose text pairs of words follow each other, by the sum of what these weigh.

        Args:
            pairs: What each pair weighs, all together 1; pairs as ``codesearch.words.neighbours`` gives them.
            limit: The most chunks that are named.
            among: Which chunks may be found.
        """
        asked = [(tantivy.Occur.Should, self._pair_query(pair, weight)) for pair, weight in pairs.items()]
        return _named(self._best(asked, limit, among), limit, lambda score: score + _ROUNDING)

    def _pair_query(self, pair: tuple[str, str], score: float) -> tantivy.Query:
        with _tantivy_errors(self._directory):
            return tantivy.Query.const_score_query(tantivy.Query.phrase_query(self._schema, "text", list(pair)), score)

    def held_in_text(
        self, ids: Sequence[int], asked: Sequence[str], pairs: Sequence[tuple[str, str]]
    ) -> NDArray[np.bool_]:
        """Return which of some chunks hold terms, and pairs of neighbours, in their text.

        Args:
            ids: Of n chunks.
            asked: Terms.
            pairs: Pairs of words.

        Returns:
            For each term, and then for each pair, which chunks hold it, of shape [terms + pairs, n].
        """
        held = np.zeros((len(asked) + len(pairs), len(ids)), np.bool_)
        column = {chunk_id: number for number, chunk_id in enumerate(ids)}
        for start in range(0, len(held), _BITS):
            stop = start + _BITS
            queries = [self._text_query(term, n) for n, term in enumerate(asked[start:stop])]
            begin = len(queries)
            first = max(0, start - len(asked))
            queries += [
                (tantivy.Occur.Should, self._pair_query(pair, float(1 << n)))
                for n, pair in enumerate(pairs[first : first + _BITS - begin], begin)
            ]
            found = self._best(queries, len(ids), Among(chunks=ids))
            bits = np.array([int(score) for _, score in found], np.int64)
            columns = [column[chunk_id] for chunk_id, _ in found]
            for n in range(len(queries)):
                held[start + n, columns] = bits >> n & 1
        return held

    def _text_query(self, term: str, bit: int) -> tuple[tantivy.Occur, tantivy.Query]:
        with _tantivy_errors(self._directory):
            query = tantivy.Query.term_query(self._schema, "text", term, index_option="basic")
            return tantivy.Occur.Should, tantivy.Query.const_score_query(query, float(1 << bit))

    def _best(
        self, asked: Sequence[tuple[tantivy.Occur, tantivy.Query]], limit: int, among: Among
    ) -> list[tuple[int, float]]:
        """Return (chunk id, score) of the best chunks that one of the queries finds, best first."""
        if not asked or among.nothing or limit < 1:
            return []
        filters = {"language": among.languages, "kind": among.kinds, "file": among.files, "chunk": among.chunks}
        with _tantivy_errors(self._directory):
            clauses = [(tantivy.Occur.Must, tantivy.Query.boolean_query(asked))]
            clauses += [
                (tantivy.Occur.Must, self._filter_query(field, values))
                for field, values in filters.items()
                if values is not None
            ]
            if among.not_files:
                clauses.append((tantivy.Occur.MustNot, self._filter_query("file", among.not_files)))
            query = tantivy.Query.boolean_query(clauses)
            hits = self._searcher.search(query, limit=limit, count=False).hits
            ids = self._searcher.fast_field_values("chunk", [address for _, address in hits])
        return [(int(i or 0), float(score or 0.0)) for i, (score, _) in zip(ids, hits, strict=True)]


def _named(found: Sequence[tuple[int, float]], limit: int, most: Callable[[float], float]) -> NamedChunks:
    """Return what a search found, given the most that can be scored where tantivy's score is so much."""
    rest = most(found[-1][1]) if len(found) == limit else -inf
    return NamedChunks([chunk_id for chunk_id, _ in found], [score for _, score in found], rest)


def _explained(explanation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the figures in an explanation of a score, each by the symbol that its description begins with."""
    yield explanation["description"].partition(",")[0], explanation["value"]
    for detail in explanation.get("details", ()):
        yield from _explained(detail)
