"""The command line. Thin: parses, calls the library, prints.

Exit codes are grep's: 0 something was found (or done), 1 nothing was found, 2 an error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from codesearch import __version__
from codesearch.cli.commands.ask import ask
from codesearch.cli.commands.doctor import doctor
from codesearch.cli.commands.duplicates import duplicates
from codesearch.cli.commands.index import index
from codesearch.cli.commands.lsp import lsp
from codesearch.cli.commands.mcp import mcp
from codesearch.cli.commands.portable import export, import_
from codesearch.cli.commands.similar import similar
from codesearch.cli.console import say
from codesearch.cli.options import IndexDir, Paths, indexes_folder, tell
from codesearch.errors import CodesearchError, InputError, RepositoryNotFound
from codesearch.settings import debugging, load_settings, use_one_blas_thread


class _Commands(TyperGroup):
    """The commands, with what ends them early turned into a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except CodesearchError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            tell("stopped; what was committed stays, and the next run goes on from there")
            sys.exit(130)
        except BrokenPipeError:
            # Somebody like `head` has read enough. Python would complain once more when it flushes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        return result


app = typer.Typer(
    cls=_Commands,
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ask a repository in plain words, get the function.",
    epilog='Example: codesearch index . ; codesearch ask "parse json"',
)


def main() -> None:
    """Run the command line; the entry point of the ``codesearch`` script."""
    use_one_blas_thread()
    try:
        app(standalone_mode=True)
    except Exception as error:
        # A fault of ours. Whoever meets it needs a sentence; whoever mends it, the traceback.
        if debugging() or "--debug" in sys.argv:
            raise
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
        say(
            f"codesearch: this should not have happened ({reason}); nothing that was indexed is lost. Please run "
            "it again as `codesearch --debug ...` and report what it prints, with `codesearch version`"
        )
        sys.exit(2)


def _fail(text: str) -> NoReturn:
    tell(text)
    sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"codesearch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: ARG001 - acts in its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - read by main
        bool, typer.Option("--debug", help="Show the traceback of a fault.")
    ] = False,
) -> None:
    """Ask a repository in plain words, get the function."""
    try:
        Path.cwd()
    except OSError:
        raise InputError("the current folder no longer exists: change to another one") from None


app.command()(index)
app.command()(ask)
app.command()(similar)
app.add_typer(mcp, name="mcp")
app.command()(duplicates)
app.command()(doctor)
app.command()(lsp)
app.command()(export)
app.command("import")(import_)


# --- status, forget, version --------------------------------------------------------------------------------


@app.command()
def status(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="A repository, or a folder in it.")] = "",
    skipped: Annotated[bool, typer.Option("--skipped", help="List the files left out, and why.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List every index.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    index_dir: IndexDir = None,
) -> None:
    """Show what is indexed: at which commit, with which model, how fresh, how large, what was left out.

    \b
    Examples:
      codesearch status
      codesearch status --skipped
      codesearch status --all --json
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.upkeep.status import (
        all_statuses,
        brief_line,
        repository_status,
        skipped_lines,
        status_lines,
    )
    from codesearch.upkeep.targets import find_target

    settings = load_settings()
    indexes = indexes_folder(index_dir)
    if everything:
        statuses = all_statuses(indexes or settings.indexes)
        print(json.dumps(statuses) if as_json else "\n".join(map(brief_line, statuses)) or "nothing is indexed")
        return
    repository = find_target(path, indexes=indexes or settings.indexes, cache=settings.cache, refresh=False).repository
    found = repository_status(repository, load_settings(repository.root), indexes=indexes)
    if as_json:
        print(json.dumps(found))
    else:
        print("\n".join(skipped_lines(found) if skipped else status_lines(found)))


@app.command()
def forget(
    paths: Paths = None,
    everything: Annotated[bool, typer.Option("--all", help="Forget every index.")] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="Forget the vectors remembered for all repositories as well.")
    ] = False,
    index_dir: IndexDir = None,
) -> None:
    """Delete indexes. The repositories themselves are never touched.

    \b
    Examples:
      codesearch forget
      codesearch forget ../other
      codesearch forget --all --vectors
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.upkeep.status import forget_all, forget_repository

    settings = load_settings()
    indexes = indexes_folder(index_dir) or settings.indexes
    if everything:
        say(f"forgot {forget_all(indexes)} indexes")
    elif paths or not vectors:
        for location in paths or ["."]:
            root = forget_repository(location, settings, indexes)
            if root is None:
                raise RepositoryNotFound(f"{location} is not indexed: `codesearch status --all` lists what is")
            say(f"forgot {root}")
    if vectors:
        size = sum(file.stat().st_size for file in settings.cache.glob("vectors.db*"))
        for file in settings.cache.glob("vectors.db*"):
            file.unlink()
        say(f"forgot {size / 1e6:,.1f} MB of vectors")


@app.command()
def version(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Print the versions of codesearch, of its model, and of what it stands on.

    \b
    Examples:
      codesearch version --json
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.upkeep.status import versions

    found = versions()
    print(json.dumps(found) if as_json else "\n".join(f"{name:<14}{value}" for name, value in found.items()))
