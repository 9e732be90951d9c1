"""The encoder for CPUs: ONNX Runtime on int8 weights. The only module that imports onnxruntime.

Every choice here was measured; docs/design/encoding.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders.batching import BatchLimits, TextTokenizer, TokenBatch
from codesearch.encoders.model_directory import ModelDirectory
from codesearch.encoders.transformer import TransformerEncoder
from codesearch.errors import ModelError
from codesearch.processes import usable_cores
from codesearch.settings import turn_off_telemetry

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from onnxruntime import InferenceSession

__all__ = ["OnnxEncoder"]

_LIMITS = BatchLimits(tokens=1024, rows=64, window=2048, even_rows=16)
"""Activations of 1,024 tokens stay near a core's share of the cache; larger batches are no faster, and 2,048
take 86 MiB more on two cores."""


class OnnxEncoder(TransformerEncoder):
    """Encodes on the CPU, one batch per core at a time.

    Each batch is computed by one thread and several batches run side by side. Splitting one batch over
    threads instead makes them wait for each other at each of some hundred operators, which costs a tenth
    on idle cores and far more on busy ones, or burns a core in spinning.

    Args:
        directory: The model.
        threads: Cores to use; 0 for all that this process may use.

    Raises:
        ModelError: A file is missing or damaged, or the network does not give vectors of the dimension
            that the recipe names.
    """

    def __init__(self, directory: ModelDirectory, *, threads: int = 0) -> None:
        workers = threads or usable_cores()
        self._session = _open_session(directory)
        self._workers = workers
        self._executor: Executor | None = None
        super().__init__(directory, TextTokenizer(directory), _LIMITS, in_flight=2 * workers)

    @property
    def precision(self) -> str:
        """What it computes in; no part of `model_id`, but of every measurement."""
        return "int8"

    def _run(self, batch: TokenBatch) -> NDArray[np.float32]:
        (vectors,) = self._session.run(["embedding"], batch.feeds())
        return np.asarray(vectors, dtype=np.float32)

    def _start(self, batch: TokenBatch) -> Callable[[], NDArray[np.float32]]:
        if self._workers == 1:
            return partial(np.asarray, self._run(batch))
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix="encode")
        return self._executor.submit(self._run, batch).result


def _open_session(directory: ModelDirectory) -> InferenceSession:
    if not directory.onnx_file.is_file():
        raise directory.damaged(directory.onnx_file, FileNotFoundError("no such file"))
    turn_off_telemetry()
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The graph was written in its final form (codesearch_train.graph.onnx_graph): optimising it again takes four
    # fifths of the time to open it, and fuses operators into slower ones.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(directory.onnx_file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class but this one
        raise directory.damaged(directory.onnx_file, error) from error
    dimension = session.get_outputs()[0].shape[-1]
    if dimension != directory.recipe.dimension:
        raise ModelError(
            f"{directory.onnx_file} gives vectors of length {dimension}, and codesearch.json says "
            f"{directory.recipe.dimension}: export the model again with `codesearch-train export`"
        )
    return session
