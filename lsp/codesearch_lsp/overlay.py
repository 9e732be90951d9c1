"""An index with open documents laid over it, so that what was typed and not saved is found as it stands.

The chunks of each document take the place of those that the index has of the file. Their score by words is BM25
with the statistics of the index, and their vectors are compared like all others, so ranking sees no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.text import document_text
from codesearch.index.lexical import FIELD_WEIGHTS, Rarity
from codesearch.index.snapshot import Snapshot
from codesearch.records import Chunk
from codesearch.search.candidates import Candidate, Filters
from codesearch.words import terms, terms_in_a_row

__all__ = ["Document", "Overlaid"]

_K1, _B = 1.2, 0.75
"""Tantivy's."""

_MEAN_TERMS: Final[Mapping[str, float]] = {"symbol": 4.0, "path": 7.0, "text": 60.0}
"""About how many terms a field of a chunk holds. A guess: it scales the scores of unsaved chunks, not their order."""

_MOST_HIDDEN: Final = 200
"""Candidates asked for beyond the limit, because some may be of files that a document hides."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Document:
    """An open document as it stands.

    Attributes:
        path: Relative to the repository.
        chunks: Of its text.
        vectors: By the text that is encoded, of shape [dimension]; what is missing is found by words only.
        words: Of each chunk, by field, with their counts.
        pairs: Of each chunk, the neighbouring words in its text.
    """

    path: str
    chunks: tuple[Chunk, ...]
    vectors: dict[str, Vector] = field(default_factory=dict)
    words: tuple[Mapping[str, Counter[str]], ...] = ()
    pairs: tuple[frozenset[tuple[str, str]], ...] = ()

    @classmethod
    def of(cls, path: str, chunks: Iterable[Chunk]) -> Document:
        """Return the document of some chunks, its words counted."""
        chunks = tuple(chunks)
        pairs = tuple(frozenset(pairwise(terms_in_a_row(chunk.text))) for chunk in chunks)
        return cls(path, chunks, {}, tuple(_count(chunk) for chunk in chunks), pairs)


def _count(chunk: Chunk) -> Mapping[str, Counter[str]]:
    return {
        "symbol": Counter(terms(chunk.qualified_name)),
        "path": Counter(terms(chunk.path)),
        "text": Counter(terms(chunk.text)),
    }


class Overlaid(Snapshot):
    """A snapshot with documents laid over it; it is open for as long as the snapshot is.

    Args:
        base: Whose files the documents are of.
        documents: By path.
    """

    def __init__(self, base: Snapshot, documents: Mapping[str, Document]) -> None:
        # Shares everything with the base, the vectors that it has loaded included.
        self.__dict__.update(base.__dict__)
        self._documents = documents
        self._open = [(document, number) for document in documents.values() for number in range(len(document.chunks))]

    def candidates(
        self,
        terms: Sequence[str],
        query: Vector | None,
        limit: int,
        filters: Filters,
        rarity: Rarity | None = None,
        pairs: Mapping[tuple[str, str], float] | None = None,
    ) -> list[Candidate]:
        """Return the best chunks by words, by meaning and by quotation, as the base does."""
        below = super().candidates(terms, query, limit + min(_MOST_HIDDEN, len(self._open)), filters, rarity, pairs)
        found = [candidate for candidate in below if candidate.path not in self._documents]
        weights = self._weights(terms, rarity)
        for position, (document, number) in enumerate(self._open):
            chunk = document.chunks[number]
            if _lets_through(filters, chunk):
                vector = document.vectors.get(document_text(chunk)) if query is not None else None
                words = _bm25(document.words[number], weights)
                quoted = sum(share for pair, share in (pairs or {}).items() if pair in document.pairs[number])
                if words or vector is not None:
                    found.append(_candidate(-1 - position, chunk, words, vector, query, quoted))
        return found

    def document_frequency(self, term: str) -> int:
        """Return in how many chunks a term occurs, those of the documents added to those on disk."""
        own = sum(any(counts[term] for counts in document.words[n].values()) for document, n in self._open)
        return super().document_frequency(term) + own

    def _weights(self, terms: Sequence[str], rarity: Rarity | None) -> dict[str, float]:
        """Return the inverse document frequency of terms, in the index if nothing else is given."""
        if rarity is not None:
            return {term: min(rarity.weight(field, term) for field in ("text", "symbol")) for term in terms}
        if self.lexical is None:
            return dict.fromkeys(terms, 1.0)
        total = self.chunk_count
        counts = {term: min(self.lexical.document_frequency(term), total) for term in terms}
        return {term: log(1 + (total - count + 0.5) / (count + 0.5)) for term, count in counts.items()}

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """Return chunks by id, those of documents having negative ones."""
        ids = list(ids)
        found = super().chunks([i for i in ids if i >= 0])
        for i in ids:
            if -len(self._open) <= i < 0:
                document, number = self._open[-1 - i]
                found[i] = document.chunks[number]
        return found

    def chunks_of(self, path: str) -> dict[int, Chunk]:
        """Return the chunks of a file as it stands."""
        if path not in self._documents:
            return super().chunks_of(path)
        return {
            -1 - position: document.chunks[number]
            for position, (document, number) in enumerate(self._open)
            if document.path == path
        }

    def vector_of(self, chunk_id: int) -> Vector | None:
        """Return the vector of a chunk, None while it is still to be made."""
        if chunk_id >= 0:
            return super().vector_of(chunk_id)
        document, number = self._open[-1 - chunk_id]
        return document.vectors.get(document_text(document.chunks[number]))


def _lets_through(filters: Filters, chunk: Chunk) -> bool:
    return (
        (not filters.languages or chunk.language in filters.languages)
        and (not filters.kinds or chunk.kind in filters.kinds)
        and (filters.path is None or filters.path(chunk.path))
    )


def _bm25(words: Mapping[str, Counter[str]], weights: Mapping[str, float]) -> float:
    score = 0.0
    for name, counts in words.items():
        norm = _K1 * (1 - _B + _B * counts.total() / _MEAN_TERMS[name])
        for term, weight in weights.items():
            if count := counts[term]:
                score += FIELD_WEIGHTS[name] * weight * (_K1 + 1) * count / (count + norm)
    return score


def _candidate(
    chunk_id: int, chunk: Chunk, words: float, vector: Vector | None, query: Vector | None, quoted: float
) -> Candidate:
    return Candidate(
        id=chunk_id,
        path=chunk.path,
        language=chunk.language,
        kind=chunk.kind,
        name=chunk.name,
        qualified_name=chunk.qualified_name,
        signature=chunk.signature,
        documentation=chunk.documentation,
        first_line=chunk.span.start,
        last_line=chunk.span.end,
        part=chunk.part,
        lexical=words,
        dense=float(vector @ query) if vector is not None and query is not None else None,
        quoted=quoted,
    )
