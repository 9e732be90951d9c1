"""Pairs from prose: a section of a README or manual and the one definition that it names; neighbouring passages.

The second kind is the text half of cpt-text (arXiv 2201.10005, section 3.1): neighbouring pieces of text are
positive pairs. It teaches what a search in documentation needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from codesearch.records import Chunk, Kind
from codesearch_train.corpus.pairs import split_words

__all__ = ["is_prose_file", "named_definitions", "neighbouring_passages", "unique_definitions"]

_PROSE_SUFFIXES = (".md", ".markdown", ".mdx", ".mkd")
_NOT_PROSE = re.compile(
    r"change|history|release|contribut|conduct|security|licen|upgrad|migrat|/news|todo|issue_template|pull_request|governance",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_SYMBOL = re.compile(r"`[^`\n]*?([A-Za-z_$][\w$]*[!?]?)\s*(?:\([^`\n]*\))?`")
_BARE_CALL = re.compile(r"^(?:[\w$]+[.#:]+)*([A-Za-z_$][\w$]*[!?]?)\s*(?:\(.*\))?$")
_MARKUP = re.compile(r"<[^>]+>|!\[[^\]]*\]\([^)]*\)|\[!\[.*?\]\(.*?\)\]\(.*?\)")
_LINK = re.compile(r"\[([^\]\n]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)|\[([^\]\n]*)\]\[[^\]]*\]")
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}([^*_\n]+)[*_]{1,3}(?!\w)")


def is_prose_file(path: str) -> bool:
    """Whether a path is a Markdown file that explains the code (and is no changelog or the like)."""
    return path.lower().endswith(_PROSE_SUFFIXES) and not _NOT_PROSE.search(path)


def unique_definitions(chunks: Iterable[Chunk]) -> dict[str, Chunk]:
    """The definitions whose bare name nothing else in the repository has; at least four characters long."""
    found: dict[str, Chunk | None] = {}
    for chunk in chunks:
        if chunk.part or chunk.kind not in (Kind.FUNCTION, Kind.METHOD, Kind.TYPE) or len(chunk.name) < 4:
            continue
        found[chunk.name] = None if chunk.name in found else chunk
    return {name: chunk for name, chunk in found.items() if chunk is not None}


def _sections(markdown: str) -> Iterator[tuple[str, list[str]]]:
    """Each heading ("" before the first) with the paragraphs under it; code, tables and rules end a paragraph."""
    heading = ""
    paragraphs: list[list[str]] = [[]]
    fenced = False
    for line in markdown.split("\n"):
        stripped = line.strip()
        if stripped.startswith(("```", "~~~")):
            fenced = not fenced
            paragraphs.append([])
            continue
        if fenced:
            continue
        match = _HEADING.match(stripped)
        if match:
            yield heading, [" ".join(lines) for lines in paragraphs if lines]
            heading, paragraphs = match[2], [[]]
        elif not stripped or stripped.startswith(("|", "<!--", ":::", "---")):
            paragraphs.append([])
        else:
            paragraphs[-1].append(stripped)
    yield heading, [" ".join(lines) for lines in paragraphs if lines]


def _plain(text: str) -> str:
    text = _LINK.sub(lambda match: match[1] or match[2] or "", _MARKUP.sub(" ", text))
    return re.sub(r"\s+", " ", _EMPHASIS.sub(r"\1", text).replace("`", "")).strip(" -*>:")


def named_definitions(markdown: str, definitions: Mapping[str, Chunk]) -> Iterator[tuple[str, Chunk]]:
    """The sections of a document that name one definition of the code.

    A heading that is the definition's name gives the section's first paragraph; a heading in words gives
    itself and that paragraph, where the paragraph names exactly one definition in backticks.

    Yields:
        (text, the definition).
    """
    for heading, paragraphs in _sections(markdown):
        if not heading or not paragraphs:
            continue
        paragraph = paragraphs[0]
        plain = _plain(heading)
        call = _BARE_CALL.match(plain)
        if call and call[1] in definitions:
            if len(split_words(call[1])) > 1 or not plain.isalpha():
                yield _plain(paragraph), definitions[call[1]]
            continue
        named = {name for name in _SYMBOL.findall(heading + " " + paragraph) if name in definitions}
        if len(named) == 1:
            yield f"{plain}: {_plain(paragraph)}", definitions[named.pop()]


def neighbouring_passages(markdown: str) -> Iterator[tuple[str, str]]:
    """Pairs of passages that follow each other under one heading, the heading itself being the first passage.

    Yields:
        (passage, the next one), both as plain text on one line.
    """
    for heading, paragraphs in _sections(markdown):
        passages = [passage for passage in map(_plain, [heading, *paragraphs]) if passage]
        yield from pairwise(passages)
