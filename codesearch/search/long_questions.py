"""Long questions: an issue, a traceback, a long commit message. Their title and their body are both asked.

The title says what it is about in few words, and the body holds the evidence: so each is searched for by itself, every
candidate is scored for both, and ranking adds the two up (``codesearch.search.ranking.blending``). An encoder reads 64
word pieces at a time: it sees the title, and the most telling passages of the body. Of the body's words those are
searched for that tell most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.index.bm25 import NO_STATISTICS, inverse_document_frequency
from codesearch.search.candidates import Candidate
from codesearch.search.long_text import LongText
from codesearch.search.named_places import NamedPlaces, find_named_places, mentions_of, value_of_mention
from codesearch.search.ranking.question import CandidateSet, Question, parse_question
from codesearch.search.ranking.signals import beyond_chance
from codesearch.search.retrieval import Retrieval, Wanted
from codesearch.words import question_terms, terms

__all__ = ["find_for_long"]

_MOST_TERMS: Final = 64
"""Terms of the body that are searched for; no ordinary question has more."""
_MOST_LOOKED_AT: Final = 1_500
"""Distinct terms of which the most telling are chosen."""
_IN_CODE: Final = 0.4
_ASIDE: Final = 0.1
_OFTEN: Final = 0.3
"""What a term weighs in a block of code, or among versions and logs; and what it gains where it is repeated."""

_WINDOW_WORDS: Final = 42
"""About as many make 64 word pieces."""
_MOST_WINDOWS: Final = 4
_IN_NAMED_FILES: Final = 10
_MOST_CHUNKS: Final = 2_000


def find_for_long(retrieval: Retrieval, text: LongText, question: str) -> CandidateSet:
    """Return what the searches name for a long question, with what it says of single places.

    Args:
        retrieval: What is searched.
        text: The question, taken apart.
        question: As it was asked.
    """
    emphasis, unread = _emphasis(text)
    title = parse_question(text.title) if text.title else None
    body = _body_question(retrieval, text, emphasis, title)
    windows = _windows(retrieval, text, emphasis)
    title_vector, body_vector = _vectors(retrieval, title, body, windows)
    parts = [
        retrieval.wanted(one, vector, weights)
        for one, vector, weights in ((title, title_vector, None), (body, body_vector, emphasis))
        if one is not None and one.terms
    ]
    if not parts:
        parts = [retrieval.wanted(parse_question(question), title_vector)]
    places = [
        find_named_places(snapshot, text, allowed)
        for snapshot, allowed in zip(retrieval.snapshots, retrieval.filters, strict=True)
    ]
    mentions = mentions_of(text)
    quotations = [retrieval.wanted(parse_question(message), None) for message in text.messages]
    ids = _named_by_all(retrieval, parts, quotations, places, mentions)
    found = [retrieval.candidate_set(part, retrieval.look_at(part, ids), ()) for part in parts]
    evidence = _evidence(retrieval, found[0].candidates, ids, quotations, places, mentions)
    whole = found[1] if len(found) > 1 else None
    return replace(found[0], body=whole, evidence=evidence, unread=unread or text.unread)


# --- words --------------------------------------------------------------------------------------------------


def _emphasis(text: LongText) -> tuple[dict[str, float], bool]:
    """Return what the terms of a text weigh beside their rarity, in order, and whether there are still more."""
    weights: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for passages, weight in (
        ((*text.messages, *text.prose, *text.names), 1.0),
        (text.code, _IN_CODE),
        (text.asides, _ASIDE),
    ):
        for passage in passages:
            counts.update(terms(passage))
            for term in question_terms(passage, _MOST_LOOKED_AT + 1):
                weights[term] = max(weights.get(term, 0.0), weight)
    kept = list(weights.items())[:_MOST_LOOKED_AT]
    return {term: weight * (1 + _OFTEN * log(max(1, counts[term]))) for term, weight in kept}, len(weights) > len(kept)


def _telling(retrieval: Retrieval, emphasis: Mapping[str, float]) -> dict[str, float]:
    """Return how much each term tells that occurs anywhere: its rarity times its emphasis."""
    asked = list(emphasis)
    statistics = sum((s.statistics(asked) for s in retrieval.snapshots), NO_STATISTICS)
    known = {term: statistics.frequency(term) for term in asked}
    return {
        term: emphasis[term] * inverse_document_frequency(statistics.chunks, number)
        for term, number in known.items()
        if number
    }


def _body_question(
    retrieval: Retrieval, text: LongText, emphasis: Mapping[str, float], title: Question | None
) -> Question:
    """Return what the body asks: its most telling terms, in order."""
    telling = _telling(retrieval, emphasis) if len(emphasis) > _MOST_TERMS else emphasis
    best = set(sorted(telling, key=lambda term: -telling[term])[:_MOST_TERMS])
    found = tuple(term for term in emphasis if term in best)
    topics = title.topics if title else frozenset()
    if text.pasted:
        return replace(parse_question(text.prose[0]), terms=found, brevity=0.0, topics=frozenset())
    return Question("\n".join(text.prose), found, brevity=0.0, topics=topics)


# --- meaning ------------------------------------------------------------------------------------------------


def _windows(retrieval: Retrieval, text: LongText, emphasis: Mapping[str, float]) -> list[str]:
    """Return the passages of the body that an encoder is to see: those whose words tell most, in order."""
    if retrieval.encoder is None:
        return []
    words = [word for passage in (*text.prose, *text.messages[:1]) for word in passage.split()]
    words = words or [word for block in (*text.code, *text.asides) for word in block.split()]
    count = -(-len(words) // _WINDOW_WORDS)
    size = -(-len(words) // count) if count else 0
    windows = [" ".join(words[start : start + size]) for start in range(0, len(words), size or 1)]
    if len(windows) <= _MOST_WINDOWS:
        return windows
    telling = _telling(retrieval, emphasis)
    worth = [sum(sorted(telling.get(term, 0.0) for term in set(terms(window)))) for window in windows]
    best = sorted(range(len(windows)), key=lambda number: -worth[number])[:_MOST_WINDOWS]
    return [windows[number] for number in sorted(best)]


def _vectors(
    retrieval: Retrieval, title: Question | None, body: Question, windows: Sequence[str]
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Return the vector of the title, and the mean of those of the body's passages, each of shape [dimension].

    The cosine to a mean is the mean of the cosines, but for one factor.
    """
    asked = [title.text] if title is not None and title.terms else []
    if retrieval.encoder is None or not (asked or body.terms):
        return None, None
    vectors = retrieval.encoder.encode_queries([*asked, *windows])
    of_title = vectors[0] if asked else None
    passages = vectors[len(asked) :]
    if not len(passages):
        return of_title, of_title
    mean = passages.sum(axis=0, dtype=np.float64)
    length = float(np.sqrt((mean * mean).sum())) or 1.0
    of_body = (mean / length).astype(np.float32)
    return (of_body if of_title is None else of_title), of_body


