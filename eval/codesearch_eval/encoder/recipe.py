"""What text of a chunk is best encoded, and how many tokens of it: measured on development data.

    python -m codesearch_eval.encoder.recipe --repositories FOLDER --data FOLDER --output table.md

``--repositories`` is a folder of Git repositories (bare ones, or work trees); ``--data`` is the folder of
evaluation data that `codesearch_eval.encoder.datasets` describes, of which CoSQA's development split is read.
Ranking is by the vectors alone. Commit and documentation questions come from `codesearch_eval.repositories.history`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.batching import BatchLimits, TextTokenizer, split_by_tokens
from codesearch.encoders.model_directory import find_model, read_model_directory
from codesearch.encoders.onnx import OnnxEncoder
from codesearch.encoders.text import document_text
from codesearch.encoders.wordpiece import TokenRows
from codesearch.errors import CodesearchError, InputError
from codesearch.extraction import extract
from codesearch.languages import LANGUAGES
from codesearch.records import Chunk, Kind
from codesearch_eval.encoder.datasets import DataFolder, read_json
from codesearch_eval.markdown import markdown_table
from codesearch_eval.metrics import (
    Floats,
    TieRule,
    bootstrap_interval,
    first_relevant_ranks,
    ndcg,
    paired_comparison,
    reciprocal_ranks,
)
from codesearch_eval.repositories.history import (
    CommitQuestion,
    RepositoryQuestions,
    documentation_question,
    read_repository_questions,
    without_documentation,
)

__all__ = ["RECIPES", "Recipe", "RecipeScore", "Vectors", "compare_recipes", "read_cosqa"]

Recipe = Callable[[Chunk], str]
Matrix = NDArray[np.float32]

_BASELINE = "text"
_COMMIT, _DOCUMENTATION, _COSQA = "commit", "documentation", "cosqa"
_CUTOFF = 10
_BATCHES = BatchLimits(tokens=2048, rows=64, window=2048, even_rows=16)
_DOCUMENT_TOKENS = 256
_TOKEN_LIMITS = (64, 96, 128, 192, 256, 384, 512)


def _join(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _folders(chunk: Chunk) -> str:
    """Return the last folder and the file's stem."""
    path = PurePosixPath(chunk.path)
    return " ".join([*path.parts[:-1], path.stem][-2:])


RECIPES: Mapping[str, Recipe] = {
    "code": lambda chunk: chunk.code,
    _BASELINE: lambda chunk: chunk.text,
    "name, text": lambda chunk: _join(chunk.qualified_name, chunk.text),
    "documentation, code": lambda chunk: _join(chunk.documentation, chunk.code),
    "code, documentation": lambda chunk: _join(chunk.code, chunk.documentation),
    "name, documentation, code": lambda chunk: _join(chunk.qualified_name, chunk.documentation, chunk.code),
    "name, code, documentation": lambda chunk: _join(chunk.qualified_name, chunk.code, chunk.documentation),
    "signature, documentation, code": lambda chunk: _join(chunk.signature, chunk.documentation, chunk.code),
    "path, text": lambda chunk: _join(chunk.path, chunk.text),
    "folder and file, text": lambda chunk: _join(_folders(chunk), chunk.text),
    "folder and file, name, text": lambda chunk: _join(_folders(chunk), chunk.qualified_name, chunk.text),
    "folder and file, name, documentation, code": lambda chunk: _join(
        _folders(chunk), chunk.qualified_name, chunk.documentation, chunk.code
    ),
    "text, folder and file": lambda chunk: _join(chunk.text, _folders(chunk)),
    "shipped": document_text,
}


@dataclass(frozen=True, slots=True)
class RecipeScore:
    """One recipe's figures: per-query values, by the kind of question and then by repository."""

    reciprocal_ranks: dict[str, list[Floats]]
    ndcg: dict[str, list[Floats]]
    mean_tokens: float


