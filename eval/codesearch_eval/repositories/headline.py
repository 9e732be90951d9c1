"""One figure for a ranking: its kinds of questions weighed by how people ask, not by how many could be made.

docs/design/ranking.md says why each kind has the weight that it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from codesearch_eval.metrics import Floats, Interval
from codesearch_eval.repositories.benchmark import Question, QuestionKind

__all__ = ["HEADLINE", "headline", "question_weights"]

HEADLINE: Mapping[QuestionKind, float] = {
    QuestionKind.ASKED: 0.40,
    QuestionKind.ISSUE: 0.15,
    QuestionKind.COMMIT: 0.04,
    QuestionKind.COMMIT_BODY: 0.03,
    QuestionKind.CHANGE_LOG: 0.07,
    QuestionKind.TEST: 0.07,
    QuestionKind.DOCUMENTATION: 0.04,
    QuestionKind.FILE: 0.04,
    QuestionKind.SYMBOL: 0.06,
    QuestionKind.SYMBOL_STYLE: 0.02,
    QuestionKind.SYMBOL_PART: 0.02,
    QuestionKind.CODE: 0.03,
    QuestionKind.MESSAGE: 0.03,
}
"""What each kind weighs; 1 in all."""

_RESAMPLES = 2_000


def question_weights(kinds: Sequence[QuestionKind]) -> Floats:
    """Return what each question weighs, ``[questions]``, 1 on the mean.

    A kind's weight is spread over its questions. Where a kind has none, the others make up for it.
    """
    count = Counter(kinds)
    weights = np.array([HEADLINE[kind] / count[kind] for kind in kinds], dtype=np.float64)
    return weights * (len(kinds) / weights.sum()) if len(kinds) else weights


def headline(questions: Sequence[Question], values: Floats) -> Interval:
    """Return the mean of values over questions, weighed by kind, and its 95% bootstrap interval.

    Questions are drawn with replacement within each kind: the interval speaks of other questions of these kinds.

    Args:
        questions: At least one.
        values: Of each question, ``[questions]``; a metric, or the difference of two.
    """
    generator = np.random.default_rng(0)
    kinds = np.array([question.kind.value for question in questions])
    present = [kind for kind in HEADLINE if (kinds == kind.value).any()]
    total = sum(HEADLINE[kind] for kind in present)
    means, value = np.zeros(_RESAMPLES), 0.0
    for kind in present:
        part = values[kinds == kind.value]
        draws = generator.integers(len(part), size=(_RESAMPLES, len(part)))
        means += HEADLINE[kind] / total * part[draws].mean(axis=1)
        value += HEADLINE[kind] / total * float(part.mean())
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(value, float(low), float(high))
