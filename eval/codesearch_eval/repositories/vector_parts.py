"""The vectors of many texts, made on another machine and brought back in small files.

Texts go there in *shards*: JSON strings, a line each, compressed. Vectors come back in *parts*: keys, and vectors in 8
bits a dimension with a scale of their own. A key follows from its text (`codesearch.index.vector_cache.text_key`), so
shards need none.

Only the encoder and NumPy are imported, so that a machine with PyTorch and nothing of the index can encode::

    python -m codesearch_eval.repositories.vector_parts OUT SHARD ...
"""

from __future__ import annotations

import json
import lzma
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders import Encoder, load_encoder
from codesearch.errors import InputError
from codesearch.index.vector_cache import text_key

__all__ = ["Part", "encode_shard", "main", "quantise", "read_part", "read_shard", "write_shards"]

SHARD_BYTES = 44_000_000
"""Of a shard at most, compressed."""
SHARD_TEXTS = 150_000
"""Of a shard at most: their vectors are four parts."""
PART_BYTES = 15_500_000
"""Of a part at most."""

_TEXTS_BETWEEN_LOOKS = 500


@dataclass(frozen=True, slots=True)
class Part:
    """Vectors of one encoder.

    Attributes:
        model_id: Of the encoder.
        keys: ``[n, 16]`` bytes, of the texts.
        vectors: ``[n, dimension]``, float32, of unit length.
    """

    model_id: str
    keys: NDArray[np.uint8]
    vectors: NDArray[np.float32]


def write_shards(
    texts: Iterable[str], folder: Path, *, most_bytes: int = SHARD_BYTES, most_texts: int = SHARD_TEXTS
) -> list[Path]:
    """Write texts into compressed shards; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = iter(texts)
    written: list[Path] = []
    text = next(waiting, None)
    while text is not None:
        path = folder / f"texts-{len(written)}.jsonl.xz"
        with path.open("wb") as raw, lzma.open(raw, "wb", preset=3) as file:
            count = 0
            while text is not None and count < most_texts:
                # Some hundred kilobytes are still in the compressor.
                if count % _TEXTS_BETWEEN_LOOKS == 0 and raw.tell() > most_bytes - 1_000_000 and count:
                    break
                file.write(json.dumps(text).encode() + b"\n")
                count += 1
                text = next(waiting, None)
        written.append(path)
    return written


def read_shard(path: Path) -> Iterator[str]:
    """Yield the texts of a shard.

    Raises:
        InputError: The file is missing or damaged.
    """
    try:
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield str(json.loads(line))
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise InputError(f"{path} holds no texts ({error}): run `codesearch-eval repositories texts`") from error


def quantise(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Return vectors in 8 bits, ``[n, dimension]``, and the scale of each, ``[n]``."""
    scales = (np.abs(vectors).max(axis=1, initial=1e-6) / 127).astype(np.float16)
    scales = np.maximum(scales, np.float16(1e-6))
    rounded = np.rint(vectors / scales.astype(np.float32)[:, None])
    return np.clip(rounded, -127, 127).astype(np.int8), scales


def encode_shard(shard: Path, folder: Path, encoder: Encoder, *, most_bytes: int = PART_BYTES) -> list[Path]:
    """Write the vectors of a shard's texts into parts; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = list(read_shard(shard))
    rounded = np.zeros((len(texts), encoder.dimension), dtype=np.int8)
    scales = np.zeros(len(texts), dtype=np.float16)
    for start in range(0, len(texts), encoder.document_block):
        block = texts[start : start + encoder.document_block]
        for indices, vectors in encoder.encode_document_batches(block):
            rounded[start + indices], scales[start + indices] = quantise(vectors)
    keys = np.frombuffer(b"".join(map(text_key, texts)), dtype=np.uint8).reshape(-1, 16)
    size = most_bytes // (encoder.dimension + 18)
    written = []
    for number, start in enumerate(range(0, len(texts), size)):
        path = folder / f"{shard.name.split('.')[0]}.part-{number}.npz"
        rows = slice(start, start + size)
        np.savez(path, model=np.array(encoder.model_id), keys=keys[rows], vectors=rounded[rows], scales=scales[rows])
        written.append(path)
    return written


def read_part(path: Path) -> Part:
    """Read the vectors of a part, made unit vectors again.

    Raises:
        InputError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            vectors = file["vectors"].astype(np.float32) * file["scales"].astype(np.float32)[:, None]
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
            return Part(str(file["model"]), file["keys"], vectors)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} holds no vectors ({error}): run `codesearch-eval repositories vectors`") from error


def main() -> None:
    """Encode the shards that are named on the command line, on a GPU where there is one."""
    folder, *shards = map(Path, sys.argv[1:])
    encoder = load_encoder(None, "auto")
    for shard in shards:
        for path in encode_shard(shard, folder, encoder):
            print(path, path.stat().st_size, flush=True)


if __name__ == "__main__":
    main()
