"""The command line. Thin: parses, calls the library, prints.

Exit codes are grep's: 0 something was found (or done), 1 nothing was found, 2 an error.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from codesearch import __version__
from codesearch.console import follow, say, summary
from codesearch.errors import CodesearchError, IndexBusy, InputError, RepositoryNotFound, StorageError
from codesearch.records import Kind, Match, Repository
from codesearch.settings import DEVICES, Settings, load_settings

if TYPE_CHECKING:
    from codesearch.encoders import Encoder
    from codesearch.index.snapshot import Filters
    from codesearch.indexing import Job

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ask a repository in plain words, get the function.",
    epilog='Example: codesearch index . ; codesearch ask "parse json"',
)

_ASK_ENCODE_SECONDS = 30.0
"""How long `ask` may spend on encoding before it answers from what there is."""

Paths = Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Folders or Git URLs; default: here.")]
IndexDir = Annotated[
    Path | None,
    typer.Option("--index-dir", help="Keep indexes in this folder instead of the user's cache."),
]
Device = Annotated[str, typer.Option(help=f"What computes vectors: {', '.join(DEVICES)}.")]
Model = Annotated[str | None, typer.Option(help="Another encoder: a model directory.")]


def main() -> None:
    """Run the command line; the entry point of the ``codesearch`` script."""
    try:
        app(standalone_mode=True)
    except CodesearchError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        say("codesearch: stopped; what was committed stays, and the next run goes on from there")
        sys.exit(130)
    except BrokenPipeError:
        # Somebody like `head` has read enough. Python would complain once more when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(text: str) -> NoReturn:
    say(f"codesearch: {text}")
    sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"codesearch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Ask a repository in plain words, get the function."""


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
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail if another process is indexing, instead of waiting.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Index repositories, or bring their indexes up to date.

    Only what changed is read, and only texts that were never seen are encoded. Ctrl-C loses nothing.
    """
    from codesearch.indexing import bring_up_to_date, plan

    for location in paths or ["."]:
        repository = _open(location)
        settings = _settings(repository.root, device, model)
        job = plan(
            repository,
            settings,
            indexes=_indexes(index_dir),
            include=_patterns(include),
            exclude=_patterns(exclude),
        )
        report = follow(
            bring_up_to_date(
                job,
                None if no_dense else _encoder_loader(settings),
                rebuild=rebuild,
                wait_seconds=0 if no_wait else -1,
                on_wait=lambda: say("codesearch: another process is indexing this repository; waiting for it"),
            ),
            repository.name,
            quiet=quiet,
        )
        if not quiet:
            say(summary(repository.name, report))


def _patterns(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(pattern for pattern in given if pattern)


def _indexes(index_dir: Path | None) -> Path | None:
    return None if index_dir is None else index_dir.absolute()


def _settings(root: Path | None, device: str, model: str | None) -> Settings:
    given = {"device": device, "model": model}
    return load_settings(root, overrides={name: value for name, value in given.items() if value})


def _open(location: str) -> Repository:
    from codesearch.sources import open_repository

    return open_repository(location, cache=load_settings().cache)


def _encoder_loader(settings: Settings) -> Callable[[], Encoder]:
    """Return what loads the encoder, once, however often it is called."""
    from functools import cache

    from codesearch.encoders import load_encoder

    return cache(lambda: load_encoder(settings.model, settings.device, threads=settings.threads))


# --- ask ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """A repository to ask, and the folders or files of it that were named; () for all of it."""

    repository: Repository
    below: tuple[str, ...] = ()


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help='Plain words, a name, or pasted code; "-" reads stdin.')],
    paths: Paths = None,
    limit: Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="Results at most.")] = 10,
    language: Annotated[list[str] | None, typer.Option("--lang", help="Only this language.")] = None,
    path: Annotated[
        list[str] | None, typer.Option("--path", help="Only files that match this .gitignore-style pattern.")
    ] = None,
    kind: Annotated[
        list[Kind] | None, typer.Option("--kind", help="Only this kind of code.", case_sensitive=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, one match a line.")] = False,
    context: Annotated[int, typer.Option("--context", "-C", min=0, max=1000, help="Lines around.")] = 0,
    score: Annotated[bool, typer.Option("--score", help="Show scores.")] = False,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    no_refresh: Annotated[
        bool,
        typer.Option("--no-refresh", help="Answer from the index as it is, without looking for changes."),
    ] = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Ask a question about the code of a repository.

    A repository that has no index yet is indexed first; one that has changed is brought up to date.
    """
    from codesearch.index.snapshot import Snapshot
    from codesearch.indexing import plan
    from codesearch.search import search

    if question == "-":
        question = sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace")
    if not question.strip():
        raise InputError('the question is empty: ask in plain words, such as "parse json"')
    indexes = _indexes(index_dir)
    settings = _settings(None, device, model)
    targets = _targets(paths, settings, indexes)
    load = None if no_dense else _ahead(_encoder_loader(settings))
    with ExitStack() as stack:
        snapshots = []
        for target in targets:
            repository = target.repository
            job = plan(repository, _settings(repository.root, device, model), indexes=indexes)
            if not no_refresh:
                _refresh(job, load)
            snapshots.append(stack.enter_context(Snapshot(job.directory)))
        filters = [_filters(language, kind, path, target.below) for target in targets]
        answer = search(snapshots, question, load() if load else None, limit=limit, filters=filters)
    for notice in answer.notices:
        say(f"codesearch: {notice.text}")
    _print_matches(answer.matches, as_json=as_json, context=context, score=score)
    sys.exit(0 if answer.matches else 1)


