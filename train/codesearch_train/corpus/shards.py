"""Pairs on disk: gzip-compressed JSON lines in shards of bounded size, next to a manifest.

A corpus is a directory ``<split>-00000.jsonl.gz, <split>-00001.jsonl.gz, ...`` and ``manifest.json``.
Readers check every line before the expensive part of a run starts, and name file and line in what they
raise.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from codesearch.errors import InputError
from codesearch_train.corpus.pairs import Pair, PairKind, Split

__all__ = [
    "MANIFEST",
    "CorpusError",
    "Pair",
    "read_lines",
    "read_manifest",
    "read_pairs",
    "shard_paths",
    "write_lines",
    "write_shards",
]

MANIFEST = "manifest.json"
_FIELDS = tuple(field.name for field in dataclasses.fields(Pair))
_MAY_BE_EMPTY = frozenset({"path"})
_KINDS = frozenset(kind.value for kind in PairKind)
_SPLITS = frozenset(split.value for split in Split)


class CorpusError(InputError):
    """A corpus or shard cannot be read; the text names the file and the line."""


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> int:
    """Writes records as gzip-compressed JSON lines, all or nothing; returns how many.

    The same records give the same bytes: no time or name goes into the gzip header.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    count = 0
    with (
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=4, mtime=0) as stream,
    ):
        for record in records:
            stream.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
            stream.write(b"\n")
            count += 1
    temporary.replace(path)
    return count


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads JSON lines, gzip-compressed or not.

    Yields:
        (line number from 1, object).

    Raises:
        CorpusError: The file cannot be read, is cut short, or a line is not a JSON object.
    """
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for line in stream:
                number += 1
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise CorpusError(f"{path}:{number}: not a JSON object; make the shard again")
                yield number, record
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{path}: broken after line {number} ({error}); make the corpus again or remove this shard"
        ) from error
    except ValueError as error:
        raise CorpusError(f"{path}:{number}: not JSON ({error}); make the shard again") from error


def _pair(record: dict[str, Any], where: str) -> Pair:
    missing = [name for name in _FIELDS if name not in record]
    if missing:
        raise CorpusError(f"{where}: no field {', '.join(missing)}; a pair has {', '.join(_FIELDS)}")
    for name in _FIELDS:
        value = record[name]
        if not isinstance(value, str):
            raise CorpusError(f"{where}: {name} is {type(value).__name__}, not a string")
        if not value.strip() and name not in _MAY_BE_EMPTY:
            raise CorpusError(f"{where}: {name} is empty")
    if record["kind"] not in _KINDS:
        raise CorpusError(f"{where}: unknown kind {record['kind']!r}; one of {', '.join(sorted(_KINDS))}")
    if record["split"] not in _SPLITS:
        raise CorpusError(f"{where}: unknown split {record['split']!r}; one of {', '.join(sorted(_SPLITS))}")
    return Pair(**{name: record[name] for name in _FIELDS})


def shard_paths(path: Path, split: Split | None = None) -> list[Path]:
    """The shards of a corpus directory in order, or the one shard that `path` is.

    Raises:
        CorpusError: There is no such file or directory, or it holds no shard (of that split).
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise CorpusError(f"{path}: no such corpus; make one with `codesearch-train corpus`")
    found = sorted(path.glob(f"{split or '*'}-*.jsonl.gz"))
    if not found:
        wanted = f" of split {split.value}" if split else ""
        raise CorpusError(f"{path}: no shard{wanted} in this directory; make one with `codesearch-train corpus`")
    return found


def read_pairs(path: Path, split: Split | None = None) -> Iterator[Pair]:
    """Reads and validates the pairs of a corpus directory or of one shard.

    Args:
        path: The directory, or one ``.jsonl.gz``.
        split: Only shards of this split of a directory; all where None.

    Raises:
        CorpusError: As `shard_paths` and `read_lines`; a field is missing, empty or of the wrong type; or
            there is no pair at all.
    """
    shards = shard_paths(path, split)
    empty = True
    for shard in shards:
        for number, record in read_lines(shard):
            empty = False
            yield _pair(record, f"{shard}:{number}")
    if empty:
        raise CorpusError(f"{path}: the corpus is empty; make it again with `codesearch-train corpus`")


def write_shards(directory: Path, split: Split, pairs: Iterable[Pair], pairs_per_shard: int = 100_000) -> int:
    """Writes pairs as numbered shards ``<split>-00000.jsonl.gz`` ...; returns how many pairs."""
    total = 0
    batch: list[dict[str, Any]] = []
    number = 0
    for pair in pairs:
        batch.append(dataclasses.asdict(pair))
        if len(batch) == pairs_per_shard:
            total += write_lines(directory / f"{split.value}-{number:05d}.jsonl.gz", batch)
            number += 1
            batch = []
    if batch:
        total += write_lines(directory / f"{split.value}-{number:05d}.jsonl.gz", batch)
    return total


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a corpus directory.

    Raises:
        CorpusError: It is missing or is not a JSON object.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CorpusError(f"{path}: missing; the corpus was not finished, make it again") from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); make the corpus again") from error
    if not isinstance(manifest, dict):
        raise CorpusError(f"{path}: not a JSON object; make the corpus again")
    return manifest
