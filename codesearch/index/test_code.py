"""Which chunks of a file are tests, by what is in them: a path does not always tell.

Rust keeps the tests of a module in the module's own file, and ``helper.rs`` may begin with "Test helpers.".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from codesearch.records import Chunk, Kind

__all__ = ["find_tests"]

_SIGNS: Final = r"[\s/*#!\-;\"'({%<]*"
_NEEDED: Final = r"(?:helpers?|utilit(?:y|ies)|fixtures?|support|suites?|cases?|doubles?|harness)\b"
_HEADER: Final = re.compile(
    rf"{_SIGNS}(?:(?:some|common|shared|the|unit|integration|regression|end-to-end|e2e|functional|property) ){{0,3}}"
    rf"(?:test(?:s|ing)? {_NEEDED}|tests (?:for|of|that)\b)"
    r"|"
    rf"{_SIGNS}(?:helpers?|utilit(?:y|ies)|fixtures?|support) (?:for|of) (?:the )?(?:\w+ )?tests?\b",
    re.IGNORECASE,
)
"""How the first comment of a file begins that says so."""

_MARK: Final = re.compile(
    r"""^\s*(?:
      \#\[(?:\w+::)?test\b | \#\[cfg\(test\)\] | \#\[rstest                                # Rust
    | @(?:Parameterized|Repeated)?Test\b | \[(?:Fact|Theory|TestMethod|TestCase|Test)\b       # Java, Kotlin, C#
    | (?:async\ )?def\ test_\w+\( | (?:public\ )?function\ test\w+\( | @test\b              # Python, Ruby, PHP, bats
    | func\ (?:Test|Benchmark|Fuzz)\w*\(\w+\ \*testing\.                                   # Go
    | TEST(?:_F|_P|_CASE)?\( | BOOST_AUTO_TEST_CASE                                        # C++
    | test\ "[^"]*"(?:,\ %\{.*\})?\ (?:\{|do\b)                                            # Zig, Elixir
    | (?:describe|it|test|context|specify)(?:\.\w+)?[ (]\s*["'`] | (?:RSpec\.)describe\b   # JavaScript, Ruby
    )""",
    re.MULTILINE | re.VERBOSE,
)
"""What a test begins with."""

_RUST_TESTS: Final = re.compile(r"(?:^|\.)tests?\.")
_CODE: Final = (Kind.FUNCTION, Kind.METHOD)
_FEW: Final = 2
"""A single function called `test_connection` makes no file of tests."""


def find_tests(chunks: Sequence[Chunk]) -> list[bool]:
    """Return which chunks of a file are tests, or what tests need.

    Args:
        chunks: All of the file, in document order.
    """
    if not chunks:
        return []
    if _HEADER.match(chunks[0].text[:400]):
        return [True] * len(chunks)
    marked = [_MARK.search(chunk.text) is not None for chunk in chunks]
    if chunks[0].language == "rust":
        return [
            mark or _RUST_TESTS.search(chunk.qualified_name) is not None
            for mark, chunk in zip(marked, chunks, strict=True)
        ]
    functions = sum(chunk.kind in _CODE and not chunk.part for chunk in chunks)
    if sum(marked) >= _FEW and 2 * sum(marked) >= functions:
        return [True] * len(chunks)
    return [mark and chunk.kind in _CODE for mark, chunk in zip(marked, chunks, strict=True)] if functions else marked
