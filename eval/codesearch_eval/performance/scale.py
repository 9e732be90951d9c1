"""What a growing index costs: time by stage, memory and disk by part, and how much the dense search misses.

Trees of 1,000 to 1,000,000 chunks of real code (`large_trees`) are indexed and asked, each step in a process of its
own. The dense search is compared with an exact one over the same vectors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders import LazyEncoder, load_encoder
from codesearch.errors import CodesearchError, MissingExtra
from codesearch.index.dense import read_vectors
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import open_reader
from codesearch.processes import prepare_worker
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan
from codesearch_eval.machine import describe_machine
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.child import ChildRun, codesearch_command, run_timed, run_weighed
from codesearch_eval.performance.efficiency import QUESTIONS, index_directory
from codesearch_eval.performance.peers import grep_command

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ScaleFigures", "ScalePlan", "draw_curves", "measure_scale", "read_figures", "scale_table"]

Progress = Callable[[str], None]

_CHANGED_FILES: Final = 10
_ROUNDS: Final = 5
_DENSE_QUESTIONS: Final = 200
_NEAREST: Final = 10
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class ScalePlan:
    """What is measured.

    Attributes:
        device: That encodes chunks while indexing; questions are always encoded on the CPU.
        cores: That updating and asking may use, so that a large machine tells of a small one; 0 for all. Linux only.
        asks: Cold questions of each tree.
        semble: A Python interpreter that has semble; None leaves it out.
        semble_limit: Chunks above which semble is left out: it holds everything in memory.
    """

    device: str = "auto"
    cores: int = 0
    asks: int = 7
    semble: Path | None = None
    semble_limit: int = 100_000


@dataclass(frozen=True, slots=True)
class ScaleFigures:
    """One tree.

    Attributes:
        chunks: In its index.
        files: In its index.
        stage_seconds: Of the first index, by phase.
        index_seconds: Of the first index, its process included.
        index_peak_bytes: Memory of it and its workers.
        update_seconds: ``codesearch index`` after ten files have changed; median of three.
        cold_seconds: ``codesearch ask``, a fresh process; median.
        cold_words_seconds: The same with ``--no-dense``.
        warm_ms: A question in a process that has everything open: median, 95th and 99th percentile.
        warm_words_ms: The same by words only.
        memory_bytes: By part: what a process has of its own, and what it shares with the files that it maps, after
            all questions were asked once.
        disk_bytes: By part.
        recall: Of the ten nearest vectors of a question, the share that the dense search finds.
        grep_seconds: ripgrep, for any of a question's words; median. None where it is not installed.
        semble_index_seconds: semble's offline mode, first index; None where it is left out.
        semble_cold_seconds: A fresh process of it that answers one question; median.
        machine: What all this was measured on.
    """

    chunks: int
    files: int
    stage_seconds: dict[str, float]
    index_seconds: float
    index_peak_bytes: int
    update_seconds: float
    cold_seconds: float
    cold_words_seconds: float
    warm_ms: tuple[float, float, float]
    warm_words_ms: tuple[float, float, float]
    memory_bytes: dict[str, int]
    disk_bytes: dict[str, int]
    recall: float
    grep_seconds: float | None
    semble_index_seconds: float | None
    semble_cold_seconds: float | None
    machine: dict[str, Any]


def measure_scale(root: Path, cache: Path, what: ScalePlan, progress: Progress = lambda _: None) -> ScaleFigures:
    """Index a tree for the first time, and ask it.

    Args:
        root: The tree; ten of its files are changed and put back.
        cache: An empty folder that is codesearch's cache meanwhile.
        what: What is measured.
        progress: Called with a few words before each step.

    Raises:
        CodesearchError: A command of codesearch fails; the message has its last words.
        MissingExtra: psutil is not installed.
    """
    repository = open_repository(str(root), cache=cache)
    place = str(repository.root)
    progress(f"{root.name}: indexing")
    indexed = run_weighed(_here(cache, "index", place, what.device))
    with _on_cores(what.cores):
        return _measure_asking(root, cache, what, indexed, progress)


@contextmanager
def _on_cores(number: int) -> Iterator[None]:
    """Let this process and its children use the first cores only."""
    if not number:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _measure_asking(root: Path, cache: Path, what: ScalePlan, indexed: ChildRun, progress: Progress) -> ScaleFigures:
    repository = open_repository(str(root), cache=cache)
    place, directory = str(repository.root), index_directory(repository, cache)
    with Snapshot(directory) as snapshot:
        counts = snapshot.counts()
    progress(f"{root.name}: updating {_CHANGED_FILES} files")
    updates = [_time_update(root, cache, number) for number in range(3)]

    progress(f"{root.name}: asking")
    # The first question warms the disk's cache, and is not counted.
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(what.asks + 1)]
    cold = [_ask(cache, question, place) for question in questions][1:]
    cold_words = [_ask(cache, question, place, "--no-dense") for question in questions][1:]
    warm = _child_json(_here(cache, "ask", place))
    warm_words = _child_json(_here(cache, "ask-words", place))

    progress(f"{root.name}: comparing with exact search")
    recall = _child_json(_here(cache, "recall", place))["recall"]

    grep = _time_grep(place, questions[1:])
    semble_index, semble_cold = None, None
    if what.semble is not None and counts.chunks <= what.semble_limit:
        progress(f"{root.name}: semble")
        semble_index, semble_cold = _time_semble(what.semble, place, cache, questions)
    return ScaleFigures(
        chunks=counts.chunks,
        files=counts.files,
        stage_seconds=json.loads((cache / "stages.json").read_text(encoding="utf-8")),
        index_seconds=indexed.seconds,
        index_peak_bytes=indexed.peak_rss,
        update_seconds=float(np.median(updates)),
        cold_seconds=float(np.median(cold)),
        cold_words_seconds=float(np.median(cold_words)),
        warm_ms=tuple(warm["ms"]),
        warm_words_ms=tuple(warm_words["ms"]),
        memory_bytes=warm["memory"],
        disk_bytes=_disk_by_part(directory),
        recall=recall,
        grep_seconds=grep,
        semble_index_seconds=semble_index,
        semble_cold_seconds=semble_cold,
        machine=asdict(describe_machine()),
    )


# --- steps, each in a process of its own ----------------------------------------------------------------------


def _here(cache: Path, step: str, place: str, *arguments: str) -> list[str]:
    settings = [f"CODESEARCH_CACHE={cache}"]
    return ["env", *settings, sys.executable, "-m", "codesearch_eval.performance.scale", step, place, *arguments]


def _child_json(command: Sequence[str]) -> Any:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CodesearchError(f"`{' '.join(command)}` failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


def _ask(cache: Path, question: str, place: str, *options: str) -> float:
    command = codesearch_command(cache, "ask", question, place, "--device", "cpu", *options)
    return run_timed(command, accept=(0, 1)).seconds


def _time_update(root: Path, cache: Path, number: int) -> float:
    files = sorted(path for path in root.rglob("*.*") if path.is_file() and path.stat().st_size)
    chosen = files[:: max(1, len(files) // _CHANGED_FILES)][:_CHANGED_FILES]
    before = {path: path.read_bytes() for path in chosen}
    try:
        for path, content in before.items():
            path.write_bytes(content + f"\n\ndef retry_upload_{number}(limit):\n    return limit\n".encode())
        return run_timed(codesearch_command(cache, "index", "--quiet", str(root), "--device", "cpu")).seconds
    finally:
        for path, content in before.items():
            path.write_bytes(content)


def _time_grep(place: str, questions: Sequence[str]) -> float | None:
    times = []
    for question in questions:
        words = grep_command(place, question)[6:]
        try:
            times.append(run_timed(["rg", "-n", "-i", "-F", *words, place], accept=(0, 1)).seconds)
        except FileNotFoundError:
            return None
    return float(np.median(times))


def _time_semble(python: Path, place: str, cache: Path, questions: Sequence[str]) -> tuple[float, float]:
    here = Path(__file__).resolve().parents[2]
    settings = [f"PYTHONPATH={here}", f"SEMBLE_CACHE_LOCATION={cache / 'semble'}", "HF_HUB_OFFLINE=1"]
    module = ["env", *settings, str(python), "-m", "codesearch_eval.semble_offline"]
    model = str(cache / "semble-model")
    first = run_timed([*module, "index", place, model]).seconds
    asked = [run_timed([*module, "ask", place, model, question], accept=(0, 1)).seconds for question in questions]
    return first, float(np.median(asked[1:]))


def _disk_by_part(directory: Path) -> dict[str, int]:
    parts = {"database": 0, "words": 0, "graphs": 0}
    for path in directory.rglob("*"):
        if path.is_file():
            part = "words" if path.parent.name == "lexical" else "graphs" if path.suffix == ".hnsw" else "database"
            parts[part] += path.stat().st_size
    return parts


def _index_by_stage(place: str, cache: Path, device: str) -> dict[str, float]:
    prepare_worker()
    job = plan(open_repository(place, cache=cache), load_settings(None, overrides={"device": device}))
    updating = bring_up_to_date(job, LazyEncoder(lambda: load_encoder(None, device)))
    while True:
        try:
            next(updating)
        except StopIteration as end:
            return {phase.name.lower(): seconds for phase, seconds in end.value.seconds.items()}


def _resident() -> dict[str, int]:
    """Return what this process has in memory: of its own, and of files that it maps and shares."""
    try:
        rows = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise CodesearchError("memory is read from /proc, which only Linux has") from error
    sizes = {
        name: int(rest.split()[0]) * 1024 for name, _, rest in (row.partition(":") for row in rows) if "Rss" in name
    }
    return {"own": sizes["RssAnon"], "mapped": sizes["RssFile"]}


def _warm(place: str, cache: Path, *, dense: bool) -> dict[str, Any]:
    encoder = load_encoder(None, "cpu") if dense else None
    if encoder is not None:
        encoder.encode_queries(["warm"])
    before = _resident()
    times = []
    with Snapshot(index_directory(open_repository(place, cache=cache), cache)) as snapshot:
        for number in range(_ROUNDS + 1):
            for question in QUESTIONS:
                started = perf_counter()
                search([snapshot], question, encoder)
                times += [1000 * (perf_counter() - started)] if number else []
        after = _resident()
    figures = [float(np.quantile(times, share)) for share in (0.5, 0.95, 0.99)]
    return {"ms": figures, "memory": {part: max(0, after[part] - before[part]) for part in after}}


def _recall(place: str, cache: Path) -> float:
    """Compare the dense search with an exact one, for questions that are the first lines of some documentation."""
    encoder = load_encoder(None, "cpu")
    directory = index_directory(open_repository(place, cache=cache), cache)
    with Snapshot(directory) as snapshot:
        connection, manifest = open_reader(directory)
        rows = connection.execute(
            "SELECT documentation FROM chunks WHERE length(documentation) BETWEEN 30 AND 300 "
            "ORDER BY id * 7919 % 1000003 LIMIT ?",
            [_DENSE_QUESTIONS],
        ).fetchall()
        texts = [*QUESTIONS, *(row[0].splitlines()[0] for row in rows)]
        queries = np.concatenate([encoder.encode_queries([text]) for text in texts])
        nearest = _exact_neighbours(queries, read_vectors(connection, manifest.dimension, "1"))
        connection.close()
        dense = snapshot.dense
        if dense is None:
            raise CodesearchError(f"{place} has no vectors: index it with an encoder")
        shares = [
            len({vector for vector, _ in dense.search(query, 100)[:_NEAREST]} & true) / max(1, len(true))
            for query, true in zip(queries, nearest, strict=True)
        ]
    return float(np.mean(shares))


def _exact_neighbours(queries: NDArray[np.float32], blocks: Any) -> list[set[int]]:
    """Return the ids of the nearest vectors of each query."""
    best = [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
    for ids, vectors in blocks:
        scores = queries @ vectors.T
        for row, of_query in enumerate(scores):
            all_ids = np.concatenate([best[row][0], ids])
            all_scores = np.concatenate([best[row][1], of_query])
            top = np.argpartition(-all_scores, _NEAREST)[:_NEAREST] if len(all_ids) > _NEAREST else slice(None)
            best[row] = all_ids[top], all_scores[top]
    return [set(ids.tolist()) for ids, _ in best]


# --- what is shown ----------------------------------------------------------------------------------------------


def read_figures(path: Path) -> list[ScaleFigures]:
    """Read figures, a JSON record a line, as `codesearch-eval scale` writes them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [ScaleFigures(**json.loads(line)) for line in lines]


