"""Tokenising ahead of the network: in a thread, or in processes where a GPU would wait for one.

One core cuts some 20,000 functions a second into tokens; an H100 encodes three times as many.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.batching import BatchLimits, TextTokenizer, TokenBatch
from codesearch.encoders.model_directory import ModelDirectory

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

__all__ = ["TokeniserProcesses", "tokenised"]

_PARALLEL_FROM: Final = 4
"""Whole windows from which starting processes (half a second) pays."""

_FIRST_WINDOWS: Final = 8
"""How often the first windows are smaller: a GPU waits for the first of them, and for nothing after it."""

_KEEP_SECONDS: Final = 10.0
"""How long processes without work are kept: longer than a block of an index takes to be stored."""


class TokeniserProcesses:
    """Processes that tokenise, kept from one block of texts to the next.

    They are started when they are first needed, and end after some seconds without work, or with this object.
    Processes that died once are not started again: what killed them would kill the next ones.

    Args:
        directory: Of the model whose tokenizer they load.
    """

    def __init__(self, directory: ModelDirectory) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._shutdown: weakref.finalize[..., TokeniserProcesses] | None = None
        self._users = 0
        self._failed = False
        self._idle: threading.Timer | None = None

    def take(self, workers: int) -> ProcessPoolExecutor | None:
        """Return the pool, of `workers` processes if it has to be started; None where there can be none.

        Whoever takes it gives it back, None included.
        """
        from codesearch.processes import start_pool

        with self._lock:
            self._users += 1
            self._end_wait()
            if self._pool is None and not self._failed:
                self._pool = start_pool(workers, prepare=_open_tokenizer, given=(self._directory,))
                self._failed = self._pool is None
                if self._pool is not None:
                    self._shutdown = weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
            return self._pool

    def give_back(self, *, broken: bool = False, keep: float = _KEEP_SECONDS) -> None:
        """Say that the pool is not used any more.

        Args:
            broken: One of its processes died.
            keep: Seconds after which it ends if nobody takes it again.
        """
        with self._lock:
            self._users -= 1
            if broken:
                self._failed = True
                self._end()
            elif self._pool is not None and not self._users:
                # Through a weak reference: the timer must not keep alive what ends the processes by going.
                self._idle = threading.Timer(keep, _end_if_idle, (weakref.ref(self),))
                self._idle.daemon = True
                self._idle.start()

    def end_if_idle(self) -> None:
        """End the processes unless somebody uses them."""
        with self._lock:
            if not self._users:
                self._end()

    def _end_wait(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end(self) -> None:
        self._end_wait()
        if self._shutdown is not None:
            self._shutdown()
        self._pool = self._shutdown = None


def _end_if_idle(reference: weakref.ref[TokeniserProcesses]) -> None:
    processes = reference()
    if processes is not None:
        processes.end_if_idle()


def tokenised(
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    max_tokens: int,
    limits: BatchLimits,
    processes: TokeniserProcesses | None = None,
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
        processes: To use where there are many windows; None to tokenise in a thread.
    """
    order = np.argsort(np.array([len(text) for text in texts], dtype=np.intp), kind="stable")
    many = limits.workers > 0 and len(texts) > (_PARALLEL_FROM - 1) * limits.window
    windows = deque(_windows(order, limits, many=many))
    job = _Job(tokenizer, texts, max_tokens, limits)
    if len(windows) < 2:  # a single question must not pay for a thread
        for window in windows:
            yield from job.batches(window)
        return
    if many and processes is not None:
        yield from _by_processes(job, windows, processes)
    if windows:
        yield from _by_thread(job, windows)


def _windows(order: NDArray[np.intp], limits: BatchLimits, *, many: bool) -> Iterator[NDArray[np.intp]]:
    """Cut `order` into windows; of many, as many as there may be processes begin with a part of their size."""
    start = 0
    small = limits.workers if many else 0
    while start < len(order):
        size = max(1, limits.window // _FIRST_WINDOWS) if small > 0 else limits.window
        yield order[start : start + size]
        start += size
        small -= 1


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


def _by_processes(job: _Job, windows: deque[NDArray[np.intp]], processes: TokeniserProcesses) -> Iterator[TokenBatch]:
    """Take windows off and yield their batches, until none is left or there can be no processes."""
    from concurrent.futures.process import BrokenProcessPool

    from codesearch.processes import usable_cores

    workers = min(job.limits.workers, usable_cores() - 1, len(windows) - 1)
    if workers < 2:
        return
    # The first window is tokenised here, while they start. A window leaves `running` when its batches are at hand
    # and nothing can fail any more before they are yielded.
    running: deque[tuple[NDArray[np.intp], Future[list[TokenBatch]] | None]] = deque()
    broken = False
    pool = processes.take(workers)

    def submit(pool: ProcessPoolExecutor) -> None:
        while windows and len(running) <= workers:
            mine = [job.texts[index] for index in windows[0]]
            future = pool.submit(_tokenise, mine, windows[0], job.max_tokens, job.limits)
            running.append((windows.popleft(), future))

    try:
        if pool is not None:
            running.append((windows.popleft(), None))
        while running and pool is not None:
            submit(pool)
            window, future = running[0]
            batches = job.batches(window) if future is None else future.result()
            running.popleft()
            yield from batches
    except BrokenProcessPool:
        broken = True
        windows.extendleft(window for window, _ in reversed(running))
    finally:
        for _, future in running:  # whoever took the batches has left before the end
            if future is not None:
                future.cancel()
        processes.give_back(broken=broken)


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
