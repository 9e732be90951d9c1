"""How fast the language server answers while files are being saved, and how soon what was saved is found.

The server runs as editors run it, in a process of its own, and is spoken to over its pipes by a client that is no part
of it. The repository is made for the measurement, or is a clone of one that is named.
"""

from __future__ import annotations

import itertools
import os
import random
import string
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codesearch.errors import CodesearchError, InputError
from codesearch.sources.commands import clean_environment
from codesearch_eval.machine import Machine, describe_machine
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.edits import make_repository
from codesearch_eval.performance.lsp_client import Client
from codesearch_eval.performance.throughput import Spread

__all__ = ["LspFigures", "clone", "lsp_table", "measure_lsp"]

Progress = Callable[[str], None]

_QUESTIONS = (
    "read a json file",
    "write the value to the cache",
    "parse a token of a tree",
    "open a socket and start a session",
    "delete a user from the list",
    "encode the key of a node",
    "merge two buffers",
    "stop the session when the queue is closed",
    "retry with exponential backoff",
    "split the query into values",
)

_READY_SECONDS = 1_800.0
_FOUND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LspFigures:
    """What was measured.

    Attributes:
        files: Files of the workspace.
        chunks: Chunks in its index.
        start: Milliseconds from the start of the process to the answer to its first request.
        initialize: Milliseconds that `initialize` takes in a process that runs.
        quiet: Milliseconds of questions while nothing changes.
        storm: Questions while files are saved and indexed.
        status: Requests that need no search, meanwhile: how long the event loop is ever held up.
        saves: How many files were saved.
        save_seconds: In what time.
        fresh: From a save to the first answer that holds what was saved; one save at a time.
        fresh_unsaved: Likewise, from typing without saving.
        memory_quiet: MiB of the server and its children, shared memory once, while nothing changes.
        memory_storm: The most of it while files were saved.
        machine: What the figures were taken on.
    """

    files: int
    chunks: int
    start: float
    initialize: float
    quiet: Spread
    storm: Spread
    status: Spread
    saves: int
    save_seconds: float
    fresh: Spread
    fresh_unsaved: Spread
    memory_quiet: float
    memory_storm: float
    machine: Machine


def measure_lsp(
    repository: Path | None = None,
    *,
    files: int = 1000,
    saves: int = 100,
    save_seconds: float = 10.0,
    rounds: int = 10,
    model: str | None = None,
    cache: Path | None = None,
    progress: Progress = lambda _: None,
) -> LspFigures:
    """Start a server on a workspace and measure it.

    Args:
        repository: Is cloned to be the workspace; None to make one.
        files: Of the repository that is made, ten functions each.
        saves: How many files are saved while questions are asked.
        save_seconds: In what time.
        rounds: Saves after which it is measured how soon they are found.
        model: Encode with this model instead of the shipped one.
        cache: Keeps the vectors for the next time, which then starts at once.
        progress: Told what happens.

    Raises:
        CodesearchError: Git fails, or the server does.
    """
    with TemporaryDirectory(prefix="codesearch-lsp-") as folder:
        root = Path(folder).resolve() / "workspace"
        paths = clone(repository, root) if repository is not None else make_repository(root, files)
        if not paths:
            raise InputError(f"{repository} holds no Python file that could be edited")
        environment = {**os.environ, "CODESEARCH_CACHE": str(cache or Path(folder, "cache"))}
        command = [sys.executable, "-m", "codesearch", "lsp"]
        started = time.perf_counter()
        with Client(command, environment, Path(folder)) as client:
            return _Session(client, root, paths, started, progress).measure(saves, save_seconds, rounds, model)


