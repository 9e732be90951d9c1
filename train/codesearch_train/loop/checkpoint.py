"""Checkpoints from which a run goes on exactly: weights, optimizer, place in the data, random state."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import torch

from codesearch.errors import InputError
from codesearch_train.loop.config import TrainConfig

__all__ = ["read_checkpoint", "write_checkpoint"]

_MAY_CHANGE = {
    *(
        "name",
        "runs",
        "data",
        "development",
        "neighbours",
        "device",
        "minutes",
        "tensorboard",
        "initial_share",
        "cpu",
        "epochs",
    ),
    *("max_tokens", "keep_tokens", "compile", "log_every", "evaluate_every", "checkpoint_every"),
}
"""What a run may change when it goes on. The number of pairs is checked instead of `data`."""


def write_checkpoint(path: Path, config: TrainConfig, state: dict[str, Any]) -> None:
    """Write a checkpoint; the one before stays until this one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    torch.save({"config": _identity(config), **state}, partial)
    partial.replace(path)


def read_checkpoint(path: Path, config: TrainConfig, *, pairs: int, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint of the same configuration.

    Args:
        path: Written by `write_checkpoint`.
        config: Of the run that wants to go on.
        pairs: Number of training pairs of that run.
        device: Where tensors go.

    Raises:
        InputError: if the file is damaged, or was written under another configuration or other data.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: damaged; delete it to start anew ({error.__class__.__name__})") from error
    if not isinstance(state, dict) or not {"config", "encoder", "optimizer", "pairs"} <= state.keys():
        raise InputError(f"{path} is a checkpoint of another program: move it away, or give the run another name")
    theirs, ours = state.get("config", {}), _identity(config)
    differing = sorted(key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key))
    if differing:
        key = differing[0]
        raise InputError(
            f"{path} is of another configuration ({key} was {theirs.get(key)!r}, is {ours.get(key)!r}): "
            "restore it, or give the run another name"
        )
    if state["pairs"] != pairs:
        raise InputError(
            f"{path} was written with {state['pairs']:,} pairs, there are {pairs:,}: give the run another name"
        )
    return state


def _identity(config: TrainConfig) -> dict[str, Any]:
    """What must be equal for a run to go on, in types that a checkpoint can hold."""
    values = dataclasses.asdict(config)
    del values["distillation"]["vectors"]  # where they are kept changes nothing
    return {key: _plain(value) for key, value in values.items() if key not in _MAY_CHANGE}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
