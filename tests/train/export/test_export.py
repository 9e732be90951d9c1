"""Export: the graph is the network, int8 is close to it, and a bad model is never written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codesearch.encoders.graph_weights import read_float_weights
from codesearch.encoders.model_directory import ModelDirectory, Recipe, find_model, read_model_directory
from codesearch.encoders.onnx import OnnxEncoder
from codesearch.encoders.torch import TorchEncoder
from codesearch.errors import InputError, ModelError
from codesearch_train.corpus.pairs import Pair, PairKind, Split
from codesearch_train.corpus.shards import write_shards
from codesearch_train.export import parity
from codesearch_train.export.conversion import Card, export
from codesearch_train.export.hugging_face_folder import export_hugging_face
from codesearch_train.export.parity import compare, read_texts, standard_library_texts
from codesearch_train.graph import onnx_graph
from codesearch_train.graph.onnx_graph import bert_graph, dequantised
from codesearch_train.network.weights import load_encoder as load_network
from codesearch_train.rounding.gptq import round_jointly

SMALL = {"max_query_tokens": 8, "max_document_tokens": 32}


@pytest.fixture
def source(tiny_bert: Path, tmp_path: Path) -> Path:
    """A Hugging Face folder that a test may change."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "source"))


def test_the_float32_graph_is_the_network(tiny_bert: Path, tmp_path: Path) -> None:
    import onnx
    import torch
    from safetensors.numpy import load_file
    from torch.nn import functional
    from transformers import BertModel

    folder = Path(shutil.copytree(tiny_bert, tmp_path / "model"))
    (folder / "onnx").mkdir()
    config = json.loads((folder / "config.json").read_text())
    graph = bert_graph(load_file(folder / "model.safetensors"), config, int8=False)
    onnx.save(graph, folder / "onnx" / "model_int8.onnx")
    ours = OnnxEncoder(ModelDirectory(folder, "", Recipe(32, 32, 32)))
    reference = BertModel.from_pretrained(tiny_bert, add_pooling_layer=False).eval()
    for batch in ours.document_batches(standard_library_texts(20)):
        ((_, vectors),) = ours.run_batches(iter([batch]))
        feeds = {name: torch.from_numpy(value) for name, value in batch.feeds().items()}
        with torch.no_grad():
            hidden = reference(**feeds).last_hidden_state * feeds["attention_mask"][:, :, None]
        np.testing.assert_allclose(vectors, functional.normalize(hidden.sum(1), dim=-1).numpy(), atol=1e-5)


def test_int8_is_close_to_float32_and_a_third_of_its_size(tiny_bert: Path, tmp_path: Path) -> None:
    exported = export(tiny_bert, tmp_path / "model", **SMALL)
    assert exported.parity.mean > 0.99
    assert exported.parity.minimum <= exported.parity.mean
    directory = read_model_directory(exported.path)
    sample = standard_library_texts(30)
    agreement = compare(OnnxEncoder(directory), TorchEncoder(directory, device="cpu"), sample)
    assert agreement.mean == pytest.approx(exported.parity.mean, abs=0.005)
    assert exported.size == sum(path.stat().st_size for path in exported.path.rglob("*") if path.is_file())


def test_float32_computes_with_the_weights_of_int8(tiny_bert: Path, tmp_path: Path) -> None:
    """On the grid of each output's step; what rounding costs is said apart from what int8 costs."""
    import onnx
    from safetensors.numpy import load_file

    exported = export(tiny_bert, tmp_path / "model", **SMALL)
    shipped = read_float_weights(read_model_directory(exported.path))
    graph = onnx.load(exported.path / "onnx" / "model_int8.onnx").graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    outputs = {
        "intermediate.dense": "inner",
        "output.dense": "outer",
        "attention.output.dense": "attended",
        "attention.self.key": "qkv",
        "attention.self.value": "qkv",
    }
    for name, output in outputs.items():
        steps, scale = (stored[f"encoder.layer.1.{output}.{part}"] for part in ("weight", "scale"))
        expected = (steps * scale).T
        if output == "qkv":
            expected = np.split(expected, 3)[1 if name.endswith("key") else 2]
        np.testing.assert_allclose(shipped[f"encoder.layer.1.{name}.weight"], expected, rtol=1e-6)
    words = stored["words.table"] * stored["words.scale"]
    np.testing.assert_allclose(shipped["embeddings.word_embeddings.weight"], words, rtol=1e-6)
    trained = load_file(tiny_bert / "model.safetensors")
    assert not np.array_equal(
        shipped["encoder.layer.1.output.dense.weight"], trained["encoder.layer.1.output.dense.weight"]
    )
    assert exported.rounding.mean < 1
    assert f"{exported.rounding.mean:.4f} mean" in (exported.path / "README.md").read_text()


