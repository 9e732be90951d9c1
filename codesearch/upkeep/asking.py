"""From repositories and a question to an answer: what every surface does, whatever it shows on the way.

An index that is missing, out of date or damaged is brought up to date first; where that is not possible, the
answer comes from what there is, and the surface is told so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from codesearch.errors import CodesearchError, IndexBusy, IndexUnusable, InputError, StorageError, Unusable
from codesearch.index.snapshot import Snapshot
from codesearch.records import Level
from codesearch.search.candidates import Filters
from codesearch.search.notices import Answer
from codesearch.search.pipeline import search
from codesearch.upkeep.extent import refuse_what_is_huge
from codesearch.upkeep.plan import Job, bring_up_to_date, is_current, is_damaged

if TYPE_CHECKING:
    from codesearch.encoders import LazyEncoder
    from codesearch.index.progress import Progress, UpdateReport

__all__ = ["ENCODE_SECONDS", "Surface", "ask", "consult", "damaged_jobs"]

T = TypeVar("T")

ENCODE_SECONDS: Final = 30.0
"""How long a question may wait for texts to be encoded before it is answered from what there is."""

_AGAIN_SECONDS: Final = 2.0
"""The same, where a question has waited for them already."""

_BUDGET_LASTS_SECONDS: Final = 600.0
"""After what time a question may wait for all of `ENCODE_SECONDS` again."""

_WORDS_SECONDS: Final = 30.0
"""How long a question waits for another process that makes the first index, until its words can be searched."""

_LOOK_SECONDS: Final = 0.3
"""How often it looks."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What asking tells whoever asked.

    Attributes:
        say: Takes a sentence.
        follow: Runs an update of the repository of this name to its end, and may draw its progress.
        done: Takes the repository's name and what was done, after an index was made from nothing.
    """

    say: Callable[[str], None]
    follow: Callable[[Generator[Progress, None, UpdateReport], str], UpdateReport]
    done: Callable[[str, UpdateReport], None]


def ask(
    jobs: Sequence[Job],
    question: str,
    encoder: LazyEncoder | None,
    surface: Surface,
    *,
    limit: int = 10,
    filters: Sequence[Filters] | None = None,
    refresh: bool = True,
    on_failure: Callable[[Job, CodesearchError], None] | None = None,
    min_confidence: Level = Level.GUESS,
) -> Answer:
    """Answer a question about repositories, after bringing their indexes up to date.

    Args:
        jobs: The repositories, as :func:`codesearch.upkeep.plan.plan` gives them.
        question: Plain words, a name, or pasted code.
        encoder: Loads it; called at the latest for the question. None to search by words only.
        surface: Told what happens meanwhile.
        limit: The most matches that are returned.
        filters: Which chunks may be found, one for each job; None for all.
        refresh: Whether indexes are brought up to date, and built anew where they are damaged.
        on_failure: As for :func:`consult`.
        min_confidence: Matches that are to be believed less are left out.

    Raises:
        InputError: The question is empty, or a repository holds nothing that can be searched.
        IndexUnusable: An index cannot be read, and `refresh` is not set or building it anew did not help.
        ModelError: The encoder cannot be loaded.
        StorageError: An index that does not exist yet cannot be written.
    """
    allowed = {job.directory: found for job, found in zip(jobs, filters or [Filters()] * len(jobs), strict=True)}

    def use(snapshots: Sequence[Snapshot]) -> Answer:
        wanted = [allowed[snapshot.directory] for snapshot in snapshots]
        loaded = encoder() if encoder else None
        return search(snapshots, question, loaded, limit=limit, filters=wanted, min_confidence=min_confidence)

    return consult(jobs, use, encoder, surface, refresh=refresh, on_failure=on_failure)


def consult(
    jobs: Sequence[Job],
    use: Callable[[Sequence[Snapshot]], T],
    encoder: LazyEncoder | None,
    surface: Surface,
    *,
    refresh: bool = True,
    encode_seconds: float | None = ENCODE_SECONDS,
    on_failure: Callable[[Job, CodesearchError], None] | None = None,
) -> T:
    """Bring indexes up to date, and return what `use` makes of a snapshot of each, in the order of the jobs.

    Args:
        jobs: The repositories.
        use: Called a second time if an index turns out to be damaged, with one that was built anew.
        encoder: Loads it; None to leave texts waiting.
        surface: Told what happens meanwhile.
        refresh: Whether indexes are brought up to date, and built anew where they are damaged.
        encode_seconds: How long to wait for texts to be encoded; None for as long as it takes.
        on_failure: Told of a repository whose index cannot be brought up to date or opened, which is then left out;
            None to raise the error instead. It is raised also if nothing is left.

    Raises:
        IndexUnusable: As :func:`ask`, and so on for all that it raises; and whatever `use` raises.
    """
    for attempt in range(2):
        try:
            with ExitStack() as stack:
                snapshots = []
                for job in jobs:
                    try:
                        opened = _open(job, encoder, surface, encode_seconds) if refresh else Snapshot(job.directory)
                        snapshots.append(stack.enter_context(opened))
                    except (IndexBusy, IndexUnusable, InputError, StorageError) as error:
                        if on_failure is None or not (snapshots or job is not jobs[-1]):
                            raise
                        on_failure(job, error)
                return use(snapshots)
        except IndexUnusable as error:
            if error.reason is not Unusable.CORRUPT or attempt or not refresh:
                raise
            for job in damaged_jobs(jobs, error):
                _say_replaced(surface, job, error)
                _refresh(job, encoder, surface, encode_seconds, rebuild=True)
    raise AssertionError("the second attempt returns or raises")


def damaged_jobs(jobs: Sequence[Job], error: IndexUnusable) -> list[Job]:
    """Return the jobs whose indexes have to be built anew, after reading one of them failed.

    Everything in an index can be made again, and vectors are remembered elsewhere. Where SQLite finds no fault, the
    contents are not what they should be, and nobody can tell which index it was: then it is all of them.

    Args:
        jobs: All whose indexes were read.
        error: What was raised.

    Raises:
        IndexUnusable: A damaged index was imported, and cannot be built here.
    """
    imported = [job.repository.name for job in jobs if job.repository.imported and is_damaged(job.directory)]
    if imported:
        raise IndexUnusable(error.reason, f"import {' and '.join(imported)} again") from error
    made_here = [job for job in jobs if not job.repository.imported]
    return [job for job in made_here if is_damaged(job.directory)] or made_here


def _open(job: Job, encoder: LazyEncoder | None, surface: Surface, encode_seconds: float | None) -> Snapshot:
    """Open the index of a repository; bring it up to date first, if it is not."""
    if job.repository.imported:
        return _open_imported(job, surface)
    try:
        snapshot = Snapshot(job.directory)
    except IndexUnusable as error:
        if error.reason is Unusable.NEWER_FORMAT:
            raise
        if error.reason is Unusable.MISSING:
            refuse_what_is_huge(job.repository)
        _refresh(job, encoder, surface, encode_seconds, exists=error.reason is not Unusable.MISSING)
        return Snapshot(job.directory)
    try:
        # Asked first because it takes no lock: several questions at once do not get in each other's way.
        if is_current(snapshot, job, encoder):
            return snapshot
        if encode_seconds is not None and snapshot.pending_count and _has_waited(snapshot):
            encode_seconds = min(encode_seconds, _AGAIN_SECONDS)
    except BaseException:
        snapshot.close()
        raise
    snapshot.close()
    _refresh(job, encoder, surface, encode_seconds)
    return Snapshot(job.directory)


def _has_waited(snapshot: Snapshot) -> bool:
    """Whether a question has waited for vectors of this index in the last minutes, which leaves some to be made."""
    return 0 <= time.time() - snapshot.manifest.updated < _BUDGET_LASTS_SECONDS


def _open_imported(job: Job, surface: Surface) -> Snapshot:
    """Open an index that has no source here, and say how old it is instead of bringing it up to date."""
    name = job.repository.name
    try:
        snapshot = Snapshot(job.directory)
    except IndexUnusable as error:
        raise IndexUnusable(error.reason, f"import {name} again") from error
    commit = snapshot.manifest.commit
    made = f"commit {commit[:10]}, " if commit else ""
    made += time.strftime("%Y-%m-%d", time.localtime(snapshot.manifest.updated))
    surface.say(f"{name}: imported, as of {made}")
    return snapshot


def _refresh(
    job: Job,
    encoder: LazyEncoder | None,
    surface: Surface,
    encode_seconds: float | None,
    *,
    exists: bool = True,
    rebuild: bool = False,
) -> None:
    """Bring an index up to date before it is asked; where that cannot be done, say so and go on."""
    name = job.repository.name
    anew = rebuild or not exists

    def replaced(error: IndexUnusable) -> None:
        nonlocal anew
        anew = True
        _say_replaced(surface, job, error)

    updating = bring_up_to_date(
        job,
        encoder,
        rebuild=rebuild,
        encode_seconds=encode_seconds,
        # Whoever needs all vectors waits for all of another's work; a question is answered from its first commit on.
        wait_seconds=0 if exists or encode_seconds is not None else -1,
        on_wait=lambda: surface.say(f"{name}: waiting for another process that is indexing it"),
        on_replace=replaced,
        adopt_model=not exists,
    )
    try:
        report = surface.follow(updating, name)
    except IndexBusy:
        if not _can_be_asked(job):
            surface.say(f"{name}: another process is indexing it for the first time; waiting for its words")
            _wait_for_words(job)
        surface.say(f"{name}: another process is indexing it; answering from what it has committed")
    except StorageError as error:
        if anew:
            raise
        surface.say(f"{name}: answering from the index as it is, which cannot be brought up to date: {error}")
    except KeyboardInterrupt:
        surface.say(f"{name}: stopped indexing; answering from what there is")
    else:
        if report.notice:
            surface.say(f"{name}: {report.notice}")
        if anew:
            surface.done(name, report)


def _can_be_asked(job: Job) -> bool:
    """Whether the words of an index can be searched, which they can from the first commit on that holds all files."""
    try:
        with Snapshot(job.directory) as snapshot:
            return snapshot.has_words and bool(snapshot.chunk_count)
    except IndexUnusable:
        return False


def _wait_for_words(job: Job) -> None:
    """Wait until what another process is indexing can be asked.

    Raises:
        IndexBusy: It takes too long.
    """
    deadline = time.monotonic() + _WORDS_SECONDS
    while not _can_be_asked(job):
        if time.monotonic() > deadline:
            raise IndexBusy(
                f"{job.repository.name}: another process is indexing it, and nothing of it can be searched yet: "
                "ask again in a while"
            )
        time.sleep(_LOOK_SECONDS)


def _say_replaced(surface: Surface, job: Job, error: IndexUnusable) -> None:
    surface.say(f"{job.repository.name}: {error.reason.value}: building it anew")
