"""Questions from what a file says of itself, which are cut out of it before it is searched.

That is the comment at its head (licences and what only tools read are passed over), the docstring of a module, or the
documentation of the type that the file is named after.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from codesearch.records import Chunk, Kind
from codesearch.search.ranking.path_roles import is_test
from codesearch.words import split_identifier, terms
from codesearch_eval.repositories.benchmark import Question, QuestionKind
from codesearch_eval.repositories.changes import is_code
from codesearch_eval.repositories.history import documentation_question
from codesearch_eval.repositories.own_names import file_stem, says_own_name, says_something

__all__ = ["Header", "cut_header", "file_questions", "headers"]

_PER_KIND = 12
_WORDS = range(5, 61)
_FEWEST_LINES = 15
_FIRST_LINES = 120

_BLOCKS = {
    "c": [("/*", "*/")],
    "python": [('"""', '"""'), ("'''", "'''")],
    "haskell": [("{-", "-}")],
    "lua": [("--[[", "]]"), ("--[=[", "]=]")],
    "elixir": [],
    "ruby": [],
    "bash": [],
}
_LINE = {"python": "#", "ruby": "#", "bash": "#", "elixir": "#", "lua": "--", "haskell": "--"}
_PREAMBLE = re.compile(
    r"""^\s*(?:#!|<\?php|declare\(|['"]use strict|#\s*(?:frozen_string_literal|-\*-|(?:en)?coding|shellcheck|vim:)"""
    r"|\{-# |package [\w.]+;?\s*$|@file:|#ifndef \w+\s*$|#define \w+_?\s*$|#pragma once|require\(?\s*[\"'])"
)
_LICENCE = re.compile(
    r"copyright|licen[cs]e|SPDX|all rights reserved|permission is hereby|redistribut|warrant|\(c\) ?\d{4}|"
    r"generated|do not edit|eslint|prettier|jshint|pylint|noqa|vim:|ts-ignore|clang-format|stylelint|https?://\S+$",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"^\s*[@\\](?:author|copyright|license|module|classmod|since|version|param|see|package|file|date|\w+mod)\b"
)
_FILE_NAME = re.compile(r"^(?:[@\\]file\s+)?[\w./-]+\.\w{1,5}\b\s*(?:[-:]+|\u2014)?\s+|^[@\\](?:brief|description)\s+")
_RULER = re.compile(r"^[\W_]*$")


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself.

    Attributes:
        text: The first paragraph, on one line.
        lines: Numbers of the lines that say it and what follows in the same comment, from 1.
    """

    text: str
    lines: frozenset[int]


def headers(language: str, path: str, source: str, chunks: Sequence[Chunk]) -> Iterator[Header]:
    """Yield what a file says of itself, the comment at its head first."""
    yield from _head_comments(language, source)
    for chunk in chunks:
        if (
            chunk.kind is Kind.TYPE
            and chunk.part == 0
            and _is_named_after(path, chunk.name)
            and chunk.code != chunk.text
        ):
            lines = _documentation_lines(chunk)
            if lines:
                yield Header(documentation_question(chunk.documentation), lines)


def cut_header(language: str, path: str, source: str, chunks: Sequence[Chunk], text: str) -> str | None:
    """Return a file without the header that says `text`; None where it has none."""
    for header in headers(language, path, source, chunks):
        if header.text == text:
            kept = [line for number, line in enumerate(source.split("\n"), 1) if number not in header.lines]
            return "\n".join(kept)
    return None


def file_questions(files: Mapping[str, tuple[str, str]], chunks: Sequence[Chunk], tree: str) -> list[Question]:
    """Return questions from what the files of a tree say of themselves.

    Args:
        files: Language and text of each file, by path.
        chunks: Of all files.
        tree: Id of the commit.
    """
    of_file: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        of_file.setdefault(chunk.path, []).append(chunk)
    asked = []
    for path, (language, source) in files.items():
        if not is_code(path) or is_test(path) or source.count("\n") < _FEWEST_LINES:
            continue
        for header in headers(language, path, source, of_file.get(path, [])):
            if _asks(header.text, path):
                asked.append(Question(QuestionKind.FILE, header.text, tree, (path,), (), path))
                break
    said = Counter(question.text for question in asked)
    asked.sort(key=lambda one: sha256(one.source.encode()).digest())
    return [question for question in asked if said[question.text] == 1][:_PER_KIND]


def _asks(text: str, path: str) -> bool:
    return (
        len(text.split()) in _WORDS
        and text.isascii()
        and len(set(terms(text))) >= 3
        and not _LICENCE.search(text)
        and not re.search(r"[{};]\s*$|=>|\b(?:TODO|FIXME)\b", text)
        and not says_own_name(text, [path])
        and says_something(text, [path])
    )


def _is_named_after(path: str, name: str) -> bool:
    def key(text: str) -> str:
        return "".join(word.lower() for word in split_identifier(text))

    return key(file_stem(path)) == key(name.rpartition(".")[2])


def _documentation_lines(chunk: Chunk) -> frozenset[int]:
    """Return the lines of a type that are in its text and not in its code."""
    code = chunk.code.split("\n")
    position, lines = 0, set()
    for number, line in chunk.numbered_lines().items():
        if position < len(code) and line == code[position]:
            position += 1
        else:
            lines.add(number)
    return frozenset(lines) if position == len(code) else frozenset()


def _head_comments(language: str, source: str) -> Iterator[Header]:
    """Yield the comments before the first line of code, and a module's docstring, that are of the whole file."""
    lines = source.split("\n")[:_FIRST_LINES]
    position = 0
    while position < len(lines):
        if not lines[position].strip() or _PREAMBLE.match(lines[position]):
            position += 1
            continue
        end = _comment_end(language, lines, position)
        if end == position:
            return
        text = _first_paragraph(lines[position:end])
        if text and _is_of_file(lines, position, end):
            yield Header(text, frozenset(range(position + 1, end + 1)))
        position = end


