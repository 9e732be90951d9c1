"""Plots of results: per protocol, every system's headline with its confidence interval, and its languages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.errors import MissingExtra
from codesearch_eval.encoder.protocols import LANGUAGE_TITLES
from codesearch_eval.encoder.published import PublishedFigure
from codesearch_eval.encoder.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_protocol"]

# Okabe and Ito's palette: told apart by colour-blind readers and in grey.
_COLOURS = {
    "go": "#0072B2",
    "java": "#E69F00",
    "javascript": "#009E73",
    "php": "#CC79A7",
    "python": "#56B4E9",
    "ruby": "#D55E00",
}
_OURS, _THEIRS, _RANGE = "#222222", "#777777", "#DDDDDD"


def draw_protocol(results: Sequence[Result], published: Sequence[PublishedFigure], path: Path) -> None:
    """Draw one protocol's systems, best on top, into a PNG file.

    A black dot with whiskers is the headline with its 95% confidence interval; coloured marks are the
    languages; a hollow grey dot is a published figure, which has no interval.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("plots need matplotlib: pip install 'codesearch-nl[eval]'") from error

    systems: list[Result | PublishedFigure] = sorted([*results, *published], key=_headline)
    figure = Figure(figsize=(8.0, 1.5 + 0.36 * len(systems)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for height, system in enumerate(systems):
        if isinstance(system, PublishedFigure):
            axes.plot(100 * system.value, height, "o", mfc="white", mec=_THEIRS, mew=1.4, ms=7, zorder=4)
            _draw_languages(axes, height, {name: 100 * value for name, value in system.groups.items()})
        else:
            _draw_result(axes, height, system)
    axes.set_yticks(range(len(systems)), [_label(system) for system in systems])
    right = axes.get_yaxis_transform()  # x in fractions of the axes, y in rows
    for height, (tick, system) in enumerate(zip(axes.get_yticklabels(), systems, strict=True)):
        colour = _THEIRS if isinstance(system, PublishedFigure) else _OURS
        tick.set_color(colour)
        axes.text(1.02, height, f"{100 * _headline(system):.1f}", color=colour, va="center", transform=right)
    axes.set_xlabel(f"{results[0].headline}, %")
    axes.set_title(results[0].protocol["title"], loc="left", fontweight="bold")
    axes.grid(axis="x", color=_RANGE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(y=0.6 / max(len(systems), 1))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _draw_legend(figure, axes, list(results[0].groups), bool(published))
    figure.savefig(path)


def _draw_result(axes: Axes, height: float, result: Result) -> None:
    interval = result.measures[result.headline]
    errors = [[100 * (interval.value - interval.low)], [100 * (interval.high - interval.value)]]
    axes.errorbar(
        100 * interval.value,
        height,
        xerr=errors,
        fmt="o",
        color=_OURS,
        markersize=7,
        capsize=3,
        elinewidth=1.6,
        zorder=4,
    )
    if len(result.groups) > 1:
        languages = {name: 100 * group.measures[result.headline].value for name, group in result.groups.items()}
        _draw_languages(axes, height, languages)


def _draw_languages(axes: Axes, height: float, values: dict[str, float]) -> None:
    if values:
        axes.plot([min(values.values()), max(values.values())], [height, height], color=_RANGE, lw=5, zorder=2)
    for name, value in values.items():
        axes.plot(value, height, "|", color=_COLOURS[name], ms=13, mew=2.6, zorder=3)


def _draw_legend(figure: Figure, axes: Axes, languages: Sequence[str], published: bool) -> None:
    axes.plot([], [], "o", color=_OURS, label="mean, 95% interval" if len(languages) > 1 else "value, 95% interval")
    if published:
        axes.plot([], [], "o", mfc="white", mec=_THEIRS, mew=1.4, label="published")
    for name in languages if len(languages) > 1 else ():
        axes.plot([], [], "|", color=_COLOURS[name], ms=11, mew=2.6, label=LANGUAGE_TITLES[name])
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize="small")


def _label(system: Result | PublishedFigure) -> str:
    if isinstance(system, PublishedFigure):
        return system.system
    return " ".join(part for part in (system.system.name, system.system.precision) if part)


def _headline(system: Result | PublishedFigure) -> float:
    return system.value if isinstance(system, PublishedFigure) else system.measures[system.headline].value
