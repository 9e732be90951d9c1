"""What ``codesearch ask`` does: a question about the code of repositories."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import typer

from codesearch.cli.choices import MatchFormat
from codesearch.cli.commands.ask import AskOptions
from codesearch.cli.console import follow, print_matches, say, summary, tell
from codesearch.cli.inputs import (
    filters_within,
    find_named,
    load_access_settings,
    make_lazy_encoder,
    plan_jobs,
    with_ignored,
)
from codesearch.errors import CodesearchError, InputError
from codesearch.processes import prepare_worker
from codesearch.records import Level
from codesearch.search.least_confidence import read_level
from codesearch.search.question_filters import read_filters
from codesearch.settings import load_settings
from codesearch.upkeep.asking import Surface
from codesearch.upkeep.asking import ask as ask_repositories
from codesearch.upkeep.plan import Job
from codesearch.upkeep.targets import Target, find_indexed

__all__ = ["answer_question"]

_LISTED: Final = 50
"""Matches that -i lists at least."""

_NAMED: Final = 5
"""Repositories that are named where there may be a hundred."""


def answer_question(asking: AskOptions) -> None:
    """Answer a question on stdout, or let the user ask on the screen.

    Raises:
        CodesearchError: The question cannot be answered.
        typer.Exit: With 1 if nothing was found; as the picker ends.
    """
    if asking.question == "-":
        asking = replace(asking, question=sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace"))
    if not asking.question.strip() and not asking.interactive:
        raise InputError('the question is empty: ask in plain words, such as "parse json"')
    least = read_level(asking.min_confidence, "--min-confidence")
    if asking.interactive:
        if least is not Level.GUESS:
            raise InputError("-i shows all results: leave out --min-confidence")
        _ask_on_screen(asking)
    else:
        _ask_once(asking, least)


def _ask_once(asking: AskOptions, least: Level) -> None:
    prepare_worker()  # before the encoder is loaded, in a thread
    settings = load_access_settings(asking.access)
    encoder = make_lazy_encoder(settings).load_ahead() if asking.access.dense else None
    targets, called = _find_targets(asking, settings.indexes)
    answer = ask_repositories(
        plan_jobs(asking.access, targets),
        asking.question,
        encoder,
        Surface(tell, follow, lambda name, report: say(summary(name, report))),
        limit=asking.limit,
        filters=[filters_within(asking.filters, target) for target in targets],
        refresh=asking.access.refresh,
        on_failure=_tell_left_out if asking.below else None,
        min_confidence=least,
    )
    for notice in answer.notices:
        tell(notice.text)
    print_matches(answer.matches, asking.printing, called)
    if not answer.matches:
        raise typer.Exit(1)


def _ask_on_screen(asking: AskOptions) -> None:
    # Imported late: prompt_toolkit and Pygments cost a fifth of a second, and only -i needs them.
    from codesearch.cli.work.interactive import ask_interactively, refuse_without_terminal

    if asking.printing != MatchFormat():
        raise InputError("-i shows results itself: leave out --json, --markdown, --score, --explain and --context")
    refuse_without_terminal(load_settings())
    if os.path.isdir(asking.question):  # noqa: PTH112 - it may be too long for a path, which Path does not bear
        asking = replace(asking, question="", paths=(asking.question, *asking.paths))
    settings = load_access_settings(asking.access)
    if not settings.threads:
        settings = replace(settings, threads=1)  # a question is short, and the screen has to be drawn meanwhile
    encoder = make_lazy_encoder(settings).load_ahead() if asking.access.dense else None
    targets, called = _find_targets(asking, settings.indexes)
    ask_interactively(
        asking.question,
        plan_jobs(asking.access, targets),
        [filters_within(asking.filters, target) for target in targets],
        called,
        encoder,
        settings,
        asking.access,
        limit=max(asking.limit, _LISTED),
    )


def _tell_left_out(job: Job, error: CodesearchError) -> None:
    tell(f"{job.repository.name}: left out: {error}")


def _find_targets(asking: AskOptions, indexes: Path) -> tuple[list[Target], dict[Path, str]]:
    """Return what to ask, and by root what to call each repository where the path alone may not tell."""
    access, below = asking.access, asking.below
    if below is None:
        patterns = (*asking.filters.patterns, *read_filters(asking.question).patterns)
        return with_ignored(access, find_named(access, asking.paths), patterns), {}
    found = find_indexed(below, access.folder or indexes)
    advice = f"run `codesearch index --all {shlex.quote(str(below))}`"
    if found.missing:
        more = f" and {len(found.missing) - _NAMED} more" if len(found.missing) > _NAMED else ""
        names = ", ".join(found.missing[:_NAMED]) + more
        tell(f"not asked, having no index: {names}; {advice}")
    if not found.roots and not asking.paths:
        raise InputError(f"no repository below {below} is indexed: {advice}")
    targets = find_named(access, [*asking.paths, *map(str, found.roots)])
    repositories = [target.repository for target in targets]
    return targets, {repository.root: found.roots.get(repository.root, repository.name) for repository in repositories}
