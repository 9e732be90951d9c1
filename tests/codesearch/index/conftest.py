"""A repository and its index to work on, and what an index holds in a form that two indexes can be compared in."""

from __future__ import annotations

import os
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import StorageError
from codesearch.index.bm25 import BM25, Statistics
from codesearch.index.lexical import LexicalIndex
from codesearch.index.schema import CHUNK_SELECT
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, lexical_directory, open_reader, open_writer
from codesearch.index.update import Progress, UpdateReport, update
from codesearch.records import Repository
from codesearch.search.candidates import Filters, find_in
from codesearch.sources import FileRules
from codesearch.words import question_terms

GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgSign=false")
QUESTIONS = ("parse json", "read file", "close socket", "documentation of everything", "number 7", "shared helper")


class CountingEncoder(HashingEncoder):
    """Remembers every text that it was given to encode."""

    def __init__(self, dimension: int = 16, *, batch_size: int = 8) -> None:
        super().__init__(dimension, batch_size=batch_size)
        self.texts: list[str] = []

    def encode_document_batches(self, texts: Sequence[str]) -> Iterator[Any]:
        for indices, vectors in super().encode_document_batches(texts):
            self.texts += [texts[index] for index in indices]
            yield indices, vectors


@dataclass
class Workbench:
    """A folder of source files and the index of it."""

    root: Path
    directory: Path
    is_git: bool = False
    rules: FileRules = field(default_factory=FileRules)

    @property
    def repository(self) -> Repository:
        return Repository(self.root, "bench", None, self.is_git)

    def git(self, *arguments: str) -> None:
        subprocess.run([*GIT, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, path: str, content: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def fill(self, files: int, functions: int = 3) -> None:
        """Write files that have no text in common."""
        for i in range(files):
            body = "".join(f"def action_{i}_{j}(value):\n    return value * {i} + {j}\n\n" for j in range(functions))
            self.write(f"package_{i % 5}/module_{i}.py", body)

    def updating(self, directory: Path | None = None, encoder: Any = None, **options: Any) -> Iterator[Progress]:
        """An update as a generator, under its lock."""
        rebuild = options.pop("rebuild", False)
        made = CountingEncoder() if encoder is None else encoder
        load: Callable[[], Any] | None = (lambda: made) if made else None
        manifest = Manifest(root=str(self.root), name="bench")
        with open_writer(directory or self.directory, manifest, rebuild=rebuild, wait_seconds=20) as writer:
            return (yield from update(self.repository, writer, self.rules, load, **options))

    def index(self, directory: Path | None = None, encoder: Any = None, **options: Any) -> UpdateReport:
        """Bring the index up to date. Encodes with 16 dimensions unless told otherwise; False encodes nothing."""
        steps = self.updating(directory, encoder, **options)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value

    def snapshot(self) -> Snapshot:
        return Snapshot(self.directory)

    def contents(self) -> dict[str, Any]:
        """What the index holds."""
        return contents(self.directory)

    def fresh(self, name: str = "fresh") -> dict[str, Any]:
        """What an index holds that is built from nothing."""
        directory = self.directory.with_name(name)
        self.index(directory, rebuild=True)
        return contents(directory)

    def found(self, question: str, path: str = "") -> list[str]:
        """The names of what a new snapshot finds by its words, best first."""
        with self.snapshot() as snapshot:
            found = find_in(snapshot, question_terms(question), None, 50, Filters())
        return [c.qualified_name for c in sorted(found, key=lambda c: -c.lexical) if c.path.startswith(path)]

    encoder = staticmethod(lambda: CountingEncoder())

    @staticmethod
    def in_child(work: Callable[[], object]) -> int:
        """Run something in a forked process; returns its exit status: 0, 3 for a StorageError, 1 for other errors."""
        return run_in_child(work)


def weights_of(lexical: LexicalIndex, question: str) -> BM25:
    terms = question_terms(question)
    return BM25(Statistics(1000, {}, lexical.holding(terms)), terms)


def contents(directory: Path) -> dict[str, Any]:
    """Everything that an index says of its repository, without ids and times; checks that it is sound."""
    db, manifest = open_reader(directory)
    try:

        def query(sql: str) -> list[Any]:
            return db.execute(sql).fetchall()

        assert query("PRAGMA integrity_check") == [("ok",)]
        assert query("PRAGMA foreign_key_check") == []
        assert query("SELECT count(*) FROM vectors WHERE id NOT IN (SELECT vector_id FROM chunks)") == [(0,)]
        waiting = "(vector IS NULL) != (id IN (SELECT vector_id FROM pending))"
        assert query(f"SELECT count(*) FROM vectors WHERE {waiting}") == [(0,)]
        assert query("SELECT count(*) FROM removed") == [(0,)]
        assert query("SELECT count(*) FROM chunks WHERE id NOT IN (SELECT chunk_id FROM words)") == [(0,)]
        sums = "count(*), coalesce(sum(symbol), 0), coalesce(sum(path), 0), coalesce(sum(text), 0) FROM words"
        assert query("SELECT chunks, symbol, path, text FROM statistics") == query(f"SELECT {sums}")
        assert query("SELECT count(*) FROM files WHERE id NOT IN (SELECT file_id FROM file_words)") == [(0,)]
        files = "count(*), coalesce(sum(length), 0) FROM file_words"
        assert query("SELECT files, file_length FROM statistics") == query(f"SELECT {files}")
        lexical = LexicalIndex(lexical_directory(directory))
        assert lexical.generation == manifest.generation
        columns = f"path, language, blob, key, vector, {CHUNK_SELECT}"
        rows = query(
            f"SELECT chunks.id, {columns} FROM chunks JOIN files ON files.id = file_id"
            " JOIN vectors ON vectors.id = vector_id"
        )
        place = {row[0]: (row[1], row[10], row[16]) for row in rows}
        return {
            "files": sorted(query("SELECT path, language, blob FROM files")),
            "chunks": sorted(tuple(map(repr, row[1:])) for row in rows),
            "skipped": sorted(query("SELECT path, reason, detail FROM skipped")),
            "pending": query("SELECT count(*) FROM pending"),
            "hits": {
                question: sorted(place[hit] for hit in lexical.search(weights_of(lexical, question), 1000).ids)
                for question in QUESTIONS
            },
            "model": (manifest.model_id, manifest.dimension),
        }
    finally:
        db.close()


@pytest.fixture(scope="session")
def new_bench() -> Callable[..., Workbench]:
    """Makes workbenches, for tests that need several or more than one folder."""
    return Workbench


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: an index waits for the disk often, and a hundred tests would too."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent, prefix="codesearch-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "repository").mkdir()
    return Workbench(tmp_path / "repository", tmp_path / "index")


def run_in_child(work: Callable[[], object]) -> int:
    process = os.fork()
    if process == 0:  # pragma: no cover: measured in no child
        status = 1
        try:
            work()
            status = 0
        except StorageError:
            status = 3
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
