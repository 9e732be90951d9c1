"""An index with unsaved documents laid over it, so that what was typed is found as if it were saved.

The chunks of each document take the place of those that the index has of the file. Terms, lengths and statistics come
from the functions that the index uses, and vectors are rounded as stored ones are. So the answer is the one that is
given once the document is saved and the index updated, scores included: to the last digit where an encoder makes the
same vector of a text whatever else it encodes at the time. The shipped encoder computes with 8 bits and takes its
scales from a whole batch, which may change the fourth digit of a cosine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.text import document_text
from codesearch.index.analysis import ChunkTerms, FileTerms
from codesearch.index.bm25 import BM25, FIELDS, NO_STATISTICS, Statistics
from codesearch.index.dense import cosines, pack, unpack
from codesearch.index.evidence import ChunkHead, Evidence, NamedChunks
from codesearch.index.left_out import LeftOut
from codesearch.index.lexical import Among
from codesearch.index.schema import Manifest
from codesearch.index.snapshot import Snapshot
from codesearch.index.test_code import find_tests
from codesearch.index.vector_cache import text_key
from codesearch.records import Chunk, SkippedFile, SkipReason

__all__ = ["Document", "Overlay"]

_BY_NAME: Final = frozenset(
    {
        SkipReason.EXCLUDED,
        SkipReason.NOT_INCLUDED,
        SkipReason.SUBMODULE,
        SkipReason.NESTED_REPOSITORY,
        SkipReason.SYMLINK,
        SkipReason.SPECIAL,
    }
)
"""Why a file is left out whatever it holds."""

_FIRST_FILE: Final = -2
"""The id of the first document, the next one being below it; -1 is taken (``codesearch.index.lexical``)."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it stands.

    Attributes:
        path: Relative to the repository.
        chunks: Of its text, as ``codesearch.index.extraction_workers.extract_text`` returns them; none where the
            index would leave it out, or where its file is gone.
        vectors: By the text that is encoded, of shape [dimension]; what is missing is found by words only.
        counts: Of each chunk, how often each term occurs in each field.
        pairs: Of each chunk, the neighbouring words in its text.
        substance: Of each chunk, how many words of its code do something.
        tests: Of each chunk, whether what is in it says that it is a test.
        length: How many terms the texts of the chunks hold.
        packed: How often each of these occurs, as the index keeps it.
    """

    path: str
    chunks: tuple[Chunk, ...]
    vectors: dict[str, Vector] = field(default_factory=dict)
    counts: tuple[tuple[Counter[str], ...], ...] = ()
    pairs: tuple[frozenset[tuple[str, str]], ...] = ()
    substance: tuple[int, ...] = ()
    tests: tuple[bool, ...] = ()
    length: int = 0
    packed: bytes = b""

    @classmethod
    def of(cls, path: str, chunks: Iterable[Chunk]) -> Document:
        """Return the document of some chunks, its words counted."""
        chunks = tuple(chunks)
        found = [ChunkTerms.of(chunk) for chunk in chunks]
        pairs = tuple(frozenset(pairwise(terms.text)) for terms in found)
        whole = FileTerms()
        for terms in found:
            whole.add(terms)
        counts, substance = tuple(terms.counts for terms in found), tuple(terms.substance for terms in found)
        return cls(path, chunks, {}, counts, pairs, substance, tuple(find_tests(chunks)), whole.length, whole.pack())


@dataclass(frozen=True, slots=True)
class _OpenChunk:
    """A chunk of a document.

    Attributes:
        id: Below 0; those of a document ascend as they stand in it.
        file: Id of the document, below -1.
        chunk: The chunk.
        counts: How often each term occurs in each field.
        pairs: The neighbouring words in its text.
        text: What stands for the text that is encoded (see :class:`codesearch.index.evidence.Evidence`).
        vector: Of that text, rounded as stored vectors are; None where the index has it, or nobody.
        substance: How many words of its code do something.
        test: Whether what is in it says that it is a test.
    """

    id: int
    file: int
    chunk: Chunk
    counts: Sequence[Counter[str]]
    pairs: frozenset[tuple[str, str]]
    text: int
    vector: Vector | None
    substance: int
    test: bool


class Overlay:
    """A snapshot with documents laid over it; it is open for as long as the snapshot is.

    Args:
        base: Whose files the documents are of.
        documents: By path. One that the index leaves out because of its name is left out here as well.

    Raises:
        IndexUnusable: By every method: the index is damaged.
    """

    def __init__(self, base: Snapshot, documents: Mapping[str, Document]) -> None:
        self._base = base
        known = base.file_ids(list(documents))
        left_out = _Names(base.skipped() if len(known) < len(documents) else ())
        self._documents = {
            path: document for path, document in documents.items() if path in known or not left_out.hold(path)
        }
        self._known = frozenset(known)
        self._hidden = frozenset(known.values())

    @property
    def manifest(self) -> Manifest:
        """What the index says about itself."""
        return self._base.manifest

    @property
    def root(self) -> Path:
        """Absolute path of the repository."""
        return self._base.root

    @property
    def has_words(self) -> bool:
        """Whether there is an index of words."""
        return self._base.has_words

    @cached_property
    def _hidden_chunks(self) -> frozenset[int]:
        return frozenset(self._base.chunk_ids(self._hidden))

    @cached_property
    def _open(self) -> dict[int, _OpenChunk]:
        """The chunks of the documents, by id."""
        chunks = [chunk for document in self._documents.values() for chunk in document.chunks]
        keys = {text: text_key(text) for text in map(document_text, chunks)}
        texts = self._base.texts_of(set(keys.values()))
        fresh = {key: -1 - number for number, key in enumerate(dict.fromkeys(keys.values())) if key not in texts}
        found: dict[int, _OpenChunk] = {}
        for number, document in enumerate(self._documents.values()):
            counted = zip(document.counts, document.pairs, document.substance, document.tests, strict=True)
            for chunk, (counts, pairs, substance, test) in zip(document.chunks, counted, strict=True):
                text = document_text(chunk)
                vector = document.vectors.get(text)
                rounded = None if vector is None else unpack([pack(vector)], len(vector))[0]
                at, key = len(found) - len(chunks), keys[text]
                file = _FIRST_FILE - number
                number_of_text = texts.get(key, fresh.get(key, 0))
                found[at] = _OpenChunk(at, file, chunk, counts, pairs, number_of_text, rounded, substance, test)
        return found

    @property
    def chunk_count(self) -> int:
        """How many chunks there are."""
        return self._base.chunk_count - len(self._hidden_chunks) + len(self._open)

    @property
    def pending_count(self) -> int:
        """How many texts are still to be encoded, those that a document has hidden included."""
        waiting = {chunk.text for chunk in self._open.values() if chunk.text < 0 and chunk.vector is None}
        return self._base.pending_count + len(waiting)

    @property
    def vector_count(self) -> int:
        """How many texts are encoded, those that a document has hidden included."""
        encoded = {chunk.text for chunk in self._open.values() if chunk.text < 0 and chunk.vector is not None}
        return self._base.vector_count + len(encoded)

    def files(self) -> list[tuple[int, str]]:
        """Return the id and the path of each file, documents among them."""
        below = [(file_id, path) for file_id, path in self._base.files() if file_id not in self._hidden]
        return below + [(_FIRST_FILE - number, path) for number, path in enumerate(self._documents)]

    def count_files(self, matches: Callable[[str], bool]) -> tuple[int, int]:
        """Return of how many files a path matches, and how many files there are."""
        matching, total = self._base.count_files(matches)
        hidden = [path for path in self._documents if path in self._known]
        shown = [path for path, document in self._documents.items() if document.chunks]
        matching += sum(map(matches, shown)) - sum(map(matches, hidden))
        return matching, total + len(shown) - len(hidden)

    def skipped(self) -> list[SkippedFile]:
        """Return the files that were left out when the index was updated."""
        return self._base.skipped()

    @property
    def left_out(self) -> LeftOut:
        """How much text is left out: as when the index was updated, but for documents that hold nothing any more."""
        found = self._base.left_out
        held = sum(bool(document.chunks) for document in self._documents.values())
        return replace(found, files=found.files - len(self._known) + held)

    # --- what a search asks -----------------------------------------------------------------------------------

    def statistics(self, terms: Sequence[str]) -> Statistics:
        """Return what BM25 has to know of all chunks."""
        counts = [chunk.counts for chunk in self._open.values()]
        tokens = {field: sum(row[number].total() for row in counts) for number, field in enumerate(FIELDS)}
        holding = {
            (field, term): sum(term in row[number] for row in counts)
            for number, field in enumerate(FIELDS)
            for term in terms
        }
        hidden = self._base.statistics(terms, self._hidden) if self._hidden else NO_STATISTICS
        return self._base.statistics(terms) - hidden + self._own_statistics(tokens, holding)

    def _own_statistics(self, tokens: Mapping[str, int], holding: Mapping[tuple[str, str], int]) -> Statistics:
        lengths = [document.length for document in self._documents.values() if document.chunks]
        return Statistics(len(self._open), tokens, holding, len(lengths), sum(lengths))

    def best_by_words(self, weights: BM25, limit: int, among: Among) -> NamedChunks:
        """Name the chunks that score best by their words, and all of documents."""
        below = self._base.best_by_words(weights, limit, self._below(among))
        own = [chunk.id for chunk in self._above(among)]
        return NamedChunks([*below.ids, *own], [*below.scores, *(0.0 for _ in own)], below.rest)

    def named(self, names: Collection[str], limit: int, among: Among) -> list[int]:
        """Return the chunks that have one of some bare names; none where there are more than `limit` of a name."""
        found: list[int] = []
        above = self._above(among)
        for name in names:
            own = [one.id for one in above if one.chunk.name == name and name]
            ids = [*self._base.named([name], limit, self._below(among)), *own]
            found += ids if len(ids) <= limit else ()
        return found

    def best_by_quotation(self, pairs: Mapping[tuple[str, str], float], limit: int, among: Among) -> NamedChunks:
        """Name the chunks that hold most of some pairs of neighbouring words, by what each pair weighs."""
        below = self._base.best_by_quotation(pairs, limit, self._below(among))
        own = [(c.id, sum(share for pair, share in pairs.items() if pair in c.pairs)) for c in self._above(among)]
        merged = [*zip(below.ids, below.scores, strict=True), *((i, share) for i, share in own if share)]
        merged = sorted(merged, key=lambda entry: -entry[1])
        rest = max([below.rest, *(score for _, score in merged[limit:])])
        return NamedChunks([i for i, _ in merged[:limit]], [score for _, score in merged[:limit]], rest)

    def best_by_meaning(self, query: Vector, limit: int, among: Among) -> NamedChunks:
        """Name all chunks that have one of the `limit` vectors nearest to a question's, and all of documents."""
        # What is hidden is dropped afterwards: to filter it out, all chunks would have to be gone over.
        allowed = replace(self._below(among), not_files=None)
        below = self._base.best_by_meaning(query, limit + len(self._hidden_chunks), allowed)
        named = [(i, score) for i, score in zip(below.ids, below.scores, strict=True) if i not in self._hidden_chunks]
        named += [(chunk.id, 0.0) for chunk in self._above(among)]
        return NamedChunks([i for i, _ in named], [score for _, score in named], below.rest)

    def _below(self, among: Among) -> Among:
        """Return which chunks of the index may be found."""
        files = None if among.files is None else [i for i in among.files if i >= 0]
        return replace(among, files=files, not_files=self._hidden)

    def _above(self, among: Among) -> list[_OpenChunk]:
        """Return the chunks of documents that may be found."""
        files = None if among.files is None else set(among.files)
        return [
            one
            for one in self._open.values()
            if (among.languages is None or one.chunk.language in among.languages)
            and (among.kinds is None or one.chunk.kind.value in among.kinds)
            and (files is None or one.file in files)
        ]

    def evidence(
        self,
        ids: Sequence[int],
        terms: Sequence[str],
        pairs: Sequence[tuple[str, str]] = (),
        query: Vector | None = None,
    ) -> Evidence:
        """Return what is known of chunks with regard to a question."""
        below = self._base.evidence([i for i in ids if i >= 0 and i not in self._hidden_chunks], terms, pairs, query)
        own = [self._open[i] for i in ids if i in self._open]
        found = Evidence.blank([_head(one) for one in own], len(terms), len(pairs))
        for column, one in enumerate(own):
            found.texts[column] = one.text
            found.lengths[:, column] = [count.total() for count in one.counts]
            found.counts[:, :, column] = [[count[term] for term in terms] for count in one.counts]
            found.quotes[:, column] = [pair in one.pairs for pair in pairs]
            found.substance[column], found.tests[column] = one.substance, one.test
            found.file_lengths[column] = self._documents[one.chunk.path].length
        if own and terms:
            packed = [self._documents[one.chunk.path].packed for one in own]
            found.file_counts[:] = FileTerms.unpack(packed, terms)
        if query is not None:
            self._compare(found, own, query)
        return below + found

    def _compare(self, found: Evidence, own: Sequence[_OpenChunk], query: Vector) -> None:
        if self._base.dense is not None:
            found.cosines[:] = self._base.dense.cosines(query, found.texts)
        for column, one in enumerate(own):
            if one.vector is not None and np.isnan(found.cosines[column]):
                found.cosines[column] = cosines(one.vector[np.newaxis], query)[0]

    # --- chunks -----------------------------------------------------------------------------------------------

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """Return chunks by id; an id that does not exist is left out."""
        ids = list(ids)
        below = self._base.chunks([i for i in ids if i >= 0 and i not in self._hidden_chunks])
        return below | {i: self._open[i].chunk for i in ids if i in self._open}

    def chunks_of(self, path: str) -> dict[int, Chunk]:
        """Return the chunks of a file by id, as it stands, in document order."""
        if path not in self._documents:
            return self._base.chunks_of(path)
        return {one.id: one.chunk for one in self._open.values() if one.chunk.path == path}

    def vector_of(self, chunk_id: int) -> Vector | None:
        """Return the vector of a chunk, of shape [dimension], None while its text is still to be encoded."""
        if chunk_id >= 0:
            return self._base.vector_of(chunk_id)
        one = self._open[chunk_id]
        stored = self._base.stored_vector(one.text)
        return one.vector if stored is None else stored


class _Names:
    """The files and folders that an index leaves out because of their names."""

    def __init__(self, skipped: Iterable[SkippedFile]) -> None:
        self._paths = {file.path.rstrip("/") for file in skipped if file.reason in _BY_NAME}

    def hold(self, path: str) -> bool:
        """Whether a path is one of them, or lies below one."""
        parts = path.split("/")
        return any("/".join(parts[: n + 1]) in self._paths for n in range(len(parts)))


def _head(one: _OpenChunk) -> ChunkHead:
    chunk = one.chunk
    return ChunkHead(
        one.id,
        chunk.path,
        chunk.language,
        chunk.kind,
        chunk.name,
        chunk.qualified_name,
        chunk.signature,
        chunk.documentation,
        chunk.span.start,
        chunk.span.end,
        chunk.part,
    )
