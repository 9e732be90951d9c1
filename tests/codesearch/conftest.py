"""What the tests of the library and of its command line share: small repositories, and ways to ask them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from codesearch.cli.app import app

SAMPLE: Mapping[str, str] = {
    "README.md": "# Sample\n\nReads configuration and talks to servers.\n",
    "src/config.py": '''"""Configuration files."""

import json


def parse_config(text: str) -> dict:
    """Parse a configuration file.

    It has to be JSON.
    """
    return json.loads(text)


class ConfigError(Exception):
    """The configuration cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path

    def describe(self) -> str:
        """Say what is wrong with the file."""
        return str(self)
''',
    "src/net/retry.go": """package net

// Backoff waits longer after each failed attempt.
func Backoff(attempt int) int {
	return 1 << attempt
}
""",
    "src/queue.ts": """export class TaskQueue {
  private items: string[] = [];

  /** Add a task at the end of the queue. */
  enqueue(
    task: string,
    priority: number,
  ): void {
    this.items.push(task);
  }
}
""",
    "tests/test_config.py": '''from src.config import parse_config


def test_parse_config() -> None:
    """parse_config parses a configuration file."""
    assert parse_config("{}") == {}
''',
    "schema.sql": "CREATE TABLE customers (id INTEGER PRIMARY KEY, invoice_total NUMERIC);\n",
}


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write files, given by path relative to `root`, and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def git(folder: Path, *arguments: str) -> None:
    """Run Git as nobody in particular."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a configuration of the test's own, and an encoder that needs no model; returns the cache."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("CODESEARCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CODESEARCH_CACHE", str(home / "cache"))
    monkeypatch.setenv("CODESEARCH_MODEL", "hashing")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return home / "cache"


WriteTree = Callable[[Path, Mapping[str, str]], Path]


@pytest.fixture(name="write_tree")
def write_tree_fixture() -> WriteTree:
    """Write files, given by path relative to a folder, and return the folder."""
    return write_tree


@pytest.fixture(name="git")
def git_fixture() -> Callable[..., None]:
    """Run Git in a folder."""
    return git


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A folder with a few files in several languages; not under Git."""
    return write_tree(tmp_path / "sample", SAMPLE)


@pytest.fixture
def git_sample(sample: Path) -> Path:
    """The same folder as a Git repository with one commit."""
    git(sample, "init", "--quiet")
    git(sample, "add", ".")
    git(sample, "commit", "--quiet", "-m", "first")
    return sample


Invoke = Callable[..., Result]


@pytest.fixture
def invoke() -> Invoke:
    """Run the command line within this process: ``invoke("ask", "parse json", path)``."""

    def run(*arguments: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Start:
    """Start the command line in a process of its own: for signals, pipes, limits and exit codes."""

    def run(*arguments: str | Path, prelude: str = "", **options: object) -> subprocess.Popen[str]:
        code = f"{prelude}\nfrom codesearch.cli.app import main\nmain()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )

    return run
