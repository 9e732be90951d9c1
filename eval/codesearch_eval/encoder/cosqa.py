"""CoSQA (Huang et al., ACL 2021): web queries for Python functions, retrieval form.

Published tables (CodeSage, UniXcoder, CoIR's predecessor) rank the 6,267 functions of ``code_idx_map`` with
their docstrings left in the code, so that is the plain protocol; the docstrings are a good part of what such
a ranking finds, so the same with docstrings cut has a name of its own.
"""

from __future__ import annotations

from codesearch.errors import InputError
from codesearch.extraction.python_docstrings import cut_docstring
from codesearch_eval.encoder.datasets import DataFolder, read_json
from codesearch_eval.encoder.docstrings import DocstringRule
from codesearch_eval.encoder.protocols import Protocol, Task

__all__ = ["cosqa_task"]


def cosqa_task(data: DataFolder, protocol: Protocol, split: str) -> Task:
    """Return the task of a split: 500 queries, one right function of 6,267 each.

    Raises:
        InputError: A file is missing or its query names a function that is not there.
    """
    positions: dict[str, int] = read_json(data.path("cosqa/code_idx_map.txt.gz"))
    queries = read_json(data.path(f"cosqa/cosqa-retrieval-{split}-500.json.gz"))
    codes = sorted(positions, key=positions.__getitem__)
    if [positions[code] for code in codes] != list(range(len(codes))):
        raise InputError("cosqa/code_idx_map.txt.gz does not number its functions 0, 1, 2, ...: copy it again")
    answers = [query["retrieval_idx"] for query in queries]
    if not all(0 <= answer < len(codes) for answer in answers):
        raise InputError(f"a query of CoSQA {split} names a function that code_idx_map.txt.gz does not have")
    cut = protocol.docstrings is DocstringRule.CUT
    return Task(
        group="python",
        query_ids=tuple(query["idx"] for query in queries),
        queries=tuple(query["doc"] for query in queries),
        documents=tuple(cut_docstring(code) if cut else code for code in codes),
        grades=tuple({answer: 1.0} for answer in answers),
    )
