"""Tokenising ahead of the network: in a thread, or in processes where a GPU would wait for one.

One core cuts some 20,000 functions a second into tokens; an H100 encodes three times as many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.batching import BatchLimits, TextTokenizer, TokenBatch
from codesearch.encoders.model_directory import ModelDirectory

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["tokenised"]

_PARALLEL_FROM: Final = 4
"""Windows from which starting processes (half a second) pays."""


def tokenised(
    tokenizer: TextTokenizer, texts: Sequence[str], max_tokens: int, limits: BatchLimits
) -> Iterator[TokenBatch]:
    """Yield all texts in batches, short texts first, tokenising ahead of whoever takes them.

    Texts are sorted by characters, which costs nothing, and cut into windows; inside a window they
    are sorted by tokens, so that rows of a batch differ by a token or two. The batches are the same however many
    processes made them.

    Args:
        tokenizer: Of the model.
        texts: To encode.
        max_tokens: To which each is cut.
        limits: How large batches may be, and how many processes may work on them.
    """
    order = np.argsort(np.array([len(text) for text in texts], dtype=np.intp), kind="stable")
    windows = deque(order[start : start + limits.window] for start in range(0, len(order), limits.window))
    if len(windows) < 2:  # a single question must not pay for a thread
        for window in windows:
            yield from tokenizer.window(texts, window, max_tokens, limits)
        return
    if limits.workers and len(windows) >= _PARALLEL_FROM:
        yield from _by_processes(tokenizer, texts, windows, max_tokens, limits)
    if windows:
        yield from _by_thread(tokenizer, texts, windows, max_tokens, limits)


def _by_thread(
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    windows: deque[NDArray[np.intp]],
    max_tokens: int,
    limits: BatchLimits,
) -> Iterator[TokenBatch]:
    from concurrent.futures import ThreadPoolExecutor

    def tokenise(window: NDArray[np.intp]) -> list[TokenBatch]:
        return list(tokenizer.window(texts, window, max_tokens, limits))

    with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as executor:
        ahead = executor.submit(tokenise, windows.popleft())
        while windows:
            batches = ahead.result()
            ahead = executor.submit(tokenise, windows.popleft())
            yield from batches
        yield from ahead.result()


def _by_processes(
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    windows: deque[NDArray[np.intp]],
    max_tokens: int,
    limits: BatchLimits,
) -> Iterator[TokenBatch]:
    """Take windows off and yield their batches, until none is left or there can be no processes."""
    from concurrent.futures.process import BrokenProcessPool

    from codesearch.processes import start_pool, usable_cores

    workers = min(limits.workers, usable_cores() - 1, len(windows) - 1)
    if workers < 2:
        return
    pool = start_pool(workers, prepare=_open_tokenizer, given=(tokenizer.directory,))
    if pool is None:
        return
    running: deque[tuple[NDArray[np.intp], Future[list[TokenBatch]]]] = deque()

    def submit() -> None:
        while windows and len(running) <= workers:
            mine = [texts[index] for index in windows[0]]
            running.append((windows[0], pool.submit(_tokenise, mine, windows[0], max_tokens, limits)))
            windows.popleft()

    try:
        first = windows.popleft()
        submit()
        # While they start.
        yield from tokenizer.window(texts, first, max_tokens, limits)
        while running:
            batches = running[0][1].result()
            running.popleft()
            submit()
            yield from batches
    except BrokenProcessPool:
        windows.extendleft(window for window, _ in reversed(running))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_tokenizer: TextTokenizer
"""Of a worker process."""


def _open_tokenizer(directory: ModelDirectory) -> None:
    global _tokenizer
    _tokenizer = TextTokenizer(directory)


def _tokenise(
    texts: Sequence[str], indices: NDArray[np.intp], max_tokens: int, limits: BatchLimits
) -> list[TokenBatch]:
    own = np.arange(len(texts), dtype=np.intp)
    batches = _tokenizer.window(texts, own, max_tokens, limits)
    return [TokenBatch(indices[batch.indices], batch.input_ids, batch.lengths) for batch in batches]
