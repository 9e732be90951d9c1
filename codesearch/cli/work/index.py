"""What ``codesearch index`` does: make indexes, bring them up to date, keep them so."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from time import perf_counter

from codesearch.cli.commands.index import IndexOptions
from codesearch.cli.console import ended_by_sigterm, follow, say, say_table, say_updated, summary, tell
from codesearch.cli.inputs import load_access_settings, make_lazy_encoder, open_repository_at
from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, InputError, MissingExtra, ModelError, WorkerCrash
from codesearch.index.progress import UpdateReport
from codesearch.index.storage import open_reader
from codesearch.present.render import visible
from codesearch.processes import prepare_worker
from codesearch.records import Repository
from codesearch.sources import discover, is_url
from codesearch.upkeep.forecast import forecast, forecast_lines
from codesearch.upkeep.plan import Job, bring_up_to_date, plan
from codesearch.upkeep.targets import nothing_below

__all__ = ["bring_up_to_date_all"]


def bring_up_to_date_all(wanted: IndexOptions) -> None:
    """Index what the options name, or say what that would do.

    Raises:
        CodesearchError: There is nothing to do.
        SystemExit: With 2 if one of several repositories failed.
    """
    if wanted.files and not wanted.dry_run:
        raise InputError("--files lists what --dry-run sums up: give both")
    below = wanted.below
    locations = list(wanted.paths) if below else list(wanted.paths) or ["."]
    table = None
    if below is not None:
        table = _Table(below)
        locations += map(str, table.found.work_trees)
    if wanted.watch:
        if wanted.dry_run:
            raise InputError("--watch and --dry-run exclude each other: choose one")
        _watch(locations, wanted)
        return
    prepare_worker()
    load = _encoder_of(wanted)
    failed = False
    for location in locations:
        try:
            repository = open_repository_at(location)
            if wanted.dry_run:
                _foresee(repository, load, wanted)
            else:
                report = _update(_job_of(wanted, repository), load, wanted)
                if not wanted.quiet:
                    say(summary(repository.name, report))
                if table is not None:
                    table.add(repository, report)
        except CodesearchError as error:
            failed = True
            tell(f"{location}: {error}" if table is not None and location not in str(error) else str(error))
            if table is not None:
                table.fail(location)
    if table is not None and not wanted.quiet and not wanted.dry_run:
        table.show()
    if failed:
        sys.exit(2)


def _job_of(wanted: IndexOptions, repository: Repository, *, again: bool = False) -> Job:
    """Return what is to be done; `again` for a later time, when the index remembers the patterns."""
    settings = load_access_settings(wanted.access, repository.root)
    include, exclude = (None, None) if again else (wanted.include, wanted.exclude)
    return plan(repository, settings, indexes=wanted.access.folder, include=include, exclude=exclude)


def _encoder_of(wanted: IndexOptions) -> LazyEncoder | None:
    """Return what loads the encoder, which no repository has a say in; None to encode nothing."""
    return make_lazy_encoder(load_access_settings(wanted.access)) if wanted.access.dense else None


def _foresee(repository: Repository, load: LazyEncoder | None, wanted: IndexOptions) -> None:
    lines = forecast_lines(forecast(_job_of(wanted, repository), load), every_file=wanted.files)
    print("\n".join(map(visible, lines)))


def _update(job: Job, load: LazyEncoder | None, wanted: IndexOptions) -> UpdateReport:
    name = job.repository.name
    report = follow(
        bring_up_to_date(
            job,
            load,
            rebuild=wanted.rebuild,
            wait_seconds=wanted.wait_seconds,
            on_wait=lambda: tell(f"{name}: another process is indexing it; waiting for that to end"),
            on_replace=lambda error: tell(f"{name}: {error.reason.value}: building it anew"),
        ),
        name,
        quiet=wanted.quiet,
    )
    if report.notice:
        tell(f"{name}: {report.notice}")
    return report


# --- many repositories --------------------------------------------------------------------------------------


class _Table:
    """What was done with each of the repositories below a folder."""

    def __init__(self, below: Path) -> None:
        self.found = discover(below)
        if not self.found.work_trees:
            raise InputError(nothing_below(self.found))
        for folder in self.found.bare:
            tell(f"{folder} is a bare repository, which holds no files: left out")
        for folder in self.found.unreadable:
            tell(f"{folder} cannot be read: left out")
        self._rows: list[tuple[str, ...]] = []
        self._failed = 0

    def _label(self, root: Path) -> str:
        return self.found.label(root) if root.is_relative_to(self.found.folder) else str(root)

    def add(self, repository: Repository, report: UpdateReport) -> None:
        counts = (report.files, report.chunks, report.changed_files, report.removed_files, report.encoded)
        seconds = f"{sum(report.seconds.values()):.1f}"
        self._rows.append((self._label(repository.root), *(f"{count:,}" for count in counts), seconds))

    def fail(self, location: str) -> None:
        self._failed += 1
        self._rows.append((self._label(Path(location).absolute()), "failed"))

    def show(self) -> None:
        done = len(self._rows) - self._failed
        say_table(("repository", "files", "chunks", "read", "removed", "encoded", "s"), self._rows)
        say(
            f"{done} of {len(self._rows)} repositories are up to date"
            + (f", {self._failed} failed" if self._failed else "")
        )


# --- watching -----------------------------------------------------------------------------------------------


def _watch(locations: list[str], wanted: IndexOptions) -> None:
    """Bring indexes up to date, and again whenever their repositories change."""
    repositories = _to_be_watched(locations)
    with ended_by_sigterm():
        _Watch(repositories, wanted).run()


def _to_be_watched(locations: list[str]) -> list[Repository]:
    """Return the repositories, each once; say which cannot be watched."""
    found: dict[Path, Repository] = {}
    for location in locations:
        try:
            if is_url(location):
                raise InputError(f"{location} cannot be watched, being elsewhere: clone it, and watch the work tree")
            repository = open_repository_at(location)
            found.setdefault(repository.root, repository)
        except CodesearchError as error:
            tell(str(error))
    if not found:
        raise InputError("there is nothing to watch: name a folder that exists")
    return list(found.values())


class _Watch:
    def __init__(self, repositories: list[Repository], wanted: IndexOptions) -> None:
        from codesearch.upkeep.messages import EncoderChoice
        from codesearch.upkeep.worker import Worker

        self._repositories = repositories
        self._wanted = wanted
        self._encoder = EncoderChoice.of(load_access_settings(wanted.access)) if wanted.access.dense else None
        self._worker = Worker()
        self._commits: dict[Path, str | None] = {}

    def run(self) -> None:
        from codesearch.upkeep.watching import RepositoryChanged, WatchStarted, watch

        wanted = self._wanted
        jobs = [_job_of(wanted, repository) for repository in self._repositories]
        events = watch(
            self._repositories,
            lambda repository: _job_of(wanted, repository, again=repository.root in self._commits).rules,
            leave_out=[job.directory.parent for job in jobs],
            on_polling=lambda reason: tell(f"{reason}: looking at every file each two seconds instead"),
        )
        with closing(self._worker):
            for event in events:
                if isinstance(event, WatchStarted):
                    for repository in self._repositories:
                        if repository.root.exists():
                            self._bring_up_to_date(repository, first=True)
                    if not wanted.quiet:
                        names = ", ".join(repository.name for repository in self._repositories)
                        folders = "1 folder" if event.folders == 1 else f"{event.folders:,} folders"
                        say(f"watching {names} ({folders}); Ctrl-C ends it")
                elif isinstance(event, RepositoryChanged):
                    self._bring_up_to_date(event.repository)
                else:
                    tell(f"{event.repository.root} is gone, or cannot be read any more: it is no longer watched")
        raise InputError("nothing is left to watch: run the command again once the folders are back")

    def _bring_up_to_date(self, repository: Repository, *, first: bool = False) -> None:
        started = perf_counter()
        try:
            # Planned anew: codesearch.toml may be what has changed.
            job = _job_of(self._wanted, repository, again=not first)
            report = self._update(job, rebuild=self._wanted.rebuild and first)
            commit = _commit_of(job)
        except (CodesearchError, OSError) as error:
            if repository.root.exists():  # else it is about to be told that it is gone
                tell(f"{repository.name}: {_with_advice(error)}")
            return
        moved = commit if self._commits.get(repository.root, commit) != commit else None
        self._commits[repository.root] = commit
        if report is not None and report.notice:
            tell(f"{repository.name}: {report.notice}")
        if report is None or self._wanted.quiet:
            return
        if first:
            say(summary(repository.name, report))
        elif report.changed_files or report.removed_files or report.encoded or moved:
            say_updated(repository.name, report, perf_counter() - started, commit=moved)

    def _update(self, job: Job, *, rebuild: bool) -> UpdateReport | None:
        """Carry out an update in the indexing process; once more if that crashes, for the change must not be lost."""
        from codesearch.upkeep.messages import UpdateRequest

        name = job.repository.name
        for _ in range(2):
            request = UpdateRequest(
                self._worker.new_number(),
                job,
                self._encoder,
                rebuild=rebuild,
                wait_seconds=self._wanted.wait_seconds,
            )
            try:
                return follow(
                    self._worker.run(request, on_notice=lambda text: tell(f"{name}: {text}")),
                    name,
                    quiet=self._wanted.quiet,
                )
            except WorkerCrash as error:
                crash = error
        raise crash


def _with_advice(error: Exception) -> str:
    if isinstance(error, ModelError | MissingExtra):
        return f"{str(error).rstrip('.')}; or search by words only, with --no-dense"
    return str(error)


def _commit_of(job: Job) -> str | None:
    connection, manifest = open_reader(job.directory)
    connection.close()
    return manifest.commit
