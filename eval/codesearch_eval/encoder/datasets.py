"""Readers of data sets: from a data folder, from official downloads on disk, or from the Hugging Face hub.

A data folder has one sub-folder per data set; docs/design/evaluation.md lists the files. Readers only read: which
part of a record asks and which part answers is decided by the tasks (`codesearch_eval.encoder.codesearchnet` and its
neighbours).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesearch.errors import InputError, MissingExtra

__all__ = [
    "CSN_LANGUAGES",
    "DataFolder",
    "DocumentedFunction",
    "read_hub_split",
    "read_json",
    "read_json_lines",
    "read_table",
]

CSN_LANGUAGES = ("go", "java", "javascript", "php", "python", "ruby")

HUB_CODESEARCHNET = "google/code_x_glue_ct_code_to_text"
"""CodeXGLUE's filtered CodeSearchNet: the test splits that the published tables since 2020 use."""


@dataclass(frozen=True, slots=True)
class DocumentedFunction:
    """A function of CodeSearchNet.

    Attributes:
        identifier: Its URL, which names repository, commit, path and lines.
        code: Source; in Python the docstring stands in it.
        docstring: Documentation as it was written, comment markers included in some languages.
    """

    identifier: str
    code: str
    docstring: str


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder with one sub-folder per data set, opened lazily.

    Attributes:
        root: The folder, or None where data is to come from the hub.
        hub: Take splits that are not on disk from the Hugging Face hub.
    """

    root: Path | None
    hub: bool = False

    def path(self, relative: str) -> Path:
        """Return the path of a file of the folder.

        Raises:
            InputError: There is no folder, or it has no such file.
        """
        if self.root is None:
            raise InputError(
                f"{relative} is needed: give the data folder with --data DIR or CODESEARCH_DATA "
                "(docs/design/evaluation.md says what belongs into it)"
            )
        path = self.root / relative
        if not path.is_file():
            raise InputError(
                f"{self.root} has no file {relative}: docs/design/evaluation.md says where to get it, "
                "and --set NAME leaves the other evaluations out"
            )
        return path

    def functions(self, language: str, split: str) -> list[DocumentedFunction]:
        """Read a whole split of CodeSearchNet, from wherever it is.

        Looked for, in this order: ``codesearchnet-LANGUAGE/SPLIT.jsonl[.gz]`` (one language of CodeXGLUE),
        ``codesearchnet/LANGUAGE/SPLIT.jsonl[.gz]`` (CodeXGLUE's download), and
        ``codesearchnet/LANGUAGE/final/jsonl/SPLIT/*.jsonl.gz`` (CodeSearchNet's own), then the hub.

        Raises:
            InputError: It is nowhere, or a record lacks a field.
        """
        if self.root is not None:
            for folder in (f"codesearchnet-{language}", f"codesearchnet/{language}"):
                for suffix in (".jsonl", ".jsonl.gz"):
                    path = self.root / folder / f"{split}{suffix}"
                    if path.is_file():
                        return list(read_functions(path))
            parts = sorted((self.root / "codesearchnet" / language / "final/jsonl" / split).glob("*.jsonl.gz"))
            if parts:
                return [function for part in parts for function in read_functions(part)]
        if self.hub:
            return list(read_hub_split(language, split))
        place = "give the data folder with --data DIR or CODESEARCH_DATA"
        if self.root is not None:
            place = f"add it to {self.root} as codesearchnet/{language}/{split}.jsonl.gz"
        raise InputError(
            f"no {split} split of CodeSearchNet's {language}: {place}, or use --hub where there is internet"
        )


def read_functions(path: Path) -> Iterator[DocumentedFunction]:
    """Yield the functions of a CodeSearchNet file, official or CodeXGLUE's.

    Raises:
        InputError: The file is damaged, or a record lacks a field.
    """
    for record in read_json_lines(path):
        yield _function(record, path.name)


def _function(record: Mapping[str, Any], source: str) -> DocumentedFunction:
    try:
        return DocumentedFunction(record["url"], record["code"], record["docstring"])
    except KeyError as error:
        raise InputError(f"a record of {source} has no field {error}: is it a CodeSearchNet file?") from error


def read_hub_split(language: str, split: str) -> Iterator[DocumentedFunction]:
    """Yield the functions of a split, downloaded through Hugging Face ``datasets``.

    Raises:
        MissingExtra: ``datasets`` is not installed.
        InputError: The hub cannot be reached or does not know the data set.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra(
            "reading from the hub needs Hugging Face datasets: pip install 'codesearch-nl[datasets]'"
        ) from error
    name = {"valid": "validation"}.get(split, split)
    try:
        rows = datasets.load_dataset(HUB_CODESEARCHNET, language, split=name)
    except (OSError, ValueError) as error:  # connection errors are OSErrors; unknown names ValueErrors
        raise InputError(f"cannot load {HUB_CODESEARCHNET} ({language}, {name}): {error}") from error
    for row in rows:
        yield _function(row, HUB_CODESEARCHNET)


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file, gzipped or not.

    Raises:
        InputError: The file is damaged; the message names the line.
    """
    read = 0
    try:
        with _open_text(path) as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)
                read += 1
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}, line {read + 1}: {error}; copy the file again") from error


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, gzipped or not.

    Raises:
        InputError: The file is damaged.
    """
    try:
        with _open_text(path) as file:
            return json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: {error}; copy the file again") from error


def read_table(path: Path, columns: tuple[str, ...], *, header: bool = True) -> Iterator[tuple[str, ...]]:
    """Yield the named columns of each row of a tab-separated table.

    Args:
        path: The file.
        columns: The wanted columns; without a header line, the names of all columns in order.
        header: Whether the first line names the columns.

    Raises:
        InputError: A column is missing, or the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            fields = None if header else columns
            reader = csv.DictReader(file, fields, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise InputError(f"{path} has no column {', '.join(sorted(missing))}")
            for row in reader:
                yield tuple(row[column] for column in columns)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: {error}; copy the file again") from error


def _open_text(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")
