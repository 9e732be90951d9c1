"""What the user names, and what is searched for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch.upkeep.targets import Target, find_ignored, find_target


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "shop"
    for name in ("vendor/sub/v.py", "build/a.gen.py", "o.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("def f():\n    return 1\n")
    (root / ".gitignore").write_text("/vendor\n*.gen.py\n")
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def find(path: Path) -> Target:
    return find_target(str(path), indexes=path / "indexes", cache=path / "cache")


def test_an_ignored_folder_that_is_named_is_a_repository(work_tree: Path) -> None:
    target = find(work_tree / "vendor")
    assert (target.repository.root, target.repository.is_git, target.below) == (work_tree / "vendor", False, ())


def test_a_file_in_an_ignored_folder_is_searched_in_its_folder(work_tree: Path) -> None:
    target = find(work_tree / "vendor" / "sub" / "v.py")
    assert (target.repository.root, target.below) == (work_tree / "vendor" / "sub", ("v.py",))


def test_a_folder_that_is_not_ignored_is_a_part_of_its_work_tree(work_tree: Path) -> None:
    target = find(work_tree / "build")
    assert (target.repository.root, target.below) == (work_tree, ("build",))


def test_an_ignored_file_beside_others_is_refused_with_the_reason(work_tree: Path) -> None:
    with pytest.raises(InputError, match="ignored by Git"):
        find(work_tree / "build" / "a.gen.py")


@pytest.mark.parametrize(
    ("pattern", "root"),
    [
        ("vendor", "vendor"),
        ("vendor/**", "vendor"),
        ("vendor/**/*.py", "vendor"),
        ("vendor/*/v.py", "vendor"),
        ("./vendor/sub/", "vendor/sub"),
        ("/vendor/sub/v.py", "vendor/sub"),
        ("vendor/su?", "vendor"),
    ],
)
def test_a_pattern_that_names_an_ignored_folder_searches_it(work_tree: Path, pattern: str, root: str) -> None:
    targets = [Target(find(work_tree).repository)]
    (found,) = find_ignored(targets, [pattern], work_tree, cache=work_tree)
    assert (found.repository.root, found.around) == (work_tree / root, work_tree)
    lets_through = found.filters(patterns=[pattern], here=work_tree).path
    assert lets_through is not None
    inside = (work_tree / "vendor/sub/v.py").relative_to(work_tree / root).as_posix()
    assert lets_through(inside)


def test_patterns_are_relative_to_the_repository_around_an_ignored_folder(work_tree: Path) -> None:
    patterns = ["vendor", "!vendor/sub/old/**", "*.js"]
    (found,) = find_ignored([find(work_tree)], patterns, work_tree, cache=work_tree)
    lets_through = found.filters(patterns=patterns).path
    assert lets_through is not None
    assert [lets_through(path) for path in ("sub/v.py", "sub/old/v.py", "a.js")] == [True, False, True]


def test_folders_that_lie_in_one_another_are_searched_once(work_tree: Path) -> None:
    found = find_ignored([find(work_tree)], ["vendor/sub", "vendor", "vendor/sub/v.py"], work_tree, cache=work_tree)
    assert [target.repository.root for target in found] == [work_tree / "vendor"]
    assert find_ignored([*found, find(work_tree)], ["vendor"], work_tree, cache=work_tree) == []


@pytest.mark.parametrize(
    "pattern", ["o.py", "build", "*.py", "!vendor", "nowhere", "../..", "vend*", "", "a\0b", "x" * 5000, "\ud800", "."]
)
def test_any_other_pattern_names_no_ignored_folder(work_tree: Path, pattern: str) -> None:
    assert find_ignored([Target(find(work_tree).repository)], [pattern], work_tree, cache=work_tree) == []


def test_without_git_ignore_files_say_the_same(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "plain"
    for name in ("vendor/v.py", "node_modules/m.js", "src/s.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("def f():\n    return 1\n")
    (root / ".gitignore").write_text("/vendor\n")
    patterns = ["vendor", "node_modules/*.js", "src"]
    found = find_ignored([find(root)], patterns, root, cache=root)
    assert {target.repository.root.name for target in found} == {"vendor", "node_modules"}