def _targets(paths: list[str] | None, settings: Settings, indexes: Path | None) -> list[_Target]:
    """Return the repositories to ask, each once."""
    named: dict[Path, _Target] = {}
    for location in paths or [""]:
        target = _target(location, settings, indexes)
        known = named.get(target.repository.root)
        if known is not None:
            both = (*known.below, *target.below) if known.below and target.below else ()
            target = _Target(target.repository, both)
        named[target.repository.root] = target
    return list(named.values())


def _target(location: str, settings: Settings, indexes: Path | None) -> _Target:
    """Find the repository that a path lies in; a folder inside it that was named narrows the search."""
    from codesearch.index.locations import find_index
    from codesearch.sources import find_repository, open_repository

    path = Path(location or ".").absolute().resolve()
    if not path.exists():
        return _Target(open_repository(location, cache=settings.cache))
    repository = find_repository(path)
    indexed = find_index(indexes or settings.indexes, path)
    # An index further out than the Git repository does not hold it: nested repositories are left out there.
    if indexed is not None and (not repository.is_git or indexed.is_relative_to(repository.root)):
        repository = open_repository(indexed, cache=settings.cache)
    below = path.relative_to(repository.root).as_posix() if location else "."
    return _Target(repository, () if below == "." else (below,))


def _ahead(load: Callable[[], Encoder]) -> Callable[[], Encoder]:
    """Start to load the encoder now, while the index is being looked at; return what waits for it."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1).submit(load).result


def _refresh(job: Job, load: Callable[[], Encoder] | None) -> None:
    """Bring an index up to date before it is asked; where that cannot be done, say so and go on."""
    from codesearch.indexing import bring_up_to_date

    exists = (job.directory / "index.db").exists()
    try:
        report = follow(
            bring_up_to_date(
                job,
                load,
                encode_seconds=_ASK_ENCODE_SECONDS,
                wait_seconds=0 if exists else -1,
                on_wait=None if exists else lambda: say("codesearch: waiting for the process that indexes this"),
                on_replace=lambda error: say(f"codesearch: {error.reason.value}: building it anew"),
                adopt_model=not exists,
            ),
            job.repository.name,
        )
    except IndexBusy:
        say("codesearch: another process is indexing this repository; answering from what it has committed")
    except StorageError as error:
        if not exists:
            raise
        say(f"codesearch: answering from the index as it is, because it cannot be brought up to date: {error}")
    except KeyboardInterrupt:
        say("codesearch: stopped indexing; answering from what there is")
    else:
        if not exists:
            say(summary(job.repository.name, report))


def _filters(
    languages: list[str] | None, kinds: list[Kind] | None, patterns: list[str] | None, below: tuple[str, ...]
) -> Filters:
    from codesearch.index.snapshot import Filters
    from codesearch.languages import LANGUAGES
    from codesearch.sources import path_matcher

    for name in languages or []:
        if name.lower() not in LANGUAGES:
            raise InputError(f"--lang {name}: unknown language; known are {', '.join(sorted(LANGUAGES))}")
    matches = path_matcher(tuple(patterns or ()))

    def allowed(path: str) -> bool:
        inside = not below or any(path == part or path.startswith(part + "/") for part in below)
        return inside and (not patterns or matches(path))

    return Filters(
        languages=frozenset(name.lower() for name in languages or ()),
        kinds=frozenset(kinds or ()),
        path=allowed if patterns or below else None,
    )


def _print_matches(matches: Sequence[Match], *, as_json: bool, context: int, score: bool) -> None:
    from codesearch.render import match_json, match_text

    # Source code and file names may hold what the terminal's encoding cannot; that must not end the program.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if as_json:
        for match in matches:
            print(match_json(match))
        return
    terminal = sys.stdout.isatty()
    colour = terminal and load_settings().colour
    width = shutil.get_terminal_size().columns if terminal else 200
    cwd = Path.cwd()
    texts = (match_text(match, cwd=cwd, context=context, colour=colour, score=score, width=width) for match in matches)
    print("\n\n".join(texts))


# --- status, forget, version --------------------------------------------------------------------------------


@app.command()
def status(
    path: Annotated[str, typer.Argument(help="A repository, or a folder in it.")] = "",
    skipped: Annotated[bool, typer.Option("--skipped", help="List the files left out, and why.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List every index.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    index_dir: IndexDir = None,
) -> None:
    """Show what is indexed: at which commit, with which model, how fresh, how large, what was left out."""
    from codesearch.status import (
        all_statuses,
        brief_line,
        repository_status,
        skipped_lines,
        status_lines,
    )

    settings = load_settings()
    indexes = _indexes(index_dir)
    if everything:
        statuses = all_statuses(indexes or settings.indexes)
        print(json.dumps(statuses) if as_json else "\n".join(map(brief_line, statuses)) or "nothing is indexed")
        return
    repository = _target(path, settings, indexes).repository
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
    """Delete indexes. The repositories themselves are never touched."""
    from codesearch.status import forget_all, forget_repository

    settings = load_settings()
    indexes = _indexes(index_dir) or settings.indexes
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
    """Print the versions of codesearch, of its model, and of what it stands on."""
    from codesearch.status import versions

    found = versions()
    print(json.dumps(found) if as_json else "\n".join(f"{name:<14}{value}" for name, value in found.items()))
