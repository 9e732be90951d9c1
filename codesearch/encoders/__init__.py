"""Encoders: text in, unit vectors out, whatever runs underneath.

``load_encoder`` is the only way in. It picks ONNX Runtime (`codesearch.encoders.onnx`: CPU, int8)
or PyTorch (`codesearch.encoders.torch`: CUDA, MPS), and imports neither before it has picked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Encoder", "LazyEncoder", "load_encoder"]


class Encoder(Protocol):
    """Maps questions and documents into one vector space, where the dot product is the cosine."""

    @property
    def model_id(self) -> str:
        """Names the vector space: vectors of different ids must never be compared.

        It changes whenever the weights, the tokenizer or the recipe do. The precision that an
        encoder computes in is no part of it (see `codesearch.encoders.model_directory`).
        """
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    @property
    def document_block(self) -> int:
        """How many documents are worth handing over at a time: enough for even batches, and few in memory."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[len(texts), dimension]`` unit vectors of questions, in the order of `texts`."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[len(texts), dimension]`` unit vectors of documents, in the order of `texts`."""
        ...

    def encode_document_batches(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Encode documents batch by batch, in the order that suits the encoder: by length.

        Every index of `texts` is yielded exactly once, so that a caller may commit as it goes.

        Yields:
            ``(indices, vectors)``: which of `texts`, shape ``[b]``; their unit vectors, ``[b, dimension]``.
        """
        ...


class LazyEncoder:
    """An encoder that is loaded when it is first called for, once, whichever thread calls first.

    Args:
        load: Loads it. What it raises is raised by every call; nothing is tried again.
    """

    def __init__(self, load: Callable[[], Encoder]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._error: Exception | None = None

    def __call__(self) -> Encoder:
        """Return the encoder; load it, or wait until it is loaded.

        Raises:
            ModelError: There is no such model, it is damaged, or the device is not there.
            MissingExtra: The device needs PyTorch, and PyTorch is not installed.
        """
        with self._lock:
            if self._encoder is None:
                if self._error is not None:
                    raise self._error
                try:
                    self._encoder = self._load()
                except Exception as error:
                    self._error = error
                    raise
            return self._encoder

    def load_ahead(self) -> LazyEncoder:
        """Start to load the encoder in a thread; return self. An error is kept for whoever calls."""

        def load() -> None:
            with suppress(Exception):
                self()

        threading.Thread(target=load, name="load encoder").start()
        return self


def load_encoder(model: str | Path | None = None, device: str = "auto", *, threads: int = 0) -> Encoder:
    """Load an encoder.

    Args:
        model: A model directory, or the name of a shipped or installed model; None for the shipped default.
            ``"hashing"`` gives the `HashingEncoder`, which needs no weights.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"``: a GPU where there is one and PyTorch
            is installed, else the CPU.
        threads: CPU cores to compute with; 0 for all that this process may use.

    Raises:
        ModelError: There is no such model, it is damaged, or the device is not there.
        MissingExtra: The device needs PyTorch, and PyTorch is not installed.
    """
    if model == "hashing":
        from codesearch.encoders.hashing import HashingEncoder

        return HashingEncoder()
    from codesearch.encoders.devices import pick_device
    from codesearch.encoders.model_directory import find_model, read_model_directory

    directory = read_model_directory(find_model(model))
    picked = pick_device(device)
    if picked == "cpu":
        from codesearch.encoders.onnx import OnnxEncoder

        return OnnxEncoder(directory, threads=threads)
    from codesearch.encoders.torch import TorchEncoder

    return TorchEncoder(directory, device=picked)
