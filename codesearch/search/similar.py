"""Code like this: the functions nearest to a place in a repository, or to a pasted piece of code, by vector.

place -> its chunk -> the stored vector -> nearest neighbours; a snippet, and text that was never indexed, is encoded
first, as a document and not as a question. It reads committed snapshots and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codesearch.encoders import LazyEncoder
from codesearch.encoders.text import document_text
from codesearch.errors import InputError, PlaceNotFound
from codesearch.records import Kind, Match
from codesearch.search.candidates import Candidate, Filters, Searchable, find_in
from codesearch.search.location import CODE, Place, Snippet, find_place, read_snippet
from codesearch.search.notices import RUN_INDEX, Answer, Notice, NoticeKind, notices_of, why_empty

__all__ = ["Place", "Snippet", "similar"]

_EXTRA: Final = 10
"""Neighbours asked for beyond the limit: the function itself, and further parts of long ones, are left out."""

_Definition = tuple[str, str, int, int, Kind]


@dataclass(frozen=True, slots=True)
class _NeighbourQuery:
    """What neighbours are looked for.

    Attributes:
        vector: Of shape [dimension].
        model_id: Of the model that made it.
        kind: What it is, None where that is not known.
        itself: The snapshot and the definition to leave out.
    """

    vector: NDArray[np.float32]
    model_id: str
    kind: Kind | None
    itself: tuple[int, _Definition] | None


def similar(
    snapshots: Sequence[Searchable],
    target: Place | Snippet,
    encoder: LazyEncoder | None = None,
    *,
    limit: int = 10,
    filters: Sequence[Filters] | None = None,
) -> Answer:
    """Find what is most like a place or a snippet; the score of a match is its cosine.

    Of a function the answer is functions and methods, of a type types, unless the filters name kinds. The target
    itself is left out, and a function that was cut into several chunks is found once.

    Args:
        snapshots: What to search; one of them is of the repository of a place.
        target: What to compare with.
        encoder: Loads the encoder; called only where there is no stored vector. None never to encode.
        limit: The most matches that are returned.
        filters: Which chunks may be found, one for each snapshot; None for all.

    Raises:
        InputError: `limit` is not positive, or the snippet cannot be used.
        PlaceNotFound: There is no indexed code at the place, or its repository is not among `snapshots`.
        IndexUnusable: An index is damaged.
        ModelError: The encoder cannot be loaded.
    """
    if limit < 1:
        raise InputError(f"the number of results must be 1 or more, not {limit}")
    filters = filters or [Filters()] * len(snapshots)
    wanted = _wanted_at(snapshots, target, encoder) if isinstance(target, Place) else _wanted_by(target, encoder)
    if isinstance(wanted, Notice):
        return Answer((), (wanted,))
    notices = [notice for snapshot in snapshots for notice in notices_of(snapshot, wanted.model_id, by_words=False)]
    found: list[tuple[int, Candidate]] = []
    for source, (snapshot, allowed) in enumerate(zip(snapshots, filters, strict=True)):
        if snapshot.manifest.model_id == wanted.model_id:
            found += [(source, candidate) for candidate in _nearest(snapshot, source, wanted, limit, allowed)]
    found.sort(key=lambda hit: (-(hit[1].dense or 0.0), hit[0], hit[1].path, hit[1].first_line))
    if not found:
        notices.append(_why_empty(snapshots, filters, wanted))
    return Answer(tuple(_matches(snapshots, found[:limit])), tuple(notices))


def _wanted_at(snapshots: Sequence[Searchable], place: Place, encoder: LazyEncoder | None) -> _NeighbourQuery | Notice:
    source = next((number for number, snapshot in enumerate(snapshots) if snapshot.root == place.root), None)
    if source is None:
        raise PlaceNotFound(f"{place.root} is not among the indexes to search: index it first")
    snapshot = snapshots[source]
    found = find_place(snapshot, place)
    chunk, itself = found.chunk, None
    if (known := found.indexed) is not None:
        itself = source, (known.path, known.qualified_name, known.span.start, known.span.end, known.kind)
    vector = None if found.id is None else snapshot.vector_of(found.id)
    if vector is not None:
        return _NeighbourQuery(vector, snapshot.manifest.model_id, chunk.kind, itself)
    if encoder is None:
        name = chunk.qualified_name or f"{place.path}:{place.line}"
        return Notice(NoticeKind.NOT_ENCODED, f"{name} is not encoded yet", f"{RUN_INDEX} first")
    return _NeighbourQuery(_encoded(document_text(chunk), encoder), encoder().model_id, chunk.kind, itself)


def _wanted_by(snippet: Snippet, encoder: LazyEncoder | None) -> _NeighbourQuery:
    text, kind = read_snippet(snippet)
    if encoder is None:
        raise InputError("a snippet has to be encoded: give an encoder, or name a place that is indexed")
    return _NeighbourQuery(_encoded(text, encoder), encoder().model_id, kind, None)


def _encoded(text: str, encoder: LazyEncoder) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = encoder().encode_documents([text])[0]
    return vector


def _comparable(filters: Filters, kind: Kind | None) -> frozenset[Kind]:
    """Return the kinds that can be compared with something of a kind, unless filters name kinds."""
    if filters.kinds or kind not in (*CODE, Kind.TYPE):
        return frozenset(Kind)
    return CODE if kind in CODE else frozenset({Kind.TYPE})


def _nearest(
    snapshot: Searchable, source: int, wanted: _NeighbourQuery, limit: int, filters: Filters
) -> Iterable[Candidate]:
    """Return the nearest definitions of a snapshot, each once, by its nearest part."""
    # Looked at afterwards: what is near a function is functions, and a filter would go over all chunks first.
    kinds = _comparable(filters, wanted.kind)
    depth = limit + _EXTRA
    while True:
        best: dict[_Definition, Candidate] = {}
        for candidate in find_in(snapshot, (), wanted.vector, depth, filters):
            at = (candidate.path, candidate.qualified_name, candidate.first_line, candidate.last_line, candidate.kind)
            known = best.get(at)
            if (
                candidate.kind in kinds
                and (source, at) != wanted.itself
                and (known is None or (candidate.dense or 0) > (known.dense or 0))
            ):
                best[at] = candidate
        if len(best) >= limit or depth >= snapshot.chunk_count:
            return best.values()
        depth *= 4


def _why_empty(snapshots: Sequence[Searchable], filters: Sequence[Filters], wanted: _NeighbourQuery) -> Notice:
    sort = {**dict.fromkeys(CODE, "function"), Kind.TYPE: "type"}.get(wanted.kind or Kind.TEXT, "code")
    fact = f"no other {sort} is indexed here; name further repositories to search"
    return why_empty(snapshots, filters, Notice(NoticeKind.NOTHING_FOUND, fact), by_words=False)


def _matches(snapshots: Sequence[Searchable], found: Sequence[tuple[int, Candidate]]) -> Iterable[Match]:
    chunks = {
        (source, chunk_id): chunk
        for source, snapshot in enumerate(snapshots)
        for chunk_id, chunk in snapshot.chunks(c.id for where, c in found if where == source).items()
    }
    for source, candidate in found:
        snapshot, cosine = snapshots[source], min(candidate.dense or 0.0, 1.0)
        yield Match(
            repository=snapshot.manifest.name,
            root=snapshot.root,
            chunk=chunks[source, candidate.id],
            score=cosine,
            signals={"cosine": cosine},
            imported=bool(snapshot.manifest.imported),
        )
