"""``codesearch duplicates``: functions that are copies, nearly, or the same thing in other words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesearch.cli.console import follow, print_all, say, summary
from codesearch.cli.options import (
    Device,
    IndexDir,
    Languages,
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
from codesearch.errors import InputError
from codesearch.settings import load_settings

if TYPE_CHECKING:
    from codesearch.duplicates import Group, Report
    from codesearch.duplicates.report import Source
    from codesearch.index.snapshot import Snapshot

__all__ = ["duplicates"]


def level_names() -> list[str]:
    """Complete ``--level``."""
    from codesearch.duplicates import Level

    return list(Level)


def duplicates(
    paths: Paths = None,
    level: Annotated[
        str,
        typer.Option(
            help="The least sure level that is reported: exact, near or semantic.", autocompletion=level_names
        ),
    ] = "semantic",
    near: Annotated[
        float,
        typer.Option(help="Near from this share of runs of 5 tokens in common on, variables and literals being one."),
    ] = 0.7,
    semantic: Annotated[float, typer.Option(help="Semantic from this cosine of the vectors on.")] = 0.9,
    min_lines: Annotated[int, typer.Option(min=1, help="Leave out functions of fewer lines of code.")] = 5,
    min_tokens: Annotated[int, typer.Option(min=1, help="Leave out functions of fewer tokens: getters and such.")] = 50,
    tests: Annotated[bool, typer.Option("--tests", help="Compare functions of tests as well.")] = False,
    overloads: Annotated[
        bool, typer.Option("--overloads", help="Report variants of one name in one type or file as well.")
    ] = False,
    language: Languages = None,
    path: PathPatterns = None,
    limit: Annotated[int, typer.Option("-k", "--limit", min=0, help="Groups printed at most; 0 for all.")] = 0,
    diff: Annotated[bool, typer.Option("--diff", help="Show how the others of a group differ from its first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, one group a line.")] = False,
    fail_over: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="For CI: exit with 1 if there are more groups than this; or 5%: more copied lines."
        ),
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Say nothing of the groups that this file accepts.")] = None,
    write_baseline: Annotated[Path | None, typer.Option(help="Accept all groups there are: write them here.")] = None,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Find functions that are copies, nearly copies, or the same thing in other words.

    exact: the same tokens but for comments, layout and the function's own name. near: variables and literals may
    differ and a few lines too. semantic: the vectors are close, whatever the code looks like; about four in five of
    these are worth a look, and the first two kinds are as good as sure (docs/guide/duplicates.md has the figures).

    Exit codes are grep's: 0 something was found, 1 nothing was, 2 an error. With --fail-over: 0 the check passes,
    1 it fails.

    \b
    Examples:
      codesearch duplicates
      codesearch duplicates src ../other --level near --diff
      codesearch duplicates --write-baseline accepted.json
      codesearch duplicates --baseline accepted.json --fail-over 0
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.duplicates import Level, Sizes, Thresholds, find_duplicates
    from codesearch.duplicates.baseline import read_baseline
    from codesearch.duplicates.baseline import write_baseline as write
    from codesearch.upkeep.asking import Surface, consult
    from codesearch.upkeep.plan import plan

    if level not in list(Level):
        raise InputError(f"--level {level}: it is one of {', '.join(Level)}")
    allowed = _AllowedDuplicates.parse(fail_over)
    accepted = read_baseline(baseline) if baseline is not None else None
    settings, indexes = settings_for(None, device, model), indexes_folder(index_dir)
    targets = find(paths or [], settings, indexes, refresh=not no_refresh)
    find_groups = partial(
        find_duplicates,
        level=Level(level),
        thresholds=Thresholds(near, semantic),
        sizes=Sizes(min_lines, min_tokens, tests),
        filters=[filters_for(language, None, path, target) for target in targets],
        overloads=overloads,
    )
    # Without the last level nothing has to be encoded: a repository never indexed is compared within seconds.
    load = encoder_loader(settings).load_ahead() if level == Level.SEMANTIC and not no_refresh else None
    report, sources, texts = consult(
        [plan(t.repository, settings_for(t.repository.root, device, model), indexes=indexes) for t in targets],
        lambda snapshots: _with_texts(snapshots, find_groups(snapshots), diff and not as_json),
        load,
        Surface(tell, follow, lambda name, done: say(summary(name, done))),
        refresh=not no_refresh,
        encode_seconds=None,
    )
    groups = [group for group in report.groups if accepted is None or not accepted.accepts(group)]
    if write_baseline is not None:
        write(write_baseline, report.groups)
        tell(f"{write_baseline} accepts {len(report.groups):,} groups from now on")
        return
    _print_groups(groups[: limit or None], sources, texts, as_json=as_json)
    _tell_about(report, groups, len(report.groups) - len(groups), limit)
    if allowed is not None:
        raise typer.Exit(allowed.code(report, groups))
    if not groups:
        raise typer.Exit(1)


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
    from codesearch.duplicates.report import group_json, group_text
    from codesearch.present.render import Style

    if as_json:
        print_all((group_json(group, sources) for group in groups), "\n", as_json=True)
        return
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else 200
    style = Style(Path.cwd(), colour=terminal and load_settings().colour, width=width)
    read = (lambda function: texts[function.source, function.chunks[0]]) if texts else None
    print_all((group_text(group, sources, style, read) for group in groups), "\n\n")


def _tell_about(report: Report, groups: Sequence[Group], accepted: int, limit: int) -> None:
    from codesearch.duplicates.report import summary_text

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
