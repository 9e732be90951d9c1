"""The matches of a query -> a tree of definitions, each with its name, header, comment and rows.

Nothing here knows a language: see ``codesearch/queries/README.md`` for what the captures mean.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from codesearch.extraction.documentation import clean_comment, clean_docstring, is_license
from codesearch.extraction.grammars import Match, Node, Position, Tree
from codesearch.extraction.source import Range, Source
from codesearch.records import Kind

__all__ = ["Definition", "read_definitions"]

# Definitions nested deeper than this belong to the text of what encloses them. Real code stays below ten;
# generated or hostile code does not, and each level repeats the names of all the levels above it.
_MAX_NESTING = 16

# Of a row longer than this (minified code), only the first definition becomes a chunk: each chunk holds
# whole rows, so that a thousand functions on one row would hold that row a thousand times.
_MAX_SHARED_ROW = 1_000

# A signature is for reading at a glance; a longer one is a generated parameter list or a type's whole body.
_MAX_SIGNATURE = 400

# A licence stands at the very top of a file: after a shebang and an encoding line, say.
_LICENSE_ROWS = 4

# Fewer rows than this between two definitions of a broken file are not worth a second look.
_MIN_RECOVERED_ROWS = 3

_KINDS = {"function": Kind.FUNCTION, "method": Kind.METHOD, "type": Kind.TYPE, "module": Kind.TYPE, "scope": None}
_SEPARATOR = re.compile(r"::|\\|->|[.:#]")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_CAST_PARAMETERS = re.compile(r"(?<=[\w*&>])\s*\(.*")
_SPACE = re.compile(r"\s+")
_SIGNATURE_END = re.compile(r"(?:\s|[{:=;,]|\bdo$|\bthen$|\bwhere$|=>$)+$")
_EMPTY_BODY = re.compile(r"(?<=[\s;)])end$")


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
        variant: "clause" for what may be one of several clauses of a function; "declaration" for what only
            declares, and makes a chunk only where it is documented; else "".
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


@dataclass(frozen=True, slots=True)
class _Lead:
    """A comment or an attribute: what may stand before a definition."""

    range: Range
    is_doc: bool
    text: Range | None  # where the documentation is not the comment itself but a string in it


def read_definitions(source: Source, tree: Tree, reparse: Callable[[Position, Position], Tree]) -> Definition:
    """The definitions of a file, as the members of a definition that stands for the file.

    The file's own `documentation` is its docstring or the comment at its top.

    Args:
        source: The file's text.
        tree: The file, parsed.
        reparse: Parses a part of the file on its own; asked only if `tree` has an error.
    """
    file = _Reader(source, tree.matches).read()
    if tree.has_error:
        _recover(source, file, reparse)
    return file


def _recover(source: Source, file: Definition, reparse: Callable[[Position, Position], Tree]) -> None:
    """Look again at what lies between the definitions of a file with a syntax error.

    One thing that the grammar does not know (a macro, newer syntax) can cost it all that follows. The
    rows in which no definition was found are parsed again, each run as if it were a file (less the rows
    of stray closing brackets at its ends), and what is found there is added.
    """
    found: list[Definition] = []
    at = 0
    for member in [*file.members, None]:
        stop = source.last_row + 1 if member is None else member.first_row
        rows = source.worded(at, stop)
        if len(rows) >= _MIN_RECOVERED_ROWS:
            begin, end = source.row_range(rows[0]), source.row_range(rows[-1])
            tree = reparse(Position(begin.start, (rows[0], 0)), Position(end.end, (rows[-1], end.end - end.start)))
            found += (item for item in _Reader(source, tree.matches).read().members if item.body is not None)
        if member is not None:
            at = max(at, member.last_row + 1)
    file.members = sorted([*file.members, *found], key=lambda item: (item.first_row, -item.last_row))


class _Reader:
    """The state of one file's reading: its text, and the query's matches by role."""

    def __init__(self, source: Source, matches: Sequence[Match]) -> None:
        self._source = source
        self._leads: list[_Lead] = []
        self._docstrings: list[tuple[Range, Range]] = []  # the whole statement, the string in it
        self._extents: dict[Range, Range] = {}
        self._candidates: list[tuple[str, Match, Range]] = []
        for match in matches:
            self._sort(match)
        self._candidates.sort(key=lambda candidate: candidate[1].pattern)
        self._leads.sort(key=lambda lead: lead.range)
        self._lead_starts = [lead.range.start for lead in self._leads]
        # A node that is both (Elixir's @doc) is a comment: it comes later in this order, and wins.
        self._lead_at_end = {lead.range.end: lead for lead in sorted(self._leads, key=lambda lead: lead.is_doc)}

    def read(self) -> Definition:
        """Build the tree: definitions in document order, each put into the innermost that holds it."""
        whole = Range(0, len(self._source.data))
        file = Definition(None, (), whole, whole, 0, self._source.last_row, (0, 0))
        flat = sorted(self._definitions(), key=lambda item: (item.range.start, -item.range.end))
        nest = _Nest(file)
        for definition in flat:
            nest.add(definition)
        self._assign_docstrings([file, *flat])
        self._document_file(file)
        for definition in (file, *flat):
            definition.members = _merge_clauses(definition.members, self._source)
        _dissolve(file)
        self._drop_crowded(file)
        return file

    def _sort(self, match: Match) -> None:
        """Put one match where its captures say that it belongs."""
        nodes = match.nodes
        for capture, found in nodes.items():
            if capture.partition(".")[0] in _KINDS:  # captured more than once: from the first to the last
                span = self._source.trimmed(found[0].start_byte, found[-1].end_byte)
                self._candidates.append((capture, match, span))
                continue
            for node in found:
                span = self._trimmed(node)
                if capture in ("doc", "attribute"):
                    text = nodes.get("text")
                    self._leads.append(_Lead(span, capture == "doc", self._trimmed(text[0]) if text else None))
                elif capture == "docstring":
                    self._docstrings.append((span, self._trimmed(nodes.get("text", found)[0])))
                elif capture == "extent":
                    for inner in nodes.get("inner", ()):
                        self._extents[self._trimmed(inner)] = span

    def _trimmed(self, node: Node) -> Range:
        return self._source.trimmed(node.start_byte, node.end_byte)

    def _definitions(self) -> Iterator[Definition]:
        """One definition for each node that a pattern captured, and for each body; the first pattern wins."""
        spans: set[Range] = set()
        bodies: set[Range] = set()
        for capture, match, span in self._candidates:
            body = self._trimmed(match.nodes["body"][0]) if "body" in match.nodes else None
            if span in spans or body in bodies:
                continue
            spans.add(span)
            if body is not None:
                bodies.add(body)
            yield self._definition(capture, match, span, body)

    def _definition(self, capture: str, match: Match, span: Range, body: Range | None) -> Definition:
        nodes, settings = match.nodes, match.settings
        source = self._source
        role, _, variant = capture.partition(".")
        while (wider := self._extents.get(span)) is not None and wider != span:
            span = wider
        span = self._without_last_comments(span, body)
        names = [source.decode(*self._trimmed(node)) for key in ("owner", "name") for node in nodes.get(key, ())[:1]]
        if not nodes.get("name") and settings.get("name"):
            names.append(settings["name"] or "")
        leads = self._leads_before(span) if role != "scope" else []
        docs = [lead for lead in leads if lead.is_doc]
        start = leads[0].range.start if leads else span.start
        kind = _KINDS[role]
        definition = Definition(
            kind=kind,
            names=tuple(segment for name in names for segment in _segments(name)),
            range=Range(start, span.end),
            body=body,
            first_row=source.row(start),
            last_row=source.row(max(span.start, span.end - 1)),
            header=(0, 0),
            documentation=self._read_docs(docs),
            doc_ranges=[lead.range for lead in docs],
            variant=variant,
            holds_functions=role == "module",
        )
        if "parameters" in nodes:
            definition.parameters = nodes["parameters"][0].named_child_count
        if kind is not None:
            self._read_header(definition, span)
        return definition

    def _without_last_comments(self, span: Range, body: Range | None) -> Range:
        """End a definition before comments at its end that are no deeper indented than it is.

        Where a body ends by indentation, a grammar takes the comment above the next definition for the
        end of this one.
        """
        source = self._source
        own = source.indentation(span.start)
        while own is not None and (lead := self._lead_at_end.get(span.end)) is not None and lead.is_doc:
            indentation = source.indentation(lead.range.start)
            if indentation is None or indentation > own or (body is not None and lead.range.start <= body.start):
                break
            span = source.trimmed(span.start, lead.range.start)
        return span

    def _read_header(self, definition: Definition, span: Range) -> None:
        """Find the header's rows and signature: all before the body, less attributes and comments."""
        source = self._source
        end = definition.body.start if definition.body is not None else span.end
        pieces: list[Range] = []
        start = span.start
        inside = slice(bisect_left(self._lead_starts, span.start), bisect_left(self._lead_starts, end))
        for lead in self._leads[inside]:
            if lead.range.start >= start:
                pieces.append(Range(start, lead.range.start))
                start = lead.range.end
        pieces.append(Range(start, max(start, end)))
        pieces = [piece for piece in pieces if source.data[slice(*piece)].strip()]
        signature = " ".join(source.decode(*piece) for piece in pieces)
        definition.signature = _one_line(signature, definition.body is not None)
        if pieces:
            first = source.skip_space(pieces[0].start)
            last = source.row(source.trimmed(*pieces[-1]).end - 1) if definition.body else definition.last_row
            definition.header = source.row(first), last
        else:
            definition.header = definition.first_row, definition.first_row

    def _leads_before(self, span: Range) -> list[_Lead]:
        """The comments and attributes right above a definition, first one first.

        Right above means: no blank line between. A comment has to be the first thing on its row, and
        no deeper indented than the definition, lest it be the last word of the block before.
        """
        source = self._source
        found: list[_Lead] = []
        own_row = source.row(span.start)
        own_indentation = source.indentation(span.start)
        at = span.start
        while (end := source.end_before(at)) is not None and (lead := self._lead_at_end.get(end)) is not None:
            if lead.is_doc and source.row(lead.range.start) != own_row:
                indentation = source.indentation(lead.range.start)
                if indentation is None or (own_indentation is not None and indentation > own_indentation):
                    break
                if source.row(lead.range.start) < _LICENSE_ROWS and is_license(source.decode(*lead.range)):
                    break
            found.append(lead)
            at = lead.range.start
        found.reverse()
        return found

    def _read_docs(self, docs: Sequence[_Lead]) -> str:
        """Clean a run of comments: line comments as one text, a block comment as its own."""
        source = self._source
        texts: list[str] = []
        lines: list[str] = []
        for lead in docs:
            if lead.text is None and source.row(lead.range.start) == source.row(lead.range.end - 1):
                lines.append(source.decode(*lead.range))
                continue
            if lines:
                texts.append(clean_comment("\n".join(lines)))
                lines = []
            clean = clean_comment if lead.text is None else clean_docstring
            texts.append(clean(source.decode(*(lead.text or lead.range))))
        if lines:
            texts.append(clean_comment("\n".join(lines)))
        return "\n\n".join(text for text in texts if text)

    def _assign_docstrings(self, definitions: Sequence[Definition]) -> None:
        """Give each docstring to the innermost definition that holds it."""
        starts = sorted(definitions, key=lambda item: (item.range.start, -item.range.end))
        stack: list[Definition] = []
        position = 0
        for span, text in sorted(self._docstrings):
            while position < len(starts) and starts[position].range.start <= span.start:
                stack.append(starts[position])
                position += 1
            while stack and stack[-1].range.end < span.end:
                stack.pop()
            holder = stack[-1]
            documentation = clean_docstring(self._source.decode(*text))
            holder.documentation = "\n\n".join(filter(None, (holder.documentation, documentation)))
            holder.doc_ranges.append(span)

    def _document_file(self, file: Definition) -> None:
        """Take the comment at the top of a file, licence aside, for its documentation if it has none."""
        if file.documentation:
            return
        taken = {span for member in file.members for span in member.doc_ranges}
        run: list[_Lead] = []
        for lead in self._leads:
            if not lead.is_doc or lead.range in taken:
                break
            before = self._source.data[run[-1].range.end if run else 0 : lead.range.start]
            if before.strip():
                break
            if run and before.count(b"\n") > 1:
                if self._read_docs(run) and not is_license(self._source.decode(run[0].range.start, run[-1].range.end)):
                    break
                run = []
            run.append(lead)
        if run and not is_license(self._source.decode(run[0].range.start, run[-1].range.end)):
            file.documentation = self._read_docs(run)
            file.doc_ranges = [lead.range for lead in run]

    def _drop_crowded(self, definition: Definition) -> None:
        """Keep the first definition only of each row that is too long to be repeated."""
        occupied = -1
        stack = [iter([definition])]
        while stack:
            current = next(stack[-1], None)
            if current is None:
                stack.pop()
                continue
            kept = []
            for member in current.members:
                row = member.first_row
                if row == occupied and len(self._source.lines[row]) > _MAX_SHARED_ROW:
                    continue
                occupied = member.first_row
                kept.append(member)
            current.members = kept
            stack.append(iter(kept))