def clone(repository: Path, root: Path) -> list[Path]:
    """Clone a repository; returns its Python files of less than 100 kB, sorted.

    Raises:
        CodesearchError: Git cannot be run, or fails.
    """
    try:
        subprocess.run(
            ["git", "clone", "-q", "--no-hardlinks", str(repository.absolute()), str(root)],
            env=clean_environment(),
            check=True,
            capture_output=True,
            text=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise CodesearchError(f"{repository} cannot be cloned: {getattr(error, 'stderr', error)}") from error
    return sorted(path for path in root.rglob("*.py") if path.stat().st_size < 100_000)


class _Session:
    def __init__(self, client: Client, root: Path, paths: list[Path], started: float, progress: Progress) -> None:
        self._client = client
        self._root = root
        self._paths = paths
        self._started = started
        self._progress = progress
        self._choose = random.Random(0)

    def measure(self, saves: int, save_seconds: float, rounds: int, model: str | None) -> LspFigures:
        self._client.request("codesearch/status", None)  # refused, and so an answer that costs nothing
        start = time.perf_counter() - self._started
        initialize = self._client.request("initialize", self._parameters(model)).seconds
        self._client.notify("initialized", {})
        status = self._wait_until_ready()
        self._progress(f"{status['chunks']:,} chunks; questions while nothing changes")
        for question in _QUESTIONS:
            self._ask(question)
        quiet = [self._ask(question) for question in _QUESTIONS * 10]
        memory_quiet = _memory(self._client.process.pid)
        self._progress(f"{saves} saves in {save_seconds} s")
        storm, held, memory_storm = self._storm(saves, save_seconds)
        self._wait_until_ready()
        self._progress("from a save to the answer")
        fresh = [self._until_found(save=True) for _ in range(rounds)]
        unsaved = [self._until_found(save=False) for _ in range(rounds)]
        return LspFigures(
            files=status["files"],
            chunks=status["chunks"],
            start=start * 1e3,
            initialize=initialize * 1e3,
            quiet=_milliseconds(quiet),
            storm=_milliseconds(storm),
            status=_milliseconds(held),
            saves=saves,
            save_seconds=save_seconds,
            fresh=_milliseconds(fresh),
            fresh_unsaved=_milliseconds(unsaved),
            memory_quiet=memory_quiet,
            memory_storm=memory_storm,
            machine=describe_machine(),
        )

    def _parameters(self, model: str | None) -> dict[str, Any]:
        return {
            "processId": os.getpid(),
            "rootUri": self._root.as_uri(),
            "workspaceFolders": [{"uri": self._root.as_uri(), "name": "workspace"}],
            "capabilities": {"workspace": {"workspaceFolders": True}},
            "initializationOptions": {"model": model},
        }

    def _result(self, method: str, params: Any) -> tuple[Any, float]:
        reply = self._client.request(method, params)
        if reply.error is not None:
            raise CodesearchError(f"{method} failed: {reply.error['message']}")
        return reply.result, reply.seconds

    def _status(self) -> tuple[dict[str, Any], float]:
        result, seconds = self._result("workspace/executeCommand", {"command": "codesearch.status", "arguments": []})
        return (result["folders"] or [{"state": "missing"}])[0], seconds

    def _ask(self, question: str) -> float:
        return self._result("codesearch/search", {"query": question, "limit": 10})[1]

    def _wait_until_ready(self) -> dict[str, Any]:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            status, _ = self._status()
            if status["state"] == "failed":
                raise CodesearchError(f"indexing failed: {status['message']}")
            if status["state"] == "ready" and status["chunks"] and not status["pending"]:
                return status
            time.sleep(0.25)
        raise CodesearchError(f"the workspace was not indexed within {_READY_SECONDS:.0f} s")

    # --- saving ---------------------------------------------------------------------------------------------

    def _name(self) -> str:
        """Return a word that nothing else holds."""
        return "".join(self._choose.choices(string.ascii_lowercase, k=12))

    def _edit(self) -> tuple[Path, str]:
        """Add a function of a new name to a file; returns the file and the name."""
        path = self._choose.choice(self._paths)
        name = self._name()
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef {name}(queue):\n    '''Take what is in a queue.'''\n    return queue\n")
        return path, name

    def _saved(self, path: Path) -> None:
        self._client.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})

    def _storm(self, saves: int, seconds: float) -> tuple[list[float], list[float], float]:
        over = threading.Event()

        def save() -> None:
            begin = time.monotonic()
            for number in range(saves):
                time.sleep(max(0.0, begin + number * seconds / saves - time.monotonic()))
                self._saved(self._edit()[0])
            over.set()

        answers: list[float] = []
        held: list[float] = []
        most = 0.0
        with _thread(save), _thread(lambda: held.extend(self._probe(over))):
            for question in itertools.cycle(_QUESTIONS):
                if over.is_set():
                    break
                answers.append(self._ask(question))
                time.sleep(0.05)
                if len(answers) % 20 == 0:
                    most = max(most, _memory(self._client.process.pid))
        return answers, held, most

    def _probe(self, over: threading.Event) -> Iterator[float]:
        while not over.wait(0.05):
            yield self._status()[1]

    def _until_found(self, *, save: bool) -> float:
        """Return the seconds from an edit to the first answer that holds it."""
        if save:
            path, name = self._edit()
            started = time.perf_counter()
            self._saved(path)
        else:
            path, name = self._choose.choice(self._paths), self._name()
            self._open(path)
            text = f"def {name}(queue):\n    return queue\n\n\n"
            start = {"line": 0, "character": 0}
            started = time.perf_counter()
            change = {"range": {"start": start, "end": start}, "text": text}
            document = {"uri": path.as_uri(), "version": 2}
            self._client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        while time.perf_counter() - started < _FOUND_SECONDS:
            found, _ = self._result("codesearch/search", {"query": name, "limit": 3})
            if name in {item["name"] for item in found["items"]}:
                seconds = time.perf_counter() - started
                if not save:
                    self._client.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
                time.sleep(0.5)
                return seconds
            time.sleep(0.005)
        raise CodesearchError(f"{name} was not found within {_FOUND_SECONDS:.0f} s of the {'save' if save else 'edit'}")

    def _open(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
        self._client.notify("textDocument/didOpen", {"textDocument": document})


@contextmanager
def _thread(work: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _memory(pid: int) -> float:
    """Return the MiB of a process and its children; what they share is counted once, where the system tells."""
    import psutil

    total = 0
    main = psutil.Process(pid)
    for process in (main, *main.children(recursive=True)):
        try:
            used = process.memory_full_info()
        except psutil.Error:  # it has ended
            continue
        total += getattr(used, "pss", used.rss)
    return total / 2**20


def _milliseconds(seconds: Sequence[float]) -> Spread:
    return Spread.of([1e3 * value for value in seconds])


def lsp_table(figures: LspFigures) -> str:
    """Return the figures as Markdown."""
    storm = f"{figures.saves} saves in {figures.save_seconds:g} s"
    rows = [
        ("start of the process to its first answer, ms", f"{figures.start:.0f}", "", ""),
        ("`initialize`, ms", f"{figures.initialize:.0f}", "", ""),
        *(
            (name, f"{spread.median:.1f}", f"{spread.p95:.1f}", f"{spread.high:.1f}")
            for name, spread in (
                ("question, nothing changes, ms", figures.quiet),
                (f"question during {storm}, ms", figures.storm),
                (f"`codesearch.status` during {storm}, ms", figures.status),
                ("save to answer, ms", figures.fresh),
                ("typing to answer, not saved, ms", figures.fresh_unsaved),
            )
        ),
        ("memory, nothing changes, MiB", f"{figures.memory_quiet:.0f}", "", ""),
        (f"memory during {storm}, MiB", f"{figures.memory_storm:.0f}", "", ""),
    ]
    table = markdown_table(("what", "p50", "p95", "most"), rows)
    machine = figures.machine
    return (
        f"{table}\n\n{figures.files:,} files, {figures.chunks:,} chunks; "
        f"{machine.cpu}, {machine.cores} cores, {machine.system}."
    )
