"""The measurement of the language server, small: what it measures must be there, whatever the figures are."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.errors import CodesearchError, InputError
from codesearch_eval.performance.lsp_latency import lsp_table, measure_lsp


def test_a_small_workspace_is_measured() -> None:
    figures = measure_lsp(files=10, saves=5, save_seconds=0.5, rounds=1, model="hashing")
    assert (figures.files, figures.chunks) == (10, 100)
    assert figures.storm.runs > 0
    assert 0 < figures.memory_quiet < 2_000
    table = lsp_table(figures)
    assert "question during 5 saves in 0.5 s, ms" in table
    assert "10 files, 100 chunks" in table


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodesearchError, match="cannot be cloned"):
        measure_lsp(tmp_path / "nowhere")


def test_a_repository_without_python_is_refused(tmp_path: Path) -> None:
    from tests.lsp.session import git

    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Nothing")
    with pytest.raises(InputError, match="no Python file"):
        measure_lsp(tmp_path)
