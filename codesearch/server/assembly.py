"""All of it as one ASGI application: the API, the page and the endpoint for coding agents, behind the guards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from codesearch.server.access import TokenWatch
from codesearch.server.collection import Collection as Repositories
from codesearch.server.collection import ReadyEncoder
from codesearch.server.endpoints import Service, is_public, problem_response, routes
from codesearch.server.guards import ROUTE, HostGuard, PaceGuard, RateGuard, RequestRecord, TokenGuard
from codesearch.server.metrics import Metrics
from codesearch.server.openapi import describe
from codesearch.server.records import Problem

__all__ = ["Limits", "make_application"]

_DESCRIPTION: Final = "/v1/openapi.json"
_AGENTS: Final = "/mcp"
_AS_IT_COMES: Final = frozenset({"/v1/search/stream", _AGENTS})
"""What is sent piece by piece, and so is not compressed as a whole."""

_PAGE: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much each may ask.

    Attributes:
        rate: Requests a second of one token; 0 for no limit.
        body_bytes: Of a request.
        body_seconds: How long a client may take to send it.
        search_seconds: How long a search may take, its turn included.
        hosts: Names that the server answers to, beside ``localhost`` and addresses made of numbers.
    """

    rate: float = 20.0
    body_bytes: int = 1 << 20
    body_seconds: float = 20.0
    search_seconds: float = 30.0
    hosts: Collection[str] = field(default_factory=tuple)


def make_application(
    collection: Repositories,
    encoder: ReadyEncoder,
    tokens: TokenWatch | None,
    limits: Limits,
    *,
    agents: Any = None,
) -> ASGIApp:
    """Return the application; while it runs, the collection is kept fresh.

    Args:
        collection: The repositories.
        encoder: Of questions.
        tokens: That let through; None if nobody needs one.
        limits: How much each may ask.
        agents: The Starlette application of the MCP endpoint; None for none.
    """
    metrics = Metrics(collection)
    service = Service(collection, encoder, metrics, seconds=limits.search_seconds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            encoder.start()
            collection.start()
            stack.callback(collection.close)
            stack.callback(service.close)
            if agents is not None:
                await stack.enter_async_context(agents.router.lifespan_context(agents))
            yield

    inner = Starlette(
        routes=[*routes(service), Route(_DESCRIPTION, _description), *(Route(path, _page) for path in _PAGE)],
        exception_handlers={HTTPException: _http_problem, Exception: _fault},
        lifespan=lifespan,
    )
    compressed = GZipMiddleware(inner, minimum_size=1_000, compresslevel=5)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if scope["type"] == "http" and path == _AGENTS and agents is not None:
            scope[ROUTE] = _AGENTS
            # Each request stands alone: what another method would open or end, a stream or a session, is not there.
            await (agents if scope["method"] == "POST" else only_post)(scope, receive, send)
        elif scope["type"] == "http" and path not in _AS_IT_COMES:
            await compressed(scope, receive, send)
        else:
            await inner(scope, receive, send)

    async def only_post(scope: Scope, receive: Receive, send: Send) -> None:
        problem = Problem(title="", status=405, detail="MCP clients send POST here", request_id="")
        await problem_response(problem, {"allow": "POST"})(scope, receive, send)

    def refused(why: str) -> None:
        metrics.refused.labels(why).inc()

    app: ASGIApp = PaceGuard(dispatch, limits.body_bytes, limits.body_seconds, refused)
    app = RateGuard(app, limits.rate, refused)
    app = TokenGuard(app, tokens, is_public, refused)
    app = HostGuard(app, [name.lower() for name in limits.hosts], refused)
    return RequestRecord(app, metrics)


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404:
        detail = "there is nothing here: GET /v1/openapi.json lists what there is"
    elif error.status_code == 405:
        detail = "this takes another method: GET /v1/openapi.json says which"
    problem = Problem(title="", status=error.status_code, detail=detail, request_id="")
    return problem_response(problem, error.headers)


async def _fault(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the outermost guard logs it
    detail = "this should not have happened: please report it with the request's id"
    return problem_response(Problem(title="", status=500, detail=detail, request_id=""))


async def _description(request: Request) -> Response:
    request.scope[ROUTE] = _DESCRIPTION
    return Response(_described(), media_type="application/json")


@cache
def _described() -> bytes:
    return json.dumps(describe()).encode()


async def _page(request: Request) -> Response:
    request.scope[ROUTE] = request.url.path
    content, kind, tag = _static(request.url.path)
    headers = {"cache-control": "no-cache", "etag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)


@cache
def _static(path: str) -> tuple[bytes, str, str]:
    name, kind = _PAGE[path]
    content = (files("codesearch.server") / "static" / name).read_bytes()
    return content, kind, f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
