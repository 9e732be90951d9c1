"""What ``codesearch token`` does."""

from __future__ import annotations

import json
import time
from pathlib import Path

from codesearch.cli.console import tell
from codesearch.server.access import Token, TokenFile, read_expiry
from codesearch.settings import default_token_file

__all__ = ["add_token", "list_tokens", "revoke_token"]


def add_token(file: Path | None, name: str, repositories: list[str], expires: str) -> None:
    """Make a token and print it: it alone on stdout, so that it can be piped to where it is kept.

    Raises:
        InputError: The name, a pattern or the time cannot be used.
        SettingsError: The file cannot be used.
    """
    now = time.time()
    secret = _file(file).add(name, repositories, read_expiry(expires, now), now=now)
    print(secret)
    tell("this is shown once: keep it where secrets are kept. Clients send  Authorization: Bearer TOKEN")


def list_tokens(file: Path | None, as_json: bool) -> None:
    """Print the tokens by name.

    Raises:
        SettingsError: The file cannot be used.
    """
    found = _file(file).read()
    if as_json:
        print(json.dumps([_object(token) for token in found]))
        return
    now = time.time()
    width = max((len(token.name) for token in found), default=0)
    for token in found:
        print(f"{token.name:<{width}}  {_life(token, now):<20}  {' '.join(token.repositories)}")
    if not found:
        tell("there is no token: `codesearch token add NAME --repositories '*'` makes one")


def revoke_token(file: Path | None, name: str) -> None:
    """Delete a token.

    Raises:
        InputError: There is none of this name.
        SettingsError: The file cannot be used.
    """
    _file(file).revoke(name)
    tell(f"the token {name} is of no use any more")


def _file(file: Path | None) -> TokenFile:
    return TokenFile(file or default_token_file())


def _life(token: Token, now: float) -> str:
    if token.expires is None:
        return "never expires"
    day = time.strftime("%Y-%m-%d", time.localtime(token.expires))
    return f"expired {day}" if token.has_expired(now) else f"expires {day}"


def _object(token: Token) -> dict[str, object]:
    return {
        "name": token.name,
        "repositories": list(token.repositories),
        "created": token.created,
        "expires": token.expires,
    }