def scale_table(figures: Sequence[ScaleFigures]) -> str:
    """Return the figures as Markdown: a table with a column for each tree, and a line on the machine."""
    header = ["", *(f"{one.chunks:,} chunks" for one in figures)]
    stages = sorted({stage for one in figures for stage in one.stage_seconds})
    rows = [
        ["first index, s", *(f"{one.index_seconds:.1f}" for one in figures)],
        *(
            [f"of which {stage.replace('_', ' ')}", *(f"{one.stage_seconds.get(stage, 0):.1f}" for one in figures)]
            for stage in stages
        ),
        ["its memory, MiB", *(f"{one.index_peak_bytes / _MIB:,.0f}" for one in figures)],
        [f"update of {_CHANGED_FILES} files, s", *(f"{one.update_seconds:.2f}" for one in figures)],
        ["cold question, s", *(f"{one.cold_seconds:.2f}" for one in figures)],
        ["by words only, s", *(f"{one.cold_words_seconds:.2f}" for one in figures)],
        ["warm question, ms: p50 / p95 / p99", *(_three(one.warm_ms) for one in figures)],
        ["by words only, ms", *(_three(one.warm_words_ms) for one in figures)],
        ["memory, bytes a chunk: own", *(f"{one.memory_bytes['own'] / one.chunks:,.0f}" for one in figures)],
        ["mapped from files", *(f"{one.memory_bytes['mapped'] / one.chunks:,.0f}" for one in figures)],
        ["disk, MiB: database", *(f"{one.disk_bytes['database'] / _MIB:,.0f}" for one in figures)],
        ["words", *(f"{one.disk_bytes['words'] / _MIB:,.0f}" for one in figures)],
        ["graphs", *(f"{one.disk_bytes['graphs'] / _MIB:,.0f}" for one in figures)],
        [f"recall@{_NEAREST} of the dense search", *(f"{one.recall:.3f}" for one in figures)],
        ["ripgrep, s", *(_seconds(one.grep_seconds) for one in figures)],
        ["semble offline: first index, s", *(_seconds(one.semble_index_seconds) for one in figures)],
        ["its cold question, s", *(_seconds(one.semble_cold_seconds) for one in figures)],
    ]
    machine = figures[-1].machine
    return (
        f"{markdown_table(header, rows)}\n\n"
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}."
    )


