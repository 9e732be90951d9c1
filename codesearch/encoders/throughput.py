"""How fast an encoder is, and how much of its time is not the network's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from codesearch.encoders.transformer import TransformerEncoder

__all__ = ["Throughput", "measure_throughput"]


@dataclass(frozen=True, slots=True)
class Throughput:
    """What one measurement found.

    Attributes:
        texts: Documents encoded.
        tokens: Their tokens, special ones included, padding left out.
        padding: Share of padding among all that the network computed, 0 to 1.
        seconds: Texts in, vectors out: the best of the repeats.
        network_seconds: The network alone, run in the same way on the same batches: the best of the repeats.
    """

    texts: int
    tokens: int
    padding: float
    seconds: float
    network_seconds: float

    @property
    def texts_per_second(self) -> float:
        """Documents a second, tokenising included."""
        return self.texts / self.seconds

    @property
    def overhead(self) -> float:
        """What is added to the network's time: 0.1 means a tenth."""
        return self.seconds / self.network_seconds - 1


def measure_throughput(encoder: TransformerEncoder, texts: Sequence[str], *, repeats: int = 3) -> Throughput:
    """Encode `texts` as documents, and run the network alone on the same batches, by turns.

    The first run of each, which warms up allocators and kernels, is not counted.
    """
    batches = list(encoder.document_batches(texts))
    tokens = sum(int(batch.attention_mask.sum()) for batch in batches)
    computed = sum(batch.attention_mask.size for batch in batches)
    whole: list[float] = []
    network: list[float] = []
    for _ in range(repeats + 1):
        start = perf_counter()
        for _batch in encoder.run_batches(iter(batches)):
            pass
        middle = perf_counter()
        for _batch in encoder.encode_document_batches(texts):
            pass
        network.append(middle - start)
        whole.append(perf_counter() - middle)
    return Throughput(len(texts), tokens, 1 - tokens / computed, min(whole[1:]), min(network[1:]))
