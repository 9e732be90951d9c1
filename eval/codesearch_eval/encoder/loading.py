"""Names from the command line -> systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders import Encoder, load_encoder
from codesearch.encoders.model_directory import find_model, read_model_directory
from codesearch.errors import InputError, MissingExtra
from codesearch_eval.encoder.baselines import BM25System, SentenceTransformerEncoder, extract_minilm
from codesearch_eval.encoder.systems import EncoderSystem, System
from codesearch_eval.encoder.vectors import VectorCache

__all__ = ["BASELINES", "Loader"]

BASELINES = ("bm25", "minilm", "minilm-split")


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads systems; all encoders share its settings.

    Attributes:
        cache: Where vectors are kept.
        dimensions: Keep only the first so many dimensions; None keeps all.
        device: For `model`: what `codesearch.encoders.load_encoder` takes.
        threads: For `model`: CPU threads, 0 for one per core.
    """

    cache: VectorCache
    dimensions: int | None = None
    device: str = "auto"
    threads: int = 0

    def model(self, name: str) -> System:
        """Load a model as the product does: a directory, a shipped model's name, or "default".

        Raises:
            ModelError: There is no such model.
        """
        encoder = load_encoder(_model(name), self.device, threads=self.threads)
        shown = name if name == "hashing" else find_model(_model(name)).name
        # The precision is no part of a model's id, and yet it is of a result.
        return self._system(encoder, shown, getattr(encoder, "precision", ""))

    def reference(self, name: str) -> System:
        """Load a model as `model` does, computed in fp32 by PyTorch on the CPU: what int8 is held against.

        Raises:
            ModelError: There is no such model.
            MissingExtra: PyTorch is not installed.
        """
        path = find_model(_model(name))
        try:
            from codesearch.encoders.torch import TorchEncoder
        except ImportError as error:
            raise MissingExtra("--fp32 needs PyTorch: pip install 'codesearch-nl[gpu]'") from error
        return self._system(TorchEncoder(read_model_directory(path), device="cpu"), path.name, "fp32")

    def baseline(self, name: str, tokenizer: Path | None = None) -> System:
        """Load a baseline of `BASELINES`.

        Args:
            name: Which.
            tokenizer: For "minilm-split": our text preparation; the shipped model's where it is None.

        Raises:
            InputError: There is no such baseline.
            MissingExtra: What it needs is not installed.
        """
        if name == "bm25":
            return BM25System()
        if name not in BASELINES:
            raise InputError(f"there is no baseline {name!r}: choose from {', '.join(BASELINES)}")
        label = "all-MiniLM-L6-v2, untouched"
        preparation = None
        if name == "minilm-split":
            label += ", our text preparation"
            preparation = tokenizer or find_model() / "tokenizer.json"
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            encoder = SentenceTransformerEncoder(extract_minilm(Path(folder), tokenizer=preparation))
        return self._system(encoder, label, "fp32")

    def sentence_transformer(self, name: str) -> System:
        """Load any sentence-transformers model, ours included, through that library.

        Raises:
            ModelError: There is no such model.
            MissingExtra: sentence-transformers is not installed.
        """
        encoder = SentenceTransformerEncoder(name)
        return self._system(encoder, f"{Path(name).name} by sentence-transformers", "fp32")

    def text_encoder(self, name: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Load a model as `model` does, and return what encodes texts with it, vectors kept.

        Raises:
            ModelError: There is no such model.
        """
        encoder = load_encoder(_model(name), self.device, threads=self.threads)
        return self._kept(encoder, getattr(encoder, "precision", ""))

    def text_baseline(self, name: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Return what encodes texts with all-MiniLM-L6-v2, untouched.

        Raises:
            InputError: `name` is not "minilm".
            MissingExtra: What it needs is not installed.
        """
        if name != "minilm":
            raise InputError(f"there is no baseline {name!r} for texts: choose words or minilm")
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            return self._kept(SentenceTransformerEncoder(extract_minilm(Path(folder))), "fp32")

    def _kept(self, encoder: Encoder, precision: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        key = f"{encoder.model_id}@{type(encoder).__name__}@{precision}@documents"
        return lambda texts: self.cache.get(key, texts, encoder.encode_documents)

    def _system(self, encoder: Encoder, name: str, precision: str) -> System:
        return EncoderSystem(encoder, name, precision=precision, dimensions=self.dimensions, cache=self.cache)


def _model(name: str) -> str | None:
    return None if name == "default" else name
