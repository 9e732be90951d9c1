"""The measurement of the picker, small: what it measures must be there, whatever the figures are."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from codesearch.errors import CodesearchError
from codesearch_eval.cli import app
from codesearch_eval.performance.picker_latency import measure_picker, picker_table


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_a_small_repository_is_measured(size: tuple[int, int]) -> None:
    columns, rows = size
    figures = measure_picker(files=10, columns=columns, rows=rows, questions=["read json"], model="hashing")
    assert figures.chunks == 100
    assert figures.results.runs > 0
    assert figures.echo.runs == len("read json")
    assert "key to results, ms" in picker_table(figures)
    assert f"{columns}x{rows}" in picker_table(figures)


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodesearchError, match="cannot be cloned"):
        measure_picker(tmp_path / "nowhere")
    result = CliRunner().invoke(app, ["picker", "--size", "wide"])
    assert result.exit_code != 0
    assert "no size of a terminal" in result.output
