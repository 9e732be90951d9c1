from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codesearch.errors import InputError
from codesearch_eval.charts import (
    ChartFigure,
    draw_charts,
    figures_of_times,
    merge,
    read_figures,
    write_figures,
)
from codesearch_eval.cli import app
from codesearch_eval.machine import Machine
from codesearch_eval.performance.peers import PeerTimes
from codesearch_eval.performance.throughput import Spread

MACHINE = Machine("Intel 8086", 2, 0.6, "", "Linux x86_64")
BAR = ChartFigure(
    "quality", "CSN: MRR, %", "encoder alone", 88.18, 87.5, 88.9, "m-1 int8", "csn", "2026-12-01", "Intel", "do it"
)


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    figures = [BAR, replace(BAR, system="git grep", low=None, high=None, model="", day="")]
    write_figures(figures, tmp_path / "new" / "figures.tsv")
    assert read_figures(tmp_path / "new" / "figures.tsv") == figures


@pytest.mark.parametrize(
    "damage", [("88.18", ""), ("88.18", "x"), ("88.18", "99"), ("encoder alone", "Lycos"), ("\tsystem", "\tname")]
)
def test_a_damaged_file_is_refused(damage: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "figures.tsv"
    write_figures([BAR], path)
    path.write_text(path.read_text().replace(*damage))
    with pytest.raises(InputError, match="holds no figures"):
        read_figures(path)
    with pytest.raises(InputError, match="holds no figures"):
        read_figures(tmp_path / "nowhere.tsv")


def test_new_figures_replace_the_panel_that_they_are_of() -> None:
    other, grep = replace(BAR, panel="CoSQA: MRR, %"), replace(BAR, system="git grep")
    new = replace(BAR, value=90.0)
    assert merge([BAR, grep, other], [new]) == [other, new]


def test_times_become_bars_with_what_they_were_measured_on() -> None:
    spread = Spread(0.5, 0.9, 0.4, 1.0, 7)
    times = [PeerTimes("shop", "codesearch", 3.0, spread, spread), PeerTimes("shop", "git grep", None, spread, None)]
    bars = figures_of_times(times, MACHINE, "m-1", 0.4)
    assert [(bar.panel, bar.system, bar.value) for bar in bars] == [
        ("shop: first index, s", "codesearch", 3.0),
        ("shop: cold question, s", "codesearch", 0.5),
        ("shop: cold question, s", "git grep", 0.5),
        ("shop: warm question, ms", "codesearch", 0.5),
    ]
    assert {bar.machine for bar in bars} == {"2 cores of Intel 8086, load 0 before"}
    assert [bar.model for bar in bars] == ["m-1", "m-1", "", "m-1"]
    assert bars[0].command == "codesearch-eval peers shop --semble PYTHON"


def test_a_chart_is_drawn_for_each_name_and_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figures = [
        BAR,
        replace(BAR, system="git grep", value=40.0, low=39.0, high=42.0),
        replace(BAR, chart="speed", low=None, high=None),
    ]
    write_figures(figures, tmp_path / "figures.tsv")
    done = CliRunner().invoke(app, ["charts", "--figures", str(tmp_path / "figures.tsv")], catch_exceptions=False)
    assert [line.rpartition("/")[2] for line in done.output.splitlines()] == ["quality.png", "speed.png"]
    drawn = (tmp_path / "quality.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    draw_charts(figures, tmp_path / "again")
    assert (tmp_path / "again" / "quality.png").read_bytes() == drawn
    draw_charts([replace(BAR, value=88.0), *figures[1:]], tmp_path / "other")
    assert (tmp_path / "other" / "quality.png").read_bytes() != drawn
