"""Every text of every tree that is asked about, each once: what must be encoded before questions can be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from codesearch.errors import InputError
from codesearch.index.files import update_files
from codesearch.index.progress import UpdateReport
from codesearch.index.schema import Manifest
from codesearch.index.storage import Writer, open_writer
from codesearch.index.vector_cache import VectorCache
from codesearch.settings import load_settings
from codesearch.upkeep.plan import Job, plan
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question
from codesearch_eval.repositories.trees import trees
from codesearch_eval.repositories.vector_parts import read_part

__all__ = ["fill_cache", "repository_texts"]


def repository_texts(
    git_dir: Path, repository: BenchmarkRepository, questions: Sequence[Question], seen: set[bytes]
) -> Iterator[str]:
    """Yield the texts of all trees that are asked about, as they are encoded, those of a tree after another.

    Args:
        git_dir: Git directory of the repository.
        repository: Which it is.
        questions: About it.
        seen: Keys of texts to leave out; those that are yielded are added.
    """
    with trees(git_dir, repository, questions) as each:
        last = 0
        for tree in each:
            job = plan(tree.repository, load_settings(None), indexes=tree.repository.root.parent / "indexes")
            fresh = Manifest(root=str(job.repository.root), name=job.repository.name, url=None)
            with open_writer(job.directory, fresh) as writer:
                yield from _new_texts(job, writer, last, seen)
                last = _last_vector(writer)


def _new_texts(job: Job, writer: Writer, last: int, seen: set[bytes]) -> Iterator[str]:
    """Read what changed in the tree, and yield the texts that came with it. Words and vectors are not made."""
    for _ in update_files(job.repository, writer, job.rules, UpdateReport()):
        pass
    rows = writer.connection.execute(
        "SELECT key, text FROM pending JOIN vectors ON vectors.id = vector_id WHERE vector_id > ? ORDER BY vector_id",
        [last],
    )
    for key, text in rows.fetchall():
        if key not in seen:
            seen.add(key)
            yield text


def _last_vector(writer: Writer) -> int:
    (last,) = writer.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'").fetchone() or (0,)
    return int(last)


def fill_cache(parts: Sequence[Path], cache: Path | None = None) -> int:
    """Put the vectors of parts into the cache that all indexes share; returns how many there were.

    Args:
        parts: Files that `vector_parts.encode_shard` wrote.
        cache: Another database than that of the settings.

    Raises:
        InputError: A part is missing or damaged, or the cache does not keep what it is given.
    """
    from codesearch.index.dense import pack

    count = 0
    for path in parts:
        part = read_part(path)
        keys = [key.tobytes() for key in part.keys]
        shared = VectorCache(cache or load_settings(None).vector_cache, part.model_id, part.vectors.shape[1])
        try:
            shared.put({key: pack(vector) for key, vector in zip(keys, part.vectors, strict=True)})
            # A cache only ever saves time, and so forgives whatever goes wrong. Here it is the purpose.
            if len(shared.get(keys)) < len(set(keys)):
                raise InputError(f"the cache of vectors did not keep those of {path}: is the disk full?")
        finally:
            shared.close()
        count += len(keys)
    return count
