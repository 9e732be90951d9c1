"""Results: one system under one protocol, as a JSON file that says how it came about.

All figures are fractions, 0..1; only tables and plots multiply by 100.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import InputError
from codesearch_eval.encoder.systems import SystemInfo
from codesearch_eval.metrics import Interval

__all__ = ["FORMAT", "GroupResult", "Result", "read_result", "read_results", "write_result"]

FORMAT = 1
"""Raised when a reader of the older files would misunderstand the newer."""


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The figures of one group (language).

    Attributes:
        queries: Number of questions that count.
        candidates: Number of candidates.
        distinct_candidates: Number of different texts among them.
        tied_queries: Questions whose best relevant candidate has the same score as an irrelevant one; the
            tie rule decides about these, and only these.
        measures: Name -> figure.
        notes: Counts of the task, by name.
        query_hash: Hash of the questions' ids in order: where it is equal, results can be compared by query.
        per_query: The headline figure of each question, or None where it was not kept.
    """

    queries: int
    candidates: int
    distinct_candidates: int
    tied_queries: int
    measures: Mapping[str, Interval]
    notes: Mapping[str, int]
    query_hash: str
    per_query: tuple[float, ...] | None = None

    def values(self) -> NDArray[np.float64] | None:
        """Return `per_query` as an array."""
        return None if self.per_query is None else np.asarray(self.per_query, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Result:
    """One system under one protocol.

    Attributes:
        protocol: The rules, field by field as in `codesearch_eval.encoder.protocols.Protocol`.
        system: What was measured.
        headline: Name of the measure that tables show.
        measures: Name -> mean over the groups, with its 95% confidence interval.
        groups: Language -> its figures.
        seconds: Wall time; nearly nothing where the vectors came from the cache.
        machine: As `codesearch_eval.machine.Machine`.
        software: As `codesearch_eval.machine.Software`.
        created: Time of the evaluation, ISO 8601, UTC.
    """

    protocol: Mapping[str, Any]
    system: SystemInfo
    headline: str
    measures: Mapping[str, Interval]
    groups: Mapping[str, GroupResult]
    seconds: float
    machine: Mapping[str, Any]
    software: Mapping[str, Any]
    created: str

    @property
    def protocol_name(self) -> str:
        """Name of the protocol."""
        return str(self.protocol["name"])

    @property
    def rules(self) -> dict[str, Any]:
        """The protocol without its title: what must be equal for two results to be comparable."""
        return {name: value for name, value in self.protocol.items() if name != "title"}

    def file_name(self) -> str:
        """Return the name that its file gets: the same system under the same protocol overwrites itself."""
        system = f"{self.system.name} {self.system.precision}".strip()
        return re.sub(r"[^\w.=-]+", "-", f"{self.protocol_name}--{system}".lower()).strip("-") + ".json"


def write_result(result: Result, folder: Path) -> Path:
    """Write `result` into `folder`, and return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / result.file_name()
    text = json.dumps({"format": FORMAT, **asdict(result)}, indent=1, ensure_ascii=False)
    path.write_text(_one_line_arrays(text) + "\n", encoding="utf-8")
    return path


def read_results(paths: Iterable[Path]) -> list[Result]:
    """Read result files, and all ``*.json`` of folders among `paths`, by name.

    Raises:
        InputError: There is none, or one cannot be read.
    """
    files: list[Path] = []
    for path in paths:
        files.extend(sorted(path.glob("*.json")) if path.is_dir() else [path])
    if not files:
        raise InputError("no result files there: make some with codesearch-eval run --out DIR")
    return [read_result(path) for path in files]


def read_result(path: Path) -> Result:
    """Read a result file.

    Raises:
        InputError: It is missing, damaged, or of another format.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = record.pop("format")
        if found != FORMAT:
            raise InputError(f"{path} has format {found}, this version reads {FORMAT}: evaluate again")
        return Result(
            **{
                **record,
                "system": SystemInfo(**record["system"]),
                "measures": _intervals(record["measures"]),
                "groups": {name: _group(group) for name, group in record["groups"].items()},
            }
        )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no result of codesearch-eval run ({error!r})") from error


def _group(record: Mapping[str, Any]) -> GroupResult:
    values = record["per_query"]
    return GroupResult(
        **{
            **record,
            "measures": _intervals(record["measures"]),
            "per_query": None if values is None else tuple(values),
        }
    )


def _intervals(record: Mapping[str, Mapping[str, float]]) -> dict[str, Interval]:
    return {name: Interval(**interval) for name, interval in record.items()}


def _one_line_arrays(text: str) -> str:
    """Put arrays of numbers on one line: a thousand ranks are not a thousand lines of a diff."""
    return re.sub(r"\[[\s\d.,eE+-]*\]", lambda array: re.sub(r"\s+", " ", array[0]), text)
