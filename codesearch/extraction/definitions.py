"""Definitions, and the tree that they make up.

Nothing here knows a language or a grammar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from codesearch.extraction.source import Range, Source
from codesearch.records import Kind

__all__ = ["Definition", "build_tree"]

# Definitions nested deeper than this belong to the text of what encloses them. Real code stays below ten;
# generated or hostile code does not, and each level repeats the names of all the levels above it.
_MAX_NESTING = 16

# More constants than this in one file are a table (registers, error codes, colours), whose entries would crowd out
# all else: of them only those that somebody documented are found on their own, if these are fewer.
_MAX_CONSTANTS = 40

_CONSTANT = "constant"

# Of a row longer than this (minified code), only the first definition becomes a chunk: each chunk holds
# whole rows, so that a thousand functions on one row would hold that row a thousand times.
_MAX_SHARED_ROW = 1_000


@dataclass(slots=True, eq=False)
class Definition:
    """A definition, or a scope that only lends its name to the definitions in it.

    Attributes:
        kind: What chunk it becomes, or None for a scope.
        names: The segments of its own name, what it is attached to first: ``("Server", "Serve")``.
        range: The bytes of the whole, attributes and leading comment included.
        body: The bytes of the body, or None for a declaration without one.
        first_row: First row of the whole.
        last_row: Last row of the whole.
        header: First and last row of the header: what the enclosing type shows of it.
        signature: The header on one line.
        documentation: Cleaned text of leading comment and docstring.
        doc_ranges: The bytes of both.
        members: The definitions directly within it, in order; scopes are dissolved.
        variant: "constant" for what only has a name and a value; "clause" for what may be one of several clauses
            of a function; "declaration" for what only declares, and makes a chunk only where it is documented;
            else "".
        holds_functions: Whether it is a module, whose functions are not methods.
        parameters: How many parameters a clause has; clauses of different arity are different functions.
        scope: The names of what encloses it, outermost first.
    """

    kind: Kind | None
    names: tuple[str, ...]
    range: Range
    body: Range | None
    first_row: int
    last_row: int
    header: tuple[int, int]
    signature: str = ""
    documentation: str = ""
    doc_ranges: list[Range] = field(default_factory=list)
    members: list[Definition] = field(default_factory=list)
    variant: str = ""
    holds_functions: bool = False
    parameters: int | None = None
    scope: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The bare name."""
        return self.names[-1] if self.names else ""

    @property
    def qualified_name(self) -> str:
        """The name with what encloses it, joined by dots."""
        return ".".join((*self.scope, *self.names))


def build_tree(source: Source, file: Definition, definitions: Iterable[Definition]) -> None:
    """Put the definitions of a file into the innermost that holds them, and the outermost into `file`.

    Then the clauses of one function are joined, what only lends its name is taken out, and of
    definitions that crowd one long row only the first is kept.

    Args:
        source: The file's text.
        file: What stands for the whole file.
        definitions: In document order, what encloses before what is enclosed.
    """
    definitions = list(definitions)
    stack = [file]
    for definition in definitions:
        _nest(stack, definition)
    for definition in (file, *definitions):
        definition.members = _merge_clauses(definition.members, source)
    _dissolve_scopes(file)
    _keep_constants(file)
    _drop_crowded(source, file)


def _nest(stack: list[Definition], definition: Definition) -> None:
    """Put one definition in its place, unless it lies too deep or only declares within a function.

    Args:
        stack: What encloses the last definition, outermost first, and that definition; it is brought up to date.
        definition: The next one in document order.
    """
    while len(stack) > 1 and stack[-1].range.end < definition.range.end:
        stack.pop()
    while len(stack) > 1 and stack[-1].range.end <= definition.range.start:
        stack.pop()
    holder = stack[-1]
    in_function = holder.kind is Kind.FUNCTION or holder.kind is Kind.METHOD
    if len(stack) > _MAX_NESTING or (definition.variant == "declaration" and in_function):
        return
    definition.scope = (*holder.scope, *holder.names)
    if definition.variant == _CONSTANT:
        if not in_function:
            holder.members.append(definition)
        return
    if definition.kind is Kind.FUNCTION:
        chunk = next((item for item in reversed(stack) if item.kind is not None), None)
        if chunk is not None and chunk.kind is Kind.TYPE and not chunk.holds_functions:
            definition.kind = Kind.METHOD
    holder.members.append(definition)
    stack.append(definition)


def _merge_clauses(members: list[Definition], source: Source) -> list[Definition]:
    """Join neighbouring clauses of one function (Haskell, Elixir), overloads and their implementation.

    A declaration that nobody documented, and that nothing joined, is left out: it is found in the text
    of what encloses it.
    """
    merged: list[Definition] = []
    for member in members:
        last = merged[-1] if merged else None
        if last is not None and last.variant and _same_function(last, member, source):
            last.range = Range(last.range.start, member.range.end)
            last.last_row = max(last.last_row, member.last_row)
            last.variant = member.variant
            last.parameters = member.parameters if last.parameters is None else last.parameters
            last.body = member.body if last.body is None else last.body
            last.members += member.members
        else:
            merged.append(member)
    return [item for item in merged if item.variant != "declaration" or item.documentation]


def _same_function(first: Definition, second: Definition, source: Source) -> bool:
    """Whether a clause or declaration and its neighbour are one function.

    Nothing but white space and comments may lie between. A comment above a clause explains the
    clause; one above anything else begins something new.
    """
    return (
        first.names == second.names
        and first.kind is second.kind
        and (second.variant == "clause" or not second.documentation)
        and (first.parameters is None or second.parameters is None or first.parameters == second.parameters)
        and not source.data[first.range.end : second.range.start].strip(b" \t\n\f\v;,")
    )


def _keep_constants(file: Definition) -> None:
    """Drop the constants that hold other definitions (an object with methods), and all of a file with too many."""
    holders = [file]
    found: list[Definition] = []
    for holder in holders:
        kept: list[Definition] = []
        for member in holder.members:
            last = kept[-1] if kept else None
            if last is not None and last.variant == _CONSTANT and member.range.start < last.range.end:
                if member.variant == _CONSTANT:
                    continue
                kept.pop()
            kept.append(member)
        holder.members = kept
        found += [member for member in kept if member.variant == _CONSTANT]
        holders += [member for member in kept if member.members]
    if len(found) <= _MAX_CONSTANTS:
        return
    documented = {id(constant) for constant in found if constant.documentation}
    if len(documented) > _MAX_CONSTANTS:
        documented = set()
    for holder in holders:
        holder.members = [item for item in holder.members if item.variant != _CONSTANT or id(item) in documented]


def _dissolve_scopes(file: Definition) -> None:
    """Put the members of scopes into what holds the scope, whose names they already carry."""
    stack = [file]
    while stack:
        definition = stack.pop()
        flat: list[Definition] = []
        waiting = definition.members[::-1]
        while waiting:
            member = waiting.pop()
            if member.kind is None:
                waiting.extend(reversed(member.members))
            else:
                flat.append(member)
        definition.members = flat
        stack.extend(flat)


def _drop_crowded(source: Source, file: Definition) -> None:
    """Keep the first definition only of each row that is too long to be repeated."""
    occupied = -1
    waiting = [file]
    while waiting:
        definition = waiting.pop()
        kept = []
        for member in definition.members:
            if member.first_row == occupied and len(source.lines[occupied]) > _MAX_SHARED_ROW:
                continue
            occupied = member.first_row
            kept.append(member)
        definition.members = kept
        waiting.extend(reversed(kept))
