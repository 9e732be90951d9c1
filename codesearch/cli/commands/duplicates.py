"""``codesearch duplicates``: functions that are copies, nearly, or the same thing in other words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.console import follow, print_all, say, summary, tell
from codesearch.cli.inputs import IndexAccess, MatchFilters, make_lazy_encoder, resolve_index_folder
from codesearch.cli.options import Device, IndexDir, Languages, Model, NoRefresh, PathPatterns, Paths
from codesearch.duplicates import Group, Level, Report, Sizes, Thresholds, find_duplicates
from codesearch.duplicates.baseline import read_baseline
from codesearch.duplicates.baseline import write_baseline as write_baseline_file
from codesearch.duplicates.report import Source, group_json, group_text, summary_text
from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.present.render import Style
from codesearch.settings import load_settings
from codesearch.upkeep.asking import Surface, consult

__all__ = ["duplicates"]


def list_levels() -> list[str]:
    """Complete ``--level``."""
    return list(Level)


def duplicates(
    paths: Paths = None,
    level: Annotated[
        str,
        typer.Option(help="Report levels down to this one: exact, near or semantic.", autocompletion=list_levels),
    ] = "semantic",
    near: Annotated[
        float,
        typer.Option(help="Call functions near that share so much of their runs of 5 tokens."),
    ] = 0.7,
    semantic: Annotated[
        float, typer.Option(help="Call functions semantic whose vectors have at least this cosine.")
    ] = 0.9,
    min_lines: Annotated[int, typer.Option(min=1, help="Leave out functions of fewer lines of code.")] = 5,
    min_tokens: Annotated[int, typer.Option(min=1, help="Leave out functions of fewer tokens, such as getters.")] = 50,
    tests: Annotated[bool, typer.Option("--tests", help="Compare functions of tests as well.")] = False,
    overloads: Annotated[
        bool, typer.Option("--overloads", help="Report variants of one name in one type or file as well.")
    ] = False,
    language: Languages = None,
    path: PathPatterns = None,
    limit: Annotated[int, typer.Option("-k", "--limit", min=0, help="Print at most so many groups; 0 for all.")] = 0,
    diff: Annotated[bool, typer.Option("--diff", help="Show how the others of a group differ from its first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, one group a line.")] = False,
    fail_over: Annotated[
        str | None,
        typer.Option(metavar="N", help="Exit with 1 if there are more groups than N, or with 5% more copied lines."),
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Leave out the groups that this file accepts.")] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(help="Write all groups to this file, which accepts them.")
    ] = None,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Find functions that are copies of each other.

    exact: the tokens are the same. Comments, layout and the function's own name may differ.

    near: variables, literals and a few lines may differ too.

    semantic: the vectors are close, whatever the code looks like. About four in five of these are worth a look, and
    the other two levels are as good as sure. docs/guide/duplicates.md says how that was measured.

    The exit code is 0 if there are duplicates, 1 if there are none, and 2 after an error. With --fail-over it is 0 if
    the check passes, and 1 if it fails.

    \b
    Examples:
      codesearch duplicates
      codesearch duplicates src ../other --level near --diff
      codesearch duplicates --write-baseline accepted.json
      codesearch duplicates --baseline accepted.json --fail-over 0
    """  # noqa: D301 - the backspace character tells click to keep the lines
    if level not in list(Level):
        raise InputError(f"--level {level}: it is one of {', '.join(Level)}")
    _report_duplicates(
        _ComparisonOptions(
            tuple(paths or ()),
            Level(level),
            Thresholds(near, semantic),
            Sizes(min_lines, min_tokens, tests),
            overloads,
            MatchFilters(languages=tuple(language or ()), patterns=tuple(path or ())),
            IndexAccess(resolve_index_folder(index_dir), device, model, refresh=not no_refresh),
        ),
        _ReportOptions(limit, diff, as_json, _AllowedDuplicates.parse(fail_over), baseline, write_baseline),
    )


@dataclass(frozen=True, slots=True)
class _ComparisonOptions:
    """What is compared, and how.

    Attributes:
        paths: To search; () for here.
        level: The least sure one that is reported.
        thresholds: From which likeness on functions are duplicates.
        sizes: Which functions are long enough.
        overloads: Whether variants of one name count.
        filters: Which functions are compared.
        access: Of the indexes.
    """

    paths: tuple[str, ...]
    level: Level
    thresholds: Thresholds
    sizes: Sizes
    overloads: bool
    filters: MatchFilters
    access: IndexAccess

    def find(self, *, with_texts: bool) -> tuple[Report, list[Source], Texts]:
        """Compare the functions.

        Args:
            with_texts: Whether the source of what is found is read as well.

        Returns:
            What was found; where each repository lies; the source of what was found.

        Raises:
            CodesearchError: A path, a filter or an index cannot be used.
        """
        access = self.access
        targets = access.find_targets(self.paths)
        filters = [self.filters.within(target) for target in targets]
        # Without the last level nothing has to be encoded: a repository never indexed is compared within seconds.
        encoded = self.level == Level.SEMANTIC and access.refresh
        compare = partial(
            find_duplicates,
            level=self.level,
            thresholds=self.thresholds,
            sizes=self.sizes,
            filters=filters,
            overloads=self.overloads,
        )
        return consult(
            access.plan_jobs(targets),
            lambda snapshots: _with_texts(snapshots, compare(snapshots), with_texts),
            make_lazy_encoder(access.load_settings()).load_ahead() if encoded else None,
            Surface(tell, follow, lambda name, done: say(summary(name, done))),
            refresh=access.refresh,
            encode_seconds=None,
        )


@dataclass(frozen=True, slots=True)
class _ReportOptions:
    """What is told of the groups.

    Attributes:
        limit: Groups printed at most; 0 for all.
        diff: Whether it is shown how the others of a group differ from its first.
        as_json: Whether groups are printed as JSON Lines.
        allowed: What ``--fail-over`` lets pass; None where the exit code is grep's.
        baseline: File of groups that are accepted; None for none.
        write_baseline: File to write the groups to; None to report them.
    """

    limit: int
    diff: bool
    as_json: bool
    allowed: _AllowedDuplicates | None
    baseline: Path | None
    write_baseline: Path | None


def _report_duplicates(comparing: _ComparisonOptions, reporting: _ReportOptions) -> None:
    accepted = read_baseline(reporting.baseline) if reporting.baseline is not None else None
    report, sources, texts = comparing.find(with_texts=reporting.diff and not reporting.as_json)
    if reporting.write_baseline is not None:
        write_baseline_file(reporting.write_baseline, report.groups)
        tell(f"{reporting.write_baseline} accepts {len(report.groups):,} groups from now on")
        return
    groups = [group for group in report.groups if accepted is None or not accepted.accepts(group)]
    _print_groups(groups[: reporting.limit or None], sources, texts, as_json=reporting.as_json)
    _tell_about(report, groups, len(report.groups) - len(groups), reporting.limit)
    if reporting.allowed is not None:
        raise typer.Exit(reporting.allowed.code(report, groups))
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
