"""The command line ``codesearch``. Thin: parses, calls the library, prints."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from codesearch.cli.lazy import Entry, LazyProgram
from codesearch.cli.program import Debug, Version, make_app, run_program
from codesearch.errors import InputError
from codesearch.settings import use_one_blas_thread

__all__ = ["app", "main"]

_COMMANDS = "codesearch.cli.commands"

_OTHER_NAMES: Final = frozenset({"find", "grep", "query", "search"})
"""What other programs call asking: whoever types one of these means the command, and not the word."""

_FILTER_FIRST: Final = re.compile(r"-(lang|path|kind|is):")
"""How a question begins that leaves something out; no option begins so."""


class _Commands(LazyProgram):
    stopped = "stopped; what was committed stays, and the next run goes on from there"
    listings = {  # noqa: RUF012 - declared as a class variable in LazyProgram
        "index": Entry(f"{_COMMANDS}.index", "index", "Index repositories, or bring their indexes up to date."),
        "ask": Entry(f"{_COMMANDS}.ask", "ask", "Ask a question about the code of a repository."),
        "similar": Entry(f"{_COMMANDS}.similar", "similar", "Find the functions most like a place or a snippet."),
        "mcp": Entry(f"{_COMMANDS}.mcp", "mcp", "Search code for coding agents: the MCP server."),
        "agents": Entry(f"{_COMMANDS}.agents", "agents", "Tell a coding agent that works in a shell how to search."),
        "serve": Entry(f"{_COMMANDS}.serve", "serve", "Serve repositories to a team: a page, an HTTP API, MCP."),
        "token": Entry(f"{_COMMANDS}.token", "token", "Make, list and revoke the tokens of `codesearch serve`."),
        "duplicates": Entry(f"{_COMMANDS}.duplicates", "duplicates", "Find functions that are copies of each other."),
        "doctor": Entry(f"{_COMMANDS}.doctor", "doctor", "Check whether everything works here."),
        "lsp": Entry(f"{_COMMANDS}.lsp", "lsp", "Start the language server, for an editor."),
        "export": Entry(f"{_COMMANDS}.portable", "export", "Write the index of a repository to one file."),
        "import": Entry(f"{_COMMANDS}.portable", "import_", "Read an index that was exported elsewhere."),
        "status": Entry(f"{_COMMANDS}.status", "status", "Show what is indexed, and how fresh it is."),
        "forget": Entry(f"{_COMMANDS}.forget", "forget", "Delete indexes, and never the repositories themselves."),
        "version": Entry(f"{_COMMANDS}.version", "version", "Print the versions of codesearch and of its parts."),
    }

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; a question that begins with a filter is no option."""
        return super().parse_args(ctx, [f" {arg}" if _FILTER_FIRST.match(arg) else arg for arg in args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a first argument that is none is a question, unless it may be one that is mistyped."""
        first = args[0]
        if first not in self.listings:
            if first in _OTHER_NAMES:
                ctx.fail(f"No such command {first!r}. Did you mean 'ask'?")
            mistyped = first and get_close_matches(first, self.listings)
            if any(map(str.isspace, first)) or (not mistyped and _reads_as_question(first)):
                args = ["ask", *args]
        return super().resolve_command(ctx, args)


def _reads_as_question(first: str) -> bool:
    """Whether it is no command that somebody thought there was: a word of small letters alone is one.

    Raises:
        InputError: It is a folder.
    """
    _refuse_place(first)
    return bool(first) and not (first.isalpha() and first.islower())


def _refuse_place(first: str) -> None:
    """Refuse a question that is the name of a folder.

    Raises:
        InputError: It is one.
    """
    if os.path.isdir(first):  # noqa: PTH112 - it may be too long for a path, which Path does not bear
        raise InputError(
            f"{first} is a folder: `codesearch index {first}` indexes it, and "
            f'`codesearch ask "parse json" {first}` searches it'
        )


app = make_app(
    "codesearch",
    "Ask a repository in plain words, get the function.",
    group=_Commands,
    example='codesearch index . ; codesearch "parse json"',
    completion=True,
)


@app.callback()
def _check_folder(
    version: Version = False,  # noqa: ARG001 - acts in its callback
    debug: Debug = False,  # noqa: ARG001 - read where faults are
) -> None:
    """Ask a repository in plain words, get the function."""
    try:
        Path.cwd()
    except OSError:
        raise InputError("the current folder no longer exists: change to another one") from None


def main() -> None:
    """Run the command line; the entry point of the ``codesearch`` script."""
    use_one_blas_thread()
    run_program(app, "codesearch")
