"""How close a quantised network stays to the one it was made from, on real code and real questions."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import InputError
from codesearch_train.corpus.pairs import Split
from codesearch_train.corpus.shards import read_pairs

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["Parity", "compare", "read_texts", "standard_library_texts"]

_MODULES = (
    "argparse",
    "configparser",
    "csv",
    "email/message",
    "http/client",
    "json/decoder",
    "shutil",
    "zipfile",
)
_DEFAULT_PAIRS = 200
_CORPUS_PAIRS = 1_500


@dataclass(frozen=True, slots=True)
class Parity:
    """Cosine between the vectors of two encoders for the same texts.

    Attributes:
        texts: How many texts.
        mean: Mean cosine.
        minimum: Lowest cosine.
    """

    texts: int
    mean: float
    minimum: float


def compare(one: Encoder, other: Encoder, texts: list[str]) -> Parity:
    """Encode `texts` as documents with both and compare."""
    cosines: NDArray[np.float32] = np.sum(one.encode_documents(texts) * other.encode_documents(texts), axis=1)
    return Parity(len(texts), float(cosines.mean()), float(cosines.min()))


def read_texts(path: Path) -> list[str]:
    """Read JSON Lines of strings, or of objects whose ``text`` and ``code`` are both taken.

    Args:
        path: The file, or the directory of a corpus (`codesearch_train.corpus`), of which some pairs are taken, evenly
            over all of it.

    Raises:
        InputError: The file or the corpus cannot be read, or holds no text.
    """
    if path.is_dir():
        return _corpus_texts(path)
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        texts = [text for record in records for text in _texts_of(record)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read as JSON Lines of strings, or of objects with text and code: {error}"
        ) from error
    if not texts:
        raise InputError(f"{path} holds no text: give a few hundred lines")
    return texts


def _corpus_texts(directory: Path) -> list[str]:
    count = sum(1 for _ in read_pairs(directory, Split.TRAIN))
    step = max(1, count // _CORPUS_PAIRS)
    pairs = islice(read_pairs(directory, Split.TRAIN), 0, step * _CORPUS_PAIRS, step)
    return [text for pair in pairs for text in (pair.text, pair.code)]


def standard_library_texts(pairs: int = _DEFAULT_PAIRS) -> list[str]:
    """Return functions of the running Python's standard library, and the first line of each one's docstring.

    Real code and real prose that is on every machine, so that none has to be shipped.
    """
    library = Path(ast.__file__).parent
    found: list[str] = []
    for module in _MODULES:
        path = library / f"{module}.py"
        if path.is_file():
            for summary, code in _documented_functions(path.read_text(encoding="utf-8")):
                found += [summary, code]
    return found[: 2 * pairs]


def _documented_functions(source: str) -> Iterator[tuple[str, str]]:
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (documentation := ast.get_docstring(node)):
            yield documentation.splitlines()[0], "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _texts_of(record: object) -> list[str]:
    if isinstance(record, str):
        return [record]
    if isinstance(record, dict):
        return [str(record["text"]), str(record["code"])]
    raise TypeError(f"neither a string nor an object: {record!r:.60}")
