"""Texts -> batches of token ids, sorted by length so that hardly anything is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.model_directory import ModelDirectory
from codesearch.encoders.wordpiece import AsciiWordPiece, TokenRows

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["BatchLimits", "TextTokenizer", "TokenBatch", "split_by_tokens"]

_CHARACTERS_PER_TOKEN = 32
"""No more than this many characters per token of the limit reach the tokenizer. Code averages 5 to 6,
indentation included, so nothing but bulk data is ever cut by it, and a 1 MB line costs nothing."""

_BLOCK = 256
"""Texts that are cut into words at a time: their characters stay in a core's cache."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large batches may be.

    Attributes:
        tokens: Upper limit of rows x longest row. A single longer row is a batch of its own.
        rows: Upper limit of rows.
        window: Texts that are tokenised at a time, ahead of the network, and sorted among themselves.
        even_rows: A batch of at least so many rows ends where the next row is longer: where many texts
            have the same length, no batch of them has padding.
        workers: Processes that may tokenise where there are many windows; 0 for a thread only.
    """

    tokens: int
    rows: int
    window: int
    even_rows: int
    workers: int = 0


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Rows of token ids, padded to the longest.

    Attributes:
        indices: Which texts these are, ``[b]``.
        input_ids: ``[b, s]``.
        lengths: Tokens of each row, ``[b]``; the rest of a row is padding.
    """

    indices: NDArray[np.intp]
    input_ids: NDArray[np.int32]
    lengths: NDArray[np.intp]

    @property
    def is_even(self) -> bool:
        """Whether nothing is padding."""
        return bool(self.lengths.min() == self.input_ids.shape[1])

    @property
    def attention_mask(self) -> NDArray[np.bool_]:
        """``[b, s]``; true for a token, false for padding."""
        mask: NDArray[np.bool_] = np.arange(self.input_ids.shape[1]) < self.lengths[:, None]
        return mask

    def feeds(self) -> dict[str, NDArray[np.int64]]:
        """Return the inputs of an exported network, by name."""
        return {
            "input_ids": self.input_ids.astype(np.int64),
            "attention_mask": self.attention_mask.astype(np.int64),
        }


class TextTokenizer:
    """The tokenizer of a model directory; stateless once loaded, so any thread may use it.

    ASCII texts are cut up by `AsciiWordPiece` where that knows the model's ``tokenizer.json``. All others are
    the library's, which is loaded when the first of them comes: a question need not wait for it.

    Args:
        directory: The model.

    Raises:
        ModelError: ``tokenizer.json`` is missing or damaged.
    """

    def __init__(self, directory: ModelDirectory) -> None:
        self.directory = directory
        try:
            description = directory.tokenizer_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise directory.damaged(directory.tokenizer_file, error) from error
        self._ascii = AsciiWordPiece.read(description)
        self._padding_id: int = (
            self._ascii.padding if self._ascii is not None else self._library.token_to_id("[PAD]") or 0
        )

    @cached_property
    def _library(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            tokenizer: Tokenizer = Tokenizer.from_file(str(self.directory.tokenizer_file))
        except Exception as error:  # tokenizers raises bare Exception for whatever is wrong
            raise self.directory.damaged(self.directory.tokenizer_file, error) from error
        # A cut is made here and not by `enable_truncation`, which is state: queries and documents have
        # different limits, and a server asks while an index is being written.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def token_ids(self, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
        """Return the token ids of each text, cut to `max_tokens` with the closing special tokens kept."""
        return self.token_rows(texts, max_tokens).lists()

    def token_rows(self, texts: Sequence[str], max_tokens: int) -> TokenRows:
        """Return the same as `token_ids` in arrays."""
        limit = max_tokens * _CHARACTERS_PER_TOKEN
        cut = [text[:limit] for text in texts]
        ours = [self._ascii is not None and self._ascii.handles(text) for text in cut]
        plain, others = np.flatnonzero(ours), np.flatnonzero(np.logical_not(ours))
        parts: list[TokenRows] = []
        for start in range(0, len(plain), _BLOCK):
            assert self._ascii is not None
            parts.append(self._ascii.rows([cut[index] for index in plain[start : start + _BLOCK]], max_tokens))
        if len(others):
            parts.append(self._by_library([cut[index] for index in others], max_tokens))
        rows = TokenRows.concatenate(parts) if parts else TokenRows.of([])
        return rows.take(np.argsort(np.concatenate([plain, others]))) if len(others) else rows

    def _by_library(self, texts: Sequence[str], max_tokens: int) -> TokenRows:
        closing = _trailing_special_tokens(self._library.encode("").special_tokens_mask)
        kept = max_tokens - closing
        rows = [encoding.ids for encoding in self._library.encode_batch_fast(texts)]
        return TokenRows.of([ids if len(ids) <= max_tokens else ids[:kept] + ids[len(ids) - closing :] for ids in rows])

    def window(
        self, texts: Sequence[str], window: NDArray[np.intp], max_tokens: int, limits: BatchLimits
    ) -> Iterator[TokenBatch]:
        """Yield the texts at `window` in batches of rows of like lengths."""
        rows = self.token_rows([texts[index] for index in window], max_tokens)
        for members in split_by_tokens(rows.lengths, limits):
            yield self.pad(window[members], rows.take(members))

    def pad(self, indices: NDArray[np.intp], rows: TokenRows) -> TokenBatch:
        """Make a batch of rows of token ids, of which there must be one at least."""
        longest = int(rows.lengths.max())
        if rows.lengths.min() == longest:
            return TokenBatch(indices, rows.ids.reshape(-1, longest), rows.lengths)
        ids = np.full((len(rows.lengths), longest), self._padding_id, dtype=np.int32)
        ids[np.arange(longest) < rows.lengths[:, None]] = rows.ids
        return TokenBatch(indices, ids, rows.lengths)


def split_by_tokens(lengths: NDArray[np.intp], limits: BatchLimits) -> Iterator[NDArray[np.intp]]:
    """Cut the rows, sorted by length, into batches within `limits`.

    Args:
        lengths: Tokens of each row, ``[n]``.
        limits: How large a batch may be.

    Yields:
        Positions in `lengths`, ascending in length; each position exactly once.
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    for stop in range(1, len(order) + 1):
        if stop == len(order) or _is_full(stop - start, lengths[order[stop - 1]], lengths[order[stop]], limits):
            yield order[start:stop]
            start = stop


def _is_full(rows: int, longest: int, following: int, limits: BatchLimits) -> bool:
    """Say whether a batch of `rows` rows ends before a row of `following` tokens."""
    return (
        rows == limits.rows
        or (rows + 1) * following > limits.tokens
        or (rows >= limits.even_rows and following > longest)
    )


def _trailing_special_tokens(mask: list[int]) -> int:
    """Count the special tokens that close a sequence, given the mask of the empty text.

    The empty text is opening tokens followed by closing ones. BERT has one of each, which is what
    every tokenizer that we can load has; a lone token opens.
    """
    return len(mask) // 2
