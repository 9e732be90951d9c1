"""Hard negatives from the model itself: the nearest wrong codes of every text, by exact search.

They are not added to a batch as extra documents. Pairs that are near each other are put into the same batch
instead (`batches.group_neighbours`), where each is a hard negative of the others and none is encoded twice
(the idea of ANCE, Xiong et al., arXiv 2007.00808, at no cost per step).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.corpus.token_files import read_arrays, read_pairs_directory, write_arrays
from codesearch_train.loop.config import TrainConfig
from codesearch_train.network.text_preparation import special_ids

__all__ = ["mine_pairs", "nearest_wrong", "read_neighbours", "write_neighbours"]


def nearest_wrong(
    texts: Tensor,
    codes: Tensor,
    text_keys: Tensor,
    code_keys: Tensor,
    language: Tensor,
    *,
    count: int = 16,
    certainty: float = 0.95,
    block: int = 4096,
) -> NDArray[np.int32]:
    """The most similar wrong codes of each text, within its language.

    The guard against false negatives: a code that shares the pair's text or code is no negative, nor is one
    whose similarity exceeds `certainty` times that of the right code: it may well be a right answer that nobody
    labelled (de Souza P. Moreira et al., *NV-Retriever*, arXiv 2407.15831).

    Args:
        texts: [n, d] vectors of length 1.
        codes: [n, d] vectors of length 1.
        text_keys: [n] hashes of the texts.
        code_keys: [n] hashes of the codes.
        language: [n] numbers.
        count: Neighbours of each.
        certainty: Of the guard.
        block: Texts searched at once: `block` * n similarities are held.

    Returns:
        [n, count] rows, nearest first, -1 where there are fewer.
    """
    found = torch.full((len(texts), count), -1, dtype=torch.int32, device=texts.device)
    for number in torch.unique(language).tolist():
        members = torch.nonzero(language == number).squeeze(1)
        pool = codes[members]
        for own in torch.split(members, block):
            similarity = texts[own] @ pool.T
            right = (texts[own] * codes[own]).sum(1, keepdim=True)
            wrong = (text_keys[own][:, None] != text_keys[members]) & (code_keys[own][:, None] != code_keys[members])
            similarity.masked_fill_(~wrong | (similarity > certainty * right), -torch.inf)
            values, places = similarity.topk(min(count, len(members)), dim=1)
            rows = torch.where(values > -torch.inf, members[places], -1)
            found[own, : rows.shape[1]] = rows.int()
    return found.cpu().numpy()


def write_neighbours(path: Path, neighbours: NDArray[np.int32]) -> None:
    """Write what `nearest_wrong` found."""
    write_arrays(path, {"content": "neighbours"}, {"neighbours": neighbours})


def read_neighbours(path: Path, pairs: int) -> NDArray[np.int32]:
    """Read them again.

    Raises:
        InputError: if the file is unusable or of other pairs.
    """
    neighbours: NDArray[np.int32] = read_arrays(path, "neighbours")[1]["neighbours"]
    if len(neighbours) != pairs:
        raise InputError(
            f"{path} is of {len(neighbours):,} pairs, there are {pairs:,}: mine again (codesearch-train mine)"
        )
    return neighbours


def mine_pairs(config: TrainConfig, model: str, count: int) -> NDArray[np.int32]:
    """Encode the training pairs of a configuration with a model, and find each text's nearest wrong codes.

    Raises:
        InputError: if there are no pairs.
        ModelError: if the model cannot be read.
    """
    from codesearch_train.loop.batches import pair_keys, pair_sequences
    from codesearch_train.loop.development import encode_all
    from codesearch_train.loop.distributed import World
    from codesearch_train.network.model import Computation
    from codesearch_train.network.weights import load_encoder, read_tokenizer

    pairs = read_pairs_directory([Path(directory) for directory in config.data])
    device = World(config.device).device
    precision = torch.bfloat16 if device.type == "cuda" else torch.float32
    encoder = load_encoder(model, pooling=config.pooling, computation=Computation(precision)).to(device)
    sequences = pair_sequences(pairs, config, special_ids(read_tokenizer(model)), device)
    vectors = encode_all(encoder, sequences, np.arange(len(sequences)), 65_536 if device.type == "cuda" else 8_192)
    texts, codes = vectors.to(precision).chunk(2)
    language = torch.from_numpy(pairs.language.astype(np.int64)).to(device)
    return nearest_wrong(texts, codes, *pair_keys(pairs, device), language, count=count)
