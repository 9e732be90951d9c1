"""Metrics of ranked retrieval, and how sure of them one can be: pure functions over arrays.

Ties are part of a metric's definition: rankings by cosine hold exact ties (the same body under two names)
and rankings by BM25 hold many (every document without a word of the query). trec_eval breaks them by the
documents' names, which is arbitrary; here a `TieRule` is named and stored with every figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Comparison",
    "Floats",
    "Interval",
    "TieRule",
    "bootstrap_interval",
    "first_relevant_ranks",
    "ideal_dcg",
    "macro_mean",
    "ndcg",
    "paired_comparison",
    "reciprocal_ranks",
    "success_at",
]

Floats = NDArray[np.float64]
"""Per-query values, ``[queries]``."""

_CHUNK = 250  # bootstrap resamples drawn at once: 250 x 1,000 queries x 8 bytes = 2 MB


class TieRule(StrEnum):
    """Which order documents of equal score are taken to have."""

    PESSIMISTIC = "pessimistic"
    """The worst one for the system, as in CodeSearchNet's own evaluation (``sum(distances <= correct)``)."""
    EXPECTED = "expected"
    """A random one: the mean rank, and the mean gain, over all orders of the tied documents."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its confidence interval; all three in the figure's own unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean difference of two systems over the same queries, second minus first.

    Attributes:
        difference: Its value and bootstrap confidence interval.
        p_value: Two-sided, from sign flips: how often a difference at least as large comes up
            where it does not matter which of the two systems produced which score.
        queries: Number of queries that both systems answered.
    """

    difference: Interval
    p_value: float
    queries: int


def first_relevant_ranks(scores: NDArray[np.floating], relevant: Sequence[Sequence[int]], ties: TieRule) -> Floats:
    """Return the 1-based rank of the best-ranked relevant document of each query.

    Args:
        scores: ``[queries, documents]``, higher is better.
        relevant: The columns that are relevant, at least one for each query.
        ties: The order of equal scores. Under `TieRule.EXPECTED` the rank may be fractional.

    Returns:
        Ranks, ``[queries]``.

    Raises:
        ValueError: A query has no relevant document, the shapes differ, or a score is not a number.
    """
    if len(scores) != len(relevant):
        raise ValueError(f"{len(scores)} rows of scores for {len(relevant)} queries")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite: a ranking by NaN means nothing")
    ranks = np.empty(len(relevant), dtype=np.float64)
    for row, columns in enumerate(relevant):
        if not len(columns):
            raise ValueError(f"query {row} has no relevant document")
        answers = np.unique(np.asarray(columns, dtype=np.intp))
        best = scores[row, answers].max()
        better = np.count_nonzero(scores[row] > best)
        tied_relevant = np.count_nonzero(scores[row, answers] == best)
        tied_others = np.count_nonzero(scores[row] == best) - tied_relevant
        if ties is TieRule.PESSIMISTIC:
            ranks[row] = 1 + better + tied_others
        else:
            # The first of r marked ones among r + t shuffled ones stands at (r + t + 1) / (r + 1) on average.
            ranks[row] = 1 + better + tied_others / (tied_relevant + 1)
    return ranks


def reciprocal_ranks(ranks: Floats) -> Floats:
    """Return ``1 / rank`` of each query; their mean is the MRR, without a cut-off."""
    return 1.0 / ranks


def success_at(ranks: Floats, k: int) -> Floats:
    """Return 1.0 for each query with a relevant document in the first `k`, else 0.0.

    With one relevant document per query this is recall@k.
    """
    return (ranks <= k).astype(np.float64)


def ideal_dcg(grades: Sequence[float]) -> float:
    """Return the DCG of the best possible ranking of documents with these grades."""
    return _dcg(_gains(np.sort(np.asarray(grades, dtype=np.float64))[::-1]))


