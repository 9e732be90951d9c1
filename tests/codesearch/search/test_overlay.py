"""What is asked of unsaved documents has the answer that it has once they are saved and the index is updated."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.extraction_workers import extract_text
from codesearch.index.snapshot import Snapshot
from codesearch.search.overlay import Document, Overlay
from codesearch.search.pipeline import search
from codesearch.search.similar import Place, similar
from tests.codesearch.search.edits import ENCODER, Tree, answers, documents_of, edit, text_of, vectors_of
from tests.codesearch.search.edits import PATHS as SOME_PATHS


def _start(rng: random.Random, files: int) -> dict[str, str]:
    return {path: text_of(rng, path) for path in rng.sample(SOME_PATHS, files)}


@pytest.fixture
def folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="codesearch-test-") as name:
        yield Path(name).resolve()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 1 << 32), edits=st.integers(1, 6), by_words=st.booleans())
@example(seed=497, edits=1, by_words=False)
def test_an_unsaved_edit_is_answered_as_it_is_once_saved(seed: int, edits: int, by_words: bool) -> None:
    rng, encoder = random.Random(seed), None if by_words else ENCODER
    with tempfile.TemporaryDirectory(prefix="codesearch-test-") as name:
        _compare(Path(name).resolve(), rng, edits, encoder)


@pytest.mark.parametrize("encoder", [None, ENCODER], ids=["words", "vectors"])
def test_a_long_walk_of_edits(folder: Path, encoder: HashingEncoder | None) -> None:
    rng = random.Random(5)
    for step in range(6):
        _compare(folder / str(step), rng, 3 * step + 1, encoder)


def _compare(folder: Path, rng: random.Random, edits: int, encoder: HashingEncoder | None) -> None:
    tree = Tree(folder / "repository", folder / "index", encoder)
    other = Tree(folder / "other", folder / "other index", encoder)
    other.save(_start(rng, 5))
    files = _start(rng, rng.randint(0, 15))
    tree.save(files)
    for directory in (tree.index(), other.index()):
        assert directory.is_dir()
    for _ in range(2):  # the second time over an index that holds what was deleted
        after = files
        for _ in range(edits):
            after = edit(rng, after)
        # An index knows of what its rules leave out by having seen it: a new file of that kind it would show.
        after = {path: text for path, text in after.items() if path in files or not path.startswith("vendor/")}
        with Snapshot(tree.directory) as snapshot, Snapshot(other.directory) as beside:
            overlay = Overlay(snapshot, documents_of(files, after, encoder))
            unsaved = answers([overlay], encoder), answers([beside, overlay], encoder)
            places = _similar(overlay, encoder)
        tree.save(after)
        tree.index()
        with Snapshot(tree.directory) as snapshot, Snapshot(other.directory) as beside:
            assert unsaved[0] == answers([snapshot], encoder)
            assert unsaved[1] == answers([beside, snapshot], encoder)
            assert places == _similar(snapshot, encoder)
        files = after


def _similar(state: Snapshot | Overlay, encoder: HashingEncoder | None) -> list[object]:
    if encoder is None:
        return []
    chunks = [
        chunk for _, path in sorted(state.files(), key=lambda file: file[1]) for chunk in state.chunks_of(path).values()
    ]
    return [similar([state], Place(state.root, c.path, c.text_spans[0].start), None, limit=5) for c in chunks[:8]]


@pytest.fixture
def indexed(folder: Path) -> Tree:
    tree = Tree(folder / "repository", folder / "index", ENCODER)
    tree.save({"a.py": "def send(socket):\n    return socket\n", "b.py": "def lock(cache):\n    return cache\n"})
    tree.index()
    return tree


def names(state: Snapshot | Overlay, question: str) -> list[str]:
    return [match.chunk.qualified_name for match in search([state], question, ENCODER).matches]


def test_what_was_typed_is_found_and_what_was_deleted_is_not(indexed: Tree) -> None:
    document = Document.of("a.py", extract_text("a.py", "def receive(frame):\n    return frame\n"))
    with Snapshot(indexed.directory) as snapshot:
        overlay = Overlay(snapshot, {"a.py": document})
        assert names(overlay, "receive frame")[0] == "receive"
        assert "send" not in names(overlay, "send socket")
        assert (overlay.chunk_count, overlay.pending_count) == (2, 1)
        assert [c.qualified_name for c in overlay.chunks_of("a.py").values()] == ["receive"]
        (receive,) = overlay.chunks_of("a.py")
        assert overlay.vector_of(receive) is None
        document.vectors.update(vectors_of(document, ENCODER))
        overlay = Overlay(snapshot, {"a.py": document})
        vector = overlay.vector_of(receive)
        assert overlay.pending_count == 0
        assert vector is not None
        assert np.array_equal(vector, vector.astype(np.float16)), "rounded as it is stored"


def test_a_document_that_the_index_leaves_out_is_left_out(indexed: Tree) -> None:
    (indexed.root / "vendor").mkdir()
    (indexed.root / "vendor" / "lock.py").write_text("def lock_vendored(): ...\n")
    indexed.index()
    text = "def lock_vendored(cache):\n    return lock(cache)\n"
    with Snapshot(indexed.directory) as snapshot:
        overlay = Overlay(
            snapshot, {"vendor/lock.py": Document.of("vendor/lock.py", extract_text("vendor/lock.py", text))}
        )
        assert "lock_vendored" not in names(overlay, "lock vendored")
        assert overlay.chunk_count == snapshot.chunk_count
    assert extract_text("c.py", "# Code generated by protoc. DO NOT EDIT.\n" + text) == []
    assert extract_text("c.unknown", "1 2 3\n4 5 6\n") == []


def test_a_text_that_the_index_has_needs_no_vector_of_its_own(indexed: Tree) -> None:
    text = (indexed.root / "b.py").read_text()
    with Snapshot(indexed.directory) as snapshot:
        overlay = Overlay(snapshot, {"c.py": Document.of("c.py", extract_text("c.py", text))})
        assert overlay.pending_count == 0
        (copied,) = overlay.chunks_of("c.py")
        assert overlay.vector_of(copied) is not None
        answer = search([overlay], "lock cache", ENCODER)
    assert [match.chunk.path for match in answer.matches if "meaning" in match.signals][:2] == ["b.py", "c.py"]
