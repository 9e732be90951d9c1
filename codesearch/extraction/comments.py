"""Which comments and attributes belong to which definition."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from codesearch.extraction.documentation import clean_comment, clean_docstring, is_license
from codesearch.extraction.source import Range, Source

__all__ = ["Lead", "Leads"]

# A licence stands at the very top of a file: after a shebang and an encoding line, say.
_LICENSE_ROWS = 4


@dataclass(frozen=True, slots=True)
class Lead:
    """A comment or an attribute: what may stand before a definition.

    Attributes:
        range: Its bytes.
        is_doc: Whether it is a comment.
        text: The string literal that holds the documentation, where the comment itself is code (Elixir's @doc).
    """

    range: Range
    is_doc: bool
    text: Range | None


class Leads:
    """The comments and attributes of a file, by where they stand."""

    def __init__(self, source: Source, leads: Iterable[Lead]) -> None:
        self._source = source
        self._leads = sorted(leads, key=lambda lead: lead.range)
        self._starts = [lead.range.start for lead in self._leads]
        # A node that is both (Elixir's @doc) is a comment: it comes later in this order, and wins.
        self._by_end = {lead.range.end: lead for lead in sorted(self._leads, key=lambda lead: lead.is_doc)}

    def before(self, span: Range) -> list[Lead]:
        """The comments and attributes right above a definition, first one first.

        Right above means: no blank line between. A comment has to be the first thing on its row, and
        no deeper indented than the definition, lest it be the last word of the block before.
        """
        source = self._source
        found: list[Lead] = []
        own_row = source.row(span.start)
        own_indentation = source.indentation(span.start)
        at = span.start
        while (end := source.end_before(at)) is not None and (lead := self._by_end.get(end)) is not None:
            row = source.row(lead.range.start)
            if lead.is_doc and row != own_row:
                indentation = source.indentation(lead.range.start)
                if indentation is None or (own_indentation is not None and indentation > own_indentation):
                    break
                if row < _LICENSE_ROWS and is_license(source.decode(*lead.range)):
                    break
            found.append(lead)
            at = lead.range.start
        found.reverse()
        return found

    def cut_out(self, span: Range) -> list[Range]:
        """What is left of a range without the comments and attributes that begin in it; none of it is blank."""
        pieces: list[Range] = []
        start = span.start
        for lead in self._leads[bisect_left(self._starts, span.start) : bisect_left(self._starts, span.end)]:
            if lead.range.start >= start:
                pieces.append(Range(start, lead.range.start))
                start = lead.range.end
        pieces.append(Range(start, max(start, span.end)))
        return [piece for piece in pieces if self._source.data[slice(*piece)].strip()]

    def without_last_comments(self, span: Range, body: Range | None) -> Range:
        """End a definition before comments at its end that are no deeper indented than it is.

        Where a body ends by indentation, a grammar takes the comment above the next definition for the
        end of this one.
        """
        source = self._source
        own = source.indentation(span.start)
        while own is not None and (lead := self._by_end.get(span.end)) is not None and lead.is_doc:
            indentation = source.indentation(lead.range.start)
            if indentation is None or indentation > own:
                break
            if body is not None and lead.range.start <= body.start:
                break
            span = source.trimmed(span.start, lead.range.start)
        return span

    def at_top(self, taken: Collection[Range]) -> list[Lead]:
        """The comment at the top of a file that documents the file: not a licence, not of the first definition.

        Args:
            taken: The comments that document a definition.
        """
        run: list[Lead] = []
        for lead in self._leads:
            before = self._source.data[run[-1].range.end if run else 0 : lead.range.start]
            if not lead.is_doc or lead.range in taken or before.strip():
                break
            if run and before.count(b"\n") > 1:
                if self._documents(run):
                    break
                run = []
            run.append(lead)
        return run if self._documents(run) else []

    def _documents(self, run: Sequence[Lead]) -> bool:
        return bool(self.text_of(run)) and not is_license(self._source.decode(run[0].range.start, run[-1].range.end))

    def text_of(self, leads: Sequence[Lead]) -> str:
        """The text of a run of comments: line comments are cleaned as one text, a block comment as its own."""
        source = self._source
        texts: list[str] = []
        lines: list[str] = []
        for lead in leads:
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
