"""The parameters of our own requests, checked before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from codesearch.errors import InputError
from codesearch.languages import language_named
from codesearch.records import Kind, Level
from codesearch.search.least_confidence import read_level
from codesearch.search.tests_choice import tests_matcher
from codesearch.sources import FileRules
from codesearch_lsp.configuration import MOST_RESULTS

__all__ = ["SearchRequest", "SimilarTarget", "read_asked", "read_similar"]

T = TypeVar("T")

_LONGEST_QUESTION: Final = 10_000
_LONGEST_LIST: Final = 1_000
_LAST_LINE: Final = (1 << 31) - 1
"""LSP's own bound."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked for, and within what.

    Attributes:
        query: The question; "" where it is about similar code.
        limit: The most results, None for the configured number.
        start: How many results to pass over: what the cursor of the answer before said.
        folders: URIs of folders to search; () for all of the workspace.
        languages: Names of languages; none for all.
        kinds: Kinds of chunks; none for all.
        paths: Patterns in gitignore syntax; () for all.
        tests: Whether files of tests are found: "yes", "no" or "only".
        min_confidence: Results that are to be believed less are left out; only of a question.
    """

    query: str = ""
    limit: int | None = None
    start: int = 0
    folders: tuple[str, ...] = ()
    languages: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    paths: tuple[str, ...] = ()
    tests: str = ""
    min_confidence: Level = Level.GUESS


@dataclass(frozen=True, slots=True)
class SimilarTarget:
    """What to find the like of: a place in a document (`uri` and 0-based `line`), or code (`text`, `language`)."""

    uri: str = ""
    line: int = 0
    text: str = ""
    language: str = ""


def read_asked(params: object, query: str | None = None) -> SearchRequest:
    """Read the parameters of ``codesearch/search``, or the options of a command whose question is `query`.

    Raises:
        InputError: A parameter is missing, of the wrong type, or no value that can be used; the text names it.
    """
    given = _object("params", params)
    if query is None:
        query = _typed(given, "query", str, "a string", default=None)
    if not query.strip():
        raise InputError('query is empty: ask in plain words, such as "parse json"')
    if len(query) > _LONGEST_QUESTION:
        raise InputError(f"query is longer than {_LONGEST_QUESTION:,} characters: ask a shorter question")
    least = read_level(_typed(given, "minConfidence", str, "a string", default=""), "minConfidence")
    return replace(_within(given, query), min_confidence=least)


def read_similar(params: object) -> tuple[SimilarTarget, SearchRequest]:
    """Read the parameters of ``codesearch/similar``.

    Raises:
        InputError: As :func:`read_asked`.
    """
    given = _object("params", params)
    if "text" in given:
        language = _typed(given, "language", str, "a string", default="")
        text = _typed(given, "text", str, "a string", default=None)
        return SimilarTarget(text=text, language=_language(language) if language else ""), _within(given)
    if "textDocument" not in given:
        raise InputError("give textDocument and position, or text")
    uri = _typed(_object("textDocument", given["textDocument"]), "uri", str, "a string", default=None)
    position = _object("position", given.get("position"))
    line = _typed(position, "line", int, "a whole number", default=None)
    if not 0 <= line <= _LAST_LINE:
        raise InputError(f"position.line must be a whole number from 0 to {_LAST_LINE}, not {line!r:.80}")
    return SimilarTarget(uri=uri, line=line), _within(given)


def _within(given: Mapping[str, Any], query: str = "") -> SearchRequest:
    limit = given.get("limit")
    if limit is not None and (type(limit) is not int or not 1 <= limit <= MOST_RESULTS):
        raise InputError(f"limit must be a whole number from 1 to {MOST_RESULTS}, not {limit!r:.80}")
    cursor = _typed(given, "cursor", str, "a string", default="") or "0"
    known = cursor.isascii() and cursor.isdigit() and len(cursor) <= len(str(MOST_RESULTS))
    if not known or int(cursor) > MOST_RESULTS:
        raise InputError(f"cursor {cursor[:80]!r} is none that an answer held: ask again without one")
    paths = tuple(_strings(given, "paths"))
    FileRules(include=paths)  # refuses what is no pattern
    tests = _typed(given, "tests", str, "a string", default="")
    tests_matcher(tests)  # refuses what is no choice
    return SearchRequest(
        query=query,
        limit=limit,
        start=int(cursor),
        folders=tuple(_strings(given, "folders")),
        languages=frozenset(_language(name) for name in _strings(given, "languages")),
        kinds=frozenset(_kind(name) for name in _strings(given, "kinds")),
        paths=paths,
        tests=tests,
    )


def _object(name: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be an object, not {value!r:.80}")
    return value


def _typed(given: Mapping[str, Any], name: str, kind: Callable[..., T], wanted: str, *, default: T | None) -> T:
    value = given.get(name)
    if value is None:
        if default is None:
            raise InputError(f"{name} is missing: it must be {wanted}")
        return default
    if type(value) is not kind:
        raise InputError(f"{name} must be {wanted}, not {value!r:.80}")
    return value  # type: ignore[no-any-return]


def _strings(given: Mapping[str, Any], name: str) -> list[str]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name} must be a list of strings, not {value!r:.80}")
    if len(value) > _LONGEST_LIST:
        raise InputError(f"{name} must hold {_LONGEST_LIST:,} strings at most, not {len(value):,}")
    return value


def _language(name: str) -> str:
    return language_named(name, "")


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        raise InputError(f"{name[:80]}: unknown kind; known are {', '.join(Kind)}") from None
