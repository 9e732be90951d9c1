"""Which functions are copies, which nearly, and which do the same in other words: three levels, told apart.

*Exact*: the same tokens, but for the function's own name, comments and layout. *Near*: most runs of tokens are the
same after variables and literals have been made one (`shingles`). *Semantic*: their vectors are close, whatever the
tokens. (The kinds 1, 2 and 3, and 4 of Roy and Cordy, *A Survey on Software Clone Detection Research*, 2007.)

Each level compares what the ones before left apart: copies are one item for the near level, a near group one item for
the semantic level. So a function is told once for each thing that is to be said of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.duplicates.functions import Function, Functions, Sizes, read_functions, read_vectors
from codesearch.duplicates.grouping import FLOOR, link
from codesearch.duplicates.opposites import are_opposites
from codesearch.duplicates.pairs import Pairs, each
from codesearch.duplicates.shingles import Shingles
from codesearch.errors import InputError
from codesearch.index.dense import near_pairs
from codesearch.index.snapshot import Snapshot
from codesearch.search.candidates import Filters

__all__ = ["Group", "Level", "Member", "Report", "Thresholds", "find_duplicates"]


class Level(StrEnum):
    """How functions are alike, the surest first. The values are what ``--level`` takes and JSON prints."""

    EXACT = "exact"
    NEAR = "near"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on functions are alike; docs/notebook/duplicates.md has the measurements.

    Attributes:
        near: Least share of runs of tokens in common.
        semantic: Least cosine of the vectors.
    """

    near: float = 0.7
    semantic: float = 0.9


@dataclass(frozen=True, slots=True)
class Member:
    """A function of a group.

    Attributes:
        function: The function; of several copies the first.
        similarity: To the first member: 1.0, a share of runs or a cosine, by level.
        copies: Other functions that are told at a surer level to be like it, and so are not told again.
    """

    function: Function
    similarity: float
    copies: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that are alike.

    Attributes:
        level: How.
        members: In the order of their places, two or more.
    """

    level: Level
    members: tuple[Member, ...]

    @property
    def similarity(self) -> float:
        """Of the members to the first one, the mean."""
        others = self.members[1:]
        return sum(member.similarity for member in others) / len(others)

    @property
    def redundant_lines(self) -> int:
        """Lines of code that one function instead of the group would save, at most."""
        lines = [member.function.lines for member in self.members]
        return sum(lines) - max(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        groups: Surest level first, then by the lines that could be saved.
        functions: How many were compared.
        lines: Of code, in those.
        left_out: Functions that were not compared, by reason.
        without_vector: Functions whose text is not encoded yet, which the semantic level did not see.
        copied_lines: Lines that are copies: of exact and near groups all but one member.
    """

    groups: tuple[Group, ...]
    functions: int
    lines: int
    left_out: Counter[str] = field(default_factory=Counter)
    without_vector: int = 0
    copied_lines: int = 0

    @property
    def copied_share(self) -> float:
        """Share of the lines that are copies."""
        return self.copied_lines / max(1, self.lines)


_ORDER: Final = list(Level)
_MAX_SIZE_RATIO: Final = 3.0
"""A function is not the same as one three times its size, however close the vectors."""


def find_duplicates(
    snapshots: Sequence[Snapshot],
    *,
    level: Level = Level.SEMANTIC,
    thresholds: Thresholds | None = None,
    sizes: Sizes | None = None,
    filters: Sequence[Filters] | None = None,
    overloads: bool = False,
) -> Report:
    """Find groups of duplicate functions in one or several repositories.

    Args:
        snapshots: What to look at.
        level: The least sure level that is wanted.
        thresholds: From where on functions are alike.
        sizes: Which functions are compared.
        filters: Which paths and languages are looked at, one for each snapshot; None for all.
        overloads: Whether variants of one name in one type or file may form a group.

    Raises:
        InputError: A threshold is no share, or the snapshots were encoded by different models.
        IndexUnusable: An index is damaged.
    """
    thresholds, sizes = thresholds or Thresholds(), sizes or Sizes()
    for name in ("near", "semantic"):
        if not FLOOR < getattr(thresholds, name) <= 1:
            raise InputError(f"--{name} must lie between {FLOOR} and 1, not {getattr(thresholds, name)}")
    wanted = _ORDER[: _ORDER.index(level) + 1]
    if Level.SEMANTIC in wanted:
        _check_models(snapshots)
    functions = read_functions(snapshots, filters or [Filters()] * len(snapshots), sizes)
    finding = _Finding(functions, overloads)
    finding.find_exact()
    if Level.NEAR in wanted:
        finding.find_near(thresholds.near)
    without = finding.find_semantic(snapshots, thresholds.semantic) if Level.SEMANTIC in wanted else 0
    groups = sorted(finding.groups, key=_order)
    return Report(
        tuple(groups),
        len(functions.records),
        sum(function.lines for function in functions.records),
        functions.left_out,
        without,
        sum(group.redundant_lines for group in groups if group.level is not Level.SEMANTIC),
    )


