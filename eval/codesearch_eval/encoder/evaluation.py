"""One system under one protocol: tasks in, a result out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from codesearch_eval.encoder.codesearchnet import challenge_task, sample_task, split_task
from codesearch_eval.encoder.cosqa import cosqa_task
from codesearch_eval.encoder.datasets import DataFolder
from codesearch_eval.encoder.protocols import Metric, Protocol, Task
from codesearch_eval.encoder.results import GroupResult, Result
from codesearch_eval.encoder.stack_overflow import conala_task, staqc_task
from codesearch_eval.encoder.systems import System
from codesearch_eval.machine import describe_machine, describe_software
from codesearch_eval.metrics import (
    TieRule,
    bootstrap_interval,
    first_relevant_ranks,
    ndcg,
    reciprocal_ranks,
    success_at,
)

__all__ = ["evaluate", "load_tasks"]

Floats = NDArray[np.float64]
PerQuery = Mapping[str, Floats]

SUCCESS_DEPTHS = (1, 5, 10)


def load_tasks(data: DataFolder, protocol: Protocol) -> Iterator[Task]:
    """Yield the task of each group of `protocol`, read from `data`.

    Raises:
        InputError: A file is missing or damaged.
    """
    for language in protocol.groups:
        yield _load_task(data, protocol, language)


def _load_task(data: DataFolder, protocol: Protocol, language: str) -> Task:
    match protocol.name.split("-"):
        case ["csn", "1000", *_]:
            return sample_task(data, protocol, language)
        case ["csn", "challenge", *_]:
            return challenge_task(data, protocol, language)
        case ["csn", ("test" | "valid") as split, _]:
            return split_task(data, protocol, language, split)
        case ["cosqa", split, *_]:
            return cosqa_task(data, protocol, split)
        case ["staqc", "dev"]:
            return staqc_task(data)
        case ["conala", "test"]:
            return conala_task(data)
    raise ValueError(f"no reader for protocol {protocol.name}")


def evaluate(
    system: System,
    protocol: Protocol,
    tasks: Iterable[Task],
    *,
    keep_per_query: bool = True,
    progress: Callable[[str, int], None] | None = None,
) -> Result:
    """Score all tasks of a protocol with a system.

    Args:
        system: What is measured.
        protocol: The rules.
        tasks: The questions and candidates, one task per group.
        keep_per_query: Keep each question's figure, which comparing two results needs.
        progress: Called with a group's name and number of questions before it is scored.
    """
    started = perf_counter()
    groups: dict[str, GroupResult] = {}
    values: list[PerQuery] = []
    for task in tasks:
        if progress is not None:
            progress(task.group, len(task.queries))
        measured, tied = _measure(system, protocol, task)
        values.append(measured)
        groups[task.group] = _summarise(task, protocol, measured, tied, keep_per_query)
    seconds = perf_counter() - started
    return Result(
        protocol={**asdict(protocol), "groups": list(protocol.groups)},
        system=system.info,
        headline=protocol.metric.value,
        measures={name: bootstrap_interval([group[name] for group in values]) for name in values[0]},
        groups=groups,
        seconds=round(seconds, 2),
        machine=asdict(describe_machine()),
        software=asdict(describe_software()),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _measure(system: System, protocol: Protocol, task: Task) -> tuple[PerQuery, int]:
    """Return the measures of every question, ``[queries]`` each, and how many questions have a tie."""
    relevant = task.relevant()
    blocks: list[PerQuery] = []
    tied = start = 0
    for scores in system.score(task):
        rows = slice(start, start + len(scores))
        worst = first_relevant_ranks(scores, relevant[rows], TieRule.PESSIMISTIC)
        mean = first_relevant_ranks(scores, relevant[rows], TieRule.EXPECTED)
        tied += int(np.count_nonzero(worst != mean))
        if protocol.metric is Metric.NDCG:
            blocks.append({Metric.NDCG.value: _ndcg_of_rows(scores, protocol, task, start)})
        else:
            blocks.append(_rank_measures(worst if protocol.ties is TieRule.PESSIMISTIC else mean))
        start = rows.stop
    if start != len(task.queries):
        raise ValueError(f"{system.info.name} scored {start} of {len(task.queries)} questions")
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}, tied


def _rank_measures(ranks: Floats) -> PerQuery:
    success = {f"success@{depth}": success_at(ranks, depth) for depth in SUCCESS_DEPTHS}
    return {Metric.MRR.value: reciprocal_ranks(ranks), **success}


def _ndcg_of_rows(scores: NDArray[np.float32], protocol: Protocol, task: Task, start: int) -> Floats:
    values = [
        ndcg(
            row, task.grades[start + number], protocol.ties,
            judged_only=protocol.judged_only, cutoff=protocol.cutoff,
        )
        for number, row in enumerate(scores)
    ]  # fmt: skip
    return np.array(values, dtype=np.float64)


def _summarise(task: Task, protocol: Protocol, measured: PerQuery, tied: int, keep: bool) -> GroupResult:
    headline = measured[protocol.metric.value]
    return GroupResult(
        queries=len(task.queries),
        candidates=len(task.documents),
        distinct_candidates=len(set(task.documents)),
        tied_queries=tied,
        measures={name: bootstrap_interval([values]) for name, values in measured.items()},
        notes=dict(task.notes),
        query_hash=sha256("\0".join(task.query_ids).encode()).hexdigest()[:16],
        per_query=tuple(round(float(value), 6) for value in headline) if keep else None,
    )
