"""What each search and each signal is worth: weights fitted on one half of the repositories, shown on the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codesearch.search.ranking.signals import SIGNALS
from codesearch_eval.markdown import markdown_table
from codesearch_eval.metrics import Floats
from codesearch_eval.repositories.benchmark import QuestionKind
from codesearch_eval.repositories.fit import WORD_SIGNALS, Example, by_words_only, examples_of, fit, ndcg_of, without
from codesearch_eval.repositories.headline import headline
from codesearch_eval.repositories.runs import QuestionCandidates

__all__ = ["ablation_table", "single_searches"]

_KINDS = {
    "asked": {QuestionKind.ASKED},
    "issue-like": {QuestionKind.ISSUE},
    "commits": {QuestionKind.COMMIT, QuestionKind.COMMIT_BODY},
    "change log": {QuestionKind.CHANGE_LOG},
    "tests say": {QuestionKind.TEST},
    "file says": {QuestionKind.FILE},
    "documentation": {QuestionKind.DOCUMENTATION},
    "symbols": {QuestionKind.SYMBOL, QuestionKind.SYMBOL_STYLE, QuestionKind.SYMBOL_PART},
    "pasted": {QuestionKind.CODE, QuestionKind.MESSAGE},
}


def ablation_table(fitted_on: Sequence[QuestionCandidates], shown_on: Sequence[QuestionCandidates]) -> str:
    """Return a Markdown table of NDCG@10 over files, in percent, each row against the whole ranking.

    Every row but those of a single search is fitted anew without what it leaves out. The interval is the 95%
    bootstrap interval of the paired difference over questions. The first figure is the headline, then come kinds.
    """
    inside, outside = examples_of(fitted_on), examples_of(shown_on)
    whole = ndcg_of(outside, fit(inside, signals=SIGNALS).weights)
    rows = [_row("whole ranking", whole, whole, outside)]
    less = examples_of([by_words_only(one) for one in fitted_on])
    only_words = ndcg_of(examples_of([by_words_only(one) for one in shown_on]), fit(less, signals=WORD_SIGNALS).weights)
    rows.append(_row("BM25 with the same ranking", only_words, whole, outside))
    no_words = [name for name in SIGNALS if name != "words"]
    only_meaning = ndcg_of(outside, fit(inside, signals=no_words).weights)
    rows.append(_row("without what BM25 says", only_meaning, whole, outside))
    for name, weights in single_searches().items():
        rows.append(_row(name, ndcg_of(outside, weights), whole, outside))
    for name in SIGNALS:
        if name not in ("words", "meaning"):
            values = ndcg_of(outside, fit(inside, signals=without(SIGNALS, name)).weights)
            rows.append(_row(f"without {name}", values, whole, outside))
    return markdown_table(["ranking", "headline %", "against the whole", *(f"{kind} %" for kind in _KINDS)], rows)


def single_searches() -> dict[str, Floats]:
    """Return the weights that order by one search alone."""
    return {
        "BM25 alone": np.eye(len(SIGNALS))[SIGNALS.index("words")],
        "nearest neighbours alone": np.eye(len(SIGNALS))[SIGNALS.index("meaning")],
    }


def _row(name: str, values: Floats, whole: Floats, examples: Sequence[Example]) -> list[str]:
    questions = [example.asked.question for example in examples]
    cells = [name, f"{100 * headline(questions, values).value:.1f}"]
    if values is whole:
        cells.append("")
    else:
        found = headline(questions, values - whole)
        cells.append(f"{100 * found.value:+.2f} [{100 * found.low:+.2f}, {100 * found.high:+.2f}]")
    for kinds in _KINDS.values():
        chosen = np.array([example.asked.question.kind in kinds for example in examples])
        cells.append(f"{100 * values[chosen].mean():.1f}" if chosen.any() else "")
    return cells
