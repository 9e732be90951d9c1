"""Texts that are encoded on another machine, and their vectors on the way back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from codesearch.encoders import LazyEncoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError
from codesearch.index.progress import UpdateReport
from codesearch.index.vector_cache import VectorCache, text_key
from codesearch.settings import load_settings
from codesearch.upkeep.plan import bring_up_to_date, plan
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Half, Question, QuestionKind
from codesearch_eval.repositories.texts import fill_cache, repository_texts
from codesearch_eval.repositories.trees import trees
from codesearch_eval.repositories.vector_parts import encode_shard, quantise, read_part, read_shard, write_shards


def test_texts_come_back_from_shards_in_their_order(tmp_path: Path) -> None:
    texts = [f"text {n}\nof two lines \ud800 é" for n in range(25)]
    shards = write_shards(iter(texts), tmp_path, most_texts=10)
    assert len(shards) == 3
    assert [text for shard in shards for text in read_shard(shard)] == texts
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(InputError, match="repositories texts"):
        list(read_shard(tmp_path / "x"))


def test_eight_bits_keep_cosines(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(500, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rounded, scales = quantise(vectors)
    back = rounded.astype(np.float32) * scales.astype(np.float32)[:, None]
    back /= np.linalg.norm(back, axis=1, keepdims=True)
    assert (vectors * back).sum(axis=1).min() > 0.9998
    assert np.abs(vectors[:100] @ vectors.T - vectors[:100] @ back.T).max() < 0.003
    assert not quantise(np.zeros((1, 4), dtype=np.float32))[0].any()


def test_parts_hold_every_vector_and_are_small(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    texts = [f"function number {n}" for n in range(50)]
    (shard,) = write_shards(texts, tmp_path)
    parts = encode_shard(shard, tmp_path / "parts", encoder, most_bytes=20 * (encoder.dimension + 18))
    assert len(parts) == 3
    assert all(path.stat().st_size < 20 * (encoder.dimension + 18) + 2_000 for path in parts)
    found = {key.tobytes(): vector for path in parts for key, vector in zip(*_rows(path), strict=True)}
    expected = encoder.encode_documents(texts)
    for text, vector in zip(texts, expected, strict=True):
        assert found[text_key(text)] @ vector > 0.999
    parts[0].write_bytes(b"x")
    with pytest.raises(InputError, match="repositories vectors"):
        read_part(parts[0])


def _rows(path: Path) -> tuple[np.ndarray, np.ndarray]:
    part = read_part(path)
    assert part.model_id == HashingEncoder().model_id
    return part.keys, part.vectors


def test_with_a_filled_cache_no_tree_needs_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "clone"
    root.mkdir()
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    commits = []
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    for n in range(3):
        (root / f"a{n % 2}.py").write_text(f"def f{n}(x):\n    return x + {n}\n\n\ndef same(y):\n    return y\n")
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        subprocess.run(["git", *identity, "commit", "-qm", f"Commit {n}"], cwd=root, check=True)
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
        commits.append(done.stdout.strip())
    repository = BenchmarkRepository("o/n", "python", Half.FIT, commits[-1])
    asked = [Question(QuestionKind.COMMIT, "add something", commit, ("a0.py",), (), "") for commit in commits]
    texts = list(repository_texts(root / ".git", repository, asked, set()))
    assert len(texts) == len(set(texts))
    assert sum("def f" in text for text in texts) == 3
    assert sum("def same" in text for text in texts) == 1

    encoder = HashingEncoder()
    (shard,) = write_shards(texts, tmp_path)
    assert fill_cache(encode_shard(shard, tmp_path / "parts", encoder)) == len(texts)
    cache = VectorCache(load_settings(None).vector_cache, encoder.model_id, encoder.dimension)
    assert len(cache.get([text_key(text) for text in texts])) == len(texts)
    cache.close()
    with trees(root / ".git", repository, asked) as each:
        for tree in each:
            job = plan(tree.repository, load_settings(None), indexes=tmp_path / "indexes")
            report = _run(job, encoder)
            assert report.encoded == 0
            assert report.pending == 0


def _run(job: object, encoder: HashingEncoder) -> UpdateReport:
    steps = bring_up_to_date(job, LazyEncoder(lambda: encoder))  # type: ignore[arg-type]
    while True:
        try:
            next(steps)
        except StopIteration as done:
            report: UpdateReport = done.value
            return report


def test_vectors_that_the_cache_does_not_keep_are_an_error(tmp_path: Path) -> None:
    (shard,) = write_shards(["a text"], tmp_path)
    parts = encode_shard(shard, tmp_path / "parts", HashingEncoder())
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="did not keep"):
        fill_cache(parts, tmp_path / "folder")
