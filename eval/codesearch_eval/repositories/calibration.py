"""Fitting how far results are to be believed: logistic regression of "is it right" on features that compare anywhere.

One model for the first result of a question and one for those behind it, each once with vectors and once by words
alone. A file's first result is right if the file is; a further one of the same file if its chunk is, where the question
names chunks. Every kind of question weighs the same, and questions without an answer weigh a fifth of all. Levels begin
where predictions for repositories that were left out of the fit (five folds) are right often enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import InputError
from codesearch.search.ranking import RankedCandidate, rank
from codesearch.search.ranking.confidence import (
    ANY_SIGN,
    CONFIDENCE_FEATURES,
    OPPOSING,
    VECTOR_FEATURES,
    ConfidenceModel,
    Surroundings,
)
from codesearch.search.ranking.weights import Weights
from codesearch_eval.metrics import Floats
from codesearch_eval.repositories.benchmark import UNANSWERABLE, Question
from codesearch_eval.repositories.fit import by_words_only
from codesearch_eval.repositories.runs import QuestionCandidates

__all__ = [
    "JudgedExample",
    "JudgedExamples",
    "calibrate_shipped",
    "cross_validated",
    "fit_model",
    "judged_examples",
    "question_weights",
]

_UNANSWERABLE_SHARE: Final = 0.2
"""What questions without an answer weigh, of all."""

_RESULTS: Final = 10
_FOLDS: Final = 5
_STRENGTH: Final = 2.0
"""What half of the squared weights, of features brought to unit spread, is multiplied with."""

_LEAST_SPREAD: Final = 0.15
"""Features that spread less are not stretched beyond this: what is rare in these questions may be large in others."""

_SURE, _LIKELY = 0.9, 0.6
_LEAST_SURE, _LEAST_LIKELY = 0.8, 0.55
"""No result is called sure or likely below this probability, however good those above it are."""

_MISSED: Final = 0.05
"""Share of right first results that may be shown under "nothing fits well"."""


@dataclass(frozen=True)
class JudgedExample:
    """The first results of a question as numbers.

    Attributes:
        asked: The question; without candidates where nothing was found.
        features: ``[results, len(CONFIDENCE_FEATURES)]``.
        right: Whether each is right, ``[results]``.
    """

    asked: QuestionCandidates
    features: Floats
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class JudgedExamples:
    """Questions, with vectors and by words alone.

    Attributes:
        with_vectors: Those for which something was found.
        by_words: Likewise, as if there were no vectors.
        nothing_found: How many questions found nothing by their words: with an answer, and without.
    """

    with_vectors: Sequence[JudgedExample]
    by_words: Sequence[JudgedExample]
    nothing_found: tuple[int, int] = (0, 0)


def judged_examples(asked: Sequence[QuestionCandidates], weights: Weights | None = None) -> JudgedExamples:
    """Rank the candidates of questions, and return the first results as numbers.

    Args:
        asked: The questions.
        weights: Of ranking; None for the shipped ones.

    Raises:
        InputError: The candidates are of a version that did not note which terms each holds.
    """
    if asked and not any(candidate.held for one in asked for _, candidate in one.found.candidates):
        raise InputError("the candidates do not say which terms they hold: ask again with this version")
    encoded = [one for one in asked if any(candidate.dense is not None for _, candidate in one.found.candidates)]
    words = [by_words_only(one) for one in asked]
    empty = [one.question.kind in UNANSWERABLE for one in words if not one.found.candidates]
    return JudgedExamples(
        [_example(one, weights) for one in encoded],
        [_example(one, weights) for one in words if one.found.candidates],
        (len(empty) - sum(empty), sum(empty)),
    )


def _example(asked: QuestionCandidates, weights: Weights | None) -> JudgedExample:
    ranked = rank(asked.found, weights)
    surroundings = Surroundings(asked.found, ranked)
    shown = ranked[:_RESULTS]
    features = np.zeros((len(shown), len(CONFIDENCE_FEATURES)))
    column = {name: number for number, name in enumerate(CONFIDENCE_FEATURES)}
    for number in range(len(shown)):
        for name, value in surroundings.features(number).items():
            features[number, column[name]] = value
    return JudgedExample(asked, features, np.array(_right(asked.question, shown), dtype=bool))


def _right(question: Question, shown: Sequence[RankedCandidate]) -> list[bool]:
    seen: set[str] = set()
    right = []
    for entry in shown:
        path, name = entry.candidate.path, entry.candidate.qualified_name
        whole = path not in seen or not question.chunks
        right.append(path in question.files if whole else (path, name) in question.chunks)
        seen.add(path)
    return right


def question_weights(examples: Sequence[JudgedExample]) -> Floats:
    """Return what each question weighs, ``[questions]``; they sum to their number."""
    kinds = [one.asked.question.kind for one in examples]
    counts = Counter(kinds)
    answerable = len(counts.keys() - UNANSWERABLE)
    without = sum(counts[kind] for kind in UNANSWERABLE)
    each = {
        kind: _UNANSWERABLE_SHARE / without if kind in UNANSWERABLE else (1 - _UNANSWERABLE_SHARE) / answerable / count
        for kind, count in counts.items()
    }
    weights = np.array([each[kind] for kind in kinds])
    return np.asarray(weights * len(examples) / weights.sum(), dtype=np.float64)


# --- fitting ------------------------------------------------------------------------------------------------


def calibrate_shipped(examples: JudgedExamples, encoder: str) -> dict[str, Any]:
    """Return the contents of ``confidence.json``.

    Args:
        examples: Of the fit half.
        encoder: Id of the model that made the vectors.

    Raises:
        InputError: There are no questions with an answer, or none without.
    """
    every = examples.by_words
    without = sum(one.asked.question.kind in UNANSWERABLE for one in every)
    if not 0 < without < len(every):
        raise InputError("calibration needs questions with an answer and without: run `ask` and `ask-foreign` first")
    repositories = {one.asked.repository.name for one in every}
    found: dict[str, Any] = {
        "provenance": {
            "command": "codesearch-eval repositories calibrate",
            "data": f"{len(every) - without:,} questions with an answer and {without:,} without, about "
            f"{len(repositories)} repositories (repositories.tsv, fit)",
            "model": "logistic, every kind of question weighing the same, signs given; levels from 5-fold "
            "cross-validation by repository",
        }
    }
    found["by words only"] = _as_data(fit_model(every, by_words=True))
    # Without vectors there is nothing to fit on, and an answer by words is judged by its words.
    encoded = examples.with_vectors
    if encoded:
        found["with vectors"] = {"encoder": encoder, **_as_data(fit_model(encoded, by_words=False))}
    else:
        found["with vectors"] = {"encoder": "", **found["by words only"]}
    return found


def _as_data(model: ConfidenceModel) -> dict[str, Any]:
    levels = {"sure": model.sure, "likely": model.likely, "fits": model.fits}
    return {**levels, "first": dict(model.first), "further": dict(model.further)}


def fit_model(examples: Sequence[JudgedExample], *, by_words: bool) -> ConfidenceModel:
    """Fit a model to questions, and choose where its levels begin."""
    first, further = _fit_weights(examples, by_words)
    predicted = cross_validated(examples, by_words=by_words)
    right = np.array([one.right[0] for one in examples])
    weights = question_weights(examples)
    sure = max(_LEAST_SURE, _threshold(predicted, right, weights, 1.1, _SURE))
    likely = min(sure, max(_LEAST_LIKELY, _threshold(predicted, right, weights, sure, _LIKELY)))
    fits = min(likely, _quantile(predicted[right], weights[right], _MISSED))
    return ConfidenceModel(first, further, round(sure, 3), round(likely, 3), round(fits, 3))


def cross_validated(examples: Sequence[JudgedExample], *, by_words: bool) -> Floats:
    """Return for each question how probable its first result is to be right, fitted on other repositories."""
    names = list(dict.fromkeys(one.asked.repository.name for one in examples))
    fold = np.array([names.index(one.asked.repository.name) % min(_FOLDS, len(names)) for one in examples])
    values = np.zeros(len(examples))
    for number in range(fold.max() + 1):
        inside = fold == number
        rest = [one for one, is_in in zip(examples, inside, strict=True) if not is_in] or examples
        weights, _ = _fit_weights(rest, by_words)
        features = np.array([one.features[0] for one, is_in in zip(examples, inside, strict=True) if is_in])
        values[inside] = _probability(features, weights)
    return values


def _fit_weights(examples: Sequence[JudgedExample], by_words: bool) -> tuple[dict[str, float], dict[str, float]]:
    names = [name for name in CONFIDENCE_FEATURES if not (by_words and name in VECTOR_FEATURES)]
    each = question_weights(examples)
    first = np.array([one.features[0] for one in examples]), np.array([one.right[0] for one in examples]), each
    several = [(one, weight) for one, weight in zip(examples, each, strict=True) if len(one.right) > 1]
    further = (
        np.concatenate([one.features[1:] for one, _ in several]),
        np.concatenate([one.right[1:] for one, _ in several]),
        np.concatenate([np.full(len(one.right) - 1, weight / (len(one.right) - 1)) for one, weight in several]),
    )
    return _minimise(*first, names), _minimise(*further, names)


def _minimise(features: Floats, right: NDArray[np.bool_], weights: Floats, names: Sequence[str]) -> dict[str, float]:
    """Return the weights of least regularised logistic loss whose signs are those of the features."""
    from scipy.optimize import minimize

    columns = [number for number, name in enumerate(CONFIDENCE_FEATURES) if name in names]
    spread = np.maximum(features[:, columns].std(axis=0), _LEAST_SPREAD)
    scaled = features[:, columns] / spread
    signs = np.where(right, 1.0, -1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        margins = signs * (scaled @ values[1:] + values[0])
        slope = -weights * signs / (1 + np.exp(np.clip(margins, -50, 50)))
        value = float(weights @ np.logaddexp(0, -margins)) + _STRENGTH / 2 * float(values[1:] @ values[1:])
        return value, np.concatenate([[slope.sum()], slope @ scaled + _STRENGTH * values[1:]])

    bounds = [(None, None), *map(_bounds, names)]
    found = minimize(loss, np.zeros(1 + len(columns)), jac=True, bounds=bounds, method="L-BFGS-B").x
    fitted = {name: found[1 + n] / spread[n] for n, name in enumerate(names)}
    kept = {name: round(float(value), 3) for name, value in fitted.items() if abs(value) >= 0.0005}
    return {"bias": round(float(found[0]), 3), **kept}


def _bounds(name: str) -> tuple[float | None, float | None]:
    if name in ANY_SIGN:
        return None, None
    return (None, 0.0) if name in OPPOSING else (0.0, None)


def _probability(features: Floats, weights: dict[str, float]) -> Floats:
    vector = np.array([weights.get(name, 0.0) for name in CONFIDENCE_FEATURES])
    return np.asarray(1 / (1 + np.exp(-(features @ vector + weights["bias"]))), dtype=np.float64)


# --- levels -------------------------------------------------------------------------------------------------


def _threshold(predicted: Floats, right: NDArray[np.bool_], weights: Floats, below: float, wanted: float) -> float:
    """Return the least probability from which on, up to `below`, a share `wanted` of predictions is right; else 1."""
    order = [row for row in np.argsort(-predicted, kind="stable") if predicted[row] < below]
    hits, total = np.cumsum(weights[order] * right[order]), np.cumsum(weights[order])
    enough = np.nonzero(hits >= wanted * total)[0]
    return float(predicted[order[enough[-1]]]) if len(enough) else 1.0


def _quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the value below which a share of the weight lies."""
    order = np.argsort(values, kind="stable")
    return float(values[order[int(np.searchsorted(np.cumsum(weights[order]), share * weights.sum()))]])
