"""``codesearch lsp``: the language server, which is a package of its own beside this one."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from codesearch.cli.interrupts import leave_to_the_server
from codesearch.errors import MissingExtra

__all__ = ["lsp"]

_SERVER = "codesearch_lsp.cli"
"""Named and not imported: the library stands on its own, and only this command starts what stands on it."""


def lsp(
    stdio: Annotated[bool, typer.Option("--stdio", help="Speak over stdin and stdout, which is the default.")] = False,
    tcp: Annotated[bool, typer.Option("--tcp", help="Wait for one client on a TCP port instead.")] = False,
    host: Annotated[str, typer.Option(help="Listen on this host.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Listen on this port.")] = 2087,
) -> None:
    """Start the language server, for an editor.

    Editors start it, and it waits for one on stdin. A terminal shows nothing. docs/guide/editors.md says how to set up
    an editor.

    \b
    Examples:
      codesearch lsp
      codesearch lsp --tcp --port 2087
    """  # noqa: D301 - the backspace character tells click to keep the lines
    try:
        server = import_module(_SERVER)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{error.name} is not installed: reinstall codesearch-nl to have the language server"
        ) from error
    leave_to_the_server()
    arguments = [flag for flag, given in (("--stdio", stdio), ("--tcp", tcp)) if given]
    server.main([*arguments, "--host", host, "--port", str(port)])
