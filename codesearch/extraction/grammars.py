"""Grammars and queries: loaded on first use, and kept. The only module that imports tree_sitter."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

import tree_sitter
from tree_sitter import Node

from codesearch.languages import Language
from codesearch.processes import peak_memory

__all__ = ["CAPTURES", "GrammarError", "Match", "Node", "Position", "Tree", "missing_grammars", "parse"]

CAPTURES = frozenset(
    {
        "function",
        "function.clause",
        "function.declaration",
        "method",
        "method.clause",
        "method.declaration",
        "type",
        "type.declaration",
        "module",
        "scope",
        "scope.rest",
        "constant",
        "section",
        "section.nested",
        "name",
        "owner",
        "parameters",
        "body",
        "doc",
        "docstring",
        "text",
        "attribute",
        "extent",
        "inner",
    }
)
"""The capture names that a query may use, beside those that begin with "_"."""


class Position(NamedTuple):
    """A place in a file, as tree-sitter wants it: the byte, and the row and column of that byte."""

    byte: int
    point: tuple[int, int]


class Match(NamedTuple):
    """One match of a query.

    Attributes:
        pattern: Where the matched pattern stands in the query.
        nodes: The nodes by capture name.
        settings: What the pattern sets with ``#set!``.
    """

    pattern: int
    nodes: Mapping[str, Sequence[Node]]
    settings: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file.

    Attributes:
        matches: The query's matches; none where the grammar was given up on.
        is_repetitive: Whether the grammar was not asked at all, nor would be of any use for a part of the file.
    """

    matches: Sequence[Match]
    _tree: tree_sitter.Tree | None
    is_repetitive: bool = False

    @property
    def has_error(self) -> bool:
        """Whether the grammar could not make sense of a part of the file, or of none of it."""
        return self._tree is None or self._tree.root_node.has_error

    def statement_depths(self) -> dict[int, int]:
        """How deep in the tree the outermost named node lies that begins a row, by row.

        A row that no node begins (inside a string, a comment, or closing punctuation) is not there.
        The tree is walked with a cursor, not by recursion, so that no nesting is too deep; nodes of
        one row are not entered.
        """
        depths: dict[int, int] = {}
        if self._tree is None:
            return depths
        cursor = self._tree.walk()
        last_row = -1  # the row on which the leaf before this node ends
        depth = 0
        while True:
            node = cursor.node
            assert node is not None
            start, end = node.start_point.row, node.end_point.row
            if node.is_named and depth > 0 and start > last_row:
                depths.setdefault(start, depth)
            if end > start and cursor.goto_first_child():
                depth += 1
                continue
            last_row = max(last_row, end)
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return depths
                depth -= 1


# tree-sitter reports its progress every hundred steps. In 1,500 files of 19 languages every report before the last byte
# was from further on than the one before, and with something cut out of them or put in, 23 in a row were from one place
# at most, but for one in ten thousand files; where a grammar's recovery goes astray (Kotlin, 1.1.0) they do not end.
# At the last byte the tree is balanced, which took 1.2 reports per 100 bytes at most.
_PATIENCE = 100
_PATIENCE_AT_END_PER_BYTE = 0.05
_PIECE = 1 << 16

# What no person writes may take a grammar time or memory that grows with the square of its length: 20,000 times "<"
# take Swift's 5 s, and Bash's 15 GB at ten times that. Of 11,450 files of code the most repetitive, a generated one,
# becomes 18 times smaller when it is compressed, and these 60 times and more. The same lines again and again do so as
# well, and are no attack: of those a stretch holds more than so many different groups of four characters.
_LONGEST_UNCHECKED = 4_096
_MOST_REPETITIVE = 40
_STRETCH = 1_024
_FEWEST_GROUPS = 14

# Last resorts, for what gets on but slowly, or in little steps that each keep more. No file of code comes near either.
_LIMIT_SECONDS = 20.0
_LIMIT_BYTES = 768 << 20
_REPORTS_BETWEEN_CHECKS = 32
"""The system takes up to a millisecond to say how much memory there is; each report can bring some 2 MB more."""


class _Patience:
    """Says when to give up on a parse that does not get on: by counting, so that it is the same on every machine."""

    def __init__(self, start: int, text: bytes) -> None:
        self._end = start + len(text.rstrip())
        self._at_end = _PATIENCE + _PATIENCE_AT_END_PER_BYTE * len(text)
        self._furthest = -1
        self._waited = 0
        self._reports = 0
        self._deadline = time.monotonic() + _LIMIT_SECONDS
        self._most_memory = peak_memory() + _LIMIT_BYTES

    def is_at_its_end(self, byte: int, _has_error: bool) -> bool:
        """Called by tree-sitter with the place that it has reached."""
        if byte > self._furthest:
            self._furthest, self._waited = byte, 0
        self._waited += 1
        if self._waited > (_PATIENCE if byte < self._end else self._at_end):
            return True
        self._reports += 1
        if self._reports % _REPORTS_BETWEEN_CHECKS:
            return False
        return time.monotonic() > self._deadline or peak_memory() > self._most_memory


