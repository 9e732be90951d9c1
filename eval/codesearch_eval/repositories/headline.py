"""One figure for a ranking: its kinds of questions weighed by how people ask, not by how many could be made.

docs/design/ranking.md says why each kind has the weight that it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from codesearch_eval.metrics import Floats, Interval
from codesearch_eval.repositories.benchmark import Question, QuestionKind

__all__ = ["HEADLINE", "TEACHING", "headline", "question_weights"]

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

TEACHING: Mapping[QuestionKind, float] = {
    **HEADLINE,
    QuestionKind.ISSUE: 0.25,
    QuestionKind.DOCUMENTATION: 0.10,
    QuestionKind.SYMBOL_PART: 0.10,
    QuestionKind.CODE: 0.06,
    QuestionKind.MESSAGE: 0.06,
}
"""What each kind weighs where ranking is fitted.

By the headline alone, a kind that few ask weighs so little that a fit gives it up: names of which a word is forgotten
lost 8 points (of 94.5) for .3 of the headline. These are the kinds that only some signals serve.
"""

_RESAMPLES = 2_000


def question_weights(kinds: Sequence[QuestionKind], of_kinds: Mapping[QuestionKind, float] = HEADLINE) -> Floats:
    """Return what each question weighs, ``[questions]``, 1 on the mean.

    A kind's weight is spread over its questions. Where a kind has none, the others make up for it.

    Args:
        kinds: Of each question.
        of_kinds: What each kind weighs.
    """
    count = Counter(kinds)
    weights = np.array([of_kinds[kind] / count[kind] for kind in kinds], dtype=np.float64)
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
