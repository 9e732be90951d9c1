"""A server of ours in a thread of the tests, on a real socket, with three small repositories."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx

from codesearch.encoders import LazyEncoder, load_encoder
from codesearch.mcp.server import make_http_application, make_server
from codesearch.mcp.tools import Tools
from codesearch.server import listener
from codesearch.server.access import TokenFile, TokenWatch
from codesearch.server.assembly import Limits, make_application
from codesearch.server.collection import Collection, ReadyEncoder
from codesearch.server.guards import CALLER
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.messages import EncoderChoice
from codesearch.upkeep.plan import bring_up_to_date, plan

__all__ = ["REPOSITORIES", "Serving", "make_repositories", "serving", "wait_until"]

_MANY = "".join(
    f'def backoff_{n}(attempt):\n    """Wait longer after a failed attempt."""\n    return {n} ** attempt\n\n\n'
    for n in range(40)
)

REPOSITORIES: Mapping[str, Mapping[str, str]] = {
    "team/app": {
        "src/config.py": 'import json\n\n\ndef parse_config(text):\n    """Parse a configuration file."""\n'
        "    return json.loads(text)\n",
        "src/backoff.py": _MANY,
        "tests/test_config.py": "from src.config import parse_config\n\n\ndef test_parse_config():\n"
        '    """Parse a configuration file in a test."""\n    assert parse_config("{}") == {}\n',
        ".gitignore": "secret.env\n",
        "secret.env": "PASSWORD=hunter2\n",
    },
    "team/lib": {
        "net/retry.go": "package net\n\n// Backoff waits longer after each failed attempt to parse.\n"
        "func Backoff(attempt int) int {\n\treturn 1 << attempt\n}\n",
    },
    "other/vault": {
        "keys.py": 'def parse_secret_key(text):\n    """Parse a configuration file of the vault."""\n    return text\n',
    },
}


@dataclass(slots=True)
class Serving:
    """A server that runs.

    Attributes:
        url: Where.
        port: Likewise.
        collection: What it serves.
        file: Of tokens.
    """

    url: str
    port: int
    collection: Collection
    file: TokenFile

    def client(self, token: str = "", **options: Any) -> httpx.Client:
        """Return a client that sends a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers | options.pop("headers", {}), timeout=30, **options)


def make_repositories(folder: Path, repositories: Mapping[str, Mapping[str, str]] = REPOSITORIES) -> dict[str, Path]:
    """Write repositories under Git, and return where each is."""
    found = {}
    for name, files in repositories.items():
        root = folder / name
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
            identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
            subprocess.run(["git", *identity, *command], cwd=root, check=True, capture_output=True)
        found[name] = root
    return found


@contextmanager
def serving(
    folder: Path,
    roots: Mapping[str, Path],
    *,
    guarded: bool = False,
    limits: Limits | None = None,
    stall_seconds: float = 20.0,
    wait: bool = True,
    dense: bool = True,
    refresh: bool = True,
) -> Iterator[Serving]:
    """Serve repositories; indexes, cache and tokens lie in a folder."""
    cache = folder / "cache"

    def settings(root: Path | None) -> Any:
        return load_settings(root, overrides={"model": "hashing", "cache": str(cache)}, user_file=folder / "none.toml")

    load = LazyEncoder(lambda: load_encoder("hashing")) if dense else None
    choice = EncoderChoice("hashing") if dense else None
    repositories = {name: open_repository(str(root), cache=cache) for name, root in roots.items()}
    indexes = cache / "indexes"
    collection = Collection(repositories, settings, indexes=indexes, choice=choice, refresh=refresh)
    if wait:  # here, and not in the indexing process, which gives way to everything else that this machine does
        for repository in repositories.values():
            for _ in bring_up_to_date(plan(repository, settings(repository.root), indexes=indexes), load):
                pass
    file = TokenFile(folder / "tokens.json")
    watch = TokenWatch(file) if guarded else None
    tools = Tools(settings(None), load, indexes, keeper=collection)
    agents = make_server((), tools, allowed=lambda request: collection.roots(request.scope[CALLER]))
    app = make_application(
        collection,
        ReadyEncoder(load),
        watch,
        limits or Limits(rate=0),
        agents=make_http_application(agents, names=None),
    )
    socket = listener.listen("127.0.0.1", 0)
    port = socket.getsockname()[1]
    server = listener.make_server(app, stall_seconds=stall_seconds)
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        wait_until(lambda: server.started)
        if wait:
            names = collection.all_names()
            wait_until(lambda: all(collection.state(name).standing.stage in ("ready", "gone") for name in names), 240)
            wait_until(lambda: all(collection.state(name).counts for name in names), 30)
        yield Serving(f"http://127.0.0.1:{port}", port, collection, file)
    finally:
        server.should_exit = True
        thread.join(30)
        socket.close()
    assert not thread.is_alive()


def wait_until(holds: Any, seconds: float = 30.0) -> None:
    """Wait until something holds; fails if it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the lines of a stream."""
    return [json.loads(line) for line in response.iter_lines()]
