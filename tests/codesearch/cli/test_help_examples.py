"""Every example of the help is run, as a user would type it, in a small repository."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from codesearch.cli.app import app

GROUP: Any = typer.main.get_command(app)

SERVERS = {"codesearch lsp", "codesearch mcp", "codesearch serve"}
"""They serve until their client is gone: here there is none from the start, or (over TCP and HTTP) never one."""

FILES = {
    "src/net.py": "import json\n" * 110
    + """
class Client:
    def receive(self, text):
        \"\"\"Parse a JSON message.\"\"\"
        return json.loads(text)

    def send(self, message):
        \"\"\"Send a message, and retry with backoff.\"\"\"
        for seconds in (1, 2, 4):
            if self.socket.write(json.dumps(message)):
                return True
            self.sleep(seconds)
        return False


def parse_header(line):
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
""",
    "src/copy.py": """
def parse_header_again(line):
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def first_twin(values, limit):
    total = 0
    for value in values:
        if value > limit:
            total += value * value
        elif value < -limit:
            total -= value * value
        else:
            total += limit - value
    return total / max(len(values), 1)


def second_twin(values, limit):
    total = 0
    for value in values:
        if value > limit:
            total += value * value
        elif value < -limit:
            total -= value * value
        else:
            total += limit - value
    return total / max(len(values), 1)
""",
}


def examples(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a help text that are examples, with the command that they belong to."""
    for line in (command.help or "").partition("Examples:")[2].splitlines():
        if line.strip():
            yield name, line.strip()
    for below, child in getattr(command, "commands", {}).items():
        yield from examples(child, f"{name} {below}")


CASES = list(examples(GROUP, "codesearch"))


def all_commands(command: Any, name: str) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if not below or getattr(command, "invoke_without_command", False):
        yield name
    for child, inner in below.items():
        yield from all_commands(inner, f"{name} {child}")


def test_every_command_has_an_example() -> None:
    assert set(all_commands(GROUP, "codesearch")) - {name for name, _ in CASES} == set()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A repository to stand in, another beside it, and an environment with a cache of its own."""
    folder = tmp_path_factory.mktemp("examples")
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "codesearch"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m codesearch "$@"\n')
    program.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    environment = dict(
        os.environ,
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / ".config"),
        CODESEARCH_CACHE=str(folder / "cache"),
    )
    for name in ("here", "other"):
        root = folder / name
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / "snippet.go").write_text("func Parse(text string) (Message, error) {\n\treturn decode(text)\n}\n")
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "parse json messages"]):
            subprocess.run(["git", *command], cwd=root, check=True, env=environment)
    return folder / "here", environment


def prepared(line: str) -> str:
    """Return what has to be run before an example, because it goes on from where another one ended."""
    if line.startswith("codesearch import"):
        return "codesearch export index.zip"
    if "ask" in line and "--all" in line:
        return "codesearch index --all .."
    if line.startswith("codesearch duplicates --baseline"):
        return "codesearch duplicates --write-baseline accepted.json"
    if line.startswith("codesearch forget ../other"):
        return "codesearch index ../other"
    if line.startswith(("codesearch forget", "codesearch doctor")):  # a server that was ended leaves things undone
        return "codesearch index"
    if line.startswith("codesearch token revoke"):
        return "codesearch token add ann --repositories '*'"
    return ""


@pytest.mark.skipif(os.name == "nt", reason="the examples are written for a POSIX shell")
@pytest.mark.parametrize(("name", "line"), CASES)
def test_an_example_of_the_help_works(name: str, line: str, place: tuple[Path, dict[str, str]]) -> None:
    root, environment = place
    run: dict[str, Any] = {"shell": True, "cwd": root, "env": environment, "capture_output": True, "text": True}
    if before := prepared(line):
        subprocess.run(before, check=False, **run)
    listens = "--tcp" in line or "--http" in line or name == "codesearch serve"
    stays = "--watch" in line or (name in SERVERS and " install" not in line and listens)
    if stays:
        line = line.replace("2087", "0").replace("8387", "18387").replace("9000", "0")
        if name == "codesearch serve" and "--port" not in line:
            line += " --port 0"
        line = f"timeout --preserve-status -s INT 8 {line}"
    done = subprocess.run(line, stdin=subprocess.DEVNULL, check=False, **run)
    assert "Traceback" not in done.stderr, done.stderr
    assert "should not have happened" not in done.stderr, done.stderr
    if line.startswith("codesearch mcp install") and "--yes" not in line:
        assert "give --yes" in done.stderr  # nobody is there to be asked
    elif name == "codesearch lsp" or stays:
        assert done.returncode in (0, 1, 130), done.stderr  # an editor that leaves without a word is no success
    else:
        assert done.returncode == 0, done.stderr
