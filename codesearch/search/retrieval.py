"""The searches of one or several snapshots for one thing that is asked: a short question, or a part of a long one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders import Encoder
from codesearch.index.bm25 import BM25, NO_STATISTICS
from codesearch.search.candidates import QUOTING, Candidate, Filters, Searchable, find_in, look_at
from codesearch.search.ranking.path_roles import in_test_folder
from codesearch.search.ranking.question import CandidateSet, Question

__all__ = ["Retrieval", "Wanted"]

Vector = NDArray[np.float32]

_ABOUT_TESTS: Final = 0.8
"""Share of its files."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, and what its words are worth in all snapshots together.

    Attributes:
        question: Its words and names.
        vector: Of shape [dimension]; None to search by words only.
        weights: What its terms are worth.
        frequency: In how many chunks each term occurs.
        pairs: Share of the question that each of its pairs of neighbouring words is.
    """

    question: Question
    vector: Vector | None
    weights: BM25
    frequency: Mapping[str, int]
    pairs: Mapping[tuple[str, str], float]


class Retrieval:
    """What is searched, and how deep.

    Args:
        snapshots: What is searched.
        encoder: Of the model of the question's vector; None to search by words only.
        filters: Which chunks may be found, one for each snapshot.
        depth: How many chunks each of the two searches names, of all snapshots together.
    """

    def __init__(
        self, snapshots: Sequence[Searchable], encoder: Encoder | None, filters: Sequence[Filters], depth: int
    ) -> None:
        self.snapshots, self.encoder, self.filters, self.depth = snapshots, encoder, filters, depth
        self.documents = sum(snapshot.chunk_count for snapshot in snapshots)

    def wanted(self, question: Question, vector: Vector | None, emphasis: Mapping[str, float] | None = None) -> Wanted:
        """Return what a question wants, given its vector and what its terms weigh beside their rarity."""
        # As if all were one index: left to weigh a term by how rare it is in each, a repository that mentions a socket
        # once would win over the one that is about sockets.
        statistics = sum((s.statistics(question.terms) for s in self.snapshots), NO_STATISTICS)
        frequency = {term: statistics.frequency(term) for term in question.terms}
        pairs = question.shares_of_pairs(frequency, self.documents)
        return Wanted(question, vector, BM25(statistics, question.terms, emphasis), frequency, pairs)

    def find(self, wanted: Wanted, at: Sequence[Collection[int]]) -> list[tuple[int, Candidate]]:
        """Return what the searches name for a question, and chunks that are named by their place.

        Args:
            wanted: What is asked for.
            at: Ids of chunks that are returned whatever the searches find, for each snapshot.
        """
        candidates: list[tuple[int, Candidate]] = []
        for source, (snapshot, allowed) in enumerate(zip(self.snapshots, self.filters, strict=True)):
            named = find_in(
                snapshot,
                wanted.question.terms,
                self._vector(wanted, snapshot),
                self.depth,
                allowed,
                weights=wanted.weights,
                pairs=wanted.pairs,
                asked=at[source],
                names=wanted.question.names,
            )
            candidates += [(source, candidate) for candidate in named]
        if len(self.snapshots) > 1:
            candidates = _best_of_all(candidates, self.depth, at, frozenset(wanted.question.names))
        return candidates

    def look_at(self, wanted: Wanted, ids: Sequence[Collection[int]]) -> list[tuple[int, Candidate]]:
        """Return chunks with the scores that they have for a question.

        Args:
            wanted: What is asked for.
            ids: Of the chunks, for each snapshot.
        """
        found: list[tuple[int, Candidate]] = []
        for source, snapshot in enumerate(self.snapshots):
            if ids[source]:
                query = self._vector(wanted, snapshot)
                seen = look_at(snapshot, set(ids[source]), query, weights=wanted.weights, pairs=wanted.pairs)
                found += [(source, candidate) for candidate in seen]
        return found

    def within(self, allowed: Sequence[Callable[[str], bool]], depth: int) -> Retrieval:
        """Return the same for fewer files: those whose path each snapshot's function lets through."""
        filters = [_both(one, also) for one, also in zip(self.filters, allowed, strict=True)]
        return Retrieval(self.snapshots, self.encoder, filters, depth)

    def _vector(self, wanted: Wanted, snapshot: Searchable) -> Vector | None:
        fits = self.encoder is not None and snapshot.manifest.model_id == self.encoder.model_id
        return wanted.vector if fits else None

    def candidate_set(
        self, wanted: Wanted, candidates: Sequence[tuple[int, Candidate]], at: Sequence[Collection[int]]
    ) -> CandidateSet:
        """Return candidates of a question for ranking, some of which are at a place that was asked for."""
        at_place = frozenset((source, chunk_id) for source, held in enumerate(at) for chunk_id in held)
        about_tests = frozenset(source for source, one in enumerate(self.snapshots) if _is_about_tests(one))
        return CandidateSet(wanted.question, candidates, wanted.frequency, self.documents, at_place, about_tests)


def _is_about_tests(snapshot: Searchable) -> bool:
    """Whether nearly all of a repository lies in folders of tests: then it is a framework for them, or tests alone."""
    tests, files = snapshot.count_files(in_test_folder)
    return tests > _ABOUT_TESTS * files


def _both(filters: Filters, allowed: Callable[[str], bool]) -> Filters:
    before = filters.path
    return replace(filters, path=lambda path: allowed(path) and (before is None or before(path)))


def _best_of_all(
    candidates: list[tuple[int, Candidate]], depth: int, places: Sequence[Collection[int]], names: frozenset[str]
) -> list[tuple[int, Candidate]]:
    """Return what the searches would have named, had all snapshots been one."""
    by_words = sorted(candidates, key=lambda entry: -entry[1].lexical)[:depth]
    by_meaning = sorted(candidates, key=lambda entry: 2.0 if entry[1].dense is None else -entry[1].dense)
    best = {(source, candidate.id) for source, candidate in by_words if candidate.lexical}
    best |= {(source, candidate.id) for source, candidate in by_meaning[:depth] if candidate.dense is not None}
    by_quotation = sorted(candidates, key=lambda entry: -entry[1].quoted)[:QUOTING]
    best |= {(source, candidate.id) for source, candidate in by_quotation if candidate.quoted}
    return [
        (source, candidate)
        for source, candidate in candidates
        if (source, candidate.id) in best or candidate.id in places[source] or candidate.name in names
    ]
