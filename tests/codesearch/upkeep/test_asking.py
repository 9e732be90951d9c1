"""Questions about an index that is not ready: how long they wait, what for, and what is not read unasked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from codesearch.encoders import LazyEncoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import IndexBusy, InputError
from codesearch.search.notices import Answer
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep import asking, extent
from codesearch.upkeep.asking import ENCODE_SECONDS, Surface, ask
from codesearch.upkeep.plan import Job, bring_up_to_date, plan


def run_to_end(updating: Any, _name: str) -> Any:
    while True:
        try:
            next(updating)
        except StopIteration as end:
            return end.value


class Asker:
    """Asks, and remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.encoder = LazyEncoder(HashingEncoder)

    def ask(self, job: Job) -> Answer:
        surface = Surface(self.said.append, run_to_end, lambda *_: None)
        return ask([job], "parse config", self.encoder, surface)


def job_of(root: Path, cache: Path) -> Job:
    return plan(open_repository(root, cache=cache), load_settings())


def index_words(job: Job) -> None:
    run_to_end(bring_up_to_date(job, None), "")


def test_a_question_waits_for_vectors_once_in_some_minutes(
    sample: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(sample, environment)
    given: list[float | None] = []

    def update(*arguments: Any, **options: Any) -> Any:
        given.append(options["encode_seconds"])
        return bring_up_to_date(job, None)  # which leaves the texts waiting

    monkeypatch.setattr(asking, "bring_up_to_date", update)
    asker = Asker()
    for _ in range(3):
        assert asker.ask(job).matches
    assert given == [ENCODE_SECONDS, 2.0, 2.0]
    now = time.time()
    monkeypatch.setattr(asking.time, "time", lambda: now + 3_600)
    asker.ask(job)
    assert given[-1] == ENCODE_SECONDS


def test_while_another_process_makes_the_index_what_it_has_committed_is_asked(sample: Path, environment: Path) -> None:
    job = job_of(sample, environment)
    index_words(job)
    asker = Asker()
    with FileLock(job.directory / "lock"):
        assert asker.ask(job).matches[0].name == "parse_config"
    assert asker.said == ["sample: another process is indexing it; answering from what it has committed"]


def test_before_the_first_commit_a_question_waits_and_then_says_so(
    sample: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_WORDS_SECONDS", 0.2)
    job = job_of(sample, environment)
    job.directory.mkdir(parents=True)
    asker = Asker()
    with FileLock(job.directory / "lock"), pytest.raises(IndexBusy, match="nothing of it can be searched yet"):
        asker.ask(job)
    assert asker.said == ["sample: another process is indexing it for the first time; waiting for its words"]


def test_a_folder_of_many_files_is_not_read_unasked(
    sample: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "_MOST_FILES", 3)
    job = job_of(sample, environment)
    with pytest.raises(InputError, match=r"no Git repository and holds more than 3 files.*codesearch index"):
        Asker().ask(job)
    assert not job.directory.exists()
    index_words(job)  # as `codesearch index` does
    assert Asker().ask(job).matches


def test_a_git_repository_of_many_files_is_read(
    git_sample: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "_MOST_FILES", 3)
    assert Asker().ask(job_of(git_sample, environment)).matches


@pytest.mark.parametrize("place", [lambda root: root, lambda root: root / "src"], ids=["home", "above"])
def test_a_home_folder_is_not_read_unasked(
    sample: Path, environment: Path, monkeypatch: pytest.MonkeyPatch, place: Callable[[Path], Path]
) -> None:
    monkeypatch.setenv("HOME", str(place(sample)))
    with pytest.raises(InputError, match=r"your home folder, and is not indexed unasked"):
        Asker().ask(job_of(sample, environment))
