"""What ``codesearch duplicates`` does: functions that are copies, nearly, or the same thing in other words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer

from codesearch.cli.commands.duplicates import DuplicatesOptions, ReportOptions
from codesearch.cli.console import follow, print_all, say, summary, tell
from codesearch.cli.inputs import (
    filters_within,
    find_named,
    load_access_settings,
    make_lazy_encoder,
    plan_jobs,
    with_ignored,
)
from codesearch.duplicates import Group, Level, Report, Sizes, Thresholds, find_duplicates
from codesearch.duplicates.baseline import read_baseline, write_baseline
from codesearch.duplicates.report import Source, group_json, group_text, summary_text
from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.present.render import Style
from codesearch.settings import load_settings
from codesearch.upkeep.asking import Surface, consult

__all__ = ["report_duplicates"]


def report_duplicates(comparing: DuplicatesOptions, reporting: ReportOptions) -> None:
    """Report duplicates, or accept them.

    Raises:
        CodesearchError: An option, a path or an index cannot be used.
        typer.Exit: With what ``--fail-over`` says, or with 1 if there are no duplicates.
    """
    if comparing.level not in list(Level):
        raise InputError(f"--level {comparing.level}: it is one of {', '.join(Level)}")
    allowed = _AllowedDuplicates.parse(reporting.fail_over)
    accepted = read_baseline(reporting.baseline) if reporting.baseline is not None else None
    report, sources, texts = _find(comparing, with_texts=reporting.diff and not reporting.as_json)
    if reporting.write_baseline is not None:
        write_baseline(reporting.write_baseline, report.groups)
        tell(f"{reporting.write_baseline} accepts {len(report.groups):,} groups from now on")
        return
    groups = [group for group in report.groups if accepted is None or not accepted.accepts(group)]
    _print_groups(groups[: reporting.limit or None], sources, texts, as_json=reporting.as_json)
    _tell_about(report, groups, len(report.groups) - len(groups), reporting.limit)
    if allowed is not None:
        raise typer.Exit(allowed.code(report, groups))
    if not groups:
        raise typer.Exit(1)


def _find(comparing: DuplicatesOptions, *, with_texts: bool) -> tuple[Report, list[Source], Texts]:
    """Compare the functions.

    Args:
        comparing: What is compared.
        with_texts: Whether the source of what is found is read as well.

    Returns:
        What was found; where each repository lies; the source of what was found.

    Raises:
        CodesearchError: A path, a filter or an index cannot be used.
    """
    access, level = comparing.access, Level(comparing.level)
    targets = with_ignored(access, find_named(access, comparing.paths), comparing.filters.patterns)
    # Without the last level nothing has to be encoded: a repository never indexed is compared within seconds.
    encoded = level == Level.SEMANTIC and access.refresh
    compare = partial(
        find_duplicates,
        level=level,
        thresholds=Thresholds(comparing.near, comparing.semantic),
        sizes=Sizes(comparing.min_lines, comparing.min_tokens, comparing.tests),
        filters=[filters_within(comparing.filters, target) for target in targets],
        overloads=comparing.overloads,
    )
    return consult(
        plan_jobs(access, targets),
        lambda snapshots: _with_texts(snapshots, compare(snapshots), with_texts),
        make_lazy_encoder(load_access_settings(access)).load_ahead() if encoded else None,
        Surface(tell, follow, lambda name, done: say(summary(name, done))),
        refresh=access.refresh,
        encode_seconds=None,
    )


class _AllowedDuplicates:
    """What ``--fail-over`` lets pass: a number of groups, or a share of copied lines."""

    def __init__(self, groups: int | None, share: float | None) -> None:
        self._groups = groups
        self._share = share

    @classmethod
    def parse(cls, text: str | None) -> _AllowedDuplicates | None:
        if text is None:
            return None
        try:
            found = cls(None, float(text[:-1]) / 100) if text.endswith("%") else cls(int(text), None)
        except ValueError:
            raise InputError(
                f"--fail-over {text}: give a number of groups, such as 0, or a share, such as 5%"
            ) from None
        if (found._groups or 0) < 0 or not 0 <= (found._share or 0.0) <= 1:
            raise InputError(f"--fail-over {text}: give a number of groups from 0 on, or a share of 0% to 100%")
        return found

    def code(self, report: Report, groups: Sequence[Group]) -> int:
        """Return the exit code: 0 where it passes, 1 where it fails, which is said."""
        if self._groups is not None and len(groups) > self._groups:
            tell(f"failed: {len(groups):,} groups of duplicates, and {self._groups:,} are allowed")
            return 1
        if self._share is not None and report.copied_share > self._share:
            tell(f"failed: {report.copied_share:.1%} of the lines are copies, and {self._share:.1%} are allowed")
            return 1
        return 0


Texts = dict[tuple[int, int], str]
"""Source of functions by number of the snapshot and id of their first chunk."""


def _with_texts(snapshots: Sequence[Snapshot], report: Report, wanted: bool) -> tuple[Report, list[Source], Texts]:
    """Return what has to be read before the snapshots are closed: where they lie, and the source of what was found."""
    sources: list[Source] = [(s.manifest.name, None if s.manifest.imported else s.root) for s in snapshots]
    texts: Texts = {}
    for group in report.groups if wanted else ():
        for function in (member.function for member in group.members):
            chunks = snapshots[function.source].chunks(function.chunks)
            texts[function.source, function.chunks[0]] = "\n".join(
                chunks[i].text for i in function.chunks if i in chunks
            )
    return report, sources, texts


def _print_groups(groups: Sequence[Group], sources: Sequence[Source], texts: Texts, *, as_json: bool) -> None:
    if as_json:
        print_all((group_json(group, sources) for group in groups), "\n", as_json=True)
        return
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else 200
    style = Style(Path.cwd(), colour=terminal and load_settings().colour, width=width)
    read = (lambda function: texts[function.source, function.chunks[0]]) if texts else None
    print_all((group_text(group, sources, style, read) for group in groups), "\n\n")


def _tell_about(report: Report, groups: Sequence[Group], accepted: int, limit: int) -> None:
    if limit and len(groups) > limit:
        tell(f"{len(groups) - limit:,} more groups: -k 0 prints all")
    if report.without_vector:
        tell(
            f"{report.without_vector:,} functions are not encoded yet and were compared by their tokens only; "
            "run `codesearch index` to finish"
        )
    if not report.functions:
        tell("no function is long enough to compare: see --min-lines, --min-tokens and --tests")
    tell(summary_text(report, groups, accepted))
