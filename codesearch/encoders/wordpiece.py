"""WordPiece over ASCII text, for the text preparation of our own models: what `tokenizers` does, a window at a time.

Most of what is encoded is ASCII, and the library's regular expressions and objects cost a fifth of the time of
encoding on a CPU and most of it on a GPU. Here words are cut in NumPy over all texts at once, and each distinct
word is looked up once. What comes out is the same, token for token; everything else is left to the library.

WordPiece: Wu et al., arXiv 1609.08144, as BERT applies it (greedy, longest piece first).
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AsciiWordPiece", "TokenRows"]

_NORMALIZER = {
    "type": "Sequence",
    "normalizers": [
        {
            "type": "Replace",
            "pattern": {
                "Regex": r"(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})"
            },
            "content": " ",
        },
        {"type": "Replace", "pattern": {"Regex": r"[^\p{L}\p{N}]+"}, "content": " "},
        {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": True,
            "lowercase": True,
        },
    ],
}
"""The one text preparation that is written out below (`codesearch_train.network.text_preparation`)."""

_OTHER, _LOWER, _UPPER, _DIGIT = range(4)
_CLASS = np.zeros(256, dtype=np.uint8)
_CLASS[ord("a") : ord("z") + 1] = _LOWER
_CLASS[ord("A") : ord("Z") + 1] = _UPPER
_CLASS[ord("0") : ord("9") + 1] = _DIGIT
_PLAIN = np.full(256, ord(" "), dtype=np.uint8)
"""Letters in lower case, digits; a space for all else."""
for _code in range(256):
    if _CLASS[_code] != _OTHER:
        _PLAIN[_code] = ord(chr(_code).lower())

_LIKELY_CHARACTERS = 8
"""Characters per token, indentation included, that most code stays under."""

_MAX_WORDS = 1 << 18
"""Distinct words that are remembered: some 30 MB, and more than most repositories have."""


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of token ids, one after another.

    Attributes:
        ids: ``[sum of lengths]``.
        lengths: ``[n]`` tokens of each row.
    """

    ids: NDArray[np.int32]
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> TokenRows:
        """Lay out rows of Python numbers."""
        lengths = np.array([len(row) for row in rows], dtype=np.intp)
        ids = np.fromiter((number for row in rows for number in row), dtype=np.int32, count=int(lengths.sum()))
        return cls(ids, lengths)

    def take(self, rows: NDArray[np.intp]) -> TokenRows:
        """Return the rows at `rows`, in that order."""
        lengths = self.lengths[rows]
        starts = (np.cumsum(self.lengths) - self.lengths)[rows]
        return TokenRows(self.ids[_ranges(starts, lengths)], lengths)

    @classmethod
    def concatenate(cls, parts: Sequence[TokenRows]) -> TokenRows:
        """Return the rows of all `parts`, of which there must be one at least."""
        return cls(np.concatenate([part.ids for part in parts]), np.concatenate([part.lengths for part in parts]))

    def lists(self) -> list[list[int]]:
        """Return each row as a list."""
        return [row.tolist() for row in np.split(self.ids, np.cumsum(self.lengths)[:-1])] if len(self.lengths) else []


