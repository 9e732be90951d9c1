"""Files of several languages -> the parts of each: Vue, Svelte, Astro, HTML, and notebooks in Markdown.

``<script>`` and ``<style>`` elements that stand on rows of their own are in the language that their tag names, and so
is what stands between two lines of dashes at the top. In R Markdown, Quarto and Livebook what stands between fences is
code that is run. Each language is handed the whole file with the rows of all
others blank, so that no line changes its number; what is left is the markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from codesearch.extraction.source import Source
from codesearch.languages import LANGUAGES, Language, language_of

__all__ = ["embedded_parts"]

_OPENING = re.compile(r"<(?P<tag>script|style)\b(?P<attributes>[^<>]*)>[ \t]*$", re.IGNORECASE)
_COLUMNS = 400
_NAMED = re.compile(r"\b(?:lang|type)\s*=\s*[\"']?(?:text/|application/)?(?:x-)?(?P<name>[\w.+-]+)", re.IGNORECASE)
_SCRIPTS = {"module": "javascript", "ecmascript": "javascript", "jsx": "javascript", "babel": "javascript"}
_DEFAULTS = {"script": "javascript", "style": "css"}
_FENCE = re.compile(r"---[ \t]*$")
_MARKDOWN_NOTEBOOK = "rmarkdown"
_CODE_FENCE = re.compile(r"[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*\{?[ \t]*\.?(?P<name>[A-Za-z][\w+#-]*)")
_FENCED = {"c++": "cpp", "c#": "csharp", "sh": "bash", "shell": "bash", "js": "javascript", "ts": "typescript"}
_FENCE_LANGUAGES = {"astro": "typescript"}


class _Section(NamedTuple):
    """Rows of one language, the tags around them left out."""

    language: Language
    rows: range


def embedded_parts(source: Source, outer: Language) -> list[tuple[Language, Source]]:
    """The parts of a file by language, that of the markup last; rows of other parts are blank and shown in no chunk.

    Args:
        source: The file's text.
        outer: Language of the file, and of what is in no other.
    """
    rows: dict[str, set[int]] = {}
    for section in _sections(source, outer):
        rows.setdefault(section.language.name, set()).update(section.rows)
    taken = {row for part in rows.values() for row in part}
    rest = set(range(len(source.lines))) - taken
    parts = [(LANGUAGES[name], source.only(part)) for name, part in rows.items()]
    return [*parts, (outer, source.only(rest) if taken else source)]


def _sections(source: Source, outer: Language) -> Iterator[_Section]:
    lines = source.lines
    row = 0
    if lines[0].startswith("---") and _FENCE.match(lines[0]):
        end = next((at for at in range(1, len(lines)) if _FENCE.match(lines[at][:_COLUMNS])), None)
        if end is not None:
            yield _Section(LANGUAGES[_FENCE_LANGUAGES.get(outer.name, "yaml")], range(1, end))
            row = end + 1
    if outer.name == _MARKDOWN_NOTEBOOK:
        yield from _fenced(lines, row)
        return
    while row < len(lines):
        opening = _OPENING.search(lines[row]) if len(lines[row]) <= _COLUMNS else None
        row += 1
        if opening is None:
            continue
        tag = opening["tag"].lower()
        closing = f"</{tag}"
        end = next((at for at in range(row, len(lines)) if closing in lines[at].lower()), len(lines))
        language = _language(tag, opening["attributes"])
        if language is not None:
            yield _Section(language, range(row, end))
        row = end + 1


def _fenced(lines: Sequence[str], row: int) -> Iterator[_Section]:
    while row < len(lines):
        opening = _CODE_FENCE.match(lines[row][:_COLUMNS])
        row += 1
        if opening is None:
            continue
        fence = opening["fence"]
        end = next((at for at in range(row, len(lines)) if lines[at].strip().startswith(fence)), len(lines))
        name = opening["name"].lower()
        language = LANGUAGES.get(_FENCED.get(name, name)) or language_of(f"a.{name}")
        if language is not None and (language.code or language.has_definitions) and not language.embeds:
            yield _Section(language, range(row, end))
        row = end + 1


def _language(tag: str, attributes: str) -> Language | None:
    """The language of an element; None for one that is left with the markup: a template, data."""
    named = _NAMED.search(attributes)
    if named is None:
        return LANGUAGES[_DEFAULTS[tag]]
    name = named["name"].lower()
    found = LANGUAGES.get(_SCRIPTS.get(name, name)) or language_of(f"a.{name}")
    return found if found is not None and (tag == "style" or found.grammar) and not found.embeds else None
