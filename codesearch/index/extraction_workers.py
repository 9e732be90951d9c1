"""Reading and extracting many files, on several cores where that pays.

Parsing holds the interpreter's lock, so threads gain nothing and processes nearly their number. Grammars are
C code that nobody here wrote: a file that brings a worker down is left out with a reason, and the rest goes on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from codesearch.extraction import extract, missing_grammars
from codesearch.languages import language_of
from codesearch.processes import start_pool
from codesearch.records import Chunk, Repository, SkippedFile, SkipReason, SourceFile
from codesearch.sources import FileRules, decode_source, read_source

__all__ = ["ExtractedFile", "Outcome", "UnchangedFile", "extract_file", "extract_files", "extract_text"]

_PARALLEL_FROM = 250
"""Files from which starting processes (a quarter of a second) pays."""

_FILES_PER_TASK = 8


@dataclass(frozen=True, slots=True)
class ExtractedFile:
    """What a file came to.

    Attributes:
        file: As it was listed.
        language: Name of its language.
        blob: Git's id of the bytes that were read.
        chunks: In document order.
        trouble: Why the grammar of its language could not be loaded, where that is so; it was split without it.
    """

    file: SourceFile
    language: str
    blob: str
    chunks: list[Chunk]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class UnchangedFile:
    """A file that was touched, and holds what it held before."""


Outcome = tuple[SourceFile, ExtractedFile | SkippedFile | UnchangedFile]


def extract_file(repository: Repository, rules: FileRules, file: SourceFile, known_blob: str = "") -> Outcome:
    """Read one file and split it into chunks, unless its content is the blob that is known."""
    source = read_source(repository, file, rules)
    if isinstance(source, SkippedFile):
        return file, source
    if source.blob == known_blob:
        return file, UnchangedFile()
    found = _extract(file.path, source.text)
    if isinstance(found, SkippedFile):
        return file, found
    language, chunks = found
    return file, ExtractedFile(file, language, source.blob, chunks, missing_grammars().get(language, ""))


def _extract(path: str, text: str) -> tuple[str, list[Chunk]] | SkippedFile:
    """Return the name of the language of a text and its chunks, or why it is not searched."""
    language = language_of(path, text.partition("\n")[0][:200], text)
    if language is None:
        return SkippedFile(path, SkipReason.UNKNOWN_LANGUAGE)
    try:
        chunks = extract(path, text, language)
    except Exception as error:  # a fault of ours in one file must not cost all the others
        return SkippedFile(path, SkipReason.FAILED, f"{type(error).__name__}: {error}"[:200])
    # A header may be C++, and a notebook is in the language of its code: the chunks know.
    return chunks[0].language if chunks else language.name, chunks


def extract_text(path: str, text: str, rules: FileRules | None = None) -> list[Chunk]:
    """Return the chunks that an index would have of a text, were it saved; none if it would leave it out.

    Args:
        path: Of the file, relative to the repository's root.
        text: What is to be in it.
        rules: What is left out; of these, the largest size counts.
    """
    data = text.encode("utf-8", "replace")
    source = decode_source(path, data)
    if isinstance(source, SkippedFile) or len(data) > (rules or FileRules()).most_bytes(path):
        return []
    found = _extract(path, source)
    return [] if isinstance(found, SkippedFile) else [replace(chunk, language=found[0]) for chunk in found[1]]


Task = Sequence[tuple[SourceFile, str]]
"""Files with the blobs that are known of them."""


def extract_files(
    repository: Repository,
    rules: FileRules,
    files: Sequence[SourceFile],
    known_blobs: Mapping[str, str],
    workers: int = 0,
) -> Iterator[Outcome]:
    """Yield what each file came to, roughly in the order given; memory does not grow with their number.

    Args:
        repository: That they belong to.
        rules: What is left out.
        files: To read.
        known_blobs: Git's ids of what is in the index, by path; such a file is not split again.
        workers: Processes; 0 for one per core, and none for a few files.
    """
    workers = workers or min(os.cpu_count() or 1, 8)
    pairs = [(file, known_blobs.get(file.path, "")) for file in files]
    waiting: deque[Task] = deque(pairs[i : i + _FILES_PER_TASK] for i in range(0, len(pairs), _FILES_PER_TASK))
    pool = start_pool(workers) if workers > 1 and len(files) >= _PARALLEL_FROM else None
    while pool is not None and waiting:
        suspects = yield from _run(pool, repository, rules, waiting, workers)
        # A worker died. What was under way is tried again by a single worker, file by file: where it dies
        # too, the file that it was given is the one.
        yield from _run_singly(repository, rules, suspects)
        pool = start_pool(workers, try_out=True) if waiting else None
    for task in waiting:
        yield from _extract_task(repository, rules, task)


def _extract_task(repository: Repository, rules: FileRules, task: Task) -> list[Outcome]:
    return [extract_file(repository, rules, file, blob) for file, blob in task]


def _run(
    pool: ProcessPoolExecutor, repository: Repository, rules: FileRules, waiting: deque[Task], workers: int
) -> Generator[Outcome, None, list[tuple[SourceFile, str]]]:
    """Yield outcomes in order until all is done or a worker dies; returns the files that were under way then."""
    running: deque[tuple[Task, Future[list[Outcome]]]] = deque()
    suspects: list[tuple[SourceFile, str]] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers * 4:
                running.append((waiting[0], pool.submit(_extract_task, repository, rules, waiting[0])))
                waiting.popleft()
            task, future = running[0]
            outcomes = future.result()
            running.popleft()
            yield from outcomes
    except BrokenProcessPool:
        for task, future in running:
            if future.done() and future.exception() is None:
                yield from future.result()
            else:
                suspects.extend(task)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return suspects


def _run_singly(
    repository: Repository, rules: FileRules, suspects: Sequence[tuple[SourceFile, str]]
) -> Iterator[Outcome]:
    pool: ProcessPoolExecutor | None = None
    try:
        for file, blob in suspects:
            pool = pool or start_pool(1, try_out=True)
            if pool is None:  # so it was no file that ended the workers
                yield extract_file(repository, rules, file, blob)
                continue
            try:
                outcome = pool.submit(extract_file, repository, rules, file, blob).result()
            except BrokenProcessPool:
                pool = None
                outcome = file, SkippedFile(file.path, SkipReason.FAILED, "its grammar crashed")
            yield outcome
    finally:
        if pool is not None:
            pool.shutdown(wait=False)