def test_a_float32_graph_is_written_where_it_is_asked_for(tiny_bert: Path, tmp_path: Path) -> None:
    import onnxruntime

    exported = export(tiny_bert, tmp_path / "model", float32_graph=True, **SMALL)
    session = onnxruntime.InferenceSession(exported.path / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    network = TorchEncoder(read_model_directory(exported.path), device="cpu")
    for batch in network.document_batches(standard_library_texts(10)):
        ((_, expected),) = network.run_batches(iter([batch]))
        np.testing.assert_allclose(session.run(None, batch.feeds())[0], expected, atol=1e-5)
    assert not (export(tiny_bert, tmp_path / "other", **SMALL).path / "onnx" / "model.onnx").exists()


def test_weights_given_back_make_the_same_network(tiny_bert: Path) -> None:
    """Query, key and value, the scale of the queries, and the token vectors come back to where they were."""
    import onnxruntime
    from safetensors.numpy import load_file

    weights, config = load_file(tiny_bert / "model.safetensors"), json.loads((tiny_bert / "config.json").read_text())
    graph = bert_graph(weights, config, int8=True)
    back = dequantised(graph, config)
    assert back.keys() == weights.keys()
    feeds = {"input_ids": np.arange(3, 20)[None], "attention_mask": np.ones((1, 17), np.int64)}

    def vector(model: Any) -> np.ndarray:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, feeds)[0])[0]

    trained, rounded, int8 = (
        vector(bert_graph(weights, config, int8=False)),
        vector(bert_graph(back, config, int8=False)),
        vector(graph),
    )
    assert 1 - rounded @ int8 < 0.5 * (1 - trained @ int8)
    kinds = weights.pop("embeddings.token_type_embeddings.weight")
    assert not back.pop("embeddings.token_type_embeddings.weight").any()  # they are part of the positions
    weights["embeddings.position_embeddings.weight"] = weights["embeddings.position_embeddings.weight"] + kinds[0]
    for name, value in back.items():
        assert np.abs(value - weights[name]).max() <= np.abs(weights[name]).max() / 64 / 2 * 1.01 + 1e-7, name


def test_every_linear_layer_is_rounded_jointly(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded = []

    def seen(weight: np.ndarray, *others: Any) -> Any:
        rounded.append(weight.shape)
        return round_jointly(weight, *others)

    monkeypatch.setattr(onnx_graph, "round_jointly", seen)
    export(tiny_bert, tmp_path / "model", **SMALL)
    layers = json.loads((tiny_bert / "config.json").read_text())["num_hidden_layers"]
    assert len(rounded) == 4 * layers


def _int8_weights(directory: Path) -> list[np.ndarray]:
    import onnx

    graph = onnx.load(directory / "onnx" / "model_int8.onnx").graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor).astype(int) for tensor in graph.initializer}
    return [tensors[node.input[1]] for node in graph.node if node.op_type == "DynamicQuantizeMatMul"]


def _largest_pair(weight: np.ndarray) -> int:
    """The largest sum of two neighbouring weights of one sign."""
    first, second = weight[0::2], weight[1::2]
    return int(np.abs(first + second)[first * second > 0].max())


def test_no_processor_overflows_on_the_written_weights(tiny_bert: Path, tmp_path: Path) -> None:
    weights = _int8_weights(export(tiny_bert, tmp_path / "model", **SMALL).path)
    assert max(map(_largest_pair, weights)) <= 128
    largest = np.concatenate([np.abs(weight).max(axis=0) for weight in weights])
    assert np.median(largest) > 75  # each output has a step of its own; 64 is all that weights rounded alone may have


