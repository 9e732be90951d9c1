from __future__ import annotations

from itertools import combinations
from math import log2

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from codesearch_eval.metrics import (
    TieRule,
    bootstrap_interval,
    first_relevant_ranks,
    ideal_dcg,
    macro_mean,
    ndcg,
    paired_comparison,
    reciprocal_ranks,
    success_at,
)

PESSIMISTIC, EXPECTED = TieRule.PESSIMISTIC, TieRule.EXPECTED


def test_ranks_of_a_hand_worked_example():
    scores = np.array(
        [
            [0.9, 0.5, 0.1, 0.3],  # the answer (1) is second
            [0.2, 0.8, 0.8, 0.8],  # the answer (2) ties with two others, nothing is better
            [0.7, 0.6, 0.6, 0.1],  # the answers (1, 2) tie with each other only
            [0.4, 0.4, 0.4, 0.4],  # the answers (0, 3) tie with two others
        ]
    )
    relevant = [[1], [2], [1, 2], [0, 3]]
    worst = first_relevant_ranks(scores, relevant, PESSIMISTIC)
    mean = first_relevant_ranks(scores, relevant, EXPECTED)
    assert worst.tolist() == [2, 3, 2, 3]
    # Second row: ranks 1, 2, 3 are equally likely. Fourth: the first of two answers among four places
    # stands at 1 (3 of 6 orders), 2 (2 of 6) or 3 (1 of 6): 10 / 6.
    assert mean.tolist() == pytest.approx([2, 2, 2, 10 / 6])
    assert reciprocal_ranks(worst).mean() == pytest.approx((1 / 2 + 1 / 3 + 1 / 2 + 1 / 3) / 4)
    assert success_at(worst, 2).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("scores", "relevant", "message"),
    [
        (np.zeros((2, 3)), [[0]], "2 rows"),
        (np.zeros((1, 3)), [[]], "no relevant"),
        (np.array([[np.nan, 1.0]]), [[0]], "finite"),
    ],
)
def test_ranks_refuse_what_cannot_be_ranked(scores, relevant, message):
    with pytest.raises(ValueError, match=message):
        first_relevant_ranks(scores, relevant, PESSIMISTIC)


def test_ndcg_of_a_hand_worked_example():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])  # documents 0..4 in this order
    grades = {1: 3.0, 2: 0.0, 4: 1.5}  # 0 and 3 were not judged
    ideal = 7 / log2(2) + (2**1.5 - 1) / log2(3)
    assert ideal_dcg([3.0, 0.0, 1.5]) == pytest.approx(ideal)
    judged = ndcg(scores, grades, PESSIMISTIC, judged_only=True)
    assert judged == pytest.approx((7 / log2(2) + (2**1.5 - 1) / log2(4)) / ideal)
    pool = ndcg(scores, grades, PESSIMISTIC, judged_only=False)
    assert pool == pytest.approx((7 / log2(3) + (2**1.5 - 1) / log2(6)) / ideal)
    short = ndcg(scores, grades, PESSIMISTIC, judged_only=False, cutoff=3)
    assert short == pytest.approx(7 / log2(3) / ideal)


def test_ndcg_of_ties_takes_the_worst_or_the_mean_order():
    scores, grades = np.array([1.0, 1.0, 1.0]), {0: 1.0, 1: 0.0, 2: 0.0}
    worst = ndcg(scores, grades, PESSIMISTIC, judged_only=True)
    assert worst == pytest.approx(1 / log2(4))
    mean = ndcg(scores, grades, EXPECTED, judged_only=True)
    assert mean == pytest.approx((1 + 1 / log2(3) + 1 / log2(4)) / 3)


def test_a_query_without_a_relevant_document_has_no_ndcg():
    assert ndcg(np.array([1.0, 0.0]), {0: 0.0}, PESSIMISTIC, judged_only=True) is None


grade_lists = st.lists(st.integers(0, 3), min_size=1, max_size=12).filter(any)


