"""The charts of the README: how good and how fast codesearch is beside grep, BM25 and another tool.

Figures lie in a TSV file beside the charts. Each says what it was measured with: model, data, date, machine, and the
command that measures it again. `peers` and `charts --results` put new ones into it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.errors import InputError, MissingExtra
from codesearch_eval.encoder.results import Result
from codesearch_eval.machine import Machine
from codesearch_eval.performance.peers import GREP, OURS, SEMBLE, WORDS, PeerTimes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "ChartFigure",
    "draw_charts",
    "figures_of_results",
    "figures_of_times",
    "merge",
    "read_figures",
    "write_figures",
]

_SHOWN = ("csn-1000", "cosqa-test")
_ENCODER = "encoder alone"
_BM25 = "BM25 alone"
# Okabe and Ito's palette: told apart by colour-blind readers and in grey.
_COLOURS = {
    OURS: "#0072B2",
    WORDS: "#56B4E9",
    _ENCODER: "#009E73",
    _BM25: "#E69F00",
    SEMBLE: "#CC79A7",
    GREP: "#999999",
}


@dataclass(frozen=True, slots=True)
class ChartFigure:
    """One bar.

    Attributes:
        chart: "quality" or "speed", the name of the picture.
        panel: Title of the part of the picture that it stands in; its last word is the unit.
        system: What was measured, a key of the colours.
        value: The bar's length.
        low: Lower end of its interval; "" without one.
        high: Upper end.
        model: Id of the encoder; "" for a system without one.
        data: What it was measured on.
        day: When, as 2026-12-01; "" where nobody wrote it down.
        machine: Processor or GPU.
        command: What measures it again.
    """

    chart: str
    panel: str
    system: str
    value: float
    low: float | None
    high: float | None
    model: str
    data: str
    day: str
    machine: str
    command: str


def read_figures(path: Path) -> list[ChartFigure]:
    """Read the figures of all charts, in the order in which they are drawn.

    Raises:
        InputError: The file is missing or damaged.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), delimiter="\t"))
        return [_figure(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no figures of charts ({error}); name the TSV file beside them") from error


def _figure(row: dict[str, str]) -> ChartFigure:
    value = float(row["value"])
    low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
    if row["system"] not in _COLOURS:
        raise ValueError(f"{row['system']} is none of {', '.join(_COLOURS)}")
    if low is not None and high is not None and not low <= value <= high:
        raise ValueError(f"{row['system']} has {value:g} outside of {low:g} to {high:g}")
    words = {each.name: row[each.name] for each in fields(ChartFigure) if each.name not in ("value", "low", "high")}
    return ChartFigure(**words, value=value, low=low, high=high)


def write_figures(figures: Iterable[ChartFigure], path: Path) -> None:
    """Write figures for `read_figures`."""
    names = [each.name for each in fields(ChartFigure)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(names)
    for figure in figures:
        values = [getattr(figure, name) for name in names]
        writer.writerow(
            "" if value is None else f"{value:.4g}" if isinstance(value, float) else value for value in values
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.4g}"


def merge(old: Iterable[ChartFigure], new: Sequence[ChartFigure]) -> list[ChartFigure]:
    """Return the figures of all panels; those of a panel that is among the new ones are all replaced."""
    panels = {(figure.chart, figure.panel) for figure in new}
    kept = [figure for figure in old if (figure.chart, figure.panel) not in panels]
    return sorted([*kept, *new], key=lambda figure: figure.chart)


def figures_of_results(results: Iterable[Result]) -> list[ChartFigure]:
    """Return the bars of what ``codesearch-eval run`` measured: shipped encoder and BM25 on two test sets."""
    found = []
    for result in results:
        system = _BM25 if result.system.name.startswith("BM25") else _ENCODER
        if result.protocol_name not in _SHOWN:
            continue
        interval = result.measures[result.headline]
        model = "" if system == _BM25 else f"{result.system.name} {result.system.precision}"
        found.append(
            ChartFigure(
                "quality",
                f"{result.protocol['title']}: {result.headline}, %",
                system,
                100 * interval.value,
                100 * interval.low,
                100 * interval.high,
                model,
                result.protocol_name,
                result.created[:10],
                result.machine["cpu"],
                f"codesearch-eval run --set {result.protocol_name} --model default --baseline bm25 --data DIR",
            )
        )
    order = {name: place for place, name in enumerate(_COLOURS)}
    return sorted(found, key=lambda figure: (_SHOWN.index(figure.data), order[figure.system]))


def figures_of_times(times: Iterable[PeerTimes], machine: Machine, model: str, load: float) -> list[ChartFigure]:
    """Return the bars of what ``codesearch-eval peers`` measured; ranges of medians are not drawn.

    Args:
        times: What was measured.
        machine: Where.
        model: Id of the encoder.
        load: Processes that others had ready to run on the machine, on average, before.
    """
    measures: tuple[tuple[str, Callable[[PeerTimes], float | None]], ...] = (
        ("first index, s", lambda one: one.index_seconds),
        ("cold question, s", lambda one: one.cold_seconds.median),
        ("warm question, ms", lambda one: None if one.warm_ms is None else one.warm_ms.median),
    )
    times = list(times)
    return [
        ChartFigure(
            "speed",
            f"{one.repository}: {title}",
            one.system,
            value,
            None,
            None,
            model if one.system == OURS else "",
            one.repository,
            date.today().isoformat(),
            f"{machine.cores} cores of {machine.cpu}, load {load:.0f} before",
            f"codesearch-eval peers {' '.join(dict.fromkeys(each.repository for each in times))} --semble PYTHON",
        )
        for title, measure in measures
        for one in times
        if (value := measure(one)) is not None
    ]


def draw_charts(figures: Sequence[ChartFigure], folder: Path) -> list[Path]:
    """Draw each chart as a PNG file of its name: one panel beside the other, one bar a system.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("charts need matplotlib: pip install 'codesearch-nl[eval]'") from error
    paths = []
    for chart in dict.fromkeys(figure.chart for figure in figures):
        panels: dict[str, list[ChartFigure]] = {}
        for figure in figures:
            if figure.chart == chart:
                panels.setdefault(figure.panel, []).append(figure)
        columns = min(3, len(panels))
        rows = -(-len(panels) // columns)
        highest = max(map(len, panels.values()))
        picture = Figure(figsize=(4.2 * columns, rows * (0.75 + 0.36 * highest)), dpi=150, layout="constrained")
        FigureCanvasAgg(picture)
        for place, (title, bars) in enumerate(panels.items(), 1):
            _draw_panel(picture.add_subplot(rows, columns, place), title, bars)
        path = folder / f"{chart}.png"
        folder.mkdir(parents=True, exist_ok=True)
        # No version of the library goes into the file, so that the same figures give the same file.
        picture.savefig(path, metadata={"Software": None})
        paths.append(path)
    return paths


def _draw_panel(axes: Axes, title: str, bars: Sequence[ChartFigure]) -> None:
    places = range(len(bars), 0, -1)
    axes.barh(places, [bar.value for bar in bars], color=[_COLOURS[bar.system] for bar in bars], height=0.7)
    for place, bar in zip(places, bars, strict=True):
        end = bar.value
        if bar.low is not None and bar.high is not None:
            errors = [[bar.value - bar.low], [bar.high - bar.value]]
            axes.errorbar(bar.value, place, xerr=errors, fmt="none", ecolor="#222222", capsize=3, elinewidth=1.2)
            end = bar.high
        axes.annotate(
            f"{bar.value:.3g}", (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize="small"
        )
    axes.set_yticks(
        places, [f"{bar.system}\n({bar.model})" if bar.model else bar.system for bar in bars], fontsize="small"
    )
    axes.set_title(title, loc="left", fontsize="medium", fontweight="bold")
    axes.margins(x=0.16)
    axes.set_xlim(left=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
