"""What the documents and the help say of the command line, held against the command line itself."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from codesearch.cli.app import app

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GROUP: Any = typer.main.get_command(app)
ENDS = {";", "|", "&&", "||", "&", ">", ">>", "<", "2>"}


def written_commands(text: str) -> Iterator[str]:
    """Yield the lines of code blocks, and the inline code, that begin with ``codesearch``."""
    for line in text.splitlines():
        block = re.match(r"(?: {4,}|\s*)(?:\$ )?(codesearch .*)", line)
        if block and (line.startswith("    ") or "`" not in line):
            yield block[1]
        yield from re.findall(r"`(?:\$ )?(codesearch [^`]+)`", line)


def arguments_of(line: str) -> list[str]:
    """Return the words after ``codesearch``, up to where the shell ends the command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if word in ENDS:
            break
        words.append(word)
    return words[1:]


def check(line: str) -> None:
    """Parse a command line as the program would; raises what it would answer to a wrong one."""
    name, *rest = arguments_of(line)
    if name.startswith("-") or name in ("COMMAND", "..."):
        return
    command = GROUP.commands.get(name)
    assert command is not None, f"there is no command {name!r}"
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    for word in rest:
        option = word.partition("=")[0]
        assert not re.match(r"--?[A-Za-z]", option) or option in known, f"{name} has no option {option}"


CASES = [(document.name, line) for document in DOCUMENTS for line in written_commands(document.read_text("utf-8"))]


def test_commands_are_found_in_the_documents() -> None:
    assert len([line for name, line in CASES if name == "README.md"]) > 10


@pytest.mark.parametrize(("document", "line"), CASES)
def test_what_a_document_says_to_type_exists(document: str, line: str) -> None:
    check(line)


@pytest.mark.parametrize("line", ["codesearch aks x", "codesearch ask x --langs go", "codesearch index -z"])
def test_what_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line)


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for below, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{name} {below}")


@pytest.mark.parametrize(("name", "command"), list(commands(GROUP, "codesearch")))
def test_every_command_and_every_parameter_has_help(name: str, command: Any) -> None:
    assert command.help, name
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"


def test_the_manual_page_is_that_of_this_command_line() -> None:
    specification = importlib.util.spec_from_file_location("manual", ROOT / "docs" / "manual.py")
    assert specification is not None
    assert specification.loader is not None
    manual = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(manual)
    written = (ROOT / "docs" / "codesearch.1").read_text("utf-8")
    assert written == manual.manual(), "run `python3 dev.py man`"
    assert "\\-\\-no\\-refresh" in written


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff, which would read the manual page, is not installed")
def test_the_manual_page_is_formatted_without_a_warning() -> None:
    page = ROOT / "docs" / "codesearch.1"
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", str(page)], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert "Ask a question about the code of a repository." in re.sub(r"\x1b\[\d*m", "", done.stdout)
