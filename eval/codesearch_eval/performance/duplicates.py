"""What finding duplicates takes: time and memory of ``codesearch duplicates`` over whole repositories, once encoded.

Everything is compared that can be, tests and the shortest functions included, so that the figure is one for so many
functions and not for what a default leaves of them. To encode a hundred thousand functions for it would take half an
hour; so vectors are made by hashing words unless a model is named: as many, as long, near for near copies, and far
else. The groups of the semantic level mean nothing then, its time does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates import Sizes
from codesearch.duplicates.functions import read_functions, read_vectors
from codesearch.encoders import Encoder, LazyEncoder, load_encoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError
from codesearch.index.dense import near_pairs
from codesearch.index.snapshot import Snapshot
from codesearch.records import Repository
from codesearch.search.candidates import Filters
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import Job, bring_up_to_date, plan
from codesearch_eval.machine import Machine, describe_machine
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.child import ChildRun, codesearch_command, run_weighed

__all__ = ["DuplicateFigures", "duplicates_table", "measure_duplicates"]

Progress = Callable[[str], None]

_DIMENSION = 384
_THRESHOLD = 0.9
_EVERYTHING = ("--tests", "--min-lines", "1", "--min-tokens", "1")


@dataclass(frozen=True, slots=True)
class DuplicateFigures:
    """What it took.

    Attributes:
        repositories: Their names.
        functions: Compared, in all.
        model: Id of what made the vectors.
        runs: By the least sure level that was looked for.
        recall: Of sampled functions that have a neighbour above the threshold, the share for which the search for
            neighbours names one.
        sampled: How many of the sampled functions have one.
        machine: What it was taken on.
    """

    repositories: tuple[str, ...]
    functions: int
    model: str
    runs: dict[str, ChildRun]
    recall: float
    sampled: int
    machine: Machine


def measure_duplicates(
    locations: Sequence[str],
    *,
    model: str | None = None,
    cache: Path | None = None,
    sample: int = 2000,
    progress: Progress = lambda _: None,
) -> DuplicateFigures:
    """Index repositories and run ``codesearch duplicates`` over all of them together.

    Args:
        locations: Of repositories.
        model: What encodes; None for hashing.
        cache: Where indexes are kept for the next time; None for a temporary folder.
        sample: Functions whose near pairs are also found by comparing with all others.
        progress: Called with a few words before each step.

    Raises:
        InputError: No repository is named, or they hold nothing to compare.
        CodesearchError: A command fails.
        MissingExtra: psutil is not installed.
    """
    if not locations:
        raise InputError("name repositories to compare the functions of")
    encoder: Encoder = HashingEncoder(_DIMENSION) if model is None else load_encoder(model, "cpu")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = (cache or Path(folder)).resolve()
        repositories = [open_repository(location, cache=home) for location in locations]
        jobs = [_index(repository, home, encoder, progress) for repository in repositories]
        roots = [str(repository.root) for repository in repositories]
        runs = {}
        for level in ("exact", "near", "semantic"):
            progress(f"duplicates, down to {level}")
            arguments = ("duplicates", *roots, "--level", level, "--no-refresh", "--json", *_EVERYTHING)
            runs[level] = run_weighed(codesearch_command(home, *arguments), accept=(0, 1))
        progress("comparing all with all, for some")
        functions, recall, sampled = _recall(jobs, sample)
    names = tuple(repository.name for repository in repositories)
    return DuplicateFigures(names, functions, encoder.model_id, runs, recall, sampled, describe_machine())


def _index(repository: Repository, cache: Path, encoder: Encoder, progress: Progress) -> Job:
    progress(f"{repository.name}: indexing")
    job = plan(repository, load_settings(None, overrides={"cache": str(cache)}))
    for _ in bring_up_to_date(job, LazyEncoder(lambda: encoder)):
        pass
    return job


def _recall(jobs: Sequence[Job], sample: int) -> tuple[int, float, int]:
    """Return the number of functions, the recall of the search for neighbours, and for how many it was found."""
    snapshots = [Snapshot(job.directory) for job in jobs]
    try:
        records = read_functions(snapshots, [Filters()] * len(jobs), Sizes(1, 1, tests=True)).records
        if len(records) < 2:
            raise InputError("these repositories hold no two functions")
        vectors, _ = read_vectors(snapshots, records, snapshots[0].manifest.dimension)
    finally:
        for snapshot in snapshots:
            snapshot.close()
    distinct = np.unique(vectors, axis=0)  # copies are one before neighbours are looked for
    pairs, _ = near_pairs(distinct, _THRESHOLD)
    rows = np.random.default_rng(0).permutation(len(distinct))[:sample]
    expected = _with_neighbours(distinct, rows)
    found = np.isin(expected, pairs)
    return len(records), float(found.mean()) if len(expected) else 1.0, len(expected)


def _with_neighbours(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of some rows that have a neighbour above the threshold other than themselves."""
    found = []
    for start in range(0, len(rows), 500):
        block = rows[start : start + 500]
        found.append(block[(vectors[block] @ vectors.T >= _THRESHOLD).sum(axis=1) > 1])
    return np.concatenate(found)


def duplicates_table(figures: DuplicateFigures) -> str:
    """Return the figures as Markdown."""
    rows = [
        [level, f"{run.seconds:.1f}", f"{run.cpu_seconds:.1f}", f"{run.peak_rss / 2**20:,.0f}"]
        for level, run in figures.runs.items()
    ]
    machine = figures.machine
    return (
        f"{markdown_table(['down to', 'wall s', 'CPU s', 'peak MiB'], rows)}\n\n"
        f"{figures.functions:,} functions of {', '.join(figures.repositories)}, tests and the shortest included; "
        f"vectors of {figures.model}. Of {figures.sampled:,} functions with a neighbour above {_THRESHOLD}, the search "
        f"names one for {figures.recall:.1%}. {machine.cpu}, {machine.cores} cores, {machine.system}."
    )
