"""The exceptions of the package; a surface prints their text, which always says what to do next.

::

    CodesearchError
    ├── InputError               what the user gave cannot be used: a path, a URL, a pattern, a question
    │   ├── PlaceNotFound        no indexed code at that line, or of that name
    │   ├── RepositoryNotFound   no such path, not a directory, or a clone that failed
    │   └── NothingToIndex       the tree holds no file that can be searched
    ├── SettingsError            codesearch.toml or the environment holds a value that cannot be used
    ├── IndexUnusable            the index cannot be read as it is; `reason` says why
    ├── IndexBusy                another process is writing to the index
    ├── IndexClosed              an index that was opened from Python is used after it was closed
    ├── StorageError             the disk is full, read-only, or failing
    ├── ModelError               an encoder cannot be loaded or does not fit the index
    ├── WorkerFault              the indexing process met an error that is a fault of ours
    ├── WorkerCrash              the indexing process ended before it answered
    └── MissingExtra             an optional dependency is not installed; the text names the extra
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "CodesearchError",
    "IndexBusy",
    "IndexClosed",
    "IndexUnusable",
    "InputError",
    "MissingExtra",
    "ModelError",
    "NothingToIndex",
    "PlaceNotFound",
    "RepositoryNotFound",
    "SettingsError",
    "StorageError",
    "Unusable",
    "WorkerCrash",
    "WorkerFault",
]


class CodesearchError(Exception):
    """Base of all errors that this package raises on purpose."""


class InputError(CodesearchError):
    """What the user gave cannot be used."""


class PlaceNotFound(InputError):
    """No indexed code at that line, or of that name."""


class RepositoryNotFound(InputError):
    """No such path, not a directory, or a clone that failed."""


class NothingToIndex(InputError):
    """The tree holds no file that can be searched."""


class SettingsError(CodesearchError):
    """``codesearch.toml`` or the environment holds a value that cannot be used."""


class Unusable(StrEnum):
    """Why an index cannot be used as it is. The value is the sentence that people read."""

    MISSING = "there is no index yet"
    OLDER_FORMAT = "the index was written by an older version of codesearch"
    NEWER_FORMAT = "the index was written by a newer version of codesearch"
    OTHER_MODEL = "the index was made with another model"
    CORRUPT = "the index is damaged"


class IndexUnusable(CodesearchError):
    """The index cannot be read as it is.

    Attributes:
        reason: Why, as a value that surfaces and tests can compare.
    """

    def __init__(self, reason: Unusable, advice: str) -> None:
        super().__init__(f"{reason.value}: {advice}")
        self.reason = reason
        self._advice = advice

    def __reduce__(self) -> tuple[type[IndexUnusable], tuple[Unusable, str]]:
        """Let it pass between processes, which the text alone would not make it anew from."""
        return type(self), (self.reason, self._advice)


class IndexBusy(CodesearchError):
    """Another process is writing to the index."""


class IndexClosed(CodesearchError):
    """An index that was opened from Python is used after it was closed."""


class StorageError(CodesearchError):
    """The disk is full, read-only, or failing."""


class ModelError(CodesearchError):
    """An encoder cannot be loaded, or does not fit the index."""


class WorkerFault(CodesearchError):
    """The indexing process met an error that is a fault of ours."""


class WorkerCrash(CodesearchError):
    """The indexing process ended before it answered; what it had committed stays."""


class MissingExtra(CodesearchError):
    """An optional dependency is not installed; the text names the extra to install."""
