"""Messages of every wrong kind: the server answers the next one that is right.

The long form: CODESEARCH_FUZZ=5000 pytest -o timeout=0 tests/codesearch/mcp/test_fuzz.py
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from tests.fuzzing import MESSAGES, fuzz, serve, spoiled

_SEARCH = {
    "query": "split the first line", "path": "src", "languages": ["python"], "kinds": ["function"],
    "files": ["src/**"], "tests": "include", "limit": 3, "offset": 0, "max_tokens": 400,
}  # fmt: skip
_INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"roots": {"listChanged": True}, "sampling": {}},
    "clientInfo": {"name": "fuzz", "version": "1"},
}


SEEDS = (1, 2)


def request(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def call(name: str, arguments: Any) -> dict[str, Any]:
    return request("tools/call", {"name": name, "arguments": arguments, "_meta": {"progressToken": 1}})


def notification(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


SAMPLES = (
    call("search_code", _SEARCH),
    call("search_code", {"query": "lang:python path:src deliver"}),
    call("similar_code", {"path": "src/net.py", "line": 1, "limit": 2}),
    call("similar_code", {"snippet": "def parse(text):\n    return text.split()\n", "language": "python"}),
    call("index_status", {}),
    request("tools/list", {"cursor": "a"}),
    request("ping", {}),
    request("initialize", _INITIALIZE),
    request("resources/list", {}),
    request("resources/read", {"uri": "file:///etc/passwd"}),
    request("prompts/get", {"name": "a", "arguments": {"b": "c"}}),
    request("logging/setLevel", {"level": "debug"}),
    request(
        "completion/complete", {"ref": {"type": "ref/prompt", "name": "a"}, "argument": {"name": "b", "value": ""}}
    ),
    notification("notifications/initialized", {}),
    notification("notifications/cancelled", {"requestId": 1, "reason": "none"}),
    notification("notifications/progress", {"progressToken": 1, "progress": 1, "total": 2}),
    notification("notifications/roots/list_changed", {}),
    {"jsonrpc": "2.0", "id": 1, "result": {"roots": [{"uri": "file:///", "name": "all"}]}},
    {"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "no"}},
)


def read_line(output: IO[bytes]) -> bytes:
    return output.readline()


def frame(body: bytes) -> bytes:
    return body.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(0 if "CODESEARCH_FUZZ" in os.environ else 280)
def test_no_message_ends_or_deafens_the_server(seed: int, tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "net.py").write_text(
        "def deliver(message):\n    return message\n\n\ndef parse(text):\n    return text\n"
    )
    environment = {**os.environ, "CODESEARCH_CACHE": str(tmp_path / "cache"), "CODESEARCH_MODEL": "hashing"}
    command = [sys.executable, "-m", "codesearch", "mcp", "--folder", str(root)]
    with serve(command, environment, read_line, frame) as server:

        def probe() -> None:
            answer = server.ask("tools/call", {"name": "search_code", "arguments": {"query": "deliver a message"}})
            assert "deliver" in str(answer["result"]), answer

        early = spoiled(SAMPLES, random.Random(-seed))
        for _ in range(5):  # before anything else was said
            server.send(frame(next(early)))
        server.ask("initialize", {**_INITIALIZE, "capabilities": {}})
        server.send(frame(b'{"jsonrpc":"2.0","method":"notifications/initialized"}'))
        probe()
        fuzz(server, map(frame, spoiled(SAMPLES, random.Random(seed))), MESSAGES // len(SEEDS), probe)
