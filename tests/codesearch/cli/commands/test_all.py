"""``index --all`` and ``ask --all``: every repository below a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import Result

from codesearch.index.locations import index_directory
from codesearch.sources import discover

Invoke = Callable[..., Result]
WriteTree = Callable[[Path, Mapping[str, str]], Path]
Git = Callable[..., None]


@pytest.fixture
def projects(tmp_path: Path, write_tree: WriteTree, git: Git) -> Path:
    """A folder of repositories: two of one name, a nested one, a linked worktree, a bare one, and what is none."""
    folder = tmp_path / "projects"
    for name, files in {
        "red/api": {"app.py": "def paint_red(wall):\n    return wall\n"},
        "blue/api": {"app.py": "def paint_blue(wall):\n    return wall\n"},
        "blue/api/plugins/nested": {"inner.py": "def paint_inside(wall):\n    return wall\n"},
        "node_modules/dep": {"dep.py": "def paint_nothing(wall):\n    return wall\n"},
    }.items():
        write_tree(folder / name, files)
        git(folder / name, "init", "--quiet")
        git(folder / name, "add", ".")
        git(folder / name, "commit", "--quiet", "-m", "first")
    git(folder / "red/api", "worktree", "add", "--quiet", folder / "red/linked")
    git(folder, "init", "--quiet", "--bare", "mirror.git")
    write_tree(folder / "notes", {"todo.md": "paint the wall\n"})
    return folder


ALL = ["blue/api", "blue/api/plugins/nested", "red/api", "red/linked"]


def test_work_trees_of_all_kinds_are_found(projects: Path) -> None:
    found = discover(projects)
    assert [found.label(root) for root in found.work_trees] == ALL
    assert found.bare == (projects / "mirror.git",)
    itself = discover(projects / "red/api")
    assert [itself.label(root) for root in itself.work_trees] == ["api"]


def test_index_all_goes_on_after_a_failure_and_sums_up(
    invoke: Invoke, projects: Path, write_tree: WriteTree, git: Git
) -> None:
    write_tree(projects / "empty", {})
    (projects / "empty").mkdir()
    git(projects / "empty", "init", "--quiet")
    result = invoke("index", "--all", projects)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "mirror.git is a bare repository" in result.stderr
    assert "holds no file that can be searched" in result.stderr
    table = result.stderr[result.stderr.index("repository ") :].splitlines()
    assert [line.split()[0] for line in table[1:-1]] == [
        "blue/api",
        "blue/api/plugins/nested",
        "empty",
        "red/api",
        "red/linked",
    ]
    assert table[3].split() == ["empty", "failed"]
    assert table[-1] == "4 of 5 repositories are up to date, 1 failed"
    shutil.rmtree(projects / "empty")
    result = invoke("index", "--all", projects)
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "4 of 4 repositories are up to date"


def test_ask_all_names_the_repository_of_each_result_and_those_not_asked(invoke: Invoke, projects: Path) -> None:
    invoke("index", projects / "red/api", projects / "blue/api", projects / "notes")
    result = invoke("ask", "paint the wall", "--all", projects)
    assert result.exit_code == 0
    heads = [line for line in result.stdout.splitlines() if line.startswith(str(projects))]
    assert {head.rpartition("  in ")[2] for head in heads} == {"red/api", "blue/api", "notes"}
    assert (
        "not asked, having no index: blue/api/plugins/nested, red/linked; run `codesearch index --all" in result.stderr
    )
    lines = invoke("ask", "paint the wall", "--all", projects, "--json").stdout.splitlines()
    found = {(json.loads(line)["repository"], json.loads(line)["root"]) for line in lines}
    assert found == {
        ("api", str(projects / "red/api")),
        ("api", str(projects / "blue/api")),
        ("notes", str(projects / "notes")),
    }


def test_ask_all_brings_up_to_date_and_leaves_out_what_fails(
    invoke: Invoke, projects: Path, write_tree: WriteTree, environment: Path
) -> None:
    invoke("index", "--all", projects)
    write_tree(projects / "red/api", {"later.py": "def varnish(door):\n    return door\n"})
    (projects / "blue/api/plugins/nested/inner.py").unlink()
    result = invoke("ask", "varnish", "--all", projects)
    assert result.exit_code == 0
    assert "later.py" in result.stdout
    assert "nested: left out: " in result.stderr
    damaged = index_directory(environment / "indexes", projects / "blue/api") / "index.db"
    damaged.write_bytes(b"nothing of use")
    result = invoke("ask", "varnish", "--all", projects, "--no-refresh")
    assert result.exit_code == 0
    assert "api: left out: the index is damaged" in result.stderr


@pytest.mark.parametrize(
    ("folder", "said"),
    [("missing", "there is no folder"), ("file", "is a file"), ("empty", "no Git repository"), ("bare", "only bare")],
)
@pytest.mark.parametrize("command", [("index",), ("ask", "paint")])
def test_folders_without_repositories_are_refused(
    invoke: Invoke, tmp_path: Path, git: Git, command: tuple[str, ...], folder: str, said: str
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare").mkdir()
    git(tmp_path / "bare", "init", "--quiet", "--bare", "x.git")
    result = invoke(*command, "--all", tmp_path / folder)
    assert result.exit_code == 2
    assert said in result.stderr


def test_where_none_is_indexed_the_command_is_named(invoke: Invoke, projects: Path) -> None:
    result = invoke("ask", "paint", "--all", projects)
    assert result.exit_code == 2
    assert "is indexed: run `codesearch index --all" in result.stderr
