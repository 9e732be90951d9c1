"""The command line ``codesearch``. Thin: parses, calls the library, prints."""

from __future__ import annotations

from pathlib import Path

from codesearch.cli.lazy import Entry, LazyProgram
from codesearch.cli.program import Debug, Version, make_app, run_program
from codesearch.errors import InputError
from codesearch.settings import use_one_blas_thread

__all__ = ["app", "main"]

_COMMANDS = "codesearch.cli.commands"


class _Commands(LazyProgram):
    stopped = "stopped; what was committed stays, and the next run goes on from there"
    listings = {  # noqa: RUF012 - declared as a class variable in LazyProgram
        "index": Entry(f"{_COMMANDS}.index", "index", "Index repositories, or bring their indexes up to date."),
        "ask": Entry(f"{_COMMANDS}.ask", "ask", "Ask a question about the code of a repository."),
        "similar": Entry(f"{_COMMANDS}.similar", "similar", "Find the functions most like a place or a snippet."),
        "mcp": Entry(f"{_COMMANDS}.mcp", "mcp", "Search code for coding agents: the MCP server."),
        "agents": Entry(f"{_COMMANDS}.agents", "agents", "Tell a coding agent that works in a shell how to search."),
        "duplicates": Entry(f"{_COMMANDS}.duplicates", "duplicates", "Find functions that are copies of each other."),
        "doctor": Entry(f"{_COMMANDS}.doctor", "doctor", "Check whether everything works here."),
        "lsp": Entry(f"{_COMMANDS}.lsp", "lsp", "Start the language server, for an editor."),
        "export": Entry(f"{_COMMANDS}.portable", "export", "Write the index of a repository to one file."),
        "import": Entry(f"{_COMMANDS}.portable", "import_", "Read an index that was exported elsewhere."),
        "status": Entry(f"{_COMMANDS}.status", "status", "Show what is indexed, and how fresh it is."),
        "forget": Entry(f"{_COMMANDS}.forget", "forget", "Delete indexes, and never the repositories themselves."),
        "version": Entry(f"{_COMMANDS}.version", "version", "Print the versions of codesearch and of its parts."),
    }


app = make_app(
    "codesearch",
    "Ask a repository in plain words, get the function.",
    group=_Commands,
    example='codesearch index . ; codesearch ask "parse json"',
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
