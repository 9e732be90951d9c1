"""``codesearch duplicates``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, MatchFilters, resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import Device, IndexDir, Languages, Model, NoRefresh, PathPatterns, Paths

__all__ = ["DuplicatesOptions", "ReportOptions", "duplicates"]


@dataclass(frozen=True, slots=True)
class DuplicatesOptions:
    """What is compared, and how.

    Attributes:
        paths: To search; () for here.
        level: The least sure one that is reported.
        near: From which share of equal runs of tokens on functions are near.
        semantic: From which cosine on functions are semantic.
        min_lines: Functions of fewer lines are left out.
        min_tokens: Functions of fewer tokens are left out.
        tests: Whether functions of tests are compared.
        overloads: Whether variants of one name count.
        filters: Which functions are compared.
        access: Of the indexes.
    """

    paths: tuple[str, ...]
    level: str
    near: float
    semantic: float
    min_lines: int
    min_tokens: int
    tests: bool
    overloads: bool
    filters: MatchFilters
    access: IndexAccess


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is told of the groups.

    Attributes:
        limit: Groups printed at most; 0 for all.
        diff: Whether it is shown how the others of a group differ from its first.
        as_json: Whether groups are printed as JSON Lines.
        fail_over: What lets the check pass, as it was given; None where the exit code is grep's.
        baseline: File of groups that are accepted; None for none.
        write_baseline: File to write the groups to; None to report them.
    """

    limit: int
    diff: bool
    as_json: bool
    fail_over: str | None
    baseline: Path | None
    write_baseline: Path | None


_report_duplicates: Callable[[DuplicatesOptions, ReportOptions], None] = Later(
    "codesearch.cli.work.duplicates", "report_duplicates"
)


def list_levels() -> list[str]:
    """Complete ``--level``."""
    from codesearch.duplicates import Level  # imported late: comparing needs NumPy, and no help page does

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
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Leave out the groups that this file accepts.")
    ] = None,
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
    _report_duplicates(
        DuplicatesOptions(
            tuple(paths or ()),
            level,
            near,
            semantic,
            min_lines,
            min_tokens,
            tests,
            overloads,
            MatchFilters(languages=tuple(language or ()), patterns=tuple(path or ())),
            IndexAccess(resolve_index_folder(index_dir), device, model, refresh=not no_refresh),
        ),
        ReportOptions(limit, diff, as_json, fail_over, baseline, write_baseline),
    )
