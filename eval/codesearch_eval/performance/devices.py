"""The encoder on a GPU against the encoder on a CPU: the same vectors, and how much faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from codesearch.encoders.model_directory import find_model, read_model_directory
from codesearch.errors import InputError
from codesearch_eval.markdown import markdown_table
from codesearch_eval.performance.throughput import Spread

__all__ = ["Agreement", "DeviceSpeed", "device_name", "devices_table", "measure_agreement", "measure_device"]

_COMPARED = 4_096


@dataclass(frozen=True, slots=True)
class Agreement:
    """How close the vectors of two encoders are, over the same texts.

    Attributes:
        texts: How many.
        mean: Mean cosine.
        least: Smallest cosine.
    """

    texts: int
    mean: float
    least: float


@dataclass(frozen=True, slots=True)
class DeviceSpeed:
    """Throughput of one device, from strings to vectors in memory.

    Attributes:
        device: What computed, by the name that its driver gives.
        precision: What it computed in.
        texts: How many texts.
        mean_tokens: Their mean length in tokens.
        texts_per_second: Of several rounds.
        tokenised_per_second: The tokenizer alone, batches made, on the machine's CPU.
        network_per_second: The network alone, batches ready in memory.
    """

    device: str
    precision: str
    texts: int
    mean_tokens: float
    texts_per_second: Spread
    tokenised_per_second: Spread
    network_per_second: Spread


def measure_agreement(texts: Sequence[str], device: str, *, model: str | None = None) -> dict[str, Agreement]:
    """Compare the vectors of a device with float32 and with the int8 network on the CPU.

    Raises:
        InputError: There are no texts.
        MissingExtra: PyTorch or safetensors is not installed.
    """
    if not texts:
        raise InputError("there is nothing to encode: name a repository with code in it")
    from codesearch.encoders.onnx import OnnxEncoder
    from codesearch.encoders.torch import TorchEncoder

    directory = read_model_directory(find_model(model))
    ours = TorchEncoder(directory, device=device).encode_documents(texts)
    others = {
        "float32, CPU": TorchEncoder(directory, device="cpu").encode_documents(texts),
        "int8, CPU": OnnxEncoder(directory).encode_documents(texts),
    }
    cosines = {name: np.einsum("nd,nd->n", ours, vectors) for name, vectors in others.items()}
    cosines["int8 against float32, CPU"] = np.einsum("nd,nd->n", *others.values())
    return {name: Agreement(len(texts), float(c.mean()), float(c.min())) for name, c in cosines.items()}


def measure_device(texts: Sequence[str], device: str, *, model: str | None = None, rounds: int = 5) -> DeviceSpeed:
    """Time a device's encoder over `texts`; the first round warms up and does not count.

    Raises:
        InputError: There are no texts.
        MissingExtra: PyTorch or safetensors is not installed.
    """
    if not texts:
        raise InputError("there is nothing to encode: name a repository with code in it")
    from codesearch.encoders.torch import TorchEncoder

    encoder = TorchEncoder(read_model_directory(find_model(model)), device=device)
    whole, tokenised, network = [], [], []
    for _ in range(rounds + 1):
        started = perf_counter()
        for _ in encoder.encode_document_batches(texts):
            pass
        whole.append(len(texts) / (perf_counter() - started))
        started = perf_counter()
        batches = list(encoder.document_batches(texts))
        tokenised.append(len(texts) / (perf_counter() - started))
        started = perf_counter()
        for _ in encoder.run_batches(iter(batches)):
            pass
        network.append(len(texts) / (perf_counter() - started))
    tokens = sum(int(batch.lengths.sum()) for batch in batches)
    return DeviceSpeed(
        device_name(device),
        encoder.precision,
        len(texts),
        tokens / len(texts),
        Spread.of(whole[1:]),
        Spread.of(tokenised[1:]),
        Spread.of(network[1:]),
    )


def devices_table(texts: Sequence[str], device: str, *, model: str | None = None) -> str:
    """Return both measurements as Markdown; the first 4,096 texts are compared, all are timed."""
    agreement = measure_agreement(texts[:_COMPARED], device, model=model)
    speed = measure_device(texts, device, model=model)
    rows = [[name, f"{a.texts:,}", f"{a.mean:.5f}", f"{a.least:.5f}"] for name, a in agreement.items()]
    rates = [speed.texts_per_second, speed.tokenised_per_second, speed.network_per_second]
    name = f"{speed.device}, {speed.precision}"
    return (
        markdown_table([f"{name} against", "texts", "mean cosine", "least cosine"], rows)
        + f"\n\n{speed.texts:,} texts of {speed.mean_tokens:.0f} tokens, median of {rates[0].runs} rounds:\n\n"
        + markdown_table(
            ["from strings to vectors/s", "tokenizer alone/s", "network alone/s"],
            [[f"{rate.median:,.0f} [{rate.low:,.0f}, {rate.high:,.0f}]" for rate in rates]],
        )
    )


def device_name(device: str) -> str:
    """Return the name that a device's driver gives it."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else device
