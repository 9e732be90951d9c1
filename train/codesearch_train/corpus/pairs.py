"""A training pair, and how pairs are made from the chunks of a source file.

The first kind is that of CodeSearchNet (arXiv 1909.09436) and cpt-code (arXiv 2201.10005): the first
paragraph of a docstring, and the code without it. The other kinds teach what docstrings alone do not:
names, comments inside functions, questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from codesearch.records import Chunk, Kind

__all__ = [
    "MAX_CODE_CHARACTERS",
    "MAX_TEXT_CHARACTERS",
    "PROSE",
    "Pair",
    "PairKind",
    "Split",
    "comment_blocks",
    "first_paragraph",
    "long_form",
    "mask_name",
    "pairs_from_chunk",
    "split_words",
]

MAX_CODE_CHARACTERS = 6000
"""Code is cut here: about the 500 word pieces that an encoder reads at most."""
MAX_TEXT_CHARACTERS = 1000
"""Text is cut here, at a word: more than any query has."""
PROSE = "markdown"
"""The language of a pair that has no code: both sides are text."""


class PairKind(StrEnum):
    """Where the text of a pair is from."""

    DOCSTRING = "docstring"
    """First paragraph of the documentation -> code without it."""
    DOCSTRING_LONG = "docstring-long"
    """The whole documentation with what it says of parameters and results -> code without it."""
    NAME = "name"
    """The words of an undocumented function's name -> its code with the name masked."""
    COMMENT = "comment"
    """A comment inside a function -> the block that follows it."""
    COMMIT = "commit"
    """Subject of a small commit -> the function that it changed, documentation included."""
    HEADING = "heading"
    """A section of a README or manual -> the function that it names."""
    PASSAGE = "passage"
    """A passage of a README or manual -> the passage that follows it."""
    QUESTION = "question"
    """A question that a person asked -> the code of the answer."""


