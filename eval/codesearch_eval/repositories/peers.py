"""Other tools on the questions of the development benchmark: the same trees, one result a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from codesearch.errors import MissingExtra
from codesearch_eval.markdown import markdown_table
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question, QuestionKind
from codesearch_eval.repositories.fit import by_words_only
from codesearch_eval.repositories.headline import headline
from codesearch_eval.repositories.runs import QuestionCandidates
from codesearch_eval.repositories.scores import kind_table, score, score_orders
from codesearch_eval.repositories.trees import trees
from codesearch_eval.semble_offline import files_for, open_index, write_model

__all__ = ["peer_tables", "semble_files"]

_RESULTS = 100


def semble_files(
    git_dir: Path, repository: BenchmarkRepository, questions: Sequence[Question]
) -> list[tuple[Question, list[str]]]:
    """Return the files that semble names for each question, best first.

    Raises:
        MissingExtra: semble is not installed.
    """
    answers = []
    with TemporaryDirectory(prefix="codesearch-semble-") as scratch:
        try:
            model = write_model(Path(scratch, "model"))
            os.environ["SEMBLE_CACHE_LOCATION"] = str(Path(scratch, "cache"))
            with trees(git_dir, repository, questions) as each:
                for tree in each:
                    index = open_index(tree.repository.root, model)
                    answers += [(question, files_for(index, question.text, _RESULTS)) for question in tree.questions]
        except ImportError as error:
            raise MissingExtra("comparing with semble needs it: pip install semble") from error
    return answers


def peer_tables(theirs: Sequence[Sequence[str]], ours: Sequence[QuestionCandidates]) -> str:
    """Return Markdown tables of what another tool answers and what codesearch does, whole and by words only.

    Args:
        theirs: Files that the other tool names for each question, best first.
        ours: The same questions, in the same order.
    """
    questions = [one.question for one in ours]
    peer = score_orders([question.files for question in questions], theirs)
    whole = score(ours).files
    words = score([by_words_only(one) for one in ours]).files
    rows = []
    for name in (*(kind for kind in QuestionKind if any(q.kind is kind for q in questions)), "headline"):
        chosen = np.array([name in (question.kind, "headline") for question in questions])
        asked = [question for question in questions if name in (question.kind, "headline")]
        cells = [str(name), f"{len(asked):,}", f"{100 * headline(asked, peer['NDCG@10'][chosen]).value:.1f}"]
        for mine in (words, whole):
            found = headline(asked, mine["NDCG@10"][chosen] - peer["NDCG@10"][chosen])
            cells.append(f"{100 * headline(asked, mine['NDCG@10'][chosen]).value:.1f}")
            cells.append(f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]")
        rows.append(cells)
    titles = ["NDCG@10 over files", "n", "semble %", "by words only %", "difference", "codesearch %", "difference"]
    return "\n\n".join(
        [
            markdown_table(titles, rows),
            f"semble\n\n{kind_table(questions, peer)}",
            f"codesearch, by words only\n\n{kind_table(questions, words)}",
            f"codesearch\n\n{kind_table(questions, whole)}",
        ]
    )
