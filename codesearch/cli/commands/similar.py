"""``codesearch similar``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, MatchFilters, MatchFormat, resolve_index_folder
from codesearch.cli.lazy import Later
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
    Tests,
    list_languages,
)

__all__ = ["SimilarOptions", "similar"]


@dataclass(frozen=True, slots=True)
class SimilarOptions:
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


_print_similar: Callable[[SimilarOptions], None] = Later("codesearch.cli.work.similar", "print_similar")


def similar(
    place: Annotated[
        str,
        typer.Argument(metavar="PLACE", help='Path:line, path:line:column or path:name; "-" for a snippet on stdin.'),
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...", help="Folders or Git URLs. Without one: the repository that holds the place."
        ),
    ] = None,
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
        SimilarOptions(
            place,
            tuple(paths or ()),
            snippet_language,
            limit,
            MatchFilters(tuple(language or ()), tuple(kind or ()), tuple(path or ()), tests),
            IndexAccess(resolve_index_folder(index_dir), device, model, refresh=not no_refresh),
            MatchFormat(as_json, as_markdown, context, score),
        )
    )
