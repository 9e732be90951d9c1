"""The command line. Thin: parses, calls the library, prints.

Exit codes are grep's: 0 something was found (or done), 1 nothing was found, 2 an error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from codesearch import __version__
from codesearch.commands.doctor import doctor
from codesearch.commands.duplicates import duplicates
from codesearch.commands.lsp import lsp
from codesearch.commands.mcp import mcp
from codesearch.commands.portable import export, import_
from codesearch.commands.similar import similar
from codesearch.console import follow, print_matches, say, summary
from codesearch.errors import (
    CodesearchError,
    InputError,
    RepositoryNotFound,
)
from codesearch.options import (
    AsJsonLines,
    AsMarkdown,
    Context,
    Device,
    IndexDir,
    Kinds,
    Languages,
    Limit,
    Model,
    NoRefresh,
    PathPatterns,
    Paths,
    ahead,
    encoder_loader,
    filters_for,
    find,
    indexes_folder,
    open_location,
    patterns_of,
    settings_for,
    tell,
)
from codesearch.records import Repository
from codesearch.settings import Settings, debugging, load_settings, use_one_blas_thread

if TYPE_CHECKING:
    from codesearch.encoders import Encoder


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


# --- index --------------------------------------------------------------------------------------------------


@app.command()
def index(
    paths: Paths = None,
    include: Annotated[
        list[str] | None,
        typer.Option(help="Only files that match this .gitignore-style pattern; remembered. '' forgets."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave out files that match; remembered. '' forgets.")
    ] = None,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Words only; encode nothing.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Start from nothing.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing; say what would be searched or left out, and how long it takes."),
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail if another process is indexing, instead of waiting.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Index repositories, or bring their indexes up to date.

    Only what changed is read, and only texts that were never seen are encoded. Ctrl-C loses nothing.

    \b
    Examples:
      codesearch index
      codesearch index . ../other
      codesearch index --exclude 'vendor/'
      codesearch index --dry-run
    """  # noqa: D301 - the backspace character tells click to keep the lines
    failed = []
    for location in paths or ["."]:
        try:
            repository = open_location(location)
            settings = settings_for(repository.root, device, model)
            _index(
                repository,
                settings,
                indexes=indexes_folder(index_dir),
                patterns=(patterns_of(include), patterns_of(exclude)),
                load=None if no_dense else encoder_loader(settings),
                rebuild=rebuild,
                wait_seconds=0 if no_wait else -1,
                quiet=quiet,
                dry_run=dry_run,
            )
        except CodesearchError as error:
            failed.append(error)
            tell(str(error))  # and on with the others
    if failed:
        sys.exit(2)


def _index(
    repository: Repository,
    settings: Settings,
    *,
    indexes: Path | None,
    patterns: tuple[tuple[str, ...] | None, tuple[str, ...] | None],
    load: Callable[[], Encoder] | None,
    rebuild: bool,
    wait_seconds: float,
    quiet: bool,
    dry_run: bool,
) -> None:
    from codesearch.indexing import bring_up_to_date, plan

    include, exclude = patterns
    if dry_run:
        from codesearch.forecast import forecast, forecast_lines
        from codesearch.render import visible

        job = plan(repository, settings, indexes=indexes, include=include, exclude=exclude)
        print("\n".join(map(visible, forecast_lines(forecast(job, load), every_file=not quiet))))
        return
    report = follow(
        bring_up_to_date(
            plan(repository, settings, indexes=indexes, include=include, exclude=exclude),
            load,
            rebuild=rebuild,
            wait_seconds=wait_seconds,
            on_wait=lambda: tell(f"{repository.name}: another process is indexing it; waiting for that to end"),
            on_replace=lambda error: tell(f"{repository.name}: {error.reason.value}: building it anew"),
        ),
        repository.name,
        quiet=quiet,
    )
    if report.notice:
        tell(f"{repository.name}: {report.notice}")
    if not quiet:
        say(summary(repository.name, report))


# --- ask ----------------------------------------------------------------------------------------------------


@app.command()
def ask(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help='Plain words, a name, or pasted code; "-" reads stdin.')
    ],
    paths: Paths = None,
    limit: Limit = 10,
    language: Languages = None,
    path: PathPatterns = None,
    kind: Kinds = None,
    as_json: AsJsonLines = False,
    as_markdown: AsMarkdown = False,
    context: Context = 0,
    score: Annotated[bool, typer.Option("--score", help="Show scores, and what they are made of.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why each result is where it is: signals, and what they say.")
    ] = False,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Ask a question about the code of a repository.

    A repository that has no index yet is indexed first; one that has changed is brought up to date.

    \b
    Examples:
      codesearch ask "parse json"
      codesearch ask "retry with backoff" src ../other -k 3
      codesearch ask parse_header --lang python --kind function --explain
      codesearch ask "parse json" --path "src/**" --json
      git log -1 --format=%s | codesearch ask -
    """  # noqa: D301 - the backspace character tells click to keep the lines
    from codesearch.asking import Surface
    from codesearch.asking import ask as ask_repositories
    from codesearch.indexing import plan

    if question == "-":
        question = sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace")
    if not question.strip():
        raise InputError('the question is empty: ask in plain words, such as "parse json"')
    if as_json and as_markdown:
        raise InputError("--json and --markdown exclude each other: choose one")
    settings = settings_for(None, device, model)
    load = None if no_dense else ahead(encoder_loader(settings))
    indexes = indexes_folder(index_dir)
    targets = find(paths or [], settings, indexes, refresh=not no_refresh)
    filters = [filters_for(language, kind, path, target) for target in targets]
    jobs = [
        plan(target.repository, settings_for(target.repository.root, device, model), indexes=indexes)
        for target in targets
    ]
    surface = Surface(tell, follow, lambda name, report: say(summary(name, report)))
    answer = ask_repositories(jobs, question, load, surface, limit=limit, filters=filters, refresh=not no_refresh)
    for notice in answer.notices:
        tell(notice.text)
    print_matches(
        answer.matches, as_json=as_json, as_markdown=as_markdown, context=context, score=score, explain=explain
    )
    if not answer.matches:
        raise typer.Exit(1)


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
    from codesearch.status import (
        all_statuses,
        brief_line,
        repository_status,
        skipped_lines,
        status_lines,
    )
    from codesearch.targets import find_target

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
    from codesearch.status import forget_all, forget_repository

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
    from codesearch.status import versions

    found = versions()
    print(json.dumps(found) if as_json else "\n".join(f"{name:<14}{value}" for name, value in found.items()))