@given(grades=grade_lists, seed=st.integers(0, 2**16))
def test_agrees_with_trec_eval_where_the_definitions_agree(grades, seed):
    """Untied rankings, and grades whose CodeSearchNet gain trec_eval can be given as its own."""
    order = np.random.default_rng(seed).permutation(len(grades))
    scores = np.empty(len(grades))
    scores[order] = np.arange(len(grades), 0, -1)
    run = {"q": {f"d{number}": float(score) for number, score in enumerate(scores)}}
    qrels = {"q": {f"d{number}": 2**grade - 1 for number, grade in enumerate(grades)}}
    trec = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg", "recip_rank"}).evaluate(run)["q"]

    ours = ndcg(scores, dict(enumerate(grades)), PESSIMISTIC, judged_only=True)
    assert ours == pytest.approx(trec["ndcg"], abs=1e-9)
    relevant = [number for number, grade in enumerate(grades) if grade > 0]
    ranks = first_relevant_ranks(scores[np.newaxis], [relevant], PESSIMISTIC)
    assert reciprocal_ranks(ranks)[0] == pytest.approx(trec["recip_rank"], abs=1e-9)


@given(scores=st.lists(st.integers(0, 3), min_size=1, max_size=8), data=st.data())
def test_ranks_of_ties_are_those_of_all_orders(scores, data):
    answers = data.draw(st.sets(st.integers(0, len(scores) - 1), min_size=1))
    best = max(scores[answer] for answer in answers)
    tied = [number for number, score in enumerate(scores) if score == best]
    better = sum(score > best for score in scores)
    places = combinations(range(1, len(tied) + 1), len(answers & set(tied)))
    ranks = [better + min(chosen) for chosen in places]
    row, relevant = np.array([scores], dtype=float), [sorted(answers)]
    assert first_relevant_ranks(row, relevant, PESSIMISTIC)[0] == max(ranks)
    assert first_relevant_ranks(row, relevant, EXPECTED)[0] == pytest.approx(np.mean(ranks))


def test_macro_mean_gives_every_group_the_same_weight():
    assert macro_mean([np.array([1.0]), np.array([0.0, 0.0, 0.0])]) == 0.5


def test_bootstrap_interval_covers_what_it_says():
    """Of 200 samples of 80 draws, the 90% interval should hold the true mean in about 180."""
    generator = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        interval = bootstrap_interval([generator.random(80)], confidence=0.9, resamples=500, seed=seed)
        held += interval.low <= 0.5 <= interval.high
    assert 165 <= held <= 195


def test_bootstrap_interval_is_reproducible_and_draws_within_groups():
    groups = [np.array([0.0, 1.0] * 40), np.ones(3)]
    first, again = bootstrap_interval(groups, seed=3), bootstrap_interval(groups, seed=3)
    assert first == again
    assert first.value == pytest.approx(0.75)
    # The second group never varies: the interval is half as wide as that of the first alone.
    alone = bootstrap_interval(groups[:1], seed=3)
    assert first.high - first.low == pytest.approx((alone.high - alone.low) / 2)


def test_an_empty_group_has_no_interval():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([np.array([])])


def test_paired_comparison_sees_a_small_but_steady_gain():
    generator = np.random.default_rng(0)
    before = generator.random(200)
    steady = paired_comparison([before], [before + 0.01])
    assert steady.difference.value == pytest.approx(0.01)
    assert steady.difference.low > 0
    assert steady.p_value < 0.01
    assert steady.queries == 200
    noise = paired_comparison([before], [generator.permutation(before)])
    assert noise.p_value > 0.05
    assert noise.difference.low < 0 < noise.difference.high


def test_a_system_does_not_differ_from_itself():
    values = [np.array([0.5, 1.0, 0.25])]
    assert paired_comparison(values, values).p_value == 1.0


def test_paired_comparison_refuses_other_queries():
    with pytest.raises(ValueError, match="same queries"):
        paired_comparison([np.ones(3)], [np.ones(4)])
