"""semble (MIT, ``pip install semble``) without its download: BM25 over chunks with hand-made ranking rules.

Its vectors come from weights that it downloads. So it is run without them (``alpha=0.0``), with random vectors in the
place of its model; by its own account the vectors add .02 NDCG@10.

Nothing of codesearch is imported, so that an interpreter that has semble only can time it::

    python -m codesearch_eval.semble_offline index|ask|time ROOT MODEL [QUESTION ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from semble import SembleIndex

__all__ = ["files_for", "open_index", "write_model"]

_ROUNDS = 5


def write_model(folder: Path) -> Path:
    """Write a model of random vectors, which are never asked; returns where."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "the": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    StaticModel(vectors, tokenizer).save_pretrained(folder)
    return folder


def open_index(root: Path, model: Path) -> SembleIndex:
    """Index a folder, or open the index that semble's cache has of it."""
    from semble import SembleIndex

    return SembleIndex.from_path(root, model_path=str(model))


def files_for(index: SembleIndex, question: str, count: int) -> list[str]:
    """Return the files of the first `count` results, each once, best first."""
    found = index.search(question, top_k=count, alpha=0.0)
    return list(dict.fromkeys(result.chunk.file_path for result in found))


def main() -> None:
    """Index, ask once, or print how many milliseconds each question takes in a process that has the index open."""
    action, root, model, *questions = sys.argv[1:]
    if not Path(model).exists():
        write_model(Path(model))
    index = open_index(Path(root), Path(model))
    if action == "index":
        from semble.cache import save_index_to_cache

        save_index_to_cache(index, root)  # as its command does, or every question would index anew
    if action == "ask":
        files_for(index, questions[0], 10)
    if action == "time":
        times = []
        for number in range(_ROUNDS + 1):  # the first round is not counted
            for question in questions:
                started = perf_counter()
                files_for(index, question, 10)
                times.append((number, 1000 * (perf_counter() - started)))
        print(json.dumps([time for number, time in times if number]))


if __name__ == "__main__":
    main()