class Vectors:
    """Encodes each sequence of token ids once, whichever recipes and token limits it comes from.

    Args:
        model: Model directory.
        threads: CPU cores to use; 0 for all.

    Attributes:
        longest: Most tokens that the model takes.
    """

    def __init__(self, model: Path, *, threads: int = 0) -> None:
        directory = read_model_directory(model)
        self._encoder = OnnxEncoder(directory, threads=threads)
        self._tokenizer = TextTokenizer(directory)
        self._known: dict[tuple[int, ...], Matrix] = {}
        self.longest = int(directory.read_config()["max_position_embeddings"])

    def queries(self, texts: Sequence[str]) -> Matrix:
        """Return ``[n, d]`` vectors of questions."""
        return self._encoder.encode_queries(texts)

    def documents(self, texts: Sequence[str], limit: int) -> Matrix:
        """Return ``[n, d]`` vectors of documents, cut at `limit` tokens."""
        keys = [tuple(ids) for ids in self._tokenizer.token_ids(texts, limit)]
        missing = sorted({key for key in keys if key not in self._known}, key=len)
        lengths = np.array([len(key) for key in missing], dtype=np.intp)
        parts = split_by_tokens(lengths, _BATCHES)
        batches = (self._tokenizer.pad(part, TokenRows.of([missing[row] for row in part])) for part in parts)
        for rows, vectors in self._encoder.run_batches(batches):
            self._known.update(zip((missing[row] for row in rows), vectors, strict=True))
        return np.stack([self._known[key] for key in keys])

    def mean_tokens(self, texts: Sequence[str], limit: int) -> float:
        """Return the mean length of documents, cut at `limit`."""
        return float(np.mean([len(ids) for ids in self._tokenizer.token_ids(texts, limit)]))


def compare_recipes(
    recipes: Mapping[str, Recipe],
    repositories: Sequence[RepositoryQuestions],
    cosqa: RepositoryQuestions | None,
    *,
    vectors: Vectors,
    limit: int = _DOCUMENT_TOKENS,
) -> dict[str, RecipeScore]:
    """Rank every question by every recipe.

    Args:
        recipes: By name.
        repositories: Development repositories.
        cosqa: CoSQA as `read_cosqa` gives it; None leaves it out.
        vectors: The encoder.
        limit: Documents are cut at this many tokens.
    """
    return {name: _measure(recipe, repositories, cosqa, vectors, limit) for name, recipe in recipes.items()}


def read_cosqa(data: DataFolder, *, max_functions: int, seed: int = 0) -> RepositoryQuestions:
    """Return CoSQA's development questions, each function read as a file of its own.

    The published pool is 6,267 functions. Fewer, all answers among them, order recipes just as well in less time.
    """
    positions: dict[str, int] = read_json(data.path("cosqa/code_idx_map.txt.gz"))
    codes = sorted(positions, key=positions.__getitem__)
    rows = read_json(data.path("cosqa/cosqa-retrieval-dev-500.json.gz"))
    answers = {row["retrieval_idx"] for row in rows}
    others = [position for position in range(len(codes)) if position not in answers]
    wanted = max(0, min(len(others), max_functions - len(answers)))
    pool = sorted(answers | set(random.Random(seed).sample(others, wanted)))
    place = {position: row for row, position in enumerate(pool)}
    return RepositoryQuestions(
        "cosqa",
        "",
        tuple(_only_chunk(codes[position]) for position in pool),
        tuple(CommitQuestion(row["doc"], (place[row["retrieval_idx"]],)) for row in rows),
        (),
    )


def _only_chunk(code: str) -> Chunk:
    """Return the function that `code` is; its parts, where it is long, are put together again."""
    functions = [
        chunk
        for chunk in extract("function.py", code, LANGUAGES["python"])
        if chunk.kind in (Kind.FUNCTION, Kind.METHOD)
    ]
    first = functions[0] if functions else None
    documentation = first.documentation if first else ""
    same = [chunk.code for chunk in functions if first and chunk.qualified_name == first.qualified_name]
    if first is None:
        found = extract("function.py", code, LANGUAGES["python"])[0]
        return replace(found, text=code, code=code)
    return replace(first, documentation=documentation, text=code, code="\n".join(same), path="")


def _measure(
    recipe: Recipe,
    repositories: Sequence[RepositoryQuestions],
    cosqa: RepositoryQuestions | None,
    vectors: Vectors,
    limit: int,
) -> RecipeScore:
    ranks: dict[str, list[Floats]] = {}
    gains: dict[str, list[Floats]] = {}

    def note(kind: str, scores: Matrix, answers: Sequence[tuple[int, ...]]) -> None:
        best = first_relevant_ranks(scores, answers, TieRule.EXPECTED)
        ranks.setdefault(kind, []).append(reciprocal_ranks(best))
        gains.setdefault(kind, []).append(_ndcg(scores, answers))

    texts: list[str] = []
    for repository in repositories:
        documents = [recipe(chunk) for chunk in repository.chunks]
        texts += documents
        encoded = vectors.documents(documents, limit)
        if repository.commits:
            scores = vectors.queries([question.text for question in repository.commits]) @ encoded.T
            note(_COMMIT, scores, [question.answers for question in repository.commits])
        if repository.documented:
            scores = _documentation_scores(recipe, repository, encoded, vectors, limit)
            note(_DOCUMENTATION, scores, [(position,) for position in repository.documented])
    if cosqa is not None:
        encoded = vectors.documents([recipe(chunk) for chunk in cosqa.chunks], limit)
        scores = vectors.queries([question.text for question in cosqa.commits]) @ encoded.T
        note(_COSQA, scores, [question.answers for question in cosqa.commits])
    return RecipeScore(ranks, gains, vectors.mean_tokens(texts, limit))


