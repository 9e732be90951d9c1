"""How far a result is to be believed: the probability that its file answers the question.

A score orders the results of one question and means nothing beyond it. Here a small logistic model looks at what means
the same for every question: how much of the question a chunk holds, how near it is in meaning, how far it is ahead of
the next file. The weights of ranking may be fitted anew without changing what these features mean: scores enter only
as shares of their own spread. ``confidence.json`` holds the weights, with their provenance;
``codesearch-eval repositories calibrate`` fits them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from math import exp, log1p
from operator import itemgetter
from pathlib import Path
from typing import Final

from codesearch.errors import InputError
from codesearch.records import Confidence, Level
from codesearch.search.ranking.order import RankedCandidate
from codesearch.search.ranking.question import CandidateSet, plain
from codesearch.words import terms

__all__ = [
    "ANY_SIGN",
    "CONFIDENCE_FEATURES",
    "OPPOSING",
    "VECTOR_FEATURES",
    "Calibration",
    "ConfidenceModel",
    "Surroundings",
    "load_calibration",
    "read_calibration",
]

VECTOR_FEATURES: Final = ("cosine", "cosine lead", "cosine margin")
"""The features that need vectors."""

CONFIDENCE_FEATURES: Final[Mapping[str, str]] = {
    "cosine": "cosine of the question to the chunk",
    "cosine lead": "by how much it exceeds the median of the cosines of all candidates",
    "cosine margin": "by how much it exceeds the best cosine in any other file",
    "held": "share of the question's terms in the chunk, rare ones weighing most",
    "held by file": "the same in all candidates of its file",
    "terms held": "how many of the question's terms are in its file: one shared word is easily chance, four are not",
    "unknown": "share of the question's terms that occur nowhere",
    "rivals": "how many other files have a candidate that holds as much",
    "words": "BM25 as a share of the best candidate's",
    "words margin": "by how much BM25 exceeds the best in any other file, as a share of the best",
    "in name": "share of the question's terms in the qualified name",
    "name covered": "share of the bare name's words that the question says",
    "in path": "share of the question's terms in the path",
    "exact name": "the question is a name, and it defines exactly that",
    "same name": "the question is a name, and it defines that in some case style",
    "a name": "the question is a name",
    "quoted": "share of the question's neighbouring words that are neighbours in it, squared; in full from four pairs",
    "place": "it holds a line that the question names",
    "margin": "score ahead of the next file, or of a later result behind the first, as a share of the spread of scores",
    "clear": "margin, as far as its file holds the question: being ahead of what does not fit says little",
    "place in list": "how many results come before it",
    "same file": "a better result of its file comes before it",
}
"""What each feature says. All mean the same for every question, every repository and all weights of ranking."""

OPPOSING: Final = frozenset({"unknown", "rivals", "place in list", "same file"})
"""The features that never speak for a result."""

ANY_SIGN: Final = frozenset({"a name"})
"""A fact about the question, which may speak either way; all others never speak against a result."""

_QUOTATION_PAIRS: Final = 4
_LOG_SCALE: Final = 3.0
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """A logistic model, and where its levels begin.

    Attributes:
        first: Weights of the features for the first result, with "bias".
        further: Likewise for all others.
        sure: The least probability of `Level.SURE`.
        likely: The least probability of `Level.LIKELY`.
        fits: If not even the first result has this probability, nothing fits well.
        encoder: Id of the model whose cosines the weights are for; "" where none are looked at.
    """

    first: Mapping[str, float]
    further: Mapping[str, float]
    sure: float
    likely: float
    fits: float
    encoder: str = ""

    def level(self, probability: float) -> Level:
        """Return the level of a probability."""
        if probability >= self.sure:
            return Level.SURE
        return Level.LIKELY if probability >= self.likely else Level.GUESS

    def probability(self, features: Mapping[str, float], *, first: bool) -> float:
        """Return the probability that a result is right."""
        weights = self.first if first else self.further
        total = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in features.items())
        return 1 / (1 + exp(-min(max(total, -30.0), 30.0)))

    def judge(self, found: CandidateSet, ranked: Sequence[RankedCandidate], limit: int) -> list[Confidence]:
        """Return how far each of the first results is to be believed; none more than one before it.

        Args:
            found: What the searches named first, before they were asked for deeper results.
            ranked: All results, best first.
            limit: How many to look at.
        """
        if not ranked:
            return []
        surroundings, judged, least = Surroundings(found, ranked), [], 1.0
        for number in range(min(limit, len(ranked))):
            features = surroundings.features(number)
            least = min(least, self.probability(features, first=not number))
            judged.append(Confidence(self.level(least), round(least, 3)))
        return judged


@dataclass(frozen=True, slots=True)
class Calibration:
    """The models of confidence.

    Attributes:
        with_vectors: Where the encoder's cosines are known.
        by_words: Where there are none, or they are of another encoder.
        provenance: What they were fitted on, and by which command.
    """

    with_vectors: ConfidenceModel
    by_words: ConfidenceModel
    provenance: Mapping[str, str] = field(default_factory=dict)

    def model_for(self, encoder: str, found: CandidateSet) -> ConfidenceModel:
        """Return the model for what was found.

        Args:
            encoder: Id of the model that made the question's vector; "" for none.
            found: The candidates.
        """
        known = encoder and encoder == self.with_vectors.encoder
        encoded = known and any(candidate.dense is not None for _, candidate in found.candidates)
        return self.with_vectors if encoded else self.by_words


class Surroundings:
    """What results are compared with: the question, and all that was named for it.

    Args:
        found: What the searches named first.
        ranked: All results, best first, and at least one.
    """

    def __init__(self, found: CandidateSet, ranked: Sequence[RankedCandidate]) -> None:
        self._found, self._ranked, self._question = found, ranked, found.question
        rarity = found.rarity()
        self._weights = [rarity[term] for term in found.question.terms]
        self._total = sum(self._weights) or 1.0
        self._share = {term: weight / self._total for term, weight in rarity.items()}
        self._unknown = sum(share for term, share in self._share.items() if not found.frequency[term])
        self._seen: dict[int, float] = {}
        self._files_that_hold: dict[float, frozenset[tuple[int, str]]] = {}
        self._measure_files()
        self._measure_scores()

    def _measure_files(self) -> None:
        """Note of each file which terms it holds, and which two files have the best of each search."""
        held: dict[tuple[int, str], int] = {}
        masks: defaultdict[int, set[tuple[int, str]]] = defaultdict(set)
        words: dict[tuple[int, str], float] = {}
        meaning: dict[tuple[int, str], float] = {}
        cosines = []
        for source, candidate in self._found.candidates:
            file = source, candidate.path
            mask, lexical, cosine = candidate.held, candidate.lexical, candidate.dense
            held[file] = held.get(file, 0) | mask
            masks[mask].add(file)
            if lexical > words.get(file, -1.0):
                words[file] = lexical
            if cosine is not None:
                cosines.append(cosine)
                if cosine > meaning.get(file, -2.0):
                    meaning[file] = cosine
        self._middle = _middle(cosines) if cosines else 0.0
        self._held = held
        # By what is held: there are far fewer sets of terms than candidates.
        self._holders = [(self._share_held(mask), files) for mask, files in masks.items()]
        self._best_words, self._best_meaning = _two_best(words), _two_best(meaning)

    def _rivals(self, held: float, file: tuple[int, str]) -> int:
        """Return how many other files have a candidate that holds as much."""
        rivals = self._files_that_hold.get(held)
        if rivals is None:
            sets = [files for share, files in self._holders if share >= held - _SAME]
            rivals = self._files_that_hold[held] = frozenset().union(*sets)
        return len(rivals) - (file in rivals)

    def _is_at_place(self, entry: RankedCandidate) -> bool:
        """Whether the question names a line of a result; a long one, the innermost of a traceback or any other."""
        key = entry.source, entry.candidate.id
        return key in self._found.at_place or "place" in self._found.evidence.get(key, {})

    def _measure_scores(self) -> None:
        first = self._ranked[0]
        scores = [entry.score for entry in self._ranked[: len(self._found.candidates)]]
        self._spread = first.score - _middle(scores)
        file = first.source, first.candidate.path
        others = (e.score for e in self._ranked if (e.source, e.candidate.path) != file)
        second = next(others, None)
        self._margin = 1.0 if second is None else self._share_of_spread(first.score - second)

    def _is_repeat(self, number: int) -> bool:
        """Whether a better result is of the same file."""
        entry = self._ranked[number]
        path, source = entry.candidate.path, entry.source
        return any(e.candidate.path == path and e.source == source for e in self._ranked[:number])

    def features(self, number: int) -> dict[str, float]:
        """Return the features of a result, by name; those that are 0 may be left out."""
        entry, question = self._ranked[number], self._question
        candidate, file = entry.candidate, (entry.source, entry.candidate.path)
        held, held_by_file = self._share_held(candidate.held), self._held.get(file, 0) | candidate.held
        best_words = self._best_words[0][1] if self._best_words else 0.0
        margin = self._margin if not number else -self._share_of_spread(self._ranked[0].score - entry.score)
        all_held = self._share_held(held_by_file)
        values = {
            "held": held,
            "held by file": all_held,
            "terms held": log1p(held_by_file.bit_count()) / _LOG_SCALE,
            "unknown": self._unknown,
            "rivals": log1p(self._rivals(held, file)) / _LOG_SCALE,
            "quoted": min(1.0, len(question.pairs) / _QUOTATION_PAIRS) * candidate.quoted**2,
            "place": float(self._is_at_place(entry)),
            "margin": margin,
            "clear": all_held * max(margin, 0.0),
            "place in list": log1p(number) / _LOG_SCALE,
            "same file": float(self._is_repeat(number)),
            "in name": self._held_by(_words_of(candidate.qualified_name)),
            "in path": self._held_by(_words_of(candidate.path)),
        }
        if best_words:
            values["words"] = candidate.lexical / best_words
            values["words margin"] = _margin(self._best_words, file, candidate.lexical) / best_words
        if own := _words_of(candidate.name):
            values["name covered"] = sum(word in self._share for word in own) / len(own)
        if question.symbol:
            values["a name"] = 1.0
            values["exact name"] = float(candidate.name == question.symbol)
            values["same name"] = float(bool(candidate.name) and plain(candidate.name) == plain(question.symbol))
        if candidate.dense is not None:
            values["cosine"] = candidate.dense
            values["cosine lead"] = candidate.dense - self._middle
            values["cosine margin"] = _margin(self._best_meaning, file, candidate.dense)
        elif self._best_meaning:  # not encoded yet: nothing is known, and the middle says the least
            values["cosine"] = self._middle
        return values

    def _held_by(self, words: frozenset[str]) -> float:
        if self._share.keys().isdisjoint(words):
            return 0.0
        return sum(share for term, share in self._share.items() if term in words)

    def _share_held(self, held: int) -> float:
        """Return the share of the question that some of its terms are, given as bits."""
        known = self._seen.get(held)
        if known is None:
            weight = sum(weight for n, weight in enumerate(self._weights) if held >> n & 1)
            known = self._seen[held] = weight / self._total
        return known

    def _share_of_spread(self, difference: float) -> float:
        return min(max(difference / self._spread, 0.0), 1.0) if self._spread > 0 else 0.0


def _middle(values: Sequence[float]) -> float:
    """Return the median, the upper of two; the module ``statistics`` would cost a cold question 10 ms."""
    return sorted(values)[len(values) // 2]


@lru_cache(maxsize=1 << 14)
def _words_of(name: str) -> frozenset[str]:
    return frozenset(terms(name))


def _two_best(values: Mapping[tuple[int, str], float]) -> list[tuple[tuple[int, str], float]]:
    """Return the two files with the highest values."""
    return sorted(values.items(), key=itemgetter(1), reverse=True)[:2]


def _margin(best: Sequence[tuple[tuple[int, str], float]], file: tuple[int, str], value: float) -> float:
    """Return by how much a value exceeds the best of any other file."""
    return next((value - other for holder, other in best if holder != file), value)


@cache
def load_calibration() -> Calibration:
    """Return the shipped models."""
    return _parse((files("codesearch.search.ranking") / "confidence.json").read_text(encoding="utf-8"))


def read_calibration(path: Path) -> Calibration:
    """Return the models of a file.

    Raises:
        InputError: It cannot be read, or holds no such models.
    """
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no calibration: {error}") from error


def _parse(text: str) -> Calibration:
    data = json.loads(text)
    return Calibration(_model(data["with vectors"]), _model(data["by words only"]), data["provenance"])


def _model(data: Mapping[str, object]) -> ConfidenceModel:
    first, further = (_weights(data[name]) for name in ("first", "further"))
    sure, likely, fits = (float(str(data[name])) for name in ("sure", "likely", "fits"))
    return ConfidenceModel(first, further, sure, likely, fits, str(data.get("encoder", "")))


def _weights(data: object) -> dict[str, float]:
    if not isinstance(data, Mapping):
        raise TypeError(f"no weights: {data!r:.80}")
    return {str(name): float(weight) for name, weight in data.items()}
