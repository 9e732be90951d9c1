"""``codesearch similar``: the functions most like the one at a place, or like a snippet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from codesearch.cli.console import MatchFormat, follow, print_matches, say, summary, tell
from codesearch.cli.inputs import IndexAccess, MatchFilters, make_lazy_encoder, resolve_index_folder
from codesearch.cli.options import (
    AsJsonLines,
    AsMarkdown,
    Context,
    Device,
    IndexDir,
    Kinds,
    Languages,
    Limit,
    Model,
    NoRefresh,
    PathPatterns,
    Paths,
    Tests,
    list_languages,
)
from codesearch.errors import InputError
from codesearch.languages import language_named
from codesearch.processes import prepare_worker
from codesearch.search.candidates import Filters
from codesearch.search.location import Place, Snippet
from codesearch.search.similar import similar as find_similar
from codesearch.settings import Settings
from codesearch.upkeep.asking import Surface, consult
from codesearch.upkeep.targets import Target, find_place_target

__all__ = ["similar"]

_LONGEST_SNIPPET: Final = 1 << 20
"""Bytes."""


def similar(
    place: Annotated[
        str,
        typer.Argument(metavar="PLACE", help='Path:line, path:line:column or path:name; "-" for a snippet on stdin.'),
    ],
    paths: Paths = None,
    limit: Limit = 10,
    language: Languages = None,
    path: PathPatterns = None,
    kind: Kinds = None,
    tests: Tests = "",
    snippet_language: Annotated[
        str, typer.Option("--snippet-lang", help="Read the snippet as this language.", autocompletion=list_languages)
    ] = "",
    as_json: AsJsonLines = False,
    as_markdown: AsMarkdown = False,
    context: Context = 0,
    score: Annotated[bool, typer.Option("--score", help="Show the cosine of each match.")] = False,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Find the functions most like a place or a snippet.

    The command searches the repositories that you name, or else the one that holds the place. For a function it
    finds functions and methods, for a type it finds types. --kind changes that.

    \b
    Examples:
      codesearch similar src/net.py:120
      codesearch similar src/net.py:Client.send . ../other
      codesearch similar - --snippet-lang go < snippet.go
    """  # noqa: D301 - the backspace character tells click to keep the lines
    _print_similar(
        _ComparisonOptions(
            place,
            tuple(paths or ()),
            snippet_language,
            limit,
            MatchFilters(tuple(language or ()), tuple(kind or ()), tuple(path or ()), tests),
            IndexAccess(resolve_index_folder(index_dir), device, model, refresh=not no_refresh),
            MatchFormat(as_json, as_markdown, context, score),
        )
    )


@dataclass(frozen=True, slots=True)
class _ComparisonOptions:
    """What the options ask for.

    Attributes:
        place: Of the code to compare with; "-" for a snippet on stdin.
        paths: To search; () for the repository of the place.
        snippet_language: What the snippet is written in; "" where it has to be guessed.
        limit: Matches at most.
        filters: What may be found.
        access: Of the indexes.
        printing: Of the matches.
    """

    place: str
    paths: tuple[str, ...]
    snippet_language: str
    limit: int
    filters: MatchFilters
    access: IndexAccess
    printing: MatchFormat


def _print_similar(comparing: _ComparisonOptions) -> None:
    prepare_worker()  # before the encoder is loaded, in a thread
    access = comparing.access
    settings = access.load_settings()
    sample, targets, filters = _find_sample_and_targets(comparing, settings)
    encoder = make_lazy_encoder(settings)
    # A place is answered from its stored vector; the model is needed to see whether the index is current.
    if access.refresh or comparing.place == "-":
        encoder.load_ahead()
    answer = consult(
        access.plan_jobs(targets),
        lambda snapshots: find_similar(snapshots, sample, encoder, limit=comparing.limit, filters=filters),
        encoder,
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        refresh=access.refresh,
    )
    for notice in answer.notices:
        tell(notice.text)
    print_matches(answer.matches, comparing.printing)
    if not answer.matches:
        raise typer.Exit(1)


def _find_sample_and_targets(
    comparing: _ComparisonOptions, settings: Settings
) -> tuple[Place | Snippet, Sequence[Target], Sequence[Filters]]:
    """Return what to compare with, the repositories to open, and what may be found in each."""
    access, language = comparing.access, comparing.snippet_language
    if comparing.place == "-":
        sample = Snippet(_read_stdin(), language_named(language, "--snippet-lang") if language else "")
        targets = access.find_targets(comparing.paths)
        return sample, targets, [comparing.filters.within(target) for target in targets]
    if language:
        raise InputError('--snippet-lang is for a snippet on stdin: give "-" instead of a place')
    home, place = find_place_target(comparing.place, indexes=access.folder or settings.indexes, cache=settings.cache)
    whole = Target(home.repository)
    targets = access.find_targets(comparing.paths) if comparing.paths else [whole]
    filters = [comparing.filters.within(target) for target in targets]
    if place.root not in [target.repository.root for target in targets]:  # opened for the place alone
        targets, filters = [*targets, whole], [*filters, Filters(path=lambda _: False)]
    return place, targets, filters


def _read_stdin() -> str:
    if sys.stdin.isatty():
        tell("reading a snippet from the terminal; end it with Ctrl-D")
    data = sys.stdin.buffer.read(_LONGEST_SNIPPET + 1)
    if len(data) > _LONGEST_SNIPPET:
        raise InputError("the snippet is longer than 1 MiB: give a function, not a file of data")
    return data.decode("utf-8", "replace")
