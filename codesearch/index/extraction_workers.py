"""Reading and extracting files in worker processes, on several cores where that pays.

Grammars are C code that nobody here wrote: a file that brings a worker down, or keeps it busy without end, is left out
with a reason, and the rest goes on. Parsing also holds the interpreter's lock, so threads would gain nothing, and
processes gain nearly their number.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from codesearch.languages import Language, language_of
from codesearch.processes.piped import CREW, Crew, Failure, WorkersUnavailable
from codesearch.records import Chunk, Repository, SkippedFile, SkipReason, SourceFile
from codesearch.sources import FileRules, decode_source, read_source

__all__ = [
    "ExtractedFile",
    "ExtractionFailed",
    "Outcome",
    "UnchangedFile",
    "extract_apart",
    "extract_file",
    "extract_files",
    "extract_text",
]

_PARALLEL_FROM = 250
"""Files from which starting more than one process pays."""

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


class ExtractionFailed(Exception):
    """A text cannot be split: a fault of ours or of its grammar, which the text of this names."""


@dataclass(frozen=True, slots=True)
class _Extraction:
    """What a text came to; as of `ExtractedFile`."""

    language: str
    chunks: list[Chunk]
    trouble: str


def extract_apart(path: str, text: str, language: Language) -> list[Chunk]:
    """Do what `codesearch.extraction.extract` does in a process whose crash costs nothing but the result.

    Raises:
        ExtractionFailed: There is none.
    """
    found = _extract_apart(path, text, language)
    if isinstance(found, Failure):
        raise ExtractionFailed(found.reason)
    return found.chunks


def _extract_apart(path: str, text: str, language: Language) -> _Extraction | Failure:
    try:
        found: _Extraction | Failure
        (found,) = CREW.call(_extract_here, [(path, text, language)])
    except WorkersUnavailable:
        found = _extract_here(path, text, language)
    return found


def _extract_here(path: str, text: str, language: Language) -> _Extraction | Failure:
    # Imported late: it takes as long as the start of a worker, which is where it is needed.
    from codesearch.extraction import extract, missing_grammars

    try:
        chunks = extract(path, text, language)
    except Exception as error:  # a fault of ours in one file must not cost all the others
        return Failure(f"{type(error).__name__}: {error}"[:200])
    # A header may be C++, and a notebook is in the language of its code: the chunks know.
    name = chunks[0].language if chunks else language.name
    return _Extraction(name, chunks, missing_grammars().get(name, ""))


def extract_file(
    repository: Repository, rules: FileRules, file: SourceFile, known_blob: str = "", *, apart: bool = False
) -> Outcome:
    """Read one file and split it into chunks, unless its content is the blob that is known.

    Args:
        repository: That it belongs to.
        rules: What is left out.
        file: As it was listed.
        known_blob: Git's id of what is in the index; "" for nothing.
        apart: Whether a crash is to cost nothing but the file; False in a process that is there for that.
    """
    source = read_source(repository, file, rules)
    if isinstance(source, SkippedFile):
        return file, source
    if source.blob == known_blob:
        return file, UnchangedFile()
    found = _extract(file.path, source.text, apart=apart)
    if isinstance(found, SkippedFile):
        return file, found
    return file, ExtractedFile(file, found.language, source.blob, found.chunks, found.trouble)


def _extract(path: str, text: str, *, apart: bool) -> _Extraction | SkippedFile:
    """Return what a text came to, or why it is not searched."""
    language = language_of(path, text.partition("\n")[0][:200], text)
    if language is None:
        return SkippedFile(path, SkipReason.UNKNOWN_LANGUAGE)
    found = _extract_apart(path, text, language) if apart else _extract_here(path, text, language)
    return SkippedFile(path, SkipReason.FAILED, found.reason) if isinstance(found, Failure) else found


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
    found = _extract(path, source, apart=True)
    return [] if isinstance(found, SkippedFile) else [replace(chunk, language=found.language) for chunk in found.chunks]


Task = Sequence[tuple[SourceFile, str]]
"""Files with the blobs that are known of them."""


def extract_files(
    repository: Repository,
    rules: FileRules,
    files: Sequence[SourceFile],
    known_blobs: Mapping[str, str],
    workers: int = 0,
) -> Iterator[Outcome]:
    """Yield what each file came to, in the order given; memory does not grow with their number.

    Args:
        repository: That they belong to.
        rules: What is left out.
        files: To read.
        known_blobs: Git's ids of what is in the index, by path; such a file is not split again.
        workers: Processes; 0 for one per core, and one for a few files.
    """
    workers = workers or min(os.cpu_count() or 1, 8)
    pairs = [(file, known_blobs.get(file.path, "")) for file in files]
    if workers < 2 or len(files) < _PARALLEL_FROM:
        for file, blob in pairs:
            yield extract_file(repository, rules, file, blob, apart=True)
        return
    tasks = [pairs[start : start + _FILES_PER_TASK] for start in range(0, len(pairs), _FILES_PER_TASK)]
    yield from _extract_in_parallel(repository, rules, tasks, workers)


def _extract_in_parallel(
    repository: Repository, rules: FileRules, tasks: Sequence[Task], workers: int
) -> Iterator[Outcome]:
    waiting, running = deque(tasks), deque[Future[list[Outcome]]]()
    crew = Crew(workers)
    # Each thread waits for a process.
    with ThreadPoolExecutor(workers, thread_name_prefix="extraction") as threads:
        try:
            while waiting or running:
                while waiting and len(running) < workers * 4:
                    running.append(threads.submit(_extract_task, crew, repository, rules, waiting.popleft()))
                yield from running.popleft().result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            crew.dismiss()


def _extract_task(crew: Crew, repository: Repository, rules: FileRules, task: Task) -> list[Outcome]:
    """Extract a few files in a worker, which also reads them."""
    calls: list[tuple[Any, ...]] = [(repository, rules, file, blob) for file, blob in task]
    try:
        found = crew.call(extract_file, calls)
    except WorkersUnavailable:
        if crew.is_dismissed:  # nobody wants to know any more
            return []
        found = [extract_file(*call) for call in calls]
    return [
        (file, SkippedFile(file.path, SkipReason.FAILED, outcome.reason)) if isinstance(outcome, Failure) else outcome
        for (file, _), outcome in zip(task, found, strict=True)
    ]
