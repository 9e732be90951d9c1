"""Places in a repository that repeat the words of the code they are about, without being it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from codesearch.words import terms

__all__ = ["ABOUT", "PLACES", "is_test", "places_of"]

PLACES: Final = {
    "test": re.compile(
        r"(^|/)(?i:tests?|specs?|__tests__|testing|testdata|fixtures?|mocks?|e2e|benchmarks?|bench|\w*[-_.]?tests)/"
        r"|(^|/)(test_|conftest)[^/]*$|[_.-](test|tests|spec|bench)\.[^/]+$|[a-z0-9](Test|Tests|Spec|IT)\.\w+$"
        r"|(^|/)src/\w*[tT]est/|^t/"
    ),
    "example": re.compile(r"(^|/)(?i:examples?|samples?|demos?|tutorials?|playground)/"),
    "prose": re.compile(
        r"(^|/)(?i:docs?|documentation|changelogs?|website)/|(?i:(^|/)(changelog|changes|history|news|release)[^/]*$)"
        r"|\.(?i:md|markdown|mdx|rst|rdoc|adoc|pod|texi?|txt|org)$"
    ),
    "legacy": re.compile(r"(^|/)(?i:legacy|deprecated|compat|vendor|vendored|third[_-]?party|_vendor|old|dist|build)/"),
}
"""By name, the paths that are such a place."""

ABOUT: Final = {
    "test": frozenset(terms("test tests testing tested spec specs fixture mock benchmark assert assertion coverage")),
    "example": frozenset(terms("example examples sample samples demo tutorial playground")),
    "prose": frozenset(terms("documentation docs doc documented readme changelog manual guide release notes website")),
    "legacy": frozenset(terms("legacy deprecated compat compatibility vendor vendored old")),
}
"""A question with one of these words is about such a place, and then the place is no fault."""


@lru_cache(maxsize=1 << 14)
def places_of(path: str) -> tuple[str, ...]:
    """Return which of `PLACES` a path is in."""
    return tuple(name for name, pattern in PLACES.items() if pattern.search(path))


def is_test(path: str) -> bool:
    """Whether a path is that of a test, or of what tests need."""
    return "test" in places_of(path)
