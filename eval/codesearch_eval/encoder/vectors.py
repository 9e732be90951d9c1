"""A cache of vectors on disk, so that the second evaluation of a model costs a matrix product.

One file per list of texts, named by the hash of the texts, in a folder named by what made the vectors.
A file is written beside its place and moved there, so that an interrupted run leaves no half of one.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["VectorCache"]

Vectors = NDArray[np.float32]


class VectorCache:
    """Keeps the vectors of lists of texts.

    Args:
        folder: Where to keep them; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        """Return the vectors of `texts`, encoded only where they are not kept yet.

        Args:
            key: What makes the vectors: model, precision, side. Other vectors need another key.
            texts: The texts, in order.
            encode: Called with `texts` where there is nothing; returns ``[len(texts), dimension]``.
        """
        if self._folder is None:
            return encode(texts)
        path = self._folder / re.sub(r"[^\w.@+-]+", "_", key) / f"{_digest(texts)}.npy"
        kept = _load(path, len(texts))
        if kept is not None:
            return kept
        vectors = encode(texts)
        _save(path, vectors)
        return vectors


def _digest(texts: Sequence[str]) -> str:
    digest = sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def _load(path: Path, rows: int) -> Vectors | None:
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # not there, or damaged: it is only a cache
        return None
    return vectors if vectors.dtype == np.float32 and vectors.ndim == 2 and len(vectors) == rows else None


def _save(path: Path, vectors: Vectors) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.save(file, vectors)
    Path(file.name).replace(path)
