"""CodeSearchNet (Husain et al., arXiv 1909.09436): docstring -> function, and the 99-query challenge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean

from codesearch.extraction.documentation import strip_comment_markers
from codesearch.extraction.python_docstrings import cut_docstring
from codesearch_eval.encoder.datasets import (
    DataFolder,
    DocumentedFunction,
    read_functions,
    read_json_lines,
    read_table,
)
from codesearch_eval.encoder.docstrings import (
    DocstringRule,
    QueryForm,
    summary_question,
)
from codesearch_eval.encoder.protocols import Protocol, Task

__all__ = ["challenge_task", "docstring_task", "sample_task", "split_task"]


def sample_task(data: DataFolder, protocol: Protocol, language: str) -> Task:
    """Return the 1,000-candidate task of a language (``codesearchnet-1000/LANGUAGE.jsonl.gz``)."""
    functions = read_functions(data.path(f"codesearchnet-1000/{language}.jsonl.gz"))
    return docstring_task(functions, protocol, language)


def split_task(data: DataFolder, protocol: Protocol, language: str, split: str) -> Task:
    """Return the task whose candidates are a whole split of a language."""
    return docstring_task(data.functions(language, split), protocol, language)


def docstring_task(functions: Iterable[DocumentedFunction], protocol: Protocol, language: str) -> Task:
    """Ask for each function by its docstring; the candidates are all of the functions."""
    functions = list(functions)
    ask = strip_comment_markers if protocol.query_form is QueryForm.WHOLE else summary_question
    return Task(
        group=language,
        query_ids=tuple(function.identifier for function in functions),
        queries=tuple(ask(function.docstring) for function in functions),
        documents=tuple(_document(function.code, protocol, language) for function in functions),
        grades=tuple({index: 1.0} for index in range(len(functions))),
    )


def challenge_task(data: DataFolder, protocol: Protocol, language: str) -> Task:
    """Return the challenge in one language: real queries, candidates judged 0-3 by experts.

    Repeated judgements of a pair are averaged, as CodeSearchNet's script does. Judged functions whose code
    is not in the data cannot be ranked by anybody and are left out, of the ideal ranking too; their number
    is noted. Queries without a function above grade 0 do not count, as in that script.
    """
    documents: dict[str, str] = {}
    for record in read_json_lines(data.path("codesearchnet-challenge/annotated_functions.jsonl.gz")):
        if record["language"].lower() == language:
            documents[record["url"]] = _document(record["code"], protocol, language)
    columns = {url: column for column, url in enumerate(documents)}
    texts = _read_challenge_queries(data)
    judgements = _mean_judgements(data, language)

    grades: dict[str, dict[int, float]] = defaultdict(dict)
    missing = 0
    for (query, url), grade in judgements.items():
        if url in columns:
            grades[query][columns[url]] = grade
        else:
            missing += 1
    counted = [query for query in texts if any(grade > 0 for grade in grades.get(query, {}).values())]
    return Task(
        group=language,
        query_ids=tuple(counted),
        queries=tuple(texts[query] for query in counted),
        documents=tuple(documents.values()),
        grades=tuple(grades[query] for query in counted),
        notes={
            "judged_pairs": len(judgements),
            "judged_pairs_without_code": missing,
            "queries_without_a_relevant_function": len(texts) - len(counted),
        },
    )


def _read_challenge_queries(data: DataFolder) -> dict[str, str]:
    rows = read_table(data.path("codesearchnet-challenge/queries.tsv"), ("id", "text"), header=False)
    return {row[0]: row[1] for row in rows}


def _mean_judgements(data: DataFolder, language: str) -> Mapping[tuple[str, str], float]:
    votes: dict[tuple[str, str], list[int]] = defaultdict(list)
    columns = ("query_id", "language", "url", "relevance")
    for query, of, url, grade in read_table(data.path("codesearchnet-challenge/qrels.tsv"), columns):
        if of.lower() == language:
            votes[query, url].append(int(grade))
    return {pair: fmean(grades) for pair, grades in votes.items()}


def _document(code: str, protocol: Protocol, language: str) -> str:
    if language == "python" and protocol.docstrings is DocstringRule.CUT:
        return cut_docstring(code)
    return code
