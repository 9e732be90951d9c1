"""Whether files of tests are found: all files, all but those of tests, or those alone."""

from __future__ import annotations

from collections.abc import Callable

from codesearch.errors import InputError
from codesearch.records import TESTS
from codesearch.search.ranking import is_test

__all__ = ["tests_matcher"]


def tests_matcher(choice: str) -> Callable[[str], bool] | None:
    """Return what says whether a choice lets a path through, None where it lets through all; "" is "yes".

    Raises:
        InputError: There is no such choice.
    """
    if choice not in ("", *TESTS):
        raise InputError(f"tests must be one of {', '.join(TESTS)}, not {choice[:80]!r}")
    if choice in ("", "yes"):
        return None
    return lambda path: is_test(path) is (choice == "only")
