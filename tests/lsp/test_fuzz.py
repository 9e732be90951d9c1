"""Messages of every wrong kind: the server answers the next one that is right.

The long form: CODESEARCH_FUZZ=5000 pytest -o timeout=0 tests/lsp/test_fuzz.py
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.fuzzing import MESSAGES, fuzz, serve, spoiled
from tests.lsp.session import COMMAND, PATHS

SEEDS = (1, 2)


def request(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def notification(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def initialize(root: Path) -> dict[str, Any]:
    return {
        "processId": os.getpid(),
        "rootUri": root.as_uri(),
        "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
        "capabilities": {"workspace": {"configuration": True, "workspaceFolders": True}},
        "initializationOptions": {"model": "hashing"},
    }


def samples(root: Path) -> list[dict[str, Any]]:
    uri = (root / "src" / "parser.py").as_uri()
    place = {"textDocument": {"uri": uri}, "position": {"line": 6, "character": 9}}
    span = {"start": {"line": 6, "character": 0}, "end": {"line": 7, "character": 5}}
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "def typed(text):\n    return text\n"}
    edit = {"range": span, "rangeLength": 3, "text": "def edited(): pass\n"}
    options = {"limit": 5, "languages": ["python"], "kinds": ["function"], "path": "src/**", "tests": "include"}
    renamed = {"oldUri": uri, "newUri": uri + "2"}
    return [
        request("codesearch/search", {"query": "parse a JSON text", **options}),
        request("codesearch/similar", {**place, **options}),
        request("workspace/symbol", {"query": "parse", "partialResultToken": 1, "workDoneToken": "a"}),
        request("workspaceSymbol/resolve", {"name": "a", "kind": 12, "location": {"uri": uri, "range": span}}),
        request("workspace/executeCommand", {"command": "codesearch.ask", "arguments": ["parse", options]}),
        request("workspace/executeCommand", {"command": "codesearch.similar", "arguments": [uri, place["position"]]}),
        request("workspace/executeCommand", {"command": "codesearch.reindex", "arguments": [root.as_uri()]}),
        request("workspace/executeCommand", {"command": "codesearch.status", "arguments": []}),
        request("textDocument/codeAction", {**place, "range": span, "context": {"diagnostics": [], "only": ["a"]}}),
        request("textDocument/codeLens", place),
        request("textDocument/hover", place),
        request("initialize", initialize(root)),
        notification("initialized", {}),
        notification("textDocument/didOpen", {"textDocument": document}),
        notification("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [edit]}),
        notification("textDocument/didSave", {"textDocument": {"uri": uri}}),
        notification("textDocument/didClose", {"textDocument": {"uri": uri}}),
        notification("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]}),
        notification("workspace/didCreateFiles", {"files": [{"uri": uri}]}),
        notification("workspace/didRenameFiles", {"files": [renamed]}),
        notification("workspace/didDeleteFiles", {"files": [{"uri": uri}]}),
        notification("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": []}}),
        notification("workspace/didChangeConfiguration", {"settings": {"codesearch": {"limit": 5, "codeLens": True}}}),
        notification("window/workDoneProgress/cancel", {"token": "a"}),
        notification("$/cancelRequest", {"id": 1}),
        notification("$/setTrace", {"value": "verbose"}),
        {"jsonrpc": "2.0", "id": "a", "result": [{"codeLens": True}]},
        {"jsonrpc": "2.0", "id": "a", "error": {"code": 1, "message": "no", "data": {}}},
    ]


def read_body(output: IO[bytes]) -> bytes:
    length = 0
    while (line := output.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return output.read(length)


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def framed(bodies: Iterator[bytes], chance: random.Random) -> Iterator[bytes]:
    """Put headers before bodies, some of them odd, and a few that are none."""
    for body in bodies:
        head = b"Content-Length: %d\r\n" % len(body)
        yield chance.choice(
            (
                *[frame(body)] * 20,
                head + b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n" + body,
                head.lower() + b"X-Other: 1\r\n\r\n" + body,
                b"X: \xff\xfe\r\n" + head + b"\r\n" + body,
                b"Content-Length: -5\r\n\r\n",
                b"Content-Length: much\r\n\r\n",
                b"Content-Length: 0\r\n\r\n",
                b"no header at all\r\n\r\n",
                b"\r\n",
            )
        )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(0 if "CODESEARCH_FUZZ" in os.environ else 280)
def test_no_message_ends_or_deafens_the_server(seed: int, workspace: Path, cache: Path) -> None:
    environment = {**os.environ, **PATHS, "CODESEARCH_CACHE": str(cache)}
    wrong = spoiled(samples(workspace), random.Random(seed))
    with serve(COMMAND, environment, read_body, frame, cwd=cache.parent) as server:
        for _ in range(5):  # before anything else was said
            body = next(wrong)
            if b'"initialize"' not in body:
                server.send(frame(body))
        assert "result" in server.ask("initialize", initialize(workspace))
        server.send(frame(b'{"jsonrpc":"2.0","method":"initialized","params":{}}'))

        def probe() -> None:
            answer = server.ask("codesearch/search", {"query": "parse a JSON text"})
            assert "items" in answer["result"], answer

        probe()
        fuzz(server, framed(wrong, random.Random(-seed)), MESSAGES // len(SEEDS), probe)
        answer = server.ask("shutdown", None)
        assert "error" not in answer, answer
        assert server.ask("codesearch/search", {"query": "late"})["error"]["code"] == -32600
        server.send(frame(b'{"jsonrpc":"2.0","method":"exit"}'))
        assert server.process.wait(60) == 0
