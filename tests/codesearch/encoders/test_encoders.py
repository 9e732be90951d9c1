"""Encoders: loading and its errors, batching, and that CPU, GPU and transformers agree on the vectors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from codesearch import processes
from codesearch.encoders import devices, load_encoder, tokenising
from codesearch.encoders.batching import BatchLimits, TextTokenizer, split_by_tokens
from codesearch.encoders.graph_weights import read_float_weights
from codesearch.encoders.hashing import HashingEncoder
from codesearch.encoders.model_directory import Recipe, find_model, model_id, read_model_directory
from codesearch.encoders.onnx import OnnxEncoder
from codesearch.encoders.text import document_text
from codesearch.encoders.tokenising import TokeniserProcesses, tokenised
from codesearch.encoders.torch import TorchEncoder
from codesearch.encoders.wordpiece import AsciiWordPiece
from codesearch.errors import MissingExtra, ModelError
from codesearch.records import Chunk, Kind, Span
from codesearch_train.export.conversion import export

TEXTS = ["parse json file", "x", "a much longer text with many words in it", "", "file " * 100, "json"]


@pytest.fixture(scope="session")
def model(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("models") / "tiny"
    export(tiny_bert, target, max_query_tokens=8, max_document_tokens=32, minimum_cosine=0.9)
    return target


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    """A model directory that a test may damage."""
    return Path(shutil.copytree(model, tmp_path / "copy"))


class TestHashingEncoder:
    def test_a_text_has_the_same_vector_in_every_process_and_release(self) -> None:
        (vector,) = HashingEncoder(8).encode_queries(["parse json"])
        np.testing.assert_allclose(vector[np.nonzero(vector)], [0.70710677, 0.70710677])
        assert np.nonzero(vector)[0].tolist() == [0, 3]

    def test_shared_words_make_texts_similar_however_they_are_joined(self) -> None:
        snake, camel, other = HashingEncoder().encode_documents(["parse_json_file", "parseJSONFile", "open socket"])
        assert snake @ camel == pytest.approx(1.0)
        assert snake @ other < 0.5

    @given(st.lists(st.text(), max_size=20))
    def test_every_text_gets_one_unit_vector(self, texts: list[str]) -> None:
        encoder = HashingEncoder(batch_size=3)
        vectors = np.full((len(texts), 64), np.nan, dtype=np.float32)
        for indices, part in encoder.encode_document_batches(texts):
            vectors[indices] = part
        np.testing.assert_array_equal(vectors, encoder.encode_documents(texts))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)

    def test_is_loaded_by_name(self) -> None:
        assert load_encoder("hashing").model_id == "hashing-64"


class TestBatching:
    @given(st.lists(st.integers(2, 60), max_size=80), st.integers(1, 200), st.integers(1, 9))
    def test_batches_hold_every_row_once_within_the_limits(self, lengths: list[int], tokens: int, rows: int) -> None:
        array = np.array(lengths, dtype=np.intp)
        batches = list(split_by_tokens(array, BatchLimits(tokens=tokens, rows=rows, window=1, even_rows=3)))
        assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
        for batch in batches:
            assert len(batch) <= rows
            assert len(batch) == 1 or len(batch) * array[batch].max() <= tokens
            assert len(set(array[batch][2:])) <= 1, "after three rows a batch takes no longer one"

    def test_a_cut_text_keeps_its_closing_token(self, model: Path) -> None:
        tokenizer = TextTokenizer(read_model_directory(model))
        (whole,), (cut,) = (tokenizer.token_ids(["parse json file x"], limit) for limit in (99, 4))
        assert cut == [*whole[:3], whole[-1]]

    @given(st.lists(st.text(alphabet=st.sampled_from("aAbBcZ019 _-.[]\n\t\0\x7fé漢"), max_size=40), max_size=8))
    def test_gives_what_the_library_gives(self, texts: list[str]) -> None:
        assert_as_the_library(texts)

    def test_gives_what_the_library_gives_at_the_limits(self) -> None:
        words = ["a" * 99, "B" * 100, "c" * 101, "HTTPServer2Go", "ABc1.5e10L", "naïve", "[CLS]", "", " "]
        long = ["x" * 5000, " ".join(["word"] * 40), "\t" * 200 + "after the indentation", "a" + " " * 100 + "b"]
        assert_as_the_library([*words, *long])

    def test_another_text_preparation_is_left_to_the_library(self) -> None:
        description = find_model(None).joinpath("tokenizer.json").read_text(encoding="utf-8")
        assert AsciiWordPiece.read(description) is not None
        for key in ("normalizer", "pre_tokenizer", "post_processor"):
            assert AsciiWordPiece.read(json.dumps({**json.loads(description), key: None})) is None
        assert AsciiWordPiece.read("{}") is None
        assert AsciiWordPiece.read("[") is None

    def test_windows_give_the_same_rows_as_one_window(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "usable_cores", lambda: 3)
        tokenizer = TextTokenizer(read_model_directory(model))
        texts = [f"{'file ' * (i % 7)}{i}" for i in range(50)]
        for window, workers in ((3, 0), (3, 2), (1000, 2)):
            limits = BatchLimits(tokens=64, rows=5, window=window, even_rows=2, workers=workers)
            batches = list(tokenised(tokenizer, texts, 32, limits, TokeniserProcesses(tokenizer.directory)))
            rows = {
                int(index): batch.input_ids[row, : batch.lengths[row]].tolist()
                for batch in batches
                for row, index in enumerate(batch.indices)
            }
            assert [rows[i] for i in range(len(texts))] == tokenizer.token_ids(texts, 32)

    def test_processes_and_a_thread_give_the_same_batches(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "usable_cores", lambda: 3)
        tokenizer = TextTokenizer(read_model_directory(model))
        texts = [f"{'naïve ' * (i % 7)}{i}" for i in range(50)]
        here = 0
        window = tokenizer.window

        def counted(*arguments: Any) -> Any:
            nonlocal here
            here += 1
            return window(*arguments)

        monkeypatch.setattr(tokenizer, "window", counted)
        limits = BatchLimits(64, rows=5, window=9, even_rows=2, workers=2)
        by_thread, by_processes = (
            list(tokenised(tokenizer, texts, 32, limits, workers))
            for workers in (None, TokeniserProcesses(tokenizer.directory))
        )
        assert here == 8 + 1  # all windows by the thread, two of them small; while the processes started, the first one
        assert len(by_thread) == len(by_processes) > 6
        for ours, theirs in zip(by_thread, by_processes, strict=True):
            np.testing.assert_array_equal(ours.indices, theirs.indices)
            np.testing.assert_array_equal(ours.input_ids, theirs.input_ids)
            np.testing.assert_array_equal(ours.lengths, theirs.lengths)

    def test_what_a_dying_process_had_is_tokenised_here(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "usable_cores", lambda: 3)
        monkeypatch.setattr(tokenising, "_open_tokenizer", end_process)
        tokenizer = TextTokenizer(read_model_directory(model))
        texts = [f"{'file ' * (i % 7)}{i}" for i in range(50)]
        limits = BatchLimits(64, rows=5, window=9, even_rows=2, workers=2)
        batches = list(tokenised(tokenizer, texts, 32, limits, TokeniserProcesses(tokenizer.directory)))
        assert sorted(int(index) for batch in batches for index in batch.indices) == list(range(50))

    @pytest.mark.parametrize("lives", range(6))
    def test_nothing_is_lost_whenever_the_processes_die(
        self, model: Path, monkeypatch: pytest.MonkeyPatch, lives: int
    ) -> None:
        class Dying(ThreadPoolExecutor):
            submitted = 0

            def submit(self, *arguments: Any, **options: Any) -> Any:
                self.submitted += 1
                if self.submitted > lives:
                    raise BrokenProcessPool
                return super().submit(*arguments, **options)

        tokenizer = TextTokenizer(read_model_directory(model))
        monkeypatch.setattr(processes, "usable_cores", lambda: 3)
        monkeypatch.setattr(processes, "start_pool", lambda workers, **_: Dying(workers))
        monkeypatch.setattr(tokenising, "_tokenizer", tokenizer, raising=False)
        texts = [f"{'file ' * (i % 7)}{i}" for i in range(50)]
        limits = BatchLimits(64, rows=5, window=9, even_rows=2, workers=2)
        batches = list(tokenised(tokenizer, texts, 32, limits, TokeniserProcesses(tokenizer.directory)))
        assert sorted(int(index) for batch in batches for index in batch.indices) == list(range(50))

    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[ProcessPoolExecutor]:
        """The pools that are started from now on."""
        pools: list[ProcessPoolExecutor] = []
        start = processes.start_pool

        def counted(*arguments: Any, **options: Any) -> Any:
            pools.append(start(*arguments, **options))
            return pools[-1]

        monkeypatch.setattr(processes, "usable_cores", lambda: 3)
        monkeypatch.setattr(processes, "start_pool", counted)
        return pools

    def test_an_encoder_starts_its_processes_once(
        self, model: Path, started: list[ProcessPoolExecutor], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encoder = OnnxEncoder(read_model_directory(model))
        monkeypatch.setattr(encoder, "_limits", BatchLimits(64, rows=5, window=9, even_rows=2, workers=2))
        texts = [f"{'file ' * (i % 7)}{i}" for i in range(50)]
        for _ in range(2):
            assert sum(len(indices) for indices, _ in encoder.encode_document_batches(texts)) == 50
        assert len(started) == 1

    def test_processes_are_kept_for_the_next_block_and_end_without_one(
        self, model: Path, started: list[ProcessPoolExecutor]
    ) -> None:
        tokenizer = TextTokenizer(read_model_directory(model))
        kept = TokeniserProcesses(tokenizer.directory)
        texts = [f"{'file ' * (i % 7)}{i}" for i in range(50)]
        limits = BatchLimits(64, rows=5, window=9, even_rows=2, workers=2)
        whole = list(tokenised(tokenizer, texts, 32, limits, kept))
        left = tokenised(tokenizer, texts, 32, limits, kept)  # whoever leaves early gives them back too
        next(left)
        left.close()
        again = list(tokenised(tokenizer, texts, 32, limits, kept))
        assert [batch.input_ids.tolist() for batch in again] == [batch.input_ids.tolist() for batch in whole]
        assert len(started) == 1
        assert started[0].submit(len, "kept").result() == 4
        kept.take(2)
        kept.end_if_idle()  # somebody uses them
        assert started[0].submit(len, "kept").result() == 4
        kept.give_back(keep=0.01)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                started[0].submit(len, "kept").result()
            except CancelledError:  # taken on just before the end, and dropped by it
                continue
            except RuntimeError:  # "cannot schedule new futures after shutdown"
                break
        else:
            pytest.fail("the processes do not end")
        list(tokenised(tokenizer, texts, 32, limits, kept))
        assert len(started) == 2
        del kept
        with pytest.raises(RuntimeError):
            started[1].submit(len, "gone")

    def test_processes_that_died_are_not_started_again(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "usable_cores", lambda: 3)
        monkeypatch.setattr(tokenising, "_open_tokenizer", end_process)
        tokenizer = TextTokenizer(read_model_directory(model))
        kept = TokeniserProcesses(tokenizer.directory)
        texts = [f"{'file ' * (i % 7)}{i}" for i in range(50)]
        limits = BatchLimits(64, rows=5, window=9, even_rows=2, workers=2)
        list(tokenised(tokenizer, texts, 32, limits, kept))
        assert kept.take(2) is None

    def test_an_error_in_the_tokenizer_thread_reaches_the_caller(self, model: Path) -> None:
        tokenizer = TextTokenizer(read_model_directory(model))
        texts = ["a", "b", "\ud800"]  # a lone surrogate is no text that can be encoded
        with pytest.raises((TypeError, UnicodeEncodeError)):
            list(tokenised(tokenizer, texts, 32, BatchLimits(tokens=64, rows=5, window=1, even_rows=2)))


def end_process(*_: object) -> None:
    os._exit(1)


@cache
def tokenizers() -> tuple[TextTokenizer, Tokenizer]:
    """The shipped model's, ours and the library's."""
    directory = read_model_directory(find_model(None))
    return TextTokenizer(directory), Tokenizer.from_file(str(directory.tokenizer_file))


def assert_as_the_library(texts: list[str], limit: int = 12) -> None:
    ours, library = tokenizers()
    whole = [encoding.ids for encoding in library.encode_batch(texts)]
    expected = [ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]] for ids in whole]
    assert ours.token_ids(texts, limit) == expected


class TestVectors:
    @pytest.fixture(params=["onnx", "torch"])
    def encoder(self, request: pytest.FixtureRequest, model: Path) -> OnnxEncoder | TorchEncoder:
        directory = read_model_directory(model)
        return OnnxEncoder(directory, threads=2) if request.param == "onnx" else TorchEncoder(directory, device="cpu")

    def test_are_unit_vectors_in_the_order_of_the_texts(self, encoder: OnnxEncoder | TorchEncoder) -> None:
        vectors = encoder.encode_documents(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        for text, vector in zip(TEXTS, vectors, strict=True):
            assert encoder.encode_documents([text])[0] @ vector > 0.98

    def test_no_texts_give_no_vectors(self, encoder: OnnxEncoder | TorchEncoder) -> None:
        assert encoder.encode_queries([]).shape == (0, 32)
        assert list(encoder.encode_document_batches([])) == []

    def test_batches_name_every_text_once(self, encoder: OnnxEncoder | TorchEncoder) -> None:
        texts = TEXTS * 150  # several windows
        batches = list(encoder.encode_document_batches(texts))
        assert sorted(int(i) for indices, _ in batches for i in indices) == list(range(len(texts)))
        expected = encoder.encode_documents(TEXTS)
        for indices, vectors in batches:
            assert np.sum(expected[indices % len(TEXTS)] * vectors, axis=1).min() > 0.98

    def test_questions_and_documents_are_cut_where_the_recipe_says(self, encoder: OnnxEncoder | TorchEncoder) -> None:
        # [CLS] and [SEP] leave 6 of 8 tokens to a question, 30 of 32 to a document.
        long, six, thirty = ["file " * 200], ["file " * 6], ["file " * 30]
        np.testing.assert_allclose(encoder.encode_queries(long), encoder.encode_queries(six), atol=1e-6)
        np.testing.assert_allclose(encoder.encode_documents(long), encoder.encode_documents(thirty), atol=1e-6)
        assert not np.allclose(encoder.encode_documents(long), encoder.encode_documents(six), atol=1e-3)

    def test_cpu_and_gpu_code_give_the_same_space(self, model: Path) -> None:
        directory = read_model_directory(model)
        on_cpu, on_gpu = OnnxEncoder(directory), TorchEncoder(directory, device="cpu")
        assert on_cpu.model_id == on_gpu.model_id
        assert np.sum(on_cpu.encode_documents(TEXTS) * on_gpu.encode_documents(TEXTS), axis=1).min() > 0.95

    def test_torch_gives_what_transformers_gives(self, model: Path) -> None:
        transformers = pytest.importorskip("transformers")
        torch = pytest.importorskip("torch")
        directory = read_model_directory(model)
        config = transformers.BertConfig.from_pretrained(model)
        bert = transformers.BertModel(config, add_pooling_layer=False).eval()
        weights = read_float_weights(directory).items()
        bert.load_state_dict({name: torch.from_numpy(value) for name, value in weights})
        ours = TorchEncoder(directory, device="cpu").encode_documents(TEXTS)
        for text, vector in zip(TEXTS, ours, strict=True):
            ids = TextTokenizer(directory).token_ids([text], 32)
            with torch.no_grad():
                mean = bert(torch.tensor(ids)).last_hidden_state[0].mean(0).numpy()
            np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


class TestLoading:
    def test_a_directory_is_loaded_for_the_cpu(self, model: Path) -> None:
        encoder = load_encoder(model, "cpu", threads=1)
        assert isinstance(encoder, OnnxEncoder)
        assert encoder.model_id.startswith("tiny-")
        assert encoder.dimension == 32

    def test_asking_on_a_machine_without_gpu_imports_no_torch(self, model: Path) -> None:
        code = (
            "import sys\n"
            "from codesearch.encoders import devices, load_encoder\n"
            "assert 'numpy' not in sys.modules, 'the protocol alone must stay light'\n"
            "devices._NVIDIA_DRIVER_FILES = ()\n"
            f"load_encoder({str(model)!r}).encode_queries(['parse json'])\n"
            "print(sorted({'torch', 'transformers', 'onnx', 'onnxruntime'} & set(sys.modules)))\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.stderr) == ("['onnxruntime']", "")

    @pytest.mark.parametrize("name", ["no-such-model", "/no/such/folder", "~nobody-here/model"])
    def test_no_such_model(self, name: str) -> None:
        with pytest.raises(ModelError, match="there is no model directory"):
            find_model(name)

    def test_a_folder_that_is_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"codesearch-train export"):
            load_encoder(tmp_path)

    @pytest.mark.parametrize(
        "file", ["codesearch.json", "tokenizer.json", "onnx/model_int8.onnx", "onnx/model_int8.onnx_data"]
    )
    def test_a_damaged_file_is_named(self, copy: Path, file: str) -> None:
        (copy / file).write_bytes((copy / file).read_bytes()[:100])
        name = Path(file).name.removesuffix("_data")
        with pytest.raises(ModelError, match=f"{name} cannot be read") as caught:
            load_encoder(copy, "cpu")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("file", ["tokenizer.json", "onnx/model_int8.onnx", "onnx/model_int8.onnx_data"])
    def test_a_missing_file_is_named(self, copy: Path, file: str) -> None:
        (copy / file).unlink()
        with pytest.raises(ModelError, match=f"{Path(file).name.removesuffix('_data')} cannot be read"):
            load_encoder(copy, "cpu")

    @pytest.mark.parametrize("damage", [lambda data: data[:1000], lambda data: b""])
    def test_damaged_weights_are_named(self, copy: Path, damage: object) -> None:
        for name in ("model_int8.onnx_data", "model_int8.tensors.json"):
            weights = copy / "onnx" / name
            content = weights.read_bytes()
            weights.write_bytes(damage(content))  # type: ignore[operator]
            with pytest.raises(ModelError, match=f"{name} cannot be read"):
                TorchEncoder(read_model_directory(copy), device="cpu")
            weights.write_bytes(content)

    @pytest.mark.parametrize("kind", [OnnxEncoder, TorchEncoder])
    def test_vectors_of_another_length_than_the_recipe_says(self, copy: Path, kind: type) -> None:
        _edit(copy, recipe={"dimension": 64, "max_query_tokens": 8, "max_document_tokens": 32})
        with pytest.raises(ModelError, match=r"length 32, and codesearch\.json says 64"):
            kind(read_model_directory(copy), **({"device": "cpu"} if kind is TorchEncoder else {}))

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"format": 99}, "model format 99"),
            ({"recipe": {"dimension": 32}}, "cannot be read"),
            (
                {"recipe": {"dimension": 32, "max_query_tokens": 8, "max_document_tokens": 8, "pooling": "cls"}},
                "pooling",
            ),
        ],
    )
    def test_a_recipe_that_cannot_be_followed(self, copy: Path, changes: dict[str, object], sentence: str) -> None:
        _edit(copy, **changes)
        with pytest.raises(ModelError, match=sentence):
            load_encoder(copy)

    def test_another_architecture_is_refused(self, copy: Path) -> None:
        (copy / "config.json").write_text('{"model_type": "t5"}')
        with pytest.raises(ModelError, match="'t5'"):
            TorchEncoder(read_model_directory(copy), device="cpu")


class TestDevices:
    def test_unknown_device(self) -> None:
        with pytest.raises(ModelError, match="auto, cpu, cuda, mps"):
            devices.pick_device("tpu")

    def test_a_gpu_that_was_asked_for_and_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(devices, "_works", lambda device: False)
        with pytest.raises(ModelError, match="use --device cpu"):
            devices.pick_device("cuda")

    def test_a_gpu_without_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(devices, "find_spec", lambda name: None)
        with pytest.raises(MissingExtra, match=r"codesearch-nl\[gpu\]"):
            devices.pick_device("cuda")

    @pytest.mark.parametrize(
        ("driver", "torch", "works", "picked"),
        [
            (True, True, True, "cuda"),
            (True, True, False, "cpu"),
            (True, False, True, "cpu"),
            (False, True, True, "cpu"),
        ],
    )
    def test_auto(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: bool, torch: bool, works: bool, picked: str
    ) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(devices, "_NVIDIA_DRIVER_FILES", (tmp_path if driver else tmp_path / "none",))
        monkeypatch.setattr(devices, "find_spec", find_spec if torch else lambda name: None)
        monkeypatch.setattr(devices, "_works", lambda device: works)
        assert devices.pick_device("auto") == picked


def test_the_id_of_a_model_covers_all_that_decides_its_vectors() -> None:
    base = {"weights": b"w", "tokenizer": b"t", "config": b"c"}
    recipe = Recipe(32, 8, 32)
    variants = [({**base, part: b"x"}, recipe) for part in base] + [(base, Recipe(32, 8, 31)), (base, recipe)]
    ids = [model_id("m", **parts, recipe=used) for parts, used in variants]
    assert len(set(ids)) == len(ids)
    assert ids[-1] == model_id("m", **base, recipe=Recipe(32, 8, 32))


def _edit(model: Path, **changes: object) -> None:
    file = model / "codesearch.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    ("qualified_name", "documentation", "text"),
    [
        ("Parser.parse", "Read JSON.", "Parser.parse\nRead JSON.\ndef parse(): ..."),
        ("Parser.parse", "", "Parser.parse\ndef parse(): ..."),
        ("", "", "def parse(): ..."),
    ],
)
def test_name_and_documentation_come_before_the_code(qualified_name: str, documentation: str, text: str) -> None:
    span = Span(1, 2)
    chunk = Chunk(
        path="a.py",
        language="python",
        kind=Kind.METHOD,
        name="parse",
        qualified_name=qualified_name,
        signature="def parse()",
        documentation=documentation,
        span=span,
        text_spans=(span,),
        text='def parse():\n    """Read JSON."""',
        code="def parse(): ...",
    )
    assert document_text(chunk) == text
