"""Fitting the weights of ranking: a linear pairwise model with LambdaRank's weights for pairs.

For each question, an answer should score higher than what is no answer (RankSVM's view of ranking: Joachims,
2002): logistic regression on the differences of their signals, by SciPy's L-BFGS-B. Each pair weighs what
exchanging the two would change of NDCG under the weights of the round before (Burges, *From RankNet to LambdaRank
to LambdaMART*, 2010), so the top of a ranking counts. A question counts as much as the headline gives it
(`headline.py`), so what is fitted is what is reported. The sign of each weight is
given: what speaks for a candidate never counts against it, however the questions happen to have fallen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log2

import numpy as np
from numpy.typing import NDArray

from codesearch.search.candidates import QUOTING
from codesearch.search.pipeline import CANDIDATES
from codesearch.search.ranking import CandidateSet
from codesearch.search.ranking.signals import AGAINST, SIGNALS, measure
from codesearch_eval.metrics import Floats
from codesearch_eval.repositories.headline import TEACHING, question_weights
from codesearch_eval.repositories.runs import QuestionCandidates

__all__ = [
    "GIVEN",
    "WORD_SIGNALS",
    "Example",
    "Fit",
    "by_words_only",
    "cross_validate",
    "earned_signals",
    "examples_of",
    "fit",
    "fit_shipped",
    "mean_of",
    "ndcg_of",
    "weights_of",
    "without",
]

Matrix = NDArray[np.float32]

WORD_SIGNALS = tuple(name for name in SIGNALS if name not in ("meaning", "file meaning"))
"""The signals that need no vectors."""

_ROUNDS = 3
_HARD = 50
"""How many candidates an answer is compared with; further down nothing competes."""
GIVEN = {
    "definition": 1.0,
    "namesake": 0.5,
    "place": 3.0,
    "named file": 0.3,
    "function": 0.08,
    "type": 0.06,
    "text": -0.12,
    "asked place": 0.1,
    "test": -0.3,
    "example": -0.1,
    "prose": -0.12,
    "legacy": -0.1,
    "imports": -0.3,
    "thin": -0.15,
    "secondary": -0.1,
}
"""Weights that no fit can find, on the scale where the best candidate of a question has about 1.

Every answer of the benchmark is a definition outside of tests and documents, because of how questions are made: a fit
would take that for a law, and no test and no document would ever be found. And whoever types a name wants to see where
it is defined before all else, in another case style if it must be, which questions teach too rarely: nearly all of them
have that answer first under any weights, and then teach nothing.
"""

REPEAT = 0.85
"""What a file's further chunks keep of their score. NDCG over files does not see it; docs/notebook/ranking.md has what
chunks gain, and how many files are among the first ten."""

_EARNS = 0.0003
_SAME_FILE = 0.3
"""What a pair of two chunks of one file weighs: the file is found either way."""


@dataclass(frozen=True)
class Example:
    """A question's candidates as numbers.

    Attributes:
        asked: The question.
        signals: ``[candidates, len(SIGNALS)]``.
        files: Number of each candidate's file, ``[candidates]``.
        answers: Whether each candidate answers, ``[candidates]``. Where a file answers as a whole, that is the
            candidate of it which looks most like an answer.
        in_answer: Whether each candidate is in a file that answers, ``[candidates]``.
        ideal: DCG of a perfect order of files.
    """

    asked: QuestionCandidates
    signals: Matrix
    files: NDArray[np.intp]
    answers: NDArray[np.bool_]
    in_answer: NDArray[np.bool_]
    ideal: float

    @cached_property
    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(better, worse) candidates: each answer against what looks most like one, by the two searches alone."""
        looks = self.signals[:, 0] + self.signals[:, 1]
        wrong = np.nonzero(~self.answers)[0]
        hard = wrong[np.argsort(-looks[wrong], kind="stable")[:_HARD]]
        answers = np.nonzero(self.answers)[0]
        return np.repeat(answers, len(hard)), np.tile(hard, len(answers))


@dataclass(frozen=True)
class Fit:
    """Weights, in the order of `SIGNALS`."""

    weights: Floats

    def by_name(self) -> dict[str, float]:
        """Return the weights that are not 0, by name of the signal."""
        return {name: float(w) for name, w in zip(SIGNALS, self.weights, strict=True) if w}


def examples_of(asked: Sequence[QuestionCandidates]) -> list[Example]:
    """Return the questions as numbers."""
    return [_example(one) for one in asked]


def _example(asked: QuestionCandidates) -> Example:
    column = {name: number for number, name in enumerate(SIGNALS)}
    candidates = [candidate for _, candidate in asked.found.candidates]
    signals = np.zeros((len(candidates), len(SIGNALS)), dtype=np.float32)
    for row, measured in zip(signals, measure(asked.found), strict=True):
        for name, value in measured.items():
            row[column[name]] = value
    paths = {path: number for number, path in enumerate(dict.fromkeys(c.path for c in candidates))}
    question = asked.question
    in_answer = np.array([c.path in question.files for c in candidates], dtype=bool)
    answers = np.array([(c.path, c.qualified_name) in question.chunks for c in candidates], dtype=bool)
    if not question.chunks:
        answers = _best_of_files(signals, paths, [c.path for c in candidates], question.files)
    return Example(
        asked,
        signals,
        np.array([paths[c.path] for c in candidates], dtype=np.intp),
        answers,
        in_answer,
        sum(1 / log2(place + 1) for place in range(1, min(len(question.files), 10) + 1)),
    )


