"""The indexing process from end to end: what it answers, and what becomes of it when somebody dies."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from codesearch.errors import IndexUnusable, NothingToIndex, Unusable, WorkerCrash, WorkerFault
from codesearch.index.progress import Phase, Progress, UpdateReport
from codesearch.index.snapshot import Counts, Snapshot
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.messages import (
    DocumentChunks,
    EncoderChoice,
    Ending,
    ExtractRequest,
    Message,
    UpdateFinished,
    UpdateNotice,
    UpdateProgress,
    UpdateRequest,
    WordsCommitted,
    WorkFailed,
)
from codesearch.upkeep.plan import Job, plan
from codesearch.upkeep.worker import Worker

WriteTree = Callable[[Path, Mapping[str, str]], Path]

PATIENCE = 60.0
QUICK = EncoderChoice("hashing")
SLOW = EncoderChoice()  # the shipped model


class Conversation:
    """What a worker has said about one request."""

    def __init__(self, worker: Worker, react: Callable[[Message], None] = lambda _: None) -> None:
        self.worker = worker
        self.number = worker.new_number()
        self.said: list[Message] = []
        self._react = react
        self._ended = threading.Event()

    def update(self, job: Job, encoder: EncoderChoice | None = QUICK, **options: Any) -> Conversation:
        self.worker.send(UpdateRequest(self.number, job, encoder, **options), self._listen)
        return self

    def extract(self, path: str, text: str) -> Conversation:
        self.worker.send(ExtractRequest(self.number, path, text), self._listen)
        return self

    def _listen(self, message: Message) -> None:
        assert not self._ended.is_set(), "nothing follows the end"
        self.said.append(message)
        self._react(message)
        if isinstance(message, Ending):
            self._ended.set()

    def ending(self) -> Ending:
        assert self._ended.wait(PATIENCE), "no answer"
        message = self.said[-1]
        assert isinstance(message, Ending)
        return message

    @property
    def kinds(self) -> list[type[Message]]:
        return [type(message) for message in self.said]


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def job_for(root: Path, **patterns: tuple[str, ...] | None) -> Job:
    return plan(open_repository(str(root), cache=root), load_settings(root), **patterns)  # type: ignore[arg-type]


def counts(job: Job) -> Counts:
    with Snapshot(job.directory) as snapshot:
        return snapshot.counts()


def many(files: int, functions: int = 20) -> dict[str, str]:
    return {
        f"m{n}.py": "\n\n".join(f"def f_{n}_{k}(x):\n    return x + {n * k}\n" for k in range(functions))
        for n in range(files)
    }


def finished(updating: Generator[Progress, None, UpdateReport | None]) -> UpdateReport | None:
    while True:
        try:
            next(updating)
        except StopIteration as stop:
            report: UpdateReport | None = stop.value
            return report


def child_of(worker: Worker) -> psutil.Process:
    assert worker._process is not None
    return psutil.Process(worker._process.pid)


# --- updates ------------------------------------------------------------------------------------------------


def test_two_repositories_are_indexed_by_words_first_and_each_once(
    worker: Worker, sample: Path, tmp_path: Path, write_tree: WriteTree
) -> None:
    jobs = [job_for(sample), job_for(write_tree(tmp_path / "other", {"a.py": "def f():\n    return 1\n"}))]
    for file in sample.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))  # a file that has just been written is read again
    conversations = [Conversation(worker).update(job) for job in jobs]
    for conversation, job in zip(conversations, jobs, strict=True):
        ending = conversation.ending()
        assert isinstance(ending, UpdateFinished)
        assert ending.report is not None
        assert ending.report.files == counts(job).files
        assert counts(job).pending == 0
        assert conversation.kinds.count(WordsCommitted) == 1
        assert UpdateProgress in conversation.kinds
        assert {message.number for message in conversation.said} == {conversation.number}
    again = Conversation(worker).update(jobs[0], unless_current=True)
    assert again.ending() == UpdateFinished(again.number)
    assert again.kinds == [UpdateFinished], "what is current is left alone"
    words = Conversation(worker).update(job_for(sample, exclude=("*.md",)), None, rebuild=True)
    assert isinstance(words.ending(), UpdateFinished)
    held = counts(jobs[0])
    assert (held.vectors, held.files) == (0, 5)
    assert held.pending > 0
    assert job_for(sample).exclude == ("*.md",), "patterns of the job are remembered"


def test_an_update_that_is_stopped_has_committed_what_it_made(
    worker: Worker, tmp_path: Path, write_tree: WriteTree
) -> None:
    job = job_for(write_tree(tmp_path / "many", many(40)))

    def stop(message: Message) -> None:
        if isinstance(message, UpdateProgress) and message.progress.phase is Phase.ENCODING and message.progress.done:
            worker.stop(message.number)

    conversation = Conversation(worker, stop).update(job, SLOW)
    assert conversation.ending() == UpdateFinished(conversation.number, stopped=True)
    held = counts(job)
    assert held.files == 40
    assert held.vectors > 0
    assert held.pending > 0
    worker.stop(conversation.number)  # which is none any more


def test_what_encodes_gives_way_until_later_ones_are_found_by_words(
    worker: Worker, sample: Path, tmp_path: Path, write_tree: WriteTree
) -> None:
    order: list[str] = []
    began = threading.Event()

    def note(name: str) -> Callable[[Message], None]:
        def listen(message: Message) -> None:
            if isinstance(message, WordsCommitted | UpdateFinished):
                order.append(f"{name} {type(message).__name__}")
            if isinstance(message, UpdateProgress) and message.progress.phase is Phase.ENCODING:
                began.set()

        return listen

    job = job_for(write_tree(tmp_path / "many", many(30)))
    long = Conversation(worker, note("long")).update(job, SLOW)
    assert began.wait(PATIENCE)
    short = Conversation(worker, note("short")).update(job_for(sample), SLOW)
    endings = long.ending(), short.ending()
    assert order == [
        "long WordsCommitted",
        "short WordsCommitted",
        "short UpdateFinished",
        "long UpdateFinished",
    ]
    assert all(isinstance(ending, UpdateFinished) and not ending.stopped for ending in endings)
    assert counts(job).pending == 0


def test_of_two_updates_of_one_index_the_later_goes_on_from_the_earlier(
    worker: Worker, tmp_path: Path, write_tree: WriteTree
) -> None:
    root = write_tree(tmp_path / "many", many(30))
    job, began = job_for(root), threading.Event()

    def note(message: Message) -> None:
        if isinstance(message, UpdateProgress) and message.progress.phase is Phase.ENCODING:
            began.set()

    earlier = Conversation(worker, note).update(job, SLOW)
    assert began.wait(PATIENCE)
    write_tree(root, {"late.py": "def late():\n    return 1\n"})
    later = Conversation(worker).update(job, SLOW)
    assert earlier.ending() == UpdateFinished(earlier.number, stopped=True)
    assert isinstance(later.ending(), UpdateFinished)
    assert (counts(job).files, counts(job).pending) == (31, 0)


def test_documents_are_split_while_an_update_is_under_way(
    worker: Worker, tmp_path: Path, write_tree: WriteTree
) -> None:
    began = threading.Event()
    update = Conversation(worker, lambda _: began.set()).update(job_for(write_tree(tmp_path / "many", many(60))), SLOW)
    assert began.wait(PATIENCE)
    answer = Conversation(worker).extract("a.py", "def one():\n    pass\n\n\ndef two():\n    pass\n").ending()
    assert isinstance(answer, DocumentChunks)
    assert answer.chunks is not None
    assert {chunk.name for chunk in answer.chunks} >= {"one", "two"}
    unknown = Conversation(worker).extract("a.xyz", "?")
    assert unknown.ending() == DocumentChunks(unknown.number, ()), "an index would leave it out"
    assert not isinstance(update.said[-1], Ending)


def test_whoever_waits_for_another_process_is_told_so(worker: Worker, sample: Path) -> None:
    from codesearch.index.storage import Manifest, open_writer

    job, said = job_for(sample), threading.Event()
    with open_writer(job.directory, Manifest(root=str(sample), name="sample", url=None)):
        refused = Conversation(worker).update(job).ending()
        assert isinstance(refused, WorkFailed)
        assert "another process is indexing it" in str(refused.error)
        waiting = Conversation(worker, lambda _: said.set()).update(job, wait_seconds=-1)
        assert said.wait(PATIENCE)
    assert isinstance(waiting.ending(), UpdateFinished)
    notice = waiting.said[0]
    assert isinstance(notice, UpdateNotice)
    assert "waiting for that to end" in notice.text


def test_an_update_can_be_waited_for_and_broken_off(worker: Worker, tmp_path: Path, write_tree: WriteTree) -> None:
    job = job_for(write_tree(tmp_path / "many", many(40)))
    updating = worker.run(UpdateRequest(worker.new_number(), job, SLOW))
    for progress in updating:
        if progress.phase is Phase.ENCODING and progress.done:
            break
    updating.close()
    held = counts(job)
    assert held.vectors > 0
    assert held.pending > 0
    report = finished(worker.run(UpdateRequest(worker.new_number(), job, None)))
    assert report is not None
    assert report.files == 40


# --- failures -----------------------------------------------------------------------------------------------


def test_errors_and_faults_arrive_as_failures_and_the_next_request_is_carried_out(
    worker: Worker, sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    empty = Conversation(worker).update(job_for(tmp_path / "empty")).ending()
    assert isinstance(empty, WorkFailed)
    assert isinstance(empty.error, NothingToIndex)
    nonsense: Any = "no job"
    fault = Conversation(worker).update(nonsense).ending()
    assert isinstance(fault, WorkFailed)
    assert isinstance(fault.error, WorkerFault)
    assert "indexing failed (AttributeError" in str(fault.error)
    with pytest.raises(WorkerFault):
        list(worker.run(UpdateRequest(worker.new_number(), nonsense)))
    assert isinstance(Conversation(worker).update(job_for(sample)).ending(), UpdateFinished)


def test_why_an_index_cannot_be_used_passes_between_processes() -> None:
    error = IndexUnusable(Unusable.CORRUPT, "index it anew")
    passed = pickle.loads(pickle.dumps(error))
    assert (str(passed), passed.reason) == (str(error), Unusable.CORRUPT)


def test_a_process_that_is_killed_in_the_middle_is_told_and_replaced(
    worker: Worker, tmp_path: Path, write_tree: WriteTree
) -> None:
    job = job_for(write_tree(tmp_path / "many", many(120)))
    killed: list[int] = []

    def kill(message: Message) -> None:
        if not killed:
            killed.append(child_of(worker).pid)
            os.kill(killed[0], signal.SIGKILL)

    conversation = Conversation(worker, kill).update(job)
    waiting = Conversation(worker).update(job)
    for one in (conversation, waiting):
        ending = one.ending()
        assert isinstance(ending, WorkFailed)
        assert isinstance(ending.error, WorkerCrash)
        assert "ended unexpectedly (status -9)" in str(ending.error)
    assert isinstance(Conversation(worker).update(job).ending(), UpdateFinished)
    assert child_of(worker).pid != killed[0]
    assert counts(job).files == 120


def test_a_process_that_cannot_even_begin_is_told(
    worker: Worker, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    ending = Conversation(worker).update(job_for(sample)).ending()
    assert isinstance(ending, WorkFailed)
    assert "ended unexpectedly (status 1)" in str(ending.error)


def test_what_libraries_print_is_no_answer(
    worker: Worker, sample: Path, tmp_path: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = "import sqlite3\nconnect = sqlite3.connect\n"
    noise += "def loud(*given, **named):\n    print('noise', flush=True)\n    return connect(*given, **named)\n"
    write_tree(tmp_path / "site", {"sitecustomize.py": noise + "sqlite3.connect = loud\n"})
    paths = [str(tmp_path / "site"), *filter(None, sys.path)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    assert isinstance(Conversation(worker).update(job_for(sample)).ending(), UpdateFinished)


def test_closing_ends_the_process_and_tells_who_waits(tmp_path: Path, write_tree: WriteTree) -> None:
    worker, began = Worker(), threading.Event()
    job = job_for(write_tree(tmp_path / "many", many(60)))
    conversation = Conversation(worker, lambda _: began.set()).update(job, SLOW)
    assert began.wait(PATIENCE)
    child = child_of(worker)
    worker.close()
    assert not child.is_running()
    for ending in (conversation.ending(), Conversation(worker).update(job).ending()):
        assert isinstance(ending, WorkFailed)
        assert "was ended" in str(ending.error)


PROGRAM = """
import sys, time
from pathlib import Path
from codesearch.upkeep.messages import EncoderChoice, UpdateFinished, UpdateRequest
from codesearch.upkeep.worker import Worker
from codesearch.upkeep.plan import plan
from codesearch.settings import load_settings
from codesearch.sources import open_repository
root = Path(sys.argv[1])
worker = Worker()
def listen(message):
    if sys.argv[2] == "busy" or isinstance(message, UpdateFinished):
        print(worker._process.pid, flush=True)
job = plan(open_repository(str(root), cache=root), load_settings(root))
worker.send(UpdateRequest(1, job, EncoderChoice() if sys.argv[2] == "busy" else None), listen)
time.sleep(600)
"""


@pytest.mark.parametrize("state", ["busy", "idle"])
def test_it_does_not_outlive_the_program_that_started_it(tmp_path: Path, write_tree: WriteTree, state: str) -> None:
    root = write_tree(tmp_path / "many", many(120 if state == "busy" else 1))
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, root, state], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    try:
        child = psutil.Process(int(program.stdout.readline()))
        family = [child, *child.children(recursive=True)]
        program.kill()
        program.wait(PATIENCE)
        _, alive = psutil.wait_procs(family, PATIENCE / 2)
        assert not alive
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


@pytest.mark.skipif(not hasattr(os, "nice"), reason="needs niceness")
def test_it_is_nice_and_leaves_ctrl_c_to_the_program(worker: Worker, sample: Path) -> None:
    job = job_for(sample)
    Conversation(worker).update(job).ending()
    child = child_of(worker)
    assert child.nice() >= os.nice(0) + 1
    child.send_signal(signal.SIGINT)
    assert isinstance(Conversation(worker).update(job).ending(), UpdateFinished)
    assert child.is_running()
