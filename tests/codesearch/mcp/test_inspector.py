"""The official inspector's command-line client on our server, over stdio and over HTTP.

It comes from npm: ``npm install @modelcontextprotocol/inspector``, then CODESEARCH_INSPECTOR names the program,
``node_modules/.bin/mcp-inspector``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.codesearch.mcp.sessions import http_server

INSPECTOR = os.environ.get("CODESEARCH_INSPECTOR", "")
pytestmark = pytest.mark.skipif(not INSPECTOR, reason="CODESEARCH_INSPECTOR does not name the official inspector")


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """What the inspector is told of a server over a folder with one function."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "mail.py").write_text("def deliver(server, message):\n    server.send(message)\n")
    environment = {**os.environ, "CODESEARCH_CACHE": str(tmp_path / "cache")}
    if request.param == "stdio":
        cache = ["-e", f"CODESEARCH_CACHE={environment['CODESEARCH_CACHE']}"]
        yield [*cache, sys.executable, "-m", "codesearch", "mcp", "--folder", str(project)]
    else:
        with http_server(environment, "--folder", str(project)) as (url, token):
            yield [f"{url}?token={token}", "--transport", "http"]


def inspect(server: list[str], *arguments: str) -> Any:
    command = [INSPECTOR, "--cli", *server, "--method", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_inspector_lists_the_tools(server: list[str]) -> None:
    tools = {tool["name"]: tool for tool in inspect(server, "tools/list")["tools"]}
    assert set(tools) == {"search_code", "similar_code", "index_status"}
    assert all("inputSchema" in tool and "outputSchema" in tool for tool in tools.values())


@pytest.mark.parametrize(
    ("tool", "argument"),
    [("search_code", "query=send an e-mail"), ("similar_code", "snippet=def post(s, m): s.send(m)")],
)
def test_the_inspector_gets_answers_that_fit_the_schema(server: list[str], tool: str, argument: str) -> None:
    answer = inspect(server, "tools/call", "--tool-name", tool, "--tool-arg", argument)
    assert not answer.get("isError")
    assert answer["structuredContent"]["results"][0]["name"] == "deliver"
    assert "mail.py:1-2" in answer["content"][0]["text"]


def test_the_inspector_sees_an_error_as_one(server: list[str]) -> None:
    answer = inspect(server, "tools/call", "--tool-name", "search_code", "--tool-arg", "query=x", "path=/etc/passwd")
    assert answer["isError"]
