"""Two results compared query by query."""

from __future__ import annotations

from codesearch.errors import InputError
from codesearch_eval.encoder.results import Result
from codesearch_eval.metrics import Comparison, Floats, paired_comparison

__all__ = ["compare"]


def compare(first: Result, second: Result) -> Comparison:
    """Return by how much `second` is better than `first`, by question, every language weighing the same.

    Raises:
        InputError: They were not taken under the same protocol on the same questions, or the figures of the
            single questions were not kept.
    """
    if first.rules != second.rules:
        raise InputError(f"{first.protocol_name} and {second.protocol_name} cannot be compared: the rules differ")
    if {name: group.query_hash for name, group in first.groups.items()} != {
        name: group.query_hash for name, group in second.groups.items()
    }:
        raise InputError("the two results are of different questions: evaluate both on the same data")
    return paired_comparison(_values(first), _values(second))


def _values(result: Result) -> list[Floats]:
    values = [group.values() for group in result.groups.values()]
    kept = [value for value in values if value is not None]
    if len(kept) < len(values):
        raise InputError(f"{result.system.name} was evaluated with --no-per-query: evaluate it again without")
    return kept
