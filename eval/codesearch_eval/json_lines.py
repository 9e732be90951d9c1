"""Records in files of JSON Lines, one a line: what a measurement keeps so that another step can go on from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from codesearch.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["read_records", "write_records"]

Record = TypeVar("Record")


def write_records(records: Iterable[DataclassInstance], path: Path) -> None:
    """Write frozen records, and the folders above the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(asdict(record)) + "\n" for record in records), encoding="utf-8")


def read_records(path: Path, make: Callable[[dict[str, Any]], Record], wanted: str) -> list[Record]:
    """Read what `write_records` wrote.

    Args:
        path: The file.
        make: From the fields of a line to a record.
        wanted: What the file should hold and how one comes by it, for the message.

    Raises:
        InputError: The file is missing or damaged.
    """
    try:
        return [make(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no {wanted} ({error})") from error
