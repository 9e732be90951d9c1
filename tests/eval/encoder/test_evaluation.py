"""Scores -> result: ties, groups, blocks and languages, with scores made up by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codesearch_eval.encoder.evaluation import evaluate
from codesearch_eval.encoder.protocols import PROTOCOLS, Task
from codesearch_eval.encoder.systems import SystemInfo
from codesearch_eval.metrics import TieRule


class FixedScores:
    """Gives every group its scores, in blocks of the given sizes."""

    info = SystemInfo("fixed", "fixed-1")

    def __init__(self, blocks):
        self.blocks = blocks

    def score(self, task):
        for block in self.blocks[task.group]:
            yield np.array(block, dtype=np.float32)


def task(group, answers, documents=3):
    ids = tuple(f"{group}-{number}" for number in range(len(answers)))
    grades = tuple({answer: 1.0} for answer in answers)
    return Task(group, ids, ids, tuple("abcdefgh"[:documents]), grades)


def test_ties_count_by_the_rule_of_the_protocol_and_are_counted():
    system = FixedScores({"python": [[[0.5, 0.5, 0.1]], [[0.9, 0.5, 0.1]]]})
    tasks = [task("python", [0, 1])]
    pessimistic = evaluate(system, PROTOCOLS["cosqa-dev"], tasks)
    assert pessimistic.groups["python"].per_query == (0.5, 0.5)
    assert pessimistic.groups["python"].tied_queries == 1
    expected = evaluate(system, replace(PROTOCOLS["cosqa-dev"], ties=TieRule.EXPECTED), tasks)
    assert expected.groups["python"].per_query == (pytest.approx(1 / 1.5, abs=1e-6), 0.5)


def test_every_language_weighs_the_same():
    system = FixedScores({"go": [[[1, 0, 0]]], "ruby": [[[0, 1, 0], [0, 1, 0], [0, 1, 0]]]})
    result = evaluate(system, PROTOCOLS["csn-1000"], [task("go", [0]), task("ruby", [0, 0, 0])])
    assert result.measures["MRR"].value == pytest.approx((1 + 1 / 3) / 2)  # the two losers tie
    assert result.measures["success@1"].value == 0.5


@pytest.mark.parametrize(("protocol", "value"), [("csn-challenge-judged", 1.0), ("csn-challenge-pool", 0.6309)])
def test_the_two_forms_of_the_challenge_differ_by_what_nobody_judged(protocol, value):
    """The relevant function is second, behind one that was not judged: 1 / log2(3) of the ideal."""
    judged = replace(task("go", [1]), grades=({1: 1.0, 2: 0.0},))
    result = evaluate(FixedScores({"go": [[[0.9, 0.5, 0.1]]]}), PROTOCOLS[protocol], [judged])
    assert result.headline == "NDCG"
    assert result.measures["NDCG"].value == pytest.approx(value, abs=1e-4)


def test_a_system_that_leaves_questions_out_is_found_out():
    with pytest.raises(ValueError, match="scored 1 of 2"):
        evaluate(FixedScores({"go": [[[1, 0, 0]]]}), PROTOCOLS["csn-test-go"], [task("go", [0, 1])])


def test_figures_of_single_questions_can_be_left_out():
    result = evaluate(
        FixedScores({"go": [[[1, 0, 0]]]}), PROTOCOLS["csn-test-go"], [task("go", [0])], keep_per_query=False
    )
    assert result.groups["go"].per_query is None
