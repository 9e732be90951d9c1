"""The optimizer, and the rate of each step."""

from __future__ import annotations

import math

import torch

from codesearch_train.loop.config import TrainConfig
from codesearch_train.network.model import Encoder

__all__ = ["build_optimizer", "learning_rate", "set_rate"]


def build_optimizer(encoder: Encoder, objective: torch.nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; matrices decay, biases, norms and the temperature do not."""
    matrices = [parameter for parameter in encoder.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in encoder.parameters() if parameter.dim() == 1]
    rate = config.learning_rate
    groups = [
        {"params": matrices, "peak": rate, "weight_decay": config.weight_decay},
        {"params": vectors, "peak": rate, "weight_decay": 0.0},
        {
            "params": list(objective.parameters()),
            "peak": config.temperature_learning_rate,
            "weight_decay": 0.0,
        },
    ]
    fused = next(encoder.parameters()).is_cuda
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, config.beta2), eps=1e-8, fused=fused)


def set_rate(optimizer: torch.optim.Optimizer, step: int, config: TrainConfig) -> None:
    """Set the rates of a step counted from 0."""
    share = learning_rate(step, config)
    for group in optimizer.param_groups:
        group["lr"] = share * group["peak"]


def learning_rate(step: int, config: TrainConfig) -> float:
    """Rate of a step counted from 0, as a share of the peak: linear warm-up, then a cosine."""
    warm = max(1, round(config.warmup * config.steps))
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, config.steps - warm)
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * min(1.0, done))) / 2
