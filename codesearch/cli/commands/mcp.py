"""``codesearch mcp``: the server for coding agents, and its entry in their configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.options import Device, IndexDir, Model, encoder_loader, indexes_folder, settings_for, tell
from codesearch.errors import InputError

__all__ = ["mcp"]

mcp = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@mcp.callback()
def serve(
    context: typer.Context,
    folder: Annotated[
        list[Path] | None,
        typer.Option("--folder", help="A folder that may be searched; default: those of the client, else here."),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP on 127.0.0.1 instead of stdio.")] = False,
    port: Annotated[int, typer.Option(help="For --http.", min=1, max=65535)] = 8387,
    token: Annotated[
        str, typer.Option(help="For --http: what clients have to send; by default a new one is made and shown.")
    ] = "",
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Search code for coding agents, over the Model Context Protocol.

    Serves search_code, similar_code and index_status in the folders that are given; docs/guide/agents.md is the guide.

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
    settings = settings_for(None, device, model)
    load = None if no_dense else encoder_loader(settings)
    from codesearch.mcp.server import make_server, serve_http, serve_stdio
    from codesearch.mcp.tools import Tools

    server = make_server(folders, Tools(settings, load, indexes_folder(index_dir)))
    if http:
        serve_http(server, port=port, token=token, say=tell)
    else:
        serve_stdio(server)


def client_names() -> list[str]:
    """Complete ``--client``."""
    from codesearch.mcp.clients import CLIENTS

    return sorted(CLIENTS)


@mcp.command()
def install(
    client: Annotated[
        str,
        typer.Option(
            help="claude-code, claude-desktop, codex, cursor, gemini, opencode, ...", autocompletion=client_names
        ),
    ],
    project: Annotated[Path, typer.Option(help="The project that the agent works on.", file_okay=False)] = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
) -> None:
    """Enter the server into the configuration of an agent; the change is shown first, and nothing else is touched.

    \b
    Examples:
      codesearch mcp install --client claude-code
      codesearch mcp install --client codex --yes
    """  # noqa: D301
    from codesearch.mcp.clients import CLIENTS, plan_change, write_change

    if client not in CLIENTS:
        raise InputError(f"--client {client}: known are {', '.join(sorted(CLIENTS))}")
    folder = project.resolve()
    arguments = ["-m", "codesearch", "mcp", "--folder", str(folder)]
    change = plan_change(CLIENTS[client], project=folder, home=Path.home(), command=sys.executable, arguments=arguments)
    if not change.diff:
        print(f"{change.path} has it already")
        return
    print(change.diff, end="")
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Write {change.path}?")):
        raise InputError("nothing was written: answer y, or give --yes")
    write_change(change)
    print(f"{CLIENTS[client].title} will find codesearch when it starts the next time")
