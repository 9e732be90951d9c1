"""Writes the manual page of the command line, ``docs/codesearch.1``, from the command line itself.

``python3 dev.py man`` runs it, and a test fails where the page lags behind. One page holds all commands: whoever
types ``man codesearch`` sees everything. The macros are those of man(7), which groff, mandoc and others read.

click-man would be the library for this; it leaves out the options of typer's commands and cuts summaries.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from codesearch import __version__
from codesearch.cli.app import app

PAGE = Path(__file__).with_name("codesearch.1")

_FILES = """\
.SH ENVIRONMENT
.TP
.B CODESEARCH_CACHE
Folder of the indexes, of cloned repositories and of stored vectors.
.TP
.B NO_COLOR
Print no colours.
.SH FILES
.TP
.I codesearch.toml
Settings of the user, in the user's configuration folder, and of a repository, in its root. \
The latter can say which files are searched, and nothing else.
.SH EXIT STATUS
.TP
.B 0
Something was found, or done.
.TP
.B 1
Nothing was found; what was looked at and why is said on standard error.
.TP
.B 2
An error, with what to do about it.
.SH SEE ALSO
.BR grep (1),
.BR git-grep (1)
"""


def escaped(text: str) -> str:
    """Return text in which nothing is taken for a request or an escape of roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def paragraphs(help_text: str) -> Iterator[str]:
    """Yield the requests for a help text; a paragraph that begins with a backspace keeps its lines."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", help_text.strip())):
        kept = paragraph.startswith("\b")
        body = escaped(paragraph.removeprefix("\b").strip("\n"))
        if number:
            yield ".PP"
        yield f".nf\n{body}\n.fi" if kept else body


def _arguments(command: Any) -> str:
    # What click prints in the usage line: [PATH]... as it was given, a name of a parameter in capitals.
    return " ".join(p.make_metavar(_context(command)) for p in command.params if p.param_type_name == "argument")


def _context(command: Any) -> Any:
    return command.context_class(command, info_name=command.name)


def parameter_entries(command: Any) -> Iterator[str]:
    """Yield an entry for each argument and each option of a command."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield f".TP\n.I {escaped(parameter.make_metavar(_context(command)))}\n{escaped(parameter.help or '')}"
            continue
        names = ", ".join(f"\\fB{escaped(name)}\\fR" for name in (*parameter.opts, *parameter.secondary_opts))
        value = "" if parameter.is_flag else f" \\fI{escaped(parameter.make_metavar(_context(command)))}\\fR"
        yield f".TP\n{names}{value}\n{escaped(parameter.help or '')}"


def commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name, those inside groups after their group."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        yield f"{prefix} {name}", command
        yield from commands(command, f"{prefix} {name}") if hasattr(command, "commands") else ()


def manual() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(app)
    lines = [
        '.\\" Written by docs/manual.py from the command line: change the help there, and run `python3 dev.py man`.',
        f'.TH CODESEARCH 1 "" "codesearch {__version__}" "User Commands"',
        ".SH NAME",
        "codesearch \\- ask a repository in plain words, get the function",
        ".SH SYNOPSIS",
        *(
            f".B {escaped(name)}\n[\\fIOPTION\\fR]... {escaped(_arguments(command))}\n.br"
            for name, command in commands(group, "codesearch")
        ),
        ".SH DESCRIPTION",
        "Splits repositories into functions, keeps them in an index of words and vectors, and answers questions "
        "in plain words. Nothing leaves the machine, and nothing is downloaded.",
        ".SH OPTIONS",
        *parameter_entries(group),
        ".SH COMMANDS",
    ]
    for name, command in commands(group, "codesearch"):
        lines += [f".SS {escaped(name)} {escaped(_arguments(command))}".rstrip(), *paragraphs(command.help or "")]
        lines += parameter_entries(command)
    return "\n".join(lines) + "\n" + _FILES


if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}\n")
