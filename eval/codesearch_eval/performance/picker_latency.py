"""How soon after a key ``codesearch ask -i`` shows the results for the question as it then stands.

The picker runs as people run it, in a process of its own on a pseudo-terminal, whose screen is kept by a terminal
emulator (pyte). What has to be on the screen is worked out beforehand: the answer to every beginning of every question,
laid out for that size. The clock runs from before a key is written until the bytes were read that complete the
screen.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from codesearch.encoders import load_encoder
from codesearch.errors import CodesearchError, InputError
from codesearch.index.snapshot import Snapshot
from codesearch.picker.layout import Scene, frame
from codesearch.picker.state import Result, State
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import plan
from codesearch_eval.machine import Machine, describe_machine
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.edits import make_repository
from codesearch_eval.performance.lsp_latency import clone
from codesearch_eval.performance.throughput import Spread

__all__ = ["PickerFigures", "measure_picker", "picker_table"]

Progress = Callable[[str], None]

_QUESTIONS = (
    "retry with exponential backoff",
    "read a json file",
    "parse the command line",
    "close the connection when idle",
    "merge two dictionaries",
    "send a message to the queue",
)

_LIMIT = 50
_ROWS_COMPARED = 5
_PATIENCE_SECONDS = 10.0
_READY_SECONDS = 600.0
_BETWEEN_KEYS_SECONDS = 0.12
"""A hundred words a minute: about the fastest that people type."""

_BURST_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class PickerFigures:
    """What was measured, in milliseconds.

    Attributes:
        chunks: Chunks in the index.
        size: Columns and rows of the terminal.
        start: From the start of the process to the answer to the question that it was started with.
        echo: From a key to its character on the screen.
        results: From a key to the results for the question as it then stands, of keys that change them.
        burst: From the last key of a question that is typed in one go to its results.
        machine: What the figures were taken on.
    """

    chunks: int
    size: tuple[int, int]
    start: float
    echo: Spread
    results: Spread
    burst: Spread
    machine: Machine


def measure_picker(
    repository: Path | None = None,
    *,
    files: int = 1000,
    columns: int = 80,
    rows: int = 24,
    questions: Sequence[str] = _QUESTIONS,
    model: str | None = None,
    cache: Path | None = None,
    progress: Progress = lambda _: None,
) -> PickerFigures:
    """Type questions into a picker on a pseudo-terminal and measure it.

    Args:
        repository: Is cloned and searched; None to make one.
        files: Of the repository that is made, ten functions each.
        columns: Width of the terminal.
        rows: Its height.
        questions: What is typed.
        model: Encode with this model instead of the shipped one.
        cache: Keeps the vectors for the next time, which then starts at once.
        progress: Told what happens.

    Raises:
        CodesearchError: Git fails, or the picker does.
        InputError: There are no pseudo-terminals on this system.
    """
    if os.name == "nt":
        raise InputError("pseudo-terminals are needed, which Windows does not have: run it on Linux or macOS")
    with TemporaryDirectory(prefix="codesearch-picker-") as folder:
        root = Path(folder).resolve() / "workspace"
        if repository is not None:
            clone(repository, root)
        else:
            make_repository(root, files)
        environment = {**os.environ, "CODESEARCH_CACHE": str(cache or Path(folder, "cache")), "TERM": "xterm-256color"}
        if model is not None:
            environment["CODESEARCH_MODEL"] = model
        progress("indexing")
        command = [sys.executable, "-m", "codesearch", "index", str(root)]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise CodesearchError(f"indexing failed: {done.stderr.strip().splitlines()[-1:]}")
        expected = _Expected(root, environment, columns, rows)
        progress(f"{expected.chunks:,} chunks; typing at {columns}x{rows}")
        return _measure(root, environment, expected, questions, columns, rows)


def _measure(
    root: Path, environment: dict[str, str], expected: _Expected, questions: Sequence[str], columns: int, rows: int
) -> PickerFigures:
    sys.setswitchinterval(0.0005)  # so that what arrives is seen at once, whatever the emulator is at
    began = time.perf_counter()
    with _Terminal(["ask", "-i", questions[0], str(root)], root, environment, columns, rows) as terminal:
        start = terminal.wait(lambda: terminal.shows(questions[0], expected.rows(questions[0])), began, _READY_SECONDS)
        terminal.wait(lambda: terminal.is_idle, began, _READY_SECONDS)
        echo, results, burst = [], [], []
        for question in questions:
            terminal.clear()
            before: list[str] = []
            for length in range(1, len(question) + 1):
                text = question[:length]
                wanted = expected.rows(text)
                began = terminal.type(text[-1])
                echo.append(terminal.wait(lambda text=text: terminal.line(0) == f"> {text}".rstrip(), began))  # type: ignore[misc]
                seconds = terminal.wait(lambda text=text, wanted=wanted: terminal.shows(text, wanted), began)  # type: ignore[misc]
                if wanted != before:
                    results.append(seconds)
                before = wanted
                terminal.idle(began + _BETWEEN_KEYS_SECONDS)
            terminal.clear()
            for character in question:
                began = terminal.type(character)
                terminal.idle(began + _BURST_SECONDS)
            burst.append(terminal.wait(lambda q=question: terminal.shows(q, expected.rows(q)), began))  # type: ignore[misc]
    return PickerFigures(
        expected.chunks,
        (columns, rows),
        1e3 * start,
        _milliseconds(echo),
        _milliseconds(results),
        _milliseconds(burst),
        describe_machine(),
    )


class _Expected:
    """What the screen has to show for a question."""

    def __init__(self, root: Path, environment: dict[str, str], columns: int, rows: int) -> None:
        settings = load_settings(environment=environment)
        job = plan(open_repository(root, cache=settings.cache), settings)
        self._snapshot = Snapshot(job.directory)
        self._encoder = load_encoder(settings.model, settings.device, threads=1)
        self._scene = Scene(root, root.name)
        self._size = columns, rows
        self._known: dict[str, list[str]] = {}
        self.chunks = self._snapshot.chunk_count

    def rows(self, question: str) -> list[str]:
        """Return the first lines of the list."""
        if question not in self._known:
            state = State()
            number = state.ask(question)
            if number is None:
                raise InputError("a question must begin with a letter")
            answer = search([self._snapshot], question, self._encoder, limit=_LIMIT)
            state.deliver(Result(number, question, answer.matches, answer.notices))
            columns, rows = self._size
            lines = frame(state, self._scene, columns, rows - 1)[1 : 1 + _ROWS_COMPARED]
            self._known[question] = ["".join(text for _, text in line).rstrip() for line in lines]
        return self._known[question]


class _Terminal:
    """A picker on a pseudo-terminal, and what its screen shows."""

    def __init__(
        self, arguments: Sequence[str], cwd: Path, environment: dict[str, str], columns: int, rows: int
    ) -> None:
        import fcntl
        import pty
        import struct
        import termios

        import pyte

        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._file, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "codesearch", *arguments],
            cwd=cwd,
            env=environment,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        # Read by a thread of its own: the emulator takes its time, in which a full pipe would hold up the picker.
        self._arrived: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._receive, daemon=True)
        self._reader.start()

    def _receive(self) -> None:
        data = b"-"
        while data:
            try:
                data = os.read(self._file, 1 << 16)
            except OSError:  # how Linux says that the other side is closed
                data = b""
            self._arrived.put((time.perf_counter(), data))

    def __enter__(self) -> _Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        os.close(self._file)

    def line(self, number: int) -> str:
        """Return what one line shows; all of them, as pyte gives them, would take longer than what is measured."""
        row = self._screen.buffer[number]
        return "".join(row[column].data for column in range(self._screen.columns)).rstrip()

    def shows(self, question: str, rows: list[str]) -> bool:
        """Whether the question is in the input line, and the list begins with these rows."""
        if self.line(0) != f"> {question}".rstrip():
            return False
        return all(self.line(2 + number) == row for number, row in enumerate(rows))

    @property
    def is_idle(self) -> bool:
        """Whether the index is not being worked on any more."""
        return "indexing" not in self.line(1) and "looking" not in self.line(1) and "by words" not in self.line(1)

    def type(self, text: str) -> float:
        """Press keys; returns when."""
        now = time.perf_counter()
        os.write(self._file, text.encode())
        return now

    def clear(self) -> None:
        """Empty the input line."""
        began = self.type("\x15")
        self.wait(lambda: self.line(0) == ">", began)
        self.idle(began + _BETWEEN_KEYS_SECONDS)

    def wait(self, done: Callable[[], bool], began: float, patience: float = _PATIENCE_SECONDS) -> float:
        """Read until something is on the screen; returns the seconds since `began` when it was read."""
        seen = time.perf_counter()
        while not done():
            read = next(self._read(began + patience), None)
            if read is None:
                shown = "\n".join(line.rstrip() for line in self._screen.display)
                raise CodesearchError(f"the picker did not show what it should within {patience} s, but:\n{shown}")
            seen = read
        return seen - began

    def idle(self, until: float) -> None:
        """Read whatever comes, until a time."""
        for _ in self._read(until):
            pass

    def _read(self, until: float) -> Iterator[float]:
        while (left := until - time.perf_counter()) > 0:
            try:
                seen, data = self._arrived.get(timeout=left)
            except queue.Empty:
                return
            if not data:
                raise CodesearchError(f"the picker ended: {self.line(0)} {self.line(1)}")
            self._stream.feed(data)
            yield seen


def _milliseconds(seconds: Sequence[float]) -> Spread:
    return Spread.of([1e3 * value for value in seconds])


def picker_table(figures: PickerFigures) -> str:
    """Return the figures as Markdown."""
    rows = [
        ("start to the first answer, ms", f"{figures.start:.0f}", "", "", "1"),
        *(
            (name, f"{spread.median:.1f}", f"{spread.p95:.1f}", f"{spread.high:.1f}", str(spread.runs))
            for name, spread in (
                ("key to its character, ms", figures.echo),
                ("key to results, ms", figures.results),
                ("last key of a burst (20 ms apart) to results, ms", figures.burst),
            )
        ),
    ]
    machine, (columns, lines) = figures.machine, figures.size
    return (
        f"{markdown_table(('what', 'p50', 'p95', 'most', 'n'), rows)}\n\n{figures.chunks:,} chunks, "
        f"terminal of {columns}x{lines}; {machine.cpu}, {machine.cores} cores, {machine.system}."
    )
