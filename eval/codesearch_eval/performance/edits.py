"""What an update costs that finds nothing changed, and one after an edit of a few files.

This is what every question and every save in an editor waits for, so it is measured inside a process that has
everything loaded, on a repository made for it: as large as is asked for, the same on every machine, in Git.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep

from codesearch.encoders import LazyEncoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import CodesearchError, InputError
from codesearch.index.progress import UpdateReport
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.sources.commands import clean_environment
from codesearch.upkeep.plan import Job, bring_up_to_date, plan
from codesearch_eval.machine import Machine, describe_machine
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.throughput import Spread

__all__ = ["EditFigures", "UpdateCost", "edits_table", "make_repository", "measure_edits"]

Progress = Callable[[str], None]

_WORDS = (
    "read write parse json file socket buffer token node tree index cache user session value key list map sort merge "
    "split join encode decode open close start stop create delete update query"
).split()

_FUNCTIONS = 10
_DIMENSION = 384


@dataclass(frozen=True, slots=True)
class UpdateCost:
    """What several updates of one kind cost, each in milliseconds.

    Attributes:
        wall: From the call to its end.
        cpu: Processor time of this process and of its children that ended, Git among them; the system counts
            that of children in hundredths of a second.
    """

    wall: Spread
    cpu: Spread


@dataclass(frozen=True, slots=True)
class EditFigures:
    """Updates of one repository.

    Attributes:
        files: Files of the repository.
        chunks: Chunks in its index at first.
        edited: Files that were edited before each update of the second kind.
        unchanged: Updates that found nothing to do.
        changed: Updates after an edit.
        machine: What they were taken on.
    """

    files: int
    chunks: int
    edited: int
    unchanged: UpdateCost
    changed: UpdateCost
    machine: Machine


def make_repository(root: Path, files: int, seed: int = 0) -> list[Path]:
    """Make a Git repository of Python files with ten short functions each, all committed.

    Args:
        root: Where; made, and must not exist.
        files: How many.
        seed: The same seed makes the same files.

    Returns:
        The files, sorted.

    Raises:
        CodesearchError: Git cannot be run, or fails; the message has its last words.
    """
    choose = random.Random(seed).choice
    root.mkdir(parents=True)
    paths = []
    for number in range(files):
        folder = root / f"package_{number % 70}" / f"part_{number // 70 % 9}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{choose(_WORDS)}_{number}.py"
        functions = [
            _function(choose(_WORDS), choose(_WORDS), choose(_WORDS), number, index) for index in range(_FUNCTIONS)
        ]
        path.write_text("\n\n".join(functions), encoding="utf-8")
        paths.append(path)
    person = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgSign=false")
    for arguments in (("init", "-q"), ("add", "-A"), (*person, "commit", "-q", "--no-verify", "-m", "All files")):
        try:
            subprocess.run(
                ["git", *arguments], cwd=root, env=clean_environment(), check=True, capture_output=True, text=True
            )
        except FileNotFoundError as error:
            raise CodesearchError("Git was not found: install it to make a repository to measure on") from error
        except subprocess.CalledProcessError as error:
            raise CodesearchError(f"git {arguments[0]} failed: {error.stderr.strip()}") from error
    return sorted(paths)


def _function(verb: str, thing: str, whole: str, number: int, index: int) -> str:
    return (
        f"def {verb}_{thing}_{number}_{index}({whole}, limit={index}):\n"
        f"    '''{verb.title()} the {thing} of a {whole}.'''\n"
        "    found = []\n"
        f"    for {thing} in {whole}:\n"
        f"        if {thing}.{verb}(limit) > {number}:\n"
        f"            found.append({thing})\n"
        "    return found\n"
    )


def measure_edits(
    files: int = 5000,
    *,
    edited: int = 10,
    rounds: int = 7,
    settle_seconds: float = 2.5,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> EditFigures:
    """Make a repository, index it with `HashingEncoder` of 384 dimensions, and time updates.

    Args:
        files: Files of the repository.
        edited: Files that are edited before an update; others each time while there are others.
        rounds: Updates after an edit; twice as many find nothing changed.
        settle_seconds: How long to wait after files were written. Within about two seconds of an edit neither
            Git nor the index trusts a file's time, and both read its content again.
        seed: For the files' content.
        progress: Called with a few words before each step.

    Raises:
        InputError: A number makes no sense.
        CodesearchError: Git or the index fails, or an update overlooked an edit.
    """
    if rounds < 1 or not 1 <= edited <= files:
        raise InputError(f"cannot edit {edited} of {files} files in {rounds} rounds: ask for as many files at least")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        cache = Path(folder).resolve() / "cache"
        root = Path(folder).resolve() / "repository"
        progress(f"making {files:,} files")
        paths = make_repository(root, files, seed)
        job = plan(open_repository(root, cache=cache), load_settings(None, overrides={"cache": str(cache)}))
        encoder = HashingEncoder(_DIMENSION)

        progress("indexing them")
        chunks = _update(job, encoder).chunks
        sleep(settle_seconds)
        _update(job, encoder)  # writes down the times of files that were too new to be trusted

        progress("updates that find nothing changed")
        unchanged = _Clock()
        for _ in range(2 * rounds):
            with unchanged.running():
                _update(job, encoder)

        progress(f"updates after an edit of {edited:,} files")
        changed = _Clock()
        for number in range(rounds):
            _edit([paths[(number * edited + index) % files] for index in range(edited)], number)
            with changed.running():
                report = _update(job, encoder)
            if report.changed_files < edited:
                raise CodesearchError(f"an update saw {report.changed_files} of {edited} edited files: report this")
            sleep(settle_seconds)
            _update(job, encoder)
    return EditFigures(files, chunks, edited, unchanged.cost(), changed.cost(), describe_machine())


def _edit(paths: Sequence[Path], number: int) -> None:
    """Change a function of each file, and append a line."""
    for path in paths:
        text = path.read_text(encoding="utf-8").replace("found.append", "found.extend", 1)
        path.write_text(f"{text}\n# {number}\n", encoding="utf-8")


def _update(job: Job, encoder: HashingEncoder) -> UpdateReport:
    steps = bring_up_to_date(job, LazyEncoder(lambda: encoder))
    while True:
        try:
            next(steps)
        except StopIteration as stopped:
            report: UpdateReport = stopped.value
            return report


class _Clock:
    """Collects the milliseconds that the same thing took, each time."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        started, spent = perf_counter(), _cpu_seconds()
        yield
        self._wall.append(1000 * (perf_counter() - started))
        self._cpu.append(1000 * (_cpu_seconds() - spent))

    def cost(self) -> UpdateCost:
        return UpdateCost(Spread.of(self._wall), Spread.of(self._cpu))


def _cpu_seconds() -> float:
    """Return the processor time of this process and of all children that have ended."""
    times = os.times()
    return process_time() + times.children_user + times.children_system


def edits_table(figures: EditFigures) -> str:
    """Return the figures as Markdown: a table of updates, and a line on what they were taken on."""
    header = ["update", "wall ms median", "min", "CPU ms median", "min", "updates"]
    rows = [
        [name]
        + [f"{value:.0f}" for value in (cost.wall.median, cost.wall.low, cost.cpu.median, cost.cpu.low, cost.wall.runs)]
        for name, cost in (
            ("nothing changed", figures.unchanged),
            (f"{figures.edited:,} files edited", figures.changed),
        )
    ]
    machine = figures.machine
    return (
        f"{markdown_table(header, rows)}\n\n{figures.files:,} files, {figures.chunks:,} chunks, "
        f"hashing encoder of {_DIMENSION}; {machine.cpu}, {machine.cores} cores, {machine.system}."
    )
