"""An encoder without a model, for tests: signed feature hashing of the words of a text.

Source: Weinberger et al., *Feature Hashing for Large Scale Multitask Learning*, ICML 2009. Each word
adds +1 or -1 to one coordinate of the vector, and both are read off a hash of the word. Texts that share
words get similar vectors; the same text gets the same vector on every machine and in every process.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import log1p

import numpy as np
from numpy.typing import NDArray

__all__ = ["HashingEncoder"]

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CASE_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class HashingEncoder:
    """Deterministic stand-in for a learned encoder; satisfies `codesearch.encoders.Encoder`.

    Args:
        dimension: Length of the vectors.
        batch_size: Texts per batch of `encode_document_batches`.
    """

    def __init__(self, dimension: int = 64, *, batch_size: int = 256) -> None:
        if dimension < 1 or batch_size < 1:
            raise ValueError(f"dimension and batch_size must be positive, not {dimension} and {batch_size}")
        self._dimension = dimension
        self._batch_size = batch_size

    @property
    def model_id(self) -> str:
        """Differs by dimension only."""
        return f"hashing-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._dimension

    @property
    def document_block(self) -> int:
        """Any number does."""
        return 4_096

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, ``[len(texts), dimension]``; a query is encoded as a document is."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, ``[len(texts), dimension]``."""
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._encode(text)
        return vectors

    def encode_document_batches(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Yield ``(indices, vectors)``, shortest texts first."""
        order = np.argsort(np.array([len(text) for text in texts], dtype=np.intp), kind="stable")
        for start in range(0, len(order), self._batch_size):
            indices = order[start : start + self._batch_size]
            yield indices, self.encode_documents([texts[index] for index in indices])

    def _encode(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self._dimension, dtype=np.float64)
        for word, count in Counter(_split_words(text)).items():
            digest = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
            sign = 1.0 if digest & 1 else -1.0
            vector[(digest >> 1) % self._dimension] += sign * log1p(count)
        length = float(np.linalg.norm(vector))
        if length == 0.0:  # no words, or words that cancel out: any fixed unit vector will do
            vector[0] = length = 1.0
        return (vector / length).astype(np.float32)


def _split_words(text: str) -> list[str]:
    words = _WORD.findall(_CASE_BOUNDARY.sub(" ", text))
    return [word.casefold() for word in words]
