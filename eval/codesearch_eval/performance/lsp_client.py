"""A client of the language server protocol in a hundred lines, so that what is measured is the server alone.

Messages are read by a thread, and carry the moment at which they arrived.
"""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["Client", "Reply"]

_LEAVE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request, and how many seconds it took."""

    result: Any
    error: dict[str, Any] | None
    seconds: float


class Client:
    """A server in a process of its own, and the connection to it; a context manager.

    Args:
        command: That starts the server.
        environment: Of the process.
        folder: That it is started in.
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
        )
        self.notifications: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[tuple[dict[str, Any], float]]] = {}
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, TimeoutError, subprocess.TimeoutExpired):
            self.request("shutdown", None, timeout=_LEAVE_SECONDS)
            self.notify("exit", None)
            self.process.wait(_LEAVE_SECONDS)
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def request(self, method: str, params: Any, *, timeout: float = 60.0) -> Reply:
        """Send a request and wait for the answer.

        Raises:
            TimeoutError: There was none.
        """
        number = next(self._numbers)
        answers = self._waiting[number] = queue.SimpleQueue()
        started = time.perf_counter()
        self._send({"id": number, "method": method, "params": params})
        try:
            message, arrived = answers.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"{method} was not answered within {timeout} s") from None
        finally:
            del self._waiting[number]
        return Reply(message.get("result"), message.get("error"), arrived - started)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        with self._writing:
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self.process.stdin.flush()

    def _read(self) -> None:
        output = self.process.stdout
        assert output is not None
        while header := output.readline():
            length = int(header.split(b":")[1])
            while output.readline().strip():
                pass
            message = json.loads(output.read(length))
            arrived = time.perf_counter()
            if "method" not in message:
                if (waiting := self._waiting.get(message.get("id"))) is not None:
                    waiting.put((message, arrived))
            elif "id" in message:  # the server asks: for settings, for progress, for watchers
                result = [None] if message["method"] == "workspace/configuration" else None
                self._send({"id": message["id"], "result": result})
            else:
                self.notifications.put(message)
