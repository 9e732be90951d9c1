"""What three searches of an index name for a question: the best by words, the best by meaning, and what quotes it.

An index names chunks by scores that are nearly right and says how good the rest can be at most. What is named is then
scored exactly, and asked for deeper until nothing that was not named could be among the best. So the candidates depend
on what is indexed alone: not on the order in which it came there, nor on what was deleted since. Ties are decided by
path, and within a file by place.

Two bounds are left. Beyond 50,000 vectors graphs are searched, which may miss some (``codesearch.index.dense``); and of
chunks that score exactly alike across the cut, no more than `_DEEPEST` are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from codesearch.index.bm25 import BM25, Statistics
from codesearch.index.evidence import NOTHING_NAMED, Evidence, NamedChunks
from codesearch.index.left_out import LeftOut
from codesearch.index.lexical import Among
from codesearch.index.storage import Manifest
from codesearch.records import Chunk, Kind, SkippedFile

__all__ = ["QUOTING", "Candidate", "Filters", "Searchable", "find_in", "look_at"]

QUOTING: Final = 20
"""How many chunks are named because they quote the question: what it was pasted from is among the first."""

MOST_NAMESAKES: Final = 50
"""If more chunks than this have a name that is asked for, none of them is named for that: it tells too little."""

_SPARE: Final = 6
"""How many more chunks are asked for at first, so that the last of the best are told from what comes after them."""

_MOST_QUOTING: Final = 50
"""If more chunks than this quote a question equally well, none of them is named for that: it is no quotation."""

_SAME: Final = 1e-5
"""Shares of a question that differ by less are equal, and differ by how they were added up."""

_DEEPEST: Final = 4_096

_DEEPER: Final = 4
"""How many times as many are asked for where it is not certain which are the best."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which chunks may be found. A field left at its default lets everything through.

    Attributes:
        languages: Names of languages.
        kinds: Kinds of chunks.
        path: Takes a path relative to the repository's root and says whether it may be found.
        around: Of a folder that is searched for itself within a repository: the root of that repository, which the
            patterns of a question are relative to, and what leads from there to the folder, such as "vendor/".
    """

    languages: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    path: Callable[[str], bool] | None = None
    around: tuple[Path, str] | None = None


class Candidate(NamedTuple):
    """What ranking looks at: a chunk without its text, and what the two searches think of it.

    Attributes:
        lexical: BM25 score, 0.0 where no term occurs.
        dense: Cosine to the question, None where there is no vector yet or none was asked for.
        quoted: Share of the question's pairs of neighbouring words that are neighbours in its text, from 0 to 1.
        substance: How many words of its code do something (``codesearch.index.substance``).
        tests: Whether what is in it says that it is a test.
        file_lexical: BM25 score of its whole file by the text of that.
        held: Which terms of the question occur in its text, name or path: bit n stands for the n-th term.
    """

    id: int
    path: str
    language: str
    kind: Kind
    name: str
    qualified_name: str
    signature: str
    documentation: str
    first_line: int
    last_line: int
    part: int
    lexical: float = 0.0
    dense: float | None = None
    quoted: float = 0.0
    substance: int = 0
    tests: bool = False
    file_lexical: float = 0.0
    held: int = 0


class Searchable(Protocol):
    """A state of a repository that can be searched: an index (``codesearch.index.snapshot``), or one with unsaved
    documents laid over it (``codesearch.search.overlay``).
    """

    @property
    def manifest(self) -> Manifest:
        """What the index says about itself."""

    @property
    def root(self) -> Path:
        """Absolute path of the repository."""

    @property
    def has_words(self) -> bool:
        """Whether there is an index of words."""

    @property
    def chunk_count(self) -> int:
        """How many chunks there are."""

    @property
    def pending_count(self) -> int:
        """How many texts are still to be encoded."""

    @property
    def vector_count(self) -> int:
        """How many texts are encoded."""

    def files(self) -> Sequence[tuple[int, str]]:
        """Return the id and the path of each file."""

    def count_files(self, matches: Callable[[str], bool]) -> tuple[int, int]:
        """Return of how many files a path matches, and how many files there are."""

    def skipped(self) -> Sequence[SkippedFile]:
        """Return the files that were left out."""

    @property
    def left_out(self) -> LeftOut:
        """How much text was left out, by kind."""

    def statistics(self, terms: Sequence[str]) -> Statistics:
        """Return what BM25 has to know of all chunks; of none where there is no index of words."""

    def best_by_words(self, weights: BM25, limit: int, among: Among) -> NamedChunks:
        """Name the chunks that score best by their words."""

    def named(self, names: Collection[str], limit: int, among: Among) -> Sequence[int]:
        """Return the chunks that have one of some bare names; none where there are more than `limit` of a name."""

    def best_by_quotation(self, pairs: Mapping[tuple[str, str], float], limit: int, among: Among) -> NamedChunks:
        """Name the chunks that hold most of some pairs of neighbouring words, by what each pair weighs."""

    def best_by_meaning(self, query: Vector, limit: int, among: Among) -> NamedChunks:
        """Name all chunks that have one of the `limit` vectors nearest to a question's."""

    def evidence(
        self, ids: Sequence[int], terms: Sequence[str], pairs: Sequence[tuple[str, str]], query: Vector | None
    ) -> Evidence:
        """Return what is known of chunks with regard to a question."""

    def chunks(self, ids: Iterable[int]) -> Mapping[int, Chunk]:
        """Return chunks by id."""

    def chunks_of(self, path: str) -> Mapping[int, Chunk]:
        """Return the chunks of a file by id, in document order."""

    def vector_of(self, chunk_id: int) -> Vector | None:
        """Return the vector of a chunk, None while its text is still to be encoded."""


