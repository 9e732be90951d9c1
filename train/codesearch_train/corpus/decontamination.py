"""Keeps what encoders are evaluated on out of what they learn from.

Four nets, because each one alone has let something through: names of repositories; equal code after
normalisation (`codesearch_train.corpus.fingerprints`); equal text; and, for repositories that were renamed or
copied, the number of evaluation functions that they hold. `check_contamination` then looks at a finished
corpus again, from its shards, and raises where anything is left.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codesearch.errors import InputError
from codesearch.extraction.documentation import strip_comment_markers
from codesearch_train.corpus.fingerprints import CodeHashes, code_hashes, text_hash
from codesearch_train.corpus.pairs import PROSE, Pair, summary_text
from codesearch_train.corpus.shards import read_pairs

__all__ = [
    "MAX_EVALUATION_FUNCTIONS",
    "ContaminationError",
    "EvaluationSet",
    "check_contamination",
    "is_data_set_file",
    "load_evaluation",
    "load_present_evaluation",
]

MAX_EVALUATION_FUNCTIONS = 5
"""A repository that holds more functions of the evaluation sets than this is a renamed one, or a copy."""

_DATA_SETS = (
    "codesearchnet", "code_search_net", "code-search-net", "codexglue", "cosqa", "advtest", "humaneval",
    "human-eval", "human_eval",
    "mbpp", "conala", "staqc", "deepcs", "repobench", "swe-bench", "swebench", "loc-bench", "locbench",
)  # fmt: skip
_DATA_SUFFIXES = (".jsonl", ".json", ".gz", ".zip", ".parquet", ".csv", ".tsv", ".txt", ".pkl", ".arrow")


class ContaminationError(InputError):
    """A corpus holds what encoders are evaluated on."""


@dataclass(slots=True)
class EvaluationSet:
    """Names and hashes of everything that training must not see."""

    repositories: set[str] = field(default_factory=set)
    whole: set[int] = field(default_factory=set)
    body: set[int] = field(default_factory=set)
    renamed: set[int] = field(default_factory=set)
    texts: set[int] = field(default_factory=set)
    codes: list[tuple[str, str]] = field(default_factory=list)
    """(code, language) of every evaluation function, for near-duplicates."""

    def add_code(self, code: str, language: str) -> None:
        """Adds one evaluation function."""
        hashes = code_hashes(code, language)
        self.whole.add(hashes.whole)
        self.body.add(hashes.body)
        self.renamed.add(hashes.renamed)
        self.codes.append((code, language))
        for kind in (self.whole, self.body, self.renamed):
            kind.discard(0)

    def add_text(self, text: str) -> None:
        """Adds one query or docstring, whole and its first paragraph."""
        self.texts.update(value for value in (text_hash(text), text_hash(summary_text(text))) if value)

    def holds_code(self, hashes: CodeHashes) -> bool:
        """Whether any hash of a piece of code is one of an evaluation function."""
        return hashes.whole in self.whole or hashes.body in self.body or hashes.renamed in self.renamed

    def holds_text(self, text: str) -> bool:
        """Whether a text is an evaluation query or docstring."""
        return text_hash(text) in self.texts

    def holds_repository(self, name: str) -> bool:
        """Whether a repository, ``owner/name`` in any case, is one that evaluation is drawn from."""
        return name.lower() in self.repositories


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _json(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def load_evaluation(directory: Path) -> EvaluationSet:
    """Reads all evaluation sets in the layout of the project's evaluation data.

    Args:
        directory: Holds ``codesearchnet-1000``, ``codesearchnet-ruby``, ``codesearchnet-challenge``,
            ``codesearchnet-splits``, ``cosqa`` and ``questions``.

    Raises:
        InputError: One of them is missing or cannot be read. There is no partial evaluation set: what is
            not read is not kept out.
    """
    found = EvaluationSet()
    for read in _READERS.values():
        try:
            read(directory, found)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{directory}: not a whole set of evaluation data ({error!r}); see docs/design/evaluation.md"
            ) from error
    found.texts.discard(0)
    return found


def load_present_evaluation(directory: Path) -> tuple[EvaluationSet, list[str], list[str]]:
    """Reads those evaluation sets that a folder has, for who has some of them only.

    Args:
        directory: As for `load_evaluation`.

    Returns:
        The sets; the names of those that were read; the names of those that are not there.

    Raises:
        InputError: There is no such folder, or one of the sets is there and cannot be read.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such folder of evaluation data; see docs/design/evaluation.md")
    found, read_sets, missing = EvaluationSet(), [], []
    for name, read in _READERS.items():
        if not (directory / name).is_dir():
            missing.append(name)
            continue
        try:
            read(directory, found)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{directory}/{name}: cannot be read ({error!r}); mend it, or take it out of the folder"
            ) from error
        read_sets.append(name)
    found.texts.discard(0)
    return found, read_sets, missing


