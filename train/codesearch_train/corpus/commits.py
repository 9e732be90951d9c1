"""Pairs from history: the subject of a small commit, and the function that it changed.

A subject says what somebody wanted of the code, often in the words of a question ("handle empty header
lists when parsing"), which documentation seldom does.
"""

from __future__ import annotations

from collections.abc import Iterator

from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk, Kind, Span
from codesearch.sources import ChangedFile, Commit, GitObjects, clean_subject
from codesearch_train.corpus.filters import is_housekeeping, why_not_file

__all__ = ["changed_lines", "commit_functions", "enclosing_function"]

NEWEST_COMMITS = 10_000
MAX_PARSED_FILES = 1200
"""File versions of a repository that are parsed, a few milliseconds each."""
MAX_SOURCE_FILES = 2
MAX_CHANGED_LINES = 60
MAX_FILE_BYTES = 60_000


def changed_lines(before: str, after: str) -> Span | None:
    """The run of lines of `after`, 1-based, between what both versions have in common at both ends.

    Returns:
        None where nothing was changed, or lines were only taken out.
    """
    old, new = before.split("\n"), after.split("\n")
    least = min(len(old), len(new))
    start = 0
    while start < least and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < least - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Span(start + 1, len(new) - tail) if start < len(new) - tail else None


def enclosing_function(chunks: list[Chunk], lines: Span) -> Chunk | None:
    """The innermost function that holds a run of lines wholly, and more lines than these."""
    found = None
    for chunk in chunks:
        if chunk.kind not in (Kind.FUNCTION, Kind.METHOD) or chunk.part:
            continue
        if chunk.span.start <= lines.start and lines.end <= chunk.span.end and chunk.span.start < chunk.span.end - 1:
            found = chunk
    return found


def _source_files(commit: Commit) -> list[ChangedFile]:
    found = []
    for file in commit.files:
        language = language_of(file.path)
        if language is not None and language.has_definitions and why_not_file(file.path) is None:
            found.append(file)
    return found


def _text(objects: GitObjects, blob: str) -> str | None:
    data = objects.read(blob)
    return data.decode("utf-8", "replace") if 0 < len(data) <= MAX_FILE_BYTES else None


def _changed_function(objects: GitObjects, file: ChangedFile) -> Chunk | None:
    before, after = _text(objects, file.before), _text(objects, file.after)
    language = language_of(file.path)
    if before is None or after is None or language is None:
        return None
    lines = changed_lines(before, after)
    if lines is None or lines.end - lines.start >= MAX_CHANGED_LINES:
        return None
    return enclosing_function(extract(file.path, after, language), lines)


def commit_functions(objects: GitObjects, wanted: int) -> Iterator[tuple[str, Chunk]]:
    """The functions that small commits changed.

    Only commits that touch one or two source files count, and of these files the ones that they modify
    inside a single function: of a larger commit the subject seldom tells what a function does.

    Args:
        objects: The repository.
        wanted: Stop after so many.

    Yields:
        (cleaned subject, function as the commit left it).
    """
    found = parsed = 0
    for commit in objects.commits(NEWEST_COMMITS):
        if found >= wanted or parsed >= MAX_PARSED_FILES:
            return
        subject = clean_subject(commit.subject)
        # "docs(tasks): ..." is told by what cleaning takes away.
        if is_housekeeping(commit.subject) or len(subject.split()) < 4 or len(commit.files) > 6:
            continue
        files = _source_files(commit)
        if not 1 <= len(files) <= MAX_SOURCE_FILES or any(file.status != "M" for file in files):
            continue
        parsed += len(files)
        functions = [_changed_function(objects, file) for file in files]
        for chunk in functions:
            if chunk is not None:
                found += 1
                yield subject, chunk
