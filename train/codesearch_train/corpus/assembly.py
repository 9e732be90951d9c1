"""Parts of repositories into one corpus: duplicates out, giants capped, shards and manifest written.

Two passes keep memory small. The first reads hashes only and decides which pairs stay; the second streams
the pairs that stay into shards. Order is priority: held-out repositories come first, so that a function
that also occurs in a training repository stays held out and goes from training; then small repositories, so
that a copy inside a giant goes and the original stays.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch_train.corpus.decontamination import EvaluationSet
from codesearch_train.corpus.deduplication import PERMUTATIONS, near_duplicates, signature
from codesearch_train.corpus.filters import why_not
from codesearch_train.corpus.fingerprints import code_hashes, code_tokens, shingles, text_hash
from codesearch_train.corpus.pairs import Pair, PairKind, Split
from codesearch_train.corpus.parts import KINDS, Part, part_pairs, read_part
from codesearch_train.corpus.repository import Stage
from codesearch_train.corpus.shards import MANIFEST, write_shards

__all__ = ["CAPS", "TEXT_CAP", "Selection", "assemble", "select"]

CAPS: dict[PairKind, int] = {
    PairKind.DOCSTRING: 8000,
    PairKind.DOCSTRING_LONG: 4000,
    PairKind.NAME: 2500,
    PairKind.COMMENT: 2500,
    PairKind.COMMIT: 600,
    PairKind.HEADING: 400,
    PairKind.PASSAGE: 1000,
}
"""Pairs of a kind that one repository may give, so that giants do not dominate."""

TEXT_CAP = 3
"""How often one text may occur: "Returns the name" describes thousands of functions, and tells none apart."""

# Kinds whose code is compared with each other: whole functions; blocks inside them; versions of functions; prose.
_POPULATION = {PairKind.COMMENT: 1, PairKind.COMMIT: 2, PairKind.PASSAGE: 3}


@dataclass(slots=True)
class Selection:
    """Which pairs of the parts stay.

    Attributes:
        keep: By repository and stage, a mask over the part's pairs.
        removed: How many pairs each rule removed.
    """

    keep: dict[tuple[str, Stage], NDArray[np.bool_]] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _LoadedPart:
    name: str
    stage: Stage
    part: Part

    @property
    def split(self) -> str:
        return str(self.part.facts["split"])


def _load(directory: Path, names: Iterable[str]) -> tuple[list[_LoadedPart], dict[str, dict[str, Any]]]:
    """The parts that are used, in order of priority, and the facts of all."""
    loaded: list[_LoadedPart] = []
    facts: dict[str, dict[str, Any]] = {}
    for name in names:
        tree = read_part(directory / Stage.TREE, name)
        if tree is None:
            continue
        facts[name] = tree.facts
        if tree.facts["left_out"]:
            continue
        loaded.append(_LoadedPart(name, Stage.TREE, tree))
        history = read_part(directory / Stage.HISTORY, name)
        if history is not None and not history.facts["left_out"]:
            loaded.append(_LoadedPart(name, Stage.HISTORY, history))
            facts[name]["removed"] = dict(Counter(facts[name]["removed"]) + Counter(history.facts["removed"]))
    loaded.sort(key=lambda entry: (entry.split != Split.VALID, len(entry.part.code), entry.name))
    return loaded, facts


def _evaluation_signatures(evaluation: EvaluationSet) -> NDArray[np.uint32]:
    rows = []
    for code, language in evaluation.codes:
        tokens = code_tokens(code, language)
        if len(tokens) >= 30:
            rows.append(signature(shingles(tokens)))
    return np.stack(rows) if rows else np.zeros((0, PERMUTATIONS), dtype=np.uint32)


def _concatenated(arrays: Sequence[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else empty


def select(loaded: Sequence[_LoadedPart], evaluation: EvaluationSet) -> Selection:
    """Decides which pairs stay.

    In this order: exact duplicates (one code keeps the pairs of the first place where it occurs; the same
    text and code once), near-duplicates of an evaluation function or of an earlier function, texts that
    occur too often, repositories that give too much. Which pairs a cap leaves is a pure function of their
    hashes.
    """
    selection = Selection()
    parts = [entry.part for entry in loaded]
    code = _concatenated([part.code for part in parts], np.zeros(0, np.uint64))
    text = _concatenated([part.text for part in parts], np.zeros(0, np.uint64))
    kind = _concatenated([part.kind for part in parts], np.zeros(0, np.uint8))
    sizes = [len(part.code) for part in parts]
    owner = np.repeat(np.arange(len(parts)), sizes)
    population = np.array([_POPULATION.get(each, 0) for each in KINDS], dtype=np.uint64)[kind]
    keep = np.ones(len(code), dtype=bool)

    def drop(mask: NDArray[np.bool_], reason: str) -> None:
        selection.removed[reason] += int((mask & keep).sum())
        keep[mask] = False

    # The same text and code, or the same code in another repository.
    drop(~_first_of(np.stack((code, text, population))), "duplicate: same text and code")
    first = _first_index(np.stack((code, population)))
    drop(owner[first] != owner, "duplicate: same code in another repository")

    # Near-duplicates among the distinct codes that are left; evaluation functions come first.
    held = _evaluation_signatures(evaluation)
    distinct = np.flatnonzero(keep & (first == np.arange(len(code))))
    signatures = _concatenated([part.signatures for part in parts], np.zeros((0, PERMUTATIONS), np.uint32))[distinct]
    groups = np.concatenate((np.zeros(len(held), np.uint64), np.full(len(held), 2, np.uint64), population[distinct]))
    original = near_duplicates(np.concatenate((held, held, signatures)), groups=groups.tolist())[2 * len(held) :]
    near = np.full(len(code), -1, dtype=np.intp)
    near[distinct] = original
    near = near[first]
    drop((near >= 0) & (near < 2 * len(held)), "near-duplicate: of an evaluation function")
    drop(near >= 2 * len(held), "near-duplicate: of an earlier function")

    drop(_rank(np.stack((text, kind.astype(np.uint64))), keep) >= TEXT_CAP, "cap: text that occurs too often")
    order = (code ^ (text * np.uint64(0x9E3779B97F4A7C15))).astype(np.uint64)
    for index, each in enumerate(KINDS):
        limit = CAPS.get(each)
        if limit is None:
            continue
        beyond = np.zeros(len(code), dtype=bool)
        of_kind = np.flatnonzero(keep & (kind == index))
        for rows in _split_by(of_kind, owner):
            if len(rows) > limit:
                beyond[rows[np.argsort(order[rows], kind="stable")[limit:]]] = True
        drop(beyond, f"cap: {each.value} of one repository")
    for entry, mask in zip(loaded, np.split(keep, np.cumsum(sizes)[:-1]) if sizes else [], strict=True):
        selection.keep[entry.name, entry.stage] = mask
    return selection


def _keys(columns: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = np.zeros(columns.shape[1], dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _first_index(columns: NDArray[np.uint64]) -> NDArray[np.intp]:
    """For each column of values, the index of its first occurrence."""
    _, first, inverse = np.unique(_keys(columns), return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.intp)


def _first_of(columns: NDArray[np.uint64]) -> NDArray[np.bool_]:
    return np.asarray(_first_index(columns) == np.arange(columns.shape[1]))


def _rank(columns: NDArray[np.uint64], keep: NDArray[np.bool_]) -> NDArray[np.intp]:
    """How many kept entries with the same values come before each kept entry; 0 for the others."""
    rank = np.zeros(columns.shape[1], dtype=np.intp)
    kept = np.flatnonzero(keep)
    keys = _keys(columns[:, kept])
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = (
        np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(kept) else np.zeros(0, np.intp)
    )
    run = np.repeat(starts, np.diff(np.append(starts, len(kept))))
    rank[kept[order]] = np.arange(len(kept)) - run
    return rank


def _split_by(rows: NDArray[np.intp], owner: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    if len(rows):
        yield from np.split(rows, np.flatnonzero(np.diff(owner[rows])) + 1)


def _kept_pairs(
    directory: Path,
    loaded: Sequence[_LoadedPart],
    selection: Selection,
    split: Split,
    counts: Counter[tuple[str, str, str]],
) -> Iterator[Pair]:
    for entry in loaded:
        if entry.split != split:
            continue
        mask = selection.keep[entry.name, entry.stage]
        for pair, kept in zip(part_pairs(directory / entry.stage, entry.name), mask, strict=True):
            if kept:
                counts[pair.repository, pair.language, pair.kind] += 1
                yield pair


def _good_questions(pairs: Iterable[Pair], evaluation: EvaluationSet, removed: Counter[str]) -> Iterator[Pair]:
    seen: set[tuple[int, int]] = set()
    for pair in pairs:
        hashes = code_hashes(pair.code, pair.language)
        key = (text_hash(pair.text), hashes.whole)
        reason = why_not(pair)
        if reason is not None:
            removed[f"{reason} (question)"] += 1
        elif evaluation.holds_text(pair.text):
            removed["evaluation: text"] += 1
        elif evaluation.holds_code(hashes):
            removed["evaluation: code"] += 1
        elif key in seen:
            removed["duplicate: same text and code"] += 1
        else:
            seen.add(key)
            yield pair


def assemble(
    parts: Path, names: Iterable[str], output: Path, evaluation: EvaluationSet, questions: Iterable[Pair] = ()
) -> dict[str, Any]:
    """Writes the corpus that the finished parts give.

    Args:
        parts: Directory of the parts, with a folder for each stage.
        names: Repositories that may be in it; those without a finished part are passed over.
        output: Directory of the shards; must not exist yet.
        evaluation: What must not be near any function of it.
        questions: Pairs that belong to no repository.

    Returns:
        The manifest: totals, counts by language and kind, repositories, and what each rule removed.
    """
    loaded, facts = _load(parts, names)
    selection = select(loaded, evaluation)
    removed = Counter(selection.removed)
    for fact in facts.values():
        removed.update(fact["removed"])
    counts: Counter[tuple[str, str, str]] = Counter()
    output.mkdir(parents=True)

    def with_questions() -> Iterator[Pair]:
        yield from _kept_pairs(parts, loaded, selection, Split.TRAIN, counts)
        for pair in _good_questions(questions, evaluation, removed):
            counts[pair.repository, pair.language, pair.kind] += 1
            yield pair

    totals = {
        Split.VALID.value: write_shards(
            output, Split.VALID, _kept_pairs(parts, loaded, selection, Split.VALID, counts)
        ),
        Split.TRAIN.value: write_shards(output, Split.TRAIN, with_questions()),
    }
    manifest = _manifest(totals, counts, facts, removed)
    (output / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def _manifest(
    totals: dict[str, int],
    counts: Counter[tuple[str, str, str]],
    facts: dict[str, dict[str, Any]],
    removed: Counter[str],
) -> dict[str, Any]:
    by_language: dict[str, Counter[str]] = defaultdict(Counter)
    by_repository: dict[str, dict[str, Counter[str]]] = defaultdict(
        lambda: {"kinds": Counter(), "languages": Counter()}
    )
    for (repository, language, kind), count in counts.items():
        by_language[language][kind] += count
        by_repository[repository]["kinds"][kind] += count
        by_repository[repository]["languages"][language] += count
    repositories = []
    for name in sorted({*facts, *by_repository}, key=str.lower):
        fact = facts.get(name, {})
        found = by_repository.get(name, {"kinds": Counter(), "languages": Counter()})
        repositories.append(
            {
                "name": name,
                "split": fact.get("split", Split.TRAIN.value),
                "commit": fact.get("commit", ""),
                "licence": fact.get("licence", "CC-BY-SA-4.0"),
                "left_out": fact.get("left_out", ""),
                "evaluation_functions": fact.get("evaluation_functions", 0),
                "kinds": dict(sorted(found["kinds"].items())),
                "languages": dict(found["languages"].most_common()),
            }
        )
    return {
        "pairs": totals,
        "used_repositories": sum(1 for entry in repositories if entry["kinds"]),
        "by_language": {language: dict(sorted(kinds.items())) for language, kinds in sorted(by_language.items())},
        "removed": dict(removed.most_common()),
        "repositories": repositories,
    }
