"""From matches to what an agent reads: text within a budget of tokens, and the same as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, Field

from codesearch.mcp.tokens import count_tokens
from codesearch.present.render import visible
from codesearch.records import Match
from codesearch.search.notices import Answer, NoticeKind

__all__ = ["FoundCode", "FoundResult", "layout"]

_LONGEST_CODE = 60
"""Lines of code that a result is shown with; of a longer one the lines that matter are."""

_LONGEST_LINE = 200

_LONGEST_BRIEF = 100

_CLOSING_TOKENS = 40
"""What is said at the end, and how to get what was left out."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


class FoundResult(BaseModel):
    """A function, method, type or other piece of code."""

    path: str = Field(description="Relative to root.")
    root: str = Field(description="Absolute path of the repository.")
    start_line: int = Field(description="First line, 1-based.")
    end_line: int = Field(description="Last line, included.")
    line: int = Field(description="The line to open the file at.")
    name: str = Field(description="Qualified name, such as Parser.parse; empty where there is none.")
    kind: str = Field(description="function, method, type, module or text.")
    language: str
    signature: str
    documentation: str = Field(description="First paragraph of its documentation.")
    score: float = Field(description="Higher is better; comparable within one answer.")
    confidence: str | None = Field(description="sure, likely or guess; null in an answer about similar code.")
    probability: float | None = Field(description="That this is right, 0 to 1; comparable between questions.")
    lines: list[int] = Field(description="The lines that matter most to the question.")
    code: str | None = Field(description="The source as far as max_tokens allowed; null where it did not.")
    code_is_complete: bool


class FoundCode(BaseModel):
    """What was found."""

    results: list[FoundResult]
    notices: list[str] = Field(description="What makes the answer less than complete.")
    next_offset: int | None = Field(description="Give it as offset for more results; null where there are no more.")
    tokens: int = Field(description="Tokens of the text, about.")


def layout(answer: Answer, *, offset: int, limit: int, max_tokens: int, single_root: bool) -> tuple[str, FoundCode]:
    """Lay out the results from `offset` on, in at most about `max_tokens` tokens of text.

    Each result gets a heading and a line that says what it is. What is left of the budget goes to code, the best
    results first: all of it, or the lines that matter. What did not fit is said, and how to get it.

    Args:
        answer: At least ``offset + limit + 1`` matches of it, if there are so many.
        offset: How many results the agent has seen.
        limit: The most results.
        max_tokens: Of the text.
        single_root: Whether paths alone say where a file is.
    """
    matches = answer.matches[offset : offset + limit]
    results = [_result(match) for match in matches]
    # What is still to be encoded is encoded meanwhile: there is nothing to run.
    notices = [one.fact if one.kind is NoticeKind.EMBEDDINGS_PENDING else one.text for one in answer.notices]
    headings = [_heading(offset + number, result, single_root) for number, result in enumerate(results, 1)]
    briefs = [_brief(result) for result in results]
    used = sum(map(count_tokens, notices)) + _CLOSING_TOKENS
    fitting = 0
    for heading, brief in zip(headings, briefs, strict=True):
        cost = count_tokens(f"{heading}\n{brief}")
        if fitting and used + cost > max_tokens:
            break
        used += cost
        fitting += 1
    results = results[:fitting]
    bodies, room = _bodies(results, matches, briefs, max_tokens - used)
    _lengthen(results, bodies, room)
    blocks = [f"{heading}\n{body}" if body else heading for heading, body in zip(headings, bodies, strict=False)]
    more = len(answer.matches) > offset + fitting
    text = "\n\n".join([*blocks, *_closing(results, notices, offset + fitting if more else None, max_tokens)])
    found = FoundCode(
        results=results,
        notices=notices,
        next_offset=offset + fitting if more else None,
        tokens=count_tokens(text),
    )
    return text, found


def _result(match: Match) -> FoundResult:
    chunk = match.chunk
    return FoundResult(
        path=chunk.path,
        root=str(match.root),
        start_line=chunk.span.start,
        end_line=chunk.span.end,
        line=match.line,
        name=chunk.qualified_name,
        kind=chunk.kind.value,
        language=chunk.language,
        signature=chunk.signature,
        documentation=" ".join(chunk.documentation.strip().split("\n\n")[0].split())[:400],
        score=round(match.score, 4),
        confidence=match.confidence.level.value if match.confidence else None,
        probability=match.confidence.probability if match.confidence else None,
        lines=sorted(match.lines),
        code=None,
        code_is_complete=False,
    )


