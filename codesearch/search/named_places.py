"""What a long question says of single places: the files and lines, the calls and the names that it holds."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Final

from codesearch.search.asked_places import lets_through
from codesearch.search.candidates import Candidate, Filters, Searchable
from codesearch.search.location import Place, chunk_at
from codesearch.search.long_text import LongText
from codesearch.search.named_files import FilesOf, read_paths
from codesearch.search.tracebacks import Frame

__all__ = ["NamedPlaces", "find_named_places", "mentions_of", "value_of_mention"]

_INNERMOST: Final = 0.5
"""Of the signal *place*: beside all that a long question says, a line that it names is strong, and not all."""
_FURTHER: Final = 0.6
"""What the next frame of a traceback counts of the one before it."""
_LEAST: Final = 0.05
_MOST_FRAMES: Final = 60
_MOST_PATHS: Final = 40

_IN_FRAME: Final = 0.5
_IN_CODE: Final = 0.5
_MODULE: Final = 0.5
"""What a name counts that is called in a traceback, or stands in a block of code; and a file, by a module's name."""

_NAME: Final = re.compile(r"[^\W\d]\w*(?:(?:\.|::|#|->)[^\W\d]\w*)*[?!]?")
_CALL_IN_CODE: Final = re.compile(
    r"(?<![\w.])(?:[^\W\d]\w*(?:\.|::|->))*(?:[^\W\d]\w*(?=\s?\()|[^\W\d]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*)"
)
_KEYWORDS: Final = frozenset(
    "if for while switch return catch def function func fn class assert print println printf main require import"
    " include console log test it describe expect range len str int list dict set map get new self this super".split()
)
_MOST_NAMES: Final = 24


class NamedPlaces:
    """What a text names in one snapshot.

    Attributes:
        chunks: How much each chunk is named by its line, by id, from 0 to 1.
        files: How much each file is named, by path, from 0 to 1.
    """

    def __init__(self) -> None:
        self.chunks: defaultdict[int, float] = defaultdict(float)
        self.files: defaultdict[str, float] = defaultdict(float)


def find_named_places(state: Searchable, text: LongText, allowed: Filters) -> NamedPlaces:
    """Return what a long question names in a snapshot.

    Args:
        state: Of the repository.
        text: The question, taken apart.
        allowed: Which chunks may be found.
    """
    found = NamedPlaces()
    files = FilesOf(state)
    for frames in text.tracebacks:
        value = _INNERMOST
        for frame in frames[:_MOST_FRAMES]:
            path = files.of_frame(frame.path)
            if not path or value < _LEAST:
                continue
            found.files[path] = max(found.files[path], value)
            for chunk_id in _chunks_of(state, path, frame, allowed):
                found.chunks[chunk_id] = max(found.chunks[chunk_id], value)
            value *= _FURTHER
    for part, certainty in ((_prose_of(text), 1.0), ("\n".join(text.code), _IN_CODE)):
        for number, path in enumerate(read_paths(part)):
            if number == _MOST_PATHS:
                break
            sure = certainty * (1.0 if "/" in path or not _is_module(path) else _MODULE)
            for file, share in files.named(path).items():
                found.files[file] = max(found.files[file], sure * share)
    return found


def _prose_of(text: LongText) -> str:
    return "\n".join([text.title, *text.prose, *text.messages, *text.names])


def _is_module(path: str) -> bool:
    return "::" in path or path.count(".") > 1 or not re.search(r"\.[a-z]{1,4}\d?$", path)


def _chunks_of(state: Searchable, path: str, frame: Frame, allowed: Filters) -> Iterator[int]:
    """Yield the chunk that a frame means: by its function's name where lines have moved, or else by its line."""
    chunks = state.chunks_of(path)
    at_line = chunk_at(list(chunks.values()), Place(state.root, path, frame.line))
    name = re.split(r"[.:#/]+", frame.function.rstrip("!?"))[-1] if frame.function else ""
    meant = at_line
    if name and (at_line is None or at_line.name != name):
        called = [chunk for chunk in chunks.values() if chunk.name == name]
        meant = min(called, key=lambda chunk: abs(chunk.span.start - frame.line), default=at_line)
    yield from (i for i, chunk in chunks.items() if chunk is meant and lets_through(allowed, chunk))


def mentions_of(text: LongText) -> dict[str, tuple[str, float]]:
    """Return the names that a text holds: bare, with what qualifies each and how much it counts, from 0 to 1."""
    found: dict[str, tuple[str, float]] = {}

    def add(written: str, value: float) -> None:
        parts = re.split(r"\.|::|#|->", written)
        if len(parts[-1]) > 1 and len(found) < _MOST_NAMES and parts[-1] not in found:
            found[parts[-1]] = ".".join(parts), value

    for code in text.names:
        whole = _NAME.match(code.strip())
        if whole and re.fullmatch(r"\s*(?:\(.*\))?;?", code.strip()[whole.end() :]):
            add(whole[0], 1.0)
        else:
            for name in _names_in_code(code):
                add(name, _IN_CODE)
    for frames in text.tracebacks:
        for frame in frames:
            called = _NAME.findall(re.sub(r"[/()*$]+", ".", frame.function))
            if called:
                add(called[-1], _IN_FRAME)
    for block in text.code:
        for name in _names_in_code(block):
            add(name, _IN_CODE)
    return found


def _names_in_code(code: str) -> Iterator[str]:
    names = Counter(found[0] for found in _CALL_IN_CODE.finditer(code[:4_000]))
    yield from (name for name, _ in names.most_common(_MOST_NAMES) if name.rpartition(".")[2] not in _KEYWORDS)


def value_of_mention(candidate: Candidate, mentions: Mapping[str, tuple[str, float]], namesakes: int) -> float:
    """Return how much a text names a candidate, from 0 to 1.

    Args:
        candidate: Of any name.
        mentions: What the text names.
        namesakes: How many candidates have its name.
    """
    qualified, value = mentions[candidate.name]
    if "." in qualified and not f".{candidate.qualified_name}".endswith(f".{qualified}"):
        value *= 0.5
    return value / sqrt(max(1, namesakes))
