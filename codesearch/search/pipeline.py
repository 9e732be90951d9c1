"""The query pipeline, the one function that the command line, the editors, the agents and the web all call.

question -> terms, pairs of words and vector -> candidates from BM25, from nearest neighbours, from what quotes the
question, and from places that it names -> ranking -> matches.
It reads committed snapshots and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum

from codesearch.encoders import Encoder
from codesearch.errors import InputError
from codesearch.records import Chunk, Confidence, Level, Match
from codesearch.search.asked_places import find_asked_places
from codesearch.search.candidates import Filters, Searchable
from codesearch.search.declared import best_declarations, name_asked
from codesearch.search.notices import (
    NOT_ALL_READ,
    Answer,
    Notice,
    NoticeKind,
    nothing_fits,
    nothing_reaches,
    notices_of,
    why_empty,
)
from codesearch.search.question_filters import read_filters
from codesearch.search.ranking import (
    CandidateSet,
    Question,
    RankedCandidate,
    append_deeper,
    load_calibration,
    parse_question,
    rank,
)
from codesearch.search.retrieval import Retrieval, Wanted
from codesearch.words import TermFinder, replace_surrogates

__all__ = ["CANDIDATES", "find_candidates", "search"]

_MAY_BE_LONG = 50
"""Characters; fewer are no long question."""

CANDIDATES = 100
_DECLARING = 4
"""So many times as many candidates are looked at for the line that defines a name."""
"""How many each of the two searches names; further down, nothing was ever the answer."""

_TELLING_LINES = 4


def search(
    snapshots: Sequence[Searchable],
    question: str,
    encoder: Encoder | None = None,
    *,
    limit: int = 10,
    filters: Sequence[Filters] | None = None,
    min_confidence: Level = Level.GUESS,
) -> Answer:
    """Answer a question about one or several repositories.

    Args:
        snapshots: What to search.
        question: Plain words, a name, or pasted code; filters in it hold beside `filters`
            (``codesearch.search.question_filters``).
        encoder: Of the model that the snapshots were made with; None to search by words only.
        limit: The most matches that are returned.
        filters: Which chunks may be found, one for each snapshot; None for all.
        min_confidence: Matches that are to be believed less are left out.

    Raises:
        InputError: The question is empty, a filter in it cannot be used, or `limit` is not positive.
        IndexUnusable: An index is damaged.
    """
    if not question.strip():
        raise InputError('the question is empty: ask in plain words, such as "parse json"')
    asked = read_filters(replace_surrogates(question))
    if limit < 1:
        raise InputError(f"the number of results must be 1 or more, not {limit}")
    filters = filters or [Filters()] * len(snapshots)
    filters = [asked.within(allowed, snapshot) for allowed, snapshot in zip(filters, snapshots, strict=True)]
    model_id = None if encoder is None else encoder.model_id
    notices = [notice for snapshot in snapshots for notice in notices_of(snapshot, model_id, by_words=True)]
    found = find_candidates(snapshots, asked.words, encoder, filters=filters)
    ranked, depth, declared = rank(found), CANDIDATES, found.declared
    # Of these alone, so that what is believed of a result does not depend on how many are asked for.
    first, model = found, load_calibration().model_for(model_id or "", found)
    # Deeper searches name more, and what they name comes after what the first named: the first results are the same
    # however many are asked for. Where fewer were named than was asked for, there are no more.
    while len(ranked) < limit and len(found.candidates) >= depth:
        depth *= 2
        found = find_candidates(snapshots, asked.words, encoder, depth=depth, filters=filters)
        append_deeper(ranked, rank(found))
    if found.unread:
        notices.append(Notice(NoticeKind.NOT_ALL_READ, NOT_ALL_READ))
    judged = model.judge(first, ranked, limit)
    matches = _matches(snapshots, replace(found, declared=declared), ranked[:limit], judged)
    if not matches:
        notices.append(_why_empty(snapshots, found.question, filters, encoder))
        return Answer((), tuple(notices))
    kept = [match for match in matches if match.confidence and match.confidence.level.reaches(min_confidence)]
    if not kept:
        notices.append(nothing_reaches(min_confidence, matches[0]))
    elif judged[0].probability < model.fits and not any(n.kind is NoticeKind.LEXICAL_MISSING for n in notices):
        notices.append(nothing_fits())
    return Answer(tuple(kept), tuple(notices))


def find_candidates(
    snapshots: Sequence[Searchable],
    question: str,
    encoder: Encoder | None,
    *,
    depth: int = CANDIDATES,
    filters: Sequence[Filters],
) -> CandidateSet:
    """Return what the two searches name, for ranking to put into order.

    Args:
        snapshots: What to search.
        question: As it was asked.
        encoder: Makes its vector; None to search by words only.
        depth: How many chunks each of the two searches names, of all snapshots together.
        filters: Which chunks may be found, one for each snapshot.
    """
    retrieval = Retrieval(snapshots, encoder, filters, depth)
    if len(question) >= _MAY_BE_LONG:
        # Imported late: most questions are short, and the patterns of issues and tracebacks take 15 ms to compile.
        from codesearch.search.long_questions import find_for_long
        from codesearch.search.long_text import read_long_text

        if text := read_long_text(question):
            return find_for_long(retrieval, text, question)
    asked = parse_question(question)
    # Signs alone have a vector too, and whatever is nearest to it is nearest by chance.
    vector = encoder.encode_queries([asked.text])[0] if encoder is not None and asked.terms else None
    places = find_asked_places(snapshots, question, filters)
    wanted = retrieval.wanted(asked, vector)
    found = retrieval.candidate_set(wanted, retrieval.find(wanted, places), places)
    return _with_declarations(retrieval, wanted, found)


def _with_declarations(retrieval: Retrieval, wanted: Wanted, found: CandidateSet) -> CandidateSet:
    """Add what defines the name that was asked, where no chunk bears it: an enum member, a field, and the like."""
    name = wanted.question.symbol or name_asked(wanted.question.text)
    if not name or any(candidate.name == name for _, candidate in found.candidates):
        return found
    candidates = {(source, candidate.id): candidate for source, candidate in found.candidates}
    if len(candidates) >= retrieval.depth:  # more use the name than were named
        wider = Retrieval(retrieval.snapshots, None, retrieval.filters, _DECLARING * retrieval.depth)
        none: list[frozenset[int]] = [frozenset() for _ in retrieval.snapshots]
        for source, candidate in wider.find(replace(wanted, vector=None), none):
            candidates.setdefault((source, candidate.id), candidate)
    texts: dict[tuple[int, int], Chunk] = {}
    for source, snapshot in enumerate(retrieval.snapshots):
        ids = [chunk_id for of, chunk_id in candidates if of == source]
        texts |= {(source, chunk_id): chunk for chunk_id, chunk in snapshot.chunks(ids).items()}
    declared = best_declarations(texts, name)
    if not declared:
        return found
    known = {(source, candidate.id) for source, candidate in found.candidates}
    added = [(key[0], candidates[key]) for key in declared if key not in known]
    evidence = {key: {**found.evidence.get(key, {}), "definition": 1.0} for key in declared}
    return replace(
        found,
        candidates=[*found.candidates, *added],
        evidence={**found.evidence, **evidence},
        declared={key: seen.line for key, seen in declared.items()},
    )


def _why_empty(
    snapshots: Sequence[Searchable], question: Question, filters: Sequence[Filters], encoder: Encoder | None
) -> Notice:
    otherwise = Notice(
        NoticeKind.NOTHING_FOUND,
        "no indexed code holds any word of the question: try other words"
        + ("" if encoder else ", or search by meaning as well"),
    )
    if not question.terms:
        otherwise = Notice(NoticeKind.NO_WORDS, "the question holds no word to look for: ask with letters or digits")
    return why_empty(snapshots, filters, otherwise, by_words=True)


def _matches(
    snapshots: Sequence[Searchable],
    found: CandidateSet,
    ranked: Sequence[RankedCandidate],
    judged: Sequence[Confidence],
) -> list[Match]:
    chunks: dict[tuple[int, int], Chunk] = {}
    for source, snapshot in enumerate(snapshots):
        ids = [entry.candidate.id for entry in ranked if entry.source == source]
        chunks |= {(source, chunk_id): chunk for chunk_id, chunk in snapshot.chunks(ids).items()}
    weight = {term: 1.0 / (1 + frequency) ** 0.5 for term, frequency in found.frequencies.items()}
    finder = TermFinder(weight)
    return [
        Match(
            repository=snapshots[entry.source].manifest.name,
            root=snapshots[entry.source].root,
            chunk=chunks[entry.source, entry.candidate.id],
            score=entry.score,
            signals=entry.signals,
            lines=_telling_lines(chunks[entry.source, entry.candidate.id], weight, finder),
            declared_at=found.declared.get((entry.source, entry.candidate.id), 0),
            imported=bool(snapshots[entry.source].manifest.imported),
            confidence=confidence,
        )
        for entry, confidence in zip(ranked, judged, strict=True)
    ]


def _telling_lines(chunk: Chunk, weight: Mapping[str, float], finder: TermFinder | None = None) -> tuple[int, ...]:
    """Return the lines that hold most of what was asked, rare terms first and each term once."""
    finder = finder or TermFinder(weight)
    numbers = (n for span in chunk.text_spans for n in range(span.start, span.end + 1))
    searched = ((n, finder.find(line)) for n, line in zip(numbers, chunk.text.split("\n"), strict=False))
    lines = [(number, held) for number, held in searched if held]
    told: set[str] = set()
    best: list[int] = []
    while len(best) < _TELLING_LINES:
        # fsum: a plain sum over a set has another last digit in every run, and with it other lines would be told.
        gains = [(fsum(weight[term] for term in held - told), -number) for number, held in lines]
        gain, negative = max(gains, default=(0.0, 0))
        if gain <= 0:
            break
        best.append(-negative)
        told.update(*(held for number, held in lines if number == -negative))
    return tuple(best)
