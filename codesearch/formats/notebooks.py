"""Jupyter notebooks: from their JSON to their cells, each line with the line of the file that it stands on.

Read by hand and not with ``json``, which does not say where a value stands, and whose depth is bounded by Python's
stack. Outputs, attachments and metadata are passed over; of formats 1 (code under "code"), 2 and 3
(cells in worksheets, code under "input"), 4 and 5 the same is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # as documented by use: (text, end) of a JSON string

__all__ = ["Cell", "Notebook", "NotebookError", "read_notebook"]


class NotebookError(ValueError):
    """The text is no notebook; says why in a few words."""


@dataclass(slots=True)
class Cell:
    """A cell.

    Attributes:
        kind: "code", "markdown", "raw" or, in format 3, "heading".
        lines: Its source, without line ends.
        rows: For each of these the row of the file, 0-based, that it stands on: they ascend, and several lines
            stand on one row where the notebook was not written line by line.
        language: What format 3 says that it is written in, "" as a rule.
        is_open: Whether its last line may be continued.
    """

    kind: str = ""
    lines: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    language: str = ""
    is_open: bool = False


@dataclass(slots=True)
class Notebook:
    """A notebook.

    Attributes:
        cells: In order.
        language: The name of the kernel's language as the notebook gives it, "" where it gives none.
        suffix: Of source files in that language, such as ".py"; "" where the notebook gives none.
        kernel: What the kernel is called, such as "ir"; "" where the notebook does not say.
    """

    cells: list[Cell] = field(default_factory=list)
    language: str = ""
    suffix: str = ""
    kernel: str = ""


_TOKEN = re.compile(r"[ \t\r\n]*+(?:(?P<mark>[{}\[\],:])|(?P<string>\")|(?P<other>[-+\w.]++))")
_MAX_DEPTH = 10_000


def _strings(text: str) -> Iterator[tuple[list[str | int], str, int]]:
    """Yield each string of a JSON text that is no key: its path, its value, and where it begins.

    Raises:
        NotebookError: It is no JSON.
    """
    path: list[str | int] = []
    closers: list[str] = []
    at, key_is_next = 0, False
    while True:
        token = _TOKEN.match(text, at)
        if token is None:
            break
        at = token.end()
        mark = token["mark"]
        if token["string"] is not None:
            start = at - 1
            try:
                value, at = scanstring(text, at, False)
            except ValueError:
                raise NotebookError("its JSON breaks off in a string") from None
            if key_is_next:
                path[-1] = value
                key_is_next = False
            else:
                yield path, value, start
        elif mark in ("{", "["):
            closers.append("}" if mark == "{" else "]")
            path.append("" if mark == "{" else 0)
            key_is_next = mark == "{"
            if len(closers) > _MAX_DEPTH:
                raise NotebookError("its JSON is nested too deep")
        elif mark in ("}", "]"):
            if not closers or closers.pop() != mark:
                raise NotebookError("it is no JSON")
            path.pop()
            key_is_next = False
            if not closers:
                break
        elif mark == "," and path:
            position = path[-1]
            if isinstance(position, int):
                path[-1] = position + 1
            else:
                key_is_next = True
        if not closers:
            break
    if closers or text[at:].strip():
        raise NotebookError("it is no JSON")


def read_notebook(text: str) -> Notebook:
    r"""Read a notebook.

    Args:
        text: The file, with line ends as ``\n``.

    Raises:
        NotebookError: It is no JSON, or no notebook.
    """
    notebook = Notebook()
    if not text.lstrip().startswith("{"):
        raise NotebookError("it is no JSON")
    cells: dict[tuple[str | int, ...], Cell] = {}
    row, seen = 0, 0
    is_notebook = '"cells"' in text or '"worksheets"' in text
    for path, value, start in _strings(text):
        _read_metadata(notebook, path, value)
        place = 4 if path[0] == "worksheets" else 2
        if len(path) <= place or path[place - 2] != "cells":
            continue
        cell = cells.setdefault(tuple(path[:place]), Cell())
        key, depth = path[place], len(path) - place
        if key == "cell_type" and depth == 1:
            cell.kind = value
        elif key == "language" and depth == 1:
            cell.language = value
        elif (key in ("source", "input") and depth <= 2) or (key in ("code", "text") and depth == 1):  # format 1: these
            row, seen = row + text.count("\n", seen, start), start
            _add_source(cell, value, row)
    if not is_notebook:
        raise NotebookError("it has no cells")
    notebook.cells = list(cells.values())
    return notebook


def _read_metadata(notebook: Notebook, path: list[str | int], value: str) -> None:
    match path:
        case ["metadata", "language_info", "name"]:
            notebook.language = value
        case ["metadata", "kernelspec", "language"]:
            notebook.language = notebook.language or value
        case ["metadata", "kernelspec", "name"]:
            notebook.kernel = value
        case ["metadata", "language_info", "file_extension"]:
            notebook.suffix = value


def _add_source(cell: Cell, value: str, row: int) -> None:
    """Add a string of a cell's source; one that does not end with a line end is continued by the next."""
    first, *rest = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if cell.is_open:
        cell.lines[-1] += first
    else:
        cell.lines.append(first)
        cell.rows.append(row)
    cell.lines += rest
    cell.rows += [row] * len(rest)
    cell.is_open = cell.lines[-1] != ""
    if not cell.is_open:
        del cell.lines[-1], cell.rows[-1]
