"""What the shipped model and ranking answer to questions about three small repositories: a change shows as a diff.

To accept a change: ``pytest tests/codesearch/search/test_golden_rankings.py --update-golden``, and read the diff.
The best results only, and no scores: those may differ in the last digits from one processor to another.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch.encoders import load_encoder
from codesearch.index.snapshot import Snapshot
from codesearch.records import Match, Repository
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch.upkeep.plan import bring_up_to_date, plan

DATA = Path(__file__).parents[2] / "data" / "ranking"
GOLDEN = DATA / "rankings.txt"
SHOWN = 3


def questions() -> Iterator[tuple[str, str]]:
    for line in (DATA / "questions.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            repository, _, question = line.partition(": ")
            yield repository, question


def line_of(match: Match) -> str:
    chunk = match.chunk
    return f"    {chunk.path}:{chunk.span.start}  {chunk.qualified_name or '-'}  {chunk.kind.value}"


@pytest.fixture(scope="module")
def rankings(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("golden")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESEARCH_CACHE", str(folder / "cache"))
        encoder = load_encoder(None, "cpu")
        blocks = []
        snapshots: dict[str, Snapshot] = {}
        for repository, question in questions():
            if repository not in snapshots:
                root = Path(shutil.copytree(DATA / repository, folder / repository))
                job = plan(Repository(root, repository), load_settings(None), indexes=folder / "indexes")
                for _ in bring_up_to_date(job, lambda: encoder):
                    pass
                snapshots[repository] = Snapshot(job.directory)
            matches = search([snapshots[repository]], question, encoder, limit=SHOWN).matches
            blocks.append("\n".join([f"{repository}: {question}", *map(line_of, matches)]))
        for snapshot in snapshots.values():
            snapshot.close()
    return "\n\n".join(blocks) + "\n"


def test_there_are_some_thirty_questions() -> None:
    assert len(list(questions())) >= 30


def test_the_rankings_are_those_that_were_reviewed(rankings: str, update_golden: bool) -> None:
    if update_golden:
        GOLDEN.write_text(rankings, encoding="utf-8")
    assert rankings == GOLDEN.read_text(encoding="utf-8")
