from __future__ import annotations

import pytest
from typer.testing import CliRunner

from codesearch.index import graphs
from codesearch.index.graphs import graph_libraries, graph_library
from codesearch_eval.cli import app
from codesearch_eval.machine import describe_machine
from codesearch_eval.performance.neighbours import measure_neighbours


def test_a_graph_of_few_vectors_finds_what_exact_search_finds():
    figures = measure_neighbours([20, 300], dimension=16, questions=5)
    assert [size.vectors for size in figures.sizes] == [20, 300]
    for size in figures.sizes:
        assert size.search_ms >= 0
        assert (size.graph is not None) == (graph_library() is not None)
        if size.graph is not None:
            assert size.graph.recall > 0.95
            assert size.graph.file_bytes > 16 * size.vectors


@pytest.mark.parametrize("library", graph_libraries())
def test_the_named_library_builds_the_graph_and_searches_it(library, monkeypatch):
    used = []
    for name, graph in (("usearch", graphs._UsearchGraph), ("hnswlib", graphs._HnswlibGraph)):
        for step in ("save", "search"):
            before = getattr(graph, step)
            monkeypatch.setattr(
                graph,
                step,
                lambda *args, _before=before, _use=(name, step), **options: (
                    used.append(_use) or _before(*args, **options)
                ),
            )
    done = CliRunner().invoke(app, ["vectors", "--sizes", "200", "--library", library], catch_exceptions=False)
    assert f"graphs by {library}" in done.stdout
    assert set(used) == {(library, "save"), (library, "search")}


def test_a_library_that_is_not_there_is_refused():
    done = CliRunner().invoke(app, ["vectors", "--library", "faiss"], catch_exceptions=False)
    assert done.exit_code == 2
    assert "faiss is not installed" in done.stderr


def test_the_command_prints_a_table():
    done = CliRunner().invoke(app, ["vectors", "--sizes", "10,200"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "| vectors |" in done.stdout
    assert "| 200     |" in done.stdout
    assert describe_machine().cpu in done.stdout


@pytest.mark.parametrize("sizes", ["", "many", "10,,20", "3"])
def test_sizes_that_are_none_are_refused(sizes):
    done = CliRunner().invoke(app, ["vectors", "--sizes", sizes], catch_exceptions=False)
    assert done.exit_code == 2
    assert "such as 10000,50000" in done.stderr
