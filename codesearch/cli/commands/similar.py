"""``codesearch similar``: the functions most like the one at a place, or like a snippet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from codesearch.cli.console import follow, print_matches, say, summary
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
    encoder_loader,
    filters_for,
    find,
    indexes_folder,
    language_names,
    settings_for,
    tell,
)
from codesearch.errors import InputError
from codesearch.languages import language_named

if TYPE_CHECKING:
    from pathlib import Path

    from codesearch.search.candidates import Filters
    from codesearch.search.location import Place, Snippet
    from codesearch.settings import Settings
    from codesearch.upkeep.targets import Target

__all__ = ["similar"]

_LONGEST_SNIPPET = 1 << 20


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
    snippet_language: Annotated[
        str, typer.Option("--snippet-lang", help="What the snippet is written in.", autocompletion=language_names)
    ] = "",
    as_json: AsJsonLines = False,
    as_markdown: AsMarkdown = False,
    context: Context = 0,
    score: Annotated[bool, typer.Option("--score", help="Show how like it each one is: the cosine.")] = False,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Find the functions most like the one at a place, or like a snippet.

    Searched are the repositories that are named, else the one that the place lies in. Of a function the answer is
    functions and methods, of a type types, unless --kind says otherwise.

    \b
    Examples:
      codesearch similar src/net.py:120
      codesearch similar src/net.py:Client.send . ../other
      codesearch similar - --snippet-lang go < snippet.go
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.search.similar import similar as find_similar
    from codesearch.upkeep.asking import Surface, consult
    from codesearch.upkeep.plan import plan

    if as_json and as_markdown:
        raise InputError("--json and --markdown exclude each other: choose one")
    settings, indexes = settings_for(None, device, model), indexes_folder(index_dir)
    wanted, targets, filters = _what_and_where(
        place, paths, settings, indexes, snippet_language, lambda target: filters_for(language, kind, path, target)
    )
    load = encoder_loader(settings)
    # A place is answered from its stored vector; the model is needed to see whether the index is current.
    load = load if no_refresh and place != "-" else load.load_ahead()
    answer = consult(
        [plan(t.repository, settings_for(t.repository.root, device, model), indexes=indexes) for t in targets],
        lambda snapshots: find_similar(snapshots, wanted, load, limit=limit, filters=filters),
        load,
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        refresh=not no_refresh,
    )
    for notice in answer.notices:
        tell(notice.text)
    print_matches(answer.matches, as_json=as_json, as_markdown=as_markdown, context=context, score=score)
    if not answer.matches:
        raise typer.Exit(1)


def _what_and_where(
    place: str,
    paths: list[str] | None,
    settings: Settings,
    indexes: Path | None,
    snippet_language: str,
    filtered: Callable[[Target], Filters],
) -> tuple[Place | Snippet, list[Target], list[Filters]]:
    """Return what to compare with, the repositories to open, and what may be found in each."""
    from codesearch.search.candidates import Filters
    from codesearch.search.location import Snippet
    from codesearch.upkeep.targets import Target, find_place_target

    if place == "-":
        wanted = Snippet(_read_stdin(), language_named(snippet_language, "--snippet-lang") if snippet_language else "")
        targets = find(paths or [], settings, indexes, refresh=True)
        return wanted, targets, [filtered(target) for target in targets]
    if snippet_language:
        raise InputError('--snippet-lang is for a snippet on stdin: give "-" instead of a place')
    home, at = find_place_target(place, indexes=indexes or settings.indexes, cache=settings.cache)
    whole = Target(home.repository)
    targets = find(paths, settings, indexes, refresh=True) if paths else [whole]
    filters = [filtered(target) for target in targets]
    if at.root not in [target.repository.root for target in targets]:  # opened for the place alone
        targets, filters = [*targets, whole], [*filters, Filters(path=lambda _: False)]
    return at, targets, filters


def _read_stdin() -> str:
    if sys.stdin.isatty():
        tell("reading a snippet from the terminal; end it with Ctrl-D")
    data = sys.stdin.buffer.read(_LONGEST_SNIPPET + 1)
    if len(data) > _LONGEST_SNIPPET:
        raise InputError("the snippet is longer than 1 MiB: give a function, not a file of data")
    return data.decode("utf-8", "replace")
