"""The CPU encoder's throughput, and how much of what ONNX Runtime can do is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from codesearch.encoders.model_directory import find_model, read_model_directory
from codesearch.errors import InputError
from codesearch.processes import usable_cores
from codesearch.settings import turn_off_telemetry

__all__ = ["EncoderSpeed", "Spread", "measure_encoder"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one quantity."""

    median: float
    p95: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of `values`, of which there must be one at least."""
        return cls(float(np.median(values)), float(np.quantile(values, 0.95)), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class EncoderSpeed:
    """The CPU encoder against ONNX Runtime alone.

    Attributes:
        texts: How many texts were encoded.
        mean_tokens: Their mean length in tokens, special ones included.
        encoder_texts_per_second: From strings to vectors, by `Encoder.encode_document_batches`.
        bare_texts_per_second: ``InferenceSession.run`` alone on the very same batches of token ids, as many
            threads, the library's defaults otherwise; once by the batch (all threads on one batch) and once
            by the thread (each thread on a batch of its own).
        ratio: The first by the faster of the others; tokenising and sorting are in the first only.
    """

    texts: int
    mean_tokens: float
    encoder_texts_per_second: Spread
    bare_texts_per_second: dict[str, Spread]
    ratio: float


def measure_encoder(
    texts: Sequence[str], *, model: str | None = None, threads: int = 0, rounds: int = 5
) -> EncoderSpeed:
    """Time the CPU encoder and ONNX Runtime alone by turns on the same batches.

    By turns, because a shared machine's speed changes from minute to minute, and the ratio should not.

    Raises:
        InputError: There are no texts.
    """
    if not texts:
        raise InputError("there is nothing to encode: name a repository with code in it")
    from codesearch.encoders.onnx import OnnxEncoder

    directory = read_model_directory(find_model(model))
    threads = threads or usable_cores()
    encoder = OnnxEncoder(directory, threads=threads)
    batches = list(encoder.document_batches(texts))
    feeds = [batch.feeds() for batch in batches]
    together, alone = _bare_session(directory.onnx_file, threads), _bare_session(directory.onnx_file, 1)

    def encode() -> None:
        for _ in encoder.encode_document_batches(texts):
            pass

    def run_by_batch() -> None:
        for feed in feeds:
            together.run(["embedding"], feed)

    def run_by_thread() -> None:
        for _ in pool.map(partial(alone.run, ["embedding"]), feeds):
            pass

    contestants = {"encoder": encode, "by the batch": run_by_batch, "by the thread": run_by_thread}
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    with ThreadPoolExecutor(threads) as pool:
        for number in range(rounds + 1):
            for name, run in contestants.items():
                started = perf_counter()
                run()
                if number:  # the first round warms up
                    rates[name].append(len(texts) / (perf_counter() - started))
    spreads = {name: Spread.of(values) for name, values in rates.items()}
    ours = spreads.pop("encoder")
    tokens = sum(int(batch.lengths.sum()) for batch in batches)
    fastest = max(bare.median for bare in spreads.values())
    return EncoderSpeed(len(texts), tokens / len(texts), ours, spreads, ours.median / fastest)


def _bare_session(file: Path, threads: int) -> Any:
    turn_off_telemetry()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
