"""``codesearch-lsp``, which ``codesearch lsp`` starts: how the server is reached."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from codesearch import __version__
from codesearch.cli.program import fill_closed_streams, turn_ends_into_sentences, turn_faults_into_sentences
from codesearch.errors import InputError
from codesearch.settings import use_one_blas_thread

__all__ = ["main"]

_PROGRAM: Final = "codesearch-lsp"

_SWITCH_SECONDS: Final = 0.001
"""How long a thread may keep the interpreter while another waits: a search must not hold up the protocol."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one client, over stdin and stdout or over TCP, until it leaves.

    Raises:
        SystemExit: At the end, with 0 if the client took its leave as it should.
    """
    fill_closed_streams()
    with turn_faults_into_sentences(_PROGRAM), turn_ends_into_sentences(_PROGRAM):
        _serve(_read_options(arguments))


def _read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="Start the language server, for an editor.", add_help=False
    )
    options = parser.add_argument_group("Options")
    options.add_argument("--stdio", action="store_true", help="Speak over stdin and stdout, which is the default.")
    options.add_argument("--tcp", action="store_true", help="Wait for one client on a TCP port instead.")
    options.add_argument("--host", default="127.0.0.1", help="Listen on this host.  [default: %(default)s]")
    options.add_argument("--port", type=int, default=2087, help="Listen on this port.  [default: %(default)s]")
    options.add_argument("--version", action="version", version=f"{_PROGRAM} {__version__}", help="Print the version.")
    options.add_argument("--debug", action="store_true", help="Show the traceback of a fault.")
    options.add_argument("--help", action="help", help="Show this message and exit.")
    given = parser.parse_args(arguments)
    if not 0 <= given.port <= 65535:
        parser.error(f"--port {given.port}: give a number from 0 to 65535")
    return given


def _serve(given: argparse.Namespace) -> NoReturn:
    use_one_blas_thread()
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Imported late: NumPy reads the number of its threads when it is imported.
    from codesearch_lsp.server import make_server

    server = make_server()
    if given.tcp:
        try:
            server.start_tcp(given.host, given.port)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"cannot listen on {given.host}:{given.port} ({reason}): give another --port") from error
    else:
        server.start_io()
    # What LSP wants of `exit`: 1 where no `shutdown` came before. pygls ends the loop and keeps the code to itself.
    raise SystemExit(0 if server.was_shut_down else 1)
