"""Of several definitions of one name, the one that is meant: class over constructor, implementation over header.

A language lets a name be defined in several places, of which one is the thing itself: the class, and not its
constructor, which has its name; ``type X``, and not an ``extension X`` or one more part of it; the function, and not
its declaration in a header.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from codesearch.records import Kind
from codesearch.search.candidates import Candidate
from codesearch.search.ranking.question import CandidateSet

__all__ = ["find_secondary"]

_CONSTRUCTORS: Final = frozenset("__init__ __new__ constructor initialize init __construct new".split())
_SMALL_CONSTRUCTOR: Final = 40
"""Words of code; a larger one does more than to keep what it was given."""
_ADDITION: Final = re.compile(
    r"^(?:[@\w#\[\]()]+\s+)*?(?:extension|partial|impl|@interface\s+\w+\s*\(|@implementation\s+\w+\s*\(|declare|defimpl|instance|companion)\b"
)
"""How the header of what adds to a type begins."""
_HEADER: Final = re.compile(r"\.(?:h|hh|hpp|hxx|h\+\+|d\.ts|d\.mts|d\.cts|pyi|mli|fsi|hs-boot|sig)$")


def find_secondary(found: CandidateSet) -> Iterator[int]:
    """Yield the positions of the candidates beside which there is a more proper definition of the same name."""
    by_name: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for number, (source, candidate) in enumerate(found.candidates):
        if candidate.name and candidate.kind is not Kind.TEXT:
            by_name[source, candidate.name].append(number)
    types = {(source, c.path, c.qualified_name) for source, c in found.candidates if c.kind is Kind.TYPE}
    for number, (source, candidate) in enumerate(found.candidates):
        if candidate.name in _CONSTRUCTORS and candidate.substance < _SMALL_CONSTRUCTOR:
            holder = candidate.qualified_name.rpartition(".")[0]
            if (source, candidate.path, holder) in types:
                yield number
    for name, numbers in by_name.items():
        if len(numbers) > 1 and name[1] not in _CONSTRUCTORS:
            yield from _secondary_of([found.candidates[number][1] for number in numbers], numbers)


def _secondary_of(candidates: Sequence[Candidate], numbers: Sequence[int]) -> Iterator[int]:
    types = [one for one in candidates if one.kind is Kind.TYPE and not _adds(one)]
    bodies = {one.qualified_name for one in candidates if not _HEADER.search(one.path)}
    largest = max((one.substance for one in candidates if one.kind is Kind.TYPE), default=0)
    for number, one in zip(numbers, candidates, strict=True):
        if one.kind is Kind.TYPE:
            if _adds(one) and (any(_same(one, other) for other in types) or (not types and one.substance < largest)):
                yield number
        elif one.kind is Kind.METHOD and any(one.qualified_name == f"{t.qualified_name}.{t.name}" for t in types):
            yield number  # a constructor, which has the name of its class
            continue
        if one.kind is not Kind.TYPE and _HEADER.search(one.path) and one.qualified_name in bodies:
            yield number


def _adds(candidate: Candidate) -> bool:
    return _ADDITION.match(candidate.signature) is not None


def _same(one: Candidate, other: Candidate) -> bool:
    return one.qualified_name == other.qualified_name
