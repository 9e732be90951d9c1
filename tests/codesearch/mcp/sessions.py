"""A server of ours and the official SDK's client on it, over stdio and over HTTP."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx2 as httpx
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

__all__ = ["http_server", "over_http", "over_stdio", "run", "text_of"]


@asynccontextmanager
async def over_stdio(environment: dict[str, str], *arguments: str, **options: Any) -> AsyncIterator[ClientSession]:
    """A session with a server of its own; `options` are the session's, such as what it names as its roots."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "codesearch", "mcp", *arguments], env=environment
    )
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        async with stdio_client(command, errlog=nowhere) as streams, ClientSession(*streams, **options) as session:
            await session.initialize()
            yield session


@contextmanager
def http_server(environment: dict[str, str], *arguments: str) -> Iterator[tuple[str, str]]:
    """A server on a free port: its address and its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "codesearch", "mcp", "--http", "--port", str(port), *arguments]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        said = server.stderr.readline()
        token = re.search(r"Bearer (\S+)", said)
        assert token, said
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp", token[1]
    finally:
        server.terminate()
        server.wait(20)
        server.stderr.close()


@asynccontextmanager
async def over_http(address: tuple[str, str], **options: Any) -> AsyncIterator[ClientSession]:
    """A session with a server that `http_server` started."""
    url, token = address
    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client,
        streamable_http_client(url, http_client=client) as streams,
        ClientSession(streams[0], streams[1], **options) as session,
    ):
        await session.initialize()
        yield session


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine."""
    anyio.run(work)


def text_of(result: Any) -> str:
    """What the model reads of a tool's answer."""
    return "\n".join(block.text for block in result.content)
