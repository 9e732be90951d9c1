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
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
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
    if " " in name:  # a question needs no command
        name, rest = "ask", [name, *rest]
    command = GROUP.commands.get(name)
    assert command is not None, f"there is no command {name!r}"
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    for word in rest:
        option = word.partition("=")[0]
        assert not re.match(r"--?[A-Za-z]", option) or option in known, f"{name} has no option {option}"


CASES = [
    (document.relative_to(ROOT).as_posix(), line)
    for document in DOCUMENTS
    for line in written_commands(document.read_text("utf-8"))
]


def test_commands_are_found_in_the_documents() -> None:
    assert {"README.md", "docs/guide/searching.md", "docs/guide/duplicates.md"} <= {name for name, _ in CASES}
    assert len(CASES) > 50


@pytest.mark.parametrize(("document", "line"), CASES)
def test_what_a_document_says_to_type_exists(document: str, line: str) -> None:
    check(line)


@pytest.mark.parametrize("line", ["codesearch aks x", "codesearch ask x --langs go", "codesearch index -z"])
def test_what_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line)


def tracked_documents() -> list[Path]:
    """All Markdown files of the work tree that Git knows or would take; those of an unpacked archive otherwise."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode:
        return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [file for file in files if file.exists() and ROOT / "tests" / "data" not in file.parents]


def links(text: str) -> Iterator[str]:
    """Yield where the links and pictures of a document lead, but for code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "`code`", text)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"""<(?:img|a|source)\s[^>]*(?:src|href|srcset)=["']([^"']+)""", text)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    }


def dead_links(document: Path) -> Iterator[str]:
    for link in links(document.read_text("utf-8")):
        if re.match(r"[a-z][a-z+.-]*:", link):
            continue  # another site, which no test asks
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            yield link


@pytest.mark.parametrize("document", tracked_documents(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    assert list(dead_links(document)) == []


@pytest.mark.parametrize(
    "document",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("[gd]*/*.md"))],
    ids=lambda file: file.relative_to(ROOT).as_posix(),
)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    named = re.findall(
        r"(?<![\w/.-])((?:codesearch|lsp|train|eval|tests|docs)/[\w/.-]+\.(?:py|toml|tsv|json|md|lua|scm))\b",
        document.read_text("utf-8"),
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# The second\n")
    document = tmp_path / "a.md"
    document.write_text("[b](b.md#the-second) ![x](x.png) [c](b.md#third) `[d](d.md)` [e](https://example.org)\n")
    assert list(dead_links(document)) == ["x.png", "b.md#third"]


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for below, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{name} {below}")


@pytest.mark.parametrize(("name", "command"), list(commands(GROUP, "codesearch")))
def test_every_command_and_every_parameter_has_help(name: str, command: Any) -> None:
    assert command.help, name
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    specification = importlib.util.spec_from_file_location("configuration", ROOT / "docs" / "configuration.py")
    assert specification is not None
    assert specification.loader is not None
    configuration = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(configuration)
    assert configuration.PAGE.read_text(encoding="utf-8") == configuration.page(), "run `python3 dev.py man`"
    assert configuration.table() in configuration.page()


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