def _best_of_files(
    signals: Matrix, paths: Mapping[str, int], where: Sequence[str], files: Collection[str]
) -> NDArray[np.bool_]:
    """Mark the candidate of each file that looks most like an answer, by the two searches alone."""
    looks = signals[:, 0] + signals[:, 1]
    best = np.zeros(len(signals), dtype=bool)
    for path in paths.keys() & set(files):
        of_file = [number for number, other in enumerate(where) if other == path]
        best[max(of_file, key=lambda number: looks[number])] = True
    return best


def weights_of(examples: Sequence[Example]) -> Floats:
    """Return what each question weighs in the headline, ``[questions]``, 1 on the mean."""
    return question_weights([example.asked.question.kind for example in examples])


def mean_of(examples: Sequence[Example], values: Floats) -> float:
    """Return the mean of values over questions, each weighing what the headline gives it."""
    return float(np.average(values, weights=weights_of(examples)))


def ndcg_of(examples: Sequence[Example], weights: Floats) -> Floats:
    """Return NDCG@10 over files of each question, ``[questions]``."""
    return np.array([_ndcg(example, example.signals @ weights) for example in examples])


def _ndcg(example: Example, scores: Floats) -> float:
    gain, place, seen = 0.0, 0, set()
    for position in np.argsort(-scores, kind="stable"):
        file = example.files[position]
        if file in seen:
            continue
        seen.add(file)
        place += 1
        if place > 10:
            break
        gain += example.in_answer[position] / log2(place + 1)
    return gain / example.ideal


def fit(examples: Sequence[Example], *, signals: Sequence[str] = SIGNALS, strength: float = 1.0) -> Fit:
    """Fit weights to questions.

    Args:
        examples: The questions; those without an answer among the candidates teach nothing. Each weighs what the
            headline gives it.
        signals: The signals that may count.
        strength: What the loss weighs against the squared weights, whose half is added to it.
    """
    taught = question_weights([example.asked.question.kind for example in examples], TEACHING)
    weighed = zip(examples, taught, strict=True)
    counted = [(example, weight) for example, weight in weighed if example.answers.any() and not example.answers.all()]
    able = [example for example, _ in counted]
    given = np.array([GIVEN.get(name, 0.0) if name in signals else 0.0 for name in SIGNALS])
    columns = [number for number, name in enumerate(SIGNALS) if name in signals and name not in GIVEN]
    differences = np.concatenate(
        [example.signals[better] - example.signals[worse] for example in able for better, worse in (example.pairs,)]
    )
    weights = np.zeros(len(SIGNALS))
    weights[[SIGNALS.index("words"), SIGNALS.index("meaning")]] = 1.0
    scale = _scale(able, weights + given)
    for _ in range(_ROUNDS):
        current = weights + scale * given
        pair_weights = np.concatenate([weight * _pair_weights(example, current) for example, weight in counted])
        weights = np.zeros(len(SIGNALS))
        weights[columns] = _minimise(
            differences[:, columns],
            differences @ (scale * given).astype(np.float32),
            pair_weights,
            [SIGNALS[column] for column in columns],
            strength,
        )
        scale = _scale(able, weights + scale * given)
    return Fit(weights / scale + given)


def _minimise(
    differences: Matrix, ahead: Floats, pair_weights: Floats, names: Sequence[str], strength: float
) -> Floats:
    """Return the weights of least regularised logistic loss whose signs are those of the signals.

    Args:
        differences: Signals of the better less those of the worse candidate, ``[pairs, len(names)]``.
        ahead: What the better one is ahead by, by the weights that are given, ``[pairs]``.
        pair_weights: ``[pairs]``.
        names: Of the signals.
        strength: As for `fit`.
    """
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = differences @ weights.astype(np.float32) + ahead
        value = strength * float(pair_weights @ np.logaddexp(0, -margins)) + 0.5 * float(weights @ weights)
        slope = pair_weights / (1 + np.exp(np.clip(margins, -50, 50)))
        return value, weights - strength * (slope.astype(np.float32) @ differences)

    bounds = [(None, 0.0) if name in AGAINST else (0.0, None) for name in names]
    found = minimize(loss, np.zeros(len(names)), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)


def _scale(examples: Sequence[Example], weights: Floats) -> float:
    """Return the mean score of the best candidate, so that scores are about 1 at the top."""
    best = [float((example.signals @ weights).max()) for example in examples if len(example.signals)]
    return float(np.mean(best)) or 1.0


