"""What the command line shows: matches on stdout; progress, notices and errors on stderr."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from codesearch.index.progress import Phase
from codesearch.present.render import Style, match_json, match_markdown, match_text, visible
from codesearch.settings import load_settings

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from codesearch.cli.choices import MatchFormat
    from codesearch.index.progress import Progress, UpdateReport
    from codesearch.records import Match

__all__ = [
    "cloning",
    "closed_streams",
    "discard",
    "ended_by_sigterm",
    "follow",
    "is_terminal",
    "print_all",
    "print_matches",
    "say",
    "say_table",
    "say_updated",
    "summary",
    "tell",
]

T = TypeVar("T")

closed_streams: Final[list[object]] = []
"""What stands in place of standard streams that were closed when the program began."""

_SHOW_AFTER_SECONDS: Final = 0.3
"""Shorter work shows no bar: a flash of one is noise."""


def say(text: str) -> None:
    """Print one line to stderr. Names of files and repositories in it are not trusted.

    Where stderr cannot be written, what was to be said is lost, and the work goes on.
    """
    _print_error(visible(text) + "\n")


def _print_error(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: Any) -> None:
    """Let a stream that cannot be written end in the null device, or Python complains once more at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def tell(text: str) -> None:
    """Print one line to stderr, with the program's name before it."""
    say(f"codesearch: {text}")


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def cloning() -> Iterator[Callable[[str, float | None], None]]:
    """Show what is being cloned: each message once, and how far it has come where there is a terminal.

    Yields:
        The callback for ``open_repository``.
    """
    said = ""

    def show(message: str, fraction: float | None) -> None:
        nonlocal said
        if not is_terminal():
            if message != said:
                say(f"codesearch: {message}")
        else:
            if said and message != said:
                _print_error("\n")
            done = "" if fraction is None else f" {fraction:4.0%}"
            _print_error(f"\r\x1b[Kcodesearch: {visible(message)}{done}")
        said = message

    try:
        yield show
    finally:
        if said and is_terminal():
            _print_error("\n")


def follow(updating: Generator[Progress, None, T], name: str, *, quiet: bool = False) -> T:
    """Run an update to its end, drawing its progress where there is a terminal to draw on; returns what it returns.

    Args:
        updating: What ``bring_up_to_date`` or ``import_index`` returned.
        name: Of the repository.
        quiet: Draw nothing.
    """
    drawing = _Drawing(name) if is_terminal() and not quiet else None
    try:
        while True:
            try:
                progress = next(updating)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if drawing is not None:
                drawing.show(progress)
    finally:
        # Whatever ended it, Ctrl-C included, the generator commits what it has before anything else happens.
        updating.close()
        if drawing is not None:
            drawing.close()


