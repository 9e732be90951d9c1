from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from codesearch.errors import InputError
from codesearch_eval.cli import app, main
from codesearch_eval.encoder.comparison import compare
from codesearch_eval.encoder.datasets import DataFolder
from codesearch_eval.encoder.evaluation import load_tasks
from codesearch_eval.encoder.protocols import PROTOCOLS, SETS
from codesearch_eval.encoder.published import published_figures
from codesearch_eval.encoder.report import by_protocol, protocol_table, write_report
from codesearch_eval.encoder.results import read_result, read_results, write_result
from codesearch_eval.markdown import markdown_table


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def refused(message, *arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("codesearch-eval: ")
    assert message in result.stderr


@pytest.fixture
def evaluated(small_data, tmp_path):
    """A folder with the results of two systems on everything."""
    out = tmp_path / "results"
    common = ("--data", small_data, "--out", out, "--vectors", tmp_path / "vectors")
    result = invoke("run", "-s", "dev", "-s", "test", "-m", "hashing", "-b", "bm25", *common)
    assert result.exit_code == 0
    return out


def test_run_writes_one_file_per_system_and_protocol(evaluated):
    results = read_results([evaluated])
    names = sorted((result.protocol_name, result.system.name) for result in results)
    systems = ("BM25, split words", "hashing")
    assert names == sorted((name, system) for name in (*SETS["dev"], *SETS["test"]) for system in systems)
    for result in results:
        headline = result.measures[result.headline]
        assert 0 <= headline.low <= headline.value <= headline.high <= 1
        assert result.machine["cpu"]
        assert result.software["codesearch"]
        assert result.created.endswith("+00:00")


def test_a_result_survives_its_file(evaluated, tmp_path):
    for result in read_results([evaluated]):
        path = write_result(result, tmp_path / "copy")
        assert read_result(path) == result
        assert (evaluated / path.name).read_bytes() == path.read_bytes()


def test_figures_of_a_result_agree_with_its_questions(evaluated):
    result = read_result(evaluated / "csn-1000--bm25-split-words.json")
    means = [sum(group.per_query) / len(group.per_query) for group in result.groups.values()]
    assert result.measures["MRR"].value == pytest.approx(sum(means) / 6, abs=1e-6)
    assert result.groups["go"].measures["MRR"].value == pytest.approx(means[0], abs=1e-6)
    assert result.groups["go"].queries == result.groups["go"].candidates == 12


def test_test_sets_come_with_a_warning_and_development_sets_without(small_data, tmp_path):
    common = ("-b", "bm25", "--data", small_data, "--out", tmp_path)
    assert "cosqa-test: test data. Look rarely" in invoke("run", "-s", "cosqa-test", *common).stderr
    assert "warning" not in invoke("run", "-s", "dev", *common).stderr


def test_dimensions_make_a_system_of_their_own(small_data, tmp_path):
    common = ("-s", "staqc-dev", "-m", "hashing", "--data", small_data, "--out", tmp_path)
    for dimensions in ((), ("--dimensions", 16)):
        invoke("run", *common, *dimensions)
    assert [result.system.dimension for result in read_results([tmp_path])] == [16, 64]


def test_data_is_looked_for_before_models_are(small_data, tmp_path):
    (small_data / "cosqa/cosqa-retrieval-dev-500.json.gz").unlink()
    arguments = ("run", "-s", "dev", "-m", "no-such-model", "--data", small_data, "--out", tmp_path / "out")
    refused("cosqa-retrieval-dev", *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "-s", "everything", "-b", "bm25"], "choose from dev, test, csn-1000"),
        (["run", "-b", "bm25"], "--data DIR"),
        (["report", "absent.json"], "absent.json cannot be read"),
        (["report", "."], "codesearch-eval run"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CODESEARCH_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["codesearch-eval", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_nothing_to_evaluate_and_unknown_names(small_data, tmp_path):
    common = ("run", "-s", "staqc-dev", "--data", small_data, "--out", tmp_path)
    refused("--baseline", *common)
    refused("minilm-split", *common, "-b", "bm52")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_what_is_no_result_is_refused(content, tmp_path):
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"r\.json"):
        read_result(path)


def test_compare_says_by_how_much_the_second_is_better(evaluated):
    files = [evaluated / f"cosqa-dev--{name}.json" for name in ("hashing", "bm25-split-words")]
    first, second = (read_result(file) for file in files)
    found = compare(first, second)
    gain = second.measures["MRR"].value - first.measures["MRR"].value
    assert found.difference.value == pytest.approx(gain, abs=1e-6)
    printed = invoke("compare", *files).stdout
    assert f"{100 * gain:+.2f} points of MRR" in printed
    assert "5 questions" in printed


def test_compare_refuses_other_rules_other_questions_and_missing_figures(evaluated):
    result = read_result(evaluated / "cosqa-dev--hashing.json")
    with pytest.raises(InputError, match="rules differ"):
        compare(result, read_result(evaluated / "staqc-dev--hashing.json"))
    group = result.groups["python"]
    other = replace(result, groups={"python": replace(group, query_hash="0")})
    with pytest.raises(InputError, match="different questions"):
        compare(result, other)
    bare = replace(result, groups={"python": replace(group, per_query=None)})
    with pytest.raises(InputError, match="--no-per-query"):
        compare(result, bare)


def test_report_holds_every_protocol_once_with_published_figures_beside(evaluated, tmp_path):
    path = write_report(read_results([evaluated]), tmp_path / "report")
    text = path.read_text()
    for name in (*SETS["dev"], *SETS["test"]):
        assert text.count(f"Name: `{name}`") == 1
        image = tmp_path / "report" / f"{name}.png"
        assert image.read_bytes().startswith(b"\x89PNG")
    for figure in published_figures():
        assert f"*{figure.system}*" in text
    # Not one line of the text holds figures of two protocols.
    assert "cpt-code" not in text.split("Name: `cosqa-test`")[1]


def test_tables_are_sorted_and_columns_are_aligned(evaluated):
    results = by_protocol(read_results([evaluated]))["csn-1000"]
    published = [figure for figure in published_figures() if figure.protocol == "csn-1000"]
    lines = protocol_table(results, published).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split("|")[2].strip() == "Go"
    figures = [float(line.split("|")[8].strip(" *").split(" ")[0]) for line in lines[2:]]
    assert figures == sorted(figures, reverse=True)
    assert len(figures) == 2 + len(published)


def test_one_system_twice_or_rules_that_changed_do_not_share_a_table(evaluated):
    result = read_result(evaluated / "cosqa-dev--hashing.json")
    with pytest.raises(InputError, match="two results of hashing"):
        by_protocol([result, result])
    changed = replace(result, protocol={**result.protocol, "ties": "expected"})
    with pytest.raises(InputError, match="different rules"):
        by_protocol([result, changed])
    retitled = replace(result, protocol={**result.protocol, "title": "CoSQA, development"})
    assert len(by_protocol([read_result(evaluated / "cosqa-dev--bm25-split-words.json"), retitled])["cosqa-dev"]) == 2


def test_pools_hold_what_a_development_protocol_asks_and_ranks(small_data, tmp_path):
    result = invoke("pools", "--set", "dev", "--data", small_data, "--out", tmp_path / "pools")
    assert result.exit_code == 0
    written = sorted((tmp_path / "pools").iterdir())
    assert [path.name for path in written] == sorted(f"{name}.pools.gz" for name in SETS["dev"])
    for path in written:
        (line,) = gzip.decompress(path.read_bytes()).decode().splitlines()
        pool = json.loads(line)
        (task,) = load_tasks(DataFolder(small_data), PROTOCOLS[path.name.removesuffix(".pools.gz")])
        assert pool["queries"] == list(task.queries)
        assert pool["documents"] == list(task.documents)
        assert pool["relevant"] == [list(columns) for columns in task.relevant()]


def test_pools_are_never_made_of_test_data(small_data, tmp_path):
    refused("tuned to it", "pools", "--set", "csn-1000", "--data", small_data, "--out", tmp_path / "pools")
    assert not list(tmp_path.glob("pools/*"))


def test_protocols_are_listed():
    printed = invoke("protocols").stdout
    assert "csn-challenge-pool" in printed
    assert "--set dev: csn-valid-ruby" in printed


def test_markdown_table():
    assert markdown_table(["a", "b"], [["x", "1"]]) == "| a   |   b |\n| --- | --: |\n| x   |   1 |"


def test_help_loads_nothing_heavy():
    heavy = {"torch", "transformers", "matplotlib", "sentence_transformers", "onnxruntime", "bm25s"}
    code = "import sys, json, codesearch_eval.cli; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy.isdisjoint(json.loads(done.stdout))
