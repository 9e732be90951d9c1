"""What tests of several packages need: options, and a BERT that is small enough to be made on the spot."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest

collect_ignore = ["data"]
"""Among the data are small repositories, tests of their own included."""

TINY_CONFIG: dict[str, Any] = {
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 48,
    "model_type": "bert",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "type_vocab_size": 2,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written rather than compared; the diff is then reviewed in Git."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder of a random BERT: 2 layers of 32, one token for each letter."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("tiny-bert")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "parse", "json", "file"]
    tokens += [prefix + sign for sign in string.ascii_lowercase + string.digits for prefix in ("", "##")]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {**TINY_CONFIG, "vocab_size": len(tokens)}
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_random_weights(config), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _random_weights(config: dict[str, Any]) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    weights: dict[str, Any] = {}

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = draw.normal(1.0, 0.1, hidden)
        weights[f"{name}.bias"] = draw.normal(0.0, 0.1, hidden)

    def linear(name: str, rows: int, columns: int) -> None:
        weights[f"{name}.weight"] = draw.normal(0.0, 0.2, (rows, columns))
        weights[f"{name}.bias"] = draw.normal(0.0, 0.1, rows)

    for table, size in (
        ("word", "vocab_size"),
        ("position", "max_position_embeddings"),
        ("token_type", "type_vocab_size"),
    ):
        weights[f"embeddings.{table}_embeddings.weight"] = draw.normal(0.0, 0.5, (config[size], hidden))
    norm("embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            linear(f"{name}.attention.self.{part}", hidden, hidden)
        linear(f"{name}.attention.output.dense", hidden, hidden)
        norm(f"{name}.attention.output.LayerNorm")
        linear(f"{name}.intermediate.dense", inner, hidden)
        linear(f"{name}.output.dense", hidden, inner)
        norm(f"{name}.output.LayerNorm")
    return {key: value.astype(np.float32) for key, value in weights.items()}