def _check_models(snapshots: Sequence[Snapshot]) -> None:
    models = {snapshot.manifest.model_id for snapshot in snapshots if snapshot.manifest.model_id}
    if len(models) > 1:
        named = ", ".join(f"{snapshot.manifest.name} by {snapshot.manifest.model_id}" for snapshot in snapshots)
        raise InputError(
            f"the indexes hold vectors of different models ({named}): run `codesearch index` on each, "
            "or look no further than --level near"
        )


def _order(group: Group) -> tuple[object, ...]:
    return _ORDER.index(group.level), -group.redundant_lines, group.members[0].function.place


class _Finding:
    """The levels one after the other. An item is a list of functions that a surer level found to be alike."""

    def __init__(self, functions: Functions, overloads: bool) -> None:
        self._all = functions
        self._functions = functions.records
        self._tokens = functions.tokens
        self._overloads = overloads
        self._items: list[list[int]] = []
        self.groups: list[Group] = []

    def find_exact(self) -> None:
        """Group functions with the same tokens."""
        classes: defaultdict[bytes, list[int]] = defaultdict(list)
        for number, function in enumerate(self._functions):
            classes[function.exact].append(number)
        self._items = list(classes.values())
        for item in self._items:
            if len(item) > 1:
                members = tuple(Member(self._functions[number], 1.0) for number in item)
                self.groups.append(Group(Level.EXACT, members))

    def find_near(self, threshold: float) -> None:
        """Group what has most runs of tokens in common."""
        shingles = Shingles([self._tokens[item[0]] for item in self._items])
        pairs, shares = shingles.pairs(threshold)
        self._group(Level.NEAR, pairs, shares, shingles.similarity, threshold, self._may_be_alike)

    def find_semantic(self, snapshots: Sequence[Snapshot], threshold: float) -> int:
        """Group what has close vectors; returns how many functions have no vector yet."""
        dimension = max((snapshot.manifest.dimension for snapshot in snapshots), default=0)
        if not dimension:
            return len(self._functions)
        first = [self._functions[item[0]] for item in self._items]
        vectors, known = read_vectors(snapshots, first, dimension)
        rows = np.flatnonzero(known)
        pairs, cosines = near_pairs(vectors if known.all() else vectors[rows], threshold)
        pairs = rows[pairs]

        def similarity(one: int, others: Sequence[int]) -> NDArray[np.float32]:
            found: NDArray[np.float32] = vectors[list(others)] @ vectors[one]
            return np.minimum(found, 1.0)

        self._group(Level.SEMANTIC, pairs, cosines, similarity, threshold, self._may_mean_the_same)
        return int(sum(len(item) for item, has_one in zip(self._items, known, strict=False) if not has_one))

    def _group(
        self,
        level: Level,
        pairs: Pairs,
        scores: NDArray[np.float32],
        similarity: Callable[[int, Sequence[int]], NDArray[np.float32]],
        threshold: float,
        allowed: Callable[[int, int], bool],
    ) -> None:
        """Group items that are alike, and make each group one item."""
        numbers = [item[0] for item in self._items]
        first = [self._functions[number] for number in numbers]
        keep = np.fromiter((allowed(numbers[one], numbers[other]) for one, other in each(pairs)), bool, len(pairs))

        def allowed_similarity(one: int, others: Sequence[int]) -> NDArray[np.float32]:
            fits = [allowed(numbers[one], numbers[other]) for other in others]
            return np.where(fits, similarity(one, others), np.float32(0))

        joined = link(pairs[keep], scores[keep], allowed_similarity, threshold)
        for group in joined:
            group.sort(key=lambda number: first[number].place)
            shares = [1.0, *similarity(group[0], group[1:]).tolist()]
            members = tuple(
                Member(first[number], share, tuple(self._functions[copy] for copy in self._items[number][1:]))
                for number, share in zip(group, shares, strict=True)
            )
            self.groups.append(Group(level, members))
        merged = {number for group in joined for number in group}
        rest = [item for number, item in enumerate(self._items) if number not in merged]
        whole = [[function for number in group for function in self._items[number]] for group in joined]
        self._items = sorted(rest + whole)

    def _may_be_alike(self, one: int, other: int) -> bool:
        return self._overloads or not self._functions[one].is_overload_of(self._functions[other])

    def _may_mean_the_same(self, one: int, other: int) -> bool:
        mine, theirs = self._functions[one], self._functions[other]
        small, large = sorted((mine.size, theirs.size))
        if large > _MAX_SIZE_RATIO * small or are_opposites(mine.name, theirs.name):
            return False
        return self._may_be_alike(one, other) and not self._all.one_wraps_the_other(one, other)
