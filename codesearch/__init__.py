"""Natural-language code search: index a repository, ask it in plain words.

::

    import codesearch

    with codesearch.open("repo/") as index:
        for match in index.search("retry with exponential backoff", limit=5):
            print(match.path, match.line, match.name, match.score)

The public names are those in ``__all__``; everything else may change between versions. Importing this package loads
no model, no grammar and no index: each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codesearch.api import Index, Status, open  # noqa: A004 - as gzip.open and tarfile.open
    from codesearch.encoders import Encoder, load_encoder
    from codesearch.errors import (
        CodesearchError,
        IndexBusy,
        IndexClosed,
        IndexUnusable,
        InputError,
        MissingExtra,
        ModelError,
        NothingToIndex,
        PlaceNotFound,
        RepositoryNotFound,
        SettingsError,
        StorageError,
        Unusable,
    )
    from codesearch.index.progress import Phase, Progress, UpdateReport
    from codesearch.records import (
        Chunk,
        Confidence,
        Kind,
        Level,
        Match,
        Repository,
        SkippedFile,
        SkipReason,
        Span,
    )
    from codesearch.search.notices import Answer, Notice, NoticeKind

__all__ = [
    "Answer",
    "Chunk",
    "CodesearchError",
    "Confidence",
    "Encoder",
    "Index",
    "IndexBusy",
    "IndexClosed",
    "IndexUnusable",
    "InputError",
    "Kind",
    "Level",
    "Match",
    "MissingExtra",
    "ModelError",
    "NothingToIndex",
    "Notice",
    "NoticeKind",
    "Phase",
    "PlaceNotFound",
    "Progress",
    "Repository",
    "RepositoryNotFound",
    "SettingsError",
    "SkipReason",
    "SkippedFile",
    "Span",
    "Status",
    "StorageError",
    "Unusable",
    "UpdateReport",
    "__version__",
    "load_encoder",
    "open",
]

__version__ = "0.1.0"

_NAMES_OF = {
    "codesearch.api": ("Index", "Status", "open"),
    "codesearch.encoders": ("Encoder", "load_encoder"),
    "codesearch.errors": (
        *("CodesearchError", "IndexBusy", "IndexClosed", "IndexUnusable", "InputError", "MissingExtra", "ModelError"),
        *("NothingToIndex", "PlaceNotFound", "RepositoryNotFound", "SettingsError", "StorageError", "Unusable"),
    ),
    "codesearch.index.progress": ("Phase", "Progress", "UpdateReport"),
    "codesearch.records": (
        *("Chunk", "Confidence", "Kind", "Level", "Match", "Repository", "SkipReason", "SkippedFile", "Span"),
    ),
    "codesearch.search.notices": ("Answer", "Notice", "NoticeKind"),
}
"""Where each name is imported from when it is first used; the imports above say the same to type checkers."""

# Hidden from type checkers, which would take any name for one of this module.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        for module, names in _NAMES_OF.items():
            if name in names:
                from importlib import import_module

                value = globals()[name] = getattr(import_module(module), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
