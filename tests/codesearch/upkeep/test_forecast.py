"""A dry run says what an update would do, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.snapshot import Snapshot
from codesearch.records import Repository, SkipReason
from codesearch.settings import load_settings
from codesearch.upkeep.forecast import forecast, forecast_lines
from codesearch.upkeep.plan import Job, bring_up_to_date, plan

Invoke = Callable[..., Result]


def job_of(root: Path) -> Job:
    return plan(Repository(root, root.name), load_settings(root))


def test_it_foretells_what_an_update_then_does(sample: Path) -> None:
    (sample / "logo.png").write_bytes(b"\x89PNG\0\0")
    (sample / "empty.py").write_text("")
    foretold = forecast(job_of(sample), HashingEncoder)
    for _ in bring_up_to_date(job_of(sample), HashingEncoder):
        pass
    with Snapshot(job_of(sample).directory) as snapshot:
        counts = snapshot.counts()
        assert (len(foretold.taken), foretold.chunks) == (counts.files, counts.chunks)
        assert foretold.to_encode == counts.vectors
        assert {file.path for file in foretold.skipped} == {file.path for file in snapshot.skipped()}
    assert SkipReason.EMPTY in {file.reason for file in foretold.skipped}


def test_what_is_indexed_need_not_be_done_again(sample: Path) -> None:
    for _ in bring_up_to_date(job_of(sample), HashingEncoder):
        pass
    (sample / "src" / "config.py").write_text("def changed_function():\n    return 1\n")
    foretold = forecast(job_of(sample), HashingEncoder)
    assert (foretold.changed, foretold.to_encode) == (1, 1)


def test_a_dry_run_writes_nothing(invoke: Invoke, sample: Path, environment: Path) -> None:
    done = invoke("index", sample, "--dry-run")
    assert done.exit_code == 0
    assert "src/config.py" not in done.stdout
    assert "--files lists every file" in done.stdout
    assert "to encode:" in done.stdout
    assert not environment.exists() or not list(environment.rglob("*.db"))


def test_without_an_encoder_nothing_is_to_be_encoded(sample: Path) -> None:
    foretold = forecast(job_of(sample), None)
    assert (foretold.to_encode, foretold.encode_seconds) == (0, None)
    assert not any("to encode" in line for line in forecast_lines(foretold))


def test_a_dry_run_lists_files_on_request(invoke: Invoke, sample: Path) -> None:
    (sample / "empty.py").touch()
    done = invoke("index", sample, "--dry-run", "--files")
    assert "    src/config.py\n" in done.stdout
    assert "    empty.py: empty\n" in done.stdout
    assert "--files lists" not in done.stdout
    assert "give both" in invoke("index", sample, "--files").stderr
