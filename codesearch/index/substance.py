"""How much of a chunk does something: what is left when imports, re-exports and forward declarations are taken away.

A line of imports holds the names of what a file works with, and nothing of the work. By its words alone such a chunk,
being short, comes before the function that does what was asked.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from codesearch.records import Chunk

__all__ = ["substance_of"]

_MOST: Final = 1_000
"""More is not counted: from some point on there is enough."""

_WORD: Final = re.compile(r"[^\W\d]\w*")

_LEADING: Final = r"""\s*(?:
      @?import\b(?!\s*=) | from\s+[\w.]+\s+c?import\b | \#\s*(?:include|import|pragma)\b | -?(?:include|import)\(
    | include\s+["'<A-Z] | using\s+[\w.=\s:<>]+; | open\s+[A-Z] | extern\s+crate\b | package\b | namespace\b(?=[^{]*;)
    | (?:require|include)(?:_relative|_once)?(?:\s*\(\s*["'_]|\s+["'A-Z_]) | load\s*\(?\s*["'] | alias\s+[A-Z]
    | autoload\b | source\s+\S+$ | library\( | (?:pub(?:\([^)]*\))?\s+)?(?:use\b|mod\s+\w+\s*;) | pub\s+usingnamespace\b
    | export\s+(?:type\s+)?(?:\*|\{|["']) | (?:module\.)?exports\s*=\s*\{ | exports\.\w+\s*=\s*require\b | __all__\s*=
    | (?:export\s+)?(?:pub\s+)?(?:const|let|var|local)\s+[^=]*=\s*(?:await\s+)?(?:require|@?import)\s*[('"]
    | (?:template\s*<[^<>]*>\s*)?(?:extern\s+)?(?:class|struct|enum|union|@class|@protocol)\s+[\w:, ]+;\s*$
    )"""
"""How a line begins that only names what is elsewhere, in any language: such lines look alike in most."""

_OPENING, _CLOSING = "({[", ")}]"


@cache
def _leading() -> re.Pattern[str]:
    """Compile the pattern when a chunk is first indexed: a question needs none of it."""
    return re.compile(_LEADING, re.VERBOSE)


def substance_of(chunk: Chunk) -> int:
    """Return how many words of a chunk's code do something, its documentation left out; 1,000 at most."""
    leading = _leading()
    total = 0
    depth = 0  # of brackets that an import has opened
    for line in chunk.code.split("\n"):
        if depth <= 0 and not leading.match(line[:400]):
            total += len(_WORD.findall(line[:2_000]))
            if total >= _MOST:
                return _MOST
            continue
        depth += sum(line.count(sign) for sign in _OPENING) - sum(line.count(sign) for sign in _CLOSING)
    return total
