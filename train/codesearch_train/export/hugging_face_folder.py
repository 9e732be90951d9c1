"""A model directory of ours -> a Hugging Face folder, which sentence-transformers and other libraries load as it is.

codesearch-train export --hugging-face codesearch/models/mine exported
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from codesearch.encoders.graph_weights import read_float_weights
from codesearch.encoders.model_directory import Recipe, find_model, read_model_directory
from codesearch.errors import InputError

__all__ = ["export_hugging_face"]


def export_hugging_face(model: str | Path, target: Path) -> None:
    """Write config.json, tokenizer.json, model.safetensors (float32) and the files of sentence-transformers.

    The weights are what the 8-bit graph computes with, to the last bit.

    Args:
        model: A model directory, or the name of a shipped model.
        target: A folder that does not exist, or is empty.

    Raises:
        ModelError: The model cannot be read.
        InputError: The target is in the way.
    """
    from safetensors.numpy import save_file

    directory = read_model_directory(find_model(model))
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise InputError(f"{target} is there already: choose another folder, or remove it")
    config = {**directory.read_config(), "torch_dtype": "float32"}
    weights = read_float_weights(directory)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        draft = Path(scratch) / "model"
        draft.mkdir()
        save_file(weights, draft / "model.safetensors", metadata={"format": "pt"})
        (draft / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        shutil.copy(directory.tokenizer_file, draft)
        card = directory.path / "README.md"
        if card.is_file():
            shutil.copy(card, draft)
        _write_sentence_transformers_files(draft, directory.recipe)
        if target.exists():
            target.rmdir()
        draft.rename(target)


def _write_sentence_transformers_files(draft: Path, recipe: Recipe) -> None:
    """Write what lets sentence-transformers, and through it many other tools, load the folder as it is."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    files: dict[str, Any] = {
        "modules.json": [
            {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for index, (path, kind) in enumerate(modules)
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": recipe.dimension,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": recipe.max_document_tokens, "do_lower_case": False},
        "config_sentence_transformers.json": {"similarity_fn_name": "cosine"},
        "tokenizer_config.json": {
            # Not BertTokenizer, which would put its own text preparation in place of tokenizer.json's.
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": recipe.max_document_tokens,
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "mask_token": "[MASK]",
        },
    }
    for path, content in files.items():
        (draft / path).parent.mkdir(exist_ok=True)
        (draft / path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
