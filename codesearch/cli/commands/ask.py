"""``codesearch ask``: a question about the code of repositories."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from codesearch.cli.console import MatchFormat, follow, print_matches, say, summary, tell
from codesearch.cli.inputs import IndexAccess, MatchFilters, make_lazy_encoder, resolve_index_folder
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
    Model,
    NoRefresh,
    PathPatterns,
    Paths,
    Tests,
)
from codesearch.errors import CodesearchError, InputError
from codesearch.processes import prepare_worker
from codesearch.settings import load_settings
from codesearch.upkeep.asking import Surface
from codesearch.upkeep.asking import ask as ask_repositories
from codesearch.upkeep.plan import Job
from codesearch.upkeep.targets import Target, find_indexed

__all__ = ["ask"]

_LISTED: Final = 50
"""Matches that -i lists at least."""

_NAMED: Final = 5
"""Repositories that are named where there may be a hundred."""


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
    you may leave the question out.

    \b
    Examples:
      codesearch ask "parse json"
      codesearch ask "retry with backoff" src ../other -k 3
      codesearch ask "parse json" --all ..
      codesearch ask parse_header --lang python --kind function --explain
      codesearch ask "parse json" --path "src/**" --json
      git log -1 --format=%s | codesearch ask -
    """  # noqa: D301 - the backspace character tells click to keep the lines
    if question == "-":
        question = sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace")
    if not question.strip() and not interactive:
        raise InputError('the question is empty: ask in plain words, such as "parse json"')
    asking = _QuestionOptions(
        question,
        tuple(paths or ()),
        below,
        limit,
        MatchFilters(tuple(language or ()), tuple(kind or ()), tuple(path or ()), tests),
        IndexAccess(resolve_index_folder(index_dir), device, model, dense=not no_dense, refresh=not no_refresh),
        MatchFormat(as_json, as_markdown, context, score, explain),
    )
    if interactive:
        _ask_on_screen(asking)
    else:
        _ask_once(asking)


@dataclass(frozen=True, slots=True)
class _QuestionOptions:
    """What the options ask for.

    Attributes:
        question: In plain words; "" where it is yet to be typed.
        paths: To search; () for here.
        below: Folder whose repositories are searched as well; None for none.
        limit: Matches at most.
        filters: What may be found.
        access: Of the indexes.
        printing: Of the matches.
    """

    question: str
    paths: tuple[str, ...]
    below: Path | None
    limit: int
    filters: MatchFilters
    access: IndexAccess
    printing: MatchFormat


def _ask_once(asking: _QuestionOptions) -> None:
    prepare_worker()  # before the encoder is loaded, in a thread
    settings = asking.access.load_settings()
    encoder = make_lazy_encoder(settings).load_ahead() if asking.access.dense else None
    targets, called = _find_targets(asking, settings.indexes)
    answer = ask_repositories(
        asking.access.plan_jobs(targets),
        asking.question,
        encoder,
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        limit=asking.limit,
        filters=[asking.filters.within(target) for target in targets],
        refresh=asking.access.refresh,
        on_failure=_tell_left_out if asking.below else None,
    )
    for notice in answer.notices:
        tell(notice.text)
    print_matches(answer.matches, asking.printing, called)
    if not answer.matches:
        raise typer.Exit(1)


def _ask_on_screen(asking: _QuestionOptions) -> None:
    # Imported late: prompt_toolkit and Pygments cost a fifth of a second, and only -i needs them.
    from codesearch.cli.commands.interactive import ask_interactively, refuse_without_terminal

    if asking.printing != MatchFormat():
        raise InputError("-i shows results itself: leave out --json, --markdown, --score, --explain and --context")
    refuse_without_terminal(load_settings())
    if os.path.isdir(asking.question):  # noqa: PTH112 - it may be too long for a path, which Path does not bear
        asking = replace(asking, question="", paths=(asking.question, *asking.paths))
    settings = asking.access.load_settings()
    if not settings.threads:
        settings = replace(settings, threads=1)  # a question is short, and the screen has to be drawn meanwhile
    encoder = make_lazy_encoder(settings).load_ahead() if asking.access.dense else None
    targets, called = _find_targets(asking, settings.indexes)
    ask_interactively(
        asking.question,
        asking.access.plan_jobs(targets),
        [asking.filters.within(target) for target in targets],
        called,
        encoder,
        settings,
        asking.access,
        limit=max(asking.limit, _LISTED),
    )


def _tell_left_out(job: Job, error: CodesearchError) -> None:
    tell(f"{job.repository.name}: left out: {error}")


def _find_targets(asking: _QuestionOptions, indexes: Path) -> tuple[list[Target], dict[Path, str]]:
    """Return what to ask, and by root what to call each repository where the path alone may not tell."""
    access, below = asking.access, asking.below
    if below is None:
        return access.find_targets(asking.paths), {}
    found = find_indexed(below, access.folder or indexes)
    advice = f"run `codesearch index --all {shlex.quote(str(below))}`"
    if found.missing:
        more = f" and {len(found.missing) - _NAMED} more" if len(found.missing) > _NAMED else ""
        names = ", ".join(found.missing[:_NAMED]) + more
        tell(f"not asked, having no index: {names}; {advice}")
    if not found.roots and not asking.paths:
        raise InputError(f"no repository below {below} is indexed: {advice}")
    targets = access.find_targets([*asking.paths, *map(str, found.roots)])
    repositories = [target.repository for target in targets]
    return targets, {repository.root: found.roots.get(repository.root, repository.name) for repository in repositories}
