from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import IndexUnusable, NothingToIndex, Unusable
from codesearch.index.progress import UpdateReport
from codesearch.index.snapshot import Snapshot
from codesearch.search.notices import Answer
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.asking import Surface, ask
from codesearch.upkeep.plan import Job, bring_up_to_date, is_current, is_damaged, plan


class OtherEncoder(HashingEncoder):
    @property
    def model_id(self) -> str:
        return "other"


def job_for(root: Path, cache: Path, **patterns: tuple[str, ...] | None) -> Job:
    return plan(open_repository(root, cache=cache), load_settings(root), **patterns)  # type: ignore[arg-type]


def run(job: Job, encoder: Callable[[], HashingEncoder] | None = HashingEncoder, **options: object) -> UpdateReport:
    updating = bring_up_to_date(job, encoder, **options)  # type: ignore[arg-type]
    while True:
        try:
            next(updating)
        except StopIteration as stop:
            report: UpdateReport = stop.value
            return report


@pytest.fixture
def settled(sample: Path) -> Path:
    """Files old enough for their times to be believed."""
    for file in sample.rglob("*"):
        os.utime(file, (1_600_000_000, 1_600_000_000))
    return sample


def current(job: Job, encoder: Callable[[], HashingEncoder] | None = HashingEncoder) -> bool:
    with Snapshot(job.directory) as snapshot:
        return is_current(snapshot, job, encoder)


def test_an_index_is_current_until_something_changes(settled: Path, environment: Path) -> None:
    job = job_for(settled, environment)
    run(job)
    assert current(job)
    (settled / "new.py").write_text("x = 1\n")
    assert not current(job)
    run(job)
    (settled / "new.py").unlink()
    assert not current(job)


def test_an_index_is_not_current_while_texts_wait(settled: Path, environment: Path) -> None:
    job = job_for(settled, environment)
    run(job, None)
    assert current(job, None)
    assert not current(job)
    run(job, encode_seconds=0.0)
    run(job)
    assert current(job)


def test_another_model_is_no_reason_for_a_question_to_encode_everything(settled: Path, environment: Path) -> None:
    job = job_for(settled, environment)
    run(job)
    assert current(job, OtherEncoder)
    assert run(job, OtherEncoder, adopt_model=False).encoded == 0
    assert run(job, OtherEncoder).encoded > 0


def test_other_patterns_make_an_index_stale(settled: Path, environment: Path) -> None:
    run(job_for(settled, environment))
    assert not current(job_for(settled, environment, include=("*.py",)))


def test_a_commit_makes_an_index_stale(git_sample: Path, git: Callable[..., None], environment: Path) -> None:
    job = job_for(git_sample, environment)
    run(job)
    git(git_sample, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert not current(job)
    run(job)
    assert current(job)


def test_patterns_of_settings_and_of_the_index_add_up(sample: Path, environment: Path) -> None:
    (sample / "codesearch.toml").write_text('[index]\nexclude = ["*.sql"]\n')
    job = job_for(sample, environment, exclude=("*.md",))
    run(job)
    again = job_for(sample, environment)
    assert again.rules.exclude == ("*.sql", "*.md")
    assert again.exclude == ("*.md",)


def test_a_repository_that_loses_all_its_files_says_so(tmp_path: Path, environment: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "a.py").write_text("x = 1\n")
    job = job_for(tmp_path / "r", environment)
    run(job)
    (tmp_path / "r" / "a.py").unlink()
    with pytest.raises(NothingToIndex, match="holds no file that can be searched"):
        run(job)


def test_damage_is_seen(sample: Path, environment: Path) -> None:
    job = job_for(sample, environment)
    assert not is_damaged(job.directory)
    run(job)
    assert not is_damaged(job.directory)
    database = job.directory / "index.db"
    with database.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * (database.stat().st_size - 4096 * 3))
    assert is_damaged(job.directory)


# --- asking -------------------------------------------------------------------------------------------------


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.done: list[str] = []

    def surface(self) -> Surface:
        def follow(updating, name):  # type: ignore[no-untyped-def]
            while True:
                try:
                    next(updating)
                except StopIteration as stop:
                    return stop.value

        return Surface(self.said.append, follow, lambda name, report: self.done.append(name))


def asked(job: Job, question: str, heard: Heard, **options: object) -> Answer:
    return ask([job], question, HashingEncoder, heard.surface(), **options)  # type: ignore[arg-type]


def test_asking_indexes_once_and_says_when_it_is_done(settled: Path, environment: Path) -> None:
    job, heard = job_for(settled, environment), Heard()
    assert asked(job, "parse a configuration file", heard).matches[0].chunk.name == "parse_config"
    assert (heard.said, heard.done) == ([], ["sample"])
    asked(job, "parse", heard)
    assert (heard.said, heard.done) == ([], ["sample"])


def test_asking_without_refresh_makes_nothing(sample: Path, environment: Path) -> None:
    job = job_for(sample, environment)
    with pytest.raises(IndexUnusable) as caught:
        asked(job, "parse", Heard(), refresh=False)
    assert caught.value.reason is Unusable.MISSING
    assert not job.directory.exists()


def test_a_search_writes_nothing(settled: Path, environment: Path) -> None:
    job = job_for(settled, environment)
    asked(job, "parse", Heard())
    before = {
        file: (file.stat().st_mtime_ns, file.stat().st_size) for file in job.directory.rglob("*") if file.is_file()
    }
    for question in ("parse", "zebra", "?!"):
        asked(job, question, Heard())
    names = {"index.db-shm", "index.db-wal"}  # SQLite makes and drops these for readers, too
    after = {
        file: (file.stat().st_mtime_ns, file.stat().st_size) for file in job.directory.rglob("*") if file.is_file()
    }
    assert {k: v for k, v in after.items() if k.name not in names} == {
        k: v for k, v in before.items() if k.name not in names
    }


@pytest.mark.parametrize("place", [".idx", "build [old]/indexes"])
def test_an_index_inside_the_repository_is_left_out_of_it(settled: Path, environment: Path, place: str) -> None:
    indexes = settled / place
    repository = open_repository(settled, cache=environment)
    job = plan(repository, load_settings(settled), indexes=indexes)
    first = run(job)
    (indexes / "notes.py").write_text("x = 1\n")
    again = plan(repository, load_settings(settled), indexes=indexes)
    assert (run(again).files, again.exclude) == (first.files, ())


def test_a_cache_inside_the_repository_is_left_out_of_it(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = settled / "cache"
    monkeypatch.setenv("CODESEARCH_CACHE", str(cache))
    job = job_for(settled, cache)
    first = run(job)
    (cache / "notes.py").write_text("x = 1\n")
    assert run(job_for(settled, cache)).files == first.files


def test_a_folder_of_repositories_alone_says_how_to_go_on(environment: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "all of them" / name).mkdir(parents=True)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path / "all of them" / name, check=True)
    with pytest.raises(NothingToIndex, match=r"holds 2 Git repositories .*`codesearch index --all '.*all of them'`"):
        run(job_for(tmp_path / "all of them", environment))
