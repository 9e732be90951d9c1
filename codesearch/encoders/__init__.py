"""Encoders: text in, unit vectors out, whatever runs underneath.

``load_encoder`` is the only way in. It picks ONNX Runtime (`codesearch.encoders.onnx`, CPU, int8)
or PyTorch (`codesearch.encoders.torch`, CUDA and MPS), and imports neither before it has picked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Encoder", "load_encoder"]


class Encoder(Protocol):
    """Maps questions and documents into one vector space, where the dot product is the cosine.

    Attributes:
        model_id: Names the vector space: it changes whenever the weights, the tokenizer or the
            recipe do, and then vectors of the two ids must not be compared. The precision that
            an encoder happens to compute in is deliberately no part of it (see `model_directory`).
        dimension: Length of every vector.
    """

    @property
    def model_id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[len(texts), dimension]`` unit vectors of questions, in the order of `texts`."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[len(texts), dimension]`` unit vectors of documents, in the order of `texts`."""
        ...

    def encode_document_batches(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Encode documents batch by batch, in the encoder's favourite order (by length).

        Every index of `texts` is yielded exactly once, so that a caller may commit as it goes.

        Yields:
            ``(indices, vectors)``: which of `texts`, shape ``[b]``; their unit vectors, ``[b, dimension]``.
        """
        ...


def load_encoder(model: str | Path | None = None, device: str = "auto", *, threads: int = 0) -> Encoder:
    """Load an encoder.

    Args:
        model: A model directory; or the name of a shipped model; None for the default shipped one.
            ``"hashing"`` gives the `HashingEncoder`, which needs no weights.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        threads: CPU threads to compute with; 0 for one per core.

    Raises:
        ModelError: There is no such model, it is damaged, or the device is not there.
        MissingExtra: The device needs PyTorch, and it is not installed.
    """
    if model == "hashing":
        from codesearch.encoders.hashing import HashingEncoder

        return HashingEncoder()
    from codesearch.encoders.loading import load

    return load(model, device, threads)
