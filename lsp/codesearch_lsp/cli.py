"""``codesearch-lsp``, which ``codesearch lsp`` starts: how the server is reached."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from codesearch.settings import use_one_blas_thread

__all__ = ["main"]

_SWITCH_SECONDS: Final = 0.001
"""How long a thread may keep the interpreter while another waits: a search must not hold up the protocol."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one client, over stdin and stdout or over TCP, until it leaves.

    Raises:
        SystemExit: At the end, with 0 if the client took its leave as it should.
    """
    parser = argparse.ArgumentParser(prog="codesearch lsp", description="The language server of codesearch.")
    parser.add_argument("--stdio", action="store_true", help="speak over stdin and stdout, which is the default")
    parser.add_argument("--tcp", action="store_true", help="wait for one client on a TCP port instead")
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=2087, help="to listen on (default: %(default)s)")
    given = parser.parse_args(arguments)
    if not 0 <= given.port <= 65535:
        parser.error(f"--port {given.port}: give a number from 0 to 65535")
    use_one_blas_thread()
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Imported late: NumPy reads the number of its threads when it is imported.
    from codesearch_lsp.server import make_server

    server = make_server()
    if given.tcp:
        try:
            server.start_tcp(given.host, given.port)
        except OSError as error:
            parser.error(f"cannot listen on {given.host}:{given.port}: {error.strerror or error}")
    else:
        server.start_io()
    # What LSP wants of `exit`: 1 where no `shutdown` came before. pygls ends the loop and keeps the code to itself.
    raise SystemExit(0 if server.was_shut_down else 1)
