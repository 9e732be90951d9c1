"""Groups of duplicates as a person reads them, and as JSON; ``docs/guide/json.md`` describes the latter."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import unified_diff
from pathlib import Path
from textwrap import dedent
from typing import Any

from codesearch.duplicates.finding import Group, Level, Member, Report
from codesearch.duplicates.functions import Function
from codesearch.present.render import Style, json_line, safe_line, shown_path, visible

__all__ = ["Source", "group_json", "group_text", "summary_text"]

_HEADINGS = {Level.EXACT: "exact", Level.NEAR: "near-identical", Level.SEMANTIC: "same meaning"}
_COPIES = {Level.NEAR: "identical", Level.SEMANTIC: "like it"}

_MEMBERS_SHOWN = 20
_LINES_SHOWN = 60
_COLOURS = {"+": "32", "-": "31"}

Source = tuple[str, Path | None]
"""Name and root of a repository; None where its files are not here."""


def group_text(
    group: Group, sources: Sequence[Source], style: Style, read: Callable[[Function], str] | None = None
) -> str:
    """Return a group: what it is, and one line for each function, beginning with a clickable ``path:line``.

    Args:
        group: To show.
        sources: By number.
        style: Colours and width.
        read: Returns the source of a function; if given, how each differs from the first is shown.
    """
    share = "" if group.level is Level.EXACT else f" {group.similarity:.2f}"
    lines = f"{group.redundant_lines:,} redundant line{'s' if group.redundant_lines != 1 else ''}"
    heading = style.paint("1", f"{_HEADINGS[group.level]}{share}") + f": {len(group.members):,} functions, {lines}"
    shown = []
    for number, member in enumerate(group.members[:_MEMBERS_SHOWN]):
        shown.append(f"  {_member_text(group, member, sources, style)}")
        if read is not None and number:
            shown += _difference(read(group.members[0].function), read(member.function), style)
    more = len(group.members) - len(shown)
    return "\n".join([heading, *shown, *([f"  and {more:,} more, which --json lists"] if more > 0 else [])])


def _difference(first: str, other: str, style: Style) -> list[str]:
    """Return how a source differs from another, as a unified diff without its header."""
    before, after = ([safe_line(line) for line in dedent(text).split("\n")] for text in (first, other))
    changes = list(unified_diff(before, after, lineterm="", n=1))[2:]
    lines = ["⋮" if line.startswith("@@") else line for line in changes[1:]]
    if len(lines) > _LINES_SHOWN:
        lines = [*lines[:_LINES_SHOWN], f"⋮ {len(lines) - _LINES_SHOWN:,} more lines"]
    return [f"      {style.paint(_COLOURS.get(line[:1], '2'), line[: max(20, style.width - 6)])}" for line in lines]


def _member_text(group: Group, member: Member, sources: Sequence[Source], style: Style) -> str:
    function = member.function
    place = style.paint("35", _shown_path(function, sources, style.cwd)) + f":{style.paint('32', _lines(function))}"
    words = [place, visible(function.qualified_name)]
    if group.level is not Level.EXACT and len(group.members) > 2 and member is not group.members[0]:
        words.append(style.paint("2", f"{member.similarity:.2f}"))
    if member.copies:
        words.append(style.paint("2", f"and {len(member.copies)} {_COPIES[group.level]}"))
    return "  ".join(words)


def _lines(function: Function) -> str:
    return f"{function.first_line}-{function.last_line}"


def _shown_path(function: Function, sources: Sequence[Source], cwd: Path) -> str:
    name, root = sources[function.source]
    return shown_path(root, function.path, name, cwd)


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def group_json(group: Group, sources: Sequence[Source]) -> str:
    """Return a group as one line of JSON."""
    return json_line(
        {
            "level": group.level.value,
            "similarity": round(group.similarity, 4),
            "redundant_lines": group.redundant_lines,
            "functions": [
                _function_object(member.function, sources)
                | {
                    "similarity": round(member.similarity, 4),
                    "copies": [_function_object(copy, sources) for copy in member.copies],
                }
                for member in group.members
            ],
        }
    )


def _function_object(function: Function, sources: Sequence[Source]) -> dict[str, Any]:
    name, root = sources[function.source]
    return {
        "repository": name,
        "root": None if root is None else _printable(str(root)),
        "path": _printable(function.path),
        "start_line": function.first_line,
        "end_line": function.last_line,
        "language": function.language,
        "name": function.name,
        "qualified_name": function.qualified_name,
        "lines": function.lines,
        "tokens": function.size,
        "fingerprint": function.exact.hex(),
    }


def summary_text(report: Report, groups: Sequence[Group], accepted: int) -> str:
    """Return one line on what was compared and found."""
    counts = Counter(group.level for group in groups)
    found = ", ".join(f"{counts[level]:,} {_HEADINGS[level]}" for level in Level if counts[level])
    left_out = [
        f"{report.left_out[reason]:,} {words}"
        for reason, words in (("short", "too short"), ("tests", "of tests"))
        if report.left_out[reason]
    ]
    share = f"; {report.copied_share:.1%} of their lines are copies" if report.copied_lines else ""
    return (
        f"{report.functions:,} functions compared"
        + (f" ({', '.join(left_out)} left out)" if left_out else "")
        + f"; {len(groups):,} group{'s' if len(groups) != 1 else ''}"
        + (f": {found}" if found else "")
        + (f"; {accepted:,} accepted by the baseline" if accepted else "")
        + share
    )
