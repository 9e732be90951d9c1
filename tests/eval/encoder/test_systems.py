from __future__ import annotations

import numpy as np
import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError
from codesearch_eval.encoder.baselines import BM25System, split_words
from codesearch_eval.encoder.protocols import Task
from codesearch_eval.encoder.systems import BLOCK, EncoderSystem, truncate
from codesearch_eval.encoder.vectors import VectorCache


def task(queries, documents):
    grades = tuple({0: 1.0} for _ in queries)
    return Task("python", tuple(map(str, range(len(queries)))), tuple(queries), tuple(documents), grades)


def scores_of(system, queries, documents):
    return np.concatenate(list(system.score(task(queries, documents))))


def test_encoder_scores_are_cosines():
    encoder = HashingEncoder(32)
    queries, documents = ["open a file", "sort"], ["def open_file(): ...", "sort list", "render page"]
    expected = encoder.encode_queries(queries) @ encoder.encode_documents(documents).T
    np.testing.assert_array_equal(scores_of(EncoderSystem(encoder, "h"), queries, documents), expected)


class NoisyEncoder(HashingEncoder):
    """Gives the same text slightly different vectors by its place in the batch, as padding does."""

    def encode_documents(self, texts):
        vectors = super().encode_documents(texts)
        return vectors + np.arange(len(texts), dtype=np.float32)[:, None] * 1e-6


def test_equal_documents_get_equal_scores():
    documents = ["sort a list", "open a file", "sort a list"]
    scores = scores_of(EncoderSystem(NoisyEncoder(32), "n"), ["sort"], documents)
    assert scores[0, 0] == scores[0, 2] != scores[0, 1]


class SharingEncoder(HashingEncoder):
    """A text's vector depends on the texts that it is encoded with, as scales of int8 do."""

    def encode_queries(self, texts):
        return super().encode_queries(texts) * np.float32(len(texts))


def test_questions_are_encoded_as_they_are_asked():
    queries, documents = ["open a file", "sort", "render"], ["sort list", "open_file"]
    expected = np.concatenate(
        [scores_of(EncoderSystem(HashingEncoder(32), "h"), [query], documents) for query in queries]
    )
    np.testing.assert_array_equal(scores_of(EncoderSystem(SharingEncoder(32), "s"), queries, documents), expected)


def test_questions_are_scored_block_by_block():
    queries = [f"question {number}" for number in range(BLOCK + 3)]
    blocks = list(EncoderSystem(HashingEncoder(8), "h").score(task(queries, ["a", "b"])))
    assert [block.shape for block in blocks] == [(BLOCK, 2), (3, 2)]


def test_truncated_vectors_are_unit_vectors_again():
    vectors = np.array([[3, 4, 12], [0, 0, 1]], dtype=np.float32) / np.array([[13], [1]], dtype=np.float32)
    np.testing.assert_allclose(truncate(vectors, 2), [[0.6, 0.8], [0, 0]], rtol=1e-6)
    system = EncoderSystem(HashingEncoder(64), "h", dimensions=48)
    assert system.info.dimension == 48
    assert system.info.name == "h, 48 dim."
    text = "sort a list of files by the time of their last change"
    scores = scores_of(system, [text], [text, "open"])
    assert scores[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("dimensions", [0, 65])
def test_dimensions_that_the_encoder_does_not_have(dimensions):
    with pytest.raises(InputError, match=r"1\.\.64"):
        EncoderSystem(HashingEncoder(64), "h", dimensions=dimensions)


class CountingEncoder(HashingEncoder):
    def __init__(self, dimension=16):
        super().__init__(dimension)
        self.encoded = []

    def encode_documents(self, texts):
        self.encoded.extend(texts)
        return super().encode_documents(texts)


def test_vectors_are_kept_between_runs_by_model_precision_and_texts(tmp_path):
    def encoded(texts, precision="fp32", folder=tmp_path):
        encoder = CountingEncoder()
        system = EncoderSystem(encoder, "c", precision=precision, cache=VectorCache(folder))
        scores_of(system, ["q"], texts)
        return len(encoder.encoded)

    assert encoded(["a", "b"]) == 3
    assert encoded(["a", "b"]) == 0
    assert encoded(["a", "b"], precision="int8") == 3
    assert encoded(["ab", "c"]) == 2
    assert encoded(["a", "bc"]) == 2  # the same characters, but not the same texts
    assert encoded(["a", "b"], folder=None) == 3


def test_a_damaged_cache_file_is_made_again(tmp_path):
    cache, encoder = VectorCache(tmp_path), HashingEncoder(8)
    first = cache.get("key/with:odd characters", ["a"], encoder.encode_documents)
    (file,) = tmp_path.rglob("*.npy")
    file.write_bytes(file.read_bytes()[:-5])
    np.testing.assert_array_equal(cache.get("key/with:odd characters", ["a"], encoder.encode_documents), first)
    assert len(list(tmp_path.rglob("*.*"))) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parseHTTPResponse", ["parse", "http", "response"]),
        ("utf8_decode(x)", ["utf", "8", "decode", "x"]),
        ("Über-groß", ["über", "groß"]),
        ("+-*/", []),
    ],
)
def test_words_of_bm25(text, words):
    assert split_words(text) == words


def test_bm25_of_a_hand_worked_example():
    """Lucene's BM25 (k1 1.5, b 0.75) of one word in two documents of lengths 1 and 3, mean 2."""
    scores = scores_of(BM25System(), ["sort sort", "absent", ""], ["sort", "sort_list open"])
    idf = np.log(1 + (2 - 2 + 0.5) / (2 + 0.5))
    first = idf * 1 / (1 + 1.5 * (0.25 + 0.75 * 1 / 2))
    second = idf * 1 / (1 + 1.5 * (0.25 + 0.75 * 3 / 2))
    np.testing.assert_allclose(scores[0], [2 * first, 2 * second], rtol=1e-5)
    np.testing.assert_array_equal(scores[1:], 0)
