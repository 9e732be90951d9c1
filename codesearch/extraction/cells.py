"""The cells of a notebook -> chunks.

A cell of code is cut as a file of its language is, a Markdown cell as a text; outputs are left out. What is found is
shown with the path of the notebook and the line of the file that the source line stands on, which is what an editor
can jump to, and it is called after its cell: "cell 3" for what lies between the definitions of the third cell, and
"cell 3.load" for a function in it. Cells are counted from 1, those of text too. Where a notebook was not written line
by line, all lines of a cell have the number of the one line that it stands on.

Lines that speak to the notebook and not to the language (``%matplotlib inline``, ``!pip install x``, ``df?``) are in
the chunk's text, and are hidden from the grammar. ``%%bash`` and the like at the top of a cell name its language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from codesearch.formats.notebooks import Cell, Notebook, NotebookError, read_notebook
from codesearch.languages import LANGUAGES, Language, language_of
from codesearch.records import Chunk, Kind, Span

__all__ = ["NOTEBOOK", "notebook_chunks"]

NOTEBOOK = "jupyter"
"""The language of notebooks in ``languages.toml``; its chunks are in the language of the code in them."""

_Extract = Callable[[str, str, Language], list[Chunk]]

_MAGIC = re.compile(
    r"(?P<indentation>[ \t]*)(?:%{1,2}\w|!|\?{1,2}\w|[\w.()\[\]]+\?{1,2}[ \t]*$|\w+[ \t]*=[ \t]*[!%]\w)"
)
_CELL_MAGIC = re.compile(r"%%(?P<name>!|\w+)(?P<arguments>.*)")
_LANGUAGES_OF_MAGICS = {"sh": "bash", "!": "bash", "script": "bash", "js": "javascript", "pypy": "python"}
_KERNELS = {
    "ir": "r",
    "irkernel": "r",
    "xpython": "python",
    "xcpp": "cpp",
    "evcxr": "rust",
    "gophernotes": "go",
    "gonb": "go",
    "ijavascript": "javascript",
    "deno": "typescript",
    "tslab": "typescript",
    "almond": "scala",
    "ihaskell": "haskell",
    "ocaml-jupyter": "ocaml",
    ".net-csharp": "csharp",
    ".net-fsharp": "fsharp",
    ".net-powershell": "powershell",
}
_NAMES = {"c++": "cpp", "c#": "csharp", "f#": "fsharp", "ipython": "python", "sagemath": "python", "iruby": "ruby"}


def notebook_chunks(path: str, source: str, extract: _Extract) -> list[Chunk]:
    """The chunks of a notebook, in order; none if the text is no notebook.

    Args:
        path: Goes into the chunks.
        source: The file's text.
        extract: Cuts the source of a cell as if it were a file: its path, its text and its language.
    """
    try:
        notebook = read_notebook(source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    except NotebookError:
        return []
    kernel = _language(notebook)
    return [
        chunk for number, cell in enumerate(notebook.cells, 1) for chunk in _chunks(path, number, cell, kernel, extract)
    ]


def _language(notebook: Notebook) -> Language:
    """The language of the notebook's kernel; Python where it names none that is known."""
    stated = next((cell.language for cell in notebook.cells if cell.language), "")
    name = (notebook.language or stated).lower().rstrip("0123456789. ")
    found = LANGUAGES.get(_NAMES.get(name, name))
    by_suffix = language_of(f"a{notebook.suffix}") if notebook.suffix.startswith(".") else None
    kernel = re.sub(r"-?[\d.]+$", "", notebook.kernel.lower())
    by_kernel = LANGUAGES.get(_NAMES.get(kernel, _KERNELS.get(kernel, kernel)))
    return found or by_suffix or by_kernel or LANGUAGES["python"]


def _chunks(path: str, number: int, cell: Cell, kernel: Language, extract: _Extract) -> Iterator[Chunk]:
    if cell.kind != "code":
        language, lines = LANGUAGES["markdown"], cell.lines
    else:
        language = _cell_language(cell, kernel)
        lines = [_hidden(line, language) for line in cell.lines]
    scope = f"cell {number}"
    for chunk in extract(path, "\n".join(lines), language):
        spans = _rows_of_file(cell, chunk.text_spans)
        shown = [cell.lines[n - 1] for span in chunk.text_spans for n in range(span.start, span.end + 1)]
        hidden = [lines[n - 1] for span in chunk.text_spans for n in range(span.start, span.end + 1)]
        changed = shown != hidden and "\n".join(hidden) == chunk.text
        text = "\n".join(shown) if changed else chunk.text
        yield replace(
            chunk,
            language=kernel.name,
            kind=chunk.kind if cell.kind == "code" else Kind.TEXT,
            name=chunk.name or scope,
            qualified_name=f"{scope}.{chunk.qualified_name}" if chunk.qualified_name else scope,
            span=Span(cell.rows[chunk.span.start - 1] + 1, cell.rows[chunk.span.end - 1] + 1),
            text_spans=spans,
            text=text,
            code=text if chunk.code == chunk.text else chunk.code,
        )


def _cell_language(cell: Cell, kernel: Language) -> Language:
    magic = _CELL_MAGIC.match(cell.lines[0]) if cell.lines else None
    if magic is None:
        return kernel
    name = magic["name"].lower()
    if name in ("writefile", "file"):
        return language_of(magic["arguments"].split()[-1]) or kernel if magic["arguments"].strip() else kernel
    return LANGUAGES.get(_LANGUAGES_OF_MAGICS.get(name, name)) or kernel


def _hidden(line: str, language: Language) -> str:
    """A line as the grammar may see it: one that speaks to the notebook does nothing."""
    magic = _MAGIC.match(line)
    if magic is None or (language.name != "python" and not line.startswith("%%")):
        return line
    return magic["indentation"] + "pass" if language.name == "python" else ""


def _rows_of_file(cell: Cell, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Lines of a cell -> lines of the file, as runs that ascend."""
    numbers = sorted({cell.rows[n - 1] + 1 for span in spans for n in range(span.start, span.end + 1)})
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return tuple(Span(run[0], run[-1]) for run in runs)