def _three(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def draw_curves(figures: Sequence[ScaleFigures], path: Path) -> None:
    """Draw time and memory against the number of chunks, as a PNG.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("drawing needs matplotlib: pip install 'codesearch-nl[eval]'") from error
    chunks = [one.chunks for one in figures]
    figure = Figure(figsize=(10, 7), layout="constrained")
    panels: list[tuple[str, dict[str, list[float | None]]]] = [
        (
            "first index, s",
            {
                "codesearch": [one.index_seconds for one in figures],
                "of which encoding": [one.stage_seconds.get("encoding") for one in figures],
                "semble, offline": [one.semble_index_seconds for one in figures],
            },
        ),
        (
            "one question, a fresh process, s",
            {
                "codesearch": [one.cold_seconds for one in figures],
                "by words only": [one.cold_words_seconds for one in figures],
                "ripgrep": [one.grep_seconds for one in figures],
                "semble, offline": [one.semble_cold_seconds for one in figures],
                "update of 10 files": [one.update_seconds for one in figures],
            },
        ),
        (
            "one question, everything open, ms",
            {
                "median": [one.warm_ms[0] for one in figures],
                "95th percentile": [one.warm_ms[1] for one in figures],
                "by words only, median": [one.warm_words_ms[0] for one in figures],
            },
        ),
        (
            "MiB",
            {
                "memory of its own": [one.memory_bytes["own"] / _MIB for one in figures],
                "memory mapped": [one.memory_bytes["mapped"] / _MIB for one in figures],
                "disk": [sum(one.disk_bytes.values()) / _MIB for one in figures],
            },
        ),
    ]
    for axes, (title, curves) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        _draw_panel(axes, title, chunks, curves)
    figure.savefig(path, dpi=110)


def _draw_panel(axes: Axes, title: str, chunks: list[int], curves: dict[str, list[float | None]]) -> None:
    for (name, values), marker in zip(curves.items(), "osv^D", strict=False):
        points = [(x, y) for x, y in zip(chunks, values, strict=True) if y]
        if points:
            axes.plot([x for x, _ in points], [y for _, y in points], marker=marker, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("chunks", fontsize=9)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)


def _main(step: str, place: str, *arguments: str) -> None:
    """Do one step of a measurement; the parent process set the cache."""
    cache = load_settings(None).cache
    if step == "index":
        stages = _index_by_stage(place, cache, *arguments)
        (cache / "stages.json").write_text(json.dumps(stages), encoding="utf-8")
        return
    answer = {"recall": _recall(place, cache)} if step == "recall" else _warm(place, cache, dense=step == "ask")
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main(*sys.argv[1:])
