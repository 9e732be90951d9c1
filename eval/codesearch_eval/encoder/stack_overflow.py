"""Questions that people asked, with the snippets that answer them: StaQC and CoNaLa (Python, Stack Overflow).

Both are small development sets: they show whether an encoder still understands questions after it has been
trained on docstrings. Several snippets may answer one question; the best-ranked one counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from codesearch_eval.encoder.datasets import DataFolder, read_json
from codesearch_eval.encoder.protocols import Task

__all__ = ["conala_task", "staqc_task"]


def staqc_task(data: DataFolder) -> Task:
    """Return StaQC's annotated development part: the questions that a snippet of the file answers.

    Snippets that were judged not to answer their question are candidates too.
    """
    rows = read_json(data.path("questions/staqc/dev_staqc.json"))
    return _task("staqc", [(row["doc"].strip(), row["code"], row["label"] == 1) for row in rows])


def conala_task(data: DataFolder) -> Task:
    """Return CoNaLa's test part: question titles as they were asked (not the rewritten intents)."""
    rows = read_json(data.path("questions/conala/conala-test.json"))
    return _task("conala", [(row["intent"].strip(), row["snippet"], True) for row in rows])


def _task(prefix: str, rows: Iterable[tuple[str, str, bool]]) -> Task:
    """Gather rows of (question, snippet, fits): equal questions are one, equal snippets one candidate."""
    columns: dict[str, int] = {}
    answers: dict[str, dict[int, float]] = defaultdict(dict)
    for question, snippet, fits in rows:
        column = columns.setdefault(snippet, len(columns))
        if fits:
            answers[question][column] = 1.0
    return Task(
        group="python",
        query_ids=tuple(f"{prefix}-{number}" for number in range(len(answers))),
        queries=tuple(answers),
        documents=tuple(columns),
        grades=tuple(answers.values()),
    )
