"""What the CPU and the GPU encoder share: texts -> batches -> a network -> vectors in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.batching import BatchLimits, TextTokenizer, TokenBatch
from codesearch.encoders.model_directory import ModelDirectory
from codesearch.encoders.tokenising import TokeniserProcesses, tokenised

__all__ = ["TransformerEncoder"]


class TransformerEncoder(ABC):
    """An `codesearch.encoders.Encoder` over a model directory; a subclass adds the network.

    Args:
        directory: The model.
        tokenizer: Its tokenizer.
        limits: How large batches may be.
        in_flight: Batches that may be under way at once.
    """

    def __init__(
        self, directory: ModelDirectory, tokenizer: TextTokenizer, limits: BatchLimits, *, in_flight: int
    ) -> None:
        self._directory = directory
        self._tokenizer = tokenizer
        self._limits = limits
        self._in_flight = in_flight
        self._processes = TokeniserProcesses(directory)

    @property
    def model_id(self) -> str:
        """The id that was stored when the model was exported."""
        return self._directory.model_id

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._directory.recipe.dimension

    @property
    def document_block(self) -> int:
        """Two windows of the tokenizer, or enough to keep its processes busy."""
        return self._limits.window * max(2, self._limits.workers)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of questions, ``[len(texts), dimension]``."""
        return self._in_order(texts, self._directory.recipe.max_query_tokens)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of documents, ``[len(texts), dimension]``."""
        return self._in_order(texts, self._directory.recipe.max_document_tokens)

    def encode_document_batches(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Yield ``(indices, vectors)``, short texts first."""
        return self.run_batches(self.document_batches(texts))

    def document_batches(self, texts: Sequence[str]) -> Iterator[TokenBatch]:
        """Yield the batches that `encode_document_batches` runs."""
        return self._tokenised(texts, self._directory.recipe.max_document_tokens)

    def run_batches(self, batches: Iterator[TokenBatch]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Run the network over `batches`, several at once; yield ``(indices, vectors)`` in their order."""
        under_way: deque[tuple[NDArray[np.intp], Callable[[], NDArray[np.float32]]]] = deque()
        for batch in batches:
            under_way.append((batch.indices, self._start(batch)))
            if len(under_way) >= self._in_flight:
                indices, result = under_way.popleft()
                yield indices, result()
        for indices, result in under_way:
            yield indices, result()

    @abstractmethod
    def _run(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Run the network now; return unit vectors, ``[b, dimension]``."""

    @abstractmethod
    def _start(self, batch: TokenBatch) -> Callable[[], NDArray[np.float32]]:
        """Start the network on `batch`; return a function that waits and gives the unit vectors."""

    def _in_order(self, texts: Sequence[str], max_tokens: int) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        batches = self._tokenised(texts, max_tokens)
        if len(texts) == 1:  # a question: the shortest way, without any thread
            vectors[:] = self._run(next(batches))
            return vectors
        for indices, part in self.run_batches(batches):
            vectors[indices] = part
        return vectors

    def _tokenised(self, texts: Sequence[str], max_tokens: int) -> Iterator[TokenBatch]:
        return tokenised(self._tokenizer, texts, max_tokens, self._limits, self._processes)
