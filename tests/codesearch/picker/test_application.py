"""The picker with keys from a pipe and a screen that shows nothing; and its two helpers, the thread and the process."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from typer.testing import Result as CliResult

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import ModelError
from codesearch.picker import searching
from codesearch.picker.application import Picker, Selection
from codesearch.picker.layout import Scene
from codesearch.picker.searching import SearchThread
from codesearch.picker.state import Result, State
from codesearch.picker.updates import IndexUpdates, JobReport
from codesearch.records import Kind
from codesearch.search.candidates import Filters
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.messages import EncoderChoice
from codesearch.upkeep.plan import Job, plan

Invoke = Callable[..., CliResult]
WriteTree = Callable[[Path, Mapping[str, str]], Path]

PATIENCE = 60.0
DOWN, UP, PAGE_DOWN, CTRL_C, ESCAPE = "\x1b[B", "\x1b[A", "\x1b[6~", "\x03", "\x1b"


def job_for(root: Path) -> Job:
    return plan(open_repository(root, cache=root), load_settings(root))


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


Step = tuple[Callable[[State], bool], str]


def drive(
    root: Path, *steps: Step, question: str = "", refresh: bool = False, filters: Filters | None = None
) -> tuple[Selection | None, State]:
    """Run a picker; each step waits until something is true of its state, and then presses keys."""

    def updates(report: Callable[[JobReport], None]) -> IndexUpdates:
        return IndexUpdates([job_for(root)], EncoderChoice("hashing"), report)

    picker = Picker(
        [job_for(root)],
        [filters or Filters()],
        Scene(root, root.name),
        limit=20,
        encoder=HashingEncoder,
        updates=updates if refresh else None,
    )

    def press(keys: PipeInput) -> None:
        try:
            for ready, text in steps:
                wait_for(lambda ready=ready: ready(picker.state))  # type: ignore[misc]
                keys.send_text(text)
        except BaseException:
            keys.send_text(CTRL_C)
            raise

    with create_pipe_input() as keys:
        thread = threading.Thread(target=press, args=(keys,))
        thread.start()
        chosen = picker.run(question, keys, DummyOutput(), colour=True)
        thread.join()
    return chosen, picker.state


def always(_: State) -> bool:
    return True


def listed(state: State) -> bool:
    return state.answered and bool(state.matches)


@pytest.fixture
def indexed(invoke: Invoke, sample: Path) -> Path:
    assert invoke("index", sample).exit_code == 0
    return sample


# --- keys ---------------------------------------------------------------------------------------------------


def test_what_is_typed_is_found_and_enter_chooses_it(indexed: Path) -> None:
    chosen, _ = drive(indexed, (always, "parse a configuration file"), (listed, "\r"))
    assert chosen is not None
    assert (chosen.path, chosen.line) == (indexed / "src/config.py", 6)


def test_enter_before_the_answer_waits_for_it(indexed: Path) -> None:
    chosen, _ = drive(indexed, (always, "parse a configuration file\r"))
    assert chosen is not None
    assert chosen.path == indexed / "src/config.py"


def test_the_question_may_be_given_at_the_start(indexed: Path) -> None:
    chosen, _ = drive(indexed, (listed, "\r"), question="backoff")
    assert chosen is not None
    assert chosen.path.name == "retry.go"


def test_arrows_and_pages_select(indexed: Path) -> None:
    def at(position: int) -> Callable[[State], bool]:
        return lambda state: listed(state) and state.selected == position

    steps: list[Step] = [
        (listed, DOWN),
        (at(1), DOWN),
        (at(2), UP),
        (at(1), PAGE_DOWN),
        (lambda state: state.selected == len(state.matches) - 1, "\x1b[1;5H"),
        (at(0), DOWN),
        (at(1), "\r"),
    ]
    chosen, state = drive(indexed, *steps, question="parse the config")
    assert chosen is not None
    assert chosen.match == state.matches[1]


@pytest.mark.parametrize("key", [CTRL_C, ESCAPE, "\x04"])
def test_leaving_chooses_nothing(indexed: Path, key: str) -> None:
    assert drive(indexed, (always, key))[0] is None
    if key != "\x04":
        assert drive(indexed, (listed, key), question="parse")[0] is None


def test_what_is_pasted_becomes_one_line(indexed: Path) -> None:
    chosen, state = drive(indexed, (always, "\x1b[200~def parse_config(\n    text\x1b[201~"), (listed, "\r"))
    assert state.question == "def parse_config( text"
    assert chosen is not None


def test_filters_hold(indexed: Path) -> None:
    filters = Filters(languages=frozenset({"go"}), kinds=frozenset({Kind.FUNCTION}))
    _, state = drive(indexed, (listed, ESCAPE), question="parse the config", filters=filters)
    assert {match.chunk.language for match in state.matches} == {"go"}


def test_a_file_that_is_gone_is_not_opened(indexed: Path) -> None:
    (indexed / "src/net/retry.go").unlink()
    steps: list[Step] = [(listed, "\r"), (lambda state: "no longer there" in state.message, ESCAPE)]
    assert drive(indexed, *steps, question="backoff")[0] is None


# --- indexing meanwhile -------------------------------------------------------------------------------------


def test_without_an_index_answers_follow_once_it_is_made(sample: Path) -> None:
    chosen, state = drive(sample, (always, "parse a configuration file"), (listed, "\r"), refresh=True)
    assert chosen is not None
    assert chosen.path == sample / "src/config.py"
    assert not state.problems


def test_what_has_changed_is_found_without_asking_again(indexed: Path, write_tree: WriteTree) -> None:
    write_tree(indexed, {"src/later.py": "def unheard_of(thing):\n    return thing\n"})

    def found(state: State) -> bool:
        return any(match.chunk.name == "unheard_of" for match in state.matches)

    chosen, _ = drive(indexed, (found, "\r"), question="unheard_of", refresh=True)
    assert chosen is not None
    assert chosen.path.name == "later.py"


def test_an_index_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    steps: list[Step] = [(lambda state: bool(state.problems) and not state.working, ESCAPE)]
    _, state = drive(tmp_path / "empty", *steps, question="x", refresh=True)
    assert "no file that can be searched" in state.problems[0]


def test_the_indexing_process_ends_with_its_work(indexed: Path, write_tree: WriteTree) -> None:
    write_tree(indexed, {"src/later.py": "def unheard_of(thing):\n    return thing\n"})
    reports: list[JobReport] = []
    updates = IndexUpdates([job_for(indexed)], EncoderChoice("hashing"), reports.append)
    updates.start()
    assert updates._worker._process is not None
    child = psutil.Process(updates._worker._process.pid)
    wait_for(lambda: bool(reports) and not reports[-1].doing)
    psutil.wait_procs([child], PATIENCE)
    assert not child.is_running()
    assert reports[-1] == JobReport(0, committed=True)
    updates.close()


def test_an_indexing_process_that_dies_is_told(
    indexed: Path, write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[JobReport] = []
    updates = IndexUpdates([job_for(indexed)], None, reports.append)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    updates.start()
    wait_for(lambda: bool(reports))
    updates.close()
    assert "ended unexpectedly" in reports[-1].problem
    assert reports[-1].doing == ""


# --- the searching thread -----------------------------------------------------------------------------------


def test_of_many_questions_only_the_newest_is_run(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    true_search = searching.search

    def slow(*arguments: Any, **options: Any) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE)
        return true_search(*arguments, **options)

    monkeypatch.setattr(searching, "search", slow)
    results: list[Result] = []
    thread = SearchThread(
        [job_for(indexed)], [Filters()], limit=5, encoder=None, deliver=results.append, complain=lambda _: None
    )
    thread.start()
    thread.ask(1, "p")
    assert begun.wait(PATIENCE)
    for number in range(2, 10):
        thread.ask(number, f"parse {number}")
    go_on.set()
    wait_for(lambda: len(results) == 2)
    thread.close()
    assert [result.number for result in results] == [1, 9]


def test_without_an_encoder_it_searches_by_words_and_says_so(indexed: Path) -> None:
    results: list[Result] = []
    problems: list[str] = []

    def fail() -> HashingEncoder:
        raise ModelError("there is no model")

    thread = SearchThread(
        [job_for(indexed)], [Filters()], limit=5, encoder=fail, deliver=results.append, complain=problems.append
    )
    thread.start()
    thread.ask(1, "parse_config")
    wait_for(lambda: bool(results) and bool(problems))
    thread.close()
    assert results[0].matches
    assert problems == ["there is no model"]


def test_a_fault_of_ours_is_a_sentence_and_the_next_question_is_answered(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_search = searching.search

    def broken(snapshots: Any, question: str, *arguments: Any, **options: Any) -> Any:
        if question == "bad":
            raise ZeroDivisionError("oh")
        return true_search(snapshots, question, *arguments, **options)

    monkeypatch.setattr(searching, "search", broken)
    results: list[Result] = []
    thread = SearchThread(
        [job_for(indexed)], [Filters()], limit=5, encoder=None, deliver=results.append, complain=lambda _: None
    )
    thread.start()
    thread.ask(1, "bad")
    wait_for(lambda: len(results) == 1)
    thread.ask(2, "parse")
    wait_for(lambda: len(results) == 2)
    thread.close()
    assert "ZeroDivisionError: oh" in results[0].error
    assert results[1].matches
