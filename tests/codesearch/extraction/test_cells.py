"""Notebooks: what of a cell is found, where it is said to be, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk, Kind, Repository, SkippedFile, SkipReason, SourceFile, Span
from codesearch.sources import FileRules, SourceText, list_files, read_source

CODE = [
    "%matplotlib inline\n",
    "!pip install x\n",
    "# Is it\n",
    "def remove(df):\n",
    "    return df\n",
    "\n",
    "show(df)",
]


def cell(source: str | list[str], kind: str = "code", **more: Any) -> dict[str, Any]:
    outputs = {"outputs": [{"text": ["printed\n"], "data": {"image/png": "iVBOR" * 900}}]} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {"tags": ["tagged"]}, **outputs, "source": source, **more}


def notebook(*cells: dict[str, Any], indent: int | None = 1, **metadata: Any) -> str:
    metadata = metadata or {"language_info": {"name": "python", "file_extension": ".py"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=indent)


def chunks_of(text: str) -> list[Chunk]:
    language = language_of("a.ipynb")
    assert language is not None
    return extract("a.ipynb", text, language)


def test_cells_are_found_at_their_lines() -> None:
    text = notebook(cell(["# Cleaning\n", "\n", "Remove outliers."], "markdown"), cell(CODE))
    prose, module, function = chunks_of(text)
    assert (prose.kind, prose.name, prose.qualified_name) == (Kind.TEXT, "Cleaning", "cell 1.Cleaning")
    assert (module.kind, module.qualified_name) == (Kind.MODULE, "cell 2")
    assert module.text == "%matplotlib inline\n!pip install x\nshow(df)"
    assert (function.kind, function.qualified_name, function.documentation) == (
        Kind.FUNCTION,
        "cell 2.remove",
        "Is it",
    )
    assert {chunk.language for chunk in (prose, module, function)} == {"python"}
    rows = text.split("\n")
    for chunk in (prose, module, function):
        numbers = [n for span in chunk.text_spans for n in range(span.start, span.end + 1)]
        shown = [json.loads(rows[n - 1].strip().rstrip(",")).rstrip("\n") for n in numbers]
        assert "\n".join(shown) == chunk.text
    assert not any("printed" in chunk.text or "iVBOR" in chunk.text for chunk in chunks_of(text))


@pytest.mark.parametrize("source", ["".join(CODE), CODE, [piece for line in CODE for piece in (line[:3], line[3:])]])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_source_is_a_string_or_a_list(source: str | list[str], indent: int | None) -> None:
    text = notebook(cell(source), indent=indent)
    found = {chunk.qualified_name: chunk for chunk in chunks_of(text)}
    assert found["cell 1.remove"].text == "# Is it\ndef remove(df):\n    return df"
    if indent is None:
        assert found["cell 1.remove"].text_spans == (Span(1, 1),)


def test_line_ends_of_the_file_do_not_matter() -> None:
    text = notebook(cell(CODE))
    assert chunks_of("\ufeff" + text.replace("\n", "\r\n")) == chunks_of(text)


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "R", "file_extension": ".r"}}, "r"),
        ({"language_info": {"name": "C++17", "file_extension": ".cpp"}}, "cpp"),
        ({"kernelspec": {"language": "julia"}}, "julia"),
        ({"language_info": {"name": "scala"}}, "scala"),
        ({"language_info": {"name": "no such"}}, "python"),
        ({"other": 1}, "python"),
    ],
)
def test_the_kernel_says_what_language_it_is(metadata: dict[str, Any], language: str) -> None:
    assert {chunk.language for chunk in chunks_of(notebook(cell("x <- 1\n"), **metadata))} == {language}


def test_a_magic_at_the_top_of_a_cell_names_its_language() -> None:
    text = notebook(cell("%%bash\nbuild() {\n  make\n}\n"), cell("%%time\ndef f():\n    pass\n"), cell("%%html\n<b>\n"))
    assert {"cell 1.build", "cell 2.f"} <= {chunk.qualified_name for chunk in chunks_of(text)}


def test_format_three_has_worksheets() -> None:
    old = {"cell_type": "code", "language": "python", "input": ["def f():\n", "    return 1"], "outputs": []}
    heading = {"cell_type": "heading", "level": 1, "source": ["Title"]}
    text = json.dumps({"metadata": {}, "nbformat": 3, "worksheets": [{"cells": [heading, old]}]}, indent=1)
    assert [chunk.qualified_name for chunk in chunks_of(text)] == ["cell 1", "cell 2.f"]


BAD = {
    "empty list": "[]",
    "cut off": notebook(cell(CODE))[:-40],
    "cut off in a string": '{"cells": [{"source": "a',
    "brackets": '{"cells": [}',
    "deep": '{"cells": ' + "[" * 100_000,
    "a conflict": "<<<<<<< HEAD\n" + notebook(cell(CODE)),
    "other JSON": '{"name": "x"}',
    "after the end": notebook(cell(CODE)) + "x",
    "prose": "This is no notebook.",
}


@pytest.mark.parametrize(
    "text",
    [
        '{"nbformat": 1, "cells": [{"cell_type": "code", "code": "def f(x):\\n    return x", "prompt_number": 1}]}',
        '{"nbformat": 2, "worksheets": [{"cells": [{"cell_type": "code", "input": "def f(x):\\n    return x"}]}]}',
        '{"nbformat": 5, "cells": [{"id": "a", "cell_type": "code", "source": ["def f(x):\\n", "    return x"]}]}',
        '{"nbformat": 99, "cells": [{"cell_type": "code", "source": "def f(x):\\n    return x", "new": {"a": [1]}}]}',
    ],
)
def test_other_formats_are_read_as_well(text: str) -> None:
    assert [chunk.qualified_name for chunk in chunks_of(text)] == ["cell 1.f"]


@pytest.mark.parametrize(
    ("kernel", "source", "language"),
    [
        ("ir", "f <- function(x) {\n  x\n}", "r"),
        ("julia-1.9", "function f(x)\n  x\nend", "julia"),
        ("rust", "fn f(x: i32) -> i32 {\n  x\n}", "rust"),
        ("xcpp17", "int f(int x) {\n  return x;\n}", "cpp"),
        ("python3", "def f(x):\n    return x", "python"),
        ("nobody-knows", "def f(x):\n    return x", "python"),
    ],
)
def test_the_name_of_the_kernel_says_it_where_nothing_else_does(kernel: str, source: str, language: str) -> None:
    (chunk,) = chunks_of(notebook(cell(source), kernelspec={"name": kernel, "display_name": "x"}))
    assert (chunk.qualified_name, chunk.language) == ("cell 1.f", language)


@pytest.mark.parametrize(
    ("path", "fence"),
    [("a.Rmd", "```{r load, echo=FALSE}"), ("a.qmd", "```{r}"), ("a.jmd", "~~~{.r}"), ("a.livemd", "```r")],
)
def test_code_between_the_fences_of_a_notebook_in_markdown_is_code(path: str, fence: str) -> None:
    text = "---\ntitle: x\n---\n\n# Load\n\nWords.\n\n"
    text += f"{fence}\nload_it <- function(p) {{\n  p\n}}\n{fence[:3]}\n\n## More\n\nEnd.\n"
    language = language_of(path)
    assert language is not None
    found = {chunk.qualified_name: (chunk.kind, chunk.span) for chunk in extract(path, text, language)}
    assert found["load_it"] == (Kind.FUNCTION, Span(10, 12))
    assert found["Load"][0] is Kind.TEXT
    assert all("load_it" not in chunk.text for chunk in extract(path, text, language) if chunk.kind is Kind.TEXT)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_is_no_notebook_is_left_out_with_its_reason(tmp_path: Path, text: str) -> None:
    assert chunks_of(text) == []
    skipped = read(tmp_path, text)
    assert isinstance(skipped, SkippedFile)
    assert skipped.reason is SkipReason.UNREADABLE
    assert skipped.detail.startswith("a notebook, but ")


def test_outputs_do_not_make_it_minified(tmp_path: Path) -> None:
    assert isinstance(read(tmp_path, notebook(cell(CODE))), SourceText)
    assert isinstance(read(tmp_path, notebook(cell(CODE), indent=None)), SourceText)


def test_large_outputs_do_not_keep_the_cells_out(tmp_path: Path) -> None:
    picture = {"outputs": [{"data": {"image/png": "iVBORw0K" * 500_000}}]}
    assert isinstance(read(tmp_path, notebook({**cell(CODE), **picture})), SourceText)
    skipped = read(tmp_path, notebook(cell("x = 1\n" * 400_000)))
    assert skipped == SkippedFile("a.ipynb", SkipReason.TOO_LARGE, "2,000,000 characters in its cells")


def test_a_huge_one_is_named_and_not_read(tmp_path: Path) -> None:
    picture = {"outputs": [{"data": {"image/png": "iVBORw0K" * 6_500_000}}]}
    skipped = read(tmp_path, notebook({**cell(CODE), **picture}))
    assert isinstance(skipped, SkippedFile)
    assert skipped.reason is SkipReason.TOO_LARGE
    listing = list_files(Repository(tmp_path, "r"), FileRules())
    assert [(file.path, file.reason) for file in listing.skipped] == [("a.ipynb", SkipReason.TOO_LARGE)]


def read(folder: Path, text: str) -> SourceText | SkippedFile:
    file = folder / "a.ipynb"
    file.write_text(text, encoding="utf-8")
    status = file.stat()
    repository = Repository(folder, "r")
    return read_source(repository, SourceFile("a.ipynb", status.st_size, status.st_mtime_ns), FileRules())
