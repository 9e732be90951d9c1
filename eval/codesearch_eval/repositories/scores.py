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
from codesearch_eval.metrics import Floats, Interval, bootstrap_interval
from codesearch_eval.repositories.benchmark import Question, QuestionKind
from codesearch_eval.repositories.headline import headline
from codesearch_eval.repositories.runs import QuestionCandidates

__all__ = ["METRICS", "Scores", "chunk_order", "file_order", "kind_table", "language_table", "score", "score_orders"]

METRICS = ("NDCG@10", "MRR", "hit@1", "hit@3", "hit@5", "hit@10")
_HITS = tuple(int(metric.removeprefix("hit@")) for metric in METRICS if metric.startswith("hit@"))
_CUTOFF = 10


@dataclass(frozen=True, slots=True)
class Scores:
    """Per-question values of one ranking.

    Attributes:
        files: By metric, over files.
        chunks: By metric, over chunks, of the questions that chunks answer.
        of_chunks: Positions of those questions.
    """

    files: Mapping[str, Floats]
    chunks: Mapping[str, Floats]
    of_chunks: tuple[int, ...]


def score(
    asked: Sequence[QuestionCandidates],
    ranking: Callable[[QuestionCandidates], Sequence[RankedCandidate]] = lambda a: rank(a.found),
) -> Scores:
    """Rank the candidates of every question and return its values."""
    orders = [ranking(one) for one in asked]
    of_chunks = tuple(number for number, one in enumerate(asked) if one.question.chunks)
    return Scores(
        score_orders([one.question.files for one in asked], [file_order(order) for order in orders]),
        score_orders([asked[n].question.chunks for n in of_chunks], [chunk_order(orders[n]) for n in of_chunks]),
        of_chunks,
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
    hits = [float(first is not None and first <= k) for k in _HITS]
    return [gain / ideal, 1 / first if first else 0.0, *hits]


def kind_table(questions: Sequence[Question], values: Mapping[str, Floats]) -> str:
    """Return a Markdown table of metrics by kind of question, in percent, with intervals of the first metric.

    The last row is the headline, which weighs kinds by how people ask.
    """
    order = [kind.value for kind in QuestionKind]
    groups = sorted((question.kind.value for question in questions), key=order.index)
    cells = ["headline", f"{len(questions):,}"]
    cells += [_cell(metric, headline(questions, values[metric])) for metric in METRICS]
    rows = _rows([question.kind.value for question in questions], list(dict.fromkeys(groups)), values)
    return markdown_table(_titles("questions"), [*rows, cells])


def language_table(asked: Sequence[QuestionCandidates], values: Mapping[str, Floats]) -> str:
    """Return the same by the language of the repository."""
    return _table("language", [one.repository.language for one in asked], values)


def _table(title: str, groups: Sequence[str], values: Mapping[str, Floats]) -> str:
    return markdown_table(_titles(title), _rows(groups, list(dict.fromkeys(groups)), values))


def _titles(title: str) -> list[str]:
    return [title, "n", *(f"{metric} %" for metric in METRICS)]


def _rows(groups: Sequence[str], names: Sequence[str], values: Mapping[str, Floats]) -> list[list[str]]:
    of = np.array(groups)
    rows = [_row(name, of == name, values) for name in names]
    return [*rows, _row("all", np.ones(len(of), dtype=bool), values)]


def _row(name: str, chosen: np.ndarray, values: Mapping[str, Floats]) -> list[str]:
    parts = [(metric, values[metric][chosen]) for metric in METRICS]
    return [name, f"{int(chosen.sum()):,}", *(_cell(metric, bootstrap_interval([part])) for metric, part in parts)]


def _cell(metric: str, found: Interval) -> str:
    interval = f" [{100 * found.low:.1f}, {100 * found.high:.1f}]" if metric == METRICS[0] else ""
    return f"{100 * found.value:.1f}{interval}"