def find_in(
    state: Searchable,
    terms: Sequence[str],
    query: Vector | None,
    limit: int,
    filters: Filters,
    *,
    weights: BM25 | None = None,
    pairs: Mapping[tuple[str, str], float] | None = None,
    asked: Collection[int] = (),
    names: Collection[str] = (),
) -> list[Candidate]:
    """Return the best chunks by words, the best by meaning, and some that quote the question, with all scores.

    Args:
        state: What is searched.
        terms: Of the question, for BM25.
        query: Its unit vector of shape [dimension]; None to search by words only.
        limit: How many are taken by words, and how many texts by meaning, with every chunk that has one of them.
        filters: Which chunks may be found.
        weights: What the terms are worth; None for what they are worth in this state.
        pairs: Share of the question that each pair of its neighbouring words is.
        asked: Chunks that the question names by their place, and that are returned whatever the searches find.
        names: Bare names that the question holds: what they name is returned as well, unless it is too much.

    Returns:
        Candidates ordered by path, and within a file as in it.

    Raises:
        IndexUnusable: The index is damaged.
    """
    among = _among(state, filters)
    if among.nothing:
        return []
    weights = weights or BM25(state.statistics(terms), terms)
    asked = {*asked, *(state.named(names, MOST_NAMESAKES, among) if names else ())}
    return _Retrieval(state, weights, query, pairs or {}, limit, among, asked).candidates()


def look_at(
    state: Searchable,
    ids: Iterable[int],
    query: Vector | None,
    *,
    weights: BM25,
    pairs: Mapping[tuple[str, str], float],
) -> list[Candidate]:
    """Return chunks with all scores, without a search; ordered by path, and within a file as in it.

    Args:
        state: Which holds them.
        ids: Of the chunks, each once.
        query: The unit vector of what is asked, of shape [dimension]; None for words only.
        weights: What its terms are worth.
        pairs: Share of it that each pair of its neighbouring words is.

    Raises:
        IndexUnusable: The index is damaged.
    """
    found = state.evidence(sorted(ids), weights.terms, list(pairs), query)
    words = weights.scores(found.counts, found.lengths)
    files = weights.file_scores(found.file_counts, found.file_lengths)
    return _candidates(found, range(len(found.heads)), words, _share_quoted(found, pairs), files)


def _among(state: Searchable, filters: Filters) -> Among:
    kinds = {kind.value for kind in filters.kinds}
    files = None
    if filters.path is not None:
        files = [file_id for file_id, path in state.files() if filters.path(path)]
    return Among(filters.languages or None, kinds or None, files)


@dataclass(slots=True)
class _Search:
    """One of the searches.

    Attributes:
        name: Names the best so many.
        depth: How many it names.
        deepest: How many it may be asked for.
        named: What it named last.
    """

    name: Callable[[int], NamedChunks]
    depth: int
    deepest: int
    named: NamedChunks = NOTHING_NAMED

    def run(self) -> None:
        self.named = self.name(self.depth)

    def go_deeper(self, least: float) -> bool:
        """Ask for more, unless what was not named scores less than `least`; returns whether it was asked."""
        if self.named.rest < least or self.named.rest == -inf or self.depth >= self.deepest:
            return False
        self.depth = min(_DEEPER * self.depth, self.deepest)
        self.run()
        return True


