from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from codesearch.encoders.model_directory import find_model
from codesearch.errors import CodesearchError, InputError, ModelError
from codesearch_eval.cli import app
from codesearch_eval.machine import describe_machine, describe_software
from codesearch_eval.performance.child import codesearch_command, run_timed, run_weighed
from codesearch_eval.performance.throughput import Spread, measure_encoder

SOURCE = '''
def parse_json(text):
    """Parse a JSON text."""
    return json.loads(text)


def retry(action, times):
    """Try again a failed request."""
    for _ in range(times):
        action()
'''


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    root.mkdir()
    for number in range(3):
        (root / f"module_{number}.py").write_text(SOURCE)
    return root


def test_memory_of_a_child_and_of_its_children_is_seen():
    inner = "x = bytearray(80_000_000); import time; time.sleep(0.5)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    run = run_weighed([sys.executable, "-c", outer])
    assert 80_000_000 < run.peak_rss < 300_000_000
    assert run.seconds > 0.5
    small = run_weighed([sys.executable, "-c", "import time; time.sleep(0.2)"])
    assert small.peak_rss < 60_000_000


def test_processor_time_of_a_child_is_not_wall_time():
    waiting = run_timed([sys.executable, "-c", "import time; time.sleep(0.6)"])
    working = run_timed([sys.executable, "-c", "import time\nwhile time.process_time() < 0.8: pass"])
    assert waiting.seconds > 0.6
    assert waiting.cpu_seconds < 0.4
    assert 0.7 < working.cpu_seconds < working.seconds + 0.1  # the system counts in hundredths


@pytest.mark.parametrize("run", [run_timed, run_weighed])
def test_a_child_that_fails_says_why(run):
    command = [sys.executable, "-c", "import sys; sys.exit('first line\\nno such thing')"]
    with pytest.raises(CodesearchError, match=r"ended with 1: no such thing$"):
        run(command)
    assert run(command, accept=(0, 1)).seconds > 0


def test_a_child_gets_a_cache_of_its_own(tmp_path):
    command = codesearch_command(tmp_path / "cache", threads=3)
    script = "import os; print(os.environ['CODESEARCH_CACHE'], os.environ['CODESEARCH_THREADS'])"
    printed = subprocess.run(
        [*command[: command.index("-m")], "-c", script], capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == [str(tmp_path / "cache"), "3"]


def test_spread_of_a_hand_worked_example():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(median=2.0, p95=2.9, low=1.0, high=3.0, runs=3)


@pytest.mark.slow
def test_efficiency_of_a_small_repository(repository, tmp_path):
    out = tmp_path / "figures.json"
    arguments = ["efficiency", str(repository), "--model", "hashing", "--asks", "1", "--out", str(out)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    figures = json.loads(out.read_text())
    (row,) = figures["repositories"]
    assert row["name"] == "repository"
    assert row["files"] == 3
    assert row["chunks"] >= 6
    assert row["lexical_seconds"] > 0
    assert row["dense_peak_rss"] > 10_000_000
    assert row["index_bytes"] > 1000
    assert row["cold_ask_seconds"]["runs"] == 1
    assert row["warm_search_ms"]["runs"] == row["ranking_ms"]["runs"] == 80
    assert figures["model_id"].startswith("hashing")
    assert "| repository |" in done.stdout
    assert figures["machine"]["cpu"] in done.stdout


@pytest.mark.slow
def test_throughput_of_the_encoder_and_of_onnxruntime_alone():
    try:
        find_model()
    except ModelError:
        pytest.skip("this installation holds no model")
    speed = measure_encoder([SOURCE, "def f(): pass"] * 8, threads=1, rounds=1)
    assert speed.texts == 16
    assert 5 < speed.mean_tokens < 100
    assert speed.encoder_texts_per_second.median > 0
    assert set(speed.bare_texts_per_second) == {"by the batch", "by the thread"}
    assert 0.1 < speed.ratio < 10


def test_nothing_to_encode():
    with pytest.raises(InputError, match="name a repository"):
        measure_encoder([])


def test_machine_and_software_are_named():
    machine, software = describe_machine(), describe_software()
    assert machine.cpu
    assert machine.cores >= 1
    assert software.libraries["numpy"]
    assert software.codesearch
