"""What ``codesearch similar`` does: the functions most like the one at a place, or like a snippet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import typer

from codesearch.cli.commands.similar import SimilarOptions
from codesearch.cli.console import follow, print_matches, say, summary, tell
from codesearch.cli.inputs import (
    filters_within,
    find_named,
    load_access_settings,
    make_lazy_encoder,
    plan_jobs,
    with_ignored,
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

__all__ = ["print_similar"]

_LONGEST_SNIPPET: Final = 1 << 20
"""Bytes."""


def print_similar(comparing: SimilarOptions) -> None:
    """Print what is most like a place or a snippet.

    Raises:
        CodesearchError: The place, the snippet or an index cannot be used.
        typer.Exit: With 1 if nothing was found.
    """
    prepare_worker()  # before the encoder is loaded, in a thread
    access = comparing.access
    settings = load_access_settings(access)
    sample, targets, filters = _find_sample_and_targets(comparing, settings)
    encoder = make_lazy_encoder(settings)
    # A place is answered from its stored vector; the model is needed to see whether the index is current.
    if access.refresh or comparing.place == "-":
        encoder.load_ahead()
    answer = consult(
        plan_jobs(access, targets),
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
    comparing: SimilarOptions, settings: Settings
) -> tuple[Place | Snippet, Sequence[Target], Sequence[Filters]]:
    """Return what to compare with, the repositories to open, and what may be found in each."""
    access, language = comparing.access, comparing.snippet_language
    if comparing.place == "-":
        sample = Snippet(_read_stdin(), language_named(language, "--snippet-lang") if language else "")
        targets = with_ignored(access, find_named(access, comparing.paths), comparing.filters.patterns)
        return sample, targets, [filters_within(comparing.filters, target) for target in targets]
    if language:
        raise InputError('--snippet-lang is for a snippet on stdin: give "-" instead of a place')
    home, place = find_place_target(comparing.place, indexes=access.folder or settings.indexes, cache=settings.cache)
    whole = Target(home.repository)
    named = find_named(access, comparing.paths) if comparing.paths else [whole]
    targets = with_ignored(access, named, comparing.filters.patterns)
    filters = [filters_within(comparing.filters, target) for target in targets]
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
