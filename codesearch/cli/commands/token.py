"""``codesearch token``: the tokens of ``codesearch serve``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.lazy import Later

__all__ = ["token"]

_add: Callable[[Path | None, str, list[str], str], None] = Later("codesearch.cli.work.token", "add_token")
_list: Callable[[Path | None, bool], None] = Later("codesearch.cli.work.token", "list_tokens")
_revoke: Callable[[Path | None, str], None] = Later("codesearch.cli.work.token", "revoke_token")

token = typer.Typer(name="token", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

File = Annotated[
    Path | None,
    typer.Option("--tokens", metavar="FILE", help="Keep tokens in this file instead of the user's own."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call the token.")]


@token.callback()
def tokens() -> None:
    """Make, list and revoke the tokens of `codesearch serve`."""


@token.command()
def add(
    name: Name,
    repositories: Annotated[
        list[str],
        typer.Option(
            "--repositories", metavar="PATTERN", help="Let it see the repositories of these names, such as 'team/*'."
        ),
    ],
    expires: Annotated[
        str, typer.Option("--expires", metavar="WHEN", help="12h, 30d, 2w, a date such as 2031-12-24, or never.")
    ] = "90d",
    file: File = None,
) -> None:
    """Make a token, and print it once.

    Only its hash is kept, so nobody can print it again. A server that runs takes it from the next request on.

    \b
    Examples:
      codesearch token add ann --repositories 'team/*' --expires 30d
      codesearch token add ci --repositories team/app --expires never
    """  # noqa: D301
    _add(file, name, repositories, expires)


@token.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    file: File = None,
) -> None:
    """List the tokens by name, and never the tokens themselves.

    \b
    Examples:
      codesearch token list
    """  # noqa: D301
    _list(file, as_json)


@token.command()
def revoke(name: Name, file: File = None) -> None:
    """Delete a token; a server that runs refuses it from the next request on.

    \b
    Examples:
      codesearch token revoke ann
    """  # noqa: D301
    _revoke(file, name)
