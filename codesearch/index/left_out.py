"""How much of a repository's text is not in its index, and of what kind that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from codesearch.records import SkippedFile, SkipReason

__all__ = ["LeftOut", "left_out_text"]

_KINDS: Final[Mapping[SkipReason, str]] = {
    SkipReason.DATA: "data",
    SkipReason.FAILED: "failed",
    SkipReason.GENERATED: "generated",
    SkipReason.MINIFIED: "minified",
    SkipReason.TOO_LARGE: "too large",
    SkipReason.UNREADABLE: "unreadable",
    SkipReason.UNKNOWN_LANGUAGE: "data",
}
"""Text that somebody may look for in vain. What was excluded was excluded by somebody, and the rest is no text."""

_TEXT_OF_DATA: Final = frozenset({"*.csv", "*.tsv", "*.psv", "*.svg", "*.po", "*.pot", "*.log", "*.diff", "*.patch"})
"""Of the suffixes of data, those of text."""

_LOCK_FILE: Final = "a lock file"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The files of text that were left out.

    Attributes:
        files: How many files are in the index.
        kinds: How many are not, by kind, most first.
    """

    files: int
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of all files of text that is not in the index, from 0 to 1."""
        out = sum(self.kinds.values())
        return out / (self.files + out) if out else 0.0


def left_out_text(files: int, skipped: Iterable[SkippedFile]) -> LeftOut:
    """Count the files of text among those that were left out; lock files, which nobody looks for, are not counted.

    Args:
        files: How many files are in the index.
        skipped: As a listing has them: files in no known language are one entry per suffix.
    """
    kinds: Counter[str] = Counter()
    for file in skipped:
        kind = _KINDS.get(file.reason)
        is_group = file.path.startswith("*")
        if kind is None or file.detail == _LOCK_FILE or (is_group and file.path not in _TEXT_OF_DATA):
            continue
        kinds[kind] += int(file.detail.split()[0].replace(",", "")) if is_group else 1
    return LeftOut(files, dict(kinds.most_common()))
