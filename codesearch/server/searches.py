"""From a request to an answer: which repositories, which filters, one search, and the page of it that is meant."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.languages import language_named
from codesearch.present.highlighting import highlight_lines
from codesearch.present.render import safe_line
from codesearch.records import Chunk, Match
from codesearch.search.candidates import Filters
from codesearch.search.location import Place, Snippet
from codesearch.search.notices import Answer, NoticeKind
from codesearch.search.pipeline import search
from codesearch.search.similar import similar
from codesearch.server.access import Caller
from codesearch.server.collection import Collection, ReadyEncoder
from codesearch.server.cursors import DEEPEST, key_of, read_cursor, unseen, write_cursor
from codesearch.server.records import CodeLine, Notice, Result, SearchAnswer, SearchRequest, SimilarRequest, Span
from codesearch.upkeep.targets import Target

__all__ = ["NotYet", "answer_search", "answer_similar", "coloured", "plain", "printable"]

_MOST_LINES: Final = 200
_LONGEST_LINE: Final = 500
_STYLES: Final = {"": "", "1": "name", "2": "comment", "32": "string", "35": "keyword", "36": "constant"}
"""What the codes of ``highlighting.py`` stand for."""


class NotYet(InputError):
    """Nothing of the repositories that were named can be searched by now."""


def answer_search(
    collection: Collection, encoder: ReadyEncoder, caller: Caller, wanted: SearchRequest, *, words_only: bool = False
) -> SearchAnswer:
    """Answer a question.

    Args:
        collection: What is searched.
        encoder: Makes the vector of the question.
        caller: Who asks.
        wanted: What.
        words_only: Whether vectors are left out, whatever the request says.

    Raises:
        CodesearchError: The request cannot be used, or nothing can be searched yet.
    """
    words_only = words_only or wanted.words_only
    chosen = None if words_only else encoder()

    def ask(snapshots: Sequence[Snapshot], filters: Sequence[Filters], limit: int) -> Answer:
        return search(snapshots, wanted.question, chosen, limit=limit, filters=filters)

    answer = _asked(collection, caller, wanted, ask)
    left_out = encoder.load is not None and chosen is None and not wanted.words_only
    return answer.model_copy(update={"by_words": left_out})


def answer_similar(
    collection: Collection, encoder: ReadyEncoder, caller: Caller, wanted: SimilarRequest
) -> SearchAnswer:
    """Find what is like a place or a snippet.

    Raises:
        CodesearchError: The request cannot be used, there is no such place, or nothing can be searched yet.
    """
    load = encoder.load
    if load is None:
        raise InputError("similar code is found by vectors, which this server was started without")
    target: Place | Snippet
    if wanted.snippet:
        given = wanted.snippet_language
        target = Snippet(wanted.snippet, language_named(given, "snippet_language") if given else "")
        home = ""
    else:
        (home, *more) = collection.select(caller, [wanted.repository])
        if more:
            raise InputError("a place is in one repository: give its name, and not a pattern")
        target = Place(collection.repository(home).root, wanted.path, wanted.line or 0, wanted.name)

    def ask(snapshots: Sequence[Snapshot], filters: Sequence[Filters], limit: int) -> Answer:
        return similar(snapshots, target, load, limit=limit, filters=filters)

    return _asked(collection, caller, wanted, ask, home)


def _asked(
    collection: Collection,
    caller: Caller,
    wanted: SearchRequest | SimilarRequest,
    ask: Callable[[Sequence[Snapshot], Sequence[Filters], int], Answer],
    home: str = "",
) -> SearchAnswer:
    """Search, and return the page that is meant; `home` is searched as well, for the place that is in it."""
    asked = wanted.model_dump(mode="json", exclude={"cursor", "limit", "highlight", "words_only"})
    seen = read_cursor(wanted.cursor, asked) if wanted.cursor else []
    if len(seen) >= DEEPEST:
        raise InputError(f"no more than {DEEPEST:,} results are given: ask a better question")
    limit = min(wanted.limit, DEEPEST - len(seen))
    names = collection.select(caller, wanted.repositories)
    started = time.perf_counter()
    with collection.lend(sorted({*names, home} - {""})) as snapshots:
        if not any(snapshot.chunk_count for name, snapshot in snapshots.items() if name in names):
            raise NotYet(_nothing_yet(collection, names))
        filters = [
            _filters(collection, name, wanted) if name in names else Filters(path=lambda _: False) for name in snapshots
        ]
        answer = ask(list(snapshots.values()), filters, len(seen) + limit + 1)
        called = {snapshot.root: name for name, snapshot in snapshots.items()}
    found = unseen(((key_of(called[match.root], match), match) for match in answer.matches), seen)
    page = found[:limit]
    given = [*seen, *(key for key, _ in page)]
    more = len(found) > limit and len(given) < DEEPEST
    return SearchAnswer(
        results=[result_of(called[match.root], match, highlight=wanted.highlight) for _, match in page],
        notices=_notices(collection, answer, names, bool(page), bool(seen)),
        next_cursor=write_cursor(asked, given) if more else None,
        by_words=False,
        seconds=round(time.perf_counter() - started, 6),
        repositories=len(snapshots) - (home not in names and home != ""),
    )


def _nothing_yet(collection: Collection, names: Sequence[str]) -> str:
    states = [collection.state(name) for name in names]
    problems = [f"{state.name}: {state.standing.problem}" for state in states if state.standing.problem]
    if problems:
        return "; ".join(problems[:3])
    empty = [state.name for state in states if state.counts is not None]
    if len(empty) == len(states):
        return f"{', '.join(empty[:3])}: no file was found that can be searched"
    return "the first index is being made: ask again in a minute; GET /v1/repositories says how far it is"


def _notices(collection: Collection, answer: Answer, names: Sequence[str], found: bool, later: bool) -> list[Notice]:
    notices = [Notice(kind=one.kind.value, text=_called(collection, one.fact, names)) for one in answer.notices]
    missing = [name for name in names if (state := collection.state(name)).counts is None and not state.imported]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        text = f"{', '.join(missing[:3])}{more}: not indexed yet, and not searched"
        notices.append(Notice(kind="not indexed yet", text=text))
    if not found and not notices:
        text = "there are no further results" if later else "nothing was found: try other words"
        notices.append(Notice(kind=NoticeKind.NOTHING_FOUND.value, text=text))
    return notices


def _called(collection: Collection, fact: str, names: Sequence[str]) -> str:
    """Return a sentence that names a repository as it is served, in place of what its index calls it."""
    head, colon, rest = fact.partition(": ")
    known = [name for name in names if (found := collection.state(name).manifest) is not None and found.name == head]
    return collection.conceal(f"{known[0]}{colon}{rest}" if len(known) == 1 else fact)


def _filters(collection: Collection, name: str, wanted: SearchRequest | SimilarRequest) -> Filters:
    languages = [language_named(language, "languages") for language in wanted.languages]
    return Target(collection.repository(name)).filters(languages, wanted.kinds, wanted.paths, tests=wanted.tests)


def printable(path: str) -> str:
    """Return a path as text that can be sent: bytes that are not UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def result_of(repository: str, match: Match, *, highlight: bool) -> Result:
    """Return a match as clients get it."""
    chunk = match.chunk
    return Result(
        repository=repository,
        path=printable(chunk.path),
        start_line=chunk.span.start,
        end_line=chunk.span.end,
        line=match.line,
        language=chunk.language,
        kind=chunk.kind,
        name=chunk.qualified_name,
        signature=chunk.signature,
        documentation=chunk.documentation,
        score=round(match.score, 4),
        signals={name: round(value, 4) for name, value in match.signals.items()},
        lines=sorted(match.lines),
        spans=[Span(start=span.start, end=span.end) for span in chunk.text_spans],
        text=chunk.text,
        code=_code(chunk, frozenset(match.lines)) if highlight else None,
    )


def _code(chunk: Chunk, telling: frozenset[int]) -> list[CodeLine]:
    lines = chunk.numbered_lines()
    numbers = list(lines)[:_MOST_LINES]
    pieces = coloured("\n".join(lines[number] for number in numbers), chunk.language)
    return [
        CodeLine.model_construct(line=number, telling=number in telling, pieces=list(line))
        for number, line in zip(numbers, pieces, strict=False)
    ]


@lru_cache(maxsize=2_048)
def coloured(text: str, language: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return each line of a text in pieces, each with what it is; remembered, for the next key finds much the same."""
    lines = [_cut(safe_line(line)) for line in text.split("\n")]
    return tuple(
        tuple((_STYLES.get(code, ""), part) for code, part in line if part) for line in highlight_lines(lines, language)
    )


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"


def plain(value: Any) -> Any:
    """Return data without halves of characters, which JSON in UTF-8 cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
