"""The options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesearch.records import LEVELS, TESTS, Kind
from codesearch.settings import DEVICES

__all__ = [
    "All",
    "AsJsonLines",
    "AsMarkdown",
    "Context",
    "Device",
    "IndexDir",
    "Kinds",
    "Languages",
    "Limit",
    "MinConfidence",
    "Model",
    "NoRefresh",
    "PathPatterns",
    "Paths",
    "Tests",
    "list_languages",
]


def list_languages() -> list[str]:
    """Complete an option that takes a language."""
    from codesearch.languages import LANGUAGES  # imported late: their table is read for this, and for no help page

    return sorted(LANGUAGES)


All = Annotated[
    Path | None,
    typer.Option("--all", metavar="FOLDER", help="Take every Git repository in and below this folder, too."),
]
AsJsonLines = Annotated[bool, typer.Option("--json", help="Print JSON Lines, one match a line.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown, with all of the code.")]
Context = Annotated[int, typer.Option("--context", "-C", min=0, max=1000, help="Show so many lines around each match.")]
Kinds = Annotated[
    list[Kind] | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        help="Find only this kind of code: function, method, type, module or text.",
        case_sensitive=False,
    ),
]
Languages = Annotated[
    list[str] | None,
    typer.Option("--lang", metavar="LANGUAGE", help="Find only this language.", autocompletion=list_languages),
]
Limit = Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="Print at most so many matches.")]
MinConfidence = Annotated[
    str,
    typer.Option(
        "--min-confidence",
        metavar=f"[{'|'.join(LEVELS)}]",
        help="Leave out matches that are less certain; exit with 1 if none is left.",
        autocompletion=lambda: list(LEVELS),
    ),
]
NoRefresh = Annotated[bool, typer.Option("--no-refresh", help="Use the index as it is, and do not look for changes.")]
PathPatterns = Annotated[
    list[str] | None,
    typer.Option(
        "--path",
        metavar="PATTERN",
        help="Find only files that match this .gitignore-style pattern; '!' before it leaves out.",
    ),
]
Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]...", help="Folders or Git URLs. Without one: the repository around the current folder."
    ),
]
Tests = Annotated[
    str,
    typer.Option(
        "--tests",
        metavar="CHOICE",
        help="Find files of tests: yes, no, or only those.",
        autocompletion=lambda: list(TESTS),
    ),
]
IndexDir = Annotated[
    Path | None,
    typer.Option("--index-dir", metavar="FOLDER", help="Keep indexes in this folder instead of the user's cache."),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help=f"Compute vectors on this device: {', '.join(DEVICES)}.",
        autocompletion=lambda: list(DEVICES),
    ),
]
Model = Annotated[str | None, typer.Option(metavar="MODEL", help="Use the encoder in this model directory.")]
