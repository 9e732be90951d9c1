"""How many tokens fit: automatic settings, and what to say when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.loop.batches import SubBatch
from codesearch_train.loop.config import TrainConfig

__all__ = ["choose_keep_tokens", "choose_max_tokens", "name_the_setting"]

GPU_TOKENS = 262_144
"""Large enough that launching kernels takes less time than running them."""
CPU_TOKENS = 8_192
EVERYTHING = 2**62


def choose_max_tokens(config: TrainConfig, device: torch.device) -> int:
    """Tokens of a forward pass."""
    if config.max_tokens != "auto":
        return int(config.max_tokens)
    if device.type != "cuda":
        return CPU_TOKENS
    # A layer's activations take some 30 bytes a hidden unit and token; a sub-batch may take a quarter of memory.
    _, total = torch.cuda.mem_get_info(device)
    return max(4096, min(GPU_TOKENS, total // 3 // 100_000))


def choose_keep_tokens(
    encode: Callable[[SubBatch], Tensor],
    pieces: Sequence[SubBatch],
    config: TrainConfig,
    device: torch.device,
) -> int:
    """Tokens whose activations fit at once, measured with one forward and backward pass.

    Args:
        encode: Sub-batch -> vectors, with a graph.
        pieces: The sub-batches of a batch.
        config: `batch_size` and `matryoshka` tell what the loss needs.
        device: Where it runs.
    """
    if device.type != "cuda":
        return EVERYTHING
    piece = max(pieces, key=lambda piece: piece.tokens)
    encode(piece).sum().backward()  # type: ignore[no-untyped-call]  # compiles, and allocates the gradients
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    vectors = encode(piece)
    held = torch.cuda.memory_allocated(device) - before
    vectors.sum().backward()  # type: ignore[no-untyped-call]
    peak = torch.cuda.max_memory_allocated(device) - before
    torch.cuda.reset_peak_memory_stats(device)
    free, _ = torch.cuda.mem_get_info(device)
    reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    similarity_matrices = 10 * 4 * config.batch_size**2 * max(1, len(config.matryoshka))
    # Close to the limit the allocator frees and asks again at every step: a run at 0.85 was 2.5 times slower.
    usable = 0.7 * (free + reserved) - similarity_matrices - (peak - held)
    return max(0, int(usable / (held / piece.tokens)))


@contextmanager
def name_the_setting(config: TrainConfig) -> Iterator[None]:
    """Turn an out-of-memory error, of a GPU or of the machine, into a sentence that says what to lower."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"the GPU is out of memory: set keep_tokens = 0, then lower max_tokens (now {config.max_tokens}) or "
            f'batch_size (now {config.batch_size}); max_tokens = "auto" finds one'
        ) from error
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and _REFUSED not in str(error):
            raise
        raise InputError(
            f"the machine is out of memory: lower batch_size (now {config.batch_size}) or code_tokens (now "
            f"{config.code_tokens}), or set keep_tokens = 0"
        ) from error


_REFUSED = "DefaultCPUAllocator: can't allocate memory"
"""How PyTorch says that the system gave it no memory, in an error of no type of its own."""
