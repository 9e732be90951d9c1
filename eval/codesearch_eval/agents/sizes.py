"""How many tokens the MCP server's own texts take: what it tells of its tools, and an answer of the default size.

Questions are first sentences of the documentation in a repository, drawn with a fixed seed, so that anybody can measure
the same on a repository of theirs.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio

from codesearch.encoders import Encoder, LazyEncoder
from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.mcp.answers import layout
from codesearch.mcp.descriptions import DEFAULT_RESULTS, DEFAULT_TOKENS
from codesearch.mcp.server import make_server
from codesearch.mcp.tokens import count_tokens
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan
from codesearch_eval.markdown import markdown_table

__all__ = ["AnswerSize", "measure_answers", "sizes_table", "tool_sizes"]

_LEAST_WORDS = 4


@dataclass(frozen=True, slots=True)
class AnswerSize:
    """What one answer of the default size holds.

    Attributes:
        question: As it was asked.
        tokens: Of the text.
        results: How many results stand in it.
        with_code: How many of these are shown with code.
    """

    question: str
    tokens: int
    results: int
    with_code: int


def tool_sizes() -> dict[str, int]:
    """Return the tokens of the server's instructions, and of the name, description and input schema of each tool."""
    made = make_server([], cast(Any, None))
    tools = anyio.run(made.list_tools)
    told = {
        tool.name: json.dumps({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema})
        for tool in tools
    }
    return {
        "instructions": count_tokens(made.instructions or ""),
        **{name: count_tokens(t) for name, t in told.items()},
    }


def measure_answers(location: str, cache: Path, encoder: Encoder | None, count: int) -> list[AnswerSize]:
    """Ask a repository and measure the answers.

    Args:
        location: Folder or URL.
        cache: Folder for its index.
        encoder: None to search by words only.
        count: How many questions.

    Raises:
        InputError: It has no documentation to make questions of.
    """
    repository = open_repository(location, cache=cache)
    job = plan(repository, load_settings(None), indexes=cache / "indexes")
    for _ in bring_up_to_date(job, None if encoder is None else LazyEncoder(lambda: encoder)):
        pass
    found = []
    with Snapshot(job.directory) as snapshot:
        for question in _questions(snapshot, count):
            answer = search([snapshot], question, encoder, limit=DEFAULT_RESULTS + 1)
            text, shown = layout(answer, offset=0, limit=DEFAULT_RESULTS, max_tokens=DEFAULT_TOKENS, single_root=True)
            with_code = sum(bool(result.code) for result in shown.results)
            found.append(AnswerSize(question, count_tokens(text), len(shown.results), with_code))
    if not found:
        raise InputError(f"{location} has no documentation to make questions of")
    return found


def _questions(snapshot: Snapshot, count: int) -> list[str]:
    sentences = set()
    for file_id, path in snapshot.files():
        del file_id
        for chunk in snapshot.chunks_of(path).values():
            sentence = chunk.documentation.partition("\n")[0].partition(". ")[0].strip()
            if len(sentence.split()) >= _LEAST_WORDS:
                sentences.add(sentence)
    drawn = sorted(sentences)
    random.Random(0).shuffle(drawn)
    return drawn[:count]


def sizes_table(answers: Sequence[AnswerSize]) -> str:
    """Return both measurements as tables in Markdown."""
    told = tool_sizes()
    rows = [[name, str(tokens)] for name, tokens in told.items()]
    rows.append(["all", str(sum(told.values()))])
    tokens = sorted(answer.tokens for answer in answers)
    half = statistics.median(tokens)
    sizes = [
        ["tokens, median", f"{half:.0f}"],
        ["tokens, one in ten has more than", str(tokens[len(tokens) * 9 // 10])],
        ["tokens, most", str(tokens[-1])],
        ["results, mean", f"{statistics.mean(answer.results for answer in answers):.1f}"],
        ["of these with code, mean", f"{statistics.mean(answer.with_code for answer in answers):.1f}"],
    ]
    return "\n\n".join(
        (
            markdown_table(["told once a session", "tokens"], rows),
            markdown_table([f"answer by default, {len(answers)} questions", ""], sizes),
        )
    )
