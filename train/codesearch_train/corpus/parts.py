"""What is kept of each repository between extraction and assembly, so that a run can be resumed.

A part is three files named after the repository: ``.jsonl.gz`` with the pairs, ``.npz`` with the hashes
and MinHash signatures that deduplication needs of them, and ``.json`` with the facts. The last is written
last: a part without it was interrupted and is made again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch_train.corpus.deduplication import PERMUTATIONS, signature
from codesearch_train.corpus.fingerprints import code_hashes, code_tokens, shingles, text_hash
from codesearch_train.corpus.pairs import Pair, PairKind
from codesearch_train.corpus.repository import RepositoryPairs
from codesearch_train.corpus.shards import read_lines, write_lines

__all__ = ["KINDS", "RECIPE", "Part", "part_pairs", "part_stem", "read_facts", "read_part", "write_part"]

RECIPE = 3
"""Raised whenever extraction or a filter changes what comes out: parts of another recipe are made again."""

KINDS = tuple(PairKind)


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """The facts and hashes of one repository's pairs, in the order of its pairs.

    Attributes:
        facts: name, split, commit, licence, left_out, removed, evaluation_functions, pairs.
        code: [n] hash of the normalised code.
        text: [n] hash of the normalised text.
        kind: [n] index into `KINDS`.
        signatures: [n, PERMUTATIONS] MinHash of the code.
    """

    facts: dict[str, Any]
    code: NDArray[np.uint64]
    text: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    signatures: NDArray[np.uint32]


def part_stem(name: str) -> str:
    """The file name of a repository's part, without its ending."""
    return name.replace("/", "+").lower()


def _hashes(pairs: Sequence[Pair]) -> dict[str, NDArray[Any]]:
    """The arrays of a part; hashes of a code that several pairs share are computed once."""
    count = len(pairs)
    code = np.zeros(count, dtype=np.uint64)
    text = np.zeros(count, dtype=np.uint64)
    kind = np.zeros(count, dtype=np.uint8)
    signatures = np.zeros((count, PERMUTATIONS), dtype=np.uint32)
    known: dict[str, int] = {}
    for index, pair in enumerate(pairs):
        text[index] = text_hash(pair.text)
        kind[index] = KINDS.index(PairKind(pair.kind))
        earlier = known.setdefault(pair.code, index)
        if earlier != index:
            code[index], signatures[index] = code[earlier], signatures[earlier]
            continue
        tokens = code_tokens(pair.code, pair.language)
        code[index] = code_hashes(pair.code, pair.language).whole
        if tokens:
            signatures[index] = signature(shingles(tokens))
    return {"code": code, "text": text, "kind": kind, "signatures": signatures}


def write_part(directory: Path, found: RepositoryPairs) -> None:
    """Writes what was extracted of a repository."""
    stem = part_stem(found.name)
    write_lines(directory / f"{stem}.jsonl.gz", map(dataclasses.asdict, found.pairs))
    hashes = _hashes(found.pairs)
    np.savez(
        directory / f"{stem}.npz",
        code=hashes["code"],
        text=hashes["text"],
        kind=hashes["kind"],
        signatures=hashes["signatures"],
    )
    facts = {
        "recipe": RECIPE,
        "name": found.name,
        "split": found.split.value,
        "commit": found.commit,
        "licence": found.licence.expression,
        "left_out": found.left_out,
        "evaluation_functions": found.evaluation_functions,
        "removed": dict(sorted(found.removed.items())),
        "pairs": len(found.pairs),
    }
    temporary = directory / f"{stem}.json.tmp"
    temporary.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    temporary.replace(directory / f"{stem}.json")


def read_facts(directory: Path, name: str) -> dict[str, Any] | None:
    """The facts of a finished part of this recipe, or None."""
    try:
        facts = json.loads((directory / f"{part_stem(name)}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and facts.get("recipe") == RECIPE else None


def read_part(directory: Path, name: str) -> Part | None:
    """A finished part without its pairs, or None where there is none of this recipe."""
    facts = read_facts(directory, name)
    if facts is None:
        return None
    with np.load(directory / f"{part_stem(name)}.npz") as arrays:
        return Part(facts, arrays["code"], arrays["text"], arrays["kind"], arrays["signatures"])


def part_pairs(directory: Path, name: str) -> Iterator[Pair]:
    """The pairs of a part, in order."""
    for _, record in read_lines(directory / f"{part_stem(name)}.jsonl.gz"):
        yield Pair(**record)
