"""From matches to what an agent reads: text within a budget of tokens, and the same as data."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from codesearch.mcp.tokens import count_tokens
from codesearch.present.render import visible
from codesearch.records import Kind, Match
from codesearch.search.notices import Answer

__all__ = ["FoundCode", "FoundResult", "layout"]

_LONGEST_CODE = 60
"""Lines of code that a result is shown with; of a longer one the lines that matter are."""

_LONGEST_LINE = 200


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

    Each result gets a heading, its signature and what it says of itself, as far as the budget goes; then code, the
    best results first. What did not fit is
    said, and how to get it.

    Args:
        answer: At least ``offset + limit + 1`` matches of it, if there are so many.
        offset: How many results the agent has seen.
        limit: The most results.
        max_tokens: Of the text.
        single_root: Whether paths alone say where a file is.
    """
    matches = answer.matches[offset : offset + limit]
    results = [_result(match) for match in matches]
    notices = [notice.text for notice in answer.notices]
    headings = [_heading(offset + number, result, single_root) for number, result in enumerate(results, 1)]
    summaries = [_summary(result) for result in results]
    used = sum(map(count_tokens, notices)) + 60  # what is said at the end
    fitting = 0
    for heading, summary in zip(headings, summaries, strict=True):
        cost = count_tokens(f"{heading}\n{summary}")
        if fitting and used + cost > max_tokens:
            break
        used += cost
        fitting += 1
    blocks = []
    for result, match, heading, summary in zip(results[:fitting], matches, headings, summaries, strict=False):
        code, complete = _code(match)
        cost = count_tokens(code) - count_tokens(summary)  # which it takes the place of
        if used + cost <= max_tokens:
            used += cost
            result.code, result.code_is_complete = code, complete
            blocks.append(f"{heading}\n{code}")
        else:
            blocks.append(f"{heading}\n{summary}" if summary else heading)
    more = len(answer.matches) > offset + fitting
    text = "\n\n".join([*blocks, *_closing(results[:fitting], notices, offset + fitting if more else None, max_tokens)])
    found = FoundCode(
        results=results[:fitting],
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
    if result.kind == Kind.TEXT and result.line != result.start_line:
        head += f"  line {result.line}"
    return visible(head)


def _summary(result: FoundResult) -> str:
    """Return what stands for code that is not shown."""
    lines = [result.signature[:_LONGEST_LINE], result.documentation[:_LONGEST_LINE]]
    return "\n".join(f"   {visible(line)}" for line in lines if line)


def _code(match: Match) -> tuple[str, bool]:
    """Return the numbered lines of a chunk, or of a long one those that matter; and whether that is all."""
    chunk = match.chunk
    numbers = [n for span in chunk.text_spans for n in range(span.start, span.end + 1)]
    lines = list(zip(numbers, chunk.text.split("\n"), strict=False))
    complete = len(lines) <= _LONGEST_CODE
    lines = [(n, line) for n, line in lines if line.strip()]
    if not complete:
        wanted = {n + step for n in match.lines for step in (-1, 0, 1, 2)} | set(numbers[:3])
        lines = [(n, line) for n, line in lines if n in wanted]
    width = len(str(numbers[-1])) if numbers else 1
    shown = []
    last = None
    for number, line in lines:
        if last is not None and number > last + 2:
            shown.append(f"{'...':>{width}}")
        shown.append(f"{number:>{width}}  {visible(line[:_LONGEST_LINE])}".rstrip())
        last = number
    return "\n".join(shown), complete


def _closing(results: Sequence[FoundResult], notices: Sequence[str], next_offset: int | None, budget: int) -> list[str]:
    said = []
    bare = [number for number, result in enumerate(results, 1) if result.code is None]
    if bare:
        said.append(
            f"{len(bare)} of these results are shown without code, to stay within max_tokens={budget}: "
            "read the lines named, or ask again with a larger max_tokens."
        )
    if next_offset is not None:
        said.append(f"There are more results: ask again with offset={next_offset}.")
    return [*said, *(f"Note: {notice}" for notice in notices)]
