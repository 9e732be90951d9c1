"""A model on disk: the files that an encoder reads.

================================  ==========================================================
``config.json``                   BERT's shape, as Hugging Face writes it
``tokenizer.json``                the whole text preparation, identifier splitting included
``onnx/model_int8.onnx``          the network, which ONNX Runtime computes on a CPU
``onnx/model_int8.onnx_data``     its weights in 8 bits, the only form that they ship in
``onnx/model_int8.tensors.json``  where in that file each tensor lies: for GPUs (`graph_weights`)
``codesearch.json``               the `Recipe`: what no standard file has a place for
``README.md``                     the model card
================================  ==========================================================

``codesearch-train export --hugging-face`` makes a folder of it that other libraries load.

The id of a model is computed once, when it is exported (`model_id`), and stored: loading a model
must not hash 23 MB. It covers the weights, the tokenizer and the recipe. It does not cover
the precision that vectors are computed in: int8 and float32 give vectors of mean
cosine above 0.99 to each other (export refuses less), so an index made on a GPU machine answers on a laptop.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codesearch.errors import ModelError
from codesearch.settings import user_data

__all__ = [
    "DEFAULT_MODEL",
    "ModelDirectory",
    "Recipe",
    "find_model",
    "installed_models",
    "model_id",
    "read_model_directory",
    "recipe_file_text",
]

DEFAULT_MODEL = "minilm-v7"
FORMAT = 1
_SHIPPED = Path(__file__).parent.parent / "models"
_ADVICE = "reinstall codesearch-nl, or export the model again with `codesearch-train export`"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How texts become vectors, beyond weights and tokenizer.

    Attributes:
        dimension: Length of the vectors.
        max_query_tokens: A question is cut to this many tokens, special ones included.
        max_document_tokens: The same for a document.
        pooling: How token vectors become one; only ``"mean"`` (over all tokens, special ones
            included) is known.
    """

    dimension: int
    max_query_tokens: int
    max_document_tokens: int
    pooling: str = "mean"


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A model directory whose small files were read and found in order."""

    path: Path
    model_id: str
    recipe: Recipe

    @property
    def tokenizer_file(self) -> Path:
        """``tokenizer.json``."""
        return self.path / "tokenizer.json"

    @property
    def onnx_file(self) -> Path:
        """The network for ONNX Runtime, int8."""
        return self.path / "onnx" / "model_int8.onnx"

    @property
    def data_file(self) -> Path:
        """The weights of that network."""
        return self.path / "onnx" / "model_int8.onnx_data"

    @property
    def tensors_file(self) -> Path:
        """JSON: ``{name: [element type, shape, offset in bytes]}`` of the tensors in `data_file`."""
        return self.path / "onnx" / "model_int8.tensors.json"

    def read_config(self) -> dict[str, Any]:
        """Return ``config.json``.

        Raises:
            ModelError: It is missing, is no JSON object, or describes no BERT.
        """
        config = _read_json(self.path / "config.json")
        if config.get("model_type") != "bert":
            raise ModelError(f"{self.path} holds a {config.get('model_type')!r} network; only 'bert' can be loaded")
        return config

    def damaged(self, file: Path, cause: Exception) -> ModelError:
        """Return the error that says that `file` of this model cannot be read."""
        return _damaged(file, str(cause).strip().splitlines()[0] if str(cause).strip() else repr(cause))


def installed_models() -> Path:
    """Return the folder of models that the user installed by name, as ``codesearch-train tune`` does."""
    return user_data() / "models"


def find_model(model: str | Path | None = None) -> Path:
    """Return the directory of a model: a path as it is, else the name of a shipped or an installed model.

    Raises:
        ModelError: There is no such directory.
    """
    name = DEFAULT_MODEL if model is None else str(model)
    shipped = _SHIPPED / name
    if model is not None and (given := _expanded(model)).is_dir():
        return given
    if Path(name).name == name and shipped.is_dir():
        return shipped
    if Path(name).name == name and (installed_models() / name / "codesearch.json").is_file():
        return installed_models() / name
    names = sorted(
        path.name for folder in (_SHIPPED, installed_models()) for path in folder.glob("[!.]*") if path.is_dir()
    )
    raise ModelError(
        f"there is no model directory {name!r}; give a directory that `codesearch-train export` wrote, "
        f"or the name of a model that is installed ({', '.join(names) or 'this installation holds none: ' + _ADVICE})"
    )


def _expanded(model: str | Path) -> Path:
    try:
        return Path(model).expanduser()
    except RuntimeError:  # "~nobody/model"
        return Path(model)


def read_model_directory(path: Path) -> ModelDirectory:
    """Read ``codesearch.json``; the large files are opened later, by the encoder that needs them.

    Raises:
        ModelError: The directory is not a model's, or its recipe is not one that we can follow.
    """
    if not (path / "codesearch.json").is_file():
        raise ModelError(
            f"{path} holds no codesearch.json, so it is not a model directory of codesearch: "
            "make one from a Hugging Face folder with `codesearch-train export`"
        )
    stored = _read_json(path / "codesearch.json")
    if stored.get("format") != FORMAT:
        raise ModelError(
            f"{path} is of model format {stored.get('format')!r}, this codesearch reads {FORMAT}: {_ADVICE}"
        )
    try:
        recipe = Recipe(**stored["recipe"])
        identity = str(stored["model_id"])
    except (KeyError, TypeError) as error:
        raise _damaged(path / "codesearch.json", repr(error)) from error
    if recipe.pooling != "mean":
        raise ModelError(f"{path} wants pooling {recipe.pooling!r}; this codesearch knows 'mean': {_ADVICE}")
    return ModelDirectory(path, identity, recipe)


def model_id(name: str, *, weights: bytes, tokenizer: bytes, config: bytes, recipe: Recipe) -> str:
    """Return the id of a model: its name and 16 hexadecimal digits over all that decides its vectors.

    Args:
        name: For people; part of the id.
        weights: Content of the file of weights.
        tokenizer: Content of ``tokenizer.json``.
        config: Content of ``config.json``.
        recipe: How texts become vectors.
    """
    from hashlib import sha256  # brings OpenSSL in, and only export needs it

    digest = sha256()
    for part in (weights, tokenizer, config, json.dumps(asdict(recipe), sort_keys=True).encode()):
        digest.update(sha256(part).digest())
    return f"{name}-{digest.hexdigest()[:16]}"


def recipe_file_text(identity: str, recipe: Recipe, figures: dict[str, float]) -> str:
    """Return the text of ``codesearch.json``; `figures` are kept for people and read by nobody."""
    content = {"format": FORMAT, "model_id": identity, "recipe": asdict(recipe), "figures": figures}
    return json.dumps(content, indent=2) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict):
        raise _damaged(path, "it is no JSON object")
    return content


def _damaged(file: Path, detail: str) -> ModelError:
    return ModelError(f"{file} cannot be read ({detail}): {_ADVICE}")