class Split(StrEnum):
    """Whole repositories are either learned from or held out."""

    TRAIN = "train"
    VALID = "valid"


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and the code that it describes.

    Attributes:
        text: What a person might ask, or wrote about the code.
        code: Source text.
        repository: ``owner/name``, or the name of the data set for questions.
        path: POSIX path of the file inside the repository, "" where there is none.
        language: A name of ``codesearch.languages``.
        licence: SPDX expression of the repository.
        split: A value of `Split`.
        kind: A value of `PairKind`.
    """

    text: str
    code: str
    repository: str
    path: str
    language: str
    licence: str
    split: str
    kind: str


_TAG_LINE = re.compile(
    r"^\s*(?:[@\\](?!code\b|link\b)\w+|:\w+[^:\n]*:(?=\s|$)|(?:Args|Arguments|Parameters|Params|Returns?|Yields?|Raises|Throws|Exceptions?"
    r"|Examples?|Usage|Notes?|See also|See Also|References|Attributes|Options|Todo|TODO|Panics|Errors|Safety"
    r"|Warning|Keyword Args|Other Parameters)\s*:?\s*$|#+\s+\S+|[-=~^*]{3,}\s*$|(?:```|~~~|\.\. )|>>> |\|.*\|\s*$)"
)
_INLINE_TAG = re.compile(r"\{@\w+\s+([^{}]*)\}")
_XML_TAG = re.compile(r"</?[A-Za-z][\w.:-]*(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_XML_REFERENCE = re.compile(r"<(?:see|seealso|paramref|typeparamref)\s+\w+\s*=\s*\"(?:\w:)?([^\"]*)\"\s*/?>")
_XML_SECTION = re.compile(r"<summary>(.*?)</summary>", re.DOTALL | re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()]*\))*\)")
_ROLE = re.compile(r":[\w:+-]+:`~?([^`<]*?)(?:\s*<[^`>]*>)?`")
_BLANK = re.compile(r"\n\s*\n")
_SPACE = re.compile(r"\s+")
_PARAMETER = re.compile(
    r"^[@\\:](?P<tag>param|arg|argument|parameter|return|throw|raise|yieldreturn|yieldparam|yield|since|see|example|type|rtype|option)s?\b:?\s*(?P<rest>.*)$"
)
_TYPE_EXPRESSION = re.compile(r"^(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\[[^\]]*\](?=\s)|<[^>]*>)\s*")
_TYPE_BEFORE_NAME = re.compile(r"^[\w\\|\[\]<>,?&()]+\s+(?=[&.]*\$\w)")
_TYPE_AFTER_NAME = re.compile(r"^(\w+)\s+\[[^\]]*\]\s*")
_RESULT_TYPE = re.compile(
    r"^(?:[\\?]*[A-Za-z_]\w*(?:[\\|<>\[\],&.][\w\\|<>\[\],&.]*)+|void|bool(?:ean)?|int(?:eger)?|string|array|float|mixed|null|self|static|\$this|object|callable|[A-Z]\w*Exception|[A-Z]\w*Error)(?:\s+|$)"
)
_RESULTS = frozenset({"return", "throw", "raise"})


def _clean_markup(text: str) -> str:
    """Takes the markup of documentation tools out of a passage, keeping its words."""
    text = _XML_REFERENCE.sub(r"\1", text)
    text = _INLINE_TAG.sub(lambda match: match[1].split("|")[-1].strip(), text)
    text = _XML_TAG.sub(" ", text)
    text = _LINK.sub(r"\1", text)
    text = _ROLE.sub(r"\1", text)
    text = text.replace("``", "`").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _SPACE.sub(" ", text).strip()


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0]


def first_paragraph(documentation: str) -> str:
    """The summary of a documentation comment as plain text on one line.

    It ends at the first blank line, tag (``@param``, ``:returns:``, ``Args:``), heading, table, code fence
    or list of the documentation's own syntax. An XML ``<summary>`` (C#) is that element alone.

    Returns:
        The text, "" where the documentation starts with a tag.
    """
    summary = _XML_SECTION.search(documentation)
    if summary:
        return _cut(_clean_markup(summary[1]), MAX_TEXT_CHARACTERS)
    lines: list[str] = []
    for line in documentation.strip().split("\n"):
        stripped = line.strip()
        if re.match(r"@(?:brief|short|desc|description|summary|classdesc|fileoverview|name:)\b|\\brief\b", stripped):
            stripped = stripped.split(None, 1)[1] if " " in stripped else ""
            if not stripped:
                continue
        elif not stripped or stripped in {"<p>", "<p/>", "<br>", "<br/>"} or _TAG_LINE.match(line):
            if lines:
                break
            if stripped and not _is_rule(stripped) and not stripped.startswith("#"):
                return ""
            continue
        elif lines and stripped.startswith(("<p>", "<ul>", "<pre>", "<table")):
            break
        lines.append(stripped)
    return _cut(_clean_markup("\n".join(lines)), MAX_TEXT_CHARACTERS)


def _is_rule(line: str) -> bool:
    return not line.strip("-=~^*#/ ")


def long_form(documentation: str) -> str:
    """The whole documentation as running text: summary, details, parameters and results.

    Types, examples, code fences and references are left out; ``@param name what it is`` becomes
    ``name what it is``.
    """
    parts: list[str] = []
    fenced = skipping = False
    for line in documentation.strip().split("\n"):
        stripped = line.strip()
        if stripped.startswith(("```", "~~~", "<pre", "</pre", "@code", "@endcode", "{@code")) and len(stripped) < 30:
            fenced = not fenced
            continue
        if fenced or stripped.startswith((">>>", "# ", "## ", "### ")) or _is_rule(stripped):
            continue
        if line.startswith(("    ", "\t")) and _CODE_IN_COMMENT.search(line):
            continue
        tag = _PARAMETER.match(stripped)
        if tag:
            skipping = tag["tag"] in {"see", "since", "example", "type", "rtype"}
            rest = _TYPE_BEFORE_NAME.sub("", _TYPE_EXPRESSION.sub("", tag["rest"]))
            rest = _TYPE_AFTER_NAME.sub(r"\1 ", rest)
            if tag["tag"] in _RESULTS:
                rest = _RESULT_TYPE.sub("", rest)
            stripped = rest.replace(":", " ", 1) if stripped.startswith(":") else rest
        elif stripped.startswith("@") or (stripped.startswith(("\\", ":")) and stripped[1:2].isalpha()):
            skipping = True
        if not skipping:
            parts.append(stripped)
    return _cut(_clean_markup("\n".join(parts)), MAX_TEXT_CHARACTERS)


_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def split_words(name: str) -> list[str]:
    """Splits an identifier: ``parseHTTPHeader2`` -> parse, http, header, 2."""
    return [word.lower() for word in _WORD.findall(name)]


def mask_name(code: str, name: str) -> str:
    """Replaces every use of `name` as a whole word with ``_``."""
    return re.sub(rf"(?<![\w$]){re.escape(name)}(?![\w$])", "_", code)


_COMMENT_LINE = re.compile(r"^(?P<indent>[ \t]*)(?:///?|##?|--)(?![!/#-])\s?(?P<text>.*)$")
_CODE_IN_COMMENT = re.compile(r"[;{}=]\s*$|^\s*[\w.]+\(.*\)\s*;?$|[=!]==?|=>|->|\bvar\b|</|&&|\|\|")


def comment_blocks(code: str) -> Iterator[tuple[str, str]]:
    """The comments on lines of their own inside a function, each with the block that it introduces.

    A block reaches to the next blank line, to the next such comment, or to a line that is indented less.

    Yields:
        (comment, block) with comments of several lines joined.
    """
    lines = code.split("\n")
    index = 1
    while index < len(lines):
        opening = _COMMENT_LINE.match(lines[index])
        if not opening:
            index += 1
            continue
        indent = opening["indent"]
        words: list[str] = []
        while index < len(lines):
            comment = _COMMENT_LINE.match(lines[index])
            if not comment or comment["indent"] != indent:
                break
            words.append(comment["text"].strip())
            index += 1
        start = index
        while index < len(lines):
            line = lines[index]
            if not line.strip() or _COMMENT_LINE.match(line) or not line.startswith(indent):
                break
            index += 1
        if any(_CODE_IN_COMMENT.search(word) for word in words):
            continue
        yield " ".join(filter(None, words)), "\n".join(lines[start:index])


def _is_constructor(chunk: Chunk) -> bool:
    return chunk.qualified_name.split(".")[-2:] == [chunk.name, chunk.name]


def pairs_from_chunk(chunk: Chunk, repository: str, licence: str, split: Split) -> Iterator[Pair]:
    """Every pair that one chunk gives; filters come after.

    Documentation gives pairs for functions, methods and types; names only where a function has no
    documentation, and comments for all functions. Only the first part of a chunk that was cut counts.
    """
    if chunk.kind not in (Kind.FUNCTION, Kind.METHOD, Kind.TYPE) or chunk.part:
        return

    def pair(text: str, code: str, kind: PairKind) -> Pair:
        code = code[:MAX_CODE_CHARACTERS]
        return Pair(text, code, repository, chunk.path, chunk.language, licence, split, kind)

    summary = first_paragraph(chunk.documentation) if chunk.documentation else ""
    if summary:
        yield pair(summary, chunk.code, PairKind.DOCSTRING)
        whole = long_form(chunk.documentation)
        if len(whole) > 1.3 * len(summary) + 20:
            yield pair(whole, chunk.code, PairKind.DOCSTRING_LONG)
    if chunk.kind is Kind.TYPE:
        return
    if not summary and chunk.name and not _is_constructor(chunk):
        words = split_words(chunk.name)
        yield pair(" ".join(words), mask_name(chunk.code, chunk.name), PairKind.NAME)
    for text, block in comment_blocks(chunk.code):
        yield pair(_cut(_clean_markup(text), MAX_TEXT_CHARACTERS), block, PairKind.COMMENT)
