"""Other tools on the questions of the development benchmark: the same trees, one result a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from codesearch.errors import MissingExtra
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question
from codesearch_eval.repositories.trees import trees
from codesearch_eval.semble_offline import files_for, open_index, write_model

__all__ = ["semble_files"]

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
