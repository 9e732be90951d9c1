"""Groups that were looked at and accepted, so that a check fails for new ones only.

A baseline knows functions by the fingerprint of their tokens: moving, renaming or re-indenting one changes nothing,
editing it brings its group back, and so does one more copy.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from codesearch.duplicates.finding import Group, Level
from codesearch.errors import InputError, StorageError

__all__ = ["Baseline", "read_baseline", "write_baseline"]

_FORMAT: Final = 1


class Baseline:
    """Groups that were accepted.

    Args:
        groups: Level and fingerprints of each.
    """

    def __init__(self, groups: Iterable[tuple[Level, Sequence[str]]]) -> None:
        self._groups: defaultdict[tuple[Level, str], list[Counter[str]]] = defaultdict(list)
        for level, fingerprints in groups:
            counted = Counter(fingerprints)
            for fingerprint in counted:
                self._groups[level, fingerprint].append(counted)

    def accepts(self, group: Group) -> bool:
        """Whether all functions of a group were in one accepted group of its level, as often as now."""
        counted = Counter(member.function.exact.hex() for member in group.members)
        accepted = self._groups.get((group.level, group.members[0].function.exact.hex()), [])
        return any(counted <= known for known in accepted)


def read_baseline(path: Path) -> Baseline:
    """Read the baseline that :func:`write_baseline` wrote.

    Raises:
        InputError: There is none, or it is not one.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != _FORMAT:
            raise InputError(f"{path} is of another version of codesearch: write it anew with --write-baseline")
        return Baseline(
            (Level(group["level"]), [function["fingerprint"] for function in group["functions"]])
            for group in found["groups"]
        )
    except FileNotFoundError:
        raise InputError(f"there is no baseline {path}: write one with --write-baseline {path}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no baseline of `codesearch duplicates`: write one with --write-baseline"
        ) from error


def write_baseline(path: Path, groups: Sequence[Group]) -> None:
    """Write groups as accepted, in an order and a form that make differences readable.

    Raises:
        StorageError: It cannot be written.
    """
    entries = [
        {
            "level": group.level.value,
            "functions": [
                {
                    "fingerprint": member.function.exact.hex(),
                    "path": member.function.path.encode("utf-8", "replace").decode(),
                    "name": member.function.qualified_name,
                }
                for member in group.members
            ],
        }
        for group in groups
    ]
    entries.sort(key=lambda entry: json.dumps(entry))
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(json.dumps({"format": _FORMAT, "groups": entries}, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
