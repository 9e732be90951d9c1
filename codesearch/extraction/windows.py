"""Cutting rows into pieces of a size that can be read, encoded and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

__all__ = ["FUNCTION_LIMIT", "MODULE_LIMIT", "TEXT_LIMIT", "Limit", "cut"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How large a piece may be: both bounds hold, save for a single row that is longer by itself."""

    rows: int
    characters: int


# A function is worth more whole than in parts. 98% of functions are below this, an encoder reads at
# most the first part of it anyway, and a person can still scan it.
FUNCTION_LIMIT = Limit(rows=150, characters=6_000)

# Module-level code is a row of unrelated statements: small pieces keep their vectors apart. An encoder
# reads some 2,000 characters.
MODULE_LIMIT = Limit(rows=60, characters=2_500)

# Prose and configuration likewise, and what is found should fit on a screen.
TEXT_LIMIT = Limit(rows=60, characters=2_500)


def cut(
    rows: Sequence[int], length: Callable[[int], int], cost: Callable[[int], float], limit: Limit
) -> list[Sequence[int]]:
    """Cut a run of rows into as few pieces as the limit allows, of about equal size.

    Args:
        rows: Rows in ascending order, gaps allowed.
        length: Characters of a row; 0 for a row that does not count, such as documentation.
        cost: How bad it is to begin a piece at this row. The cheapest row in reach is taken, and
            among equals the one that makes the pieces most even.
        limit: How large a piece may be.

    Returns:
        The pieces, in order; together they are `rows`.
    """
    weights = [length(row) for row in rows]
    pieces: list[Sequence[int]] = []
    start = 0
    rows_left, characters_left = sum(map(bool, weights)), sum(weights)
    while rows_left > limit.rows or characters_left > limit.characters:
        fullness = max(rows_left / limit.rows, characters_left / limit.characters)
        ideal = fullness / ceil(fullness)
        stop = _best_cut(rows, start, weights, cost, limit, ideal)
        if stop == len(rows):
            break
        pieces.append(rows[start:stop])
        rows_left -= sum(map(bool, weights[start:stop]))
        characters_left -= sum(weights[start:stop])
        start = stop
    if start < len(rows):
        pieces.append(rows[start:])
    return pieces


def _best_cut(
    rows: Sequence[int],
    start: int,
    weights: Sequence[int],
    cost: Callable[[int], float],
    limit: Limit,
    ideal: float,
) -> int:
    """The position to end the piece at that begins at `start`: the cheapest that leaves it neither small nor too large.

    Args:
        rows: All rows.
        start: Position in `rows` of the piece's first row.
        weights: Characters of each row.
        cost: How bad it is to begin a piece at a row.
        limit: How large a piece may be.
        ideal: How full it would be if all pieces were equal, 1 for full.
    """
    best, best_key = start + 1, (float("inf"), float("inf"))
    count = characters = 0
    for position in range(start, len(rows)):
        fill = max(count / limit.rows, characters / limit.characters)
        if position > start:
            if fill > 1:
                break
            key = (cost(rows[position]) if fill >= ideal / 2 else float("inf"), abs(fill - ideal))
            if key <= best_key:
                best, best_key = position, key
        count += bool(weights[position])
        characters += weights[position]
    return best
