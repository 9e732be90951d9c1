"""From candidates to an order: two searches fused, then what a reader of code would look at.

Read from top to bottom. Each signal is one function from a question and a candidate to a number, mostly in
[0, 1]; a candidate's score is the weighted sum, so an explanation adds up. Two steps look at the whole list:
the evidence that lies in one file counts for each of its chunks, and a further chunk of a file that was
already named counts less. The weights were chosen by hand on a few repositories and are fitted to nothing
yet.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log
from typing import Final

from codesearch.index.snapshot import Candidate
from codesearch.records import Kind
from codesearch.words import question_terms, terms

<<<<<<< HEAD:codesearch/ranking.py
__all__ = ["WEIGHTS", "Question", "Ranked", "is_test", "parse_question", "rank"]
=======
__all__ = ["WEIGHTS", "Found", "Question", "Ranked", "parse_question", "rank"]
>>>>>>> e8a8295 (Ranking fitted on questions from the history of repositories, shown on others; ask --explain; a golden file):codesearch/ranking_old.py

WEIGHTS: Final[Mapping[str, float]] = {
    "words": 1.0,
    "meaning": 1.2,
    "name": 0.6,
    "path": 0.4,
    "definition": 2.5,
    "kind": 0.15,
    "file": 0.3,
}
"""What each signal is multiplied with."""

REPEAT_DISCOUNT: Final = 0.7
"""The second chunk of a file keeps this share of its score, the third its square, ..."""

ASIDE_DISCOUNT: Final = 0.8
"""What a test, an example or the like keeps of its score, unless the question is about tests or examples."""

_SYMBOL = re.compile(r"[^\W\d]\w*(?:(?:\.|::|#|->)[^\W\d]\w*)*[?!]?(?:\(\))?")

_ASIDE: Final = {
    "test": re.compile(
        r"(^|/)(?i:tests?|specs?|__tests__|testing|testdata|fixtures?|mocks?|e2e|benchmarks?|bench)/"
        r"|(^|/)(test_|conftest)[^/]*$|[_.-](test|tests|spec|bench)\.[^/]+$|[a-z0-9](Test|Tests|Spec|IT)\.\w+$"
    ),
    "example": re.compile(r"(^|/)(?i:examples?|samples?|demos?|tutorials?|docs?)/"),
    "legacy": re.compile(r"(^|/)(?i:legacy|deprecated|compat|vendor|vendored|third[_-]?party|_vendor|old|dist|build)/"),
}
"""Places that repeat the words of the code they are about, without being it."""

_ASIDE_WORDS: Final = {
    "test": frozenset(terms("test tests testing spec fixture mock benchmark assert")),
    "example": frozenset(terms("example sample demo tutorial documentation docs readme")),
    "legacy": frozenset(terms("legacy deprecated compat compatibility vendor vendored old")),
}
"""A question with one of these words is about such a place, and then nothing is discounted."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, analysed.

    Attributes:
        text: As it was asked.
        terms: Distinct, in order, without stop words.
        symbol: The bare name, if the whole question is one identifier such as ``Parser.parse`` or ``a::b()``.
        qualified_symbol: The same with all that qualifies it, joined by ".".
    """

    text: str
    terms: tuple[str, ...]
    symbol: str = ""
    qualified_symbol: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the two searches named for a question.

    Attributes:
        question: What was asked.
        candidates: Each with the position of its repository in the list that was searched.
        frequency: In how many chunks each term of the question occurs.
        documents: How many chunks there are.
    """

    question: Question
    candidates: Sequence[tuple[int, Candidate]]
    frequency: Mapping[str, int]
    documents: int


