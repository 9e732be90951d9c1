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
    ("pattern", "root", "below"),
    [
        ("vendor", "vendor", ()),
        ("vendor/**", "vendor", ()),
        ("./vendor/sub/", "vendor/sub", ()),
        ("/vendor/sub/v.py", "vendor/sub", ("v.py",)),
    ],
)
def test_a_pattern_that_names_an_ignored_folder_searches_it(
    work_tree: Path, pattern: str, root: str, below: tuple[str, ...]
) -> None:
    targets = [Target(find(work_tree).repository)]
    (found,) = find_ignored(targets, [pattern], work_tree, cache=work_tree)
    assert (found.repository.root, found.below) == (work_tree / root, below)
    filters = found.filters(patterns=[pattern])
    assert filters.path is None or filters.path(below[0])


@pytest.mark.parametrize("pattern", ["o.py", "build", "*.py", "!vendor", "nowhere", "../..", "vend*", ""])
def test_any_other_pattern_names_no_ignored_folder(work_tree: Path, pattern: str) -> None:
    assert find_ignored([Target(find(work_tree).repository)], [pattern], work_tree, cache=work_tree) == []
