"""The batches of a run, one after another, epoch after epoch."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from codesearch_train.corpus.token_files import Pairs
from codesearch_train.loop.batches import epoch_batches
from codesearch_train.loop.config import TrainConfig

__all__ = ["Epochs"]


class Epochs:
    """Yields batches; the order of the next epoch is drawn in a thread, as sorting millions takes seconds.

    Args:
        pairs: All training pairs.
        config: As for `epoch_batches`.
        neighbours: As for `epoch_batches`.
    """

    def __init__(self, pairs: Pairs, config: TrainConfig, neighbours: NDArray[np.int32] | None) -> None:
        self._drawn_from = (pairs, config, neighbours)
        self._epoch, self._place = 0, 0
        self._order: NDArray[np.int64] | None = None
        self._planner = ThreadPoolExecutor(1)
        self._planned: Future[NDArray[np.int64]] | None = None

    @property
    def position(self) -> tuple[int, int]:
        """Number of the epoch, and how many of its batches were taken; setting it goes on from there."""
        return self._epoch, self._place

    @position.setter
    def position(self, position: tuple[int, int]) -> None:
        self._epoch, self._place = position
        self._order = self._planned = None

    def next_batch(self) -> NDArray[np.int64]:
        """[batch_size] rows of the pairs; the next epoch is drawn when one ends."""
        if self._order is not None and self._place == len(self._order):
            self._epoch, self._place, self._order = self._epoch + 1, 0, None
        if self._order is None:
            planned = self._planned or self._plan(self._epoch)
            self._order, self._planned = planned.result(), self._plan(self._epoch + 1)
        self._place += 1
        batch: NDArray[np.int64] = self._order[self._place - 1]
        return batch

    def _plan(self, epoch: int) -> Future[NDArray[np.int64]]:
        pairs, config, neighbours = self._drawn_from
        return self._planner.submit(epoch_batches, pairs, config, epoch, neighbours)
