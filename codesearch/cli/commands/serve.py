"""``codesearch serve``: its options, and its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.choices import IndexAccess, resolve_index_folder
from codesearch.cli.lazy import Later
from codesearch.cli.options import All, Device, IndexDir, Model, NoRefresh

__all__ = ["ServeOptions", "serve"]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the options ask for.

    Attributes:
        paths: Of repositories, or names with paths; () for here.
        below: Folder whose repositories are served as well; None for none.
        host: To listen on.
        port: Likewise.
        tokens: File of tokens; None for the user's.
        without_tokens: Whether everybody who can reach it may ask.
        hosts: Names that it answers to.
        rate: Requests a second of one token.
        access: Of the indexes.
    """

    paths: tuple[str, ...]
    below: Path | None
    host: str
    port: int
    tokens: Path | None
    without_tokens: bool
    hosts: tuple[str, ...]
    rate: float
    access: IndexAccess


_serve: Callable[[ServeOptions], None] = Later("codesearch.cli.work.serve", "serve_repositories")


def serve(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[[NAME=]PATH]...",
            help="Folders or Git URLs, each with a name if you like. Without one: the current repository.",
        ),
    ] = None,
    below: All = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Listen on this address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Listen on this port; 0 takes a free one.", min=0, max=65535)] = (
        8388
    ),
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="FILE", help="Read tokens from this file instead of the user's own."),
    ] = None,
    without_tokens: Annotated[
        bool, typer.Option("--without-tokens", help="Let everybody ask who can reach the server.")
    ] = False,
    hosts: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Answer to this name, as behind a proxy."),
    ] = None,
    rate: Annotated[
        float, typer.Option("--rate", metavar="N", help="Let each token send N requests a second.", min=0, max=10_000)
    ] = 20,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Search by words only.")] = False,
    no_refresh: NoRefresh = False,
    index_dir: IndexDir = None,
    device: Device = "",
    model: Model = None,
) -> None:
    """Serve repositories to a team: a page, an HTTP API, MCP.

    The server indexes the repositories in the background, and watches them. It listens on this machine only, unless
    you give --host. Then it needs tokens, which `codesearch token add` makes. docs/guide/server.md is the guide.

    \b
    Examples:
      codesearch serve
      codesearch serve --all .. --port 9000
      codesearch serve team/app=. --allow-host search.example.org
    """  # noqa: D301 - the backspace character tells click to keep the lines
    access = IndexAccess(resolve_index_folder(index_dir), device, model, dense=not no_dense, refresh=not no_refresh)
    _serve(
        ServeOptions(tuple(paths or ()), below, host, port, tokens, without_tokens, tuple(hosts or ()), rate, access)
    )
