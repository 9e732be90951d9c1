"""Development sets: tokenised queries and documents whose MRR is watched while a run goes on.

They choose the best checkpoint and settle what to try next. Test sets are no development sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.batches import Sequences, sub_batches
from codesearch_train.model import Encoder
from codesearch_train.tokens import Pairs, Ragged, read_arrays, write_arrays

__all__ = ["DevelopmentSet", "encode_all", "mean_reciprocal_rank", "read_development", "write_development"]


@dataclass(frozen=True, slots=True)
class DevelopmentSet:
    """Queries, each with one right document among the documents of its pool.

    Attributes:
        name: What progress lines call it.
        queries: [q] sequences.
        documents: [n] sequences.
        gold: [q] the right document of each query.
        pool: [n] index into `pools`; a query is searched in the pool of its right document.
        pools: Names of the pools, such as languages.
    """

    name: str
    queries: Ragged
    documents: Ragged
    gold: NDArray[np.int64]
    pool: NDArray[np.int64]
    pools: tuple[str, ...]

    @classmethod
    def of_pairs(cls, name: str, pairs: Pairs, *, pool_size: int = 1000, seed: int = 0) -> DevelopmentSet:
        """One pool of `pool_size` random pairs for each language that has so many, without repeated texts or codes.

        Raises:
            InputError: if no language has so many.
        """
        random = np.random.default_rng(seed)
        rows = random.permutation(len(pairs))
        for keys in (pairs.texts.hashes(), pairs.codes.hashes()):
            rows = rows[np.sort(np.unique(keys[rows], return_index=True)[1])]
        chosen, names = [], []
        for number, language in enumerate(pairs.languages):
            own = rows[pairs.language[rows] == number]
            if len(own) >= pool_size:
                chosen.append(own[:pool_size])
                names.append(language)
        if not chosen:
            raise InputError(f"no language has {pool_size} development pairs: add repositories to the valid split")
        picked = pairs.take(np.concatenate(chosen))
        pool = np.repeat(np.arange(len(names)), pool_size)
        return cls(name, picked.texts, picked.codes, np.arange(len(picked)), pool, tuple(names))


def write_development(path: Path, development: DevelopmentSet) -> None:
    """Write a development set to a file."""
    arrays = {
        "query_ids": development.queries.ids,
        "query_lengths": development.queries.lengths.astype(np.uint16),
        "document_ids": development.documents.ids,
        "document_lengths": development.documents.lengths.astype(np.uint16),
        "gold": development.gold.astype(np.uint32),
        "pool": development.pool.astype(np.uint16),
    }
    write_arrays(path, {"content": "development", "name": development.name, "pools": development.pools}, arrays)


def read_development(path: Path) -> DevelopmentSet:
    """Read what `write_development` wrote.

    Raises:
        InputError: if the file is missing, damaged, or something else.
    """
    header, arrays = read_arrays(path, "development")
    queries, documents = (
        Ragged.from_lengths(arrays[f"{side}_ids"], arrays[f"{side}_lengths"]) for side in ("query", "document")
    )
    gold, pool = (arrays[name].astype(np.int64) for name in ("gold", "pool"))
    return DevelopmentSet(header["name"], queries, documents, gold, pool, tuple(header["pools"]))


def encode_all(encoder: Encoder, sequences: Sequences, rows: NDArray[np.int64], max_tokens: int) -> Tensor:
    """Vectors of many sequences, without gradients.

    Returns:
        [rows, width] float32 on the encoder's device.
    """
    pieces = sub_batches(sequences.lengths[rows], max_tokens)
    device = next(encoder.parameters()).device
    vectors = torch.empty(len(rows), encoder.shape.width, device=device)
    with torch.no_grad():
        for piece in pieces:
            members = torch.from_numpy(piece.members).to(device)
            vectors[members] = encoder(sequences.pack(rows[piece.members]))
    return vectors


def mean_reciprocal_rank(
    encoder: Encoder,
    development: DevelopmentSet,
    special: tuple[int, int],
    *,
    text_tokens: int = 64,
    code_tokens: int = 160,
    max_tokens: int = 65536,
) -> dict[str, float]:
    """MRR of each pool, in percent. A document that ties with the right one counts as ranked before it."""
    device = next(encoder.parameters()).device
    sides = []
    for ragged, limit in ((development.queries, text_tokens), (development.documents, code_tokens)):
        sequences = Sequences(ragged, np.full(len(ragged), limit), special, device)
        sides.append(encode_all(encoder, sequences, np.arange(len(ragged)), max_tokens))
    queries, documents = sides
    figures = {}
    for number, name in enumerate(development.pools):
        members = np.flatnonzero(development.pool == number)
        asked = np.flatnonzero(development.pool[development.gold] == number)
        similarity = queries[asked] @ documents[members].T
        place = torch.from_numpy(np.searchsorted(members, development.gold[asked])).to(device)
        right = similarity.gather(1, place[:, None])
        ranks = (similarity >= right).sum(1)
        figures[name] = 100 * float(ranks.double().reciprocal().mean())
    return figures


def mean_over_sets(figures: Iterable[Mapping[str, float]]) -> float:
    """Mean over development sets of the mean over their pools: what "best checkpoint" means."""
    means = [sum(pools.values()) / len(pools) for pools in figures]
    return sum(means) / len(means)