class _Retrieval:
    """The searches of one state for one question."""

    def __init__(
        self,
        state: Searchable,
        weights: BM25,
        query: Vector | None,
        pairs: Mapping[tuple[str, str], float],
        limit: int,
        among: Among,
        asked: Collection[int],
    ) -> None:
        self._asked = frozenset(asked)
        self._state, self._weights, self._query, self._pairs, self._limit = state, weights, query, pairs, limit
        deepest = max(_DEEPEST, limit + _SPARE)
        self._words = _Search(lambda depth: state.best_by_words(weights, depth, among), limit + _SPARE, deepest)
        self._meaning = _Search(
            lambda depth: NOTHING_NAMED if query is None else state.best_by_meaning(query, depth, among),
            limit + _SPARE,
            deepest,
        )

        quoting = state.best_by_quotation(pairs, _MOST_QUOTING + 1, among) if pairs else NOTHING_NAMED
        self._quoting, self._no_quotation = _quotations(quoting)

    def candidates(self) -> list[Candidate]:
        self._words.run()
        self._meaning.run()
        while True:
            ids = sorted({*self._words.named.ids, *self._meaning.named.ids, *self._quoting, *self._asked})
            found = self._state.evidence(ids, self._weights.terms, list(self._pairs), self._query)
            words = self._weights.scores(found.counts, found.lengths)
            by_words, least = _best(words, self._limit)
            by_meaning, nearest = _nearest(found, self._limit)
            deeper = self._words.go_deeper(least), self._meaning.go_deeper(nearest)
            if not any(deeper):
                break
        quoted = _share_quoted(found, self._pairs)
        quoting = [row for row in _best(quoted, QUOTING)[0] if quoted[row] > self._no_quotation]
        asked = [row for row, head in enumerate(found.heads) if head.id in self._asked] if self._asked else []
        rows = sorted({*by_words, *quoting, *by_meaning, *asked})
        files = self._weights.file_scores(found.file_counts, found.file_lengths)
        return _candidates(found, rows, words, quoted, files)


def _share_quoted(found: Evidence, pairs: Mapping[tuple[str, str], float]) -> NDArray[np.float64]:
    quoted = np.zeros(len(found.heads))
    for held, share in zip(found.quotes, pairs.values(), strict=True):
        quoted += held * share
    return quoted


def _quotations(named: NamedChunks) -> tuple[Sequence[int], float]:
    """Return the chunks that may be among those that quote most, and the share that is too common to tell anything."""
    if len(named.ids) <= QUOTING:
        return named.ids, 0.0
    cut = named.scores[QUOTING - 1]
    too_many = len(named.ids) > _MOST_QUOTING and named.scores[-1] > cut - _SAME
    least = cut + _SAME if too_many else cut - _SAME
    return [i for i, score in zip(named.ids, named.scores, strict=True) if score > least], least if too_many else 0.0


def _best(scores: NDArray[np.float64], limit: int) -> tuple[Sequence[int], float]:
    """Return the rows of the best scores above 0, best first, and what a row must score to come before the last."""
    rows: list[int] = np.argsort(-scores, kind="stable")[:limit].tolist()
    rows = [row for row in rows if scores[row] > 0]
    return rows, float(scores[rows[-1]]) if len(rows) == limit else -inf


def _nearest(found: Evidence, limit: int) -> tuple[Sequence[int], float]:
    """Return the rows that have one of the nearest texts, and what a text must score to come before the last."""
    order = np.argsort(-found.cosines, kind="stable")
    order = order[~np.isnan(found.cosines[order])]
    texts = found.texts[order]
    _, first = np.unique(texts, return_index=True)  # where each text is met first
    nearest = np.sort(first)[:limit]
    chosen = set(texts[nearest].tolist())  # np.isin would import numpy.ma: 12 ms of a cold question
    rows = [row for row, text in zip(order.tolist(), texts.tolist(), strict=True) if text in chosen]
    return rows, float(found.cosines[order[nearest[-1]]]) if len(nearest) == limit else -inf


def _candidates(
    found: Evidence,
    rows: Iterable[int],
    words: NDArray[np.float64],
    quoted: NDArray[np.float64],
    files: NDArray[np.float64],
) -> list[Candidate]:
    told = (words, found.cosines, quoted, found.substance, found.tests, files)
    scores = zip(*(values.tolist() for values in told), _held(found.counts), strict=True)
    scored = list(zip(found.heads, scores, strict=True))
    candidates = []
    for head, (lexical, cosine, share, *facts) in (scored[row] for row in rows):
        dense = None if isnan(cosine) else cosine
        candidates.append(Candidate._make((*head, lexical, dense, share, *facts)))
    return candidates


def _held(counts: NDArray[np.int64]) -> list[int]:
    """Return which terms each chunk holds, a bit for each, of counts of shape [fields, terms, n]."""
    packed = np.packbits(counts.any(axis=0), axis=0, bitorder="little")
    width, bits = packed.shape[0], packed.T.tobytes()
    return [int.from_bytes(bits[n * width : (n + 1) * width], "little") for n in range(packed.shape[1])]
