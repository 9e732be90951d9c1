"""A trained Hugging Face folder -> the model directory that codesearch ships.

The target gets an int8 ONNX graph, the tokenizer, the recipe with the model's id, and a model card. Weights are
rounded once and stored once: a GPU multiplies the graph's 8-bit steps by their scales, so that an index made on a GPU
and a question asked on a CPU differ by the rounding of activations alone. All is written beside the target and
renamed into place only after the int8 vectors were found to agree with float32 ones: a model that lost too much is
never seen.

    codesearch-train export runs/mine codesearch/models/mine
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codesearch.encoders.model_directory import (
    ModelDirectory,
    Recipe,
    model_id,
    read_model_directory,
    recipe_file_text,
)
from codesearch.errors import InputError, ModelError
from codesearch_train.export.parity import Parity, compare, read_texts, standard_library_texts
from codesearch_train.graph.graph_files import write_graph
from codesearch_train.graph.onnx_graph import Float, bert_graph, dequantised
from codesearch_train.rounding.gptq import second_moments

if TYPE_CHECKING:
    from onnx import ModelProto

    from codesearch.encoders.onnx import OnnxEncoder

__all__ = ["Card", "ExportReport", "check_target", "export", "install"]

MINIMUM_COSINE = 0.99
MAX_QUERY_TOKENS = 64
MAX_DOCUMENT_TOKENS = 192
_POSITION_IDS = "embeddings.position_ids"  # an artefact of old transformers versions


@dataclass(frozen=True, slots=True)
class Card:
    """What the model card says beyond what the export finds out itself.

    Attributes:
        description: Markdown: what it was trained from and on, and what it is not good at.
        licence: SPDX identifier of the weights.
        base_model: Name of the model that it was trained from; "" for none.
        figures: Measured figures, by name.
    """

    description: str = ""
    licence: str = "apache-2.0"
    base_model: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        path: The model directory.
        model_id: Its id.
        parity: int8 against float32, with the same weights.
        rounding: The rounded weights against the trained ones, both in float32.
        size: Bytes of all its files.
    """

    path: Path
    model_id: str
    parity: Parity
    rounding: Parity
    size: int


