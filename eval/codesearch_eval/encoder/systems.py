"""What is evaluated: anything that scores the candidates of a task for each of its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders import Encoder
from codesearch.errors import InputError
from codesearch_eval.encoder.protocols import Task
from codesearch_eval.encoder.vectors import VectorCache

__all__ = ["BLOCK", "EncoderSystem", "System", "SystemInfo"]

Scores = NDArray[np.float32]

BLOCK = 1024
"""Questions scored at once: against 15,000 candidates this takes 61 MB."""


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What a result says of the system that made it.

    Attributes:
        name: What tables call it.
        model_id: Changes whenever the scores may change; for an encoder, its own `model_id`.
        precision: Of the arithmetic, where that matters: "int8", "fp32", "bf16"; else "".
        dimension: Length of the vectors; 0 for a system without.
        parameters: Settings worth keeping, by name.
    """

    name: str
    model_id: str
    precision: str = ""
    dimension: int = 0
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class System(Protocol):
    """Scores candidates for questions."""

    @property
    def info(self) -> SystemInfo:
        """What results say of it."""
        ...

    def score(self, task: Task) -> Iterator[Scores]:
        """Yield scores of all candidates, ``[b, documents]``, block by block in the order of the questions.

        Equal candidates must get exactly equal scores.
        """
        ...


class EncoderSystem:
    """Scores by the cosine of an encoder's vectors.

    Args:
        encoder: The encoder.
        name: What tables call it.
        precision: Of its arithmetic. It is no part of the encoder's `model_id`, so it must be told.
        dimensions: Keep only the first so many dimensions and normalise again (matryoshka
            representations, Kusupati et al., arXiv 2205.13147); None keeps all.
        cache: Where vectors are kept between runs; always at full length.
    """

    def __init__(
        self,
        encoder: Encoder,
        name: str,
        *,
        precision: str = "",
        dimensions: int | None = None,
        cache: VectorCache | None = None,
    ) -> None:
        if dimensions is not None and not 0 < dimensions <= encoder.dimension:
            raise InputError(f"{name} has {encoder.dimension} dimensions: --dimensions must be 1..{encoder.dimension}")
        self._encoder = encoder
        self._dimensions = dimensions
        self._cache = cache or VectorCache(None)
        self._key = f"{encoder.model_id}@{type(encoder).__name__}@{precision}"
        shown = name if dimensions is None else f"{name}, {dimensions} dim."
        self._info = SystemInfo(shown, encoder.model_id, precision, dimensions or encoder.dimension)

    @property
    def info(self) -> SystemInfo:
        """What results say of it."""
        return self._info

    def score(self, task: Task) -> Iterator[Scores]:
        """Yield cosines, ``[b, documents]``.

        Each distinct text is encoded and scored once: encoded in another batch, or multiplied in another
        place of the matrix, it could come out different in the last bit, and a tie would not be one. Questions are
        encoded one at a time, as they are asked: in int8 the texts of a batch share their scales.
        """
        distinct = list(dict.fromkeys(task.documents))
        place = {text: number for number, text in enumerate(distinct)}
        columns = np.array([place[text] for text in task.documents], dtype=np.intp)
        documents = self._vectors("documents", distinct, self._encoder.encode_documents)
        queries = self._vectors("single-queries", task.queries, self._one_by_one)
        for start in range(0, len(queries), BLOCK):
            yield (queries[start : start + BLOCK] @ documents.T)[:, columns]

    def _vectors(self, side: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Scores]) -> Scores:
        vectors = self._cache.get(f"{self._key}@{side}", texts, encode)
        return vectors if self._dimensions is None else truncate(vectors, self._dimensions)

    def _one_by_one(self, texts: Sequence[str]) -> Scores:
        return np.concatenate([self._encoder.encode_queries([text]) for text in texts])


def truncate(vectors: Scores, dimensions: int) -> Scores:
    """Return the first `dimensions` of unit vectors, ``[n, d]``, as unit vectors; zero stays zero."""
    kept = vectors[:, :dimensions]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    shortened: Scores = kept / np.maximum(lengths, np.finfo(np.float32).tiny)
    return shortened
