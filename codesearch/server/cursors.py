"""Where in a list of results a client is, in a text that only this module reads.

A position would repeat or lose results as soon as the index changes between two pages. So a cursor names every result
that was given, by a hash of what it is, and the next page is the newest ranking without those. A server need not
remember anything, and two servers in front of one index serve one client.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from codesearch.errors import InputError
from codesearch.records import Match

__all__ = ["DEEPEST", "key_of", "read_cursor", "unseen", "write_cursor"]

DEEPEST: Final = 1_000
"""Results that one can page through; a better question beats a later page."""

_KEY: Final = 6
_CHECK: Final = 8
_VERSION: Final = b"\x01"


def key_of(repository: str, match: Match) -> bytes:
    """Return what tells a result from others: what it is and what it says, wherever in its file it stands by now."""
    chunk = match.chunk
    parts = (repository, chunk.path, chunk.kind.value, chunk.qualified_name, str(chunk.part), chunk.text)
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_KEY).digest()


def write_cursor(asked: object, seen: Sequence[bytes]) -> str:
    """Return the cursor of what comes after some results.

    Args:
        asked: The question with its filters, as plain data.
        seen: Keys of all results that were given.
    """
    return base64.urlsafe_b64encode(_VERSION + _check(asked) + b"".join(seen)).decode().rstrip("=")


def read_cursor(text: str, asked: object) -> list[bytes]:
    """Return the keys of the results that were given.

    Raises:
        InputError: The text is no cursor, or is one of another question.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    head = len(_VERSION) + _CHECK
    if not data.startswith(_VERSION) or len(data) < head or (len(data) - head) % _KEY:
        raise InputError("that is no cursor: give next_cursor of an answer as it is, or none for the first results")
    if data[len(_VERSION) : head] != _check(asked):
        raise InputError("this cursor belongs to another question: change nothing but the cursor between two pages")
    keys = data[head:]
    return [keys[at : at + _KEY] for at in range(0, len(keys), _KEY)]


def unseen(matches: Iterable[tuple[bytes, Match]], seen: Sequence[bytes]) -> list[tuple[bytes, Match]]:
    """Return the results that were not given yet, in their order; equal ones are told apart by how many there are."""
    given = Counter(seen)
    left = []
    for key, match in matches:
        if given[key]:
            given[key] -= 1
        else:
            left.append((key, match))
    return left


def _check(asked: Any) -> bytes:
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=_CHECK).digest()
