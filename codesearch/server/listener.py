"""The sockets: where the server listens, how long a client may stall, and how it all ends. The importer of uvicorn."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from threading import Thread
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from codesearch.errors import InputError

__all__ = ["listen", "make_server", "run"]

_SAME_SIGNAL_SECONDS: Final = 1.0
_STALL_SECONDS: Final = 20.0
"""How long a client may take to send the head of a request, and to accept some of its answer."""

_LEAVE_SECONDS: Final = 10
"""How long requests that are under way may take once the server is told to end."""

_MOST_CONNECTIONS: Final = 1_000


class _Protocol(H11Protocol):
    """uvicorn's own, which lets go of clients that stall: it waits for them for ever."""

    _awaiting: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    stall_seconds = _STALL_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the head of a request, but not for ever."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._cancel("_awaiting")
        self._cancel("_stalled")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that began has to come to its end."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            if self._awaiting is None and not self.transport.is_closing():
                self._await_head()
        else:
            self._cancel("_awaiting")

    def pause_writing(self) -> None:
        """Note that the client accepts nothing for now."""
        super().pause_writing()
        self._cancel("_stalled")
        self._stalled = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that it does again."""
        super().resume_writing()
        self._cancel("_stalled")

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is not used; by force where the client does not accept what is left."""
        super().timeout_keep_alive_handler()
        self._cancel("_stalled")
        self._stalled = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def _await_head(self) -> None:
        self._awaiting = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def _cancel(self, timer: str) -> None:
        handle: asyncio.TimerHandle | None = getattr(self, timer)
        if handle is not None:
            handle.cancel()
            setattr(self, timer, None)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: A name or an address of this machine.
        port: 0 for one that is free.

    Raises:
        InputError: The address is none of this machine, or the port is taken or may not be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host} is no address of this machine: {error}") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise InputError(f"cannot listen on {host} port {port} ({error.strerror}): choose another --port") from error
    return listener


def make_server(app: Any, *, stall_seconds: float = _STALL_SECONDS) -> uvicorn.Server:
    """Return a server of an ASGI application, to be run with a socket.

    Args:
        app: The application.
        stall_seconds: How long a client may take to send the head of a request, and to accept some of its answer.
    """
    protocol = type("_PatientProtocol", (_Protocol,), {"stall_seconds": stall_seconds})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_LEAVE_SECONDS,
        h11_max_incomplete_event_size=32_768,
    )
    return uvicorn.Server(config)


def run(app: Any, listener: socket.socket, *, started: Callable[[], None] = lambda: None) -> None:
    """Serve an application until a signal ends it; a later signal does not wait for its clients.

    One Ctrl-C can be two signals. In the main thread uvicorn raises each again once it has ended, and the second
    breaks off what asyncio does at its end, with a traceback.

    Args:
        app: An ASGI application.
        listener: That :func:`listen` returned.
        started: Called once it serves.

    Raises:
        SystemExit: The application did not start.
    """
    server = make_server(app)
    asked: list[float] = []

    def leave(_signal: int, _frame: FrameType | None) -> None:
        asked.append(time.monotonic())
        server.force_exit = asked[-1] - asked[0] > _SAME_SIGNAL_SECONDS
        server.should_exit = True

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        thread = Thread(target=server.run, args=([listener],), name="http")
        thread.start()
        told = False
        while thread.is_alive():
            thread.join(0.1)  # a signal is handled between two of these
            if server.started and not told:
                told = True
                started()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not server.started and not server.should_exit:
        raise SystemExit(3)  # as uvicorn itself, which has said why
