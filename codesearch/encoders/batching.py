"""Texts -> batches of token ids, sorted by length so that hardly anything is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.model_directory import ModelDirectory

__all__ = ["BatchLimits", "TextTokenizer", "TokenBatch", "split_by_tokens"]

_CHARACTERS_PER_TOKEN = 32
"""No more than this many characters per token of the limit reach the tokenizer. Code averages 5 to 6,
indentation included, so nothing but bulk data is ever cut by it, and a 1 MB line costs nothing."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large batches may be.

    Attributes:
        tokens: Upper limit of rows x longest row. A single longer row is a batch of its own.
        rows: Upper limit of rows.
        window: Texts that are tokenised at a time, ahead of the network, and sorted among themselves.
        even_rows: A batch of at least so many rows ends where the next row is longer: where many texts
            have the same length, no batch of them has padding.
    """

    tokens: int
    rows: int
    window: int
    even_rows: int


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Rows of token ids, padded to the longest.

    Attributes:
        indices: Which texts these are, ``[b]``.
        input_ids: ``[b, s]``, int64.
        attention_mask: ``[b, s]``, int64; 1 for a token, 0 for padding.
    """

    indices: NDArray[np.intp]
    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]


class TextTokenizer:
    """The tokenizer of a model directory; stateless once loaded, so any thread may use it.

    Args:
        directory: The model.

    Raises:
        ModelError: ``tokenizer.json`` is missing or damaged.
    """

    def __init__(self, directory: ModelDirectory) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(directory.tokenizer_file))
        except Exception as error:  # tokenizers raises bare Exception for whatever is wrong
            raise directory.damaged(directory.tokenizer_file, error) from error
        # A cut is made here and not by `enable_truncation`, which is state: queries and documents have
        # different limits, and a server asks while an index is being written.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._closing = _trailing_special_tokens(self._tokenizer.encode("").special_tokens_mask)
        self._padding_id: int = self._tokenizer.token_to_id("[PAD]") or 0

    def token_ids(self, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
        """Return the token ids of each text, cut to `max_tokens` with the closing special tokens kept."""
        cut = max_tokens * _CHARACTERS_PER_TOKEN
        encodings = self._tokenizer.encode_batch_fast([text[:cut] for text in texts])
        return [self._shorten(encoding.ids, max_tokens) for encoding in encodings]

    def batches(self, texts: Sequence[str], max_tokens: int, limits: BatchLimits) -> Iterator[TokenBatch]:
        """Yield all texts in batches, short texts first, tokenising one window ahead in a thread.

        Texts are sorted by characters, which costs nothing, and cut into windows; inside a window they
        are sorted by tokens, so that rows of a batch differ by a token or two.
        """
        order = np.argsort(np.array([len(text) for text in texts], dtype=np.intp), kind="stable")
        windows = [order[start : start + limits.window] for start in range(0, len(order), limits.window)]

        def tokenise(window: NDArray[np.intp]) -> list[TokenBatch]:
            return list(self._window(texts, window, max_tokens, limits))

        if len(windows) < 2:  # a single question must not pay for a thread
            for window in windows:
                yield from tokenise(window)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as executor:
            ahead = executor.submit(tokenise, windows[0])
            for window in windows[1:]:
                batches = ahead.result()
                ahead = executor.submit(tokenise, window)
                yield from batches
            yield from ahead.result()

    def _window(
        self, texts: Sequence[str], window: NDArray[np.intp], max_tokens: int, limits: BatchLimits
    ) -> Iterator[TokenBatch]:
        rows = self.token_ids([texts[index] for index in window], max_tokens)
        lengths = np.array([len(row) for row in rows], dtype=np.intp)
        for members in split_by_tokens(lengths, limits):
            yield self.pad(window[members], [rows[member] for member in members])

    def pad(self, indices: NDArray[np.intp], rows: Sequence[Sequence[int]]) -> TokenBatch:
        """Make a batch of rows of token ids, of which there must be one at least."""
        lengths = np.array([len(row) for row in rows])
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self._padding_id, dtype=np.int64)
        ids[mask] = np.concatenate([np.array(row, dtype=np.int64) for row in rows])
        return TokenBatch(indices, ids, mask.astype(np.int64))

    def _shorten(self, ids: list[int], max_tokens: int) -> list[int]:
        if len(ids) <= max_tokens:
            return ids
        kept = max_tokens - self._closing
        return ids[:kept] + ids[len(ids) - self._closing :]


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
