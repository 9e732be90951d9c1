"""Every hyper-parameter of a training run, read from a small TOML file.

A run is a `TrainConfig`; nothing else steers it. `read_config` refuses keys that it does not know, so that
a misspelt hyper-parameter cannot silently keep its default.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from codesearch.errors import InputError

__all__ = ["Distillation", "TrainConfig", "for_device", "override", "read_config"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Distillation:
    """How much of the loss comes from a teacher. All weights 0: plain contrastive training."""

    teachers: tuple[str, ...] = ()
    """Folders of the teachers, Hugging Face encoders; the mean of their similarities is learned. Empty: none."""
    vectors: str = ""
    """File that keeps the teachers' vectors of all pairs for the next student: written if missing. Empty: none."""
    cosine: float = 1.0
    """Weight of 1 - cos(student vector, teacher vector); of a wider teacher the leading dimensions count. Takes one
    teacher."""
    similarity: float = 1.0
    """Weight of KL(teacher || student) between the rows of the in-batch similarity matrices."""
    temperature: float = 0.05
    """Temperature of both similarity matrices in that KL."""
    contrastive: float = 1.0
    """Weight of the contrastive loss beside the two."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run. The defaults are those of the shipped 6-layer encoder."""

    # --- what is trained, on what ---
    name: str = "run"
    """Run directory below `runs`."""
    runs: str = "runs"
    data: tuple[str, ...] = ("corpus/tokens",)
    """Directories written by ``codesearch-train tokenize``, or files of pairs (``.jsonl``, ``.jsonl.gz``), which are
    tokenised when the run starts. What is not in the working directory is looked for beside the TOML file."""
    initial: str = "all-MiniLM-L6-v2"
    """Folder or hub name of a BERT-family encoder; "" trains from nothing (then `shape` counts)."""
    layers: tuple[int, ...] = ()
    """Which layers of `initial` to keep, in this order; repeats are allowed. Empty: all."""
    shape: tuple[int, int, int] = (6, 384, 12)
    """Layers, width and heads of an encoder trained from nothing."""
    pooling: str = "mean"
    """"mean" over all tokens, special tokens included, or "cls"."""
    kinds: Mapping[str, float] = field(default_factory=dict)
    """Share of the pairs of a kind that an epoch draws, such as {name = 0.5}; kinds not named: 1.0.
    Above 1 the pairs are drawn more than once an epoch."""

    # --- the batch ---
    batch_size: int = 8192
    """Pairs in a step over all processes: every other pair of the batch is a negative."""
    text_tokens: int = 64
    """Texts are cut to this many tokens, special tokens included."""
    code_tokens: int = 160
    """Code is cut to this many tokens, special tokens included."""
    mates: float = 0.3
    """Share of the pairs that come in groups from one repository, as hard negatives that look like use."""
    mates_group: int = 16
    """Pairs in such a group."""
    one_language: float = 0.5
    """Share of the batches that hold a single language."""
    neighbours: str = ""
    """File written by ``codesearch-train mine``: groups are then formed of nearest neighbours instead of
    repository-mates."""

    # --- the objective ---
    temperature: float = 0.05
    """Initial temperature of the softmax; learned from there."""
    minimum_temperature: float = 0.01
    matryoshka: tuple[int, ...] = ()
    """Leading dimensions that must be usable on their own, such as [128, 256, 384]. Empty: the full width only."""
    false_negative_margin: float = 0.0
    """A negative more similar than the positive by over this cosine is taken for an unlabelled positive and
    masked. 0 switches the guard off; duplicates are masked always."""

    # --- against learning the pairs by heart ---
    dropout: float = 0.0
    """Share of what each sublayer adds that is dropped in training (Srivastava et al., 2014; BERT has 0.1)."""
    token_masking: float = 0.0
    """Share of the tokens that training sees as [MASK]; a teacher sees them all."""

    # --- so that little is lost in 8 bits ---
    quantisation_aware: bool = False
    """Train, and evaluate, with the activations rounded as in the exported int8 graph."""
    outlier_penalty: float = 0.0
    """Weight, in the loss, of how far activations lie out (`quantisation.outlying`), as a mean over tokens."""

    # --- the optimizer ---
    learning_rate: float = 2e-4
    temperature_learning_rate: float = 2e-3
    """Of the log temperature, a single number that would hardly move at the weights' rate."""
    weight_decay: float = 0.01
    beta2: float = 0.98
    """Below AdamW's 0.999 because runs are a few thousand steps long."""
    clip_norm: float = 1.0
    warmup: float = 0.05
    """Share of the steps with a linearly rising rate; a cosine to `final_rate` follows."""
    final_rate: float = 0.02
    """Learning rate at the end, as a share of `learning_rate`."""
    steps: int = 2000
    epochs: float = 0.0
    """How often each drawn pair is seen; `steps` is then the most. 0: `steps` alone counts."""
    seed: int = 0

    # --- speed and memory ---
    max_tokens: int | str = "auto"
    """Tokens in one forward pass; "auto" chooses by device and, on a GPU, by its free memory."""
    keep_tokens: int | str = "auto"
    """Tokens whose activations are held at once. What exceeds it is embedded without a graph and encoded a
    second time in the backward pass (GradCache). "auto": as much as fits; 0: everything twice."""
    precision: str = "auto"
    """"bf16", "fp32" or "auto" (bf16 on a GPU). Master weights and optimizer state are float32 always."""
    compile: bool | str = "auto"
    """torch.compile; "auto": on a GPU only."""
    device: str = "auto"

    # --- development data, checkpoints, progress ---
    development: tuple[str, ...] = ()
    """Files written by ``codesearch-train tokenize --development``; their mean MRR chooses the best checkpoint."""
    evaluate_every: int = 500
    checkpoint_every: int = 500
    log_every: int = 20
    minutes: float = 0.0
    """Stop after so many minutes with a checkpoint. 0: run to the last step."""
    initial_share: float = 0.0
    """Share of the initial weights in the delivered average (0.15 helped out-of-domain questions)."""
    tensorboard: bool = True

    distillation: Distillation = field(default_factory=Distillation)

    cpu: Mapping[str, Any] = field(default_factory=dict)
    """Keys that have other values where there is no GPU, such as {batch_size = 128}."""

    def __post_init__(self) -> None:
        _check(self)


