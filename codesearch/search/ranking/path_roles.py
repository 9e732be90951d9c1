"""Places in a repository that repeat the words of the code they are about, without being it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["PLACES", "in_test_folder", "is_test", "places_of"]

_TEST_FOLDER: Final = re.compile(
    r"(?:^|/)(?:(?i:tests?|specs?|__tests__|testdata|fixtures?|mocks?|e2e|benchmarks?|bench|(?:\w*[-_.])tests)|\w*[a-z0-9]Tests)/"
    # What helps to test is a part of the product where it lies among its sources.
    r"|^(?!(?:.*/)?(?:src|lib|packages)/)(?:.*/)?(?i:testing)/"
    r"|(?:^|/)src/(?:test|it|\w*(?:[a-z0-9]Test|[-_][tT]est))(?:[A-Z_-]\w*)?/|^t/"
)
_TEST_FILE: Final = re.compile(
    r"(?:^|/)(?:test_|conftest)[^/]*$|[_.-](?:test|tests|spec|bench)\.[^/]+$|[a-z0-9](?:Test|Tests|Spec|IT)\.\w+$"
    # A command called "test" is none.
    r"|^(?!(?:.*/)?(?:commands?|cmds?|cli|subcommands?|tasks)/)(?:.*/)?(?i:tests?|specs?)\.\w+$"
)
_PRODUCT: Final = re.compile(r"(?:^|/)src/main/")
"""By the convention of Maven and Gradle, no test lies below."""

_ELSEWHERE: Final = {
    "example": re.compile(r"(^|/)(?i:examples?|samples?|demos?|tutorials?|playground)/"),
    "prose": re.compile(
        r"(^|/)(?i:docs?|documentation|changelogs?|website)/"
        # A module that is called so keeps a history, or makes releases.
        r"|(^|/)(?i:change_?logs?|changes|history|news|release[-_]?(?:notes|history))(?:[-_.]v?[\d.]+)?"
        r"(?i:\.(?:html?|xml|json|ya?ml|toml|in))?$"
        # Templates hold the headings of every issue, and code none.
        r"|(^|/)\.(?:github|gitlab|gitea)/(?i:[^/]*template)|(^|/)(?i:(?:issue|pull_request|merge_request)_template)"
        r"|\.(?i:md|markdown|mdx|rst|rdoc|adoc|pod|texi?|txt|org)$"
    ),
    "legacy": re.compile(r"(^|/)(?i:legacy|deprecated|compat|vendor|vendored|third[_-]?party|_vendor|old|dist|build)/"),
}
"""By name, the paths that are such a place, but for tests."""

PLACES: Final = ("test", *_ELSEWHERE)
"""The names of such places."""


@lru_cache(maxsize=1 << 14)
def places_of(path: str, about_tests: bool = False) -> tuple[str, ...]:
    """Return which of `PLACES` a path is in.

    Args:
        path: Relative to the repository.
        about_tests: Whether the repository is about nothing else: then a folder of tests tells nothing.
    """
    found = tuple(name for name, pattern in _ELSEWHERE.items() if pattern.search(path))
    is_one = _is_test_file(path) if about_tests else is_test(path)
    return ("test", *found) if is_one else found


def is_test(path: str) -> bool:
    """Whether a path is that of a test, or of what tests need."""
    return in_test_folder(path) or _is_test_file(path)


def _is_test_file(path: str) -> bool:
    return _TEST_FILE.search(path) is not None and _PRODUCT.search(path) is None


def in_test_folder(path: str) -> bool:
    """Whether a path lies in a folder of tests."""
    return _holds_tests(path[: path.rfind("/") + 1])


@lru_cache(maxsize=1 << 14)
def _holds_tests(folder: str) -> bool:
    return _TEST_FOLDER.search(folder) is not None and _PRODUCT.search(folder) is None
