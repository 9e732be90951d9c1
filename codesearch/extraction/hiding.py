"""What stands in the way of a grammar: macros where the language has no place for them, and split conditionals.

A grammar sees a file as it is before the preprocessor. ``class API Name : Base {`` is no class to it, and a function
whose signature stands in both branches of an ``#if`` has two beginnings and one end. Such text is hidden: the grammar
sees spaces in its place, so that no offset changes. It stays in the chunks' text, and counts as an attribute of the
definition that it stands before.

Which macros a language has is in ``languages.toml``, as ``hidden``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from codesearch.extraction.source import Range
from codesearch.languages import Language

__all__ = ["hidden_ranges", "without"]


def hidden_ranges(data: bytes, language: Language) -> list[Range]:
    """The ranges of a file's bytes that are to be hidden from its grammar, in order.

    Args:
        data: The file in UTF-8, line ends as newlines.
        language: Whose row says what is hidden; for most nothing is.
    """
    if not language.hidden:
        return []
    ranges = list(_branches(data))
    seen = without(data, ranges)
    for pattern in language.hidden:
        found = [Range(*match.span("hidden")) for match in _compiled(pattern).finditer(seen)]
        seen = without(seen, found)
        ranges += found
    return sorted(ranges)


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.MULTILINE)


def without(data: bytes, ranges: Sequence[Range]) -> bytes:
    """Return bytes with spaces in the place of some ranges, line ends excepted."""
    seen = bytearray(data)
    for start, end in ranges:
        seen[start:end] = _VISIBLE.sub(b" ", data[start:end])
    return bytes(seen)


_VISIBLE = re.compile(rb"[^\n]")


# --- conditionals -------------------------------------------------------------------------------------------

_DIRECTIVE = re.compile(
    rb"^[ \t]*#[ \t]*(?P<name>if|ifdef|ifndef|elif|else|endif)\b(?:[^\n\\]|\\\n|\\.)*+\n?", re.MULTILINE
)
_CODE = re.compile(
    rb"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|//[^\n]*+|/\*.*?\*/|^[ \t]*#[^\n]*+", re.MULTILINE | re.DOTALL
)
# The end of a signature: f(int a), f() const, f() noexcept override, auto f() -> std::vector<int>
_SIGNATURE_END = re.compile(
    rb"\)\s*(?:(?:const|volatile|noexcept|override|final|&&?|throw\s*\(\))\s*){0,4}(?:->\s*[\w:<>,*& ]{1,80})?\Z"
)
_LONGEST_BRANCH = 20_000


@dataclass(slots=True)
class _Conditional:
    """An ``#if`` with its branches: where each directive begins and ends."""

    directives: list[Range] = field(default_factory=list)


def _branches(data: bytes) -> Iterator[Range]:
    """Directives and branches of conditionals that split a definition or a block: all but the first branch."""
    if b"#" not in data:
        return
    stack: list[_Conditional] = []
    for match in _DIRECTIVE.finditer(data):
        if match["name"].startswith(b"if"):
            stack.append(_Conditional())
        if not stack:
            continue
        stack[-1].directives.append(Range(*match.span()))
        if match["name"] == b"endif":
            yield from _split(data, stack.pop().directives)


def _split(data: bytes, directives: Sequence[Range]) -> Iterator[Range]:
    """What to hide of one conditional, if it splits anything."""
    first = _bare(data[directives[0].end : directives[1].start])
    opened = first.count(b"{") - first.count(b"}")
    is_header = (
        _SIGNATURE_END.search(first) is not None and first.count(b"(") == first.count(b")") and len(directives) > 2
    )
    continues = is_header and _bare(data[directives[-1].end : directives[-1].end + 2_000]).startswith(b"{")
    if directives[-1].end - directives[0].start > _LONGEST_BRANCH or not (opened or continues):
        return
    yield directives[0]
    if len(directives) > 1:
        yield Range(directives[1].start, directives[-1].end)


def _bare(text: bytes) -> bytes:
    """Code without comments, literals, directives, and white space at its ends."""
    return _CODE.sub(b"", text[:_LONGEST_BRANCH]).strip()
