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


PROGRAM = """
import multiprocessing
import os, sys
from pathlib import Path
import codesearch.index.extraction_workers as workers
from codesearch.records import Repository, SkippedFile
from codesearch.sources import FileRules, list_files

extract_file = workers.extract_file

def deadly(repository, rules, file, known_blob=""):
    if file.path.endswith("deadly.py") and multiprocessing.parent_process() is not None:
        os._exit(11)
    return extract_file(repository, rules, file, known_blob)

workers.extract_file = deadly  # in every process: each of them runs this file
workers._PARALLEL_FROM = 10

def main():
    repository = Repository(Path(sys.argv[1]), "bench")
    files = list_files(repository, FileRules()).files
    outcomes = list(workers.extract_files(repository, FileRules(), files, {}, workers=2))
    assert sorted(file.path for file, _ in outcomes) == [file.path for file in files]
    print(*(f"{o.path}: {o.reason.name}: {o.detail}" for _, o in outcomes if isinstance(o, SkippedFile)), sep="\\n")

GUARD
    main()
"""


def test_a_worker_that_dies_costs_the_file_that_it_died_of(bench: Any, tmp_path: Path) -> None:
    bench.fill(60)
    bench.write("package_1/deadly.py", "def deadly(): pass\n")
    bench.write("package_4/deadly.py", "def deadly(): pass\n")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.replace("GUARD", "if __name__ == '__main__':"))
    done = subprocess.run([sys.executable, script, bench.root], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n")[:-1]) == [
        f"package_{i}/deadly.py: FAILED: its grammar crashed" for i in (1, 4)
    ]


@pytest.mark.parametrize("piped", [True, False])
def test_a_program_that_cannot_start_workers_does_the_work_itself(bench: Any, tmp_path: Path, piped: bool) -> None:
    bench.fill(60)
    program = PROGRAM.replace("GUARD", "if True:")
    script = tmp_path / "program.py"
    script.write_text(program)
    command = [sys.executable, "-" if piped else str(script), str(bench.root)]
    done = subprocess.run(command, input=program, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"


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
