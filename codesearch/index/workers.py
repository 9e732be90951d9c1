"""Reading and extracting many files, on several cores where that pays.

Parsing holds the interpreter's lock, so threads gain nothing and processes nearly their number. Grammars are
C code that nobody here wrote: a file that brings a worker down is left out with a reason, and the rest goes on.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice

from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk, Repository, SkippedFile, SkipReason, SourceFile
from codesearch.sources import FileRules, read_source

__all__ = ["Extracted", "Outcome", "extract_file", "extract_files"]

_PARALLEL_FROM = 250
"""Files from which starting processes (a quarter of a second) pays."""

_FILES_PER_TASK = 8


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file came to.

    Attributes:
        file: As it was listed.
        language: Name of its language.
        blob: Git's id of the bytes that were read.
        chunks: In document order.
    """

    file: SourceFile
    language: str
    blob: str
    chunks: list[Chunk]


Outcome = tuple[SourceFile, Extracted | SkippedFile]


def extract_file(repository: Repository, rules: FileRules, file: SourceFile) -> Outcome:
    """Read one file and split it into chunks."""
    source = read_source(repository, file, rules)
    if isinstance(source, SkippedFile):
        return file, source
    language = language_of(file.path, source.text.partition("\n")[0][:200])
    if language is None:
        return file, SkippedFile(file.path, SkipReason.UNKNOWN_LANGUAGE)
    try:
        chunks = extract(file.path, source.text, language)
    except Exception as error:  # a fault of ours in one file must not cost all the others
        return file, SkippedFile(file.path, SkipReason.FAILED, f"{type(error).__name__}: {error}"[:200])
    return file, Extracted(file, language.name, source.blob, chunks)


def _extract_task(repository: Repository, rules: FileRules, files: Sequence[SourceFile]) -> list[Outcome]:
    return [extract_file(repository, rules, file) for file in files]


def _pool(workers: int) -> ProcessPoolExecutor:
    # spawn: the caller may have threads (a language server), and forking those is not safe.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def extract_files(
    repository: Repository, rules: FileRules, files: Sequence[SourceFile], workers: int = 0
) -> Iterator[Outcome]:
    """Yield what each file came to, roughly in the order given; memory does not grow with their number.

    Args:
        repository: That they belong to.
        rules: What is left out.
        files: To read.
        workers: Processes; 0 for one per core, and none for a few files.
    """
    workers = workers or min(os.cpu_count() or 1, 8)
    if workers == 1 or len(files) < _PARALLEL_FROM:
        yield from (extract_file(repository, rules, file) for file in files)
        return
    tasks = [files[i : i + _FILES_PER_TASK] for i in range(0, len(files), _FILES_PER_TASK)]
    suspects = yield from _run(repository, rules, tasks, workers)
    while suspects:
        # A worker died. Everything that was under way is tried again one by one, each in a process that it
        # can bring down alone.
        file = suspects.popleft()
        with _pool(1) as pool:
            try:
                yield pool.submit(extract_file, repository, rules, file).result()
            except BrokenProcessPool:
                yield file, SkippedFile(file.path, SkipReason.FAILED, "its grammar crashed")


def _run(
    repository: Repository, rules: FileRules, tasks: Sequence[Sequence[SourceFile]], workers: int
) -> Generator[Outcome, None, deque[SourceFile]]:
    """Yield the outcomes of all tasks but those that were under way when a worker died; return their files."""
    waiting = iter(tasks)
    running: deque[tuple[Sequence[SourceFile], Future[list[Outcome]]]] = deque()
    suspects: deque[SourceFile] = deque()
    pool = _pool(workers)
    try:
        while True:
            for task in islice(waiting, workers * 4 - len(running)):
                try:
                    future = pool.submit(_extract_task, repository, rules, task)
                except BrokenProcessPool:
                    pool = _pool(workers)
                    future = pool.submit(_extract_task, repository, rules, task)
                running.append((task, future))
            if not running:
                return suspects
            task, future = running.popleft()
            try:
                yield from future.result()
            except BrokenProcessPool:
                suspects.extend(task)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
