"""Reading many files in several processes, one of which may die."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from codesearch.index import extraction_workers as workers
from codesearch.index.extraction_workers import ExtractedFile, UnchangedFile, extract_files
from codesearch.records import SkippedFile, SkipReason
from codesearch.sources import FileRules, blob_id, list_files


@pytest.fixture
def listed(bench: Any) -> Any:
    bench.fill(60)
    return list_files(bench.repository, FileRules()).files


def test_few_files_start_no_process(bench: Any, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", None)
    outcomes = list(extract_files(bench.repository, bench.rules, listed, {}, workers=2))
    assert [file for file, _ in outcomes] == list(listed)


def test_processes_give_what_one_gives_in_the_same_order(
    bench: Any, listed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = list(extract_files(bench.repository, bench.rules, listed, {}, workers=1))
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    assert list(extract_files(bench.repository, bench.rules, listed, {}, workers=2)) == alone


def test_a_known_content_is_not_split_again(bench: Any, listed: Any) -> None:
    first, second = listed[:2]
    known = {first.path: blob_id((bench.root / first.path).read_bytes()), second.path: "other"}
    outcomes = dict(extract_files(bench.repository, bench.rules, [first, second], known))
    assert isinstance(outcomes[first], UnchangedFile)
    assert isinstance(outcomes[second], ExtractedFile)


def test_a_fault_in_one_file_costs_that_file(bench: Any, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    extract = workers.extract

    def faulty(path: str, *rest: Any) -> Any:
        if path.endswith("module_7.py"):
            raise RecursionError("too deep")
        return extract(path, *rest)

    monkeypatch.setattr(workers, "extract", faulty)
    skipped = [o for _, o in extract_files(bench.repository, bench.rules, listed, {}) if isinstance(o, SkippedFile)]
    assert skipped == [SkippedFile("package_2/module_7.py", SkipReason.FAILED, "RecursionError: too deep")]


DEADLY = """
import multiprocessing
import os
import codesearch.index.extraction_workers as workers

original_file, original_task = workers.extract_file, workers._extract_task

def extract_file(repository, rules, file, known_blob=""):
    if file.path.endswith("deadly.py") and multiprocessing.parent_process() is not None:
        os._exit(11)
    return original_file(repository, rules, file, known_blob)

def extract_task(repository, rules, task):
    return original_task(repository, rules, task)

def die(*_):
    os._exit(11)

workers.extract_file = extract_file  # in every process: workers import this module for the function of their task
workers._extract_task = extract_task
workers._PARALLEL_FROM = 10
"""

PROGRAM = """
import os, sys
from pathlib import Path
import codesearch.processes as processes
import deadly
from codesearch.records import Repository, SkippedFile
from codesearch.sources import FileRules, list_files

if "dying" in sys.argv:
    processes._begin_work = deadly.die

started = 0
start_pool = deadly.workers.start_pool

def counted(*arguments, **options):
    global started
    started += 1
    return start_pool(*arguments, **options)

deadly.workers.start_pool = counted
repository = Repository(Path(sys.argv[1]), "bench")
files = list_files(repository, FileRules()).files
outcomes = list(deadly.workers.extract_files(repository, FileRules(), files, {}, workers=2))
assert sorted(file.path for file, _ in outcomes) == [file.path for file in files]
print("started" if started == 1 else "started again")
print(*(f"{o.path}: {o.reason.name}: {o.detail}" for _, o in outcomes if isinstance(o, SkippedFile)), sep="\\n")
"""


def run_program(folder: Path, *arguments: object, piped: bool = False) -> list[str]:
    """Run a program that extracts all files of a repository with two workers; returns the lines that it prints."""
    (folder / "deadly.py").write_text(DEADLY)
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-" if piped else "program.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, input=PROGRAM, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_a_worker_that_dies_costs_the_file_that_it_died_of(bench: Any, tmp_path: Path) -> None:
    bench.fill(60)
    bench.write("package_1/deadly.py", "def deadly(): pass\n")
    bench.write("package_4/deadly.py", "def deadly(): pass\n")
    said = run_program(tmp_path, bench.root)
    assert sorted(said[1:]) == [f"package_{i}/deadly.py: FAILED: its grammar crashed" for i in (1, 4)]


@pytest.mark.parametrize("piped", [True, False])
def test_workers_need_no_guard_in_the_program_that_starts_them(bench: Any, tmp_path: Path, piped: bool) -> None:
    bench.fill(60)
    assert run_program(tmp_path, bench.root, piped=piped) == ["started", ""]


def test_a_program_that_cannot_start_workers_does_the_work_itself(bench: Any, tmp_path: Path) -> None:
    bench.fill(60)
    assert run_program(tmp_path, bench.root, "dying") == ["started again", ""]


def test_no_processes_at_all(bench: Any, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def impossible(*_: Any, **__: Any) -> ProcessPoolExecutor:
        raise OSError("this system has no semaphores")

    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", impossible)
    outcomes = list(extract_files(bench.repository, bench.rules, listed, {}, workers=2))
    assert [file for file, _ in outcomes] == list(listed)


def test_only_so_many_files_are_under_way(bench: Any, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files there are, few outcomes wait in memory for the caller to take them."""
    submitted = 0

    class Counting(ProcessPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            nonlocal submitted
            submitted += 1
            return super().submit(*arguments, **options)

    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    monkeypatch.setattr(workers, "_FILES_PER_TASK", 1)
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", Counting)
    outcomes = extract_files(bench.repository, bench.rules, listed, {}, workers=2)
    next(outcomes)
    time.sleep(0.2)
    assert submitted == 8
    outcomes.close()