class _Drawing:
    """A progress bar that appears when the work turns out to take a while, and vanishes at its end.

    The bar is started by a timer: the first step of an update may itself take seconds.
    """

    def __init__(self, name: str) -> None:
        self._name = visible(name)
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._progress: Progress | None = None
        self._phase: Phase | None = None
        self._timer = threading.Timer(_SHOW_AFTER_SECONDS, self._start)
        self._timer.daemon = True
        self._timer.start()

    def show(self, progress: Progress) -> None:
        """Show how far the work has come, from now on or once the bar appears."""
        with self._lock:
            self._progress = progress
            if self._bars is not None:
                self._draw(self._bars, progress)

    def _draw(self, bars: Bars, progress: Progress) -> None:
        total = progress.total or None
        if progress.phase is not self._phase:
            for task in bars.task_ids:
                bars.remove_task(task)
            self._phase = progress.phase
            bars.add_task(f"{self._name}: {progress.phase.value}", total=total)
        bars.update(bars.task_ids[0], completed=progress.done, total=total)

    def _start(self) -> None:
        # Imported late: rich.progress costs a fifth of a second.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with self._lock:
            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            if self._progress is not None:
                self._draw(self._bars, self._progress)
            self._bars.start()

    def close(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        if self._timer.is_alive():
            self._timer.join()  # it may be about to draw
        if self._bars is not None:
            self._bars.stop()


def summary(name: str, report: UpdateReport) -> str:
    """Return what an update did, as one line."""
    took = sum(report.seconds.values())
    parts = [f"{report.files:,} files, {report.chunks:,} chunks"]
    if report.changed_files or report.removed_files:
        parts.append(f"{report.changed_files:,} read, {report.removed_files:,} removed")
    if report.encoded or report.remembered:
        encoding = report.seconds.get(Phase.ENCODING, 0.0)
        made = f"{report.encoded:,} texts encoded in {encoding:.1f} s"
        parts.append(made + (f", {report.remembered:,} remembered" if report.remembered else ""))
    if report.pending:
        parts.append(f"{report.pending:,} texts still to be encoded")
    if report.skipped:
        parts.append(f"{report.skipped:,} files left out")
    return f"{name}: {'; '.join(parts)} ({took:.1f} s)"


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stderr, its first column to the left and the others to the right; a row may be short."""
    cells = [[visible(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in cells if column < len(row)) for column in range(len(heads))]
    for row in cells:
        first, *rest = (
            f"{cell:<{width}}" if not n else f"{cell:>{width}}"
            for n, (cell, width) in enumerate(zip(row, widths, strict=False))
        )
        _print_error("  ".join((first, *rest)).rstrip() + "\n")


def say_updated(name: str, report: UpdateReport, seconds: float, *, commit: str | None = None) -> None:
    """Print one line to stderr about an update that was made because something had changed.

    Args:
        name: Of the repository.
        report: What was done.
        seconds: In what time, all told.
        commit: The one that is checked out, if it is another than before.
    """
    # Imported late: it costs a tenth of a second, and only who watches needs it.
    from rich.console import Console
    from rich.text import Text

    counts = ((report.changed_files, "read"), (report.removed_files, "removed"))
    files = ", ".join(f"{_counted(count, 'file')} {what}" for count, what in counts if count)
    parts = [files] if files else []
    if report.encoded:
        parts.append(f"{_counted(report.encoded, 'text')} encoded")
    if report.pending:
        parts.append(f"{report.pending:,} still to be encoded")
    if commit:
        parts.append(f"now at {commit[:10]}")
    line = Text.assemble((time.strftime("%H:%M:%S"), "dim"), "  ", (visible(name), "bold"))
    line.append(f": {'; '.join(parts)} ({1e3 * seconds:,.0f} ms)")
    Console(stderr=True, highlight=False, soft_wrap=True).print(line)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, with which services are stopped, end what is inside as Ctrl-C would, and with exit status 0."""
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        if not ended:
            raise
        sys.exit(0)
    finally:
        signal.signal(signal.SIGTERM, before)


def print_matches(
    matches: Sequence[Match], printing: MatchFormat, repositories: Mapping[Path, str] | None = None
) -> None:
    """Print matches; `repositories` says what to call each repository, by its root."""
    if printing.as_json:
        print_all(map(match_json, matches), "\n", as_json=True)
        return
    if printing.as_markdown:
        print_all((match_markdown(match, cwd=Path.cwd()) for match in matches), "\n\n")
        return
    terminal = sys.stdout.isatty()
    style = Style(
        cwd=Path.cwd(),
        context=printing.context,
        colour=terminal and load_settings().colour,
        score=printing.score,
        explain=printing.explain,
        width=shutil.get_terminal_size().columns if terminal else 200,
        repositories=repositories or {},
    )
    print_all((match_text(match, style) for match in matches), "\n\n")


def print_all(texts: Iterable[str], between: str, *, as_json: bool = False) -> None:
    """Print texts to stdout, with something between them; in UTF-8 if they are JSON."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Source code and file names may hold what the terminal's encoding cannot; that must not end the program.
        sys.stdout.reconfigure(errors="replace", encoding="utf-8" if as_json else None)
    text = between.join(texts)
    if text:
        if sys.stdout in closed_streams:
            raise OSError(errno.EBADF, "stdout is closed")
        print(text)
