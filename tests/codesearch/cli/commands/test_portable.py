from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from codesearch.records import LEVELS

Invoke = Callable[..., Result]


@pytest.fixture
def file(git_sample: Path, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index that was exported, and no source around."""
    monkeypatch.chdir(git_sample / "src")
    result = invoke("export", tmp_path / "index.zip")
    assert result.exit_code == 0, result.output
    assert "6 files, " in result.stderr
    assert "as of commit " in result.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("CODESEARCH_CACHE", str(tmp_path / "another cache"))
    return tmp_path / "index.zip"


def test_from_ci_to_a_place_without_the_source(invoke: Invoke, file: Path) -> None:
    imported = invoke("import", file)
    assert imported.exit_code == 0, imported.output
    assert imported.stderr.startswith("imported sample: 6 files, ")
    assert imported.stderr.endswith('ask it by name: codesearch ask "..." sample\n')
    result = invoke("ask", "parse a configuration file", "sample", "-k", "1")
    heading, *lines = result.stdout.splitlines()
    assert heading.rpartition("  ")[0] == "sample:src/config.py:6  parse_config  function"
    assert heading.rpartition("  ")[2] in LEVELS
    assert lines == [
        "  6  def parse_config(text: str) -> dict:",
        '  7      """Parse a configuration file.',
    ]
    assert result.stderr.startswith("codesearch: sample: imported, as of commit ")


def test_everything_else_works_by_name(invoke: Invoke, file: Path) -> None:
    invoke("import", file)
    (match,) = map(json.loads, invoke("ask", "parse_config", "sample", "--json", "-k", "1").stdout.splitlines())
    assert (match["root"], match["repository"], match["path"]) == (None, "sample", "src/config.py")
    like = invoke("similar", "sample:src/config.py:6", "--score")
    assert like.exit_code == 0, like.output
    assert like.stdout.startswith("sample:")
    assert "no code at src/config.py:999" in invoke("similar", "imported:sample:src/config.py:999").stderr
    found = invoke(
        "duplicates", "sample", "--min-lines", "1", "--min-tokens", "1", "--semantic", "0.1", "--near", "0.1"
    )
    assert "  sample:src/config.py:" in found.stdout
    status = json.loads(invoke("status", "sample", "--json").stdout)
    assert (status["root"], status["work_trees"], status["changed_files"]) == (None, [], 0)
    assert status["imported"] > 0
    assert "imported just now, without its source" in invoke("status", "sample").stdout
    (brief,) = json.loads(invoke("status", "--all", "--json").stdout)
    assert brief["root"] is None
    assert "sample  " in invoke("status", "--all").stdout


def test_an_imported_index_is_never_refreshed_or_rebuilt(invoke: Invoke, file: Path) -> None:
    invoke("import", file)
    for arguments in (("index", "sample"), ("index", "sample", "--rebuild")):
        result = invoke(*arguments)
        assert result.exit_code == 2
        assert "sample was imported, and its source is not here: import a newer file" in result.stderr
    assert invoke("ask", "parse", "sample").exit_code == 0


def test_a_folder_of_the_name_goes_first_and_the_import_is_told_apart(
    invoke: Invoke, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("sample").mkdir()
    Path("sample/zebra.py").write_text("def zebra():\n    return 1\n")
    assert 'codesearch ask "..." imported:sample' in invoke("import", file).stderr
    assert "zebra" in invoke("ask", "zebra", "sample").stdout
    assert "parse_config" in invoke("ask", "parse_config", "imported:sample").stdout
    assert "forgot sample\n" in invoke("forget", "imported:sample").stderr
    assert invoke("ask", "parse_config", "imported:sample").exit_code == 2
    assert "zebra" in invoke("ask", "zebra", "sample").stdout


def test_forget(invoke: Invoke, file: Path) -> None:
    invoke("import", file, "--name", "team/sample")
    assert invoke("ask", "parse", "team/sample").exit_code == 0
    assert "forgot team/sample" in invoke("forget", "team/sample").stderr
    assert "There is no team/sample" in invoke("ask", "parse", "team/sample").stderr
    assert invoke("forget", "team/sample").exit_code == 2
    assert invoke("status", "--all").stdout == "nothing is indexed\n"


def test_it_says_how_a_work_tree_relates(
    invoke: Invoke, file: Path, git_sample: Path, git: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    git(git_sample, "commit", "--quiet", "--allow-empty", "-m", "second")
    monkeypatch.chdir(git_sample / "src")
    assert f"the work tree {git_sample} is 1 commit ahead of it" in invoke("import", file).stderr
    invoke("index", git_sample)
    assert f"the work tree {git_sample} is 1 commit ahead of it" in invoke("status", "imported:sample").stdout


def test_another_model_is_told(invoke: Invoke, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODESEARCH_MODEL")
    assert "its vectors are of the model hashing-64, and minilm" in invoke("import", file).stderr
    monkeypatch.setenv("CODESEARCH_MODEL", "hashing")
    result = invoke("ask", "parse a configuration", "sample")
    assert "were not used" not in result.stderr


def test_a_damaged_import_is_told(invoke: Invoke, file: Path) -> None:
    invoke("import", file)
    (database,) = Path(file.parent / "another cache").glob("indexes/*/index.db")
    database.write_bytes(b"x" * 10_000)
    result = invoke("ask", "parse", "sample")
    assert result.exit_code == 2
    assert "the index is damaged: import sample again" in result.stderr
    assert invoke("import", file).exit_code == 0
    assert invoke("ask", "parse", "sample").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "none.zip"], "there is no none.zip: name a file that `codesearch export` wrote"),
        (["import", "."], "is a folder"),
        (["import", "notes.txt"], "notes.txt is no index that `codesearch export` wrote"),
        (["export", "."], "is a folder: name a file to write"),
        (["export", "notes.txt", "x.git"], "There is no x.git"),
    ],
)
def test_bad_input(invoke: Invoke, file: Path, arguments: list[str], message: str) -> None:
    Path("notes.txt").write_text("precious\n")
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert Path("notes.txt").read_text() == "precious\n"


def test_an_export_is_of_a_whole_index_and_of_nothing_else(invoke: Invoke, file: Path, git_sample: Path) -> None:
    Path("notes.txt").write_text("precious\n")
    result = invoke("export", "notes.txt", git_sample)
    assert result.exit_code == 2
    assert "notes.txt exists and is no exported index" in result.stderr
    assert Path("notes.txt").read_text() == "precious\n"
    part = invoke("export", "part.zip", git_sample / "src")
    assert part.exit_code == 2
    assert f"an index is exported whole: name {git_sample}" in part.stderr


def test_without_encoding_it_says_so(invoke: Invoke, file: Path, git_sample: Path) -> None:
    result = invoke("export", "words.zip", git_sample, "--no-dense")
    assert result.exit_code == 0, result.output
    assert "texts are not encoded, and will be found by their words only" in result.stderr
    assert ", not encoded" in result.stderr
    invoke("import", "words.zip")
    answer = invoke("ask", "parse_config", "sample")
    assert "parse_config" in answer.stdout
