"""Result files -> Markdown tables and plots. One table per protocol, never two protocols in a column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from codesearch.errors import InputError
from codesearch_eval.encoder.plots import draw_protocol
from codesearch_eval.encoder.protocols import LANGUAGE_TITLES, PROTOCOLS
from codesearch_eval.encoder.published import PublishedFigure, published_figures
from codesearch_eval.encoder.results import Result
from codesearch_eval.markdown import markdown_table
from codesearch_eval.metrics import Interval

__all__ = [
    "by_protocol",
    "protocol_table",
    "summary_rows",
    "system_label",
    "write_report",
]


def write_report(results: Iterable[Result], folder: Path) -> Path:
    """Write ``report.md`` and a PNG per protocol into `folder`, and return the Markdown file's path.

    Raises:
        InputError: Two results are of one system under one protocol, or a protocol's rules differ
            between files: such figures must not stand in one table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = [
        "# Evaluation",
        "Figures in percent, with 95% bootstrap confidence intervals over the questions.",
    ]
    for name, group in by_protocol(results).items():
        published = [figure for figure in published_figures() if figure.protocol == name]
        image = f"{name}.png"
        draw_protocol(group, published, folder / image)
        sections += [_section(name, group, published), f"![{name}]({image})"]
    path = folder / "report.md"
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    return path


def by_protocol(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return results by protocol, protocols in the order of `PROTOCOLS`, best result first.

    Raises:
        InputError: As `write_report`.
    """
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        group = groups[result.protocol_name]
        if group and group[0].rules != result.rules:
            raise InputError(f"results of {result.protocol_name} were made under different rules: evaluate again")
        if system_label(result) in {system_label(other) for other in group}:
            raise InputError(f"two results of {system_label(result)} under {result.protocol_name}: leave one out")
        group.append(result)
    order = {name: number for number, name in enumerate(PROTOCOLS)}
    return {
        name: sorted(groups[name], key=lambda result: -result.measures[result.headline].value)
        for name in sorted(groups, key=lambda name: order.get(name, len(order)))
    }


def system_label(result: Result) -> str:
    """Return what tables call the system of `result`."""
    return " ".join(part for part in (result.system.name, result.system.precision) if part)


def protocol_table(results: Sequence[Result], published: Sequence[PublishedFigure] = ()) -> str:
    """Return the Markdown table of one protocol's results, published figures among them, best first.

    Published rows are in italics, and numbered for the notes beneath the table.
    """
    languages = list(results[0].groups)
    several = len(languages) > 1
    header = [
        "system",
        *([LANGUAGE_TITLES[name] for name in languages] if several else []),
        results[0].headline,
    ]
    if results[0].headline == "MRR":
        header += ["@1", "@10"]
    rows: list[tuple[float, list[str]]] = []
    for result in results:
        measures = result.measures
        cells = [system_label(result)]
        if several:
            cells += [_percent(result.groups[name].measures[result.headline].value) for name in languages]
        cells.append(_with_interval(measures[result.headline]))
        cells += [_percent(measures[name].value) for name in ("success@1", "success@10") if name in measures]
        rows.append((measures[result.headline].value, cells))
    for number, figure in enumerate(published, start=1):
        cells = [f"*{figure.system}* [{number}]"]
        if several:
            cells += [_percent(figure.groups[name]) if name in figure.groups else "" for name in languages]
        cells.append(f"*{_percent(figure.value)}*")
        rows.append((figure.value, cells + [""] * (len(header) - len(cells))))
    return markdown_table(header, [cells for _, cells in sorted(rows, key=lambda row: -row[0])])


def _section(name: str, results: Sequence[Result], published: Sequence[PublishedFigure]) -> str:
    protocol = results[0].protocol
    rules = (
        f"{protocol['role'].capitalize()} set. Text to code. Asked: {protocol['query_form']}. "
        f"Candidates: {protocol['candidates']} ({_counts(results[0])}). "
        f"Docstrings in Python code: {protocol['docstrings']}. Ties: {protocol['ties']}. Name: `{name}`."
    )
    parts = [f"## {protocol['title']}", rules, protocol_table(results, published)]
    if published:
        parts.append(
            "\n".join(
                f"- [{number}] {figure.source}; {figure.note}." for number, figure in enumerate(published, start=1)
            )
        )
    parts.append("\n".join(f"- {_provenance(result)}" for result in results))
    return "\n\n".join(parts)


def _counts(result: Result) -> str:
    queries = sum(group.queries for group in result.groups.values())
    return f"{queries:,} questions in {len(result.groups)} language{'s'[: len(result.groups) > 1]}"


def _provenance(result: Result) -> str:
    software, machine = result.software, result.machine
    commit = f" {software['commit'][:10]}{'+' * software['commit'].endswith('+')}" if software["commit"] else ""
    dimension = f", {result.system.dimension} dimensions" if result.system.dimension else ""
    tied = sum(group.tied_queries for group in result.groups.values())
    device = machine["gpu"] or machine["cpu"]
    return (
        f"{system_label(result)}: `{result.system.model_id}`{dimension}; {tied} questions with a tie; "
        f"codesearch {software['codesearch']}{commit}, {device}, {result.created[:10]}"
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _with_interval(interval: Interval) -> str:
    return f"{_percent(interval.value)} [{_percent(interval.low)}, {_percent(interval.high)}]"


def summary_rows(results: Mapping[str, Sequence[Result]]) -> list[list[str]]:
    """Return one row per result: protocol, system, headline."""
    return [
        [name, system_label(result), result.headline, _with_interval(result.measures[result.headline])]
        for name, group in results.items()
        for result in group
    ]
