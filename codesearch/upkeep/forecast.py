"""What indexing a repository would do, without doing it: which files, how many chunks, how many vectors, how long.

Files are read and split as an update would, since only their content says whether they are generated or binary, and how
many chunks they hold; nothing is written. The time is that of this reading, and of encoding a sample of the texts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from codesearch.encoders import LazyEncoder
from codesearch.encoders.text import document_text
from codesearch.errors import IndexUnusable
from codesearch.index.extraction_workers import ExtractedFile, UnchangedFile, extract_files
from codesearch.index.snapshot import Snapshot
from codesearch.index.vector_cache import VectorCache, text_key
from codesearch.records import Repository, SkippedFile, SourceFile
from codesearch.sources import list_files
from codesearch.upkeep.plan import Job

__all__ = ["Forecast", "forecast", "forecast_lines"]

_SAMPLE: Final = 64
_INDEXING_SHARE: Final = 0.35
"""What writing the database and the index of words adds to the time of reading."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an update would do.

    Attributes:
        repository: Of which.
        taken: Paths that would be searched.
        skipped: What would be left out, and why.
        changed: How many of the files differ from what is indexed; all where nothing is.
        languages: Files by language, of those that differ.
        chunks: In those files.
        texts: Distinct texts of those chunks.
        to_encode: Texts whose vectors neither the index nor the cache of all repositories holds.
        words_seconds: About how long until the repository can be asked.
        encode_seconds: About how long its vectors take; None where no encoder was given.
    """

    repository: Repository
    taken: tuple[str, ...]
    skipped: tuple[SkippedFile, ...]
    changed: int
    languages: dict[str, int] = field(default_factory=dict)
    chunks: int = 0
    texts: int = 0
    to_encode: int = 0
    words_seconds: float = 0.0
    encode_seconds: float | None = None


def forecast(job: Job, encoder: LazyEncoder | None) -> Forecast:
    """Read a repository as an update would, and say what it would do.

    Args:
        job: The update.
        encoder: Loads it; called only if there is something to encode. None for an update without vectors.
    """
    started = time.monotonic()
    listing = list_files(job.repository, job.rules)
    files, blobs = _differing(job, listing.files)
    differing = 0
    languages: Counter[str] = Counter()
    skipped = list(listing.skipped)
    texts: dict[bytes, str] = {}
    chunks = 0
    for _, outcome in extract_files(job.repository, job.rules, files, blobs):
        differing += not isinstance(outcome, UnchangedFile)
        if isinstance(outcome, ExtractedFile):
            languages[outcome.language] += 1
            chunks += len(outcome.chunks)
            texts.update((text_key(text), text) for text in map(document_text, outcome.chunks))
        elif isinstance(outcome, SkippedFile):
            skipped.append(outcome)
    reading = time.monotonic() - started
    left_out = {file.path for file in skipped}
    missing = [] if encoder is None else _missing(job, texts, encoder)
    return Forecast(
        repository=job.repository,
        taken=tuple(file.path for file in listing.files if file.path not in left_out),
        skipped=tuple(sorted(skipped, key=lambda file: file.path)),
        changed=differing,
        languages=dict(languages.most_common()),
        chunks=chunks,
        texts=len(texts),
        to_encode=len(missing),
        words_seconds=reading * (1 + _INDEXING_SHARE),
        encode_seconds=None if encoder is None else _seconds_to_encode(missing, encoder),
    )


def _differing(job: Job, files: Sequence[SourceFile]) -> tuple[Sequence[SourceFile], dict[str, str]]:
    """Return the files that may differ from what is indexed, and Git's ids of what is, by path."""
    try:
        with Snapshot(job.directory) as snapshot:
            changes = snapshot.changes(job.repository, job.rules)
    except IndexUnusable:
        return files, {}
    return changes.changed, {path: known.blob for path, known in changes.known.items()}


def _missing(job: Job, texts: dict[bytes, str], encoder: LazyEncoder) -> list[str]:
    if not texts or not job.vector_cache.exists():  # opening the cache would make it
        return list(texts.values())
    loaded = encoder()
    with closing(VectorCache(job.vector_cache, loaded.model_id, loaded.dimension)) as cache:
        known = cache.get(list(texts))
    return [text for key, text in texts.items() if key not in known]


def _seconds_to_encode(texts: Sequence[str], encoder: LazyEncoder) -> float:
    """Encode a sample, evenly drawn from short to long, and scale it up."""
    if not texts:
        return 0.0
    ordered = sorted(texts, key=len)
    sample = ordered[:: max(1, len(ordered) // _SAMPLE)]
    loaded = encoder()
    loaded.encode_documents(sample[:2])  # what is loaded at first use is no part of the rate
    started = time.monotonic()
    loaded.encode_documents(sample)
    return (time.monotonic() - started) * len(texts) / len(sample)


def forecast_lines(found: Forecast, *, every_file: bool = False) -> Iterable[str]:
    """Yield a forecast as a person reads it.

    Args:
        found: The forecast.
        every_file: Whether to name each file, too.
    """
    languages = ", ".join(f"{name} {count:,}" for name, count in list(found.languages.items())[:8])
    yield f"{found.repository.name}: {len(found.taken):,} files would be searched, {found.changed:,} new or changed"
    if found.languages:
        yield f"  read: {languages}; {found.chunks:,} chunks, {found.texts:,} texts"
    if found.encode_seconds is not None:
        yield f"  to encode: {found.to_encode:,} texts, about {_duration(found.encode_seconds)} on this machine"
    yield f"  until it can be asked by words: about {_duration(found.words_seconds)}"
    reasons = Counter(file.reason for file in found.skipped)
    for reason, count in reasons.most_common():
        examples = [file.path for file in found.skipped if file.reason is reason][:3]
        yield f"  left out, {reason.value}: {count:,} ({', '.join(examples)}{', ...' if count > 3 else ''})"
    if not every_file:
        if found.taken or found.skipped:
            yield "  --files lists every file"
        return
    yield "  searched:"
    yield from (f"    {path}" for path in found.taken)
    if found.skipped:
        yield "  left out:"
        yield from (f"    {file.path}: {file.reason.value}" for file in found.skipped)


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
