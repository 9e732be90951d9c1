"""Filters that stand in a question: ``lang:go path:net/ -path:vendor/ kind:function -is:test open a socket``.

All surfaces ask ``codesearch.search.pipeline``, which reads them here, so they mean the same everywhere. What
stands in quotes, and a filter with a backslash before it, is looked for as it is written. A question of several
lines is pasted text, and holds no filters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from codesearch.errors import InputError
from codesearch.languages import LANGUAGES, language_named
from codesearch.records import Kind
from codesearch.search.candidates import Filters, Searchable
from codesearch.search.tests_choice import tests_matcher
from codesearch.sources import path_matcher

__all__ = ["FilteredQuestion", "read_filters"]

T = TypeVar("T")

_TOKEN: Final = re.compile(
    r"""(?<!\S)(?:
        (?P<quoted>"[^"\n]*"|`[^`\n]*`)
        | (?P<escape>\\)? (?P<out>-)? (?P<name>lang|path|kind|is):
          (?: "(?P<text>[^"\n]*)" | (?P<bare>[^\s"(){};=<>]+) )
    )(?!\S)""",
    re.VERBOSE,
)
"""A quotation, or a filter. Brackets and semicolons are of code, such as ``path:str)``; in quotes they may stand."""


@dataclass(frozen=True, slots=True)
class FilteredQuestion:
    """A question, and the filters that stood in it.

    Attributes:
        words: The question without them.
        written: The filters as they were written.
        languages: Names of languages; None for all.
        kinds: Of chunks; None for all.
        patterns: Of files, as ``codesearch.sources.path_filters`` takes them; those that leave out begin with "!".
        tests: "only", "no", or "" for all files.
    """

    words: str
    written: tuple[str, ...] = ()
    languages: frozenset[str] | None = None
    kinds: frozenset[Kind] | None = None
    patterns: tuple[str, ...] = ()
    tests: str = ""

    def within(self, allowed: Filters, state: Searchable) -> Filters:
        """Return which chunks of a state may be found: those that both the question and `allowed` let through.

        Raises:
            InputError: A pattern is invalid.
        """
        if not self.written:
            return allowed
        needed = [] if allowed.path is None else [allowed.path]
        if self.patterns:
            root, lead = allowed.around or (None if state.manifest.imported else state.root, "")
            lets_through = path_matcher(self.patterns, root)
            needed.append(lambda path: lets_through(lead + path))
        if (chosen := tests_matcher(self.tests)) is not None:
            needed.append(chosen)
        languages = _both(allowed.languages, self.languages)
        kinds = _both(allowed.kinds, self.kinds)
        if languages is None or kinds is None:
            return Filters(path=lambda _: False)
        return Filters(languages, kinds, _all_of(needed), allowed.around)


def read_filters(question: str) -> FilteredQuestion:
    """Split a question into its words and its filters.

    A filter of one name may stand several times: one of its values has to fit, and none of those that stand with
    ``-`` before it.

    Raises:
        InputError: A filter has an unknown value, two filters exclude each other, or there is nothing but filters.
    """
    asked = question.strip()
    if ":" not in asked or "\n" in asked:
        return FilteredQuestion(question)
    reading = _Reading()
    words = _TOKEN.sub(reading.take, asked)
    if not reading.written:
        return FilteredQuestion(words)
    words = " ".join(words.split()) if '"' not in words and "`" not in words else words.strip()
    written = " ".join(reading.written)
    if not words:
        raise InputError(
            f"the question holds filters alone ({written[:200]}): say what to look for as well, "
            f"or write \\{reading.written[0][:80]} to look for those words"
        )
    return reading.question(words)


class _Reading:
    """The filters of one question, as they are met."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._languages: tuple[set[str], set[str]] = (set(), set())
        self._kinds: tuple[set[Kind], set[Kind]] = (set(), set())
        self._patterns: list[str] = []
        self._tests = ""

    def take(self, token: re.Match[str]) -> str:
        """Take note of a token if it is a filter; returns what is left of it in the question."""
        whole = token[0]
        if token["quoted"] is not None:
            return whole
        values = token["bare"].split(",") if token["text"] is None else [token["text"]]
        if not all(values):  # as in a list of typed parameters
            return whole
        if token["escape"]:
            return whole[1:]
        try:
            self._add(token["name"], bool(token["out"]), values)
        except InputError as error:
            raise InputError(f"{error} (to look for these words, write \\{whole[:80]})") from None
        self.written.append(whole)
        return ""

    def _add(self, name: str, out: bool, values: list[str]) -> None:
        if name == "lang":
            self._languages[out].update(language_named(value, "lang:") for value in values)
        elif name == "kind":
            self._kinds[out].update(map(_kind_named, values))
        elif name == "path":
            for value in values:
                pattern = value.removeprefix("!")
                self._patterns.append(f"!{pattern}" if out != value.startswith("!") else pattern)
        else:
            self._choose_tests(out, values)

    def _choose_tests(self, out: bool, values: list[str]) -> None:
        for value in values:
            if value.lower() not in ("test", "tests"):
                raise InputError(f"is:{value[:80]}: unknown; there are is:test and -is:test")
        chosen = "no" if out else "only"
        if self._tests not in ("", chosen):
            raise InputError("is:test and -is:test exclude each other: choose one")
        self._tests = chosen

    def question(self, words: str) -> FilteredQuestion:
        """Return what was read.

        Raises:
            InputError: Whatever a filter lets in, another leaves out.
        """
        return FilteredQuestion(
            words,
            tuple(self.written),
            _chosen("lang", self._languages, frozenset(LANGUAGES)),
            _chosen("kind", self._kinds, frozenset(Kind)),
            tuple(self._patterns),
            self._tests,
        )


def _kind_named(name: str) -> Kind:
    try:
        return Kind(name.lower())
    except ValueError:
        raise InputError(f"kind:{name[:80]}: unknown kind; known are {', '.join(Kind)}") from None


def _chosen(name: str, given: tuple[set[T], set[T]], known: frozenset[T]) -> frozenset[T] | None:
    wanted, out = given
    if not wanted and not out:
        return None
    chosen = frozenset(wanted or known) - out
    if not chosen:
        raise InputError(f"the filters {name}: and -{name}: of the question leave nothing: take one of them out")
    return chosen


def _both(allowed: frozenset[T], asked: frozenset[T] | None) -> frozenset[T] | None:
    """Return what two filters let through, an empty one all; None for nothing."""
    if asked is None:
        return allowed
    return asked if not allowed else (allowed & asked) or None


def _all_of(needed: list[Callable[[str], bool]]) -> Callable[[str], bool] | None:
    return (lambda path: all(lets(path) for lets in needed)) if needed else None
