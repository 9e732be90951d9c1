"""Child processes, timed and weighed from outside, as a user would see them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import IO

from codesearch.errors import CodesearchError, MissingExtra

__all__ = ["ChildRun", "codesearch_command", "run_timed", "run_weighed"]

_POLL_SECONDS = 0.1
"""A look takes some 3 ms, since all processes of the machine are asked for their parents."""


@dataclass(frozen=True, slots=True)
class ChildRun:
    """What a child process took.

    Attributes:
        seconds: Wall time from before it was started until it had ended.
        cpu_seconds: Processor time of it and its children, which other work on the machine hardly changes.
        peak_rss: Largest resident set seen of it and its own children together, in bytes. Pages that they
            share are counted for each, so this is an upper limit; 0 where it was not weighed.
    """

    seconds: float
    cpu_seconds: float
    peak_rss: int = 0


def codesearch_command(cache: Path, *arguments: str, threads: int = 0) -> list[str]:
    """Return the command line of ``codesearch ARGUMENTS`` with a cache of its own.

    It goes through ``env``, so that this process need not read its own environment to hand it on.
    """
    settings = [f"CODESEARCH_CACHE={cache}", f"CODESEARCH_THREADS={threads}"]
    return ["env", *settings, sys.executable, "-m", "codesearch", *arguments]


def run_timed(command: Sequence[str], *, accept: Sequence[int] = (0,)) -> ChildRun:
    """Run a command to its end; nothing disturbs it meanwhile.

    Raises:
        CodesearchError: It ends with an exit code that is not in `accept`; the message has its last words.
    """
    with tempfile.TemporaryFile() as errors:
        started, spent = perf_counter(), _cpu_seconds_of_children()
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=errors, check=False).returncode
        seconds = perf_counter() - started
        _check(command, code, accept, errors)
    return ChildRun(seconds, _cpu_seconds_of_children() - spent)


def run_weighed(command: Sequence[str], *, accept: Sequence[int] = (0,)) -> ChildRun:
    """Run a command to its end, and look at its memory ten times a second.

    Raises:
        CodesearchError: As `run_timed`.
        MissingExtra: psutil is not installed.
    """
    try:
        import psutil
    except ImportError as error:
        raise MissingExtra("weighing memory needs psutil: pip install 'codesearch-nl[eval]'") from error
    peak = 0
    with tempfile.TemporaryFile() as errors:
        started, spent = perf_counter(), _cpu_seconds_of_children()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as child:
            family = psutil.Process(child.pid)
            while child.poll() is None:
                resident = 0
                try:
                    for process in (family, *family.children(recursive=True)):
                        resident += process.memory_info().rss
                except psutil.NoSuchProcess:  # one of them has just ended
                    pass
                peak = max(peak, resident)
                sleep(_POLL_SECONDS)
        seconds = perf_counter() - started
        _check(command, child.returncode, accept, errors)
    return ChildRun(seconds, _cpu_seconds_of_children() - spent, peak)


def _cpu_seconds_of_children() -> float:
    """Return the processor time of all children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _check(command: Sequence[str], code: int, accept: Sequence[int], errors: IO[bytes]) -> None:
    if code in accept:
        return
    errors.seek(0, os.SEEK_SET)
    words = errors.read().decode("utf-8", "replace").strip().splitlines()
    raise CodesearchError(f"`{' '.join(command)}` ended with {code}: {words[-1] if words else 'it said nothing'}")
