"""Training over several processes, one per GPU, started by torchrun.

Every process encodes its part of the batch, all gather all vectors, and each computes the loss of the *whole*
batch. Its gradient with respect to the process's own vectors is then complete as it is: no gradient travels
back through the gather. What remains is to *sum* the encoder's gradients over the processes. (Averaging them,
as DistributedDataParallel does, or differentiating a gather that drops the other processes' share, gives
1/processes of the gradient; with Adam that goes unnoticed but for the weight decay and the clipping.) The
temperature's gradient is complete on every process already and is not summed.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["World", "gather_vectors", "sum_gradients"]


class World:
    """The processes of a run: rank, size and device. Without torchrun a world of one."""

    def __init__(self, device: str = "auto") -> None:
        """Join the processes that torchrun started.

        Args:
            device: "auto", "cpu", "cuda" or "cuda:1", ...
        """
        name = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self._joined = False
        if dist.is_available() and dist.is_torchelastic_launched() and not dist.is_initialized():
            dist.init_process_group("nccl" if name.startswith("cuda") else "gloo")
            self._joined = True
        together = dist.is_available() and dist.is_initialized()
        self.rank = dist.get_rank() if together else 0
        self.size = dist.get_world_size() if together else 1
        if name == "cuda":
            name = f"cuda:{dist.get_node_local_rank(fallback_rank=0)}"
        self.device = torch.device(name)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)

    def share(self, rows: int) -> slice:
        """Which of `rows` pairs of a batch are this process's own."""
        return slice(rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def shares(self, rows: int) -> list[int]:
        """How many of `rows` pairs of a batch each process has."""
        return [rows * (rank + 1) // self.size - rows * rank // self.size for rank in range(self.size)]

    def leave(self) -> None:
        """Leave the process group, if this object joined it."""
        if self._joined:
            dist.destroy_process_group()


def gather_vectors(own: Tensor, rows: list[int]) -> Tensor:
    """All processes' vectors; gradients flow into this process's own only.

    Args:
        own: [rows of this process, d].
        rows: Rows of each process.

    Returns:
        [sum of rows, d], in the order of the ranks.
    """
    if len(rows) == 1:
        return own
    widest = max(rows)
    padded = torch.nn.functional.pad(own.detach(), (0, 0, 0, widest - len(own)))
    gathered = [torch.empty_like(padded) for _ in rows]
    dist.all_gather(gathered, padded)
    parts = [part[:count] for part, count in zip(gathered, rows, strict=True)]
    parts[dist.get_rank()] = own
    return torch.cat(parts)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum gradients over the processes, in one message."""
    if not (dist.is_available() and dist.is_initialized()):
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))
