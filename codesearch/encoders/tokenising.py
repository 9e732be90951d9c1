"""Tokenising ahead of the network: in a thread, or in processes where a GPU would wait for one.

One core cuts some 20,000 functions a second into tokens; an H100 encodes three times as many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    job = _Job(tokenizer, texts, max_tokens, limits)
    if len(windows) < 2:  # a single question must not pay for a thread
        for window in windows:
            yield from job.batches(window)
        return
    if limits.workers and len(windows) >= _PARALLEL_FROM:
        yield from _by_processes(job, windows)
    if windows:
        yield from _by_thread(job, windows)


@dataclass(frozen=True, slots=True)
class _Job:
    """What `tokenised` was asked for."""

    tokenizer: TextTokenizer
    texts: Sequence[str]
    max_tokens: int
    limits: BatchLimits

    def batches(self, window: NDArray[np.intp]) -> list[TokenBatch]:
        """Tokenise a window here and now."""
        return list(self.tokenizer.window(self.texts, window, self.max_tokens, self.limits))


def _by_thread(job: _Job, windows: deque[NDArray[np.intp]]) -> Iterator[TokenBatch]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as executor:
        ahead = executor.submit(job.batches, windows.popleft())
        while windows:
            batches = ahead.result()
            ahead = executor.submit(job.batches, windows.popleft())
            yield from batches
        yield from ahead.result()


def _by_processes(job: _Job, windows: deque[NDArray[np.intp]]) -> Iterator[TokenBatch]:
    """Take windows off and yield their batches, until none is left or there can be no processes."""
    from concurrent.futures.process import BrokenProcessPool

    from codesearch.processes import start_pool, usable_cores

    workers = min(job.limits.workers, usable_cores() - 1, len(windows) - 1)
    if workers < 2:
        return
    pool = start_pool(workers, prepare=_open_tokenizer, given=(job.tokenizer.directory,))
    if pool is None:
        return
    # The first window is tokenised here, while they start. A window leaves `running` when its batches are at hand
    # and nothing can fail any more before they are yielded.
    running: deque[tuple[NDArray[np.intp], Future[list[TokenBatch]] | None]] = deque([(windows.popleft(), None)])

    def submit() -> None:
        while windows and len(running) <= workers:
            mine = [job.texts[index] for index in windows[0]]
            future = pool.submit(_tokenise, mine, windows[0], job.max_tokens, job.limits)
            running.append((windows.popleft(), future))

    try:
        while running:
            submit()
            window, future = running[0]
            batches = job.batches(window) if future is None else future.result()
            running.popleft()
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