def _pair_weights(example: Example, weights: Floats) -> Floats:
    """What exchanging two candidates would change of NDCG, the sum over the question's pairs made 1."""
    better, worse = example.pairs
    rank = np.empty(len(example.signals))
    rank[np.argsort(-(example.signals @ weights), kind="stable")] = np.arange(1, len(example.signals) + 1)
    gain = 1 / np.log2(rank + 1)
    change = np.abs(gain[better] - gain[worse])
    change = np.where(example.in_answer[worse], _SAME_FILE * change, change)
    return np.asarray(change / max(float(change.sum()), 1e-9), dtype=np.float64)


def cross_validate(
    examples: Sequence[Example], *, signals: Sequence[str] = SIGNALS, folds: int = 5, strength: float = 1.0
) -> Floats:
    """Return NDCG@10 of each question under weights fitted on other repositories, in the order of `examples`."""
    names = list(dict.fromkeys(example.asked.repository.name for example in examples))
    fold = {name: number % folds for number, name in enumerate(names)}
    values = np.zeros(len(examples))
    for number in range(folds):
        inside = [i for i, example in enumerate(examples) if fold[example.asked.repository.name] == number]
        others = [example for example in examples if fold[example.asked.repository.name] != number]
        fitted = fit(others, signals=signals, strength=strength)
        values[inside] = ndcg_of([examples[i] for i in inside], fitted.weights)
    return values


def without(signals: Sequence[str], left_out: str) -> list[str]:
    """Return the signals but one, with what depends on it."""
    return [name for name in signals if name != left_out and not name.startswith(f"{left_out}, ")]


def fit_shipped(asked: Sequence[QuestionCandidates]) -> dict[str, object]:
    """Return the contents of ``weights.json``: what was fitted, on what, and how good it is in cross-validation."""
    examples = examples_of(asked)
    words = examples_of([by_words_only(one) for one in asked])
    value = mean_of(examples, cross_validate(examples))
    by_words = mean_of(words, cross_validate(words, signals=WORD_SIGNALS))
    repositories = {one.repository.name for one in asked}
    return {
        "provenance": {
            "command": "codesearch-eval repositories fit",
            "data": f"{len(asked):,} questions about {len(repositories)} repositories (repositories.tsv, fit)",
            "model": "linear, pairwise logistic loss with LambdaRank's pair weights, signs given",
            "headline NDCG@10 over files, 5-fold cross-validation by repository": (
                f"{value:.4f}, by words only {by_words:.4f}"
            ),
        },
        "repeat": REPEAT,
        "signals": _rounded(fit(examples)),
        "signals, by words only": _rounded(fit(words, signals=WORD_SIGNALS)),
    }


def _rounded(fitted: Fit) -> dict[str, float]:
    return {name: round(weight, 3) for name, weight in fitted.by_name().items()}


def by_words_only(asked: QuestionCandidates) -> QuestionCandidates:
    """Return what would have been found without vectors."""
    found = asked.found
    kept = _named_by_words(found) | (_named_by_words(found.body) if found.body is not None else set())
    body = None if found.body is None else _without_vectors(found.body, kept)
    return replace(asked, found=replace(_without_vectors(found, kept), body=body))


def _named_by_words(found: CandidateSet) -> set[int]:
    """Return the rows of the candidates that words alone name."""
    rows = [(row, candidate) for row, (_, candidate) in enumerate(found.candidates) if candidate.lexical > 0]
    rows.sort(key=lambda pair: -pair[1].lexical)
    quoting = sorted((pair for pair in rows[CANDIDATES:] if pair[1].quoted > 0), key=lambda pair: -pair[1].quoted)
    return {row for row, _ in rows[:CANDIDATES] + quoting[:QUOTING]}


def _without_vectors(found: CandidateSet, rows: set[int]) -> CandidateSet:
    # In their order: title and body of a long question have the same candidates, row for row.
    named = [pair for row, pair in enumerate(found.candidates) if row in rows]
    return replace(found, candidates=[(source, candidate._replace(dense=None)) for source, candidate in named])


def earned_signals(examples: Sequence[Example], say: Callable[[str], None]) -> list[str]:
    """Return the signals without which NDCG@10 in cross-validation falls by `_EARNS`, least promising first."""
    kept = list(SIGNALS)
    best = mean_of(examples, cross_validate(examples, signals=kept))
    say(f"all {len(kept)} signals: {best:.4f}")
    weights = fit(examples, signals=kept).weights
    spread = np.concatenate([example.signals for example in examples if len(example.signals)]).std(axis=0)
    for name in sorted(SIGNALS[2:], key=lambda name: abs(weights[SIGNALS.index(name)]) * spread[SIGNALS.index(name)]):
        if name not in kept or name in GIVEN:
            continue
        rest = without(kept, name)
        value = mean_of(examples, cross_validate(examples, signals=rest))
        say(f"without {name}: {value:.4f} ({value - best:+.4f})")
        if value > best - _EARNS:
            kept, best = rest, max(best, value)
    return kept
