"""How many tokens an agent reads until it has seen the right function: ``search_code`` against grep-and-read.

Questions are those of the development benchmark (`repositories.py`), the held-out half: subjects of commits and
documentation that was cut out of its tree. The method is written down in docs/notebook/agents.md.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from codesearch.encoders import Encoder
from codesearch.errors import InputError, MissingExtra
from codesearch.mcp.tokens import count_tokens
from codesearch.sources import FileRules, list_files
from codesearch_eval.agents.reading import Reading, Text, read_by_grep, read_by_search, read_files
from codesearch_eval.encoder.report import markdown_table
from codesearch_eval.metrics import bootstrap_interval, paired_comparison
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question, QuestionKind
from codesearch_eval.repositories.history import parse_source
from codesearch_eval.repositories.runs import index_tree
from codesearch_eval.repositories.trees import trees

__all__ = ["BUDGET", "Cost", "choose", "draw_curves", "measure", "read_costs", "tokens_table", "write_costs"]

BUDGET: Final = 32_000
"""Tokens after which an agent has given up."""

_BUDGETS = (500, 1_000, 2_000, 4_000, 8_000, 16_000, BUDGET)
_KINDS = (QuestionKind.COMMIT, QuestionKind.DOCUMENTATION)
_ENOUGH_LINES = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """What a question cost.

    Attributes:
        repository: ``owner/name``.
        kind: Where the question comes from.
        question: Its text.
        ours: Tokens read with `search_code` until a right function was seen; None if it was not within `BUDGET`.
        grep: The same with grep and a viewer.
    """

    repository: str
    kind: str
    question: str
    ours: int | None
    grep: int | None


def choose(questions: Sequence[Question], count: int, seed: int = 0) -> list[Question]:
    """Return up to `count` questions of a repository, as many from commits as from documentation."""
    draw = random.Random(seed)
    pools = [[question for question in questions if question.kind is kind and question.chunks] for kind in _KINDS]
    for pool in pools:
        draw.shuffle(pool)
    half = count // 2
    first = pools[0][: max(half, count - len(pools[1]))]
    return [*first, *pools[1][: count - len(first)]]


def measure(
    git_dir: Path, repository: BenchmarkRepository, questions: Sequence[Question], encoder: Encoder | None
) -> Iterator[Cost]:
    """Read both ways for every question, in the tree that it is asked about.

    A question none of whose functions can be found in its tree is left out.
    """
    with trees(git_dir, repository, questions) as each:
        for tree in each:
            with index_tree(tree, encoder) as snapshot:
                root = tree.repository.root
                listed = list_files(tree.repository, FileRules()).files
                files = read_files(root, [file.path for file in listed])
                for question in tree.questions:
                    wanted = _wanted(files, question)
                    if wanted:
                        ours = tokens_until_seen(read_by_search(snapshot, encoder, files, question.text), wanted)
                        grep = tokens_until_seen(read_by_grep(files, question.text), wanted)
                        yield Cost(repository.name, question.kind.value, question.text, ours, grep)


def _wanted(files: dict[str, Text], question: Question) -> list[frozenset[tuple[str, int]]]:
    """Return the lines of each function that answers, empty ones left out."""
    found = []
    names = set(question.chunks)
    for path in {path for path, _ in names if path in files}:
        lines = files[path].lines
        for chunk in parse_source(path, "\n".join(lines)):
            if (path, chunk.qualified_name) in names:
                numbers = range(chunk.span.start, chunk.span.end + 1)
                found.append(frozenset((path, n) for n in numbers if lines[n - 1].strip()))
    return [lines for lines in found if lines]


def tokens_until_seen(readings: Iterable[Reading], wanted: Sequence[frozenset[tuple[str, int]]]) -> int | None:
    """Return the tokens of all texts up to that with which a function was seen, or None.

    Seen is a function of which half the lines that are not empty, or 20 of them, were shown.
    """
    tokens = 0
    shown: set[tuple[str, int]] = set()
    for reading in readings:
        tokens += count_tokens(reading.text)
        if tokens > BUDGET:
            return None
        shown |= reading.shown
        if any(len(lines & shown) >= min(_ENOUGH_LINES, -(-len(lines) // 2)) for lines in wanted):
            return tokens
    return None


def write_costs(costs: Sequence[Cost], path: Path) -> None:
    """Write what was measured as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(asdict(cost)) + "\n" for cost in costs), encoding="utf-8")


def read_costs(path: Path) -> list[Cost]:
    """Read what `write_costs` wrote.

    Raises:
        InputError: The file is missing or damaged.
    """
    try:
        return [Cost(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} holds no measurement: {error}") from error


def _within(costs: Sequence[Cost], which: Callable[[Cost], int | None], budget: int) -> np.ndarray:
    return np.array([(tokens := which(cost)) is not None and tokens <= budget for cost in costs], dtype=np.float64)


def _ours(cost: Cost) -> int | None:
    return cost.ours


def _grep(cost: Cost) -> int | None:
    return cost.grep


def tokens_table(costs: Sequence[Cost]) -> str:
    """Return the share of questions whose function was seen within each budget, percent, 95% intervals."""
    rows = []
    for budget in _BUDGETS:
        ours, grep = _within(costs, _ours, budget), _within(costs, _grep, budget)
        shares = [bootstrap_interval([values]) for values in (ours, grep)]
        shares.append(paired_comparison([grep], [ours]).difference)
        cells = [f"{100 * s.value:.1f} [{100 * s.low:.1f}, {100 * s.high:.1f}]" for s in shares]
        rows.append([f"{budget:,}", *cells])
    return markdown_table(["tokens read", "search_code %", "grep and read %", "difference, points"], rows)


def draw_curves(costs: Sequence[Cost], path: Path) -> None:
    """Draw recall over tokens, with 95% bands, into a PNG file.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("plots need matplotlib: pip install 'codesearch-nl[eval]'") from error
    figure = Figure(figsize=(7.0, 4.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    budgets = np.unique(np.geomspace(100, BUDGET, 60).astype(int))
    for label, which, colour, style in (
        ("search_code", _ours, "#0072B2", "-"),
        ("grep and read", _grep, "#D55E00", "--"),
    ):
        shares = [bootstrap_interval([_within(costs, which, int(budget))], resamples=500) for budget in budgets]
        axes.plot(budgets, [100 * share.value for share in shares], style, color=colour, label=label, lw=2)
        low, high = ([100 * getattr(share, end) for share in shares] for end in ("low", "high"))
        axes.fill_between(budgets, low, high, color=colour, alpha=0.15, lw=0)
    axes.set_xscale("log")
    axes.set_xticks(_BUDGETS, [f"{budget:,}" for budget in _BUDGETS])
    axes.minorticks_off()
    axes.set_xlim(200, BUDGET)
    axes.set_ylim(0, 100)
    axes.set_xlabel("tokens read")
    axes.set_ylabel("right function seen, % of questions")
    axes.set_title(f"{len(costs)} questions, 95% intervals", loc="left", fontsize="medium")
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.legend(frameon=False, loc="upper left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
