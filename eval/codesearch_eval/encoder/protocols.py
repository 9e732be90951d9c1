"""Evaluation protocols: each fixes candidates, question, docstring, ties and metric, and has a name.

Two figures may stand in one column only where they were taken under the same protocol. Development sets are
for decisions; test sets are looked at rarely and nothing is ever tuned on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from codesearch.errors import InputError
from codesearch_eval.encoder.datasets import CSN_LANGUAGES
from codesearch_eval.encoder.docstrings import DocstringRule, QueryForm
from codesearch_eval.metrics import TieRule

__all__ = ["LANGUAGE_TITLES", "PROTOCOLS", "SETS", "Metric", "Protocol", "Role", "Task", "select_protocols"]


LANGUAGE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "go": "Go",
        "java": "Java",
        "javascript": "JavaScript",
        "php": "PHP",
        "python": "Python",
        "ruby": "Ruby",
    }
)
"""What tables and plots call the groups."""


class Role(StrEnum):
    """What a data set may be used for."""

    DEVELOPMENT = "development"
    TEST = "test"


class Metric(StrEnum):
    """The headline figure of a protocol."""

    MRR = "MRR"
    NDCG = "NDCG"


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules of one evaluation. The direction is always text -> code.

    Attributes:
        name: What the command line and file names call it.
        title: What tables call it.
        role: Whether it may be used for decisions.
        metric: The headline figure.
        candidates: What is ranked for each question, in words.
        query_form: What is asked.
        docstrings: Whether Python functions keep their docstrings.
        groups: The languages it is evaluated in; the headline is the mean over them.
        ties: The order of candidates with equal scores.
        judged_only: NDCG only: rank only what was judged for the question.
        cutoff: NDCG only: how many candidates of the ranking count.
    """

    name: str
    title: str
    role: Role
    metric: Metric
    candidates: str
    query_form: QueryForm
    docstrings: DocstringRule
    groups: tuple[str, ...]
    ties: TieRule = TieRule.PESSIMISTIC
    judged_only: bool = False
    cutoff: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """The questions and candidates of one group (language) of a protocol.

    Attributes:
        group: The language.
        query_ids: One per question, stable across runs: results are compared by them.
        queries: The questions.
        documents: The candidates, the same for all questions.
        grades: For each question, candidate -> grade; a grade above 0 is relevant. Never empty.
        notes: Counts worth keeping with the result, by name.
    """

    group: str
    query_ids: tuple[str, ...]
    queries: tuple[str, ...]
    documents: tuple[str, ...]
    grades: tuple[Mapping[int, float], ...]
    notes: Mapping[str, int] = field(default_factory=dict)

    def relevant(self) -> list[Sequence[int]]:
        """Return the relevant candidates of each question."""
        return [[column for column, grade in grades.items() if grade > 0] for grades in self.grades]


_SAMPLE = Protocol(
    name="csn-1000",
    title="CSN, 1,000 candidates",
    role=Role.TEST,
    metric=Metric.MRR,
    candidates="the language's 1,000 functions, drawn at random from CodeXGLUE's test split",
    query_form=QueryForm.FIRST_PARAGRAPH,
    docstrings=DocstringRule.CUT,
    groups=CSN_LANGUAGES,
)

_CHALLENGE = Protocol(
    name="csn-challenge-judged",
    title="CSN challenge, judged functions only",
    role=Role.TEST,
    metric=Metric.NDCG,
    candidates="the functions judged for the question",
    query_form=QueryForm.QUESTION,
    docstrings=DocstringRule.CUT,
    groups=CSN_LANGUAGES,
    judged_only=True,
)

_COSQA = Protocol(
    name="cosqa-test",
    title="CoSQA test",
    role=Role.TEST,
    metric=Metric.MRR,
    candidates="the 6,267 Python functions of CoSQA",
    query_form=QueryForm.QUESTION,
    docstrings=DocstringRule.KEPT,
    groups=("python",),
)


def _all_protocols() -> list[Protocol]:
    full_pools = [
        replace(
            _SAMPLE,
            name=f"csn-{split}-{language}",
            title=f"CSN {LANGUAGE_TITLES[language]}, {split}, full pool",
            role=role,
            candidates=f"all functions of CodeXGLUE's {split} split of the language",
            groups=(language,),
        )
        for split, role in (("test", Role.TEST), ("valid", Role.DEVELOPMENT))
        for language in CSN_LANGUAGES
    ]
    cosqa_cut = replace(_COSQA, name="cosqa-test-cut", title="CoSQA test, docstrings cut", docstrings=DocstringRule.CUT)
    return [
        _SAMPLE,
        replace(
            _SAMPLE,
            name="csn-1000-whole",
            title="CSN, 1,000 candidates, whole docstring asked",
            query_form=QueryForm.WHOLE,
        ),
        replace(
            _SAMPLE,
            name="csn-1000-kept",
            title="CSN, 1,000 candidates, docstrings left in the Python code",
            docstrings=DocstringRule.KEPT,
        ),
        replace(
            _SAMPLE,
            name="csn-1000-published",
            title="CSN, 1,000 candidates, as published figures were most likely taken",
            query_form=QueryForm.WHOLE,
            docstrings=DocstringRule.KEPT,
        ),
        *full_pools,
        _CHALLENGE,
        replace(
            _CHALLENGE,
            name="csn-challenge-pool",
            title="CSN challenge, all judged functions of the language",
            candidates="all functions of the language judged for any question, unjudged = 0",
            judged_only=False,
            cutoff=300,
        ),
        _COSQA,
        cosqa_cut,
        replace(_COSQA, name="cosqa-dev", title="CoSQA dev", role=Role.DEVELOPMENT),
        replace(cosqa_cut, name="cosqa-dev-cut", title="CoSQA dev, docstrings cut", role=Role.DEVELOPMENT),
        replace(
            _COSQA,
            name="staqc-dev",
            title="StaQC Python, annotated dev",
            role=Role.DEVELOPMENT,
            candidates="all snippets of the file, whether they answer a question or not",
        ),
        replace(
            _COSQA,
            name="conala-test",
            title="CoNaLa test",
            role=Role.DEVELOPMENT,
            candidates="all snippets of the file",
        ),
    ]


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({protocol.name: protocol for protocol in _all_protocols()})

SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dev": ("csn-valid-ruby", "cosqa-dev", "staqc-dev", "conala-test"),
        "test": (
            "csn-1000",
            "csn-1000-published",
            "csn-test-ruby",
            "csn-challenge-judged",
            "csn-challenge-pool",
            "cosqa-test",
        ),
    }
)
"""What ``--set dev`` and ``--set test`` mean; everything else is reached by its name."""


def select_protocols(names: Sequence[str]) -> list[Protocol]:
    """Return the protocols that `names`, of sets or of protocols, stand for; each once, in that order.

    Raises:
        InputError: A name is neither.
    """
    selected: dict[str, Protocol] = {}
    for name in names:
        for member in SETS.get(name, (name,)):
            if member not in PROTOCOLS:
                raise InputError(f"there is no evaluation {name!r}: choose from {', '.join([*SETS, *PROTOCOLS])}")
            selected[member] = PROTOCOLS[member]
    return list(selected.values())
