"""``codesearch ask``: a question about the code of repositories."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from codesearch.cli.commands.interactive import RefreshOptions, ask_interactively, refuse_without_terminal
from codesearch.cli.console import follow, print_matches, say, summary
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
    encoder_loader,
    filters_for,
    find,
    indexes_folder,
    settings_for,
    tell,
)
from codesearch.errors import CodesearchError, InputError
from codesearch.settings import load_settings

if TYPE_CHECKING:
    from codesearch.settings import Settings
    from codesearch.upkeep.plan import Job
    from codesearch.upkeep.targets import Target

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
        bool, typer.Option("--interactive", "-i", help="Results and a preview while you type; Enter opens an editor.")
    ] = False,
    limit: Limit = 10,
    language: Languages = None,
    path: PathPatterns = None,
    kind: Kinds = None,
    as_json: AsJsonLines = False,
    as_markdown: AsMarkdown = False,
    context: Context = 0,
    score: Annotated[bool, typer.Option("--score", help="Show scores, and what they are made of.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why each result is where it is: signals, and what they say.")
    ] = False,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Ask a question about the code of a repository.

    A repository that has no index yet is indexed first; one that has changed is brought up to date. With -i the
    question may be left out, also before paths.

    \b
    Examples:
      codesearch ask "parse json"
      codesearch ask "retry with backoff" src ../other -k 3
      codesearch ask "parse json" --all ..
      codesearch ask parse_header --lang python --kind function --explain
      codesearch ask "parse json" --path "src/**" --json
      git log -1 --format=%s | codesearch ask -
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.upkeep.asking import Surface
    from codesearch.upkeep.asking import ask as ask_repositories
    from codesearch.upkeep.plan import plan

    if question == "-":
        question = sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace")
    if not question.strip() and not interactive:
        raise InputError('the question is empty: ask in plain words, such as "parse json"')
    if as_json and as_markdown:
        raise InputError("--json and --markdown exclude each other: choose one")
    if interactive:
        if as_json or as_markdown or score or explain or context:
            raise InputError("-i shows results itself: leave out --json, --markdown, --score, --explain and --context")
        refuse_without_terminal(load_settings())
        if os.path.isdir(question):  # noqa: PTH112 - it may be too long for a path, which Path does not bear
            question, paths = "", [question, *(paths or [])]
    settings = settings_for(None, device, model)
    if interactive and not settings.threads:
        settings = replace(settings, threads=1)  # a question is short, and the screen has to be drawn meanwhile
    load = None if no_dense else encoder_loader(settings).load_ahead()
    indexes = indexes_folder(index_dir)
    targets, called = _targets(paths or [], below, settings, indexes, refresh=not no_refresh)
    filters = [filters_for(language, kind, path, target) for target in targets]
    jobs = [
        plan(target.repository, settings_for(target.repository.root, device, model), indexes=indexes)
        for target in targets
    ]
    if interactive:
        wanted = RefreshOptions(indexes, device, model, dense=not no_dense, refresh=not no_refresh)
        ask_interactively(question, jobs, filters, called, load, settings, wanted, limit=max(limit, _LISTED))
        return
    surface = Surface(tell, follow, lambda name, report: say(summary(name, report)))
    answer = ask_repositories(
        jobs,
        question,
        load,
        surface,
        limit=limit,
        filters=filters,
        refresh=not no_refresh,
        on_failure=_left_out if below else None,
    )
    for notice in answer.notices:
        tell(notice.text)
    print_matches(
        answer.matches,
        as_json=as_json,
        as_markdown=as_markdown,
        context=context,
        score=score,
        explain=explain,
        repositories=called,
    )
    if not answer.matches:
        raise typer.Exit(1)


def _left_out(job: Job, error: CodesearchError) -> None:
    tell(f"{job.repository.name}: left out: {error}")


def _targets(
    paths: list[str], below: Path | None, settings: Settings, indexes: Path | None, *, refresh: bool
) -> tuple[list[Target], dict[Path, str]]:
    """Return what to ask, and by root what to call each repository where the path alone may not tell."""
    if below is None:
        return find(paths, settings, indexes, refresh=refresh), {}
    from codesearch.upkeep.targets import find_indexed

    found = find_indexed(below, indexes or settings.indexes)
    advice = f"run `codesearch index --all {shlex.quote(str(below))}`"
    if found.missing:
        more = f" and {len(found.missing) - _NAMED} more" if len(found.missing) > _NAMED else ""
        names = ", ".join(found.missing[:_NAMED]) + more
        tell(f"not asked, having no index: {names}; {advice}")
    if not found.roots and not paths:
        raise InputError(f"no repository below {below} is indexed: {advice}")
    targets = find([*paths, *map(str, found.roots)], settings, indexes, refresh=refresh)
    repositories = [target.repository for target in targets]
    return targets, {repository.root: found.roots.get(repository.root, repository.name) for repository in repositories}
