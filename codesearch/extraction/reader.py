"""The matches of a query -> the definitions of a file, each with its name, header, comment and rows.

Nothing here knows a language: ``codesearch/queries/README.md`` says what the captures mean.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from codesearch.extraction.comments import Lead, Leads
from codesearch.extraction.definitions import Definition, build_tree
from codesearch.extraction.documentation import clean_docstring
from codesearch.extraction.grammars import Match, Node
from codesearch.extraction.names import segments, signature, verbatim
from codesearch.extraction.source import Range, Source
from codesearch.records import Kind

__all__ = ["read_definitions"]

_KINDS = {
    "function": Kind.FUNCTION,
    "method": Kind.METHOD,
    "type": Kind.TYPE,
    "module": Kind.TYPE,
    "scope": None,
    "constant": Kind.MODULE,
}


_REST = "scope.rest"


def read_definitions(source: Source, matches: Sequence[Match]) -> Definition:
    """The definitions of a file, as the members of a definition that stands for the file.

    The file's own `documentation` is its docstring or the comment at its top.

    Args:
        source: The file's text.
        matches: What the language's query found in the file.
    """
    reader = _Reader(source, matches)
    whole = Range(0, len(source.data))
    file = Definition(None, (), whole, whole, 0, source.last_row, (0, 0))
    definitions = sorted(reader.definitions(), key=lambda item: (item.range.start, -item.range.end))
    reader.assign_docstrings([file, *definitions])
    if not file.documentation:
        taken = {span for definition in definitions for span in definition.doc_ranges}
        top = reader.leads.at_top(taken)
        file.documentation = reader.leads.text_of(top)
        file.doc_ranges = [lead.range for lead in top]
    build_tree(source, file, definitions)
    return file


class _Reader:
    """The query's matches by the role of their captures, and what definitions they make."""

    def __init__(self, source: Source, matches: Sequence[Match]) -> None:
        self._source = source
        self._docstrings: list[tuple[Range, Range]] = []  # the whole statement, the string in it
        self._extents: dict[Range, Range] = {}
        self._candidates: list[tuple[str, Match, Range]] = []
        leads = [Lead(source.trimmed(*span), False, None) for span in source.hidden]
        for match in matches:
            self._sort(match, leads)
        self._candidates.sort(key=lambda candidate: candidate[1].pattern)
        self._extend_scopes()
        self.leads = Leads(source, leads)

    def _sort(self, match: Match, leads: list[Lead]) -> None:
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
                    text = self._trimmed(nodes["text"][0]) if "text" in nodes else None
                    leads.append(Lead(span, capture == "doc", text))
                elif capture == "docstring":
                    self._docstrings.append((span, self._trimmed(nodes.get("text", found)[0])))
                elif capture == "extent":
                    for inner in nodes.get("inner", ()):
                        self._extents[self._trimmed(inner)] = span

    def _extend_scopes(self) -> None:
        """Let each scope that holds for the rest of a file end where the next one begins."""
        ends = sorted(span.start for capture, _, span in self._candidates if capture == _REST)
        ends.append(len(self._source.data))
        self._candidates = [
            (capture, match, Range(span.start, ends[bisect_right(ends, span.start)]) if capture == _REST else span)
            for capture, match, span in self._candidates
        ]

    def _trimmed(self, node: Node) -> Range:
        return self._source.trimmed(node.start_byte, node.end_byte)

    def definitions(self) -> Iterator[Definition]:
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
            yield self._definition(capture, match, self._whole(span, body), body)

    def _whole(self, span: Range, body: Range | None) -> Range:
        """A definition's node with what is wrapped around it, and without comments at its end that are not its own."""
        while (wider := self._extents.get(span)) is not None and wider != span:
            span = wider
        return self.leads.without_last_comments(span, body)

    def _definition(self, capture: str, match: Match, span: Range, body: Range | None) -> Definition:
        source = self._source
        role, _, variant = capture.partition(".")
        leads = self.leads.before(span) if role != "scope" else []
        docs = [lead for lead in leads if lead.is_doc]
        start = leads[0].range.start if leads else span.start
        definition = Definition(
            kind=_KINDS[role],
            names=self._names(match),
            range=Range(start, span.end),
            body=body,
            first_row=source.row(start),
            last_row=source.row(max(span.start, span.end - 1)),
            header=(0, 0),
            documentation=self.leads.text_of(docs),
            doc_ranges=[lead.range for lead in docs],
            variant=role if role == "constant" else variant,
            holds_functions=role == "module",
        )
        if "parameters" in match.nodes:
            definition.parameters = match.nodes["parameters"][0].named_child_count
        if definition.kind is not None:
            self._read_header(definition, span)
        return definition

    def _names(self, match: Match) -> tuple[str, ...]:
        nodes = match.nodes
        written = [self._source.decode(*self._trimmed(nodes[key][0])) for key in ("owner", "name") if key in nodes]
        if "name" not in nodes:
            written.append(match.settings.get("name") or "")
        if "verbatim" in match.settings:
            return tuple(verbatim(name) for name in written)
        return tuple(segment for name in written for segment in segments(name))

    def _read_header(self, definition: Definition, span: Range) -> None:
        """Find the header's rows and signature: all before the body, less attributes and comments."""
        source, body = self._source, definition.body
        pieces = self.leads.cut_out(Range(span.start, span.end if body is None else body.start))
        header = " ".join(source.decode(*piece) for piece in pieces)
        definition.signature = signature(header, body is not None)
        first = last = definition.first_row
        if pieces:
            first = source.row(source.skip_space(pieces[0].start))
            last = definition.last_row if body is None else source.row(source.trimmed(*pieces[-1]).end - 1)
        definition.header = first, last

    def assign_docstrings(self, definitions: Sequence[Definition]) -> None:
        """Give each docstring to the innermost definition that holds it.

        Args:
            definitions: In document order; the first one holds all.
        """
        stack: list[Definition] = []
        position = 0
        for span, text in sorted(self._docstrings):
            while position < len(definitions) and definitions[position].range.start <= span.start:
                stack.append(definitions[position])
                position += 1
            while stack[-1].range.end < span.end:
                stack.pop()
            holder = stack[-1]
            documentation = clean_docstring(self._source.decode(*text))
            holder.documentation = "\n\n".join(filter(None, (holder.documentation, documentation)))
            holder.doc_ranges.append(span)