def _is_repetitive(text: bytes) -> bool:
    """Whether more than half of a text is the same few characters again and again, as no code is."""
    if len(text) <= _LONGEST_UNCHECKED or len(zlib.compress(text, 1)) * _MOST_REPETITIVE >= len(text):
        return False
    stretches = [text[start : start + _STRETCH] for start in range(0, len(text), _STRETCH)]
    poor = sum(len({one[at : at + 4] for at in range(len(one) - 3)}) < _FEWEST_GROUPS for one in stretches)
    return 2 * poor > len(stretches)


_Loaded = tuple[tree_sitter.Language, tree_sitter.Query, tuple[Mapping[str, str | None], ...]]


class GrammarError(Exception):
    """A grammar cannot be loaded: its wheel is missing or damaged, or is of a version that the query does not fit."""


_COLLECTION = "semble_grammars"
"""A wheel of many grammars, which unpacks each into the user's cache when it is first asked for."""

_failures: dict[str, str] = {}


def missing_grammars(languages: Iterable[Language] = ()) -> Mapping[str, str]:
    """Return the languages whose grammar could not be loaded so far in this process, and why.

    Args:
        languages: To try out now.
    """
    for language in languages:
        with suppress(GrammarError):
            _grammar_of(language)
    return dict(_failures)


def _grammar_of(language: Language) -> _Loaded:
    """Load a language's grammar and query once; a failure is remembered as well.

    Raises:
        GrammarError: It cannot be loaded.
    """
    if language.name in _failures:
        raise GrammarError(_failures[language.name])
    try:
        return _load(language)
    except Exception as error:  # whatever a wheel of somebody else's may raise
        _failures[language.name] = f"{type(error).__name__}: {error}"[:200]
        raise GrammarError(_failures[language.name]) from error


@cache
def _load(language: Language) -> _Loaded:
    assert language.grammar is not None
    name, _, function = language.grammar.partition(":")
    module = import_module(name)
    if name == _COLLECTION:
        grammar = module.get_language(function)
    else:
        grammar = tree_sitter.Language(getattr(module, function or "language")())
    folder = files("codesearch") / "queries"
    text = "\n".join((folder / f"{name}.scm").read_text(encoding="utf-8") for name in language.queries)
    query = tree_sitter.Query(grammar, text)
    settings = tuple(query.pattern_settings(index) for index in range(query.pattern_count))
    return grammar, query, settings


def parse(data: bytes, language: Language, rows: tuple[Position, Position] | None = None) -> Tree:
    """Parse a file, or some rows of it, and run its language's query.

    Args:
        data: The file in UTF-8.
        language: A row with a grammar.
        rows: Where to begin and to end (at the end of a row), to parse these rows as if they were all of the
            file. The bytes and rows of what is found count from the beginning of the file either way.

    Returns:
        What was found; nothing if the grammar does not get on, or is not asked since it would not. A node may end one
        byte after the data: see below.

    Raises:
        GrammarError: There is no such grammar here.
    """
    grammar, query, settings = _grammar_of(language)
    # A parser costs microseconds, and one of its own per call makes this safe to call from threads.
    parser = tree_sitter.Parser(grammar)
    # All that is parsed ends with a line end: scanners are written for files that do, and Kotlin's (1.1.0) never
    # returns where an annotation is the last thing in a file that does not.
    text = data if data.endswith(b"\n") else data + b"\n"
    begin, stop = 0, len(text)
    if rows is not None:
        start, end = rows
        begin, stop = start.byte, end.byte + 1
        after = (end.point[0] + 1, 0)
        parser.included_ranges = [tree_sitter.Range(start.point, after, begin, stop)]
    if _is_repetitive(text[begin:stop]):
        return Tree([], None, is_repetitive=True)
    patience = _Patience(begin, text[begin:stop])
    try:
        # From bytes tree-sitter reports no progress, so it is handed them piece by piece.
        tree = parser.parse(lambda byte, _point: text[byte : byte + _PIECE], progress_callback=patience.is_at_its_end)
    except ValueError:
        return Tree([], None)
    matches = tree_sitter.QueryCursor(query).matches(tree.root_node)
    return Tree([Match(pattern, nodes, settings[pattern]) for pattern, nodes in matches], tree)
