"""What the client names as its roots is searched and nothing beside it; it hears how far a first index is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client.session import ClientSession
from mcp_types import ListRootsResult, Root

from tests.codesearch.mcp.sessions import http_server, over_http, over_stdio, run, text_of

TRANSPORTS = ["stdio", "http"]

# The specification of 2026-07-28 deprecates roots (SEP-2577); clients of before go on naming them.
pytestmark = pytest.mark.filterwarnings("ignore:The roots capability is deprecated")


class Roots:
    """A client's roots, which it may change at any time."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders

    async def __call__(self, _context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=folder.as_uri()) for folder in self.folders])  # type: ignore[arg-type]


@asynccontextmanager
async def session_over(transport: str, folder: Path, **options: Any) -> AsyncIterator[ClientSession]:
    """A session with a server that was started in an empty folder and told of no other."""
    start = folder / "start"
    start.mkdir(exist_ok=True)
    environment = {**os.environ, "CODESEARCH_CACHE": str(folder / "cache"), "PWD": str(start)}
    if transport == "stdio":
        async with over_stdio(environment, **options) as session:
            yield session
    else:
        with http_server(environment) as address:
            async with over_http(address, **options) as session:
                yield session


def project(folder: Path, name: str, functions: int = 1) -> Path:
    """A folder with a file of functions called `name`_0, `name`_1, ..."""
    folder.mkdir()
    bodies = (f"def {name}_{n}(text):\n    return text.split({n!r}, maxsplit={n})\n\n\n" for n in range(functions))
    (folder / "code.py").write_text("".join(bodies))
    return folder


async def names_found(session: ClientSession, query: str, **arguments: Any) -> set[str]:
    found = await session.call_tool("search_code", {"query": query, **arguments})
    assert not found.is_error, text_of(found)
    return {result["name"] for result in found.structured_content["results"]}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_roots_of_the_client_are_searched_and_followed_when_they_change(transport: str, tmp_path: Path) -> None:
    first, second = project(tmp_path / "first project", "apple"), project(tmp_path / "second#project", "pear")
    roots = Roots(first)

    async def work() -> None:
        async with session_over(transport, tmp_path, list_roots_callback=roots) as session:
            assert await names_found(session, "apple pear split") == {"apple_0"}
            refused = await session.call_tool("search_code", {"query": "pear", "path": str(second)})
            assert refused.is_error
            assert "pear_0" not in text_of(refused)
            roots.folders = (second,)
            await session.send_roots_list_changed()
            assert await names_found(session, "apple pear split") == {"pear_0"}
            status = await session.call_tool("index_status", {})
            assert [Path(folder["root"]).name for folder in status.structured_content["folders"]] == [second.name]
            roots.folders = (first, second)
            assert await names_found(session, "apple pear split") == {"apple_0", "pear_0"}

    run(work)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_root_that_is_gone_is_passed_over(transport: str, tmp_path: Path) -> None:
    there = project(tmp_path / "there", "apple")

    async def work() -> None:
        roots = Roots(tmp_path / "gone", there)
        async with session_over(transport, tmp_path, list_roots_callback=roots) as session:
            assert await names_found(session, "apple split") == {"apple_0"}

    run(work)


@pytest.mark.parametrize("uri", ["vscode-remote://ssh/home", "file://elsewhere/home"])
@pytest.mark.parametrize("named", [False, True])
def test_roots_of_no_folder_here_widen_nothing_and_nothing_is_said_on_stderr(
    uri: str, named: bool, tmp_path: Path
) -> None:
    """A client that names other folders did not mean the one that the server was started in."""
    here = project(tmp_path / "here", "apple")
    allowed = project(tmp_path / "allowed", "pear")
    command = [sys.executable, "-m", "codesearch", "mcp", "--no-dense", *(["--folder", str(allowed)] if named else [])]
    environment = {**os.environ, "CODESEARCH_CACHE": str(tmp_path / "cache")}
    client = {"name": "t", "version": "1"}
    params = {"protocolVersion": "2025-06-18", "capabilities": {"roots": {}}, "clientInfo": client}
    question = {"name": "search_code", "arguments": {"query": "apple pear split"}}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, cwd=here, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None

        def send(**message: Any) -> None:
            assert server.stdin is not None
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            server.stdin.flush()

        send(id=0, method="initialize", params=params)
        server.stdout.readline()
        send(method="notifications/initialized")
        send(id=1, method="tools/call", params=question)
        asked = json.loads(server.stdout.readline())
        assert asked["method"] == "roots/list"
        send(id=asked["id"], result={"roots": [{"uri": uri}]})
        answer = json.loads(server.stdout.readline())
        server.stdin.close()
        assert server.stderr.read() == ""
    text = str(answer["result"])
    assert "apple_0" not in text
    assert ("pear_0" if named else "there is no folder of this machine to search") in text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_first_question_tells_how_far_the_index_is(transport: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.mkdir()
    for number in range(60):  # more than is read between two looks at how far it is
        project(large / f"part{number}", f"apple{number}", functions=60)
    heard: list[tuple[float, float | None, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async def work() -> None:
        async with session_over(transport, tmp_path, list_roots_callback=Roots(large)) as session:
            found = await session.call_tool("search_code", {"query": "apple7 split"}, progress_callback=listen)
            assert not found.is_error
            assert found.structured_content["results"]

    run(work)
    assert heard
    assert all(message for _, _, message in heard)
    assert all(total is None or progress <= total for progress, total, _ in heard)