# --- candidates ---------------------------------------------------------------------------------------------


def _named_by_all(
    retrieval: Retrieval,
    parts: Sequence[Wanted],
    quotations: Sequence[Wanted],
    places: Sequence[NamedPlaces],
    mentions: Mapping[str, tuple[str, float]],
) -> list[set[int]]:
    """Return the ids of what the searches for all parts name, for each snapshot."""
    ids: list[set[int]] = [set(place.chunks) for place in places]
    at = [sorted(held) for held in ids]
    with_names = replace(parts[-1], question=replace(parts[-1].question, names=tuple(mentions)))
    asked = [*parts[:-1], with_names]
    found = [candidate for part in asked for candidate in retrieval.find(part, at)]
    for quoted in quotations:
        if quoted.pairs:
            alone = replace(quoted, question=replace(quoted.question, terms=(), names=()))
            alone = replace(alone, weights=type(quoted.weights)(quoted.weights.statistics, ()))
            found += [entry for entry in retrieval.find(alone, [()] * len(ids)) if entry[1].quoted]
    if any(place.files for place in places):
        inside = retrieval.within([place.files.__contains__ for place in places], _IN_NAMED_FILES)
        nowhere: list[tuple[int, ...]] = [()] * len(ids)
        found += [candidate for part in parts for candidate in inside.find(part, nowhere)]
    for source, candidate in found:
        ids[source].add(candidate.id)
    return ids


def _evidence(
    retrieval: Retrieval,
    candidates: Sequence[tuple[int, Candidate]],
    ids: Sequence[set[int]],
    quotations: Sequence[Wanted],
    places: Sequence[NamedPlaces],
    mentions: Mapping[str, tuple[str, float]],
) -> dict[tuple[int, int], dict[str, float]]:
    """Return what the question says of single candidates, as signals by name."""
    namesakes = Counter(candidate.name for _, candidate in candidates)
    found: dict[tuple[int, int], dict[str, float]] = {}
    for source, candidate in candidates:
        said = {
            "place": places[source].chunks.get(candidate.id, 0.0),
            "named file": places[source].files.get(candidate.path, 0.0),
        }
        if candidate.name in mentions:
            said["mention"] = value_of_mention(candidate, mentions, namesakes[candidate.name])
        found[source, candidate.id] = {name: value for name, value in said.items() if value}
    for quoted in quotations:
        if not quoted.pairs:
            continue
        for source, candidate in retrieval.look_at(quoted, ids):
            if value := beyond_chance(candidate.quoted):
                said = found[source, candidate.id]
                said["phrase"] = max(said.get("phrase", 0.0), value)
    return found
