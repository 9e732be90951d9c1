"""``codesearch mcp``: the server for coding agents, and its entry in their configuration."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, resolve_index_folder
from codesearch.cli.console import tell
from codesearch.cli.inputs import load_access_settings, make_lazy_encoder
from codesearch.cli.interrupts import leave_to_the_server
from codesearch.cli.options import Device, IndexDir, Model
from codesearch.errors import InputError
from codesearch.mcp.clients import (
    CLIENTS,
    Change,
    Client,
    NotEditable,
    plan_change,
    plan_removal,
    server_command,
    write_change,
)

__all__ = ["mcp"]

_TO_A_PERSON = (
    "this is a server for coding agents. It waits for a client to write to its stdin, and says nothing to people. "
    "`codesearch mcp install --client NAME` enters it into an agent; `codesearch ask` answers you. Ctrl-C ends it."
)

mcp = typer.Typer(name="mcp", invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@mcp.callback()
def serve(
    context: typer.Context,
    folder: Annotated[
        list[Path] | None,
        typer.Option(
            "--folder", help="Search in this folder. Without one: in the client's folders, or else in the current one."
        ),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP on 127.0.0.1 instead of stdio.")] = False,
    port: Annotated[int, typer.Option(help="Listen on this port, with --http.", min=1, max=65535)] = 8387,
    token: Annotated[
        str, typer.Option(help="Ask clients for this token, with --http. Without one, a new token is made and shown.")
    ] = "",
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Search code for coding agents: the MCP server.

    The server offers the tools search_code, similar_code and index_status, in the folders that you give.
    docs/guide/agents.md is the guide.

    \b
    Examples:
      codesearch mcp --folder .
      codesearch mcp --http --port 8387 --folder .
      codesearch mcp install --client claude-code
    """  # noqa: D301 - the backspace character tells click to keep the lines
    if context.invoked_subcommand is not None:
        return
    folders = folder or []
    for place in folders:
        if not place.is_dir():
            raise InputError(f"--folder {place} is no folder")
    if sys.stdin.isatty() and not http:
        tell(_TO_A_PERSON)
    access = IndexAccess(resolve_index_folder(index_dir), device, model, dense=not no_dense)
    settings = load_access_settings(access)
    encoder = make_lazy_encoder(settings) if access.dense else None
    # Imported late: the protocol's library costs half a second, and neither --help nor `install` needs it.
    from codesearch.mcp.server import make_http_application, make_server, require_token, serve_stdio
    from codesearch.mcp.tools import Tools

    server = make_server(folders, Tools(settings, encoder, access.folder))
    if not http:
        leave_to_the_server()
        serve_stdio(server)
        return
    from codesearch.server.listener import listen, run

    token = token or secrets.token_urlsafe(24)
    app = make_http_application(server, names=[f"{host}:{port}" for host in ("127.0.0.1", "localhost")])
    listener = listen("127.0.0.1", port)
    tell(f"listening on http://127.0.0.1:{port}/mcp; clients send the header  Authorization: Bearer {token}")
    run(require_token(app, token), listener)


def list_clients() -> list[str]:
    """Complete ``--client``."""
    return sorted(CLIENTS)


ClientName = Annotated[
    str,
    typer.Option(
        "--client",
        help="The agent: claude-code, claude-desktop, codex, cursor, gemini, opencode, ...",
        autocompletion=list_clients,
    ),
]
Project = Annotated[Path, typer.Option("--project", help="The project that the agent works on.", file_okay=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]


@mcp.command()
def install(client: ClientName, project: Project = Path(), yes: Yes = False) -> None:
    """Add the server to the configuration of an agent.

    The command shows the change first, and touches nothing else. A file in the project names no path of this machine,
    so that you can commit it.

    \b
    Examples:
      codesearch mcp install --client claude-code
      codesearch mcp install --client codex --yes
    """  # noqa: D301
    known, folder = _client(client), project.resolve()
    command, arguments = server_command(known, folder)
    try:
        change = plan_change(known, project=folder, home=Path.home(), command=command, arguments=arguments)
    except NotEditable as error:
        print(error.paste, end="")
        raise InputError(f"{error.reason}: add the lines above to it yourself") from error
    if not change.diff:
        print(f"{change.path} has it already")
        return
    _write(change, yes)
    if known.folder and command == sys.executable:
        tell("the entry names the Python of this machine: with codesearch or uvx on the PATH it can be shared")
    print(f"{known.title} will find codesearch when it starts the next time")


@mcp.command()
def uninstall(client: ClientName, project: Project = Path(), yes: Yes = False) -> None:
    """Take the server out of the configuration of an agent.

    The command shows the change first, and touches nothing else.

    \b
    Examples:
      codesearch mcp uninstall --client claude-code
      codesearch mcp uninstall --client codex --yes
    """  # noqa: D301
    known = _client(client)
    change = plan_removal(known, project=project.resolve(), home=Path.home())
    if not change.diff:
        print(f"{change.path} does not have it")
        return
    _write(change, yes)
    print(f"{known.title} will no longer find codesearch when it starts the next time")


def _client(name: str) -> Client:
    if name not in CLIENTS:
        raise InputError(f"--client {name}: known are {', '.join(sorted(CLIENTS))}")
    return CLIENTS[name]


def _write(change: Change, yes: bool) -> None:
    print(change.diff, end="", flush=True)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Write {change.path}?")):
        raise InputError("nothing was written: answer y, or give --yes")
    write_change(change)
