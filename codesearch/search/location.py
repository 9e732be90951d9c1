"""From a place in a repository, or a piece of pasted code, to the chunk that it means."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Final

from codesearch.encoders.text import document_text
from codesearch.errors import InputError, PlaceNotFound
from codesearch.languages import LANGUAGES, language_named, language_of
from codesearch.records import Chunk, Kind
from codesearch.words import replace_surrogates

if TYPE_CHECKING:
    from codesearch.search.candidates import Searchable

__all__ = [
    "CODE",
    "Location",
    "Place",
    "Snippet",
    "chunk_at",
    "find_place",
    "place_in_file",
    "read_place",
    "read_snippet",
    "relative_to_root",
]

CODE: Final = frozenset({Kind.FUNCTION, Kind.METHOD})

# What stands around a snippet that its grammar makes nothing of by itself: a method without its class, PHP without
# its opening tag.
_CLASS: Final = "class _ {{\n{}\n}}"
_FRAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "javascript": (_CLASS,),
    "php": ("<?php\n{}", f"<?php\n{_CLASS}"),
    "tsx": (_CLASS,),
    "typescript": (_CLASS,),
}

_LINE: Final = re.compile(r"(\d+)(?::\d+)?:?")

_NAMES_SHOWN: Final = 5

_LONGEST_DEFINITION: Final = 100_000
"""Characters of a snippet that may be a function: no model reads that far, and to find out would take seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a repository something is.

    Attributes:
        root: Absolute path of the repository.
        path: POSIX path of the file, relative to `root`.
        line: 1-based; 0 where `name` says what is meant.
        name: Of a definition, bare or qualified.
        text: The text of the file where it may be newer than the file that was indexed, as in an editor.
    """

    root: Path
    path: str
    line: int = 0
    name: str = ""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code from elsewhere.

    Attributes:
        text: The code.
        language: A name of ``codesearch.languages``; "" where it is not known.
    """

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """What there is at a place.

    Attributes:
        chunk: The innermost chunk, as the file has it now.
        id: Of an indexed chunk with the same text, and so the same vector; None where there is none.
        indexed: The same definition as it was indexed, None where there was none.
    """

    chunk: Chunk
    id: int | None
    indexed: Chunk | None


def place_in_file(root: Path, path: str, rest: str) -> Place:
    """Return the place in a file that what follows the file's name means.

    Args:
        root: Absolute path of the repository.
        path: POSIX path of the file, relative to `root`.
        rest: ``line``, ``line:column``, or a name, which may be written as its language writes it: ``Parser::parse``
            and ``Parser#parse`` are ``Parser.parse``.
    """
    line = _LINE.fullmatch(rest)
    name = "" if line else re.sub("::|#|/", ".", rest.strip())
    return Place(root, path, int(line[1]) if line else 0, name)


def read_place(text: str, snapshots: Sequence[Searchable]) -> Place:
    """Return the place that ``path:line``, ``path:line:column`` or ``path:name`` names in one of several indexes.

    The path is relative to the root of a repository, or absolute; before that of an imported index may stand its name,
    as in its results. The longest path that is indexed is taken, whatever colons are in it.

    Raises:
        InputError: The text names nothing in a file.
        PlaceNotFound: No index holds the file, or several do.
    """
    named = [text[: colon.start()] for colon in re.finditer(":", text) if text[colon.end() :].strip()]
    if not named:
        raise InputError(f"{text[:80]!r} is no place: name one as path:line or path:name")
    for path in reversed(named):
        found = [
            (snapshot, relative)
            for snapshot in snapshots
            if (relative := relative_to_root(path, snapshot)) and snapshot.chunks_of(relative)
        ]
        if len(found) > 1:
            roots = " and ".join(str(snapshot.root / relative) for snapshot, relative in found)
            raise PlaceNotFound(f"{path} is in several repositories: give the whole path, {roots}")
        if found:
            return place_in_file(found[0][0].root, found[0][1], text[len(path) + 1 :])
    path, single = named[0], snapshots[0] if len(snapshots) == 1 else None
    if single is not None:
        raise PlaceNotFound(_why_not_indexed(single, relative_to_root(path, single) or path))
    raise PlaceNotFound(f"{path} is in none of these indexes: give its path from the top of its repository")


def relative_to_root(path: str, snapshot: Searchable) -> str:
    """Return a path relative to the root of a repository, "" where it lies outside."""
    if snapshot.manifest.imported:
        return path.removeprefix(f"{snapshot.manifest.name}:")
    if not Path(path).is_absolute():
        return posixpath.normpath(Path(path).as_posix())
    for whole in (Path(path), Path(path).resolve()):
        if whole.is_relative_to(snapshot.root):
            return whole.relative_to(snapshot.root).as_posix()
    return ""


def find_place(state: Searchable, place: Place) -> Location:
    """Find the innermost chunk at a place.

    Raises:
        PlaceNotFound: The file is not in the index, or there is nothing at that line or of that name.
    """
    indexed = state.chunks_of(place.path)
    if place.text is None:
        if not indexed:
            raise PlaceNotFound(_why_not_indexed(state, place.path))
        chunk = _chosen(list(indexed.values()), place)
        return Location(chunk, next(chunk_id for chunk_id, other in indexed.items() if other is chunk), chunk)
    chunk = _chosen(_extracted(place.path, place.text), place)
    text = document_text(chunk)
    same_text = [chunk_id for chunk_id, other in indexed.items() if document_text(other) == text]
    called = (chunk.qualified_name, chunk.kind, chunk.part)
    same_name = [other for other in indexed.values() if (other.qualified_name, other.kind, other.part) == called]
    nearest = min(same_name, key=lambda other: abs(other.span.start - chunk.span.start), default=None)
    return Location(chunk, same_text[0] if same_text else None, nearest)