@dataclass(slots=True)
class Ranked:
    """A candidate in its place. While it is ranked, each step adds what it has to say.

    Attributes:
        source: The position of its repository in the list that was searched.
        candidate: What was found.
        score: Sum of `signals`.
        signals: What each contributed; discounts are negative.
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


def parse_question(text: str) -> Question:
    """Analyse a question."""
    stripped = text.strip()
    symbol = qualified = ""
    if _SYMBOL.fullmatch(stripped):
        parts = re.split(r"\.|::|#|->", stripped.removesuffix("()"))
        symbol, qualified = parts[-1], ".".join(parts)
    return Question(text, tuple(question_terms(text)), symbol, qualified)


def rank(found: Found) -> list[Ranked]:
    """Return the candidates, best first."""
    if not found.candidates:
        return []
    question = found.question
    rarity = {
        term: log(1 + (found.documents - n + 0.5) / (n + 0.5))
        for term in question.terms
        for n in (min(found.frequency[term], found.documents),)
    }
    ranked = [Ranked(source, candidate) for source, candidate in found.candidates]
    for entry, (words, meaning) in zip(ranked, _fuse([candidate for _, candidate in found.candidates]), strict=True):
        candidate = entry.candidate
        for name, value in (
            ("words", words),
            ("meaning", meaning),
            ("name", _overlap(rarity, _words_of(candidate.qualified_name))),
            ("path", _overlap(rarity, _words_of(candidate.path))),
            ("definition", _definition(question, candidate)),
            ("kind", _kind(candidate)),
        ):
            entry.add(name, WEIGHTS[name] * value)
    _add_file_evidence(ranked)
    _discount_asides(question, ranked)
    _discount_repeats(ranked)
    return sorted(ranked, key=_order)


# --- signals of one candidate -------------------------------------------------------------------------------


def _fuse(candidates: Sequence[Candidate]) -> list[tuple[float, float]]:
    """Bring both searches to the same scale: the best of each gets 1.

    BM25 starts at 0, where no word of the question occurs. Cosines have no such zero: their scale starts at
    the least similar candidate.

    Returns:
        (by words, by meaning) of each candidate.
    """
    best_lexical = max(candidate.lexical for candidate in candidates)
    cosines = [candidate.dense for candidate in candidates if candidate.dense is not None]
    low, high = (min(cosines), max(cosines)) if cosines else (0.0, 0.0)
    fused = []
    for candidate in candidates:
        words = candidate.lexical / best_lexical if best_lexical else 0.0
        meaning = 0.0
        if candidate.dense is not None:
            meaning = (candidate.dense - low) / (high - low) if high > low else 1.0
        fused.append((words, meaning))
    return fused


@lru_cache(maxsize=1 << 14)
def _words_of(name: str) -> frozenset[str]:
    return frozenset(terms(name))


def _overlap(rarity: Mapping[str, float], words: Collection[str]) -> float:
    """The share of the question's weight, rare terms counting most, that these words hold."""
    total = sum(rarity.values())
    if not total:
        return 0.0
    return sum(weight for term, weight in rarity.items() if term in words) / total


def _definition(question: Question, candidate: Candidate) -> float:
    """Whether the question is a name and this is where it is defined: 1 for exactly the name that was asked.

    What qualifies the name may be enclosing definitions (``Parser.parse``), the path of the file
    (``celery.canvas.chain``), or both.
    """
    if not question.symbol or not candidate.name or _plain(candidate.name) != _plain(question.symbol):
        return 0.0
    if candidate.name != question.symbol or not _qualifies(question.qualified_symbol, candidate):
        return 0.6
    # Of a definition that was cut because of its length, the first part holds the signature.
    return 0.5 if candidate.part else 1.0


def _qualifies(qualified: str, candidate: Candidate) -> bool:
    if f".{candidate.qualified_name}".endswith(f".{qualified}"):
        return True
    place = f".{candidate.path.rpartition('.')[0].replace('/', '.')}.{candidate.qualified_name}"
    return place.endswith(f".{qualified}")


def _plain(name: str) -> str:
    """A name without its case style: ``parseJson``, ``parse_json`` and ``PARSE_JSON`` are one."""
    return name.replace("_", "").lower()


def _kind(candidate: Candidate) -> float:
    """Definitions before what lies between them."""
    return 0.0 if candidate.kind in (Kind.MODULE, Kind.TEXT) else 1.0


# --- the whole list -----------------------------------------------------------------------------------------


def _add_file_evidence(ranked: Sequence[Ranked]) -> None:
    """Add to each chunk what the file's chunks say together, the k-th best counting 1/k."""
    by_file: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for entry in ranked:
        by_file[entry.source, entry.candidate.path].append(entry.score)
    evidence = {
        key: sum(score / k for k, score in enumerate(sorted(scores, reverse=True), 1))
        for key, scores in by_file.items()
    }
    most = max(evidence.values())
    if most > 0:
        for entry in ranked:
            entry.add("file", WEIGHTS["file"] * evidence[entry.source, entry.candidate.path] / most)


def _discount_asides(question: Question, ranked: Sequence[Ranked]) -> None:
    asked = set(question.terms)
    places = {name: pattern for name, pattern in _ASIDE.items() if not asked & _ASIDE_WORDS[name]}
    for entry in ranked:
        place = next((name for name, pattern in places.items() if pattern.search(entry.candidate.path)), None)
        if place is not None:
            entry.add(place, (ASIDE_DISCOUNT - 1) * entry.score)


def _discount_repeats(ranked: Sequence[Ranked]) -> None:
    seen: defaultdict[tuple[int, str], int] = defaultdict(int)
    for entry in sorted(ranked, key=_order):
        file = entry.source, entry.candidate.path
        entry.add("repeat", (REPEAT_DISCOUNT ** seen[file] - 1) * entry.score)
        seen[file] += 1


def _order(entry: Ranked) -> tuple[float, int, str, int]:
    """Best first; ties by place, so that the order is the same on every machine."""
    return -entry.score, entry.source, entry.candidate.path, entry.candidate.first_line


def is_test(path: str) -> bool:
    """Whether a file is a test, or helps tests, by its path."""
    return _ASIDE["test"].search(path) is not None
