"""What stands between the network and the routes: who is let through, how much may be sent, how long anything may take.

Each guard is an ASGI application around another. From the outside: the request's id, its log line and its counters;
the names that this server answers to; the token; the rate; the size and pace of what is sent, and the pace at which
the answer is taken.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import math
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codesearch.server.access import ANYBODY, Caller, Refusal, TokenWatch
from codesearch.server.logs import request_id
from codesearch.server.metrics import Metrics

__all__ = [
    "CALLER",
    "ROUTE",
    "HostGuard",
    "PaceGuard",
    "RateGuard",
    "RequestRecord",
    "TokenGuard",
    "problem_body",
]

_log = logging.getLogger(__name__)

CALLER: Final = "codesearch.caller"
"""Key of the scope under which the caller stands."""

ROUTE: Final = "codesearch.route"
"""Key of the scope under which the template of the route stands, such as ``/v1/search``."""

_CLOSE: Final[Mapping[str, str]] = {"connection": "close"}

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every answer. No header of CORS is ever sent, so no page of another origin reads one."""


def problem_body(status: int, detail: str) -> bytes:
    """Return a problem after RFC 9457, as JSON."""
    title = HTTPStatus(status).phrase
    held = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id.get()}
    return json.dumps(held).encode()


async def _refuse(send: Send, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
    body = problem_body(status, detail)
    held = {"content-type": "application/problem+json", "content-length": str(len(body)), **(headers or {})}
    listed = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in held.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


class RequestRecord:
    """Gives each request an id, writes its log line, counts it, and turns a fault into an answer.

    Args:
        app: That is guarded.
        metrics: That count.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        request_id.set(identity)
        started = time.perf_counter()
        status, sent = 0, 0

        async def sending(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                headers["x-request-id"] = identity
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        self._metrics.under_way.inc()
        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("a request failed")
            if not status:
                await _refuse(sending, 500, "this should not have happened: please report it with the request's id")
        finally:
            seconds = time.perf_counter() - started
            self._metrics.under_way.dec()
            self._count(scope, status, seconds)
            caller = scope.get(CALLER)
            fields = {
                "method": scope["method"],
                "route": scope.get(ROUTE, ""),
                "status": status,
                "ms": round(seconds * 1_000, 1),
                "bytes": sent,
                "token": caller.name if isinstance(caller, Caller) else "",
                "client": (scope.get("client") or ("",))[0],
            }
            _log.info("request", extra={"fields": fields})

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # A route that there is not is one label, or whoever asks for many would fill the memory; so is a method.
        route = scope.get(ROUTE, "none")
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        self._metrics.requests.labels(method, route, str(status or 499)).inc()
        self._metrics.seconds.labels(route).observe(seconds)


class HostGuard:
    """Lets through requests that mean this server, and whose page, if it is a page's, came from it (DNS rebinding).

    A page of another site can have a browser send requests here. Its address is then of that site, though it leads to
    this machine; so names are refused that nobody gave the server. An address made of numbers cannot be rebound.

    Args:
        app: That is guarded.
        names: Of hosts, in small letters, beside ``localhost`` and addresses made of numbers.
        refused: Told why.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], refused: Callable[[str], None]) -> None:
        self._app = app
        self._names = frozenset(names) | {"localhost"}
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._knows(hosts[0]):
            self._refused("host")
            await _refuse(send, 421, "this server does not answer to that name: start it with --allow-host NAME")
            return
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != hosts[0].lower():
            self._refused("origin")
            await _refuse(send, 403, "requests of pages of other sites are not answered")
            return
        # A picture or a script of another site's page carries no Origin; a link that somebody follows is welcome.
        site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
        if site in ("cross-site", "same-site") and (mode != "navigate" or scope["path"] != "/"):
            self._refused("origin")
            await _refuse(send, 403, "requests of pages of other sites are not answered")
            return
        await self._app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class TokenGuard:
    """Finds out who asks; whoever is not known is refused, but for what everybody may have.

    Args:
        app: That is guarded.
        tokens: That let through; None if nobody needs one.
        is_public: Says of a path whether everybody may have it.
        refused: Told why.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: TokenWatch | None,
        is_public: Callable[[str], bool],
        refused: Callable[[str], None],
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._is_public = is_public
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        found: Caller | Refusal = ANYBODY
        if self._tokens is not None:
            kind, _, secret = Headers(scope=scope).get("authorization", "").partition(" ")
            found = self._tokens.find(secret.strip() if kind.lower() == "bearer" else None)
        if isinstance(found, Refusal):
            self._refused(found.name.lower())
            status = 503 if found is Refusal.UNUSABLE else 401
            challenge = {} if found is Refusal.UNUSABLE else {"www-authenticate": 'Bearer realm="codesearch"'}
            await _refuse(send, status, found.value, challenge)
            return
        scope[CALLER] = found
        await self._app(scope, receive, send)


class RateGuard:
    """Gives each token so many requests a second, and a burst of three seconds' worth.

    Args:
        app: That is guarded.
        rate: Requests a second; 0 for no limit.
        refused: Told why.
        clock: Monotonic seconds.
    """

    _MOST_CALLERS: Final = 10_000

    def __init__(
        self,
        app: ASGIApp,
        rate: float,
        refused: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._rate = rate
        self._burst = max(1.0, rate * 3)
        self._refused = refused
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        caller = scope.get(CALLER)
        if not self._rate or caller is None:
            await self._app(scope, receive, send)
            return
        now = self._clock()
        left, at = self._left.pop(caller.name, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        allowed = left >= 1
        self._left[caller.name] = (left - allowed, now)
        if len(self._left) > self._MOST_CALLERS:
            self._left.popitem(last=False)
        if allowed:
            await self._app(scope, receive, send)
            return
        self._refused("rate")
        wait = math.ceil((1 - left) / self._rate)
        detail = f"this token may send {self._rate:g} requests a second: ask again in {wait} s"
        await _refuse(send, 429, detail, {"retry-after": str(wait)})


class PaceGuard:
    """Limits how much a client sends, and how long it may take to send it.

    How long it may take to accept an answer is the listener's concern, which sees the socket.

    Args:
        app: That is guarded.
        most_bytes: Of a body.
        seconds: For a body as a whole.
        refused: Told why.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, seconds: float, refused: Callable[[str], None]) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = f"a request may have {self._most_bytes:,} bytes: ask with less text"
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > self._most_bytes:
            self._refused("size")
            await _refuse(send, 413, detail, _CLOSE)
            return
        taken, complete = 0, False
        deadline = time.monotonic() + self._seconds

        async def receiving() -> Message:
            nonlocal taken, complete
            if complete:
                return await receive()  # which waits for the client to leave
            try:
                message = await asyncio.wait_for(receive(), max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                self._refused("slow")
                raise HTTPException(408, "the request was not sent in time", _CLOSE) from None
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if taken > self._most_bytes:
                    self._refused("size")
                    raise HTTPException(413, detail, _CLOSE)
            return message

        await self._app(scope, receiving, send)