def _extracted(path: str, text: str) -> list[Chunk]:
    # Imported late: grammars are not needed where the index has what was asked for.
    from codesearch.index.extraction_workers import ExtractionFailed, extract_apart

    language = language_of(path, text.partition("\n")[0], text)
    if language is None:
        raise PlaceNotFound(f"{path} is in no language that is searched")
    try:
        return extract_apart(path, text, language)
    except ExtractionFailed as error:
        raise PlaceNotFound(f"{path} cannot be split into functions: {error}") from None


def _why_not_indexed(state: Searchable, path: str) -> str:
    for file in state.skipped():
        if path == file.path or path.startswith(file.path.rstrip("/") + "/"):
            return f"{path} is not in the index: {file.reason.value}"
    return (
        f"{path} is not in the index of {state.manifest.name}: there is no such file, or it is ignored, in no "
        "language that is searched, or newer than the index (run `codesearch index`)"
    )


def _chosen(chunks: list[Chunk], place: Place) -> Chunk:
    return _named(chunks, place) if place.name else _at_line(chunks, place)


def _at_line(chunks: list[Chunk], place: Place) -> Chunk:
    chunk = chunk_at(chunks, place)
    if chunk is None:
        raise PlaceNotFound(f"no code at {place.path}:{place.line}{_nearest_definition(chunks, place.line)}")
    return chunk


def chunk_at(chunks: list[Chunk], place: Place) -> Chunk | None:
    """Return the innermost of the chunks of a file at a line, None where there is none."""
    line = place.line
    holding = [c for c in chunks if any(span.start <= line <= span.end for span in c.text_spans)]
    # A blank line inside a class belongs to none of its members.
    holding = holding or [c for c in chunks if c.kind is not Kind.MODULE and c.span.start <= line <= c.span.end]
    return min(holding, key=lambda chunk: chunk.span.end - chunk.span.start, default=None)


def _nearest_definition(chunks: list[Chunk], line: int) -> str:
    named = [chunk for chunk in chunks if chunk.qualified_name]
    if not named:
        return ""
    chunk = min(named, key=lambda c: min(abs(c.span.start - line), abs(c.span.end - line)))
    return f": the nearest is {chunk.qualified_name}, lines {chunk.span.start} to {chunk.span.end}"


def _named(chunks: list[Chunk], place: Place) -> Chunk:
    wanted = place.name.removesuffix("()")
    found = [c for c in chunks if c.part == 0 and c.qualified_name == wanted]
    found = found or [c for c in chunks if c.part == 0 and c.qualified_name.endswith(f".{wanted}")]
    # A constructor is named as its class in some languages; the class is what its name means first.
    if len(found) == 1 or (found and found[0].kind is Kind.TYPE):
        return found[0]
    if found:
        lines = ", ".join(f"{place.path}:{chunk.span.start}" for chunk in found[:_NAMES_SHOWN])
        raise PlaceNotFound(f"{place.path} has {len(found)} of the name {wanted}: name one by its line ({lines})")
    names = list(dict.fromkeys(chunk.qualified_name for chunk in chunks if chunk.qualified_name))
    known = ", ".join(names[:_NAMES_SHOWN]) + (" ..." if len(names) > _NAMES_SHOWN else "")
    raise PlaceNotFound(f"{place.path} has nothing named {wanted}" + (f"; it has {known}" if known else ""))


def read_snippet(snippet: Snippet) -> tuple[str, Kind | None]:
    """Return the text to encode for a snippet, and what it is if it is one definition.

    A snippet of a known language that is one function is read as the index reads functions, documentation apart
    from code; anything else is taken as it is written.

    Raises:
        InputError: The snippet is empty or binary, or the language is unknown.
    """
    text = dedent(replace_surrogates(snippet.text).lstrip("\ufeff")).strip("\n")
    if "\0" in text:
        raise InputError("the snippet is binary: give source code as text")
    if not any(character.isalnum() for character in text):
        raise InputError("the snippet is empty: give some code, such as a function")
    named = language_named(snippet.language, "") if snippet.language else ""
    language = named or getattr(language_of("", text.partition("\n")[0]), "name", "")
    chunk = _only_definition(text, language) if language and len(text) <= _LONGEST_DEFINITION else None
    return (document_text(chunk), chunk.kind) if chunk is not None else (text, None)


def _only_definition(text: str, language: str) -> Chunk | None:
    from codesearch.index.extraction_workers import ExtractionFailed, extract_apart

    row = LANGUAGES[language]
    for frame in ("{}", *_FRAMES.get(language, ())):
        try:
            chunks = extract_apart(f"snippet{(*row.suffixes, '')[0]}", frame.format(text), row)
        except ExtractionFailed:
            return None
        definitions = [chunk for chunk in chunks if chunk.qualified_name and chunk.kind in CODE]
        if len(definitions) == 1:
            return replace(definitions[0], qualified_name=definitions[0].qualified_name.removeprefix("_."))
        if definitions:
            return None
    return None
