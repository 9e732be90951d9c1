"""Which pairs make up a batch, and how their sequences are cut into sub-batches of bounded size.

What a batch holds decides what the encoder learns to tell apart. Part of the pairs come in groups from one
repository, or of mined nearest neighbours, and part of the batches hold a single language: random pairs from
everywhere are told apart by their topic alone, which no user of a code search would call a find.

The order of an epoch is a pure function of (pairs, configuration, epoch), so that a resumed run sees exactly
what it would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import Pairs, Ragged
from codesearch_train.loop.config import TrainConfig
from codesearch_train.network.model import PackedSequences

__all__ = ["Sequences", "SubBatch", "epoch_batches", "group_neighbours", "sub_batches", "to_device"]

Rows = NDArray[np.int64]


def epoch_batches(pairs: Pairs, config: TrainConfig, epoch: int, neighbours: NDArray[np.int32] | None = None) -> Rows:
    """The batches of one epoch.

    Args:
        pairs: All training pairs.
        config: `kinds`, `mates`, `mates_group`, `one_language`, `batch_size` and `seed` count here.
        epoch: Number of the epoch, from 0.
        neighbours: [pairs, k] rows of hard negatives as `mining` finds them, -1 where there is none.

    Returns:
        [batches, batch_size] rows of `pairs`; what does not fill a batch is left out of this epoch.

    Raises:
        InputError: if the pairs do not fill one batch.
    """
    random = np.random.default_rng((config.seed, epoch))
    drawn = _draw(pairs, config, random)
    if len(drawn) < config.batch_size:
        raise InputError(
            f"{len(drawn):,} pairs do not fill a batch of {config.batch_size:,}: lower batch_size or add pairs"
        )
    if neighbours is None:
        place = pairs.repository[drawn].astype(np.int64) * len(pairs.languages) + pairs.language[drawn]
        groups = _group_mates(place, config.mates_group, random)
    else:
        groups = group_neighbours(drawn, neighbours, config.mates_group)
    units = _keep_some(groups, config.mates, random)
    return _fill(drawn, units, pairs.language[drawn], config, random)


def _draw(pairs: Pairs, config: TrainConfig, random: np.random.Generator) -> Rows:
    """Rows of an epoch, in random order: of a kind with share 0.3 each pair comes with probability 0.3."""
    unknown = sorted(set(config.kinds) - set(pairs.kinds))
    if unknown:
        raise InputError(f"kinds: no pair is of kind {unknown[0]!r}; there are {', '.join(pairs.kinds)}")
    share = np.array([config.kinds.get(kind, 1.0) for kind in pairs.kinds])[pairs.kind]
    times = np.floor(share + random.random(len(pairs))).astype(np.int64)
    drawn = np.repeat(np.arange(len(pairs)), times)
    random.shuffle(drawn)
    return drawn


def _group_mates(place: Rows, size: int, random: np.random.Generator) -> Rows:
    """[n] number of each row's group: at most `size` rows of one place, at random."""
    order = np.lexsort((random.random(len(place)), place))
    ordered = place[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    within = np.arange(len(place)) - np.repeat(starts, np.diff(np.append(starts, len(place))))
    first = (within % size) == 0
    groups = np.empty(len(place), np.int64)
    groups[order] = np.cumsum(first) - 1
    return groups


def group_neighbours(drawn: Rows, neighbours: NDArray[np.int32], size: int) -> Rows:
    """[n] number of each drawn row's group, formed greedily: a row, and its nearest rows not yet in a group.

    Args:
        drawn: [n] rows of the pairs, in random order.
        neighbours: [pairs, k] rows, nearest first, -1 where there is none.
        size: Most rows of a group.
    """
    places: dict[int, list[int]] = {}
    for place, row in enumerate(drawn.tolist()):
        places.setdefault(row, []).append(place)
    groups = np.full(len(drawn), -1, np.int64)
    free = {row: list(reversed(held)) for row, held in places.items()}
    number = 0
    for place, row in enumerate(drawn.tolist()):
        if groups[place] >= 0:
            continue
        groups[place] = number
        held = free.get(row)
        if held:
            held.pop()
        members = 1
        for near in neighbours[row].tolist():
            if members == size:
                break
            waiting = free.get(near)
            if near >= 0 and near != row and waiting:
                groups[waiting.pop()] = number
                members += 1
        number += 1
    return groups


def _keep_some(groups: Rows, share: float, random: np.random.Generator) -> Rows:
    """Keep each group with probability `share`; the rows of the others become units of their own."""
    count = int(groups.max()) + 1
    kept = random.random(count) < share
    return np.where(kept[groups], groups, count + np.arange(len(groups)))


def _fill(
    drawn: Rows, units: Rows, language: NDArray[np.int32], config: TrainConfig, random: np.random.Generator
) -> Rows:
    """Batches of whole units (but for those that straddle a boundary), part of them of one language."""
    size = config.batch_size
    key = random.random(int(units.max()) + 1)
    order = np.lexsort((units, key[units]))
    single: list[Rows] = []
    rest: list[Rows] = []
    for number in np.unique(language):
        rows = order[language[order] == number]
        whole = int(config.one_language * len(rows) / size) * size
        single.append(rows[:whole])
        rest.append(rows[whole:])
    mixed = np.concatenate(rest)
    mixed = mixed[np.lexsort((units[mixed], key[units[mixed]]))]
    rows = np.concatenate([*single, mixed[: len(mixed) // size * size]])
    batches: Rows = drawn[rows].reshape(-1, size)
    random.shuffle(batches)
    return batches


@dataclass(frozen=True, slots=True)
class SubBatch:
    """Sequences that are encoded in one forward pass.

    Attributes:
        members: [m] which sequences of the batch.
        tokens: Their tokens, special tokens included.
        longest: Tokens of the longest.
    """

    members: Rows
    tokens: int
    longest: int


def sub_batches(lengths: Rows, max_tokens: int) -> list[SubBatch]:
    """Cut a batch into sub-batches of at most `max_tokens`, longest sequences first and evenly filled.

    Args:
        lengths: [n] tokens of each sequence, special tokens included.
        max_tokens: Bound of a sub-batch; a sequence that is longer alone gets one of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    total = int(ends[-1])
    even = -(-total // -(-total // max_tokens)) + int(lengths.max())
    budget = min(max_tokens, even)
    cut, start, done = [], 0, 0
    while start < len(order):
        stop = max(start + 1, int(np.searchsorted(ends, done + budget, side="right")))
        members = order[start:stop]
        cut.append(SubBatch(members, int(ends[stop - 1]) - done, int(lengths[members[0]])))
        start, done = stop, int(ends[stop - 1])
    return cut


def to_device(rows: Rows, device: torch.device) -> Tensor:
    """Copy to the device without waiting for what the device is doing (that takes pinned memory)."""
    tensor = torch.from_numpy(rows)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


class Sequences:
    """All sequences of a data set on the device that trains: batches are then gathered there, not sent there.

    Attributes:
        lengths: [n] tokens of each sequence, cut, special tokens included.
        ids: [tokens] int32 on the device, neither cut nor with special tokens.

    Args:
        ragged: The sequences without special tokens.
        limits: [n] cut of each sequence, special tokens included.
        special: Ids of the tokens put before and after each sequence.
        device: Where they are kept: about 4 bytes a token.
        mask: Id of the token that `pack` masks others with.
    """

    def __init__(
        self, ragged: Ragged, limits: Rows, special: tuple[int, int], device: torch.device, mask: int = 0
    ) -> None:
        self.lengths: Rows = np.minimum(ragged.lengths, limits - 2) + 2
        self._special = special
        self._mask = mask
        self.ids = torch.from_numpy(ragged.ids.astype(np.int32)).to(device)
        self._starts = torch.from_numpy(ragged.offsets[:-1].copy()).to(device)
        self._lengths = torch.from_numpy(self.lengths).to(device)

    def __len__(self) -> int:
        return len(self.lengths)

    def pack(self, rows: Rows, masked: float = 0.0) -> PackedSequences:
        """Put the sequences at `rows` end to end, special tokens around each, a share `masked` of the others masked."""
        device = self.ids.device
        host = self.lengths[rows]
        total = int(host.sum())
        chosen = to_device(rows, device)
        lengths = self._lengths[chosen]
        ends = lengths.cumsum(0)
        sequence = torch.repeat_interleave(torch.arange(len(rows), device=device), lengths, output_size=total)
        position = torch.arange(total, device=device) - (ends - lengths)[sequence]
        last = position == lengths[sequence] - 1
        source = (self._starts[chosen][sequence] + position - 1).clamp_(0, max(0, len(self.ids) - 1))
        ids = self.ids[source].long()
        if masked:
            ids = torch.where(torch.rand(total, device=device) < masked, self._mask, ids)
        ids = torch.where(position == 0, self._special[0], torch.where(last, self._special[1], ids))
        starts = torch.nn.functional.pad(ends, (1, 0)).int()
        return PackedSequences(ids, position, sequence, starts, int(host.max()))


def pair_sequences(
    pairs: Pairs, config: TrainConfig, special: tuple[int, int], device: torch.device, mask: int = 0
) -> Sequences:
    """Texts and codes of all pairs as one list of sequences: texts at [0, n), codes at [n, 2n)."""
    limits = np.repeat([config.text_tokens, config.code_tokens], len(pairs)).astype(np.int64)
    return Sequences(Ragged.concatenate([pairs.texts, pairs.codes]), limits, special, device, mask)


def pair_keys(pairs: Pairs, device: torch.device) -> tuple[Tensor, Tensor]:
    """[n] and [n] int64 hashes of texts and codes: pairs that share one are no negatives of each other."""
    texts, codes = (torch.from_numpy(side.hashes().view(np.int64)).to(device) for side in (pairs.texts, pairs.codes))
    return texts, codes
