"""What ``codesearch serve`` does: names the repositories, refuses what is unsafe, and serves until it is stopped."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from codesearch.cli.commands.serve import ServeOptions
from codesearch.cli.console import tell
from codesearch.cli.inputs import find_named, load_access_settings, make_lazy_encoder
from codesearch.errors import InputError
from codesearch.records import Repository
from codesearch.server.access import TokenFile, TokenWatch
from codesearch.server.collection import Collection, ReadyEncoder
from codesearch.server.logs import start_log
from codesearch.settings import default_token_file
from codesearch.sources import discover
from codesearch.upkeep.extent import refuse_what_is_huge
from codesearch.upkeep.messages import EncoderChoice
from codesearch.upkeep.targets import nothing_below

__all__ = ["serve_repositories"]

_NAMED: Final = re.compile(r"([\w.@-]+(?:/[\w.@-]+)*)=(.+)")


def serve_repositories(wanted: ServeOptions) -> None:
    """Serve what the options name.

    Raises:
        CodesearchError: A repository, the file of tokens or the address cannot be used, or to serve would be unsafe.
    """
    file = TokenFile(wanted.tokens or default_token_file())
    tokens = file.read()  # says early what is wrong with it
    guarded = bool(tokens) and not wanted.without_tokens
    if wanted.tokens and not tokens and not wanted.without_tokens:
        raise InputError(f"{wanted.tokens} holds no token: make one with `codesearch token add`, or leave --tokens out")
    if not guarded and not _is_loopback(wanted.host) and not wanted.without_tokens:
        raise InputError(
            f"--host {wanted.host} lets other machines ask, and there is no token: make one with `codesearch token "
            "add NAME --repositories '*'`, or give --without-tokens if everybody may read all of the code"
        )
    settings = load_access_settings(wanted.access)
    repositories = dict(_named_repositories(wanted))
    load = make_lazy_encoder(settings) if wanted.access.dense else None
    collection = Collection(
        repositories,
        lambda root: load_access_settings(wanted.access, root),
        indexes=wanted.access.folder,
        choice=EncoderChoice.of(settings) if load is not None else None,
        refresh=wanted.access.refresh,
    )
    # Imported late: it is an extra, and costs a second; what is refused is refused before that.
    from codesearch.mcp.server import make_http_application, make_server
    from codesearch.mcp.tools import Tools
    from codesearch.server.assembly import Limits, make_application
    from codesearch.server.guards import CALLER
    from codesearch.server.listener import listen, run

    listener = listen(wanted.host, wanted.port)
    start_log(sys.stderr)
    tools = Tools(settings, load, wanted.access.folder, keeper=collection)
    agents = make_server((), tools, allowed=lambda request: collection.roots(request.scope[CALLER]))
    watch = TokenWatch(file, complain=tell) if guarded else None
    app = make_application(
        collection,
        ReadyEncoder(load),
        watch,
        Limits(rate=wanted.rate, hosts=wanted.hosts),
        agents=make_http_application(agents, names=None),
    )
    address = _address(wanted.host, listener.getsockname()[1])
    many = len(repositories)
    about = next(iter(repositories)) if many == 1 else f"{many} repositories"
    who = "whoever has a token" if guarded else "everybody who can reach it"
    run(app, listener, started=lambda: tell(f"{about} for {who}: {address}/ (API: {address}/v1/, MCP: {address}/mcp)"))
    tell(f"stopped at {time.strftime('%H:%M:%S')}; what was committed stays")


def _named_repositories(wanted: ServeOptions) -> Iterator[tuple[str, Repository]]:
    """Yield the repositories with their names, each once.

    Raises:
        InputError: Two have one name.
    """
    taken: dict[str, Path] = {}
    for name, repository in _all_named(wanted):
        if name in taken:
            if taken[name] == repository.root:
                continue
            raise InputError(
                f"{repository.root} and {taken[name]} would both be called {name}: name one, as in "
                f"other/{name}={repository.root}"
            )
        taken[name] = repository.root
        index = wanted.access.refresh and not repository.imported
        if index:
            refuse_what_is_huge(repository)
        yield name, repository


def _all_named(wanted: ServeOptions) -> Iterator[tuple[str, Repository]]:
    paths = list(wanted.paths)
    if not paths and wanted.below is None:
        paths = ["."]
    for given in paths:
        named = None if os.path.exists(given) else _NAMED.fullmatch(given)  # noqa: PTH110 - it may be no path
        name, location = (named[1], named[2]) if named else ("", given)
        (target,) = find_named(wanted.access, [location])
        if target.below:
            raise InputError(
                f"{location} is a part of {target.repository.root}: a repository is served as a whole, so name that"
            )
        yield name or target.repository.name, target.repository
    if wanted.below is not None:
        found = discover(wanted.below)
        if not found.work_trees:
            raise InputError(nothing_below(found))
        for root in found.work_trees:
            (target,) = find_named(wanted.access, [str(root)])
            yield found.label(root), target.repository


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"
