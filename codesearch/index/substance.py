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


_FIRST_WORD: Final = re.compile(r"^[^\S\n]*+[@#-]?[^\S\n]*+(\w+)", re.MULTILINE)

_LEADING_WORDS: Final = frozenset(
    "import from include pragma using open extern package namespace require require_relative require_once "
    "include_relative include_once load alias autoload source library pub use mod export exports module "
    "__all__ const let var local template class struct enum union protocol".split()
)
"""Every word that such a line can begin with: in most chunks no line does, and none is looked at by itself."""

_SEEN_OF_LINE: Final = 2_000
"""How much of a line is looked at."""


@cache
def _leading() -> re.Pattern[str]:
    """Compile the pattern when a chunk is first indexed: a question needs none of it."""
    return re.compile(_LEADING, re.VERBOSE)


def substance_of(chunk: Chunk) -> int:
    """Return how many words of a chunk's code do something, its documentation left out; 1,000 at most."""
    code = chunk.code
    if _LEADING_WORDS.isdisjoint(_FIRST_WORD.findall(code)) and (
        len(code) <= _SEEN_OF_LINE or max(map(len, code.split("\n"))) <= _SEEN_OF_LINE
    ):
        return min(len(_WORD.findall(code)), _MOST)
    leading = _leading()
    total = 0
    depth = 0  # of brackets that an import has opened
    for line in code.split("\n"):
        if depth <= 0 and not leading.match(line[:400]):
            total += len(_WORD.findall(line[:_SEEN_OF_LINE]))
            if total >= _MOST:
                return _MOST
            continue
        depth += sum(line.count(sign) for sign in _OPENING) - sum(line.count(sign) for sign in _CLOSING)
    return total
