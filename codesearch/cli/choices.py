"""What options ask for, as records that every command line can be read into without importing the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.errors import InputError
from codesearch.records import Kind

__all__ = ["IndexAccess", "MatchFilters", "MatchFormat", "resolve_index_folder"]


@dataclass(frozen=True, slots=True)
class IndexAccess:
    """Where indexes lie, what encodes for them, and whether they are kept current.

    Attributes:
        folder: Folder of all indexes; None for the default.
        device: The option; "" for what the settings say.
        model: The option; None for what the settings say.
        dense: Whether vectors are used, and made.
        refresh: Whether indexes are brought up to date before they are used.
    """

    folder: Path | None
    device: str = ""
    model: str | None = None
    dense: bool = True
    refresh: bool = True


@dataclass(frozen=True, slots=True)
class MatchFilters:
    """What may be found.

    Attributes:
        languages: Names of languages; none for all.
        kinds: Of code; none for all.
        patterns: ``.gitignore``-style patterns that let a path through; none for all paths.
        tests: Whether files of tests are found: "yes", "no" or "only".
    """

    languages: Sequence[str] = ()
    kinds: Sequence[Kind] = ()
    patterns: Sequence[str] = ()
    tests: str = ""


@dataclass(frozen=True, slots=True)
class MatchFormat:
    """How matches are printed: as a program or as a person reads them.

    Attributes:
        as_json: As JSON Lines.
        as_markdown: As Markdown, with all of the code.
        context: Lines around each match.
        score: Whether scores are shown.
        explain: Whether it is shown why each match is where it is.

    Raises:
        InputError: Both formats are asked for.
    """

    as_json: bool = False
    as_markdown: bool = False
    context: int = 0
    score: bool = False
    explain: bool = False

    def __post_init__(self) -> None:
        if self.as_json and self.as_markdown:
            raise InputError("--json and --markdown exclude each other: choose one")


def resolve_index_folder(index_dir: Path | None) -> Path | None:
    """Return where ``--index-dir`` says that indexes lie; None for the default."""
    return None if index_dir is None else index_dir.absolute()
