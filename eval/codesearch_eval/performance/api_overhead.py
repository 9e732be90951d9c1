"""What asking through ``codesearch.open`` costs over the search that it calls: ``python -m`` this module.

The same questions are asked both ways in turn, of one index and one encoder, in a process that has everything loaded:
whatever else the machine does meets both alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated

import typer

import codesearch
from codesearch.index.snapshot import Snapshot
from codesearch.search.pipeline import search
from codesearch_eval.performance.efficiency import QUESTIONS
from codesearch_eval.performance.throughput import Spread

__all__ = ["Overhead", "measure_overhead"]


@dataclass(frozen=True, slots=True)
class Overhead:
    """A search both ways.

    Attributes:
        chunks: In the index.
        internal_ms: ``search`` on an open snapshot, in milliseconds.
        api_ms: ``Index.search``, in milliseconds.
    """

    chunks: int
    internal_ms: Spread
    api_ms: Spread

    @property
    def ratio(self) -> float:
        """Median through the API over median inside."""
        return self.api_ms.median / self.internal_ms.median


def measure_overhead(location: str, *, questions: int = 300, words_only: bool = False) -> Overhead:
    """Ask an index questions, each of them both ways.

    Args:
        location: As `codesearch.open` takes it; indexed if it is not.
        questions: How many; they are variations of some that fit any repository.
        words_only: Search by words alone.

    Raises:
        CodesearchError: The location cannot be indexed.
    """
    with codesearch.open(location, words_only=words_only) as index:
        directory = index.status()[0].directory
        encoder = None if words_only else codesearch.load_encoder()
        with Snapshot(directory) as snapshot:

            def ask_inside(question: str) -> None:
                search([snapshot], question, encoder)

            def ask_api(question: str) -> None:
                index.search(question)

            for ask in (ask_inside, ask_api):  # the first question of each loads what it needs
                ask(QUESTIONS[0])
            internal: list[float] = []
            api: list[float] = []
            for number, question in enumerate(_variations(questions)):
                # Each way goes first as often as the other: the second finds in the processor's caches what it needs.
                ways = [(internal, ask_inside), (api, ask_api)]
                for times, ask in reversed(ways) if number % 2 else ways:
                    started = perf_counter()
                    ask(question)
                    times.append(1000 * (perf_counter() - started))
            return Overhead(snapshot.chunk_count, Spread.of(internal), Spread.of(api))


def _variations(count: int) -> Sequence[str]:
    """Return questions of different lengths, none twice."""
    pairs = [f"{first} and {second}" for first in QUESTIONS for second in QUESTIONS if first != second]
    return [*QUESTIONS, *pairs, *(f"{pair} again" for pair in pairs)][:count]


def _main(
    location: Annotated[str, typer.Argument(help="A folder or a Git URL.")] = ".",
    questions: Annotated[int, typer.Option(help="Asked both ways.", min=2, max=496)] = 300,
    words_only: Annotated[bool, typer.Option("--words-only", help="Search by words alone.")] = False,
) -> None:
    """Measure what a search through the Python API costs over the internal call."""
    found = measure_overhead(location, questions=questions, words_only=words_only)
    for name, spread in (("internal", found.internal_ms), ("API", found.api_ms)):
        typer.echo(f"{name:<9} median {spread.median:6.2f} ms   p95 {spread.p95:6.2f} ms")
    typer.echo(f"ratio of medians {found.ratio:.3f}, {questions} questions, {found.chunks:,} chunks")


if __name__ == "__main__":
    typer.run(_main)
