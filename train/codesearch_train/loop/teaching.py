"""What the teachers make of every pair, computed once ahead of the student's first step.

A teacher drops nothing and sees no masked token, so that its vector of a sequence is the same in every epoch: a run
of seven epochs would compute it seven times. Kept in a file, the vectors serve all students of the same pairs.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.loop.batches import Sequences
from codesearch_train.loop.config import TrainConfig
from codesearch_train.loop.development import encode_all
from codesearch_train.loop.distributed import World, gather_vectors
from codesearch_train.network.model import Computation, Encoder
from codesearch_train.network.weights import load_encoder, locate_model, read_tokenizer

__all__ = ["read_teachers", "taught_vectors"]

_BLOCK = 2**18
"""Sequences whose float32 vectors are held at once."""


def read_teachers(config: TrainConfig, tokenizer: str, computation: Computation) -> list[Encoder]:
    """The teachers of a run, in the order of its configuration.

    Raises:
        InputError: if one reads other token ids than the student.
        ModelError: if one cannot be read.
    """
    from tokenizers import Tokenizer

    names = config.distillation.teachers
    vocabulary = Tokenizer.from_str(tokenizer).get_vocab() if names else {}
    for name in names:
        if Tokenizer.from_str(read_tokenizer(name)).get_vocab() != vocabulary:
            raise InputError(
                f"distillation.teachers: the vocabulary of {name} is not the student's; take one of the same vocabulary"
            )
    return [load_encoder(name, pooling=config.pooling, computation=computation).requires_grad_(False) for name in names]


def taught_vectors(
    teachers: list[Encoder], sequences: Sequences, config: TrainConfig, max_tokens: int, world: World
) -> Tensor:
    """Vectors of all sequences; read from `distillation.vectors` if that file is there, else written to it.

    With several teachers their vectors lie end to end, so scaled that the inner product of two sequences is the
    mean of the teachers' cosines.

    Args:
        teachers: At least one; each is on the device only while it is at work.
        sequences: Texts and codes of all pairs.
        config: Of the run.
        max_tokens: Bound of a forward pass.
        world: Each process encodes its share; all get all.

    Returns:
        [sequences, sum of the teachers' widths] float16, on the device if they take less than a third of what is free
        there, else in main memory.

    Raises:
        InputError: if the file is damaged, or holds vectors of other teachers or sequences.
    """
    file = Path(config.distillation.vectors) if config.distillation.vectors else None
    origin = {"teachers": _digest(config.distillation.teachers), "sequences": _digest_of(sequences)} if file else {}
    if file is not None and file.exists():
        return _at_home(_read(file, origin), world.device)
    found = []
    for teacher in teachers:
        teacher.to(world.device)
        found.append(_encode(teacher, sequences, max_tokens, world).cpu())
        teacher.to("cpu")
    vectors = torch.cat(found, 1).mul_(len(found) ** -0.5)
    if file is not None and world.rank == 0:
        _write(file, vectors, origin)
    return _at_home(vectors, world.device)


def _encode(teacher: Encoder, sequences: Sequences, max_tokens: int, world: World) -> Tensor:
    """[sequences, width] float16; a process takes every so manieth one, as texts are shorter than codes."""
    count, size = len(sequences), world.size
    rows = np.arange(world.rank, count, size)
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    own = torch.cat([encode_all(teacher, sequences, block, max_tokens).half() for block in blocks])
    shares = [len(range(rank, count, size)) for rank in range(size)]
    gathered = gather_vectors(own, shares)
    order = torch.from_numpy(np.concatenate([np.arange(rank, count, size) for rank in range(size)]))
    return torch.empty_like(gathered).index_copy_(0, order.to(gathered.device), gathered)


def _at_home(vectors: Tensor, device: torch.device) -> Tensor:
    if device.type != "cuda":
        return vectors
    free, _ = torch.cuda.mem_get_info(device)
    return vectors.to(device) if vectors.nbytes < free / 3 else vectors.pin_memory()


def _digest(teachers: tuple[str, ...]) -> str:
    """Of the teachers' weights, so that a teacher trained further is another one."""
    digest = hashlib.sha256()
    for name in teachers:
        folder = locate_model(name)
        parts = sorted((part for part in folder.iterdir() if part.name.endswith(".safetensors")), key=lambda p: p.name)
        for part in parts:
            digest.update(part.read_bytes())
    return digest.hexdigest()


def _digest_of(sequences: Sequences) -> str:
    digest = hashlib.sha256(sequences.lengths.tobytes())
    digest.update(sequences.ids.cpu().numpy().tobytes())
    return digest.hexdigest()


def _write(file: Path, vectors: Tensor, origin: dict[str, str]) -> None:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    save_file({"vectors": vectors.contiguous()}, partial, metadata=origin)
    partial.replace(file)


def _read(file: Path, origin: dict[str, str]) -> Tensor:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as stored:
            theirs = stored.metadata() or {}
            if any(theirs.get(key) != value for key, value in origin.items()):
                raise InputError(
                    f"distillation.vectors: {file} holds vectors of other teachers or pairs; delete it or name another"
                )
            vectors: Tensor = stored.get_tensor("vectors")
            return vectors
    except SafetensorError as error:
        raise InputError(f"distillation.vectors: {file} is damaged ({error}); delete it") from error
