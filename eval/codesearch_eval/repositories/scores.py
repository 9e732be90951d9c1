"""How good a ranking of whole repositories is: over files, one result a file, and over chunks.

NDCG with gain 1 for every answer (Järvelin and Kekäläinen, 2002), reciprocal rank and hit rates of the first
answer. Rankings have no ties: equal scores are ordered by place. A question whose answers were not found has 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from codesearch.search.ranking import RankedCandidate, rank
from codesearch_eval.markdown import markdown_table
from codesearch_eval.metrics import Floats, bootstrap_interval
from codesearch_eval.repositories.benchmark import Question
from codesearch_eval.repositories.runs import QuestionCandidates

__all__ = ["METRICS", "Scores", "chunk_order", "file_order", "kind_table", "language_table", "score", "score_orders"]

METRICS = ("NDCG@10", "MRR", "hit@1", "hit@5", "hit@10")
_CUTOFF = 10


@dataclass(frozen=True, slots=True)
class Scores:
    """Per-question values of one ranking.

    Attributes:
        files: By metric, over files.
        chunks: By metric, over chunks.
    """

    files: Mapping[str, Floats]
    chunks: Mapping[str, Floats]


def score(
    asked: Sequence[QuestionCandidates],
    ranking: Callable[[QuestionCandidates], Sequence[RankedCandidate]] = lambda a: rank(a.found),
) -> Scores:
    """Rank the candidates of every question and return its values."""
    orders = [ranking(one) for one in asked]
    return Scores(
        score_orders([one.question.files for one in asked], [file_order(order) for order in orders]),
        score_orders([one.question.chunks for one in asked], [chunk_order(order) for order in orders]),
    )


def file_order(ranked: Iterable[RankedCandidate]) -> list[str]:
    """Return the files of a ranking, each at the place of its best chunk."""
    return list(dict.fromkeys(entry.candidate.path for entry in ranked))


def chunk_order(ranked: Iterable[RankedCandidate]) -> list[tuple[str, str]]:
    """Return (path, qualified name) of a ranking's chunks; parts of one definition count once."""
    return list(dict.fromkeys((entry.candidate.path, entry.candidate.qualified_name) for entry in ranked))


def score_orders(answers: Sequence[Sequence[object]], orders: Sequence[Sequence[object]]) -> dict[str, Floats]:
    """Return the values of orders, by metric, ``[questions]`` each."""
    rows = np.array([_values(set(a), order) for a, order in zip(answers, orders, strict=True)], dtype=np.float64)
    return dict(zip(METRICS, rows.reshape(-1, len(METRICS)).T, strict=True))


def _values(answers: set[object], order: Sequence[object]) -> list[float]:
    places = [place for place, result in enumerate(order, 1) if result in answers]
    first = places[0] if places else None
    gain = sum(1 / log2(place + 1) for place in places if place <= _CUTOFF)
    ideal = sum(1 / log2(place + 1) for place in range(1, min(len(answers), _CUTOFF) + 1))
    hits = [float(first is not None and first <= k) for k in (1, 5, 10)]
    return [gain / ideal, 1 / first if first else 0.0, *hits]


def kind_table(questions: Sequence[Question], values: Mapping[str, Floats]) -> str:
    """Return a Markdown table of metrics by kind of question, in percent, with intervals of the first metric."""
    return _table("questions", [question.kind.value for question in questions], values)


def language_table(asked: Sequence[QuestionCandidates], values: Mapping[str, Floats]) -> str:
    """Return the same by the language of the repository."""
    return _table("language", [one.repository.language for one in asked], values)


def _table(title: str, groups: Sequence[str], values: Mapping[str, Floats]) -> str:
    names = np.array(groups)
    rows = [_row(name, names == name, values) for name in dict.fromkeys(groups)]
    rows.append(_row("all", np.ones(len(names), dtype=bool), values))
    return markdown_table([title, "n", *(f"{metric} %" for metric in METRICS)], rows)


def _row(name: str, chosen: np.ndarray, values: Mapping[str, Floats]) -> list[str]:
    cells = [name, f"{int(chosen.sum()):,}"]
    for metric in METRICS:
        part = values[metric][chosen]
        cell = f"{100 * part.mean():.1f}"
        if metric == METRICS[0]:
            interval = bootstrap_interval([part])
            cell += f" [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
        cells.append(cell)
    return cells