def _check(config: TrainConfig) -> None:
    """Refuse values that would fail, or silently mean nothing, hours later.

    Raises:
        InputError: naming the key and what it may be.
    """
    rules = [
        (
            config.batch_size >= 2,
            "batch_size must be at least 2: the other pairs of a batch are the negatives",
        ),
        (
            config.text_tokens >= 3 and config.code_tokens >= 3,
            "text_tokens and code_tokens must be at least 3",
        ),
        (
            0 <= config.mates <= 1 and 0 <= config.one_language <= 1,
            "mates and one_language are shares from 0 to 1",
        ),
        (
            0 <= config.dropout < 1 and 0 <= config.token_masking < 1,
            "dropout and token_masking are shares from 0 to below 1",
        ),
        (config.outlier_penalty >= 0, "outlier_penalty must not be negative"),
        (config.mates_group >= 1, "mates_group must be at least 1"),
        (
            0 < config.minimum_temperature <= config.temperature,
            "minimum_temperature must be in (0, temperature]",
        ),
        (config.steps >= 1, "steps must be at least 1"),
        (config.epochs >= 0, "epochs must not be negative"),
        (config.learning_rate > 0, "learning_rate must be positive"),
        (0 <= config.warmup < 1, "warmup is a share of the steps, from 0 to below 1"),
        (0 <= config.initial_share < 1, "initial_share is a share from 0 to below 1"),
        (config.pooling in ("mean", "cls"), 'pooling must be "mean" or "cls"'),
        (config.precision in ("auto", "bf16", "fp32"), 'precision must be "auto", "bf16" or "fp32"'),
        (config.compile in (True, False, "auto"), 'compile must be true, false or "auto"'),
        (_is_count(config.max_tokens, 1), 'max_tokens must be a positive number or "auto"'),
        (_is_count(config.keep_tokens, 0), 'keep_tokens must be a number or "auto"'),
        (
            not isinstance(config.max_tokens, int) or config.max_tokens >= max(config.text_tokens, config.code_tokens),
            "max_tokens must hold at least one text and one function: raise it, or lower code_tokens",
        ),
        (all(share >= 0 for share in config.kinds.values()), "the shares in kinds must not be negative"),
        (
            len(config.distillation.teachers) < 2 or not config.distillation.cosine,
            "distillation.cosine takes one teacher: set it to 0 with several",
        ),
        (
            min(config.evaluate_every, config.checkpoint_every, config.log_every) >= 1,
            "*_every must be at least 1",
        ),
    ]
    for holds, sentence in rules:
        if not holds:
            raise InputError(f"training configuration: {sentence}")


