"""Source text -> chunks: the functions, the types, and what lies between them.

How a file becomes chunks, and the module that does it:

1. `grammars`: the text, less what `hiding` hides, is parsed with tree-sitter and the language's query is run
   over the tree. The queries, ``codesearch/queries/*.scm``, hold all that is known of one language only; the names of
   their captures are the contract, described in ``codesearch/queries/README.md``.
2. `reader`: the query's matches become definitions, each with its name and signature (`names`), the
   comments that belong to it (`comments`, cleaned by `documentation`) and its lines.
3. `definitions`: the definitions become a tree. `recovery` looks again at what a syntax error cost.
4. `chunks`: the tree becomes chunks. Every line with a word in it is in at least one chunk.
5. `windows`: what is too long is cut, at statements where there is a grammar, at headings, blank lines
   and low indentation where there is none.

`texts` does the last two for what has no grammar, and for prose and settings; `landmarks` says where their sections
begin. `cells` does all of it for each cell of a notebook, and `embedded` for each language of a file of several.
`python_docstrings` is for who trains and evaluates: it cuts the docstring out of a function that comes alone.

Only `grammars` imports tree_sitter.
"""

from __future__ import annotations

from dataclasses import replace

from codesearch.extraction.cells import NOTEBOOK, notebook_chunks
from codesearch.extraction.chunks import definition_chunks
from codesearch.extraction.embedded import embedded_parts
from codesearch.extraction.grammars import GrammarError, missing_grammars, parse
from codesearch.extraction.hiding import hidden_ranges, without
from codesearch.extraction.landmarks import landmarks, section_landmarks
from codesearch.extraction.reader import read_definitions
from codesearch.extraction.recovery import recover, recover_landmarks
from codesearch.extraction.source import Source
from codesearch.extraction.texts import text_chunks
from codesearch.languages import Language, refine
from codesearch.records import Chunk

__all__ = ["extract", "missing_grammars"]

# Deeper nested brackets are data or nonsense, and are read as text: where a grammar finds an error at such
# a depth, tree-sitter's recovery takes minutes. Handwritten code stays below 50.
_MAX_NESTING = 500


def extract(path: str, source: str, language: Language) -> list[Chunk]:
    r"""Cut a file into the pieces that can be found.

    Pure and deterministic. No input is an error: what the grammar cannot make sense of is found as
    module-level code. Line ends may be ``\n``, ``\r\n`` or ``\r``, as in the Language Server Protocol.

    Args:
        path: POSIX path relative to the repository's root; it goes into the chunks, and its suffix
            decides between languages that share one (see `codesearch.languages.refine`).
        source: The file's text.
        language: What `codesearch.languages.language_of` said of the path.

    Returns:
        The chunks in document order, what encloses before what is enclosed.
    """
    if language.name == NOTEBOOK:
        return notebook_chunks(path, source, _extract)
    return _extract(path, source, language)


def _extract(path: str, source: str, language: Language) -> list[Chunk]:
    text = Source(source)
    language = refine(language, path, text.text)
    if not language.embeds:
        return _chunks(path, text, language)
    parts = embedded_parts(text, language)
    chunks = [chunk for inner, part in parts for chunk in _chunks(path, part, inner)]
    chunks.sort(key=lambda chunk: (chunk.text_spans[0].start, -chunk.span.end, chunk.part))
    return [replace(chunk, language=language.name) for chunk in chunks]


def _chunks(path: str, text: Source, language: Language) -> list[Chunk]:
    if language.grammar is None or text.nesting() > _MAX_NESTING:
        return text_chunks(path, text, language)
    text.hidden = hidden_ranges(text.data, language)
    seen = without(text.data, text.hidden)
    try:
        tree = parse(seen, language)
    except GrammarError:
        return text_chunks(path, text, language)
    if language.sections:
        marks = section_landmarks(text, language, tree.matches)
        return text_chunks(path, text, language, landmarks(text, language) | marks if tree.has_error else marks)
    file = read_definitions(text, tree.matches)
    if tree.has_error and not tree.is_repetitive:
        recover(text, file, lambda start, end: parse(seen, language, (start, end)))
    if tree.has_error and language.landmark:
        recover_landmarks(text, file, landmarks(text, language))
    return definition_chunks(path, text, language, file, tree)
