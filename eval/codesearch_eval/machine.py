"""What a figure was measured on and with: processor, accelerator, versions, commit."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import codesearch

__all__ = ["Machine", "Software", "describe_machine", "describe_software"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer.

    Attributes:
        cpu: The processor's name.
        cores: Logical cores that this process may use.
        memory_gib: Physical memory in GiB; 0.0 where it cannot be told.
        gpu: Name of the first NVIDIA GPU; "" without one.
        system: Operating system and architecture.
    """

    cpu: str
    cores: int
    memory_gib: float
    gpu: str
    system: str


@dataclass(frozen=True, slots=True)
class Software:
    """The programs.

    Attributes:
        codesearch: Version of the package.
        commit: Commit of the work tree that the package runs from, "+" appended where files were changed;
            "" where it runs from an installation.
        python: Version of Python.
        libraries: Versions of the libraries that figures may depend on, of those that are installed.
    """

    codesearch: str
    commit: str
    python: str
    libraries: dict[str, str]


def describe_machine() -> Machine:
    """Return what this computer is."""
    return Machine(
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=_memory_gib(),
        gpu=_gpu_name(),
        system=f"{platform.system()} {platform.machine()}",
    )


def describe_software() -> Software:
    """Return what runs here."""
    libraries = {}
    for name in (
        "numpy",
        "onnxruntime",
        "tokenizers",
        "torch",
        "transformers",
        "sentence-transformers",
        "bm25s",
    ):
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue
    return Software(codesearch.__version__, _commit(), platform.python_version(), libraries)


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.processor() or platform.machine()  # no /proc: not Linux
    return platform.processor() or platform.machine()  # not x86


def _memory_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return 0.0


def _gpu_name() -> str:
    if shutil.which("nvidia-smi") is None:
        return ""
    return _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").partition("\n")[0]


def _commit() -> str:
    here = Path(__file__).resolve().parent
    top = _output("git", "-C", str(here), "rev-parse", "--show-toplevel")
    # An installation inside somebody else's work tree must not be given that tree's commit.
    if not top or Path(top) / "eval" / "codesearch_eval" != here:
        return ""
    commit = _output("git", "-C", top, "rev-parse", "HEAD")
    changed = _output("git", "-C", top, "status", "--porcelain", "--untracked-files=no")
    return commit + ("+" if changed else "")


def _output(*command: str) -> str:
    """Return what `command` prints, stripped; "" where it fails or does not exist."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
