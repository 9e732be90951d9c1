"""The doctor: everything works here, and what is broken is named with what mends it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from codesearch.languages import LANGUAGES
from codesearch.settings import load_settings
from codesearch.upkeep import doctor
from codesearch.upkeep.doctor import _PROBES, Check, Outcome, examine

Invoke = Callable[..., Result]


def checks() -> dict[str, Check]:
    return {check.name: check for check in examine(load_settings())}


def test_everything_works_here(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODESEARCH_MODEL")
    done = invoke("doctor")
    assert done.exit_code == 0, done.stdout
    assert "languages parse" in done.stdout
    assert "nearer than something else" in done.stdout


def test_every_language_with_a_grammar_has_a_probe() -> None:
    assert {language.name for language in LANGUAGES.values() if language.grammar} == set(_PROBES)


def test_a_grammar_that_finds_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._PROBES, "go", "package a\n")
    found = checks()["grammars"]
    assert found.outcome is Outcome.FAILED
    assert found.says == "go: found no function"
    assert "pip install" in found.mend


def test_a_model_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODESEARCH_MODEL", str(tmp_path / "none"))
    assert checks()["model"].outcome is Outcome.FAILED


def test_a_model_whose_vectors_say_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from codesearch.encoders.hashing import HashingEncoder

    monkeypatch.delenv("CODESEARCH_MODEL")
    monkeypatch.setattr(doctor, "load_encoder", lambda *_: HashingEncoder())
    found = checks()["model"]
    assert found.outcome is Outcome.FAILED
    assert "its vectors are wrong" in found.mend


def test_no_git_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "git_version", lambda: "")
    assert checks()["git"].outcome is Outcome.NOTE


def test_indexes_are_examined(invoke: Invoke, sample: Path, environment: Path) -> None:
    assert invoke("index", sample, "--no-dense", "-q").exit_code == 0
    (name,) = [name for name in checks() if name.startswith("index ")]
    assert checks()[name].outcome is Outcome.NOTE
    assert "not encoded yet" in checks()[name].says
    assert invoke("index", sample, "-q").exit_code == 0
    assert checks()[name].outcome is Outcome.OK
    (database,) = environment.glob("indexes/*/index.db")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\xff" * (size // 3))
    assert checks()[name].outcome is Outcome.FAILED
    done = invoke("doctor", "--json")
    assert done.exit_code == 1
    assert {json.loads(line)["outcome"] for line in done.stdout.splitlines()} >= {"ok", "failed"}


def test_a_folder_that_is_gone_is_noted(invoke: Invoke, sample: Path) -> None:
    invoke("index", sample, "-q")
    sample.rename(sample.with_name("moved"))
    (found,) = [check for check in checks().values() if check.name.startswith("index ")]
    assert found.outcome is Outcome.NOTE
    assert "codesearch forget" in found.mend


@pytest.mark.parametrize(("device", "advised"), [("cuda", True), (None, False)])
def test_a_gpu_extra_is_advised_where_there_is_a_gpu(
    environment: Path, monkeypatch: pytest.MonkeyPatch, device: str | None, advised: bool
) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    monkeypatch.setattr(doctor, "likely_gpu", lambda: device)
    outcome, _, mend = doctor._gpu(load_settings())
    assert (mend == "pip install 'codesearch-nl[gpu]'") == advised
    assert outcome is (Outcome.NOTE if advised else Outcome.OK)
