#!/usr/bin/env python3
# Copyright 2024 The Authors. All rights reserved.
"""Readers of sensor logs.

The second paragraph stays apart.
"""

from __future__ import annotations

import functools

LIMIT = 10  # a trailing comment documents nothing


# A comment above a decorated function is its documentation too.
@functools.lru_cache(maxsize=None)
async def fetch(
    url: str,  # where from
    retries: int = 3,
) -> bytes:
    """Download a log.

    Args:
        url: Where it lies.
        retries: How often to try.
    """
    # This one explains the body.
    return await _get(url, retries)
    # The last word of the block above.


def only_documented():
    """Do nothing."""


def one_line(): "Say it on one line."; return 1


class Reader(Base):
    r"""Reads a log.

    Escapes such as \d stay.
    """

    kind: str = "plain"

    def __init__(self, path):
        self.path = path

    @property
    def größe(self):
        """Size in bytes: 10 µs."""
        return "ä"

    class Cursor:
        """Where the reader stands."""

        def move(self, by: int) -> None:
            def clamp(value):
                return max(0, value)

            self.at = clamp(by)


square = lambda x: x * x


def broken(:
    oops = (


def after_the_error(values):
    """Is still found."""
    return sum(values)


if __name__ == "__main__":
    fetch("log")
