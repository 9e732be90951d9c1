"""``codesearch agents``: what to tell a coding agent that works in a shell."""

from __future__ import annotations

import typer

__all__ = ["SNIPPET", "agents"]

SNIPPET = """\
## Finding code

`codesearch` finds code of this project by what it does, in plain words, and works offline. Ask it first where you do
not know the words that the code uses. Use grep for exact strings.

- `codesearch ask -k 5 "retry a request with backoff"`: functions, methods and types, best first, as `path:line`.
- `codesearch ask --lang python --kind function --path "src/**" --tests no "parse a date"`: with filters.
- `codesearch ask --markdown -k 1 "parse a date"`: the best result with all of its code.
- `codesearch similar src/net.py:120`: code like the function at a line, before you write it again.

The exit code is 0 if something was found, 1 if nothing was, and 2 for an error. The index is updated by itself.
"""

agents = typer.Typer(name="agents", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@agents.callback()
def describe() -> None:
    """Tell a coding agent that works in a shell how to search.

    An agent that speaks MCP needs `codesearch mcp` instead.

    \b
    Examples:
      codesearch agents snippet
    """  # noqa: D301 - the backspace character tells click to keep the lines


@agents.command()
def snippet() -> None:
    """Print a section for AGENTS.md, CLAUDE.md or the like.

    \b
    Examples:
      codesearch agents snippet
    """  # noqa: D301
    print(SNIPPET, end="")
