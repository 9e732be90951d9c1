"""Data inside of source text: long literals and tables of numbers, which hide the code around them.

A picture in base64, a font, a table of bytes: nobody asks for what is in it, and thousands of characters of it say
nothing to an encoder. So a file is judged (is it minified?) by what is left without them, and its chunks show only
how they begin.

Two kinds are known, whatever the language:

- a literal or a run of data within one line: something in quotes, a ``data:`` URI, base64, a list of numbers;
- many lines in a row that hold nothing but data: base64 that is wrapped, rows of numbers, strings of escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["data_rows", "shorten_line", "without_literals"]

# Shorter lines are left as they are: a person may well have written one.
_LONG_LINE = 400

# A literal from this length on is taken out where a file is judged.
_LONG_LITERAL = 200


# How much of a literal is kept: of data so much that one sees what it is, of words what can be read.
_DATA_KEPT = 60
_ITEMS_KEPT = 600
_WORDS_KEPT = 2_000

_QUOTED = "|".join(rf"{quote}[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+{quote}" for quote in "\"'`")
_NUMBER = r"[-+]?(?:0[xX][0-9a-fA-F]+|\d[\d.]*(?:[eE][-+]?\d+)?)[uUlLfF]{0,3}"
_ITEM = rf"(?:{_NUMBER}|{_QUOTED})[ \t]*[,:][ \t]*"
# Quoted text and lists of any length are matched, and escapes on their own: so the end of one literal is not taken
# for the beginning of the next, and no place is looked at from many others.
_RUN = r"[A-Za-z0-9+/=_%-]"
_LITERAL = re.compile(
    rf"\\.|(?P<items>(?<![\w.])(?:{_ITEM})++)"
    rf"|{_QUOTED}|(?<!{_RUN}){_RUN}{{{_LONG_LITERAL},}}"
)
_ITEMS = re.compile(_ITEM)
_BRACKET_OR_COMMA = re.compile(rf"\\.|{_QUOTED}|[()\[\]{{}},]")

# All that a literal of data may consist of; what else there are letters in is code.
_DATA = re.compile(
    rf"\\.|{_QUOTED}|\b(?:true|false|null|None|True|False|undefined)\b|\b\w+[ \t]*:(?=[ \t]*[\"'`\d\[{{-])"
)
_LETTER = re.compile(r"[^\W\d_]")
_LETTERS_IN_DATA = 0.1

# A row that holds nothing but data: numbers and what separates them, base64 or hexadecimal digits, escapes.
_DATA_ROW = re.compile(
    r"[ \t]*+(?:"
    r"(?=[^\d\n]*\d)[\s\d.,+{}()\[\]xXa-fA-FuUlL;-]++"
    r"|[bLuU]?[\"'`]?(?:[A-Za-z0-9+/]{40,}+={0,2}|(?:\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\u[0-9a-fA-F]{4}){8,}+)[\"'`]?"
    r")[ \t]*+[\\,;+.]?[ \t]*+"
)
_MANY_ROWS = 24
_MANY_CHARACTERS = 600
_ROWS_KEPT = 4

_WORDS = re.compile(r"\s[^\W\d_]{2,}")
_CHARACTERS_PER_WORD = 20


def shorten_line(line: str) -> str:
    """Return a line with each long literal cut to its beginning; most lines are short, and come back as they are.

    Args:
        line: Without its line end.
    """
    if len(line) <= _LONG_LINE:
        return line
    line = _LITERAL.sub(_shortened, line)
    return _without_inner(line) if len(line) > _WORDS_KEPT and _is_data_only(line) else line


def _shortened(match: re.Match[str]) -> str:
    literal = match[0]
    if len(literal) < _LONG_LITERAL:
        return literal
    if match["items"]:
        return _first_items(_ITEMS.sub(lambda item: _beginning(item[0]), literal))
    return _beginning(literal)


def _beginning(literal: str) -> str:
    if len(literal) < _LONG_LITERAL:
        return literal
    kept = _WORDS_KEPT if _is_worded(literal) else _DATA_KEPT
    if len(literal) <= kept:
        return literal
    end = literal.rstrip(",: \t")
    quote = end[-1] if end[-1] in "\"'`" else ""
    return literal[:kept].rstrip("\\") + "…" + quote + literal[len(end) :]


def _first_items(items: str) -> str:
    """The first items of a list, or of a mapping, up to a comma, so that the syntax stays right."""
    if len(items) <= _ITEMS_KEPT:
        return items
    end = len(items)
    for item in _ITEMS.finditer(items):
        if item[0].rstrip().endswith(","):
            end = item.end()
            if end >= _ITEMS_KEPT:
                break
    return items[:end]


def _without_inner(line: str) -> str:
    """A line of data in brackets with its middle cut out, from a comma up to where the bracket around it ends."""
    depth = cut = 0
    least = len(line)  # the depth of the outermost commas
    for token in _BRACKET_OR_COMMA.finditer(line):
        depth += (token[0] in "([{") - (token[0] in ")]}")
        if cut and depth < least:
            return line[:cut] + line[token.start() :]
        if not cut and token[0] == "," and 0 < depth <= least:
            least = depth
            cut = token.end() if token.start() >= _ITEMS_KEPT else 0
    return line


def _is_worded(literal: str) -> bool:
    """Whether a literal is made of words: a message, a query, a template."""
    beginning = literal[: _WORDS_KEPT * 2]
    return len(_WORDS.findall(beginning)) * _CHARACTERS_PER_WORD >= len(beginning)


def without_literals(line: str) -> str:
    """Return a line with every long literal taken out, whatever is in it.

    A line that holds hardly anything but literals (a list of strings, a mapping) is one literal.
    """
    if len(line) <= _LONG_LINE:
        return line
    if _is_data_only(line):
        return '""'
    return _LITERAL.sub(lambda match: '""' if len(match[0]) >= _LONG_LITERAL else match[0], line)


def _is_data_only(line: str) -> bool:
    return len(_LETTER.findall(_DATA.sub("", line))) <= _LETTERS_IN_DATA * len(line)


def data_rows(lines: Sequence[str]) -> Iterator[range]:
    """Yield the rows, 0-based, that are the middle of a long run of data: the first few and the last one stay.

    Args:
        lines: A file's lines, without line ends.
    """
    # So many rows in a row hold one whose number is a multiple of that many: few of the others are looked at.
    end = 0
    for probe in range(_MANY_ROWS - 1, len(lines), _MANY_ROWS):
        if probe < end or not _is_data(lines[probe]):
            continue
        first, end = probe, probe + 1
        while first > 0 and _is_data(lines[first - 1]):
            first -= 1
        while end < len(lines) and _is_data(lines[end]):
            end += 1
        if end - first >= _MANY_ROWS and sum(map(len, lines[first:end])) >= _MANY_CHARACTERS:
            yield range(first + _ROWS_KEPT, end - 1)


def _is_data(line: str) -> bool:
    return bool(line) and _DATA_ROW.fullmatch(line) is not None
