from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch_eval.performance.duplicates import duplicates_table, measure_duplicates
from codesearch_eval.performance.edits import make_repository


def test_time_memory_and_recall_are_measured(tmp_path: Path) -> None:
    make_repository(tmp_path / "r", 8)
    figures = measure_duplicates([str(tmp_path / "r")])
    assert (figures.repositories, figures.functions, figures.model) == (("r",), 80, "hashing-384")
    assert list(figures.runs) == ["exact", "near", "semantic"]
    assert all(run.seconds > 0 and run.peak_rss > 10 << 20 for run in figures.runs.values())
    assert figures.recall == 1.0
    table = duplicates_table(figures)
    assert "| semantic |" in table
    assert "80 functions of r" in table


def test_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name repositories"):
        measure_duplicates([])
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="no two functions"):
        measure_duplicates([str(tmp_path)])