def _documentation_scores(
    recipe: Recipe, repository: RepositoryQuestions, encoded: Matrix, vectors: Vectors, limit: int
) -> Matrix:
    """Score documentation against all chunks; only the one that it belongs to has lost its own."""
    asked = [repository.chunks[position] for position in repository.documented]
    questions = vectors.queries([documentation_question(chunk.documentation) for chunk in asked])
    bare = vectors.documents([recipe(without_documentation(chunk)) for chunk in asked], limit)
    scores: Matrix = questions @ encoded.T
    scores[np.arange(len(asked)), repository.documented] = np.sum(questions * bare, axis=1)
    return scores


def _ndcg(scores: Matrix, answers: Sequence[tuple[int, ...]]) -> Floats:
    values = [
        ndcg(row, dict.fromkeys(columns, 1.0), TieRule.EXPECTED, judged_only=False, cutoff=_CUTOFF)
        for row, columns in zip(scores, answers, strict=True)
    ]
    return np.array(values, dtype=np.float64)


def _table(measured: Mapping[str, RecipeScore], baseline: str, heading: str) -> str:
    kinds = list(measured[baseline].reciprocal_ranks)
    header = [heading, "tokens"]
    for kind in kinds:
        header += [f"{kind} MRR", "NDCG@10", f"difference to {baseline!r}"]
    rows = [[name, f"{m.mean_tokens:.0f}", *_cells(m, measured[baseline], kinds)] for name, m in measured.items()]
    return markdown_table(header, rows)


def _cells(measured: RecipeScore, baseline: RecipeScore, kinds: Sequence[str]) -> list[str]:
    cells = []
    for kind in kinds:
        mrr = bootstrap_interval(measured.reciprocal_ranks[kind])
        gain = bootstrap_interval(measured.ndcg[kind])
        change = paired_comparison(baseline.reciprocal_ranks[kind], measured.reciprocal_ranks[kind]).difference
        cells.append(f"{mrr.value:.3f} ({mrr.low:.3f}-{mrr.high:.3f})")
        cells.append(f"{gain.value:.3f}")
        cells.append(f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})")
    return cells


def _read_repositories(folder: Path, max_chunks: int) -> list[RepositoryQuestions]:
    found = [path / ".git" if (path / ".git").is_dir() else path for path in sorted(folder.iterdir()) if path.is_dir()]
    if not found:
        raise InputError(f"{folder} holds no folder: clone a few repositories into it")
    return [
        read_repository_questions(path, path.parent.name if path.name == ".git" else path.name, max_chunks=max_chunks)
        for path in found
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the tables, recipes first and then token limits for the shipped recipe."""
    parser = argparse.ArgumentParser(prog="python -m codesearch_eval.encoder.recipe")
    parser.add_argument("--repositories", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", help="model directory, or the name of a shipped model")
    parser.add_argument("--max-chunks", type=int, default=1000, help="pool of each repository")
    parser.add_argument("--cosqa-functions", type=int, default=6267, help="pool of CoSQA")
    parser.add_argument("--threads", type=int, default=0, help="CPU cores to use, 0 for all")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        repositories = _read_repositories(options.repositories, options.max_chunks)
        cosqa = read_cosqa(DataFolder(options.data), max_functions=options.cosqa_functions)
        model = find_model(options.model)
        tables = [_summary(repositories, model)]
        vectors = Vectors(model, threads=options.threads)
        usual = min(_DOCUMENT_TOKENS, vectors.longest)
        measured = compare_recipes(RECIPES, repositories, cosqa, vectors=vectors, limit=usual)
        tables.append(_table(measured, _BASELINE, f"recipe, at {usual} tokens"))
        options.output.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
        limits = {
            str(limit): _measure(document_text, repositories, cosqa, vectors, limit)
            for limit in sorted({usual, *(limit for limit in _TOKEN_LIMITS if limit <= vectors.longest)})
        }
        tables.append(_table(limits, str(usual), "token limit"))
        options.output.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    except CodesearchError as error:
        sys.exit(str(error))


def _summary(repositories: Sequence[RepositoryQuestions], model: Path) -> str:
    rows = [
        [r.name, r.commit[:10], str(len(r.chunks)), str(len(r.commits)), str(len(r.documented))] for r in repositories
    ]
    header = [f"model {read_model_directory(model).model_id}", "snapshot", "chunks", "commit", "documentation"]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