class AsciiWordPiece:
    """The tokenizer of a ``tokenizer.json`` for ASCII texts; stateless but for its memory of words.

    Args:
        vocabulary: Token -> id.
        unknown: Id of a word that has no pieces.
        opening: Id of the special token before every text.
        closing: Id of the one after.
        padding: Id of the token that fills rows up.
        longest: Characters beyond which a word is unknown.
        special: Special tokens, which count as such where a text spells them out.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        *,
        unknown: int,
        opening: int,
        closing: int,
        padding: int,
        longest: int,
        special: Sequence[str],
    ) -> None:
        self._vocabulary = vocabulary
        self._unknown = unknown
        self._opening, self._closing = opening, closing
        self.padding = padding
        self._longest = longest
        self._special = re.compile("|".join(map(re.escape, special)))
        self._words = _Words(self)

    @classmethod
    def read(cls, description: str) -> AsciiWordPiece | None:
        """Read a ``tokenizer.json``; None where it says anything but what is done here.

        Args:
            description: Content of the file.
        """
        try:
            parts: dict[str, Any] = json.loads(description)
            model, template = parts["model"], parts["post_processor"]
            opening, sequence, closing = template["single"]
            special = [token["content"] for token in parts["added_tokens"]]
            same = (
                parts["normalizer"] == _NORMALIZER
                and parts["pre_tokenizer"] == {"type": "BertPreTokenizer"}
                and template["type"] == "TemplateProcessing"
                and sequence == {"Sequence": {"id": "A", "type_id": 0}}
                and model["type"] == "WordPiece"
                and model["continuing_subword_prefix"] == "##"
                and all(special)
            )
            if not same:
                return None
            opening, closing = opening["SpecialToken"]["id"], closing["SpecialToken"]["id"]
            vocabulary: dict[str, int] = model["vocab"]
            return cls(
                vocabulary,
                unknown=vocabulary[model["unk_token"]],
                opening=template["special_tokens"][opening]["ids"][0],
                closing=template["special_tokens"][closing]["ids"][0],
                padding=vocabulary["[PAD]"],
                longest=int(model["max_input_chars_per_word"]),
                special=special,
            )
        except (ValueError, KeyError, TypeError, IndexError):
            return None  # the library says what is wrong with it

    def handles(self, text: str) -> bool:
        """Say whether `text` may be given to `rows`."""
        return text.isascii() and not self._special.search(text)

    def rows(self, texts: Sequence[str], max_tokens: int) -> TokenRows:
        """Return the token ids of each text, special tokens included, cut to `max_tokens`.

        Args:
            texts: ASCII, and without a special token's name.
            max_tokens: At least 2.
        """
        # What a cut leaves is often far beyond the limit; the few rows for which it was too short are made again.
        limit = max_tokens * _LIKELY_CHARACTERS
        short = [text if len(text) <= limit else text[:limit].rpartition(" ")[0] for text in texts]
        rows = self._rows(short, max_tokens)
        again = [
            index
            for index in np.flatnonzero(rows.lengths < max_tokens).tolist()
            if len(short[index]) < len(texts[index])
        ]
        if not again:
            return rows
        longer = self._rows([texts[index] for index in again], max_tokens)
        order = np.arange(len(texts))
        order[again] = len(texts) + np.arange(len(again))
        return TokenRows.concatenate([rows, longer]).take(order)

    def _rows(self, texts: Sequence[str], max_tokens: int) -> TokenRows:
        words, owner = _words_of(texts)
        known = self._words
        if len(known) > _MAX_WORDS:
            known = self._words = _Words(self)
        entries = np.fromiter(map(known.__getitem__, words), dtype=np.intp, count=len(words))
        pieces, starts = known.tables()
        lengths = starts[entries + 1] - starts[entries]
        ids = pieces[_ranges(starts[entries], lengths)]
        owner = np.repeat(owner, lengths)
        counts = np.bincount(owner, minlength=len(texts)).astype(np.intp)
        place = np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = np.minimum(counts, max_tokens - 2)
        ends = np.cumsum(kept + 2)
        rows = np.empty(int(kept.sum()) + 2 * len(texts), dtype=np.int32)
        inside = place < max_tokens - 2
        rows[((ends - kept - 1)[owner] + place)[inside]] = ids[inside]
        rows[ends - kept - 2] = self._opening
        rows[ends - 1] = self._closing
        return TokenRows(rows, kept + 2)

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word of letters or digits in lower case."""
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for stop in range(len(word), start, -1):
                number = self._vocabulary.get(prefix + word[start:stop])
                if number is not None:
                    found.append(number)
                    start = stop
                    break
            else:
                return [self._unknown]
        return found

    @property
    def longest(self) -> int:
        """Characters beyond which a word is unknown."""
        return self._longest


class _Words(dict[bytes, int]):
    """Word -> its entry in two growing tables; what is not there yet is added."""

    def __init__(self, tokenizer: AsciiWordPiece) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._pieces = array("i")
        self._starts = array("q", [0])
        self._lock = Lock()
        self._unknown = self._append(tokenizer.pieces("\0"))

    def __missing__(self, word: bytes) -> int:
        if len(word) > self._tokenizer.longest:
            return self._unknown
        pieces = self._tokenizer.pieces(word.decode("ascii"))
        with self._lock:  # a search in another thread adds its own
            entry = self[word] = self._append(pieces)
        return entry

    def _append(self, pieces: list[int]) -> int:
        self._pieces.extend(pieces)
        self._starts.append(len(self._pieces))
        return len(self._starts) - 2

    def tables(self) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return all pieces, and where those of each entry start, with the end of the last."""
        with self._lock:
            return np.array(self._pieces, dtype=np.int32), np.array(self._starts, dtype=np.intp)


def _ranges(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return ``start, start + 1, ...`` of each range, one after another."""
    shift: NDArray[np.intp] = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return shift + np.arange(len(shift))


def _words_of(texts: Sequence[str]) -> tuple[list[bytes], NDArray[np.intp]]:
    """Cut texts into words in lower case: camelCase apart, digits apart from letters, all else a boundary.

    Returns:
        The words of all texts in order, and the number of the text that each is of.
    """
    characters = np.frombuffer("\n".join(texts).encode("ascii") + b"\n", dtype=np.uint8)
    kinds = _CLASS[characters]
    inner = _boundaries(kinds)
    starts = inner.copy()
    starts[0] = kinds[0] != _OTHER
    starts[1:] |= (kinds[1:] != _OTHER) & (kinds[:-1] == _OTHER)
    spaced = np.full(len(characters) + np.count_nonzero(inner), ord(" "), dtype=np.uint8)
    spaced[np.arange(len(characters), dtype=np.int32) + np.cumsum(inner, dtype=np.int32)] = _PLAIN[characters]
    ends = np.cumsum([len(text) + 1 for text in texts])
    return spaced.tobytes().split(), np.searchsorted(ends, np.flatnonzero(starts), side="right")


def _boundaries(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say before which characters a word ends though no other character stands between."""
    found = np.zeros(len(kinds), dtype=np.bool_)
    before, here = kinds[:-1], kinds[1:]
    upper = here == _UPPER
    found[1:] = (before == _LOWER) & upper
    found[1:-1] |= (before[:-1] == _UPPER) & upper[:-1] & (kinds[2:] == _LOWER)
    found[1:] |= ((before == _DIGIT) != (here == _DIGIT)) & (before != _OTHER) & (here != _OTHER)
    return found
