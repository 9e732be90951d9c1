"""An index that was updated answers as one that is built from nothing does, to the last digit of every score."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.analysis import ChunkTerms, unpack_repeats
from codesearch.index.bm25 import BM25, quantised
from codesearch.index.dense import cosines
from codesearch.index.lexical import EVERYTHING
from codesearch.index.snapshot import Snapshot
from codesearch.words import question_terms
from tests.codesearch.search.edits import ENCODER, PATHS, QUESTIONS, Tree, answers, edit, text_of


@pytest.mark.parametrize("encoder", [None, ENCODER], ids=["words", "vectors"])
@pytest.mark.parametrize("seed", range(3))
def test_after_each_of_many_updates(tmp_path: Path, seed: int, encoder: HashingEncoder | None) -> None:
    rng = random.Random(seed)
    tree = Tree(tmp_path / "repository", tmp_path / "index", encoder)
    files = {path: text_of(rng, path) for path in rng.sample(PATHS, 20)}
    for step in range(8):
        tree.save(files)
        tree.index()
        fresh = tree.index(tmp_path / f"fresh {step}")
        with Snapshot(tree.directory) as updated, Snapshot(fresh) as anew:
            assert answers([updated], encoder) == answers([anew], encoder)
        for _ in range(rng.randint(1, 8)):
            files = edit(rng, files)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seeds=st.lists(st.integers(0, 1 << 32), min_size=1, max_size=12))
def test_after_one_update(tmp_path_factory: pytest.TempPathFactory, seeds: list[int]) -> None:
    folder = tmp_path_factory.mktemp("edits")
    tree = Tree(folder / "repository", folder / "index", ENCODER)
    rng = random.Random(1)
    files = {path: text_of(rng, path) for path in rng.sample(PATHS, 12)}
    tree.save(files)
    tree.index()
    for seed in seeds:
        files = edit(random.Random(seed), files)
    tree.save(files)
    tree.index()
    fresh = tree.index(folder / "fresh")
    with Snapshot(tree.directory) as updated, Snapshot(fresh) as anew:
        assert answers([updated], ENCODER) == answers([anew], ENCODER)


def test_the_order_in_which_files_came_does_not_matter(tmp_path: Path) -> None:
    """More chunks tie than are named, so which of them are is decided by their paths."""
    tree = Tree(tmp_path / "repository", tmp_path / "index", ENCODER)
    files = {f"{n:03}.py": "def parse_header(limit):\n    return limit\n" for n in range(160)}
    backwards = dict(sorted(files.items(), reverse=True))
    for n in range(0, 160, 40):
        tree.save(dict(list(backwards.items())[: n + 40]))
        tree.index()
    fresh = tree.index(tmp_path / "fresh")
    with Snapshot(tree.directory) as updated, Snapshot(fresh) as anew:
        assert answers([updated], None) == answers([anew], None)
        assert answers([updated], ENCODER) == answers([anew], ENCODER)


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_are_those_of_tantivy_where_nothing_was_deleted(tmp_path: Path, question: str) -> None:
    """The weights of ranking were fitted on tantivy's scores."""
    rng = random.Random(3)
    tree = Tree(tmp_path / "repository", tmp_path / "index", None)
    tree.save({path: text_of(rng, path) for path in PATHS})
    terms = question_terms(question)
    with Snapshot(tree.index()) as snapshot:
        statistics = snapshot.statistics(terms)
        assert snapshot.lexical is not None
        # The document that holds the generation is one more for tantivy, of one term.
        means = snapshot.lexical._figures.mean_lengths
        assert (statistics.tokens["text"] + 1) / (statistics.chunks + 1) == pytest.approx(means["text"])
        weights = BM25(replace(statistics, tokens={f: m * statistics.chunks for f, m in means.items()}), terms)
        named = snapshot.best_by_words(weights, 1000, EVERYTHING)
        found = snapshot.evidence(named.ids, terms)
        ours = dict(zip((h.id for h in found.heads), weights.scores(found.counts, found.lengths), strict=True))
    assert len(ours) == len(named.ids) > 10
    assert [ours[i] for i in named.ids] == pytest.approx(named.scores, rel=1e-5)
    lengths = dict(zip((h.id for h in found.heads), found.lengths[2], strict=True))
    assert max(lengths.values()) > 40, "no length was rounded"


@pytest.mark.parametrize(
    ("length", "kept"), [(0, 0), (39, 39), (40, 40), (41, 40), (57, 56), (59, 56), (200, 200), (2007, 1944)]
)
def test_lengths_are_rounded_down(length: int, kept: int) -> None:
    assert quantised(np.array([length])).tolist() == [kept]


def test_how_often_terms_occur_is_told_apart_for_every_term() -> None:
    words = [f"word{n}" for n in range(5_000)]
    for repeated in (words[:1], words[:40], words):
        text = [word for n, word in enumerate(repeated) for _ in range(n % 7 + 1)]
        packed = [ChunkTerms([], [], text).pack_repeats(), b"", ChunkTerms([], [], ["word1"] * 70_000).pack_repeats()]
        counts = np.array([[word in repeated, False, word == "word1"] for word in words[:50]], np.int64)
        unpack_repeats(packed, words[:50], counts)
        assert counts[:, 0].tolist() == [text.count(word) for word in words[:50]]
        assert counts[:3, 2].tolist() == [0, 70_000, 0]


def test_a_cosine_does_not_depend_on_what_else_is_compared() -> None:
    rng = np.random.default_rng(0)
    for dimension in (16, 64, 384):
        vectors = rng.normal(size=(301, dimension)).astype(np.float16).astype(np.float32)
        query = rng.normal(size=dimension).astype(np.float32)
        together = cosines(vectors, query)
        assert [cosines(vectors[n : n + 1], query)[0] for n in range(301)] == together.tolist()
        assert cosines(vectors[::-3], query).tolist() == together[::-3].tolist()
