"""What a run tells whoever watches it, and the sums behind the lines."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from codesearch.errors import InputError
from codesearch_train.loop.objective import Outcome

__all__ = ["Evaluation", "Meter", "Progress", "SavedModel"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps since the last such line.

    Attributes:
        step: Steps done, of `steps`.
        loss: Mean over the steps; so is `accuracy` (of texts whose own code is the nearest of the batch).
        pairs_per_second: Over all processes, as are `tokens_per_second`.
        utilisation: Model FLOPs (recomputation not counted) per second over the peak of the GPUs; None where
            the peak is not known.
        learning_rate: Of the last step.
        temperature: After the last step.
        memory: Largest GPU memory allocated so far, in GiB; 0 on a CPU.
    """

    step: int
    steps: int
    loss: float
    accuracy: float
    pairs_per_second: float
    tokens_per_second: float
    utilisation: float | None
    learning_rate: float
    temperature: float
    memory: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """MRR in percent on the development sets: by set, by pool."""

    step: int
    figures: dict[str, dict[str, float]]
    mean: float
    best: bool


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model folder or checkpoint was written."""

    step: int
    path: Path
    what: str


@dataclass(slots=True)
class Meter:
    """Sums since the last progress line; losses stay on the device until it is drawn, as reading them waits."""

    started: float = field(default_factory=time.perf_counter)
    steps: int = 0
    pairs: int = 0
    tokens: int = 0
    flops: float = 0.0
    loss: Tensor | float = 0.0
    accuracy: Tensor | float = 0.0

    def count(self, outcome: Outcome, *, pairs: int, tokens: int, flops: float) -> None:
        """Add a step.

        Args:
            outcome: What its batch gave.
            pairs: Pairs of the batch, over all processes; so are the next two.
            tokens: Tokens of its sequences, special ones included.
            flops: Floating-point operations of a forward pass.
        """
        self.steps += 1
        self.pairs += pairs
        self.tokens += tokens
        self.flops += 3 * flops  # the backward pass takes two more
        self.loss = self.loss + outcome.loss.detach()
        self.accuracy = self.accuracy + outcome.accuracy

    def read(
        self, step: int, steps: int, *, rate: float, temperature: float, device: torch.device, processes: int
    ) -> Progress:
        """Return the line of what was counted.

        Raises:
            InputError: if the loss is not a number any more.
        """
        loss, accuracy = float(self.loss) / self.steps, float(self.accuracy) / self.steps
        if not math.isfinite(loss):
            raise InputError(f"the loss is {loss} at step {step}: lower learning_rate")
        seconds = time.perf_counter() - self.started
        peak = _peak_flops(device)
        return Progress(
            step=step,
            steps=steps,
            loss=loss,
            accuracy=accuracy,
            pairs_per_second=self.pairs / seconds,
            tokens_per_second=self.tokens / seconds,
            utilisation=self.flops / seconds / peak / processes if peak else None,
            learning_rate=rate,
            temperature=temperature,
            memory=torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0,
        )


_PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12, "L4": 121e12}
"""Dense bf16 FLOP/s of the vendor's data sheets; SXM forms."""


def _peak_flops(device: torch.device) -> float | None:
    """Peak of the device, None where it is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for key, peak in _PEAK_FLOPS.items() if key in name), None)
