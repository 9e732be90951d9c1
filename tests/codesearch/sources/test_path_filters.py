"""Patterns that narrow a search, as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.sources import path_matcher

FILES = ("a.py", "src/a.py", "src/b/c.py", "src/tests/t.py", "tests/t.py", "tests/keep.py")


def let_through(patterns: tuple[str, ...], root: Path | None = None, here: Path | None = None) -> list[str]:
    return [path for path in FILES if path_matcher(patterns, root, here)(path)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("./src/a.py", ["src/a.py"]),
        ("src\\a.py", ["src/a.py"]),
        (".\\src\\b\\", ["src/b/c.py"]),
        ("src\\**", ["src/a.py", "src/b/c.py", "src/tests/t.py"]),
        ("!src\\**", ["a.py", "tests/t.py", "tests/keep.py"]),
        ("./src/**", ["src/a.py", "src/b/c.py", "src/tests/t.py"]),
        ("./src/", ["src/a.py", "src/b/c.py", "src/tests/t.py"]),
        ("./src", ["src/a.py", "src/b/c.py", "src/tests/t.py"]),
        ("src//b/", ["src/b/c.py"]),
        ("src/./b/../a.py", ["src/a.py"]),
        ("./a.py", ["a.py"]),
        (".", list(FILES)),
        ("./", list(FILES)),
        ("ROOT", list(FILES)),
        ("ROOT/", list(FILES)),
        ("ROOT/src/a.py", ["src/a.py"]),
        ("ROOT/src/b/", ["src/b/c.py"]),
        ("ROOT/**/c.py", ["src/b/c.py"]),
        ("LINK/src/*.py", ["src/a.py"]),
        ("/src/b", ["src/b/c.py"]),
        ("a.py", ["a.py", "src/a.py"]),
        ("../a.py", []),
        ("/elsewhere/src/a.py", []),
        ("!ROOT/src", ["a.py", "tests/t.py", "tests/keep.py"]),
        ("!./tests/", ["a.py", "src/a.py", "src/b/c.py", "src/tests/t.py"]),
    ],
)
def test_patterns_from_the_root(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    root = tmp_path / "ro[o]t*"
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    given = pattern.replace("ROOT", str(root)).replace("LINK", str(tmp_path / "link"))
    for here in (None, root):
        assert let_through((given,), root, here) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("./a.py", ["src/a.py"]),
        ("../a.py", ["a.py"]),
        ("../tests/", ["tests/t.py", "tests/keep.py"]),
        ("..", list(FILES)),
        (".", ["src/a.py", "src/b/c.py", "src/tests/t.py"]),
        ("../../a.py", []),
        ("!../tests", ["a.py", "src/a.py", "src/b/c.py", "src/tests/t.py"]),
        ("tests/*", ["tests/t.py", "tests/keep.py"]),
    ],
)
def test_patterns_from_a_folder_below_the_root(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    assert let_through((pattern,), tmp_path, tmp_path / "src") == expected


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("!tests/**",), ["a.py", "src/a.py", "src/b/c.py", "src/tests/t.py"]),
        (("!tests/",), ["a.py", "src/a.py", "src/b/c.py"]),
        (("!/tests", "!*/b/*"), ["a.py", "src/a.py", "src/tests/t.py"]),
        (("src/**", "!src/tests/**"), ["src/a.py", "src/b/c.py"]),
        (("src", "!tests"), ["src/a.py", "src/b/c.py"]),
        (("*.py", "!tests/", "keep.py"), ["a.py", "src/a.py", "src/b/c.py", "tests/keep.py"]),
        (("!*",), []),
    ],
)
def test_what_is_left_out(patterns: tuple[str, ...], expected: list[str]) -> None:
    assert let_through(patterns) == expected
