"""Ctrl-C: at once while nothing has begun, then once with care, and the second time without.

Imports little, for it is there before all that takes time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

__all__ = ["INTERRUPTED", "ending_at_once", "ending_at_the_second", "leave_to_the_server", "was_interrupted"]

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as in every shell."""

_SHOW_CURSOR: Final = "\x1b[?25h"

_seen: Final[list[int]] = []
"""The signals that came while a command was at work."""


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed. Whatever fails after that may be what it was made into on its way."""
    return bool(_seen)


@contextmanager
def ending_at_once(program: str) -> Iterator[None]:
    """Let Ctrl-C end the process with a sentence, and without a traceback of what was being imported.

    Args:
        program: Its name.
    """
    with _handled(lambda *_: _end(f"{program}: stopped\n")):
        yield


@contextmanager
def ending_at_the_second(program: str) -> Iterator[None]:
    """Let the first Ctrl-C raise `KeyboardInterrupt`, and the next end the process, whatever it is waiting for.

    Every commit is one transaction, so that nothing which was committed is lost then either.

    Args:
        program: Its name.
    """

    def stop(number: int, _: object) -> None:
        _seen.append(number)
        if len(_seen) > 1:
            _end(f"{program}: stopped at once\n")
        raise KeyboardInterrupt

    # It stays until the process has ended, for what is waited for may be a thread.
    _install(stop)
    yield


def leave_to_the_server() -> None:
    """Let Ctrl-C do what it does in Python: event loops put their own handler in the place of that one alone."""
    if hasattr(signal.getsignal(signal.SIGINT), "ours"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = _install(handler)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _install(handler: Callable[[int, Any], None]) -> Any:
    """Put a handler in the place of Python's or ours; returns that, or None where Ctrl-C is ignored or not ours."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler and not hasattr(before, "ours"):
        return None
    handler.ours = True  # type: ignore[attr-defined]
    with suppress(ValueError):  # only the main thread is asked
        signal.signal(signal.SIGINT, handler)
        return before
    return None


def _end(sentence: str) -> NoReturn:
    # Not by exceptions, which anything may swallow, nor through a stream, which may be in use.
    with suppress(OSError):
        os.write(2, ((_SHOW_CURSOR + "\n" if os.isatty(2) else "") + sentence).encode())
    os._exit(INTERRUPTED)