def export(
    source: Path,
    target: Path,
    *,
    name: str | None = None,
    max_query_tokens: int = MAX_QUERY_TOKENS,
    max_document_tokens: int = MAX_DOCUMENT_TOKENS,
    texts: Path | None = None,
    float32_graph: bool = False,
    card: Card | None = None,
    minimum_cosine: float = MINIMUM_COSINE,
) -> ExportReport:
    """Write the model directory `target` from the Hugging Face folder `source`.

    Args:
        source: A folder with config.json, tokenizer.json and model.safetensors (any float precision).
        target: What to write. A model directory that is there already is replaced.
        name: Name of the model; the target folder's by default.
        max_query_tokens: Where questions are cut.
        max_document_tokens: Where documents are cut.
        texts: JSON Lines, or a corpus (`parity.read_texts`): the first half steers the rounding, the second measures
            parity. By default functions and docstrings of the Python standard library, which are
            Python's only: with texts of all languages int8 is nearer to float32 in all of them.
        float32_graph: Write ``onnx/model.onnx`` beside the int8 graph, for other tools: the same network in float32.
        card: What the model card is to say.
        minimum_cosine: Least mean cosine of int8 to float32 vectors.

    Raises:
        ModelError: The source is incomplete, or int8 is too far from float32; nothing was written.
        InputError: The target is in the way, or `texts` cannot be read.
    """
    check_target(target)
    config = _read_config(source)
    weights = _read_weights(source)
    longest = max(max_query_tokens, max_document_tokens)
    if longest > config["max_position_embeddings"]:
        raise InputError(f"the model has {config['max_position_embeddings']} positions: cut texts below {longest}")
    recipe = Recipe(int(config["hidden_size"]), max_query_tokens, max_document_tokens)
    sample = read_texts(texts) if texts else standard_library_texts()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        draft = Path(scratch) / "model"
        draft.mkdir()
        shutil.copy(source / "tokenizer.json", draft)
        rounded, parity, rounding = _write_graph(draft, Path(scratch), weights, config, sample)
        if float32_graph:
            write_graph(bert_graph(rounded, config, int8=False), draft / "onnx" / "model.onnx")
        for what, found in (("int8 vectors", parity), ("vectors of rounded weights", rounding)):
            if not found.mean >= minimum_cosine:  # also when it is not a number
                raise ModelError(
                    f"{what} have a mean cosine of only {found.mean:.4f} to float32 ones, under {minimum_cosine}: "
                    "nothing was written. Train with outlier_penalty, as train/configs/minilm-int8.toml does"
                )
        identity = _write_configuration(draft, config, recipe, name or target.name)
        figures = {
            **(card or Card()).figures,
            "int8_cosine_mean": parity.mean,
            "int8_cosine_minimum": parity.minimum,
            "rounding_cosine_mean": rounding.mean,
        }
        (draft / "codesearch.json").write_text(recipe_file_text(identity, recipe, figures), encoding="utf-8")
        (draft / "README.md").write_text(
            _card_text(identity, card or Card(), parity, rounding, recipe, config), encoding="utf-8"
        )
        install(draft, target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return ExportReport(target, identity, parity, rounding, size)


def check_target(target: Path) -> None:
    """Raise InputError where `target` is something else than a model directory, which could be replaced."""
    if target.exists() and not (target / "codesearch.json").is_file() and (target.is_file() or any(target.iterdir())):
        raise InputError(f"{target} is there and is no model directory: choose another place, or remove it")


def install(draft: Path, target: Path) -> None:
    """Move the model directory `draft` to `target`; one that is there already is replaced at once.

    Raises:
        InputError: as `check_target`.
    """
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        staged = Path(scratch) / "model"
        shutil.move(draft, staged)  # from another file system, perhaps: what follows are renames
        if target.exists():
            target.rename(Path(scratch) / "replaced")
        staged.rename(target)
    read_model_directory(target)


def _read_config(source: Path) -> dict[str, Any]:
    for required in ("config.json", "tokenizer.json", "model.safetensors"):
        if not (source / required).is_file():
            raise ModelError(f"{source} holds no {required}: give a Hugging Face folder of a BertModel")
    return ModelDirectory(source, "", Recipe(0, 0, 0)).read_config()


def _read_weights(source: Path) -> dict[str, Float]:
    """Return the encoder's tensors as float32 that float16 holds exactly; pooler and heads are left out."""
    from safetensors import SafetensorError, safe_open

    try:
        # By way of torch: numpy has no bfloat16, which a training run may well have saved.
        with safe_open(source / "model.safetensors", framework="pt") as file:
            stored = {name.removeprefix("bert."): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{source}/model.safetensors cannot be read ({error}): save the model again") from error
    weights = {
        name: _halved(tensor.float().numpy())
        for name, tensor in stored.items()
        if name.startswith(("embeddings.", "encoder.")) and name != _POSITION_IDS
    }
    broken = sorted(name for name, value in weights.items() if not np.isfinite(value).all())
    if broken:
        raise ModelError(f"{broken[0]} holds values that float16 cannot: the training diverged, train again")
    return weights


def _halved(value: Float) -> Float:
    """The nearest float16 values, as float32."""
    return value.astype(np.float16).astype(np.float32)


def _write_configuration(draft: Path, config: Mapping[str, Any], recipe: Recipe, name: str) -> str:
    """Write the configuration beside tokenizer and graph; return the model's id."""
    content = (json.dumps(config, indent=2) + "\n").encode()
    (draft / "config.json").write_bytes(content)
    return model_id(
        name,
        weights=ModelDirectory(draft, "", recipe).data_file.read_bytes(),
        tokenizer=(draft / "tokenizer.json").read_bytes(),
        config=content,
        recipe=recipe,
    )


def _write_graph(
    draft: Path, scratch: Path, weights: Mapping[str, Float], config: Mapping[str, Any], sample: list[str]
) -> tuple[dict[str, Float], Parity, Parity]:
    """Write the int8 graph into `draft`.

    The first half of the sample shows which inputs go together, the second half how near vectors stay.

    Returns:
        The weights that the graph computes with; int8 against float32 with these; these against `weights`.
    """
    calibration, held_out = (
        (sample[: len(sample) // 2], sample[len(sample) // 2 :]) if len(sample) > 1 else (sample,) * 2
    )
    trained = _written(scratch / "trained", bert_graph(weights, config, int8=False), draft, config)
    moments = second_moments(bert_graph(weights, config, int8=False), trained.document_batches(calibration))
    graph = bert_graph(weights, config, int8=True, moments=moments)
    rounded = dequantised(graph, config)
    exact = _written(scratch / "rounded", bert_graph(rounded, config, int8=False), draft, config)
    int8 = _written(draft, graph, draft, config)
    return rounded, compare(int8, exact, held_out), compare(exact, trained, held_out)


def _written(folder: Path, graph: ModelProto, draft: Path, config: Mapping[str, Any]) -> OnnxEncoder:
    """Write a graph; return the encoder that will be used, which looks for the file where it is."""
    from codesearch.encoders.onnx import OnnxEncoder

    (folder / "onnx").mkdir(parents=True)
    if folder != draft:
        shutil.copy(draft / "tokenizer.json", folder)
    write_graph(graph, folder / "onnx" / "model_int8.onnx")
    longest = min(MAX_DOCUMENT_TOKENS, int(config["max_position_embeddings"]))
    return OnnxEncoder(ModelDirectory(folder, "", Recipe(int(config["hidden_size"]), longest, longest)))


def _card_text(
    identity: str, card: Card, parity: Parity, rounding: Parity, recipe: Recipe, config: Mapping[str, Any]
) -> str:
    front = ["---", f"license: {card.licence}"]
    front += ["pipeline_tag: sentence-similarity", "tags: [code, code-search, feature-extraction]"]
    front += [f"base_model: {card.base_model}"] if card.base_model else []
    facts = [
        ("Network", f"BERT, {config['num_hidden_layers']} layers, vocabulary {config['vocab_size']:,}"),
        ("Vectors", f"{recipe.dimension} dimensions, mean over all tokens, L2-normalised"),
        ("Text preparation", "all in tokenizer.json; questions and code need no prefix"),
        ("Cut at", f"{recipe.max_query_tokens} tokens (questions), {recipe.max_document_tokens} (code)"),
        (
            "int8 to float32",
            f"cosine {parity.mean:.4f} mean, {parity.minimum:.4f} least, {parity.texts} texts; weights are the same",
        ),
        ("Rounded weights to trained ones", f"cosine {rounding.mean:.4f} mean, {rounding.minimum:.4f} least"),
        *((figure, f"{value:g}") for figure, value in card.figures.items()),
    ]
    rows = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in facts)]
    use = [
        "codesearch reads this folder (`--model FOLDER`). For other libraries, make a Hugging Face folder of it:",
        "",
        "    codesearch-train export --hugging-face FOLDER TARGET",
        "",
        "```python",
        "from sentence_transformers import SentenceTransformer",
        "",
        'model = SentenceTransformer("TARGET")',
        'vectors = model.encode(["parse json", "def load(text): ..."])',
        "```",
    ]
    sections = [
        "\n".join([*front, "---"]),
        f"# {identity}",
        card.description,
        "\n".join(rows),
        "\n".join(use),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"
