"""Which device to encode on, found out without importing PyTorch where that can be avoided.

Importing PyTorch takes seconds. Somebody who has it installed for other work, on a machine without
a GPU, must not pay for it at every question: so the cheap signs are read first.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from codesearch.errors import MissingExtra, ModelError

__all__ = ["DEVICES", "likely_gpu", "pick_device"]

DEVICES = ("auto", "cpu", "cuda", "mps")

_NVIDIA_DRIVER_FILES = (
    Path("/dev/nvidiactl"),  # Linux, containers included
    Path("/dev/dxg"),  # Windows Subsystem for Linux
    Path("C:/Windows/System32/nvcuda.dll"),
)


def pick_device(device: str) -> str:
    """Turn what the user asked for into ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises:
        ModelError: `device` is unknown, or was asked for and is not there.
        MissingExtra: `device` was asked for, and PyTorch is not installed.
    """
    if device not in DEVICES:
        raise ModelError(f"there is no device {device!r}: choose one of {', '.join(DEVICES)}")
    if device == "auto":
        return _best_device()
    if device == "cpu":
        return "cpu"
    if find_spec("torch") is None:
        raise MissingExtra(f"device {device!r} needs PyTorch: pip install 'codesearch-nl[gpu]', or use --device cpu")
    if not _works(device):
        raise ModelError(
            f"PyTorch finds no {device} device here: use --device cpu, or check the driver and that "
            f"the installed PyTorch is a build for {device}"
        )
    return device


def _best_device() -> str:
    candidate = likely_gpu()
    if candidate is not None and find_spec("torch") is not None and _works(candidate):
        return candidate
    return "cpu"


def likely_gpu() -> str | None:
    """Name the GPU that this machine seems to have, by signs that cost microseconds."""
    if sys.platform == "darwin":
        import platform

        return "mps" if platform.machine() == "arm64" else None
    return "cuda" if any(path.exists() for path in _NVIDIA_DRIVER_FILES) else None


def _works(device: str) -> bool:
    from codesearch.encoders.torch import device_is_available

    return device_is_available(device)
