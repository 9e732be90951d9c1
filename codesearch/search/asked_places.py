"""Lines of files that a question names, as compilers, linters and tracebacks print them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from codesearch.records import Chunk
from codesearch.search.location import Place, chunk_at, relative_to_root

if TYPE_CHECKING:
    from codesearch.search.candidates import Filters, Searchable

__all__ = ["find_asked_places", "lets_through", "read_lines_asked"]

_MOST_PLACES: Final = 10
_LONGEST: Final = 20_000

_BEGIN: Final = r"(?<![^\s\"'<>():,])"
"""A path begins where its characters do. From each of them, a long one would be looked for again and again."""

_FORMS: Final = (
    # The whole question, where a path may hold white space.
    re.compile(r"\A\s*(?P<path>[^\n:]*[^\s:]):(?P<line>\d+)(?::\d+)?:?\s*\Z"),
    # Python:  File "a.py", line 12, in f
    re.compile(r"[\"'](?P<path>[^\"'\n]+)[\"'],? line (?P<line>\d+)"),
    # Java, PHP:  a.php on line 12;  a.py, line 12
    re.compile(_BEGIN + r"(?P<path>[^\s\"'<>():,]+),?(?: on| at)? line (?P<line>\d+)"),
    # C#:  a.cs:line 12
    re.compile(_BEGIN + r"(?P<path>[^\s\"'<>():,]+):line (?P<line>\d+)"),
    # MSVC, TypeScript:  a.ts(12,5)
    re.compile(_BEGIN + r"(?P<path>[^\s\"'<>():,]+)\((?P<line>\d+)(?:[,:]\d+)?\)"),
    # GCC, Go, Rust, Node:  a.c:12:5
    re.compile(_BEGIN + r"(?P<path>(?:\b[A-Za-z]:[\\/])?[^\s\"'<>():,]+):(?P<line>\d+)\b"),
    # GitHub, GitLab:  a.c#L12
    re.compile(_BEGIN + r"(?P<path>[^\s\"'<>():,]+)#L(?P<line>\d+)"),
)


def read_lines_asked(question: str) -> Iterator[tuple[str, int]]:
    """Yield each path and line that a question names, as they are written; a path may be of another machine."""
    seen = set()
    for form in _FORMS:
        for named in form.finditer(question[:_LONGEST]):
            place = named["path"].strip().removeprefix("file://").replace("\\", "/"), int(named["line"][:9])
            if place not in seen and re.search(r"[^\W\d_]", place[0]):
                seen.add(place)
                yield place


def find_asked_places(snapshots: Sequence[Searchable], question: str, filters: Sequence[Filters]) -> list[set[int]]:
    """Return the ids of the chunks that hold the lines which a question names, for each of the snapshots.

    A path is one from the root of a repository, or absolute; or else it is the end of the path of one file, as in a
    traceback from another machine or in a name that was printed in a folder of the repository.

    Args:
        snapshots: What is searched.
        question: As it was asked.
        filters: Which chunks may be found, one for each snapshot.
    """
    found: list[set[int]] = [set() for _ in snapshots]
    for number, (path, line) in enumerate(read_lines_asked(question)):
        if number == _MOST_PLACES:
            break
        for held, snapshot, allowed in zip(found, snapshots, filters, strict=True):
            for chunk_id, chunk in _at(snapshot, path, line):
                if lets_through(allowed, chunk):
                    held.add(chunk_id)
    return found


def _at(snapshot: Searchable, path: str, line: int) -> Iterator[tuple[int, Chunk]]:
    relative = relative_to_root(path, snapshot)
    chunks = snapshot.chunks_of(relative) if relative else {}
    if not chunks:
        relative = _file_that_ends_with(snapshot, path)
        chunks = snapshot.chunks_of(relative) if relative else {}
    chunk = chunk_at(list(chunks.values()), Place(snapshot.root, relative, line))
    if chunk is None and chunks:  # the file has changed since, or the line is blank
        chunk = min(
            chunks.values(), key=lambda c: (min(abs(c.span.start - line), abs(c.span.end - line)), c.span.start)
        )
    yield from ((chunk_id, other) for chunk_id, other in chunks.items() if other is chunk)


def _file_that_ends_with(snapshot: Searchable, path: str) -> str:
    """Return the only file whose path ends as another does, by as many of its parts as are needed; "" for none."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", ".", "..")]
    if not parts:
        return ""
    known = [(name, PurePosixPath(name).parts[::-1]) for _, name in snapshot.files() if name.endswith(parts[-1])]
    shared = {name: _shared(parts[::-1], other) for name, other in known}
    most = max(shared.values(), default=0)
    best = [name for name, count in shared.items() if count == most]
    return best[0] if most and len(best) == 1 else ""


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def lets_through(filters: Filters, chunk: Chunk) -> bool:
    """Whether a chunk may be found."""
    return (
        (not filters.languages or chunk.language in filters.languages)
        and (not filters.kinds or chunk.kind in filters.kinds)
        and (filters.path is None or filters.path(chunk.path))
    )
