"""Messages that no sound client sends, and a server that has to live through them."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import IO, Any, Final

__all__ = ["MESSAGES", "Frame", "FuzzedServer", "fuzz", "serve", "spoiled"]

MESSAGES: Final = int(os.environ.get("CODESEARCH_FUZZ", "250"))
"""How many messages each server is sent, by all tests together."""

_BETWEEN_PROBES: Final = 10
_ANSWER_SECONDS: Final = 60.0

_NASTY: Final[Sequence[Any]] = (
    None, True, False, 0, -1, 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, 10**400, -0.0, 1.5, 1e308, float("inf"),
    float("nan"), "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e", "é" * 1_000, "a" * 100_000, "../../etc",
    "/etc/passwd", "file:///etc/passwd", "file://%00", "file:///%ff%fe", "http://[::1", "%", "{", "*" * 200, "(a+)+$",
    "\\", "\n" * 1_000, [], [None], [[]], [[[[[]]]]], {}, {"": ""}, {"a": {"b": {"c": None}}}, ["a"] * 2_000,
    {str(number): number for number in range(500)}, [{}], [1, "a", None], "lang:", "path:[", "-is:test", "kind:" * 50,
)  # fmt: skip
"""Values that stand where others belong."""

_RAW: Final[Sequence[bytes]] = (
    b"", b" ", b"null", b"true", b"5", b'"text"', b"[]", b"[[]]", b"{}", b"{", b"}", b"[1,2", b'{"jsonrpc":',
    b'{"jsonrpc":"2.0"', b"\xff\xfe\x00", b"\x00", b"\x00" * 5_000, b"\xed\xa0\x80", b'{"a":"\xff"}', b"nan", b"NaN",
    b"Infinity", b"1e999", b"-", b"1" * 10_000, b"[" * 5_000, b"[" * 100_000, b'{"a":' * 20_000,
    b"[" * 50_000 + b"]" * 50_000, b'{"jsonrpc":"2.0","id":1}', b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    b'{"id":1,"method":"ping"}', b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":[],"method":"ping"}', b'{"jsonrpc":"2.0","id":1,"method":null}',
    b'{"jsonrpc":"2.0","id":1,"method":5}', b'{"jsonrpc":"2.0","id":1,"method":"no/such"}',
    b'{"jsonrpc":"2.0","method":"$/no/such"}', b'{"jsonrpc":"2.0","id":1,"result":{}}',
    b'{"jsonrpc":"2.0","id":"none","result":null}', b'{"jsonrpc":"2.0","id":1,"error":{"code":"a","message":5}}',
    b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', b'{"jsonrpc":"2.0","id":1,"id":2,"method":"a","method":"b"}',
    b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"ping"}', b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}',
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]',
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', b'{"jsonrpc":"2.0","id":"a","method":"\\ud800\\u0000"}',
)  # fmt: skip
"""Bodies that are no message at all, or none that belongs here."""


Frame = Callable[[bytes], bytes]
"""Makes of the body of a message what is sent."""


def spoiled(samples: Sequence[Mapping[str, Any]], chance: random.Random) -> Iterator[bytes]:
    """Yield bodies without end: samples with something wrong in them, and what is none at all.

    Args:
        samples: Messages that are right, with "id" where they want an answer.
        chance: Decides what is wrong.
    """
    while True:
        if chance.random() < 0.2:
            yield chance.choice(_RAW)
            continue
        message: Any = deepcopy(dict(chance.choice(samples)))
        if "id" in message:
            message["id"] = chance.choice((chance.randrange(1 << 30), f"fuzz {chance.randrange(99)}", 7))
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            _spoil(message, chance)
        try:
            body = json.dumps(message).encode()
        except RecursionError:  # nested so deep that Python cannot write it
            continue
        if chance.random() < 0.1:
            body = _torn(body, chance)
        yield body


def _spoil(message: dict[str, Any], chance: random.Random) -> None:
    """Change one value somewhere within: take it out, exchange it, or put one more in."""
    holder: Any = message
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        key = chance.choice(keys)
        if isinstance(holder[key], dict | list) and holder[key] and chance.random() < 0.8:
            holder = holder[key]
            continue
        way = chance.randrange(4)
        if way == 0:
            del holder[key]
        elif way == 1 and isinstance(holder, dict):
            holder[chance.choice(("", "a", "\0", "__class__", "query", "limit"))] = deepcopy(chance.choice(_NASTY))
        elif way == 2:
            holder[key] = _deep(chance.choice((3, 50, 400)), holder[key])
        else:
            holder[key] = deepcopy(chance.choice(_NASTY))
        return


def _deep(depth: int, value: Any) -> Any:
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def _torn(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body))
    return chance.choice((body[:at], body[at:], body[:at] + chance.randbytes(3) + body[at:], body + body))


# --- a server -----------------------------------------------------------------------------------------------


class FuzzedServer:
    """A server in a process of its own, and what it has answered.

    Args:
        process: Spoken to over its stdin and stdout.
        read: Reads the body of the next message from its stdout; b"" at the end.
        frame: Makes of a body what is sent.
    """

    def __init__(self, process: subprocess.Popen[bytes], read: Callable[[IO[bytes]], bytes], frame: Frame) -> None:
        self.process = process
        self.frame = frame
        self._answers: queue.SimpleQueue[dict[str, Any] | Exception] = queue.SimpleQueue()
        self._probes = 0
        self._sending = threading.Lock()
        assert process.stdout is not None
        threading.Thread(target=self._listen, args=(read, process.stdout), daemon=True).start()

    def _listen(self, read: Callable[[IO[bytes]], bytes], output: IO[bytes]) -> None:
        try:
            while body := read(output):
                message = json.loads(body)
                if "method" not in message:
                    self._answers.put(message)
                elif "id" in message:  # without an answer, a server may wait for one
                    refusal = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}
                    self.send(self.frame(json.dumps(refusal).encode()))
        except Exception as error:  # an answer that is none
            self._answers.put(error)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        with self._sending:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        """Send a request that is right; returns the answer to it.

        Raises:
            queue.Empty: There is none in time.
        """
        self._probes += 1
        number = f"probe {self._probes}"
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.send(self.frame(json.dumps(message).encode()))
        while True:
            answer = self._answers.get(timeout=_ANSWER_SECONDS)
            if isinstance(answer, Exception):
                raise answer
            if answer.get("id") == number:
                return answer


@contextmanager
def serve(
    command: Sequence[str],
    environment: Mapping[str, str],
    read: Callable[[IO[bytes]], bytes],
    frame: Frame,
    **where: Any,
) -> Iterator[FuzzedServer]:
    """Start a server, and end it; what it says on stderr is shown where a test fails."""
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            env={**environment, "PYTHONFAULTHANDLER": "1"},
            stdin=pipe,
            stdout=pipe,
            stderr=errors,
            **where,
        ) as process,
    ):
        try:
            yield FuzzedServer(process, read, frame)
        except BaseException:
            process.send_signal(signal.SIGABRT)  # tells where each of its threads is
            process.wait()
            errors.seek(0)
            print(errors.read().decode("utf-8", "replace")[-10_000:])
            raise
        finally:
            process.kill()


def fuzz(server: FuzzedServer, messages: Iterator[bytes], count: int, probe: Callable[[], None]) -> None:
    """Send messages, and see again and again that the server lives and answers.

    Args:
        server: That has to bear them.
        messages: What is sent, as it is.
        count: How many of them.
        probe: Asks something that is right, and checks the answer.
    """
    last: deque[bytes] = deque(maxlen=_BETWEEN_PROBES)
    for number in range(1, count + 1):
        message = next(messages)
        last.append(message[:2_000])
        try:
            server.send(message)
            if number % _BETWEEN_PROBES == 0 or number == count:
                probe()
        except (OSError, queue.Empty) as error:
            state = server.process.poll()
            fate = "is deaf" if state is None else f"died with {state}"
            raise AssertionError(f"the server {fate} after {number} messages; the last: {list(last)}") from error
