"""How an imported index relates to the work trees that are here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codesearch.index.locations import list_indexes
from codesearch.index.storage import Manifest
from codesearch.sources import Distance, distance_to

__all__ = ["relate", "relation_text"]


def relate(commit: str | None, indexes: Path, also: Path | None = None) -> Iterator[Distance]:
    """Find the work trees that know the commit of an imported index, among those that are indexed.

    Args:
        commit: That was indexed; None finds nothing.
        indexes: Folder of all indexes.
        also: One more folder to look at, such as the current one.
    """
    if commit is None:
        return
    manifests = (found for _, found in list_indexes(indexes) if isinstance(found, Manifest))
    folders = [Path(manifest.root) for manifest in manifests if not manifest.imported]
    folders += [also] if also is not None else []
    found = (distance_to(folder, commit) for folder in folders if folder.is_dir())
    yield from dict.fromkeys(distance for distance in found if distance is not None)


def relation_text(distance: Distance) -> str:
    """Return how a work tree relates to an imported index, as a sentence without a full stop."""
    counts = ((distance.ahead, "ahead of it"), (distance.behind, "behind it"))
    parts = [f"{count:,} commit{'s' if count != 1 else ''} {where}" for count, where in counts if count]
    return f"the work tree {distance.top} is {' and '.join(parts) or 'at the same commit'}"
