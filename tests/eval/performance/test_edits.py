from __future__ import annotations

import pytest
from typer.testing import CliRunner

from codesearch.errors import InputError
from codesearch_eval.cli import app
from codesearch_eval.performance.edits import edits_table, make_repository, measure_edits


def test_the_same_seed_makes_the_same_repository(tmp_path):
    first, second, other = (
        [file.read_text() for file in make_repository(tmp_path / name, 3, seed)]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == second
    assert first != other
    assert (tmp_path / "a" / ".git").is_dir()


def test_both_kinds_of_update_are_measured():
    figures = measure_edits(6, edited=2, rounds=2, settle_seconds=0)
    assert (figures.files, figures.edited) == (6, 2)
    assert figures.chunks >= 60
    assert figures.unchanged.wall.runs == 4
    assert figures.changed.wall.runs == 2
    assert 0 < figures.changed.wall.low <= figures.changed.wall.median
    table = edits_table(figures)
    assert "| nothing changed" in table
    assert "| 2 files edited" in table
    assert figures.machine.cpu in table


def test_more_edits_than_files_are_refused():
    with pytest.raises(InputError, match="cannot edit 10 of 5 files"):
        measure_edits(5)


def test_the_command_counts_its_files():
    assert CliRunner().invoke(app, ["edits", "--files", "0"]).exit_code == 2
