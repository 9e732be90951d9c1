"""Whatever is wrong, the server answers with a proper error, tells the user once, and stays up."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.lsp.session import COMMAND, PATHS, Session, start

pytestmark = pytest.mark.asyncio

INVALID_PARAMS, METHOD_NOT_FOUND, INVALID_REQUEST, NOT_INITIALIZED = -32602, -32601, -32600, -32002


class Raw:
    """A server, spoken to in bytes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def send(self, body: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def receive(self) -> Any:
        output = self.process.stdout
        assert output is not None
        while True:
            length = int((await asyncio.wait_for(output.readline(), 20)).split(b":")[1])
            while (await output.readline()).strip():
                pass
            message = json.loads(await output.readexactly(length))
            if "id" in message:
                return message

    async def request(self, number: Any, method: Any, params: Any = None) -> Any:
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())
        return await self.receive()


async def start_raw(cache: Path) -> Raw:
    environment = {**os.environ, **PATHS, "CODESEARCH_CACHE": str(cache)}
    pipe = asyncio.subprocess.PIPE
    return Raw(
        await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe, env=environment, cwd=cache.parent)
    )


async def test_messages_that_are_none_are_answered_and_survived(cache: Path) -> None:
    server = await start_raw(cache)
    early = await server.request(1, "workspace/symbol", {"query": "a"})
    assert early["error"]["code"] == NOT_INITIALIZED
    initialized = await server.request(2, "initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert initialized["result"]["serverInfo"]["name"] == "codesearch"
    server.send(b'{"jsonrpc": "2.0", "method": "initialized", "params": {}}')
    assert (await server.request(3, "initialize", {"capabilities": {}}))["error"]["code"] == INVALID_REQUEST
    for body in (b'{"jsonrpc": "2.0", ', b"[]", b"{}", b"5", b"null", b"\xff\xfe", b'[{"jsonrpc":"2.0","id":9}]'):
        server.send(body)
        answer = await server.receive()
        assert answer["id"] is None, body
        assert answer["error"]["code"] < 0
    assert (await server.request({"a": 1}, "shutdown"))["error"]["code"] == INVALID_REQUEST
    for method, params in (
        ("workspace/symbol", []),
        ("workspace/symbol", {}),
        ("textDocument/codeAction", {"range": 5}),
        ("workspace/executeCommand", {"command": "codesearch.nothing"}),
        ("codesearch/search", None),
        ("codesearch/search", [1]),
        ("codesearch/search", {"query": ""}),
        ("codesearch/search", {"query": 5}),
        ("codesearch/search", {"query": "a" * 20_000}),
        ("codesearch/search", {"query": "a", "limit": 0}),
        ("codesearch/search", {"query": "a", "limit": True}),
        ("codesearch/search", {"query": "a", "cursor": "-1"}),
        ("codesearch/search", {"query": "a", "cursor": "9" * 5_000}),
        ("codesearch/search", {"query": "a", "paths": ["*.py"] * 1_001}),
        ("codesearch/search", {"query": "a", "languages": ["klingon"]}),
        ("codesearch/search", {"query": "a", "kinds": "function"}),
        ("codesearch/search", {"query": "a", "folders": ["https://example.org/"]}),
        ("codesearch/search", {"query": "a", "folders": ["file://[no-host"]}),
        ("codesearch/similar", {}),
        ("codesearch/similar", {"textDocument": {"uri": "untitled:1"}, "position": {"line": 0, "character": 0}}),
        ("codesearch/similar", {"textDocument": {"uri": "file:///etc/passwd"}, "position": {"line": 0}}),
        ("codesearch/similar", {"textDocument": {"uri": "file:///etc/passwd"}, "position": {"line": -1}}),
        ("codesearch/similar", {"textDocument": {"uri": "file:///etc/passwd"}, "position": {"line": 1 << 31}}),
        ("workspace/executeCommand", {"command": "codesearch.reindex", "arguments": [{}]}),
    ):
        answer = await server.request("again", method, params)
        assert answer["id"] == "again"
        assert answer["error"]["code"] == INVALID_PARAMS, (method, params, answer)
        assert answer["error"]["message"]
    assert (await server.request(4, "codesearch/nothing"))["error"]["code"] == METHOD_NOT_FOUND
    assert (await server.request(4, 5))["error"]["code"] == INVALID_REQUEST
    assert (await server.request(5, "shutdown"))["result"] is None
    assert (await server.request(6, "workspace/symbol", {"query": "a"}))["error"]["code"] == INVALID_REQUEST
    server.send(b'{"jsonrpc": "2.0", "method": "exit"}')
    assert await asyncio.wait_for(server.process.wait(), 20) == 0


@pytest.mark.parametrize("how", ["closed", "killed"])
async def test_nothing_is_left_behind_when_the_client_vanishes(workspace: Path, cache: Path, how: str) -> None:
    server = await start_raw(cache)
    folder = {"uri": workspace.as_uri(), "name": "w"}
    options = {"model": "hashing"}
    params = {"processId": None, "capabilities": {}, "workspaceFolders": [folder], "initializationOptions": options}
    await server.request(1, "initialize", params)
    server.send(b'{"jsonrpc": "2.0", "method": "initialized", "params": {}}')
    children: list[psutil.Process] = []
    async with asyncio.timeout(20):
        while not children:
            children = psutil.Process(server.process.pid).children(recursive=True)
            await asyncio.sleep(0.05)
    assert server.process.stdin is not None
    if how == "closed":
        server.process.stdin.close()
    else:
        server.process.kill()
    code = await asyncio.wait_for(server.process.wait(), 20)
    assert code == (1 if how == "closed" else -signal.SIGKILL)
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert not alive


async def test_a_crash_of_the_indexing_process_is_survived(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        server = session.client._server
        assert server is not None
        (indexer,) = psutil.Process(server.pid).children()
        indexer.kill()
        assert (await session.names("parse json"))[0] == "parse"
        (workspace / "late.py").write_text("def after_the_crash():\n    return 1\n")
        session.save(workspace / "late.py")
        await session.until_found("after_the_crash")


@pytest.mark.parametrize("model", ["/no model", "~nobody-here/no model"])
async def test_a_missing_model_is_told_once_and_words_still_work(workspace: Path, cache: Path, model: str) -> None:
    async with start(cache) as session:
        await session.initialize(workspace, options={"model": model})
        await session.until_found("retry_with_backoff")
        await session.names("parse json")
        (workspace / "late.py").write_text("def later_on():\n    return 1\n")
        session.save(workspace / "late.py")
        await session.until_found("later_on")
        await asyncio.sleep(0.3)
        said = [message.message for message in session.client.messages]
        (text,) = [text for text in said if "no model" in text]
        (folder,) = await session.ready("partial")
        assert folder["pending"] > 0
        answer = await session.search("parse json")
        assert answer["complete"] is False
        assert "only words were compared" in answer["notices"][-1]["text"]
        assert text.endswith("). Until then, questions are answered by their words only.")


async def test_a_folder_that_vanishes_or_never_was_is_told(workspace: Path, cache: Path, tmp_path: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace, tmp_path / "never was")
        assert "is no folder" in await session.until_failed("never was")
        await session.until_found("retry_with_backoff")
        shutil.rmtree(workspace)
        await session.command("codesearch.reindex")
        await session.until_failed(workspace.name)
        answer = await session.search("retry_with_backoff")
        assert answer["items"], "what was indexed is still there"
        assert any("is no folder" in notice["text"] for notice in answer["notices"])


async def test_a_folder_whose_uri_is_none_keeps_no_other_from_being_searched(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize()
        added = [types.WorkspaceFolder("file://[no-host", "none"), types.WorkspaceFolder(workspace.as_uri(), "w")]
        event = types.WorkspaceFoldersChangeEvent(added, [])
        session.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        await session.until_found("retry_with_backoff")
        said = [message.message for message in session.client.messages]
        assert len([text for text in said if "file://[no-host" in text]) == 1, said


async def test_indexes_in_a_home_that_does_not_exist_are_told(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace, options={"indexDir": "~nobody-here/indexes"})
        assert "codesearch.indexDir" in await session.until_failed(workspace.name)
        params = types.DidChangeConfigurationParams({"codesearch": {"indexDir": None}})
        session.client.workspace_did_change_configuration(params)
        await session.until_found("retry_with_backoff")
        said = [message.message for message in session.client.messages]
        assert len([text for text in said if "~nobody-here/indexes" in text]) == 1, said


async def test_a_workspace_without_git_and_one_without_code(cache: Path, tmp_path: Path) -> None:
    plain, empty = tmp_path / "plain", tmp_path / "empty"
    for folder in (plain, empty):
        folder.mkdir()
    (plain / "a.py").write_text("def found_without_git():\n    return 1\n")
    async with start(cache) as session:
        await session.initialize(plain, empty)
        await session.until_found("found_without_git")
        assert "no file that can be searched" in await session.until_failed("empty")
        for number in range(3):
            (empty / f"{number}.png").write_bytes(b"\x89PNG\0")
            await session.command("codesearch.reindex")
            await asyncio.sleep(0.5)
        said = [message.message for message in session.client.messages]
        assert len([text for text in said if "left out" in text]) == 1, said


async def test_an_index_that_is_damaged_is_built_anew(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
    (database,) = cache.glob("indexes/*/index.db")
    database.write_bytes(b"no database" * 1000)
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.until_found("retry_with_backoff")


async def test_an_index_of_a_newer_version_is_left_alone(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
    (database,) = cache.glob("indexes/*/index.db")
    with sqlite3.connect(database) as connection:
        (manifest,) = connection.execute("SELECT json FROM manifest").fetchone()
        connection.execute("UPDATE manifest SET json = ?", [json.dumps({**json.loads(manifest), "format": 10_000})])
    connection.close()
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.until_failed(workspace.name)
        answer = await session.search("retry with backoff")
        assert answer["items"] == []
        assert "newer version" in answer["notices"][0]["text"]


async def test_a_cache_that_cannot_be_written_is_told(workspace: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.until_failed(workspace.name)
        assert (await session.search("parse json"))["notices"]
        assert session.client.messages


async def test_huge_and_foreign_documents_do_no_harm(workspace: Path, cache: Path, tmp_path: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        huge = session.open(workspace / "src" / "parser.py", "x = 1\n" * 1_000_000)
        session.change(huge, "def huge_function():\n    return 1\n" * 200_000)
        foreign = session.open(tmp_path / "elsewhere.py", "def foreign_function():\n    return 1\n")
        session.change(foreign, "def foreign_function():\n    return 2\n")
        document = types.TextDocumentItem("untitled:Untitled-1", "python", 1, "def untitled(): pass\n")
        session.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        session.change("file:///never/opened.py", "def never_opened(): pass\n")
        assert "foreign_function" not in await session.names("foreign_function")
        assert (await session.names("open a socket"))[0] == "Dial"


async def test_halves_of_characters_are_searched_or_refused_and_the_server_lives(workspace: Path, cache: Path) -> None:
    half = "def half\ud800_name(x):\n    '''Half \udc00 of it.'''\n    return '\ud83d'\n"
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        uri = session.open(workspace / "src" / "parser.py", half + "\n\ndef retry_later():\n    return 1\n")
        for params in ({"query": "half \ud800 name"}, {"query": "retry", "paths": ["\ud800/**"]}):
            await session.request("codesearch/search", params)
        await session.request("codesearch/similar", {"text": half})
        place = {"position": {"line": 0, "character": 9}}
        await session.request("codesearch/similar", {"textDocument": {"uri": uri}, **place})
        await session.client.workspace_symbol_async(types.WorkspaceSymbolParams("half\ud800_name"))
        for wrong in ({"query": "x", "folders": ["file:///\ud800"]}, {"query": "x", "languages": ["\ud800"]}):
            with pytest.raises(JsonRpcException):
                await session.request("codesearch/search", wrong)
        for name in ("file:///x\ud800.py", "file:///x%ED%A0%80.py", "untitled:\ud800"):
            with pytest.raises(JsonRpcException):
                await session.request("codesearch/similar", {"textDocument": {"uri": name}, **place})
        part = types.TextDocumentContentChangePartial(
            range=types.Range(types.Position(0, 4), types.Position(0, 9)), text="\ud83d\ude00\udc00 x"
        )
        document = types.VersionedTextDocumentIdentifier(3, uri)
        session.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [part]))
        assert (await session.names("retry_later"))[0] == "retry_later"


async def test_code_in_a_document_that_is_no_file_has_similar_code(workspace: Path, cache: Path) -> None:
    text = "import time\n\n\ndef again(task, attempts):\n    '''Try a task again, waiting longer.'''\n    return task\n"
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        for number, language in enumerate(("python", "no-such-language")):
            uri = f"untitled:Untitled-{number}"
            item = types.TextDocumentItem(uri, language, 1, text)
            session.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
            place = {"line": 4, "character": 0}
            found = await session.request("codesearch/similar", {"textDocument": {"uri": uri}, "position": place})
            assert "retry_with_backoff" in [one["name"] for one in found["items"]]
            assert await session.command("codesearch.similar", uri, place)


async def test_tcp_serves_a_client(workspace: Path, cache: Path) -> None:
    port = 20_000 + os.getpid() % 20_000
    environment = {**os.environ, **PATHS, "CODESEARCH_CACHE": str(cache)}
    process = await asyncio.create_subprocess_exec(*COMMAND, "--tcp", "--port", str(port), env=environment)
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert b"Content-Length" in await asyncio.wait_for(reader.readline(), 20)
        writer.close()
        assert await asyncio.wait_for(process.wait(), 20) == 1, "the client left without shutdown"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_over_tcp_exit_ends_the_server_without_a_word(workspace: Path, cache: Path) -> None:
    port = 20_000 + (os.getpid() + 7) % 20_000
    environment = {**os.environ, **PATHS, "CODESEARCH_CACHE": str(cache)}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--tcp", "--port", str(port), env=environment, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.1)
        for body in (
            b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}',
            b'{"jsonrpc":"2.0","id":2,"method":"shutdown"}',
            b'{"jsonrpc":"2.0","method":"exit"}',
        ):
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            if b"shutdown" in body:  # which is answered before a client sends exit
                await reader.readuntil(b'"id": 2')
        _, said = await process.communicate()
        writer.close()
    assert (process.returncode, said.decode()) == (0, "")


async def test_questions_are_refused_with_a_sentence_and_nothing_on_stderr(
    workspace: Path, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await refused(session, {"query": "a", "paths": ["[z-a]"]}, "pattern")
        await refused(session, {"query": "a", "languages": ["pythn"]}, "did you mean python")
        session.client.cancel_request(types.CancelParams("long ago"))
        await session.status()
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "long ago" not in said


async def refused(session: Session, params: dict[str, Any], text: str) -> None:
    with pytest.raises(JsonRpcException, match=text):
        await session.request("codesearch/search", params)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], tuple[str, ...]]]:
    """Make a folder read-only; gives the command below which it is. Permission bits do not stop root: a mount does."""
    changed: list[Path] = []

    def protect(folder: Path) -> tuple[str, ...]:
        if os.geteuid():
            for path in (folder, *folder.rglob("*")):
                changed.append(path)
                path.chmod(path.stat().st_mode & ~0o222)
            return ()
        quoted = shlex.quote(str(folder))
        script = f'mount --bind {quoted} {quoted} && mount -o remount,ro,bind {quoted} && exec "$@"'
        command = ("unshare", "--mount", "sh", "-c", script, "sh")
        try:
            subprocess.run([*command, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("root may mount nothing here")
        return command

    yield protect
    for path in changed:
        path.chmod(path.stat().st_mode | 0o700)


async def test_a_workspace_that_cannot_be_written_is_searched_all_the_same(
    workspace: Path, cache: Path, read_only: Callable[[Path], tuple[str, ...]]
) -> None:
    below = read_only(workspace)
    before = sorted((path, path.stat().st_mtime_ns) for path in workspace.rglob("*"))
    async with start(cache, below=below) as session:
        await session.initialize(workspace)
        await session.until_found("retry_with_backoff")
        assert session.client.messages == []
    assert sorted((path, path.stat().st_mtime_ns) for path in workspace.rglob("*")) == before


async def test_an_index_that_cannot_be_written_is_searched_and_that_is_told_once(
    workspace: Path, cache: Path, read_only: Callable[[Path], tuple[str, ...]]
) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
    (workspace / "late.py").write_text("def later_on():\n    return 1\n")
    async with start(cache, below=read_only(cache)) as session:
        await session.initialize(workspace)
        said = await session.until_failed(workspace.name)
        assert str(cache) in said or "cannot be written" in said or "read-only" in said.lower(), said
        answer = await session.search("retry with backoff")
        assert "retry_with_backoff" in [item["name"] for item in answer["items"]]
        await asyncio.sleep(0.3)
        assert len(session.client.messages) == 1, session.client.messages