def _heading(number: int, result: FoundResult, single_root: bool) -> str:
    path = result.path if single_root else f"{result.root}/{result.path}"
    head = f"{number}. {path}:{result.start_line}-{result.end_line}  {result.name or result.kind}"
    if result.name:
        head += f"  ({result.kind})"
    if result.confidence:
        head += f"  {result.confidence}"
    if result.line != result.start_line:  # where the definition begins, below what stands before it
        head += f"  line {result.line}"
    return visible(head)


def _bodies(
    results: Sequence[FoundResult], matches: Sequence[Match], briefs: Sequence[str], room: int
) -> tuple[list[str], int]:
    """Return what stands below each heading, with code for as many of the best as there is room; and the room left."""
    bodies = []
    for result, match, brief in zip(results, matches, briefs, strict=False):
        before = count_tokens(brief)
        body = brief
        for code, complete in _codes(match):
            cost = count_tokens(code) - before
            if cost <= room:
                result.code, result.code_is_complete = code, complete
                body, room = code, room - cost
                break
        bodies.append(body)
    return bodies, room


def _lengthen(results: Sequence[FoundResult], bodies: list[str], room: int) -> None:
    """Say more of results without code, where there is room."""
    for number, result in enumerate(results):
        if result.code is None:
            summary = _summary(result)
            cost = count_tokens(summary) - count_tokens(bodies[number])
            if 0 < cost <= room:
                bodies[number] = summary
                room -= cost


def _brief(result: FoundResult) -> str:
    """Return the line that says what a result is: the first sentence of its documentation, else its header."""
    sentence = _SENTENCE_END.split(result.documentation, maxsplit=1)[0]
    line = visible(sentence or result.signature)
    return f"   {line if len(line) <= _LONGEST_BRIEF else line[: _LONGEST_BRIEF - 1] + '…'}" if line else ""


def _summary(result: FoundResult) -> str:
    """Return what stands for code that is not shown, where there is room."""
    lines = [result.signature[:_LONGEST_LINE], result.documentation[:_LONGEST_LINE]]
    return "\n".join(f"   {visible(line)}" for line in lines if line)


def _codes(match: Match) -> Iterator[tuple[str, bool]]:
    """Yield the numbered lines of a chunk, unless it is long; then those that matter, with more and with fewer around.

    Yields:
        The text, and whether it is all of the code.
    """
    chunk = match.chunk
    numbers = [n for span in chunk.text_spans for n in range(span.start, span.end + 1)]
    lines = list(zip(numbers, chunk.text.split("\n"), strict=False))
    if len(lines) <= _LONGEST_CODE:
        yield _numbered(lines), True
    for before, after, head in ((1, 2, 3), (0, 1, 2)):
        wanted = {n + step for n in match.lines for step in range(-before, after + 1)}
        wanted |= set(range(match.line, match.line + head))
        yield _numbered([(n, line) for n, line in lines if n in wanted], numbers[-1]), False


def _numbered(lines: Sequence[tuple[int, str]], end: int = 0) -> str:
    """Return lines with their numbers, without the empty ones, and dots where lines up to `end` are missing."""
    width = len(str(lines[-1][0])) if lines else 1
    shown = []
    last = None
    for number, line in lines:
        if not line.strip():
            continue
        if last is not None and number > last + 2:
            shown.append(f"{'...':>{width}}")
        shown.append(f"{number:>{width}}  {visible(line[:_LONGEST_LINE])}".rstrip())
        last = number
    if last is not None and last < end:
        shown.append(f"{'...':>{width}}")
    return "\n".join(shown)


def _closing(results: Sequence[FoundResult], notices: Sequence[str], next_offset: int | None, budget: int) -> list[str]:
    said = []
    bare = sum(result.code is None for result in results)
    if bare:
        said.append(f"Without code, for max_tokens={budget}: {bare}. Read the lines named, or give more max_tokens.")
    if next_offset is not None:
        said.append(f"More results: offset={next_offset}.")
    return [*(["\n".join(said)] if said else []), *(f"Note: {notice}" for notice in notices)]
