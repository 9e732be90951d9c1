"""Completion in shells, asked for as the shells ask."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = "import sys; sys.argv[0] = 'codesearch'; from codesearch.cli.app import main; main()"


def completed(shell: str, line: str) -> str:
    """Return what the program prints to a shell in which the line was typed up to its end."""
    environment = dict(os.environ, _CODESEARCH_COMPLETE=f"complete_{shell}")
    if shell == "bash":
        words = line.split(" ")
        environment |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    else:
        environment |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("codesearch dup", ["duplicates"]),
        ("codesearch ask x --expl", ["--explain"]),
        ("codesearch ask x --lang typ", ["typescript"]),
        ("codesearch ask x --kind me", ["method"]),
        ("codesearch index --device c", ["cpu", "cuda"]),
        ("codesearch similar - --snippet-lang ru", ["ruby", "rust"]),
        ("codesearch duplicates --level ex", ["exact"]),
        ("codesearch mcp install --client co", ["codex"]),
    ],
)
def test_names_and_values_are_completed(shell: str, line: str, expected: list[str]) -> None:
    printed = completed(shell, line)
    assert all(word in printed for word in expected), printed
    assert "haskell" not in printed
