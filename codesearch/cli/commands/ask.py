"""``codesearch ask``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, MatchFilters, MatchFormat, resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import (
    All,
    AsJsonLines,
    AsMarkdown,
    Context,
    Device,
    IndexDir,
    Kinds,
    Languages,
    Limit,
    MinConfidence,
    Model,
    NoRefresh,
    PathPatterns,
    Paths,
    Tests,
)

__all__ = ["AskOptions", "ask"]


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What the options ask for.

    Attributes:
        question: As it was typed; "-" where stdin has it, "" where it is yet to be typed.
        paths: To search; () for here.
        below: Folder whose repositories are searched as well; None for none.
        interactive: Whether the question is asked on the screen.
        limit: Matches at most.
        filters: What may be found.
        access: Of the indexes.
        printing: Of the matches.
        min_confidence: Matches that are less certain are left out; "" for none.
    """

    question: str
    paths: tuple[str, ...]
    below: Path | None
    interactive: bool
    limit: int
    filters: MatchFilters
    access: IndexAccess
    printing: MatchFormat
    min_confidence: str = ""


_ask: Callable[[AskOptions], None] = Later("codesearch.cli.work.ask", "answer_question")


def ask(
    question: Annotated[
        str, typer.Argument(metavar="[QUESTION]", help='Plain words, a name, or pasted code; "-" reads stdin.')
    ] = "",
    paths: Paths = None,
    below: All = None,
    interactive: Annotated[
        bool,
        typer.Option("--interactive", "-i", help="Show matches and a preview while you type; Enter opens an editor."),
    ] = False,
    limit: Limit = 10,
    language: Languages = None,
    path: PathPatterns = None,
    kind: Kinds = None,
    tests: Tests = "",
    min_confidence: MinConfidence = "",
    as_json: AsJsonLines = False,
    as_markdown: AsMarkdown = False,
    context: Context = 0,
    score: Annotated[bool, typer.Option("--score", help="Show scores, and what they are made of.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why each match is where it is: signals, and what they say.")
    ] = False,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Ask a question about the code of a repository.

    The command first indexes a repository that has no index, and updates the index of one that has changed. With -i
    you may leave the question out. "ask" itself may be left out before a question.

    The question may hold filters: lang:go, path:net/, kind:function, is:test, and each with "-" before it to leave
    something out. A backslash before one makes it plain words: \\lang:go.

    \b
    Examples:
      codesearch ask "parse json"
      codesearch "parse json lang:python -is:test"
      codesearch ask "retry with backoff" src ../other -k 3
      codesearch ask "parse json" --all ..
      codesearch ask parse_header --lang python --kind function --explain
      codesearch ask "parse json" --path "src/**" --json
      git log -1 --format=%s | codesearch ask -
    """  # noqa: D301 - the backspace character tells click to keep the lines
    _ask(
        AskOptions(
            question,
            tuple(paths or ()),
            below,
            interactive,
            limit,
            MatchFilters(tuple(language or ()), tuple(kind or ()), tuple(path or ()), tests),
            IndexAccess(resolve_index_folder(index_dir), device, model, dense=not no_dense, refresh=not no_refresh),
            MatchFormat(as_json, as_markdown, context, score, explain),
            min_confidence,
        )
    )
