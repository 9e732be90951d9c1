"""Reading files in other processes, any of which may die."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from codesearch.index import extraction_workers as workers
from codesearch.index.extraction_workers import ExtractedFile, UnchangedFile, extract_files, extract_text
from codesearch.processes import children, piped
from codesearch.records import SkippedFile, SkipReason
from codesearch.sources import FileRules, blob_id, list_files

# Runs in each worker before it serves: some files do to it what a grammar may do.
DEADLY = """
import os, sys, time
sys.path[:] = sys.argv[1:]
import codesearch.extraction as extraction
original = extraction.extract

def extract(path, text, language):
    if path.endswith("abort.py"):
        os.abort()
    if path.endswith("segfault.py"):
        import ctypes
        ctypes.string_at(0)
    if path.endswith("endless.py"):
        time.sleep(600)
    if path.endswith("greedy.py"):
        hoard = [bytearray(1 << 30) for _ in range(8)]
    if path.endswith("fault.py"):
        raise RecursionError("too deep")
    return original(path, text, language)

extraction.extract = extract
from codesearch.processes.serving import serve
serve()
"""


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[piped.Crew]:
    """The workers of this process are new ones, to which grammars do what files say."""
    crew = piped.Crew()
    monkeypatch.setattr(workers, "CREW", crew)
    monkeypatch.setattr(children, "_PROGRAM", DEADLY)
    yield crew
    crew.dismiss()


@pytest.fixture
def listed(bench: Any) -> Any:
    bench.fill(60)
    return list_files(bench.repository, FileRules()).files


def left_out(bench: Any, **options: Any) -> dict[str, str]:
    """Extract all files of a repository; returns those that were left out, and why."""
    files = list_files(bench.repository, FileRules()).files
    outcomes = list(extract_files(bench.repository, bench.rules, files, {}, **options))
    assert [file for file, _ in outcomes] == list(files)
    found = [outcome for _, outcome in outcomes if isinstance(outcome, SkippedFile)]
    assert all(outcome.reason is SkipReason.FAILED for outcome in found)
    return {outcome.path: outcome.detail for outcome in found}


@pytest.mark.parametrize("how", ["abort", "segfault"])
@pytest.mark.parametrize("others", [1, 60], ids=["few", "many"])
def test_a_grammar_that_crashes_costs_the_file(
    bench: Any, crew: piped.Crew, monkeypatch: pytest.MonkeyPatch, how: str, others: int
) -> None:
    """However few files there are: the process that asks for them lives on."""
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    bench.fill(others)
    bench.write(f"package_1/{how}.py", "def deadly(): pass\n")
    bench.write(f"package_4/{how}.py", "def deadly(): pass\n")
    assert left_out(bench, workers=2) == {f"package_{i}/{how}.py": "its grammar crashed" for i in (1, 4)}


def test_a_grammar_that_never_returns_costs_the_file(
    bench: Any, crew: piped.Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.fill(3)
    bench.write("endless.py", "def endless(): pass\n")
    assert crew.call(os.path.basename, [("a/b",)]) == ["b"]  # it is running, so that only the file has to be waited for
    monkeypatch.setattr(piped, "_CALL_SECONDS", 5.0)
    assert left_out(bench) == {"endless.py": "its grammar did not end"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory")
def test_a_grammar_that_wants_all_memory_costs_the_file(bench: Any, crew: piped.Crew) -> None:
    bench.fill(3)
    bench.write("greedy.py", "def greedy(): pass\n")
    assert left_out(bench) == {"greedy.py": "MemoryError: "}


def test_a_fault_in_one_file_costs_that_file(bench: Any, crew: piped.Crew) -> None:
    bench.fill(3)
    bench.write("fault.py", "def fault(): pass\n")
    assert left_out(bench) == {"fault.py": "RecursionError: too deep"}


def test_what_crashed_a_grammar_is_said_and_not_read_again(bench: Any, crew: piped.Crew) -> None:
    bench.fill(3)
    bench.write("abort.py", "def deadly(): pass\n")
    bench.index()
    with bench.snapshot() as snapshot:
        assert [(file.path, file.detail) for file in snapshot.skipped()] == [("abort.py", "its grammar crashed")]
        assert snapshot.counts().files == 3
    time.sleep(0.01)
    assert bench.index().chunks == 9


def test_an_unsaved_text_that_crashes_a_grammar_costs_that_text(crew: piped.Crew) -> None:
    assert extract_text("abort.py", "def deadly(): pass\n") == []
    assert [chunk.name for chunk in extract_text("a.py", "def sound(): pass\n")] == ["sound"]


def test_one_process_serves_one_call_after_the_other(crew: piped.Crew) -> None:
    pids = {crew.call(os.getpid, [()])[0] for _ in range(3)}
    assert len(pids) == 1
    assert pids != {os.getpid()}


def test_a_process_that_was_killed_while_idle_is_replaced(crew: piped.Crew) -> None:
    (pid,) = crew.call(os.getpid, [()])
    psutil.Process(pid).kill()
    (other,) = crew.call(os.getpid, [()])
    assert isinstance(other, int)
    assert other != pid


@pytest.mark.skipif(sys.platform != "linux", reason="needs a safe fork")
def test_a_copy_of_the_process_serves_as_well_and_ends_with_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import os, time\n"
        "from codesearch.processes.piped import CREW\n"
        "secret = open(os.devnull)\n"
        "CREW.start_ahead()\n"
        "print(*CREW.call(os.getpid, [()]), *CREW.call(os.getppid, [()]), os.getpid(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker, parent, here = map(int, process.stdout.readline().split())
        copy = psutil.Process(worker)
        assert parent == here
        # It is a copy and no program of its own, and holds neither the terminal nor what else was open.
        assert copy.cmdline()[-1] == str(program)
        assert Path(f"/proc/{worker}/fd/1").readlink() == Path(os.devnull)
        assert len(list(Path(f"/proc/{worker}/fd").iterdir())) <= 6
        process.kill()
        _, alive = psutil.wait_procs([copy], 10)
        assert not alive


def test_a_program_that_cannot_start_workers_does_the_work_itself(
    bench: Any, listed: Any, crew: piped.Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_PROGRAM", "raise SystemExit(1)")
    assert [file for file, _ in extract_files(bench.repository, bench.rules, listed, {})] == list(listed)

    def impossible(*_: Any, **__: Any) -> Any:
        raise OSError("there are too many processes")

    monkeypatch.setattr(children.subprocess, "Popen", impossible)
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    outcomes = list(extract_files(bench.repository, bench.rules, listed, {}, workers=2))
    assert [file for file, _ in outcomes] == list(listed)
    assert all(isinstance(outcome, ExtractedFile) for _, outcome in outcomes)


@pytest.mark.parametrize("piped_in", [True, False])
def test_workers_need_no_guard_in_the_program_that_starts_them(bench: Any, tmp_path: Path, piped_in: bool) -> None:
    bench.fill(60)
    program = (
        "import sys\nfrom pathlib import Path\nimport codesearch.index.extraction_workers as workers\n"
        "from codesearch.records import Repository\nfrom codesearch.sources import FileRules, list_files\n"
        "workers._PARALLEL_FROM = 10\nrepository = Repository(Path(sys.argv[1]), 'bench')\n"
        "files = list_files(repository, FileRules()).files\n"
        "print(len(list(workers.extract_files(repository, FileRules(), files, {}, workers=2))))\n"
    )
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, "-" if piped_in else "program.py", str(bench.root)]
    done = subprocess.run(command, cwd=tmp_path, input=program, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("60\n", "")


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


def test_only_so_many_files_are_under_way(bench: Any, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files there are, few outcomes wait in memory for the caller to take them."""
    submitted = 0

    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            nonlocal submitted
            submitted += 1
            return super().submit(*arguments, **options)

    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    monkeypatch.setattr(workers, "_FILES_PER_TASK", 1)
    monkeypatch.setattr(workers, "ThreadPoolExecutor", Counting)
    outcomes = extract_files(bench.repository, bench.rules, listed, {}, workers=2)
    next(outcomes)
    time.sleep(0.2)
    assert submitted == 8
    outcomes.close()