class _Nest:
    """Puts definitions, given in document order, into the innermost one that holds them."""

    def __init__(self, file: Definition) -> None:
        self._stack = [file]

    def add(self, definition: Definition) -> None:
        """Put one definition in its place, unless it lies too deep or only declares within a function."""
        stack = self._stack
        while len(stack) > 1 and stack[-1].range.end < definition.range.end:
            stack.pop()
        while len(stack) > 1 and stack[-1].range.end <= definition.range.start:
            stack.pop()
        holder = stack[-1]
        in_function = holder.kind is Kind.FUNCTION or holder.kind is Kind.METHOD
        if len(stack) > _MAX_NESTING or (definition.variant == "declaration" and in_function):
            return
        definition.scope = (*holder.scope, *holder.names)
        if definition.kind is Kind.FUNCTION:
            chunk_holder = next((item for item in reversed(stack) if item.kind is not None), None)
            if chunk_holder is not None and chunk_holder.kind is Kind.TYPE and not chunk_holder.holds_functions:
                definition.kind = Kind.METHOD
        holder.members.append(definition)
        stack.append(definition)


def _one_line(header: str, has_body: bool) -> str:
    """A header on one line, without what leads over to the body.

    Where the grammar gave no body, the header is all there is: a short definition, or a broken one, of
    which the first line is taken.
    """
    signature = _SPACE.sub(" ", header).strip()
    if not has_body:
        if len(signature) > _MAX_SIGNATURE:
            signature = _SPACE.sub(" ", header.strip().partition("\n")[0]).strip()
        signature = _EMPTY_BODY.sub("", signature)
    signature = _SIGNATURE_END.sub("", signature)
    if len(signature) > _MAX_SIGNATURE:
        signature = signature[: _MAX_SIGNATURE - 1].rstrip() + "…"
    return signature


def _segments(name: str) -> list[str]:
    """Split a written name such as ``A::B<T>::f`` at its separators, without type arguments."""
    name = _SPACE.sub(" ", name).strip()
    head, operator, tail = name.partition("operator")
    if operator and (not head or not head[-1].isalnum()) and (not tail or not (tail[0].isalnum() or tail[0] == "_")):
        name, tail = head, operator + _CAST_PARAMETERS.sub("", tail)
    elif len(name) > 1 and name[0] in "\"'`" and name[-1] == name[0]:
        return [name[1:-1]]
    else:
        tail = ""
    if name and not re.search(r"\w", name):
        return [name + tail]
    while (shorter := _TYPE_ARGUMENTS.sub("", name)) != name and shorter.strip():
        name = shorter
    segments = [part.strip() for part in _SEPARATOR.split(name) if part.strip()]
    return [*segments, tail] if tail else segments


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


def _dissolve(file: Definition) -> None:
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