def ndcg(
    scores: NDArray[np.floating],
    grades: Mapping[int, float],
    ties: TieRule,
    *,
    judged_only: bool,
    cutoff: int | None = None,
) -> float | None:
    """Return the normalised discounted cumulative gain of one ranking, as CodeSearchNet defines it.

    The gain of a document is ``2 ** grade - 1`` (trec_eval's default is the grade itself) and the discount
    ``log2(rank + 1)``; the ideal ranking is that of all judged documents, without a cut-off. Source:
    ``src/relevanceeval.py`` of github/CodeSearchNet (Husain et al., arXiv 1909.09436).

    Args:
        scores: ``[documents]``, higher is better.
        grades: Column -> grade, 0 or more, possibly a fraction (the mean of several judges).
        ties: The order of equal scores.
        judged_only: Leave documents that nobody judged out of the ranking (CodeSearchNet's first form);
            otherwise they take their place in it with a gain of 0 (its "full ranking").
        cutoff: Look at no more than the first so many documents; CodeSearchNet's script reads 300.

    Returns:
        A value in 0..1, or None where no grade is above 0: such a query does not count.
    """
    ideal = ideal_dcg(list(grades.values()))
    if ideal == 0.0:
        return None
    columns = np.fromiter(grades, dtype=np.intp, count=len(grades))
    values = np.fromiter(grades.values(), dtype=np.float64, count=len(grades))
    if judged_only:
        ranked_scores, gains = scores[columns], _gains(values)
    else:
        ranked_scores, gains = scores, np.zeros(len(scores), dtype=np.float64)
        gains[columns] = _gains(values)
    return _dcg(_order_gains(ranked_scores, gains, ties)[:cutoff]) / ideal


def _gains(grades: Floats) -> Floats:
    return np.exp2(grades) - 1.0


def _dcg(gains: Floats) -> float:
    return float(np.sum(gains / np.log2(np.arange(2, len(gains) + 2))))


def _order_gains(scores: NDArray[np.floating], gains: Floats, ties: TieRule) -> Floats:
    """Return `gains` in the order of falling `scores`, ties settled by `ties`."""
    order = np.lexsort((gains, -scores))
    if ties is TieRule.PESSIMISTIC:
        return gains[order]
    _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=gains) / sizes
    return np.repeat(means, sizes)


def macro_mean(groups: Sequence[Floats]) -> float:
    """Return the mean over groups (languages) of the mean over their queries: every group weighs the same."""
    return float(np.mean([values.mean() for values in groups]))


def bootstrap_interval(
    groups: Sequence[Floats], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return the macro mean of per-query values with its percentile bootstrap interval.

    Queries are drawn with replacement within each group, so that the groups keep their sizes. The interval
    speaks of other queries of the same kind, not of other data sets.

    Args:
        groups: Per-query values of each group, ``[queries]`` each; one group for a plain mean.
        confidence: Mass of the interval.
        resamples: Number of bootstrap samples.
        seed: Seed of the generator: the same values give the same interval.

    Raises:
        ValueError: There is no group, or one is empty.
    """
    if not groups or any(len(values) == 0 for values in groups):
        raise ValueError("a confidence interval needs at least one value in every group")
    generator = np.random.default_rng(seed)
    means = np.zeros(resamples, dtype=np.float64)
    for values in groups:
        for start in range(0, resamples, _CHUNK):
            size = min(_CHUNK, resamples - start)
            draws = generator.integers(len(values), size=(size, len(values)))
            means[start : start + size] += values[draws].mean(axis=1)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(means / len(groups), [tail, 1.0 - tail])
    return Interval(macro_mean(groups), float(low), float(high))


def paired_comparison(
    first: Sequence[Floats], second: Sequence[Floats], *, resamples: int = 2000, seed: int = 0
) -> Comparison:
    """Compare two systems on the same queries, in the same groups and order.

    Source: Smucker, Allan, Carterette, *A Comparison of Statistical Significance Tests for Information
    Retrieval Evaluation*, CIKM 2007, which recommends the randomisation test and the bootstrap.

    Args:
        first: Per-query values of the one system, group by group.
        second: Those of the other.
        resamples: Number of bootstrap samples, and of sign flips.
        seed: Seed of the generator.

    Raises:
        ValueError: The systems did not answer the same number of queries in every group.
    """
    if [len(values) for values in first] != [len(values) for values in second]:
        raise ValueError("the two systems did not answer the same queries")
    differences = [after - before for before, after in zip(first, second, strict=True)]
    interval = bootstrap_interval(differences, resamples=resamples, seed=seed)
    generator = np.random.default_rng(seed)
    flipped = np.zeros(resamples, dtype=np.float64)
    for values in differences:
        for start in range(0, resamples, _CHUNK):
            size = min(_CHUNK, resamples - start)
            signs = generator.integers(2, size=(size, len(values))) * 2 - 1
            flipped[start : start + size] += (signs * values).mean(axis=1)
    # Tolerance: sums of the same terms in another order differ in the last bits.
    extreme = np.count_nonzero(np.abs(flipped / len(differences)) >= abs(interval.value) - 1e-12)
    p_value = (extreme + 1) / (resamples + 1)  # the observed labelling is one of the possible ones
    return Comparison(interval, p_value, sum(len(values) for values in differences))
