"""What the user asked to include and to exclude."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codesearch.errors import InputError
from codesearch.sources.patterns import PatternList

__all__ = ["DEFAULT_MAX_FILE_BYTES", "FileRules"]

DEFAULT_MAX_FILE_BYTES = 1 << 20
"""1 MiB: hand-written files are smaller (the longest of CPython's and Linux's sources are about 0.7 MiB)."""

_OUTPUTS = 16
"""So many times as large as its cells a notebook may be."""


@dataclass(frozen=True, slots=True)
class FileRules:
    """Which files of a repository are to be searched, beyond what Git and ignore files say.

    The patterns are in gitignore syntax, relative to the repository's root: ``*.sql`` is any file of that
    suffix, ``docs/`` any folder of that name with all below it, ``/docs/`` the one at the root, ``a/**/b``
    any depth between; a later ``!pattern`` takes back what an earlier one matched.

    Attributes:
        include: Where not empty, only files that match are searched.
        exclude: Files that match are not searched, even if `include` names them.
        max_file_bytes: Larger files are not searched. A notebook may be larger, for most of one is what its cells
            printed: the limit is for the cells.

    Raises:
        InputError: A pattern is invalid, or the limit is not positive.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES

    def most_bytes(self, path: str) -> int:
        """How large a file of this name may be."""
        return self.max_file_bytes * (_OUTPUTS if path.lower().endswith(".ipynb") else 1)

    def __post_init__(self) -> None:
        for pattern in (*self.include, *self.exclude):
            try:
                PatternList((pattern,), strict=True)
            except (ValueError, re.error) as error:
                raise InputError(
                    f"{pattern!r} is not a valid pattern: use gitignore syntax, such as '*.sql' or '/docs/'."
                ) from error
        if self.max_file_bytes <= 0:
            raise InputError(f"The size limit of {self.max_file_bytes} bytes leaves nothing: give a positive number.")
