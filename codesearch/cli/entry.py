"""Where ``codesearch`` begins. The imports take a third of a second, in which Ctrl-C ends it with a sentence."""

from __future__ import annotations

import gc
from typing import Final

from codesearch.cli.interrupts import ending_at_once

__all__ = ["main"]

_COLLECT_AFTER: Final = 50_000
"""Objects that are made between two collections of garbage. With Python's 700, one start of a command makes them in
hundreds of collections, which find nothing, and take a twentieth of its time."""


def main() -> None:
    """Run the command line; the entry point of the ``codesearch`` script."""
    gc.set_threshold(_COLLECT_AFTER)
    with ending_at_once("codesearch"):
        from codesearch.cli.app import main as run
    run()
