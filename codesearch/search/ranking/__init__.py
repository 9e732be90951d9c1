"""From candidates to an order: two searches fused, then what a reader of code would look at.

Each signal (`codesearch.search.ranking.signals`) is one function from a question and a candidate to a number in
[0, 1]. A candidate's score is the sum of its signals, each times a weight, so an explanation adds up. The
weights (``weights.json``) were fitted on questions about real repositories and shown on others:
docs/design/ranking.md has the figures, and what each signal is worth.
"""

from codesearch.search.ranking.confidence import Calibration, load_calibration
from codesearch.search.ranking.order import RankedCandidate, append_deeper, rank
from codesearch.search.ranking.path_roles import is_test
from codesearch.search.ranking.question import CandidateSet, Question, parse_question
from codesearch.search.ranking.signals import DESCRIPTIONS
from codesearch.search.ranking.weights import Weights, load_weights

__all__ = [
    "DESCRIPTIONS",
    "Calibration",
    "CandidateSet",
    "Question",
    "RankedCandidate",
    "Weights",
    "append_deeper",
    "is_test",
    "load_calibration",
    "load_weights",
    "parse_question",
    "rank",
]