def _read_names(directory: Path, found: EvaluationSet) -> None:
    names = (directory / "codesearchnet-splits" / "exclude_eval_repos.txt").read_text(encoding="utf-8")
    found.repositories.update(name.strip().lower() for name in names.split() if name.strip())


def _functions_reader(folder: str) -> Callable[[Path, EvaluationSet], None]:
    def read(directory: Path, found: EvaluationSet) -> None:
        files = sorted((directory / folder).glob("*.jsonl.gz"))
        if not files:
            raise FileNotFoundError(directory / folder / "*.jsonl.gz")
        for file in files:
            for row in _json_lines(file):
                found.add_code(row["code"], row["language"])
                found.add_text(strip_comment_markers(row["docstring"]))
                found.add_text(" ".join(row["docstring_tokens"]))

    return read


def _read_challenge(directory: Path, found: EvaluationSet) -> None:
    for row in _json_lines(directory / "codesearchnet-challenge" / "annotated_functions.jsonl.gz"):
        found.add_code(row["code"], row["language"].lower())
    queries = (directory / "codesearchnet-challenge" / "queries.tsv").read_text(encoding="utf-8")
    for line in queries.splitlines():
        found.add_text(line.rpartition("\t")[2])


def _read_cosqa(directory: Path, found: EvaluationSet) -> None:
    cosqa = directory / "cosqa"
    for code in _json(cosqa / "code_idx_map.txt.gz"):
        found.add_code(code, "python")
    for split in ("dev", "test"):
        for row in _json(cosqa / f"cosqa-retrieval-{split}-500.json.gz"):
            found.add_text(row["doc"])


def _read_questions(directory: Path, found: EvaluationSet) -> None:
    questions = directory / "questions"
    for row in _json(questions / "conala" / "conala-test.json"):
        found.add_text(row["intent"])
        found.add_text(row["rewritten_intent"] or "")
        found.add_code(row["snippet"], "python")
    for row in _json(questions / "staqc" / "dev_staqc.json"):
        found.add_text(row["doc"])
        found.add_code(row["code"], "python")


_READERS: dict[str, Callable[[Path, EvaluationSet], None]] = {
    "codesearchnet-splits": _read_names,
    "codesearchnet-1000": _functions_reader("codesearchnet-1000"),
    "codesearchnet-ruby": _functions_reader("codesearchnet-ruby"),
    "codesearchnet-challenge": _read_challenge,
    "cosqa": _read_cosqa,
    "questions": _read_questions,
}
"""Folder of the evaluation data -> what reads it."""


def is_data_set_file(path: str) -> bool:
    """Whether a path in a repository looks like a copy of a public code search or code generation data set."""
    lowered = path.lower()
    return lowered.endswith(_DATA_SUFFIXES) and any(name in lowered for name in _DATA_SETS)


def check_contamination(corpus: Path | Iterable[Pair], evaluation: EvaluationSet | Path) -> int:
    """Looks for evaluation data in a finished corpus.

    Args:
        corpus: A corpus directory, a shard, or pairs.
        evaluation: What must not be in it, or the directory of the evaluation data.

    Returns:
        How many pairs were looked at.

    Raises:
        ContaminationError: With the number of hits by rule and the first ones of each.
        InputError: Corpus or evaluation data cannot be read.
    """
    if isinstance(evaluation, Path):
        evaluation = load_evaluation(evaluation)
    pairs = read_pairs(corpus) if isinstance(corpus, Path) else corpus
    hits: dict[str, list[str]] = {"repository": [], "code": [], "text": []}
    count = 0
    for pair in pairs:
        count += 1
        where = f"{pair.repository}:{pair.path}: {pair.text[:60]!r}"
        if evaluation.holds_repository(pair.repository):
            hits["repository"].append(where)
        if evaluation.holds_code(code_hashes(pair.code, pair.language)):
            hits["code"].append(where)
        if evaluation.holds_text(pair.text) or (pair.language == PROSE and evaluation.holds_text(pair.code)):
            hits["text"].append(where)
    if any(hits.values()):
        lines = [f"{len(found):,} by {rule}, such as {'; '.join(found[:3])}" for rule, found in hits.items() if found]
        raise ContaminationError("the corpus holds evaluation data, make it again: " + " | ".join(lines))
    return count
