"""Asking the development benchmark: every tree indexed, every question's candidates kept for ranking.

What the two searches name for a question does not depend on ranking, so it is found once and written down;
rankings are then compared in seconds.
"""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.encoders import Encoder, LazyEncoder
from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.search.candidates import Filters
from codesearch.search.pipeline import CANDIDATES, find_candidates
from codesearch.search.ranking import CandidateSet
from codesearch.settings import load_settings
from codesearch.upkeep.plan import bring_up_to_date, plan
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question
from codesearch_eval.repositories.trees import Tree, trees

__all__ = ["QuestionCandidates", "ask_repository", "index_tree", "read_asked", "write_asked"]


@dataclass(frozen=True, slots=True)
class QuestionCandidates:
    """A question, and what the two searches named for it.

    Attributes:
        repository: Whose.
        question: With its answers.
        found: The candidates, not yet in order.
    """

    repository: BenchmarkRepository
    question: Question
    found: CandidateSet


def ask_repository(
    git_dir: Path,
    repository: BenchmarkRepository,
    questions: Sequence[Question],
    encoder: Encoder | None,
    *,
    depth: int = CANDIDATES,
) -> Iterator[QuestionCandidates]:
    """Index each tree that is asked about, and yield what is found in it.

    Args:
        git_dir: Git directory of the repository.
        repository: Which it is.
        questions: About it.
        encoder: Makes the vectors; None to search by words only. The shared cache of vectors is used.
        depth: How many chunks each of the two searches names.
    """
    with trees(git_dir, repository, questions) as each:
        for tree in each:
            with index_tree(tree, encoder) as snapshot:
                for question in tree.questions:
                    found = find_candidates([snapshot], question.text, encoder, depth=depth, filters=[Filters()])
                    yield QuestionCandidates(repository, question, found)


def index_tree(tree: Tree, encoder: Encoder | None) -> Snapshot:
    """Bring the index of the tree on disk up to date, and open it."""
    indexes = tree.repository.root.parent / "indexes"
    job = plan(tree.repository, load_settings(None), indexes=indexes)
    load = None if encoder is None else LazyEncoder(lambda: encoder)
    for _ in bring_up_to_date(job, load):
        pass
    return Snapshot(job.directory)


def write_asked(asked: Sequence[QuestionCandidates], path: Path) -> None:
    """Write what was found, for `read_asked`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=3) as file:
        pickle.dump(list(asked), file)


def read_asked(folder: Path, only: Sequence[str] | None = None, suffix: str = "asked") -> list[QuestionCandidates]:
    """Read what was found for the repositories of a folder. Pickled: read only what you wrote yourself.

    Args:
        folder: That `write_asked` wrote to.
        only: Names of repositories, instead of all.
        suffix: Of the files: "asked" for questions with answers, "foreign" for those without.

    Raises:
        InputError: There is nothing, or it is of another version of this program.
    """
    found: list[QuestionCandidates] = []
    wanted = None if only is None else {f"{name.replace('/', '+')}.{suffix}" for name in only}
    for path in sorted(path for path in folder.glob(f"*.{suffix}") if wanted is None or path.name in wanted):
        try:
            with gzip.open(path, "rb") as file:
                found += pickle.load(file)
        except (OSError, pickle.UnpicklingError, AttributeError, ImportError, TypeError) as error:
            raise InputError(f"{path} is of another version: run `codesearch-eval repositories ask` again") from error
    if not found:
        step = "ask" if suffix == "asked" else f"ask-{suffix}"
        raise InputError(f"{folder} holds no candidates: run `codesearch-eval repositories {step}` first")
    return found
