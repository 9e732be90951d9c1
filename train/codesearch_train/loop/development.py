"""Development sets: tokenised queries and documents whose MRR is watched while a run goes on.

They choose the best checkpoint and settle what to try next. Test sets are no development sets. Two kinds of them:
docstrings of held-out repositories (`DevelopmentSet.of_pairs`), and the development protocols of ``codesearch-eval``,
which writes their questions and candidates as *pool files* (`read_pools`), so that a run watches what is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.corpus.shards import read_lines
from codesearch_train.corpus.token_files import Pairs, Ragged, encode_ids, read_arrays, write_arrays
from codesearch_train.loop.batches import Sequences, sub_batches
from codesearch_train.network.model import Encoder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = [
    "DevelopmentSet",
    "Pool",
    "encode_all",
    "mean_over_sets",
    "mean_reciprocal_rank",
    "one_each",
    "read_development",
    "read_pools",
    "reciprocal_ranks",
    "write_development",
]


@dataclass(frozen=True, slots=True)
class Pool:
    """Questions, and the candidates that each of them is searched in.

    Attributes:
        name: Such as a language.
        queries: [q] questions.
        documents: [n] candidates.
        relevant: [q] the candidates that answer each question, at least one.
    """

    name: str
    queries: tuple[str, ...]
    documents: tuple[str, ...]
    relevant: tuple[tuple[int, ...], ...]


def read_pools(path: Path) -> list[Pool]:
    """Read a pool file: gzipped JSON Lines, one pool a line, as ``codesearch-eval pools`` writes it.

    Raises:
        InputError: The file is missing or damaged, has no pool, or a question has no candidate that answers it.
    """
    pools = []
    for number, record in read_lines(path):
        try:
            pool = Pool(
                str(record["pool"]),
                tuple(record["queries"]),
                tuple(record["documents"]),
                tuple(tuple(int(column) for column in columns) for columns in record["relevant"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}:{number}: no pool ({error}); write it again with codesearch-eval pools"
            ) from error
        if len(pool.relevant) != len(pool.queries):
            raise InputError(f"{path}:{number}: {len(pool.queries)} questions but {len(pool.relevant)} answers")
        for columns in pool.relevant:
            if not columns or not all(0 <= column < len(pool.documents) for column in columns):
                raise InputError(
                    f"{path}:{number}: a question is answered by none of the {len(pool.documents)} candidates"
                )
        pools.append(pool)
    if not pools:
        raise InputError(f"{path}: holds no pool; write it again with codesearch-eval pools")
    return pools


@dataclass(frozen=True, slots=True)
class DevelopmentSet:
    """Queries, each with one or more right documents among the documents of its pool.

    Attributes:
        name: What progress lines call it.
        queries: [q] sequences.
        documents: [n] sequences.
        gold: [q] the right documents of each query, never none.
        pool: [n] index into `pools`; a query is searched in the pool of its right documents.
        pools: Names of the pools, such as languages.
    """

    name: str
    queries: Ragged
    documents: Ragged
    gold: Ragged
    pool: NDArray[np.int64]
    pools: tuple[str, ...]

    @classmethod
    def of_pairs(cls, name: str, pairs: Pairs, *, pool_size: int | None = 1000, seed: int = 0) -> DevelopmentSet:
        """One pool of `pool_size` random pairs for each language that has so many, without repeated texts or codes.

        None: up to 1,000, as many as the language with the fewest has.

        Raises:
            InputError: if no language has so many.
        """
        random = np.random.default_rng(seed)
        rows = random.permutation(len(pairs))
        for keys in (pairs.texts.hashes(), pairs.codes.hashes()):
            rows = rows[np.sort(np.unique(keys[rows], return_index=True)[1])]
        counts = np.bincount(pairs.language[rows], minlength=len(pairs.languages))
        pool_size = pool_size or min(1000, int(counts[counts > 0].min(initial=1000)))
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
        return cls(name, picked.texts, picked.codes, one_each(np.arange(len(picked))), pool, tuple(names))

    @classmethod
    def of_pools(
        cls, name: str, pools: Sequence[Pool], tokenizer: Tokenizer, *, text_tokens: int, code_tokens: int
    ) -> DevelopmentSet:
        """Tokenise pools, each side cut to its number of tokens, special ones included."""
        dtype = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
        queries: list[list[int]] = []
        documents: list[list[int]] = []
        gold: list[list[int]] = []
        pool: list[int] = []
        for number, each in enumerate(pools):
            gold += [[len(documents) + column for column in columns] for columns in each.relevant]
            queries += encode_ids(tokenizer, each.queries, text_tokens)
            documents += encode_ids(tokenizer, each.documents, code_tokens)
            pool += [number] * len(each.documents)
        return cls(
            name,
            Ragged.of(queries, dtype),
            Ragged.of(documents, dtype),
            Ragged.of(gold, np.int64),
            np.array(pool, np.int64),
            tuple(each.name for each in pools),
        )


def one_each(gold: NDArray[np.int64]) -> Ragged:
    """The right documents of queries that have one each, from their [q] numbers."""
    return Ragged.from_lengths(gold.astype(np.int64), np.ones(len(gold), np.int64))


def write_development(path: Path, development: DevelopmentSet) -> None:
    """Write a development set to a file."""
    arrays = {
        "query_ids": development.queries.ids,
        "query_lengths": development.queries.lengths.astype(np.uint16),
        "document_ids": development.documents.ids,
        "document_lengths": development.documents.lengths.astype(np.uint16),
        "gold": development.gold.ids.astype(np.uint32),
        "gold_lengths": development.gold.lengths.astype(np.uint16),
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
    gold = Ragged.from_lengths(arrays["gold"].astype(np.int64), arrays["gold_lengths"])
    return DevelopmentSet(
        header["name"], queries, documents, gold, arrays["pool"].astype(np.int64), tuple(header["pools"])
    )


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


def reciprocal_ranks(
    encoder: Encoder,
    development: DevelopmentSet,
    special: tuple[int, int],
    *,
    text_tokens: int = 64,
    code_tokens: int = 160,
    max_tokens: int = 65536,
) -> dict[str, NDArray[np.float64]]:
    """Reciprocal rank of each question of each pool, in percent.

    Of several right documents the best-ranked counts. A wrong document that ties with it counts as ranked before it,
    as in the protocols of ``codesearch-eval``; from its figures these differ by the shorter cut of the code alone.
    """
    device = next(encoder.parameters()).device
    sides = []
    for ragged, limit in ((development.queries, text_tokens), (development.documents, code_tokens)):
        sequences = Sequences(ragged, np.full(len(ragged), limit), special, device)
        sides.append(encode_all(encoder, sequences, np.arange(len(ragged)), max_tokens))
    queries, documents = sides
    figures: dict[str, NDArray[np.float64]] = {}
    own = development.pool[development.gold.ids[development.gold.offsets[:-1]]]
    for number, name in enumerate(development.pools):
        members = np.flatnonzero(development.pool == number)
        asked = np.flatnonzero(own == number)
        similarity = queries[asked] @ documents[members].T
        gold = development.gold.take(asked)
        right = torch.zeros_like(similarity, dtype=torch.bool)
        row = torch.from_numpy(np.repeat(np.arange(len(asked)), gold.lengths)).to(device)
        right[row, torch.from_numpy(np.searchsorted(members, gold.ids)).to(device)] = True
        best = similarity.masked_fill(~right, -torch.inf).amax(1, keepdim=True)
        ranks = 1 + ((similarity >= best) & ~right).sum(1)
        figures[name] = 100 * ranks.double().reciprocal().cpu().numpy()
    return figures


def mean_reciprocal_rank(
    encoder: Encoder,
    development: DevelopmentSet,
    special: tuple[int, int],
    *,
    text_tokens: int = 64,
    code_tokens: int = 160,
    max_tokens: int = 65536,
) -> dict[str, float]:
    """MRR of each pool, in percent; see :func:`reciprocal_ranks`."""
    ranks = reciprocal_ranks(
        encoder, development, special, text_tokens=text_tokens, code_tokens=code_tokens, max_tokens=max_tokens
    )
    return {name: float(of_pool.mean()) for name, of_pool in ranks.items()}


def mean_over_sets(figures: Iterable[Mapping[str, float]]) -> float:
    """Mean over development sets of the mean over their pools: what "best checkpoint" means."""
    means = [sum(pools.values()) / len(pools) for pools in figures]
    return sum(means) / len(means)
