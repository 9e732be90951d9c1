"""Expressions that no path makes slow match what pathspec's match."""

from __future__ import annotations

import re
import subprocess
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec.patterns.gitignore.base import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from codesearch.sources.linear_patterns import make_linear
from codesearch.sources.patterns import IgnoreTree, PatternList

PATTERNS = st.lists(
    st.sampled_from(["a", "b", "*", "**", "/", "?", "[ab]", ".", "\\*", "/**/", "*/", "[]a]", "c"]),
    min_size=1,
    max_size=9,
).map("".join)
PATHS = st.lists(st.text("abc.*", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join)

HOSTILE = [
    "*a" * 21 + "b",
    "**/" + "*a" * 20 + "b/**/x",
    "/".join(["**", "a*a*a*"] * 8) + "/b",
    "a/**/" * 10 + "b",
    "**/*a*/" * 9 + "b",
    "?*" * 30 + "b",
    "[ab]*" * 30 + "c",
]


@settings(max_examples=400, deadline=None)
@given(pattern=PATTERNS, paths=st.lists(PATHS, min_size=1, max_size=20))
def test_what_matches_is_what_pathspec_says(pattern: str, paths: list[str]) -> None:
    try:
        expression, _ = GitIgnoreSpecPattern.pattern_to_regex(pattern)
    except GitIgnorePatternError:
        return
    if expression is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = re.compile(expression), re.compile(make_linear(expression))
    for path in paths:
        for text in (path, path + "/"):
            found = [
                (m.lastindex, m.start(m.lastindex) if m.lastindex else 0) if m else None
                for m in (theirs.search(text), ours.search(text))
            ]
            assert found[0] == found[1], (pattern, text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("path", ["a" * 250, "/".join(["a" * 100] * 40), "a/" * 2000 + "a", "ab" * 120 + "/x"])
def test_no_path_makes_a_pattern_slow(pattern: str, path: str) -> None:
    """With pathspec's own expression most of these would not end before the universe does."""
    assert IgnoreTree.of_patterns(PatternList([pattern])).ignores(path) in (True, False)


def test_a_class_matches_no_slash_as_in_git(tmp_path: Path) -> None:
    pattern = "/a[!b]c"
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(pattern + "\n")
    for path in ("a/c", "axc"):
        said = subprocess.run(["git", "check-ignore", "--no-index", "-q", path], cwd=tmp_path, check=False).returncode
        assert IgnoreTree.of_patterns(PatternList([pattern])).ignores(path) == (said == 0), path


def test_another_form_is_refused_rather_than_misread() -> None:
    with pytest.raises(ValueError, match="form that is not known"):
        make_linear("^a(b|c)d$")
