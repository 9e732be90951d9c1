"""The order of candidates: the weighted sum of their signals, and a discount for a file's further chunks.

The discount lets the best of another file, if it is nearly as good, come before the further chunks of a file. It is the
same for all of them: what is good by itself stays near its place, however much else its file has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from codesearch.search.candidates import Candidate
from codesearch.search.ranking.question import CandidateSet
from codesearch.search.ranking.signals import measure
from codesearch.search.ranking.weights import Weights, load_weights

__all__ = ["RankedCandidate", "append_deeper", "rank"]


@dataclass(slots=True)
class RankedCandidate:
    """A candidate in its place. While it is ranked, each step adds what it has to say.

    Attributes:
        source: The position of its repository in the list that was searched.
        candidate: What was found.
        score: Sum of `signals`.
        signals: What each contributed; what speaks against the candidate is negative.
    """

    source: int
    candidate: Candidate
    score: float = 0.0
    signals: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Add what a signal contributes; nothing is noted of one that says nothing."""
        if value:
            self.signals[name] = value
            self.score += value


def rank(found: CandidateSet, weights: Weights | None = None) -> list[RankedCandidate]:
    """Return the candidates, best first.

    Args:
        found: What the two searches named.
        weights: What each signal counts; None for the shipped ones.
    """
    weights = weights or load_weights()
    by_words = all(candidate.dense is None for _, candidate in found.candidates)
    counts = {name: weight for name, weight in (weights.by_words if by_words else weights.signals).items() if weight}
    ranked = []
    for (source, candidate), signals in zip(found.candidates, measure(found), strict=True):
        said = {name: counts[name] * value for name, value in signals.items() if name in counts}
        ranked.append(RankedCandidate(source, candidate, sum(said.values()), said))
    _discount_repeats(ranked, weights.repeat)
    return sorted(ranked, key=_order)


def append_deeper(ranked: list[RankedCandidate], deeper: Sequence[RankedCandidate]) -> None:
    """Append what only deeper searches named, none of it with a higher score than what comes before it."""
    known = {(entry.source, entry.candidate.id) for entry in ranked}
    for entry in deeper:
        if (entry.source, entry.candidate.id) not in known:
            most = ranked[-1].score
            if entry.score > most:
                entry.add("depth", most - entry.score)
                entry.score = most
            ranked.append(entry)


def _discount_repeats(ranked: Sequence[RankedCandidate], kept: float) -> None:
    """Let all chunks of a file but its best keep this share of their score."""
    seen: set[tuple[int, str]] = set()
    for entry in sorted(ranked, key=_order):
        file = entry.source, entry.candidate.path
        if file in seen:
            # A score below zero would be raised by a factor.
            entry.add("repeat", (kept - 1) * max(entry.score, 0.0))
        seen.add(file)


def _order(entry: RankedCandidate) -> tuple[float, int, str, int]:
    """Best first; ties by place, and then as candidates are given, so that the order is the same on every machine."""
    return -entry.score, entry.source, entry.candidate.path, entry.candidate.first_line