def test_no_processor_overflows_on_what_ships() -> None:
    weights = _int8_weights(find_model())
    assert len(weights) == 24
    assert max(map(_largest_pair, weights)) <= 128


def test_a_model_that_int8_ruins_is_refused_and_nothing_is_written(source: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(source / "model.safetensors")
    # A value that attention mixes, far above all others, and that nothing listens to: float32 does not notice, but
    # it sets the scale with which all others become 8 bits.
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        weights[f"{layer}.attention.self.value.bias"][0] = 2000.0
        weights[f"{layer}.attention.output.dense.weight"][:, 0] = 0.0
    save_file(weights, source / "model.safetensors")
    with pytest.raises(ModelError, match="nothing was written"):
        export(source, tmp_path / "model", **SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_weights_that_rounding_ruins_are_refused(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """int8 may well agree with float32, as both compute with the rounded weights: what was trained is what counts."""

    def ruined(weight: np.ndarray, scale: np.ndarray, moments: np.ndarray) -> Any:
        return np.where(round_jointly(weight, scale, moments) > 0, 40, -40).astype(np.int8)

    monkeypatch.setattr(onnx_graph, "round_jointly", ruined)
    with pytest.raises(ModelError, match="vectors of rounded weights"):
        export(tiny_bert, tmp_path / "model", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_model_leaves_the_old_one(tiny_bert: Path, tmp_path: Path) -> None:
    first = export(tiny_bert, tmp_path / "model", **SMALL)
    with pytest.raises(ModelError):
        export(tiny_bert, tmp_path / "model", **SMALL, minimum_cosine=1.1)
    assert read_model_directory(tmp_path / "model").model_id == first.model_id


def test_an_older_model_is_replaced(tiny_bert: Path, tmp_path: Path) -> None:
    first = export(tiny_bert, tmp_path / "model", **SMALL)
    second = export(tiny_bert, tmp_path / "model", max_query_tokens=8, max_document_tokens=16)
    assert first.model_id != second.model_id
    assert read_model_directory(tmp_path / "model").recipe.max_document_tokens == 16
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_of_something_else_is_not_replaced(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no model directory"):
        export(tiny_bert, tmp_path, **SMALL)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_id_does_not_depend_on_the_precision_of_the_source(source: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    first = export(source, tmp_path / "first", name="same", **SMALL)
    halves = {f"bert.{key}": value.astype(np.float16) for key, value in load_file(source / "model.safetensors").items()}
    save_file({**halves, "bert.pooler.dense.bias": np.zeros(32, np.float16)}, source / "model.safetensors")
    assert export(source, tmp_path / "second", name="same", **SMALL).model_id == first.model_id


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(source: Path, tmp_path: Path, file: str) -> None:
    (source / file).unlink()
    with pytest.raises(ModelError, match=file):
        export(source, tmp_path / "model", **SMALL)


def test_a_missing_weight_is_named(source: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(source / "model.safetensors")
    del weights["encoder.layer.1.output.dense.bias"]
    save_file(weights, source / "model.safetensors")
    with pytest.raises(ModelError, match=r"encoder\.layer\.1\.output\.dense\.bias"):
        export(source, tmp_path / "model", **SMALL)


def test_diverged_weights_are_refused(source: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(source / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] = np.full(32, np.nan, np.float32)
    save_file(weights, source / "model.safetensors")
    with pytest.raises(ModelError, match="diverged"):
        export(source, tmp_path / "model", **SMALL)


def test_more_tokens_than_positions_are_refused(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="48 positions"):
        export(tiny_bert, tmp_path / "model")


@pytest.mark.parametrize("change", [{"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}])
def test_what_the_graph_cannot_say_is_refused(source: Path, tmp_path: Path, change: dict[str, str]) -> None:
    config = source / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    with pytest.raises(ModelError, match="gelu"):
        export(source, tmp_path / "model", **SMALL)


def test_the_card_says_what_was_measured(tiny_bert: Path, tmp_path: Path) -> None:
    card = Card(description="Trained on nothing.", base_model="none", figures={"CoSQA dev MRR": 0.125})
    exported = export(tiny_bert, tmp_path / "model", card=card, **SMALL)
    text = (exported.path / "README.md").read_text()
    for expected in (exported.model_id, "Trained on nothing.", "base_model: none", "| CoSQA dev MRR | 0.125 |"):
        assert expected in text
    assert f"{exported.parity.mean:.4f} mean" in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_sentence_transformers_loads_what_is_made_for_it(tiny_bert: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    exported = export(tiny_bert, tmp_path / "model", **SMALL)
    export_hugging_face(exported.path, tmp_path / "folder")
    sample = standard_library_texts(10)
    model = library.SentenceTransformer(str(tmp_path / "folder"), device="cpu", local_files_only=True)
    theirs = model.float().encode(sample)
    ours = TorchEncoder(read_model_directory(exported.path), device="cpu").encode_documents(sample)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)


def test_a_hugging_face_folder_is_never_written_over_another(tiny_bert: Path, tmp_path: Path) -> None:
    exported = export(tiny_bert, tmp_path / "model", **SMALL)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        export_hugging_face(exported.path, tmp_path)
    with pytest.raises(ModelError, match="not a model directory"):
        export_hugging_face(tiny_bert, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "notes.txt"]


def test_a_model_directory_goes_on_being_trained(tiny_bert: Path, tmp_path: Path) -> None:
    """The trainer reads the 8-bit weights: what it starts from is what ships."""
    exported = export(tiny_bert, tmp_path / "model", **SMALL)
    export_hugging_face(exported.path, tmp_path / "folder")
    ours, theirs = (load_network(str(tmp_path / name)).state_dict() for name in ("model", "folder"))
    assert all((ours[name] == theirs[name]).all() for name in theirs)
    assert (ours["embeddings.word.weight"] != load_network(str(tiny_bert)).state_dict()["embeddings.word.weight"]).any()


def test_weights_are_stored_once(tiny_bert: Path, tmp_path: Path) -> None:
    exported = export(tiny_bert, tmp_path / "model", **SMALL)
    files = {str(file.relative_to(exported.path)) for file in exported.path.rglob("*") if file.is_file()}
    graph = {f"onnx/model_int8.{kind}" for kind in ("onnx", "onnx_data", "tensors.json")}
    assert files == graph | {"README.md", "codesearch.json", "config.json", "tokenizer.json"}


def _pair(number: int) -> Pair:
    text, code = f"text {number}", f"code {number}"
    return Pair(text, code, "o/r", "a.py", "python", "MIT", Split.TRAIN, PairKind.DOCSTRING)


class TestTexts:
    def test_the_standard_library_has_enough_of_them(self) -> None:
        texts = standard_library_texts()
        assert len(texts) > 300
        assert all(text.strip() for text in texts)
        assert sum("def " in text for text in texts) >= len(texts) // 2

    def test_pairs_and_strings_are_read(self, tmp_path: Path) -> None:
        file = tmp_path / "texts.jsonl"
        file.write_text('{"text": "parse", "code": "def parse(): ...", "path": "a.py"}\n\n"plain"\n')
        assert read_texts(file) == ["parse", "def parse(): ...", "plain"]

    def test_a_corpus_is_read_evenly(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parity, "_CORPUS_PAIRS", 4)
        write_shards(tmp_path, Split.TRAIN, (_pair(number) for number in range(13)), pairs_per_shard=5)
        write_shards(tmp_path, Split.VALID, (_pair(number) for number in range(20, 40)))
        texts = read_texts(tmp_path)
        assert texts[::2] == ["text 0", "text 3", "text 6", "text 9"]
        assert texts[1] == "code 0"

    def test_a_folder_that_is_no_corpus_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"codesearch-train corpus"):
            read_texts(tmp_path)

    @pytest.mark.parametrize("content", ["", "{", '{"code": "x"}', "3", None])
    def test_what_cannot_be_read_is_named(self, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "texts.jsonl"
        if content is not None:
            file.write_text(content)
        with pytest.raises(InputError, match=r"texts\.jsonl"):
            read_texts(file)
