"""From a chunk to the terms of its fields: once, for the index and for what was never saved."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.index.substance import substance_of
from codesearch.records import Chunk
from codesearch.words import LINE_END, terms, terms_in_a_row

__all__ = ["ChunkTerms", "FileTerms", "count_in_path", "count_in_symbol", "unpack_repeats"]

_REPEAT: Final = np.dtype([("hash", "<u4"), ("count", "<u4")])
"""The first is the salt."""


def _path_terms(path: str) -> list[str]:
    """Words of the path, those of the file's own name twice: they say more than the folders."""
    folders, _, name = path.rpartition("/")
    stem_of_name = name.rpartition(".")[0] or name
    return terms(folders) + terms(stem_of_name) * 2


@lru_cache(maxsize=1 << 14)
def count_in_path(path: str) -> Mapping[str, int]:
    """Return how often each term occurs in a path."""
    return Counter(_path_terms(path))


@lru_cache(maxsize=1 << 14)
def count_in_symbol(qualified_name: str) -> Mapping[str, int]:
    """Return how often each term occurs in a name."""
    return Counter(terms(qualified_name))


@dataclass(frozen=True, slots=True)
class ChunkTerms:
    """The terms of a chunk, in order and with repetitions.

    Attributes:
        symbol: Of its qualified name.
        path: Of its file's path.
        text: Of its text, in which neighbours are neighbours.
        substance: How many words of its code do something (``codesearch.index.substance``).
    """

    symbol: Sequence[str]
    path: Sequence[str]
    text: Sequence[str]
    substance: int = 0

    @classmethod
    def of(cls, chunk: Chunk) -> ChunkTerms:
        """Return the terms of a chunk."""
        return cls(
            terms(chunk.qualified_name), _path_terms(chunk.path), terms_in_a_row(chunk.text), substance_of(chunk)
        )

    @property
    def lengths(self) -> tuple[int, int, int]:
        """How many terms each field holds, in the order of ``codesearch.index.bm25.FIELDS``."""
        return len(self.symbol), len(self.path), len(self.text)

    @property
    def counts(self) -> tuple[Counter[str], Counter[str], Counter[str]]:
        """How often each term occurs in each field, in the order of ``codesearch.index.bm25.FIELDS``."""
        return Counter(self.symbol), Counter(self.path), Counter(self.text)

    def pack_repeats(self) -> bytes:
        """Return which terms occur how often in the text, for those that occur more than once.

        A term is told by 32 bits of its hash. No two terms of one text share them, since another salt is taken where
        they would: what is known to hold a term holds it as often as is said here, and once where nothing is said.
        """
        counts = Counter(self.text)
        repeated = sorted([term for term, number in counts.items() if number > 1])
        if not repeated:
            return b""
        salt = 0
        if len(set(map(_hash_of_term, counts))) < len(counts):
            salt = next(n for n in count(1) if len({_salted_hash(term, n) for term in counts}) == len(counts))
        numbers = [salt, 0]
        for term in repeated:
            numbers += _salted_hash(term, salt), counts[term]
        return struct.pack(f"<{len(numbers)}I", *numbers)


class FileTerms:
    """How often each term occurs in the texts of a file's chunks: the file as one document.

    It is kept in four bytes a term: 24 bits of a hash, and a count of at most 255. Two terms of one file share them
    once in 30,000 files of 500 terms; then both are counted as one.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, found: ChunkTerms) -> None:
        """Count the terms of a chunk."""
        self._counts.update(found.text)

    @property
    def length(self) -> int:
        """How many terms there are."""
        return self._counts.total() - self._counts[LINE_END]

    def pack(self) -> bytes:
        """Return the counts, for :meth:`unpack`."""
        counts: dict[int, int] = {}
        for term, number in self._counts.items():
            if term != LINE_END:
                short = _hash_of_term(term) & 0xFFFFFF
                counts[short] = counts.get(short, 0) + number
        return np.array(sorted(h << 8 | min(n, 255) for h, n in counts.items()), "<u4").tobytes()

    @staticmethod
    def unpack(blobs: Sequence[bytes], asked: Sequence[str]) -> NDArray[np.int64]:
        """Return how often terms occur in each of n files, of shape [terms, n].

        Args:
            blobs: What :meth:`pack` made of each file.
            asked: Terms.
        """
        counts = np.zeros((len(asked), len(blobs)), np.int64)
        entries = np.frombuffer(b"".join(blobs), "<u4")
        ends = np.cumsum(np.fromiter(map(len, blobs), np.int64, len(blobs)) // 4)
        hashes = entries >> 8
        for row, term in zip(counts, asked, strict=True):
            at = np.flatnonzero(hashes == _hash_of_term(term) & 0xFFFFFF)
            row[np.searchsorted(ends, at, side="right")] = entries[at] & 0xFF
        return counts


@lru_cache(maxsize=1 << 16)
def _hash_of_term(term: str) -> int:
    return int.from_bytes(_digest(term)[:4], "little")


def _digest(term: str) -> bytes:
    return blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _salted_hash(term: str, salt: int) -> int:
    if salt == 0:
        return _hash_of_term(term)
    return (_hash_of_term(term) + salt * int.from_bytes(_digest(term)[4:], "little")) & 0xFFFFFFFF


def unpack_repeats(blobs: Sequence[bytes], asked: Sequence[str], counts: NDArray[np.int64]) -> None:
    """Set how often terms occur in texts.

    Args:
        blobs: What :meth:`ChunkTerms.pack_repeats` made of each of n texts.
        asked: Terms.
        counts: Of shape [terms, n]: 1 where a text holds a term, which becomes how often; 0 elsewhere, which stays.
    """
    sizes = np.fromiter(map(len, blobs), np.int64, len(blobs)) // _REPEAT.itemsize
    entries = np.frombuffer(b"".join(blobs), _REPEAT)
    hashes, numbers = entries["hash"], entries["count"]
    texts = np.repeat(np.arange(len(blobs)), sizes)
    salts = hashes[(np.cumsum(sizes) - sizes)[sizes > 0]]
    of_entries = np.repeat(salts, sizes[sizes > 0])
    for salt in sorted(set(salts.tolist())):  # np.unique would import numpy.ma: 12 ms of a cold question
        under = np.flatnonzero((of_entries == salt) & (numbers > 0))
        those = hashes[under]
        for row, term in zip(counts, asked, strict=True):
            at = under[those == _salted_hash(term, salt)]
            row[texts[at]] *= numbers[at]
