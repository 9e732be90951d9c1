"""What is indexed, how fresh it is, and getting rid of it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from codesearch import __version__
from codesearch.encoders import load_encoder
from codesearch.encoders.model_directory import find_model, read_model_directory
from codesearch.errors import CodesearchError, ModelError
from codesearch.index.changes import really_changed
from codesearch.index.locations import find_imported, find_index, imported_root, index_directory, list_indexes
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, delete_index, index_size
from codesearch.portable import relate, relation_text
from codesearch.present.render import visible
from codesearch.records import Repository
from codesearch.settings import Settings
from codesearch.sources import Distance
from codesearch.upkeep.plan import plan

__all__ = [
    "all_statuses",
    "brief_line",
    "forget_all",
    "forget_repository",
    "model_id",
    "repository_status",
    "skipped_lines",
    "status_lines",
    "versions",
]

Status = dict[str, Any]
"""What ``codesearch status --json`` prints; ``docs/guide/json.md`` describes it."""

_VERSIONS_OF: Final = ("onnxruntime", "tokenizers", "tree-sitter", "tantivy", "usearch", "hnswlib", "numpy", "torch")


def repository_status(repository: Repository, settings: Settings, *, indexes: Path | None = None) -> Status:
    """Describe the index of a repository.

    Raises:
        IndexUnusable: There is none, or it cannot be read.
    """
    job = plan(repository, settings, indexes=indexes)
    with Snapshot(job.directory) as snapshot:
        manifest, counts = snapshot.manifest, snapshot.counts()
        changes = None if manifest.imported else snapshot.changes(repository, job.rules)
        skipped = snapshot.skipped()
    return {
        "repository": manifest.name,
        "root": None if manifest.imported else manifest.root,
        "imported": manifest.imported,
        "url": manifest.url,
        "index": str(job.directory),
        "bytes": index_size(job.directory),
        "commit": manifest.commit,
        "current_commit": changes.listing.commit if changes else None,
        "updated": manifest.updated,
        "changed_files": len(really_changed(repository, changes, job.rules)) if changes else 0,
        "removed_files": len(changes.removed) if changes else 0,
        "files": counts.files,
        "languages": counts.languages,
        "chunks": counts.chunks,
        "vectors": counts.vectors,
        "pending": counts.pending,
        "model": manifest.model_id,
        "model_is_current": not manifest.model_id or model_id(settings.model) in ("", manifest.model_id),
        "include": list(job.rules.include),
        "exclude": list(job.rules.exclude),
        "skipped": [{"path": file.path, "reason": file.reason.value, "detail": file.detail} for file in skipped],
        "work_trees": [
            {"root": str(distance.top), "ahead": distance.ahead, "behind": distance.behind}
            for distance in (relate(manifest.commit, indexes or settings.indexes) if manifest.imported else ())
        ],
        "vector_cache": str(settings.vector_cache),
        "vector_cache_bytes": _size(settings.cache.glob("vectors.db*")),
    }


def model_id(model: str | None) -> str:
    """Return the id of the model in use, "" where it cannot be read."""
    if model == "hashing":  # has no directory
        return load_encoder(model).model_id
    try:
        return read_model_directory(find_model(model)).model_id
    except ModelError:
        return ""


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        with suppress(FileNotFoundError):  # SQLite removes its log when the last writer leaves
            total += file.stat().st_size
    return total


def status_lines(status: Status) -> list[str]:
    """Return a status as a person reads it."""
    languages = ", ".join(f"{name} {count:,}" for name, count in list(status["languages"].items())[:8])
    trees = status["work_trees"]
    waiting = f", {status['pending']:,} waiting to be encoded" if status["pending"] else ""
    rows = {
        "repository": f"{status['repository']}  {status['url'] or status['root'] or ''}".rstrip(),
        "index": f"{status['index']}  {_megabytes(status['bytes'])}",
        "state": _freshness(status),
        "work trees": "; ".join(relation_text(Distance(Path(t["root"]), t["ahead"], t["behind"])) for t in trees),
        "files": f"{status['files']:,}  ({languages})",
        "chunks": f"{status['chunks']:,}",
        "vectors": f"{status['vectors']:,}{waiting}",
        "model": (status["model"] or "none yet")
        + ("" if status["model_is_current"] else "  another one is in use now: run `codesearch index`"),
        "include": ", ".join(status["include"]),
        "exclude": ", ".join(status["exclude"]),
        "left out": _skipped_summary(status),
        "vector cache": f"{status['vector_cache']}  {_megabytes(status['vector_cache_bytes'])}",
    }
    return [visible(f"{name:<14}{value}") for name, value in rows.items() if value]


def _freshness(status: Status) -> str:
    parts = []
    if status["commit"]:
        parts.append(f"commit {status['commit'][:10]}")
        if not status["imported"] and status["current_commit"] != status["commit"]:
            parts.append(f"the repository is at {(status['current_commit'] or 'none')[:10]}")
    parts.append(f"updated {_ago(time.time() - status['updated'])}" if status["updated"] else "not finished yet")
    if status["imported"]:
        return ", ".join([*parts, f"imported {_ago(time.time() - status['imported'])}, without its source"])
    stale = status["changed_files"] + status["removed_files"]
    parts.append(f"{stale:,} files changed since" if stale else "up to date")
    return ", ".join(parts)


def _ago(seconds: float) -> str:
    for name, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name} ago"
    return "just now" if seconds < 60 else "a minute ago"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _skipped_summary(status: Status) -> str:
    reasons = Counter(file["reason"] for file in status["skipped"])
    listed = "; ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"{len(status['skipped']):,}  ({listed})" if listed else ""


def skipped_lines(status: Status) -> list[str]:
    """Return the files that were left out, one a line, or a line that says that there are none."""
    lines = []
    for file in status["skipped"]:
        detail = f" ({file['detail']})" if file["detail"] else ""
        lines.append(visible(f"{file['path']}: {file['reason']}{detail}"))
    return lines or ["no file was left out"]


def all_statuses(indexes: Path) -> list[Status]:
    """Return every index under a folder, briefly."""
    return [_brief(directory, found) for directory, found in list_indexes(indexes)]


def _brief(directory: Path, found: Manifest | CodesearchError) -> Status:
    if isinstance(found, CodesearchError):
        return {"index": str(directory), "error": str(found)}
    return {
        "repository": found.name,
        "root": None if found.imported else found.root,
        "imported": found.imported,
        "index": str(directory),
        "bytes": index_size(directory),
        "updated": found.updated,
        "exists": Path(found.root).is_dir(),
    }


def brief_line(status: Mapping[str, Any]) -> str:
    """Return one index of ``status --all`` as a line."""
    if "error" in status:
        return visible(f"{status['index']}  {status['error']}")
    gone = "" if status["exists"] else "  (the folder is gone)"
    if status["imported"]:
        gone = "  (imported)"
    updated = _ago(time.time() - status["updated"]) if status["updated"] else "not finished"
    return visible(f"{status['root'] or status['repository']}  {_megabytes(status['bytes'])}  {updated}{gone}")


def forget_repository(location: str, settings: Settings, indexes: Path) -> str | None:
    """Delete the index of the repository at a path or URL, and its clone if it was cloned.

    Returns:
        The root of the repository, its name if it was imported, or None if it was not indexed.
    """
    root = _indexed_root(location, indexes)
    if root is None or not delete_index(index_directory(indexes, root)):
        return None
    clones = settings.cache / "clones"
    if root.is_relative_to(clones):
        shutil.rmtree(root, ignore_errors=True)
    imports = imported_root("")
    return root.relative_to(imports).as_posix() if root.is_relative_to(imports) else str(root)


def _indexed_root(location: str, indexes: Path) -> Path | None:
    for _, manifest in list_indexes(indexes):
        if isinstance(manifest, Manifest) and location == manifest.url and not manifest.imported:
            return Path(manifest.root)
    path = Path(location).absolute().resolve()
    if path.exists():
        return find_index(indexes, path)
    if (imported := find_imported(indexes, location.removeprefix("imported:"))) is not None:
        return imported
    # A folder that is gone has to be named itself: a mistyped path must not cost the index around it.
    return path if index_directory(indexes, path).is_dir() else None


def forget_all(indexes: Path) -> int:
    """Delete every index under a folder; returns how many there were."""
    return sum(delete_index(directory) for directory, _ in list_indexes(indexes))


def versions() -> dict[str, str]:
    """Return the versions that a report of a problem should name."""
    found = {"codesearch": __version__, "model": model_id(None) or "none"}
    for package in _VERSIONS_OF:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found | {"python": sys.version.split()[0], "platform": platform.platform()}
