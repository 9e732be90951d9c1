"""Where one message of a client ends and the next one begins: ``Content-Length: 5``, an empty line, five bytes.

pygls knows one spelling of the header. It takes a body whose header it did not know for the next header. From then on
each header stands behind a body, and nothing is understood any more. Here a length is found in any spelling, and at the
end of whatever stands before it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from typing import Final, Protocol

__all__ = ["Reader", "read_bodies"]

_LENGTH: Final = re.compile(rb"content-length[ \t]*:[ \t]*([0-9]{1,9})[ \t]*\r?\n$", re.IGNORECASE)
"""No message is longer than a gigabyte: what says so is no header."""


class Reader(Protocol):
    """What a client writes."""

    def readline(self) -> Awaitable[bytes]:
        """Return the next line; b"" at the end."""
        ...

    def readexactly(self, n: int) -> Awaitable[bytes]:
        """Return so many bytes; fewer at the end."""
        ...


async def read_bodies(reader: Reader) -> AsyncIterator[bytes]:
    """Yield the body of one message after the other, until the client leaves.

    Args:
        reader: Of a stream or a connection.
    """
    length = 0
    while line := await _read_line(reader):
        if found := _LENGTH.search(line):
            length = int(found[1])
        elif length and not line.strip():
            try:
                body = await reader.readexactly(length)
            except asyncio.IncompleteReadError:
                return
            yield body
            length = 0


async def _read_line(reader: Reader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any header
        return b"-"