def _comment_end(language: str, lines: Sequence[str], start: int) -> int:
    """Return the position after a comment; `start` where there is none."""
    line = lines[start].strip()
    for opening, closing in _BLOCKS.get(language, _BLOCKS["c"]):
        prefixed = line.lstrip("rRuU") if language == "python" else line
        if prefixed.startswith(opening):
            if closing in prefixed[len(opening) :]:
                return start + 1
            closed = (n for n in range(start + 1, len(lines)) if closing in lines[n])
            return next(closed, start - 1) + 1
    mark = _LINE.get(language, "//")
    end = start
    while end < len(lines) and lines[end].strip().startswith(mark):
        end += 1
    return end


def _is_of_file(lines: Sequence[str], start: int, end: int) -> bool:
    """Whether a comment is of the file, and not of the definition after it."""
    first = lines[start].lstrip()
    if first.startswith(("//!", "/*!", '"""', "'''", 'r"""')):
        return True
    after = lines[end] if end < len(lines) else ""
    return not after.strip() or bool(
        re.match(
            r"\s*(?:package|import|#include|#if|#pragma|using|namespace|module|require|use|from|extern|local \w+ =)",
            after,
        )
    )


def _first_paragraph(comment: Sequence[str]) -> str:
    paragraph: list[str] = []
    for line in comment:
        text = re.sub(r"^\s*(?:/\*+!?|\*+/?|//+!?|#+|--+\[?=?\[?|\{-+ ?\|?|r?\"\"\"|r?'''|\| )", "", line)
        text = re.sub(r"(?:\*+/|-\}|\]\]|\"\"\"|''')\s*$", "", text).strip().lstrip("|!*").strip()
        if _RULER.match(text) or _TAG.match(text):
            if paragraph:
                break
            text = _FILE_NAME.sub("", text) if text.startswith(("@file", "\\file")) else ""
            if not text:
                continue
        paragraph.append(text)
    said = _FILE_NAME.sub("", " ".join(" ".join(paragraph).split()))
    return re.sub(r"^Package \w+ ", "", said)
