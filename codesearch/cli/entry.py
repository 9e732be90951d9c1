"""Where ``codesearch`` begins. The imports take a third of a second, in which Ctrl-C ends it with a sentence."""

from __future__ import annotations

from codesearch.cli.interrupts import ending_at_once

__all__ = ["main"]


def main() -> None:
    """Run the command line; the entry point of the ``codesearch`` script."""
    with ending_at_once("codesearch"):
        from codesearch.cli.app import main as run
    run()
