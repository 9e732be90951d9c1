"""Texts and code as token ids: ragged arrays, and their compact files.

Everything is tokenised once, ahead of training, on the CPU: a GPU that waits for a tokenizer is idle. Ids
are kept without special tokens (they are put around each sequence when a batch is packed), in 16 bits where
the vocabulary allows, and the files are xz streams tuned for 16-bit numbers: about 0.9 bytes a token.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.wordpiece import AsciiWordPiece
from codesearch.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from codesearch_train.corpus.shards import Pair

__all__ = [
    "Pairs",
    "Ragged",
    "read_arrays",
    "read_pairs_directory",
    "tokenize_pairs",
    "tokenized",
    "write_arrays",
]

PAIRS_PER_FILE = 100_000
_BLOCK = 256
CHARACTERS_PER_TOKEN = 16
"""Texts are cut to this many characters a token before they are tokenised: never reached by prose or code."""

_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 1, "pb": 1, "dict_size": 1 << 26}]
_MAGIC = "codesearch-tokens-1"


@dataclass(frozen=True, slots=True)
class Ragged:
    """Sequences of token ids, one after another.

    Attributes:
        ids: [sum of lengths] token ids, special tokens left out.
        offsets: [n + 1] where each sequence starts in `ids`; the last is its length.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], dtype: Any = np.uint16) -> Ragged:
        """Build from Python sequences."""
        lengths = np.fromiter((len(sequence) for sequence in sequences), dtype=np.int64, count=len(sequences))
        ids = np.fromiter(
            (token for sequence in sequences for token in sequence), dtype=dtype, count=int(lengths.sum())
        )
        return cls.from_lengths(ids, lengths)

    @classmethod
    def from_lengths(cls, ids: NDArray[Any], lengths: NDArray[Any]) -> Ragged:
        """Build from the flat ids and the [n] lengths."""
        return cls(ids, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[n] tokens of each sequence, special tokens left out."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> NDArray[Any]:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def cut(self, tokens: int) -> Ragged:
        """Every sequence cut to its first `tokens`."""
        lengths = np.minimum(self.lengths, tokens)
        within = np.arange(len(self.ids)) - np.repeat(self.offsets[:-1], self.lengths)
        return Ragged.from_lengths(self.ids[within < tokens], lengths)

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """The sequences at `rows`, in that order."""
        lengths = self.lengths[rows]
        target = Ragged.from_lengths(self.ids[:0], lengths)
        source = np.repeat(self.offsets[rows] - target.offsets[:-1], lengths) + np.arange(int(target.offsets[-1]))
        return Ragged(self.ids[source], target.offsets)

    def hashes(self) -> NDArray[np.uint64]:
        """[n] 64-bit hash of each sequence; equal sequences, and hardly any others, have equal hashes.

        A multilinear hash: the sum of ids times random odd numbers of their positions, modulo 2^64.
        """
        width = int(self.lengths.max(initial=0))
        factors = np.random.default_rng(0x5EED).integers(0, 2**63, size=width + 1, dtype=np.uint64) * np.uint64(
            2
        ) + np.uint64(1)
        within = np.arange(len(self.ids)) - np.repeat(self.offsets[:-1], self.lengths)
        sums = np.concatenate(
            [
                np.zeros(1, np.uint64),
                np.cumsum((self.ids.astype(np.uint64) + np.uint64(1)) * factors[within], dtype=np.uint64),
            ]
        )
        hashes: NDArray[np.uint64] = (sums[self.offsets[1:]] - sums[self.offsets[:-1]]) ^ (
            self.lengths.astype(np.uint64) * factors[width]
        )
        return hashes

    @classmethod
    def concatenate(cls, parts: Sequence[Ragged]) -> Ragged:
        """All sequences of `parts`, in order."""
        return cls.from_lengths(
            np.concatenate([part.ids for part in parts]), np.concatenate([part.lengths for part in parts])
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Tokenised pairs: row i of each column belongs to pair i.

    Attributes:
        texts: Docstrings, names, questions, ...
        codes: What they describe.
        repository: [n] index into `repositories`.
        language: [n] index into `languages`.
        kind: [n] index into `kinds`.
    """

    texts: Ragged
    codes: Ragged
    repository: NDArray[np.int32]
    language: NDArray[np.int32]
    kind: NDArray[np.int32]
    repositories: tuple[str, ...]
    languages: tuple[str, ...]
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def concatenate(cls, parts: Sequence[Pairs]) -> Pairs:
        """All pairs of `parts`, in order, under common name tables."""
        columns: dict[str, Any] = {}
        for column, table in (("repository", "repositories"), ("language", "languages"), ("kind", "kinds")):
            names = sorted({name for part in parts for name in getattr(part, table)})
            place = {name: index for index, name in enumerate(names)}
            renumbered = []
            for part in parts:
                mapping = np.array([place[name] for name in getattr(part, table)], dtype=np.int32)
                renumbered.append(mapping[getattr(part, column)])
            columns[column] = np.concatenate(renumbered)
            columns[table] = tuple(names)
        texts = Ragged.concatenate([part.texts for part in parts])
        return cls(texts, Ragged.concatenate([part.codes for part in parts]), **columns)

    def take(self, rows: NDArray[np.int64]) -> Pairs:
        """The pairs at `rows`, in that order."""
        return Pairs(
            self.texts.take(rows),
            self.codes.take(rows),
            self.repository[rows],
            self.language[rows],
            self.kind[rows],
            self.repositories,
            self.languages,
            self.kinds,
        )

    def of_kind(self, kind: str) -> Pairs:
        """The pairs of one kind.

        Raises:
            InputError: if there is none.
        """
        if kind not in self.kinds:
            raise InputError(f"no pair is of kind {str(kind)!r}; there are {', '.join(self.kinds)}")
        return self.take(np.flatnonzero(self.kind == self.kinds.index(kind)))


def encode_ids(tokenizer: Tokenizer, texts: Sequence[str], tokens: int) -> list[list[int]]:
    """Token ids of `texts` without special tokens, each cut to `tokens` less the two special ones."""
    short = [text[: tokens * CHARACTERS_PER_TOKEN] for text in texts]
    ascii_pieces = _ascii_wordpiece(tokenizer.to_str())
    if ascii_pieces is None:
        plain, others = [], list(range(len(short)))
    else:
        plain = [index for index, text in enumerate(short) if ascii_pieces.handles(text)]
        others = sorted(set(range(len(short))).difference(plain))
    found: list[list[int]] = [[] for _ in short]
    for start in range(0, len(plain), _BLOCK):
        assert ascii_pieces is not None
        block = plain[start : start + _BLOCK]
        rows = ascii_pieces.rows([short[index] for index in block], tokens).lists()
        for index, row in zip(block, rows, strict=True):
            found[index] = row[1:-1]
    encodings = tokenizer.encode_batch_fast([short[index] for index in others], add_special_tokens=False)
    for index, encoding in zip(others, encodings, strict=True):
        found[index] = encoding.ids[: tokens - 2]
    return found


@lru_cache(maxsize=2)
def _ascii_wordpiece(description: str) -> AsciiWordPiece | None:
    """The product's fast path, which remembers words; None where it does not know the tokenizer."""
    return AsciiWordPiece.read(description)


def tokenize_pairs(
    pairs: Iterable[Pair],
    tokenizer: Tokenizer,
    directory: Path,
    *,
    text_tokens: int,
    code_tokens: int,
    prefix: str = "train",
) -> Iterator[tuple[int, Path]]:
    """Tokenise pairs into files of `PAIRS_PER_FILE` pairs; a file that is there already is left alone.

    Args:
        pairs: In an order that does not change between calls, so that an interrupted run can go on.
        tokenizer: As `codesearch_train.network.text_preparation.prepare_tokenizer` makes it.
        directory: Where the files go.
        text_tokens: Cut of the texts, special tokens included.
        code_tokens: Cut of the code, special tokens included.
        prefix: How the file names start.

    Yields:
        The number of pairs done, and the file that holds the last of them.

    Raises:
        InputError: if there is no pair at all, or a pair without any token on one side.
    """
    directory.mkdir(parents=True, exist_ok=True)
    dtype = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
    stream, done = iter(pairs), 0
    for number in count():
        rows = list(islice(stream, PAIRS_PER_FILE))
        if not rows:
            break
        path = directory / f"{prefix}-{number:05d}.tokens.xz"
        done += len(rows)
        if not path.exists():
            write_pairs(path, _tokenize(rows, tokenizer, text_tokens, code_tokens, dtype))
        yield done, path
    if not done:
        raise InputError("there is no pair to tokenise: build the corpus first (codesearch-train corpus)")


def tokenized(pairs: Iterable[Pair], tokenizer: Tokenizer, *, text_tokens: int, code_tokens: int) -> Pairs:
    """Tokenise a few pairs without files; the arguments are those of `tokenize_pairs`."""
    dtype = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
    return _tokenize(list(pairs), tokenizer, text_tokens, code_tokens, dtype)


def _tokenize(rows: Sequence[Pair], tokenizer: Tokenizer, text_tokens: int, code_tokens: int, dtype: Any) -> Pairs:
    texts: list[list[int]] = []
    codes: list[list[int]] = []
    for start in range(0, len(rows), 4096):
        some = rows[start : start + 4096]
        texts += encode_ids(tokenizer, [row.text for row in some], text_tokens)
        codes += encode_ids(tokenizer, [row.code for row in some], code_tokens)
    usable = np.array([bool(text and code) for text, code in zip(texts, codes, strict=True)])
    columns: dict[str, Any] = {}
    for column, table, values in (
        ("repository", "repositories", [row.repository for row in rows]),
        ("language", "languages", [row.language for row in rows]),
        ("kind", "kinds", [row.kind for row in rows]),
    ):
        names, numbers = np.unique(np.array(values), return_inverse=True)
        columns[column], columns[table] = numbers.astype(np.int32), tuple(str(name) for name in names)
    pairs = Pairs(Ragged.of(texts, dtype), Ragged.of(codes, dtype), **columns)
    return pairs.take(np.flatnonzero(usable))


def write_pairs(path: Path, pairs: Pairs) -> None:
    """Write tokenised pairs into one file."""
    arrays = {
        "text_lengths": pairs.texts.lengths.astype(np.uint16),
        "code_lengths": pairs.codes.lengths.astype(np.uint16),
        "text_ids": pairs.texts.ids,
        "code_ids": pairs.codes.ids,
        "repository": pairs.repository.astype(np.uint16 if len(pairs.repositories) < 2**16 else np.uint32),
        "language": pairs.language.astype(np.uint16),
        "kind": pairs.kind.astype(np.uint16),
    }
    names = {"repositories": pairs.repositories, "languages": pairs.languages, "kinds": pairs.kinds}
    write_arrays(path, {"content": "pairs", **names}, arrays)


def read_pairs_directory(directories: Sequence[Path]) -> Pairs:
    """Read every tokenised file of the directories.

    Raises:
        InputError: if there is none, or one is damaged.
    """
    files = [file for directory in directories for file in sorted(directory.glob("*.tokens.xz"))]
    if not files:
        where = ", ".join(str(directory) for directory in directories) or "no directory given"
        raise InputError(f"no tokenised pairs ({where}): write them with codesearch-train tokenize")
    with ThreadPoolExecutor() as pool:  # decompression lets other threads run
        parts = list(pool.map(_read_pairs, files))
    pairs = Pairs.concatenate(parts)
    if not len(pairs):
        raise InputError(f"the tokenised pairs of {files[0].parent} are empty: build the corpus again")
    return pairs


def _read_pairs(file: Path) -> Pairs:
    names, arrays = read_arrays(file, "pairs")
    return Pairs(
        Ragged.from_lengths(arrays["text_ids"], arrays["text_lengths"]),
        Ragged.from_lengths(arrays["code_ids"], arrays["code_lengths"]),
        repository=arrays["repository"].astype(np.int32),
        language=arrays["language"].astype(np.int32),
        kind=arrays["kind"].astype(np.int32),
        repositories=tuple(names["repositories"]),
        languages=tuple(names["languages"]),
        kinds=tuple(names["kinds"]),
    )


def write_arrays(path: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as one xz stream: a JSON line that describes them, then their bytes.

    The file appears under its name only when it is complete.
    """
    layout = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    partial = path.with_name(path.name + ".partial")
    with lzma.open(partial, "wb", format=lzma.FORMAT_XZ, filters=_FILTERS) as stream:
        stream.write(json.dumps({"format": _MAGIC, "arrays": layout, **header}).encode() + b"\n")
        for array in arrays.values():
            stream.write(np.ascontiguousarray(array).tobytes())
    partial.replace(path)


def read_arrays(path: Path, content: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_arrays` wrote.

    Args:
        path: The file.
        content: What the header's "content" must be.

    Raises:
        InputError: if the file is missing, damaged, or of another content.
    """
    try:
        with lzma.open(path) as stream:
            header = json.loads(stream.readline())
            if header.get("format") != _MAGIC or header.get("content") != content:
                raise InputError(f"{path}: holds no tokenised {content}; write it with codesearch-train tokenize")
            arrays = {}
            for name, dtype, shape in header["arrays"]:
                size = int(np.prod(shape)) * np.dtype(dtype).itemsize
                data = stream.read(size)
                if len(data) != size:
                    raise EOFError("it ends early")
                arrays[name] = np.frombuffer(data, dtype=dtype).reshape(shape)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; write it with codesearch-train tokenize") from error
    except (lzma.LZMAError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({error}); delete it and run codesearch-train tokenize again") from error
    return header, arrays
