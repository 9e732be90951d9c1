"""How true a confidence is: what was predicted against what was observed, on repositories it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesearch.records import Level
from codesearch.search.ranking.confidence import CONFIDENCE_FEATURES, ConfidenceModel, read_calibration
from codesearch_eval.markdown import markdown_table
from codesearch_eval.metrics import Floats
from codesearch_eval.repositories.benchmark import UNANSWERABLE
from codesearch_eval.repositories.calibration import JudgedExample, JudgedExamples, question_weights

__all__ = ["brier_score", "level_table", "reliability_report", "reliability_table"]

_BINS = 10


def reliability_report(examples: JudgedExamples, file: Path) -> str:
    """Return in Markdown how true the confidence of a file is: its first results, then those behind them.

    Args:
        examples: Of repositories that it was not fitted on.
        file: That ``calibrate`` wrote.

    Raises:
        InputError: The file holds no calibration.
    """
    calibration = read_calibration(file)
    parts = []
    for title, model, asked in (
        ("with vectors", calibration.with_vectors, examples.with_vectors),
        ("by words only", calibration.by_words, examples.by_words),
    ):
        if asked:
            parts.append(f"## {title}, {len(asked):,} questions\n\n{_report(model, asked)}")
    with_answer, without = examples.nothing_found
    parts.append(f"Nothing is found by words for {with_answer:,} questions with an answer and {without:,} without.")
    return "\n\n".join(parts)


def _report(model: ConfidenceModel, examples: Sequence[JudgedExample]) -> str:
    judged = [_judged(model, one) for one in examples]
    first = np.array([values[0] for values in judged])
    right = np.array([one.right[0] for one in examples])
    weights = question_weights(examples)
    behind = np.concatenate([values[1:] for values in judged])
    behind_right = np.concatenate([one.right[1:] for one in examples])
    each = np.concatenate([np.full(len(one.right) - 1, 1.0) for one in examples])
    base = float(np.average(right, weights=weights))
    brier = brier_score(first, right, weights)
    return (
        f"first results, every kind weighing the same: Brier score {brier:.3f} (a constant {base:.2f} has "
        f"{base * (1 - base):.3f})\n\n{reliability_table(first, right, weights)}\n\n"
        f"results 2 to 10: Brier score {brier_score(behind, behind_right, each):.3f}\n\n"
        f"{reliability_table(behind, behind_right, each)}\n\n"
        f"levels of first results: sure from {model.sure}, likely from {model.likely}; below {model.fits} nothing "
        f"fits well\n\n{level_table(model, examples, first, right)}"
    )


def _judged(model: ConfidenceModel, example: JudgedExample) -> Floats:
    """Return the probabilities of a question's results, none above one before it, ``[results]``."""
    values = [
        model.probability(dict(zip(CONFIDENCE_FEATURES, row.tolist(), strict=True)), first=not number)
        for number, row in enumerate(example.features)
    ]
    return np.minimum.accumulate(np.array(values))


def brier_score(predicted: Floats, right: NDArray[np.bool_], weights: Floats) -> float:
    """Return the weighted mean squared error of probabilities (Brier, 1950); 0 is perfect."""
    return float(np.average((predicted - right) ** 2, weights=weights))


def reliability_table(predicted: Floats, right: NDArray[np.bool_], weights: Floats) -> str:
    """Return a Markdown table of ten bins: what was predicted in each, and how often it was so, in percent."""
    bins = np.minimum((predicted * _BINS).astype(int), _BINS - 1)
    rows = []
    for number in range(_BINS):
        inside = bins == number
        if inside.any():
            means = (np.average(values[inside], weights=weights[inside]) for values in (predicted, right))
            name = f"{100 * number // _BINS} to {100 * (number + 1) // _BINS}"
            rows.append([name, f"{int(inside.sum()):,}", *(f"{100 * mean:.1f}" for mean in means)])
    return markdown_table(["bin %", "n", "predicted %", "observed %"], rows)


def level_table(
    model: ConfidenceModel, examples: Sequence[JudgedExample], predicted: Floats, right: NDArray[np.bool_]
) -> str:
    """Return a Markdown table of how many first results have each level, and how many of these are right."""
    kinds = np.array([one.asked.question.kind.value for one in examples])
    answerable = np.array([one.asked.question.kind not in UNANSWERABLE for one in examples])
    levels = np.array([model.level(float(value)).value for value in predicted])
    groups = [(kind, kinds == kind) for kind in dict.fromkeys(kinds)]
    groups += [("all with an answer", answerable), ("all without", ~answerable)]
    rows = [_level_row(name, chosen, levels, right, predicted < model.fits) for name, chosen in groups if chosen.any()]
    weights = question_weights(examples)
    cells = ["every kind the same", f"{len(examples):,}"]
    for level in Level:
        inside = levels == level
        share = np.average(right[inside], weights=weights[inside]) if inside.any() else 0.0
        cells += [f"{100 * weights[inside].sum() / weights.sum():.1f}", f"{100 * share:.1f}" if inside.any() else ""]
    rows.append([*cells, f"{100 * np.average(predicted < model.fits, weights=weights):.1f}"])
    head = [part for level in Level for part in (f"{level.value} %", "right %")]
    return markdown_table(["questions", "n", *head, "nothing fits %"], rows)


def _level_row(
    name: str,
    chosen: NDArray[np.bool_],
    levels: NDArray[np.str_],
    right: NDArray[np.bool_],
    unfit: NDArray[np.bool_],
) -> list[str]:
    cells = [name, f"{int(chosen.sum()):,}"]
    for level in Level:
        inside = chosen & (levels == level)
        cells.append(f"{100 * inside.sum() / chosen.sum():.1f}")
        cells.append(f"{100 * right[inside].mean():.1f}" if inside.any() else "")
    return [*cells, f"{100 * unfit[chosen].mean():.1f}"]