def _is_count(value: int | str, least: int) -> bool:
    return value == "auto" or (isinstance(value, int) and value >= least)


def read_config(path: Path) -> TrainConfig:
    """Read a run's configuration.

    Args:
        path: A TOML file whose keys are the fields of `TrainConfig`.

    Raises:
        InputError: if the file cannot be read, or holds an unknown key or a value of the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); name a TOML file such as train/configs/minilm.toml"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML ({error}); mend that line") from error
    config = _build(TrainConfig, table, str(path))
    for_device(config, "cpu")  # what is wrong there is said on a GPU, too
    data = tuple(_beside(entry, path.parent) for entry in config.data)
    return dataclasses.replace(config, data=data)


def _beside(entry: str, folder: Path) -> str:
    """`entry` where it is; beside the TOML file where it is there only."""
    there = folder / entry
    return str(there) if there.exists() and not Path(entry).exists() else entry


def for_device(config: TrainConfig, device: str) -> TrainConfig:
    """The configuration as it counts on a device.

    Args:
        config: Of the run.
        device: "cpu", "cuda", ...

    Raises:
        InputError: if `cpu` holds an unknown key or a value of the wrong type.
    """
    if not config.cpu:
        return config
    changes = dict(config.cpu) if device == "cpu" else {}
    return _build(TrainConfig, _merge(dataclasses.asdict(config), {**changes, "cpu": None}), "[cpu]")


def override(config: TrainConfig, assignments: list[str]) -> TrainConfig:
    """Apply ``key=value`` assignments of a command line; the value is TOML, or a bare string.

    Raises:
        InputError: if an assignment has no "=", an unknown key or a value of the wrong type.
    """
    table: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment}: write it as key=value")
        target = table
        *parents, leaf = key.strip().split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        try:
            target[leaf] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            target[leaf] = value
    # What the command line says counts on every device.
    kept = {key: value for key, value in config.cpu.items() if key not in table}
    return _build(TrainConfig, _merge({**dataclasses.asdict(config), "cpu": kept}, table), "--set")


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if nested else value
    return merged


def _build(kind: type[_T], table: Mapping[str, Any], source: str) -> _T:
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(table) - set(hints))
    if unknown:
        raise InputError(f"{source}: unknown key {unknown[0]!r}; known are {', '.join(hints)}")
    return kind(**{key: _convert(hints[key], value, f"{source}: {key}") for key, value in table.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    """`value` as `hint` asks for; TOML knows no tuples and writes 1 for 1.0."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _build(hint, value, where)
    if origin is tuple and isinstance(value, list | tuple):
        fixed = arguments[-1] is not Ellipsis
        if fixed and len(value) != len(arguments):
            raise InputError(f"{where} takes {len(arguments)} values, not {len(value)}")
        return tuple(_convert(arguments[0], item, where) for item in value)
    if hint is Any:
        return value
    if origin is Mapping and value is None:
        return {}
    if origin is Mapping and isinstance(value, dict):
        return {str(key): _convert(arguments[1], item, where) for key, item in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    allowed = arguments if origin is types.UnionType else (hint,)
    if type(value) not in allowed:
        names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
        raise InputError(f"{where} must be {names}, not {value!r}")
    return value
