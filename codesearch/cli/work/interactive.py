"""``codesearch ask -i``: the picker, and what is done with what was chosen in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from codesearch.cli.choices import IndexAccess
from codesearch.cli.inputs import load_access_settings
from codesearch.encoders import LazyEncoder
from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.picker.application import Selection, pick, terminal
from codesearch.picker.editors import editor_command
from codesearch.picker.layout import Scene
from codesearch.picker.updates import IndexUpdates, JobReport
from codesearch.present.render import visible
from codesearch.search.candidates import Filters
from codesearch.settings import Settings
from codesearch.upkeep.extent import refuse_what_is_huge
from codesearch.upkeep.messages import EncoderChoice
from codesearch.upkeep.plan import Job

__all__ = ["ask_interactively", "refuse_without_terminal"]


def refuse_without_terminal(settings: Settings) -> None:
    """Say early, before anything is cloned or loaded, that there is nothing to draw on.

    Raises:
        InputError: There is no terminal, or none that can be drawn on.
    """
    if not settings.can_draw:
        raise InputError("this terminal cannot be drawn on (TERM=dumb): ask without -i")
    with terminal():
        pass


def ask_interactively(
    question: str,
    jobs: Sequence[Job],
    filters: Sequence[Filters],
    called: dict[Path, str],
    load: LazyEncoder | None,
    settings: Settings,
    access: IndexAccess,
    *,
    limit: int,
) -> None:
    """Let the user ask and choose; then open an editor, or print where it is.

    Raises:
        InputError: There is no terminal, or the editor cannot be started.
        IndexUnusable: There is no index, and none is to be made.
        typer.Exit: With 130 if nothing was chosen, else with the editor's exit status.
    """
    for job in jobs:
        if not access.refresh:
            Snapshot(job.directory).close()
        elif not (job.directory / "index.db").is_file():
            refuse_what_is_huge(job.repository)

    def updates(report: Callable[[JobReport], None]) -> IndexUpdates:
        choice = EncoderChoice.of(load_access_settings(access)) if access.dense else None
        return IndexUpdates(jobs, choice, report)

    names = [called.get(job.repository.root, job.repository.name) for job in jobs]
    about = names[0] if len(names) == 1 else f"{len(names)} repositories"
    chosen = pick(
        jobs,
        filters,
        Scene(Path.cwd(), visible(about), called),
        question=question,
        limit=limit,
        encoder=load,
        updates=updates if access.refresh else None,
        colour=settings.colour,
    )
    if chosen is None:
        raise typer.Exit(130)
    _open(chosen, settings.editor)


def _open(chosen: Selection, editor: str) -> None:
    if not sys.stdout.isatty():
        # For a program, and so byte for byte as the file is called.
        sys.stdout.buffer.write(os.fsencode(_place(chosen)) + b"\n")
        return
    if not editor:
        print(visible(_place(chosen)))
        return
    command = editor_command(editor, chosen.path, chosen.line)
    try:
        if sys.stdin.isatty() or os.name == "nt":
            done = subprocess.run(command, check=False)
        else:  # the question came from a pipe
            with Path("/dev/tty").open("rb") as keys:
                done = subprocess.run(command, check=False, stdin=keys)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"the editor {command[0]} cannot be started ({reason}): set VISUAL or EDITOR; it is {_place(chosen)}"
        ) from error
    if done.returncode:
        raise typer.Exit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def _place(chosen: Selection) -> str:
    """Return ``path:line``, relative to the current folder where that needs no "..", and never like an option."""
    path = chosen.path
    cwd = Path.cwd()
    shown = str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)
    return f"{'./' if shown.startswith('-') else ''}{shown}:{chosen.line}"
