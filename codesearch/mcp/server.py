"""The tools, and how they are served: over stdio, or over HTTP on this machine alone.

Three tools and no more; each reads, none writes into a repository. An error is an answer that says what to do next, so
that the agent can. The only module that imports the SDK.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ValidationError

from codesearch import __version__
from codesearch.errors import CodesearchError, InputError
from codesearch.mcp.answers import FoundCode
from codesearch.mcp.arguments import explain, mend, mend_line
from codesearch.mcp.descriptions import (
    DEFAULT_RESULTS,
    DEFAULT_TOKENS,
    INSTRUCTIONS,
    Code,
    Files,
    Kinds,
    Language,
    Languages,
    Limit,
    Line,
    MaxTokens,
    MinConfidence,
    Name,
    Offset,
    Place,
    Query,
    Tests,
    Within,
    lean,
    lean_answer,
    refer_to_search,
)
from codesearch.mcp.sandbox import Sandbox, path_of_uri
from codesearch.mcp.tools import Status, Tools

__all__ = ["make_http_application", "make_server", "require_token", "serve_stdio"]

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_MOST_CHARACTERS: Final = 100_000
_PROGRESS_SECONDS: Final = 0.5


class _Server(MCPServer):
    """The SDK's server, which takes what arguments mean, and says of others in a sentence what is wrong."""

    async def list_tools(self) -> list[Tool]:
        """List the tools, in few words."""
        listed = await super().list_tools()
        for tool in listed:
            tool.input_schema = lean(tool.input_schema)
            if tool.name == "similar_code":
                tool.input_schema = refer_to_search(tool.input_schema)
            tool.output_schema = lean_answer(tool.output_schema or {})
        return listed

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None) -> Any:
        """Call a tool."""
        tool = self._tool_manager.get_tool(name)
        try:
            return await super().call_tool(name, mend(arguments, tool.parameters if tool else {}), context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise ToolError(explain(error.__cause__)) from error


def make_server(
    folders: Sequence[Path], tools: Tools, *, allowed: Callable[[Any], Sequence[Path]] | None = None
) -> MCPServer:
    """Return a server whose tools search these folders and those that the client names as its roots.

    Args:
        folders: The current folder where there is none, and the client names none either.
        tools: What answers.
        allowed: In place of both: the folders that whoever sent an HTTP request may search, whatever it names.
    """
    server = _Server(
        "codesearch", title="codesearch", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )

    async def sandbox(context: Context[Any, Any]) -> Sandbox:
        if allowed is not None:
            return Sandbox.of(allowed(context.request_context.request))
        roots = await _client_roots(context)
        named = [*folders, *(roots or ())]
        # A client that names folders, none of which is here, did not mean the one that this process was started in.
        return Sandbox.of(named if named or roots is not None else [Path.cwd()])

    @server.tool(title="Search code", annotations=_READS)
    async def search_code(
        query: Query,
        context: Context[Any, Any],
        path: Within = "",
        languages: Languages = None,
        kinds: Kinds = None,
        files: Files = None,
        tests: Tests = "",
        min_confidence: MinConfidence = "",
        limit: Limit = DEFAULT_RESULTS,
        offset: Offset = 0,
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Annotated[CallToolResult, FoundCode]:
        """Find functions, methods and types by what they do, in plain words, or by name; best first."""
        where = await sandbox(context)
        return await _answered(
            context,
            lambda report: tools.search(
                where,
                query[:_MOST_CHARACTERS],
                path,
                (languages, kinds, files, tests),
                (offset, limit, max_tokens),
                report,
                min_confidence,
            ),
        )

    @server.tool(title="Similar code", annotations=_READS)
    async def similar_code(
        context: Context[Any, Any],
        path: Place = "",
        line: Line = None,
        name: Name = "",
        snippet: Code = "",
        language: Language = "",
        languages: Languages = None,
        kinds: Kinds = None,
        files: Files = None,
        tests: Tests = "",
        limit: Limit = DEFAULT_RESULTS,
        offset: Offset = 0,
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Annotated[CallToolResult, FoundCode]:
        """Find the code most like a function or a snippet: to reuse it, or to change all. Filters as in search_code."""
        where = await sandbox(context)
        return await _answered(
            context,
            lambda report: tools.similar(
                where,
                (path, line, name, snippet, language),
                (languages, kinds, files, tests),
                (offset, limit, max_tokens),
                report,
            ),
        )

    @server.tool(title="State of the index", annotations=_READS)
    async def index_status(context: Context[Any, Any]) -> Annotated[CallToolResult, Status]:
        """Tell which folders are searched, and how much of them is indexed."""
        where = await sandbox(context)
        return await _answered(context, lambda _: tools.status(where))

    return server


async def _client_roots(context: Context[Any, Any]) -> list[Path] | None:
    """Return the folders of this machine that the client names as its roots; None if it names nothing."""
    capabilities = context.client_capabilities
    if capabilities is None or capabilities.roots is None:
        return None
    try:
        named = (await asyncio.wait_for(context.session.list_roots(), 5)).roots
    except ValidationError:  # the SDK takes file URIs only: these are others, such as vscode-remote://
        return []
    except Exception:  # a client that says it has roots and does not answer is searched in our own folders
        return None
    found = []
    for root in named:
        with suppress(InputError):  # a file of another machine
            found.append(path_of_uri(str(root.uri)))
    return found if named else None


async def _answered(
    context: Context[Any, Any], work: Callable[[Callable[[str, int, int], None]], tuple[str, BaseModel]]
) -> CallToolResult:
    """Run a tool in a thread, tell the client how far it is, and make its answer or its error a result."""
    said: list[tuple[str, int, int]] = []
    task = asyncio.ensure_future(asyncio.to_thread(work, lambda *progress: said.append(progress)))
    heard: tuple[str, int, int] | None = None
    working = True
    while working:
        working = not (await asyncio.wait({task}, timeout=_PROGRESS_SECONDS))[0]
        if said and said[-1] != heard:  # after the work as well: where it was quick, that it was done at all
            heard = said[-1]
            with suppress(Exception):  # progress is a courtesy
                await context.report_progress(heard[1], heard[2], heard[0])
    try:
        text, data = task.result()
    except CodesearchError as error:
        raise ToolError(str(error)) from error
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data.model_dump())


def serve_stdio(server: MCPServer) -> None:
    """Serve one client over stdin and stdout until it leaves."""

    async def serve() -> None:
        async with stdio_server(stdin=_lines_of_stdin()) as (requests, answers):
            lowlevel = server._lowlevel_server
            await lowlevel.run(requests, answers, lowlevel.create_initialization_options())

    _silence_deprecations()
    try:
        anyio.run(serve)
    except* BrokenPipeError:
        # The client left without waiting for its answer. What Python still holds for it would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _silence_deprecations() -> None:
    """Keep what the SDK tells us programmers off stderr, which clients show their users, unless Python was asked."""
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", category=MCPDeprecationWarning)


def _lines_of_stdin() -> Any:
    """Return what the SDK reads lines from; children of this process find nothing on their stdin."""
    number = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return _Lines(anyio.wrap_file(os.fdopen(number, encoding="utf-8", errors="replace")))


class _Lines:
    """Lines of JSON, mended."""

    def __init__(self, file: anyio.AsyncFile[str]) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[str]:
        async for line in self._file:
            yield mend_line(line)


def make_http_application(server: MCPServer, *, names: Sequence[str] | None) -> Any:
    """Return a Starlette application that serves clients over streamable HTTP, at ``/mcp``.

    Args:
        server: To serve.
        names: What the header Host may be, and with ``http://`` before it Origin: a page in a browser can reach a local
            port, and must not reach this (DNS rebinding). None where somebody else sees to that, and to who asks: then
            each request stands alone, as sessions would outlive the token that began them.
    """
    _silence_deprecations()
    if names is None:
        unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        return server.streamable_http_app(transport_security=unchecked, stateless_http=True, json_response=True)
    security = TransportSecuritySettings(
        allowed_hosts=list(names), allowed_origins=[f"http://{name}" for name in names]
    )
    return server.streamable_http_app(transport_security=security)


def require_token(app: Any, token: str) -> Callable[[Any, Any, Callable[[Any], Awaitable[None]]], Awaitable[None]]:
    """Return an ASGI application that lets through requests that carry the token, and answers 401 to others.

    Args:
        app: What answers the others.
        token: That clients have to send as ``Authorization: Bearer``, or those that can send no header as ``?token=``
            in the URL.
    """

    async def guarded(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        header = dict(scope.get("headers", ())).get(b"authorization", b"")
        in_url = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        allowed = secrets.compare_digest(header, f"Bearer {token}".encode())
        allowed |= secrets.compare_digest(in_url.encode(), token.encode())
        if scope["type"] == "http" and not allowed:
            headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b"send the token that `codesearch mcp --http` printed\n"})
            return
        await app(scope, receive, send)

    return guarded
