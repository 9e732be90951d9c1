"""Nothing that a repository's own configuration names is run, and Git is not waited for without end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codesearch.records import Repository
from codesearch.sources import FileRules, list_files
from codesearch.sources import commands as git_commands
from codesearch.sources.commands import GitUnavailableError, run
from codesearch.sources.git_configuration import (
    clean_environment,
    disarmed_environment,
    find_costly_pattern,
    find_special_file,
)

Configure = Callable[[Path, str], None]


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """A work tree whose one file has other times than Git's index knows, so that Git looks into it."""
    root = tmp_path / "tree"
    root.mkdir()
    git(root, "init", "-q")
    (root / "a.py").write_text("def needle():\n    return 1\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "x")
    os.utime(root / "a.py", (1_577_836_800, 1_577_836_800))
    return root


def in_config(root: Path, text: str) -> None:
    with (root / ".git" / "config").open("a") as file:
        file.write(text)


def in_an_include(root: Path, text: str) -> None:
    (root / ".git" / "more").write_text(text)
    in_config(root, "[include]\n\tpath = more\n")


def in_the_configuration_of_the_work_tree(root: Path, text: str) -> None:
    in_config(root, "[extensions]\n\tworktreeConfig = true\n")
    (root / ".git" / "config.worktree").write_text(text)


@pytest.mark.parametrize("configure", [in_config, in_an_include, in_the_configuration_of_the_work_tree])
@pytest.mark.parametrize(
    "setting",
    [
        '[filter "x"]\n\tclean = "{}; cat"',
        '[filter "a=b"]\n\tclean = "{}; cat"',
        '[filter "X.y"]\n\tclean = "{}; cat"\n\trequired = true',
        '[filter "x"]\n\tprocess = "{}"',
        '[core]\n\tfsmonitor = "{}"',
        '[core]\n\tfsmonitor = "{}"\n\thooksPath = .git',
    ],
)
def test_no_program_of_a_repository_is_run(work_tree: Path, configure: Configure, setting: str) -> None:
    ran = work_tree.parent / "RAN"
    configure(work_tree, setting.format(f"touch {ran}") + "\n")
    (work_tree / ".gitattributes").write_text("*.py filter=x\n*.py filter=a=b\n")
    names = {"a=b": "a=b", "X.y": "X.y"}
    name = next((name for name in names if f'"{name}"' in setting), "x")
    (work_tree / ".gitattributes").write_text(f"*.py filter={name}\n")
    listing = list_files(Repository(work_tree, "tree", is_git=True), FileRules())
    assert "a.py" in [file.path for file in listing.files]
    assert not ran.exists()


def test_git_would_have_run_it(work_tree: Path) -> None:
    """What the tests above plant does run, unless it is kept from it."""
    ran = work_tree.parent / "RAN"
    in_config(work_tree, f'[filter "x"]\n\tclean = "touch {ran}; cat"\n')
    (work_tree / ".gitattributes").write_text("*.py filter=x\n")
    git(work_tree, "status")
    assert ran.exists()


@pytest.mark.parametrize("url", ["ext::touch {}", "ssh://host.invalid/x", "file:///nowhere"])
def test_objects_that_a_partial_clone_left_out_are_not_fetched(work_tree: Path, url: str) -> None:
    ran = work_tree.parent / "RAN"
    in_config(
        work_tree,
        f'[remote "origin"]\n\turl = "{url.format(ran)}"\n\tpromisor = true\n\tpartialclonefilter = blob:none\n'
        f'\tvcs = ext\n[extensions]\n\tpartialClone = origin\n[core]\n\tsshCommand = "touch {ran}"\n'
        "\trepositoryformatversion = 1\n[protocol]\n\tallow = always\n",
    )
    status, _ = run(work_tree, "cat-file", "-e", "1234567890123456789012345678901234567890", accept=(0, 1, 128))
    assert status != 0
    assert not ran.exists()


@pytest.mark.parametrize(
    "command", [("log", "-p"), ("show", "HEAD"), ("diff", "HEAD"), ("-c", "a.b=log", "diff", "HEAD")]
)
def test_differences_are_shown_by_git_itself(work_tree: Path, command: tuple[str, ...]) -> None:
    ran = work_tree.parent / "RAN"
    (work_tree / ".gitattributes").write_text("*.py diff=x\n")
    (work_tree / "a.py").write_text("def changed():\n    return 2\n")
    in_config(
        work_tree,
        f'[diff]\n\texternal = "touch {ran}"\n[diff "x"]\n\ttextconv = "touch {ran}; cat"\n\tcommand = "touch {ran}"\n',
    )
    _, printed = run(work_tree, *command)
    assert b"needle" in printed
    assert not ran.exists()


def test_what_a_person_hands_down_stays(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_config(work_tree, '[filter "x"]\n\tclean = "false"\n')
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.quotePath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    environment = disarmed_environment(work_tree)
    assert environment["GIT_CONFIG_COUNT"] == "2"
    assert environment["GIT_CONFIG_KEY_0"] == "core.quotePath"
    assert (environment["GIT_CONFIG_KEY_1"], environment["GIT_CONFIG_VALUE_1"]) == ("filter.x.clean", "")


def test_a_configuration_that_changes_is_read_again(work_tree: Path) -> None:
    assert "GIT_CONFIG_COUNT" not in disarmed_environment(work_tree)
    in_config(work_tree, '[filter "x"]\n\tclean = "false"\n')
    assert disarmed_environment(work_tree)["GIT_CONFIG_KEY_0"] == "filter.x.clean"


def test_programs_named_by_variables_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "touch RAN")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    assert not {"GIT_EXTERNAL_DIFF", "GIT_DIR"} & clean_environment().keys()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("place", [".gitignore", "sub/.gitignore", ".gitattributes", ".git/info/exclude", ".git/index"])
def test_a_special_file_is_named_and_not_waited_for(work_tree: Path, place: str) -> None:
    target = work_tree / place
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    (work_tree / "sub" / "b.py").parent.mkdir(exist_ok=True)
    (work_tree / "sub" / "b.py").write_text("x = 1\n")
    os.mkfifo(target)
    listing = list_files(Repository(work_tree, "tree", is_git=True), FileRules())
    assert "a.py" in [file.path for file in listing.files]
    assert find_special_file(work_tree) == target


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_configuration_that_never_ends_is_named(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(work_tree.parent / "outside")
    in_config(work_tree, f"[include]\n\tpath = {work_tree.parent}/outside\n")
    monkeypatch.setattr("codesearch.sources.git_configuration._LIST_SECONDS", 0.5)
    with pytest.raises(GitUnavailableError, match="include"):
        run(work_tree, "status")
    listing = list_files(Repository(work_tree, "tree", is_git=True), FileRules())
    assert "a.py" in [file.path for file in listing.files]


@pytest.mark.parametrize(
    "place", [".gitignore", ".gitattributes", ".git/info/exclude", ".git/info/attributes", "../up"]
)
@pytest.mark.parametrize("pattern", ["*a" * 20 + "b", "**/a/" * 12 + "**/b"])
def test_a_pattern_that_git_never_gets_done_with_is_named_and_not_waited_for(
    work_tree: Path, place: str, pattern: str
) -> None:
    """Git tries each place for each star: here some 10 to the power of 20 times."""
    deep = work_tree / "sub" / Path(*["a"] * 60)
    deep.mkdir(parents=True)
    folder = work_tree
    if place == "../up":
        place, folder = ".gitignore", work_tree / "sub"
    attributes = place.endswith("attributes")
    target = work_tree / place
    target.parent.mkdir(exist_ok=True)
    target.write_text(f"*.log\n{pattern}{' filter=x' * attributes}\n")
    for name in ("sub/" + "a" * 120 + ".py", f"{deep.relative_to(work_tree)}/a.py"):
        (work_tree / name).write_text("def found(): pass\n")
        if attributes:
            git(work_tree, "update-index", "--add", "--cacheinfo", f"100644,{'1' * 40},{name}")
    assert find_costly_pattern(folder) == (target, pattern)
    listing = list_files(Repository(folder, "tree", is_git=True), FileRules())
    assert pattern[:20] in listing.notice
    assert len(listing.files) >= 2


def test_patterns_that_people_write_are_not_costly(work_tree: Path) -> None:
    (work_tree / ".gitignore").write_text("**/build/**/*.generated.*.cs\n***\n*~\n[a-z]*[0-9]*/**/*_*_*.py\n")
    assert find_costly_pattern(work_tree) is None


@pytest.mark.skipif(os.name == "nt", reason="there are no shell scripts as programs")
def test_git_is_not_waited_for_without_end(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody finds what it waits for."""
    programs = work_tree.parent / "bin"
    programs.mkdir()
    (programs / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git_commands, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(git_commands, "_LIMIT_SECONDS", 0.4)
    with pytest.raises(GitUnavailableError, match="gave no answer"):
        run(work_tree, "status")
