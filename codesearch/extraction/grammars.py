"""Grammars and queries: loaded on first use, and kept. The only module that imports tree_sitter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

import tree_sitter
from tree_sitter import Node

from codesearch.languages import Language

__all__ = ["CAPTURES", "Match", "Node", "Position", "Tree", "parse"]

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
        matches: The query's matches.
    """

    matches: Sequence[Match]
    _tree: tree_sitter.Tree

    @property
    def has_error(self) -> bool:
        """Whether the grammar could not make sense of a part of the file."""
        return self._tree.root_node.has_error

    def statement_depths(self) -> dict[int, int]:
        """How deep in the tree the outermost named node lies that begins a row, by row.

        A row that no node begins (inside a string, a comment, or closing punctuation) is not there.
        The tree is walked with a cursor, not by recursion, so that no nesting is too deep; nodes of
        one row are not entered.
        """
        depths: dict[int, int] = {}
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


@cache
def _load(
    language: Language,
) -> tuple[tree_sitter.Language, tree_sitter.Query, tuple[Mapping[str, str | None], ...]]:
    assert language.grammar is not None
    module, _, function = language.grammar.partition(":")
    grammar = tree_sitter.Language(getattr(import_module(module), function or "language")())
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
        What was found. A node may end one byte after the data: see below.
    """
    grammar, query, settings = _load(language)
    # A parser costs microseconds, and one of its own per call makes this safe to call from threads.
    parser = tree_sitter.Parser(grammar)
    # All that is parsed ends with a line end: scanners are written for files that do, and Kotlin's (1.1.0) never
    # returns where an annotation is the last thing in a file that does not.
    if rows is not None:
        start, end = rows
        after = (end.point[0] + 1, 0)
        parser.included_ranges = [tree_sitter.Range(start.point, after, start.byte, end.byte + 1)]
    tree = parser.parse(data if data.endswith(b"\n") else data + b"\n")
    matches = tree_sitter.QueryCursor(query).matches(tree.root_node)
    return Tree([Match(pattern, nodes, settings[pattern]) for pattern, nodes in matches], tree)
