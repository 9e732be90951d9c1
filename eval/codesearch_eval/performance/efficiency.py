"""How fast, how large, how hungry: the product measured from outside on real repositories.

Everything that a user waits for is timed in a fresh process through the command line; what a server does
many times is timed inside one. Figures are medians with the range seen, since machines are shared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from codesearch.encoders import Encoder, load_encoder
from codesearch.encoders.text import document_text
from codesearch.index.snapshot import Snapshot
from codesearch.records import Repository
from codesearch.search.candidates import Filters
from codesearch.search.pipeline import find_candidates, search
from codesearch.search.ranking import rank
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import plan
from codesearch_eval.machine import describe_machine, describe_software
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.child import codesearch_command, run_timed, run_weighed
from codesearch_eval.performance.throughput import EncoderSpeed, Spread, measure_encoder

__all__ = [
    "QUESTIONS",
    "Efficiency",
    "Plan",
    "RepositoryFigures",
    "efficiency_table",
    "index_directory",
    "measure",
    "measure_repository",
    "search_times",
]

Progress = Callable[[str], None]

QUESTIONS = (
    "parse json",
    "read a configuration file",
    "open a connection to the server",
    "retry a failed request",
    "where are errors logged",
    "command line arguments",
    "convert a string to a date",
    "remove duplicates from a list",
    "check whether a user may do this",
    "write to a temporary file and rename it",
    "split text into tokens",
    "cache the result of a function",
    "walk all files of a folder",
    "compare two versions",
    "format the output as a table",
    "lock against other processes",
)
"""Asked of any repository; whether it holds an answer does not change how long looking takes."""


@dataclass(frozen=True, slots=True)
class RepositoryFigures:
    """The product on one repository.

    Attributes:
        name: The repository.
        files: Files in its index.
        chunks: Chunks in its index.
        lexical_seconds: ``codesearch index --no-dense`` on nothing, start of the process included.
        lexical_cpu_seconds: Processor time of that.
        lexical_peak_rss: Memory of that, in bytes (see `codesearch_eval.performance.child.ChildRun`).
        dense_seconds: ``codesearch index`` after that: all texts encoded; None if left out.
        dense_peak_rss: Memory of that; None if left out.
        index_bytes: Size of the index directory in the end.
        cold_ask_seconds: ``codesearch ask``, a fresh process each time.
        cold_ask_cpu_seconds: Processor time of that.
        warm_search_ms: One search in a process that has everything loaded, question encoded anew.
        ranking_ms: What of that putting the candidates into order takes.
    """

    name: str
    files: int
    chunks: int
    lexical_seconds: float
    lexical_cpu_seconds: float
    lexical_peak_rss: int
    dense_seconds: float | None
    dense_peak_rss: int | None
    index_bytes: int
    cold_ask_seconds: Spread
    cold_ask_cpu_seconds: Spread
    warm_search_ms: Spread
    ranking_ms: Spread


@dataclass(frozen=True, slots=True)
class Efficiency:
    """All figures of one run, and what they were taken on."""

    model_id: str
    threads: int
    machine: dict[str, Any]
    software: dict[str, Any]
    repositories: tuple[RepositoryFigures, ...]
    encoder: EncoderSpeed | None

    def to_json(self) -> str:
        """Return the figures as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        model: As `codesearch.encoders.load_encoder` takes it.
        threads: CPU threads for encoding; 0 for one per core.
        encode: Encode all texts of each repository too, which takes a second for some hundred chunks.
        asks: Cold questions per repository.
        rounds: Rounds of the throughput measurement; 0 leaves it out.
        sample: Texts for it.
    """

    model: str | None = None
    threads: int = 0
    encode: bool = True
    asks: int = 7
    rounds: int = 5
    sample: int = 1024


def measure(repositories: Sequence[str], what: Plan, progress: Progress = lambda _: None) -> Efficiency:
    """Measure the product on repositories, and the encoder on texts of the first of them.

    Args:
        repositories: Paths.
        what: What is measured, and how often.
        progress: Called with a few words before each step.

    Raises:
        RepositoryNotFound: A path is no folder.
        CodesearchError: A command of codesearch fails; the message has its last words.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        encoder = load_encoder(what.model, "cpu", threads=what.threads)
        caches = [Path(folder) / str(number) for number in range(len(repositories))]
        figures = [
            measure_repository(location, cache, encoder, what, progress)
            for location, cache in zip(repositories, caches, strict=True)
        ]
        speed = None
        if what.rounds and what.model != "hashing":
            texts = _sample_texts(repositories[0], caches[0], what.sample)
            progress(f"encoding {len(texts):,} texts in {what.rounds} rounds")
            speed = measure_encoder(texts, model=what.model, threads=what.threads, rounds=what.rounds)
    return Efficiency(
        encoder.model_id,
        what.threads,
        asdict(describe_machine()),
        asdict(describe_software()),
        tuple(figures),
        speed,
    )


