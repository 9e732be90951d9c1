"""How long grep, codesearch by words, codesearch and another tool take to index a repository and to answer.

Questions are asked of all tools in turn, so that other work on the machine holds up all alike.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from codesearch.encoders import load_encoder
from codesearch.errors import CodesearchError, InputError
from codesearch.index.snapshot import Snapshot
from codesearch.records import Repository
from codesearch.sources import open_repository
from codesearch.words import STOP_WORDS
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.child import codesearch_command, run_timed
from codesearch_eval.performance.efficiency import QUESTIONS, index_directory, search_times
from codesearch_eval.performance.throughput import Spread

__all__ = ["GREP", "OURS", "SEMBLE", "WORDS", "PeerTimes", "grep_command", "measure_peers", "peers_table"]

OURS, WORDS, GREP, SEMBLE = "codesearch", "codesearch, words only", "git grep", "semble, offline"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PeerTimes:
    """One tool on one repository.

    Attributes:
        repository: Its name.
        system: The tool.
        index_seconds: A fresh process that indexes the repository for the first time; None where there is no index.
        cold_seconds: A fresh process that answers one question.
        warm_ms: A question in a process that has everything open; None where every question is a process.
    """

    repository: str
    system: str
    index_seconds: float | None
    cold_seconds: Spread
    warm_ms: Spread | None


def measure_peers(
    repositories: Sequence[str],
    *,
    semble: Path | None = None,
    model: str | None = None,
    asks: int = 9,
    progress: Progress = lambda _: None,
) -> list[PeerTimes]:
    """Time all tools on repositories.

    Args:
        repositories: Paths of work trees.
        semble: A Python interpreter that has semble; None leaves it out.
        model: As `codesearch.encoders.load_encoder` takes it.
        asks: Cold questions of each tool.
        progress: Called with a few words before each step.

    Raises:
        CodesearchError: A tool fails; the message has its last words.
        InputError: `semble` is no interpreter that has it.
    """
    if semble is not None and subprocess.run([str(semble), "-c", "import semble"], capture_output=True).returncode:
        raise InputError(f"{semble} is no Python with semble: make one by `python -m venv` and `pip install semble`")
    found = []
    for location in repositories:
        with TemporaryDirectory(prefix="codesearch-peers-", ignore_cleanup_errors=True) as scratch:
            repository = open_repository(location, cache=Path(scratch))
            found += _measure(repository, Path(scratch), semble, model, asks, progress)
    return found


def _measure(
    repository: Repository, scratch: Path, semble: Path | None, model: str | None, asks: int, progress: Progress
) -> list[PeerTimes]:
    root, choice = str(repository.root), [] if model is None else ["--model", model]
    dense, words = scratch / "dense", scratch / "words"

    def ours(cache: Path, *arguments: str) -> list[str]:
        return codesearch_command(cache, *arguments, root, *choice, "--device", "cpu")

    indexing = {OURS: ours(dense, "index", "--quiet"), WORDS: ours(words, "index", "--no-dense", "--quiet")}
    asking: dict[str, Callable[[str], list[str]]] = {
        OURS: lambda question: ours(dense, "ask", question),
        WORDS: lambda question: ours(words, "ask", "--no-dense", question),
        GREP: lambda question: grep_command(root, question),
    }
    if semble is not None:
        indexing[SEMBLE] = _semble(semble, "index", root, scratch)
        asking[SEMBLE] = lambda question: _semble(semble, "ask", root, scratch, question)
    seconds = {}
    for system, command in indexing.items():
        progress(f"{repository.name}: {system} indexes")
        seconds[system] = run_timed(command).seconds
    progress(f"{repository.name}: asking")
    cold: dict[str, list[float]] = {system: [] for system in asking}
    for number in range(asks + 1):  # the first question warms the disk's cache, and is not counted
        for system, ask in asking.items():
            run = run_timed(ask(QUESTIONS[number % len(QUESTIONS)]), accept=(0, 1))
            cold[system] += [run.seconds] if number else []
    warm = {}
    for system, cache in ((OURS, dense), (WORDS, words)):
        encoder = load_encoder(model, "cpu") if system == OURS else None
        with Snapshot(index_directory(repository, cache)) as snapshot:
            warm[system] = search_times(snapshot, encoder)
    if semble is not None:
        command = _semble(semble, "time", root, scratch, *QUESTIONS)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CodesearchError(f"semble failed: {done.stderr.strip().splitlines()[-1:]}")
        warm[SEMBLE] = json.loads(done.stdout)
    return [
        PeerTimes(
            repository.name,
            system,
            seconds.get(system),
            Spread.of(cold[system]),
            Spread.of(warm[system]) if system in warm else None,
        )
        for system in asking
    ]


def grep_command(root: str, question: str) -> list[str]:
    """Return the grep for any of a question's words, but for those that say nothing."""
    words = [word for word in question.lower().split() if word not in STOP_WORDS] or question.split()
    return ["git", "-C", root, "grep", "-n", "-i", "-F", *(part for word in words for part in ("-e", word))]


def _semble(python: Path, action: str, root: str, scratch: Path, *questions: str) -> list[str]:
    here = Path(__file__).resolve().parents[2]
    settings = [f"PYTHONPATH={here}", f"SEMBLE_CACHE_LOCATION={scratch / 'semble'}", "HF_HUB_OFFLINE=1"]
    module = ("-m", "codesearch_eval.semble_offline")
    return ["env", *settings, str(python), *module, action, root, str(scratch / "semble-model"), *questions]


def peers_table(times: Sequence[PeerTimes]) -> str:
    """Return the times as a Markdown table."""
    header = ["repository, tool", "index s", "cold question s", "range", "warm question ms", "p95"]
    return markdown_table(header, [_row(one) for one in times])


def _row(one: PeerTimes) -> list[str]:
    cold, warm = one.cold_seconds, one.warm_ms
    return [
        f"{one.repository}, {one.system}",
        "" if one.index_seconds is None else f"{one.index_seconds:.1f}",
        f"{cold.median:.2f}",
        f"{cold.low:.2f}-{cold.high:.2f}",
        "" if warm is None else f"{warm.median:.1f}",
        "" if warm is None else f"{warm.p95:.1f}",
    ]
