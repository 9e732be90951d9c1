"""Other tools on the questions of the development benchmark: the same trees, one result a file.

semble (MIT, ``pip install semble``): BM25 over chunks with hand-made ranking rules. Its vectors come from weights
that it downloads, so it is run without them (``alpha=0.0``), with random vectors in the place of its model; by its
own account the vectors add .02 NDCG@10 to what is measured here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from codesearch.errors import MissingExtra
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question
from codesearch_eval.repositories.trees import trees

__all__ = ["semble_files"]

_RESULTS = 100


def semble_files(
    git_dir: Path, repository: BenchmarkRepository, questions: Sequence[Question]
) -> list[tuple[Question, list[str]]]:
    """Return the files that semble names for each question, best first.

    Raises:
        MissingExtra: semble is not installed.
    """
    try:
        from semble import SembleIndex
    except ImportError as error:
        raise MissingExtra("comparing with semble needs it: pip install semble") from error
    answers = []
    with TemporaryDirectory(prefix="codesearch-semble-") as scratch:
        model = _stand_in_model(Path(scratch))
        os.environ["SEMBLE_CACHE_LOCATION"] = str(Path(scratch) / "cache")
        with trees(git_dir, repository, questions) as each:
            for tree in each:
                index = SembleIndex.from_path(tree.repository.root, model_path=str(model))
                for question in tree.questions:
                    found = index.search(question.text, top_k=_RESULTS, alpha=0.0)
                    answers.append((question, list(dict.fromkeys(result.chunk.file_path for result in found))))
    return answers


def _stand_in_model(folder: Path) -> Path:
    """Write a model of random vectors, which are never asked."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "the": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    path = folder / "model"
    StaticModel(vectors, tokenizer).save_pretrained(path)
    return path
