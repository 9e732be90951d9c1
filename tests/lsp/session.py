"""A server in a process of its own, spoken to by pytest-lsp's client."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pytest_lsp import LanguageClient, make_test_lsp_client

WAIT_SECONDS = 30.0
PATHS = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
COMMAND = (sys.executable, "-m", "codesearch", "lsp")


class Session:
    """A client, its server, and what the server has said of the folders."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.registered: list[types.Registration] = []
        self.statuses: list[Any] = []
        self.initialized: types.InitializeResult = types.InitializeResult(types.ServerCapabilities())

        @client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params: types.RegistrationParams) -> None:
            self.registered += params.registrations

        @client.feature("codesearch/status")
        def status(params: Any) -> None:
            self.statuses.append(params.folders)

    async def initialize(
        self,
        *roots: Path,
        options: dict[str, Any] | None = None,
        capabilities: types.ClientCapabilities | None = None,
    ) -> types.InitializeResult:
        return await self.client.initialize_session(
            types.InitializeParams(
                capabilities=capabilities or CAPABILITIES,
                process_id=os.getpid(),
                workspace_folders=[types.WorkspaceFolder(root.as_uri(), root.name) for root in roots],
                initialization_options={"model": "hashing", **(options or {})},
            )
        )

    async def status(self) -> list[Any]:
        result = await self.command("codesearch.status")
        return list(result["folders"])

    async def ready(self, *states: str) -> list[Any]:
        """Wait until every folder is in one of these states, "ready" by default, and nothing waits to be encoded."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                folders = await self.status()
                wanted = states or ("ready",)
                if folders and all(folder["state"] in wanted for folder in folders):
                    return folders
                await asyncio.sleep(0.05)

    async def until_failed(self, name: str) -> str:
        """Wait until a folder cannot be indexed; returns what is said of that."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                states = {folder["name"]: folder for folder in await self.status()}
                if states.get(name, {}).get("state") == "failed":
                    return str(states[name]["message"])
                await asyncio.sleep(0.05)

    async def command(self, name: str, *arguments: Any) -> Any:
        params = types.ExecuteCommandParams(name, list(arguments))
        return plain(await self.client.workspace_execute_command_async(params))

    async def request(self, method: str, params: Any) -> Any:
        return plain(await self.client.protocol.send_request_async(method, params))

    async def search(self, query: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.request("codesearch/search", {"query": query, **more})
        return found

    async def names(self, query: str, **more: Any) -> list[str]:
        return [item["name"] for item in (await self.search(query, **more))["items"]]

    async def until_found(self, name: str, query: str = "", *, found: bool = True) -> dict[str, Any]:
        """Ask until something of this name is found, or no longer is."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                items = (await self.search(query or name))["items"]
                item = next((item for item in items if item["name"] == name), None)
                if (item is not None) == found:
                    return item or {}
                await asyncio.sleep(0.05)

    def open(self, path: Path, text: str | None = None) -> str:
        uri = path.as_uri()
        text = path.read_bytes().decode() if text is None else text
        document = types.TextDocumentItem(uri, "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return uri

    def change(self, uri: str, text: str, version: int = 2) -> None:
        changes: list[types.TextDocumentContentChangeEvent] = [types.TextDocumentContentChangeWholeDocument(text)]
        document = types.VersionedTextDocumentIdentifier(version, uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))

    def save(self, path: Path) -> None:
        document = types.TextDocumentIdentifier(path.as_uri())
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(document))


CAPABILITIES = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        configuration=True,
        workspace_folders=True,
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        did_change_configuration=types.DidChangeConfigurationClientCapabilities(dynamic_registration=True),
        file_operations=types.FileOperationClientCapabilities(did_create=True, did_rename=True, did_delete=True),
    ),
    window=types.WindowClientCapabilities(work_done_progress=True),
)


def plain(value: Any) -> Any:
    """Return a result as JSON has it; pygls makes objects of what it has no type for."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@asynccontextmanager
async def start(cache: Path, *, below: Sequence[str] = (), **environment: str) -> AsyncIterator[Session]:
    """Start a server, by the command `below` if that is given; it is told to leave at the end, and has to."""
    client = make_test_lsp_client()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CODESEARCH_")}
    variables |= {**PATHS, "CODESEARCH_CACHE": str(cache), **environment}
    session = Session(client)
    await client.start_io(*below, *COMMAND, env=variables, cwd=str(cache.parent))
    server = client._server
    assert server is not None
    try:
        yield session
        if client.capabilities is not None:
            await client.shutdown_session()
            assert await asyncio.wait_for(server.wait(), WAIT_SECONDS) == 0
    finally:
        if server.returncode is None:
            server.kill()
        await client.stop()


def git(root: Path, *arguments: str) -> None:
    person = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    subprocess.run(["git", "-C", str(root), *person, *arguments], check=True, capture_output=True)


PARSER = '''"""Reading."""


class Parser:
    """Reads JSON."""

    def parse(self, text):
        """Parse a JSON text into values."""
        return text


def retry_with_backoff(task, attempts):
    """Try a task again and again, waiting longer each time."""
    return task
'''

WIDE = '''MARK = "😀"


def grüße_漢字(text):
    """Greet in Chinese: 你好 😀."""
    return text


class 漢字😊Free:
    pass


def outer(): return "😀😀"; x = 1; inner = lambda wide_argument: wide_argument  # noqa
'''

CRLF = """def first_line(text):
    return text


def carriage_return(text):
    '''Ends in CRLF.'''
    return text
""".replace("\n", "\r\n")


def make_workspace(folder: Path) -> Path:
    """Make a small repository with everything that positions and paths can go wrong over."""
    root = folder / "work space #1 100%"
    (root / "src" / "a#b").mkdir(parents=True)
    (root / "src" / "parser.py").write_text(PARSER, encoding="utf-8")
    (root / "src" / "a#b" / "wide 😀.py").write_text(WIDE, encoding="utf-8")
    (root / "src" / "crlf.py").write_bytes(CRLF.encode())
    (root / "notes.md").write_text("# Notes\n\nHow the release is made.\n", encoding="utf-8")
    (root / "net.go").write_text(
        "package net\n\n// Dial opens a socket.\nfunc Dial(host string) error {\n\treturn nil\n}\n", encoding="utf-8"
    )
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "All")
    return root