def measure_repository(
    location: str, cache: Path, encoder: Encoder, what: Plan, progress: Progress
) -> RepositoryFigures:
    """Index a repository into an empty cache, and ask it.

    Args:
        location: Path of the repository.
        cache: An empty folder that is codesearch's cache meanwhile.
        encoder: Of ``what.model``, for the searches inside this process.
        what: What is measured.
        progress: Called with a few words before each step.

    Raises:
        RepositoryNotFound: The path is no folder.
        CodesearchError: A command of codesearch fails; the message has its last words.
    """
    repository = open_repository(location, cache=cache)
    root = str(repository.root)
    choice = ["--model", what.model] if what.model is not None else []

    def command(*arguments: str) -> list[str]:
        return codesearch_command(cache, *arguments, *choice, "--device", "cpu", threads=what.threads)

    progress(f"{repository.name}: indexing words")
    lexical = run_weighed(command("index", "--no-dense", "--quiet", root))
    dense = None
    if what.encode:
        progress(f"{repository.name}: encoding")
        dense = run_weighed(command("index", "--quiet", root))

    progress(f"{repository.name}: asking")
    asking = ["ask"] if what.encode else ["ask", "--no-dense"]
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(what.asks + 1)]
    # The first one warms the disk's cache, and is not counted.
    cold = [run_timed(command(*asking, question, root), accept=(0, 1)) for question in questions][1:]

    directory = index_directory(repository, cache)
    with Snapshot(directory) as snapshot:
        counts = snapshot.counts()
        warm = search_times(snapshot, encoder if what.encode else None)
        ranking = _ranking_times(snapshot, encoder if what.encode else None)
    return RepositoryFigures(
        name=repository.name,
        files=counts.files,
        chunks=counts.chunks,
        lexical_seconds=lexical.seconds,
        lexical_cpu_seconds=lexical.cpu_seconds,
        lexical_peak_rss=lexical.peak_rss,
        dense_seconds=dense.seconds if dense else None,
        dense_peak_rss=dense.peak_rss if dense else None,
        index_bytes=sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()),
        cold_ask_seconds=Spread.of([run.seconds for run in cold]),
        cold_ask_cpu_seconds=Spread.of([run.cpu_seconds for run in cold]),
        warm_search_ms=Spread.of(warm),
        ranking_ms=Spread.of(ranking),
    )


def index_directory(repository: Repository, cache: Path) -> Path:
    """Return the folder of a repository's index in a cache."""
    return plan(repository, load_settings(None, overrides={"cache": str(cache)})).directory


def search_times(snapshot: Snapshot, encoder: Encoder | None) -> list[float]:
    """Return the milliseconds of a search for each question, five rounds, after one that is not counted."""
    times = []
    for number in range(6):
        for question in QUESTIONS:
            started = perf_counter()
            search([snapshot], question, encoder)
            if number:
                times.append(1000 * (perf_counter() - started))
    return times


def _ranking_times(snapshot: Snapshot, encoder: Encoder | None) -> list[float]:
    """Return the milliseconds of ordering each question's candidates, five rounds, after one that is not counted."""
    found = [find_candidates([snapshot], question, encoder, filters=[Filters()]) for question in QUESTIONS]
    times = []
    for number in range(6):
        for candidates in found:
            started = perf_counter()
            rank(candidates)
            if number:
                times.append(1000 * (perf_counter() - started))
    return times


def _sample_texts(location: str, cache: Path, count: int) -> list[str]:
    """Return the encoded texts of chunks spread evenly over the repository's index."""
    with Snapshot(index_directory(open_repository(location, cache=cache), cache)) as snapshot:
        total = snapshot.chunk_count
        ids = range(1, total + 1, max(1, total // count))
        return [document_text(chunk) for chunk in snapshot.chunks(ids).values()][:count]


def efficiency_table(figures: Efficiency) -> str:
    """Return the figures as Markdown: a table of repositories, a line on the encoder, a line on the machine."""
    header = [
        "repository", "files", "chunks", "words s", "its CPU s", "encoding s", "chunks/s", "peak MiB", "index MiB",
        "cold ask s", "its CPU s", "search ms p50 / p95", "of which ranking",
    ]  # fmt: skip
    rows = [_row(repository) for repository in figures.repositories]
    machine, software = figures.machine, figures.software
    parts = [markdown_table(header, rows)] if rows else []
    if figures.encoder is not None:
        parts.append(_encoder_line(figures.encoder))
    parts.append(
        f"{machine['cpu']}, {machine['cores']} cores ({figures.threads or 'all'} used to encode), "
        f"{machine['memory_gib']} GiB, {machine['system']}; codesearch {software['codesearch']} "
        f"{software['commit'][:10]}, {figures.model_id}."
    )
    return "\n\n".join(parts)


def _encoder_line(speed: EncoderSpeed) -> str:
    bare = "; ".join(f"{name} {rate.median:.1f}" for name, rate in speed.bare_texts_per_second.items())
    return (
        f"Encoder: {speed.encoder_texts_per_second.median:.1f} texts/s, {speed.mean_tokens:.0f} tokens each. "
        f"ONNX Runtime alone on the same batches: {bare}. Encoder : faster of these = {100 * speed.ratio:.0f}%."
    )


def _row(figures: RepositoryFigures) -> list[str]:
    dense = figures.dense_seconds
    peak = max(figures.lexical_peak_rss, figures.dense_peak_rss or 0)
    cold, warm, ranking = figures.cold_ask_seconds, figures.warm_search_ms, figures.ranking_ms
    return [
        figures.name,
        f"{figures.files:,}",
        f"{figures.chunks:,}",
        f"{figures.lexical_seconds:.2f}",
        f"{figures.lexical_cpu_seconds:.2f}",
        "" if dense is None else f"{dense:.1f}",
        "" if dense is None else f"{figures.chunks / dense:.0f}",
        f"{peak / 2**20:.0f}",
        f"{figures.index_bytes / 2**20:.1f}",
        f"{cold.median:.2f} [{cold.low:.2f}, {cold.high:.2f}]",
        f"{figures.cold_ask_cpu_seconds.median:.2f}",
        f"{warm.median:.1f} / {warm.p95:.1f}",
        f"{ranking.median:.1f} / {ranking.p95:.1f}",
    ]
