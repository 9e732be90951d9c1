"""Comments and docstrings -> the text that a person wrote in them, and its first paragraph."""

from __future__ import annotations

import inspect
import re
import textwrap

__all__ = ["clean_comment", "clean_docstring", "first_paragraph", "is_license", "strip_comment_markers"]

_LICENSE = re.compile(r"copyright|licen[sc]ed?\b|spdx-|all rights reserved|\(c\) \d{4}", re.IGNORECASE)

# Comments that speak to a tool. `go:` and the like are glued to the comment marker, prose is not.
_DIRECTIVE = re.compile(
    r"^(?:!/|go:|\+build\b|lint:|nolint|noqa\b|type: ?ignore|pylint:|pyright:|mypy:|pragma\b|fmt: ?(?:on|off|skip)"
    r"|eslint|jshint|jslint|tslint|prettier-ignore|istanbul\b|c8\b|v8\b|@ts-|@flow\b|@noflow|globals? "
    r"|rubocop:|:nodoc:|:startdoc:|:stopdoc:|frozen_string_literal|encoding:|coding[:=]|-\*-|vim?:|ex:"
    r"|NOLINT|clang-format|IWYU|cppcheck|shellcheck|stylua|luacheck|swiftlint|swiftformat|ktlint|phpcs|phpstan"
    r"|psalm-suppress|@codeCoverageIgnore|noinspection|region\b|endregion\b|#region|#endregion|sourceMappingURL)"
)

_OPENING = re.compile(r"^(?:/\*[*!]*<?|--\[=*\[|\{-[ \t]*\|?|\(\*+|<!--|<#|=begin\b.*)[ \t]?")
_CLOSINGS = ("*/", "--]]", "]]", "-}", "*)", "-->", "#>", "=end")
_LONG_BRACKET = re.compile(r"\]=+\]$")
_LINE_MARKER = re.compile(r"^(?://[/!]*<?|#+['|:]?|--+[ \t]?[|^*]?|;+|%+)(?:[ \t]|$|(?=\S))")
_STAR = re.compile(r"^\*[ \t]?")
_RULE = re.compile(r"^[-=*#~_+/.<>| ]{3,}$|^[*/#]+$")

# C#, F# and Visual Basic write XML: the markup of prose goes, tags that name something stay.
_XML_PROSE = re.compile(r"</?(?:summary|remarks|para|value|c|code|example|inheritdoc)\b[^>]*/?>")
_XML_REFERENCE = re.compile(
    r"<(?:see|seealso|paramref|typeparamref)\b[^>]*?(?:cref|name|langword|href)=\"(?:\w:)?([^\"]*)\"[^>]*/>"
)

_MAX_XML_LINE = 1_000  # no person wrote a longer one, and the patterns above try each "<" to the line's end

_STRING_PREFIX = re.compile(r"^(?:[A-Za-z]{0,3}|~[A-Za-z]+)(?=[\"'({\[|<])")
_QUOTES = ('"""', "'''", '"', "'", "`")

_MARKER = re.compile(r"^[ \t]*(?://[/!]?|\#+|\*(?!\*))[ \t]?", re.MULTILINE)

# Where a paragraph of documentation ends without a blank line: at a tag of Javadoc or Doxygen, a field of Sphinx (but
# not a role, ":class:`Reader`"), the heading of a section, an underline, a fence, a directive, a prompt, a table.
_SECTIONS = (
    "Args|Arguments|Parameters|Params|Returns?|Yields?|Raises|Throws|Exceptions?|Examples?|Usage|Notes?|See [Aa]lso"
    "|References|Attributes|Options|Todo|TODO|Panics|Errors|Safety|Warning|Keyword Args|Other Parameters"
)
_NOT_PROSE = re.compile(
    r"^\s*(?:[@\\]\w+|:\w+[^:\n]*:(?=\s|$)|(?:" + _SECTIONS + r")\s*:{0,2}\s*$"
    r"|#+\s+\S+|[-=~^*]{3,}\s*$|```|~~~\s*\w*\s*$|\.\. |>>> |\|.*\|\s*$)"
)
_SUMMARY_TAG = re.compile(r"[@\\](?:brief|short|desc|description|summary|classdesc|fileoverview)\b|@name:\b")
_SUMMARY_ELEMENT = re.compile(r"<summary>(.*?)</summary>", re.DOTALL | re.IGNORECASE)
_BREAKS = frozenset({"", "<p>", "<p/>", "<br>", "<br/>"})
_BLOCKS = ("<p>", "<ul>", "<pre>", "<table")


def clean_docstring(literal: str) -> str:
    """The text of a string literal (or sigil) that documents, with the common indentation taken off."""
    if literal.startswith("<#"):  # PowerShell's help, which is a comment
        return clean_comment(literal)
    text = _STRING_PREFIX.sub("", literal.strip())
    for quote in _QUOTES:
        if text.startswith(quote):
            text = text.removeprefix(quote).removesuffix(quote)
            break
    return _tidy(inspect.cleandoc(text).split("\n"))


def clean_comment(comment: str) -> str:
    """The text of a comment without its markers, its rules (``-----``) and what speaks to tools.

    Paragraphs stay separated by one blank line, tags such as ``@param`` stay as they are, and the
    relative indentation of lines stays, so that lists and examples can be read.

    Args:
        comment: One block comment, or line comments joined by newlines, markers included.
    """
    text = inspect.cleandoc(comment)
    opening = _OPENING.match(text)
    if opening is None:
        lines = [_LINE_MARKER.sub("", line.strip(), count=1) for line in text.split("\n")]
    else:
        inner = _without_closing(text[opening.end() :])
        first, *rest = inner.split("\n")
        if any(rest) and all(line.lstrip().startswith("*") for line in rest if line.strip()):
            lines = [first, *(_STAR.sub("", line.lstrip()) for line in rest)]
        else:
            lines = inspect.cleandoc(inner).split("\n")
    if any("<summary>" in line or "<param" in line for line in lines):
        lines = [line if len(line) > _MAX_XML_LINE else _plain(line) for line in lines]
    return _tidy(lines)


def strip_comment_markers(comment: str) -> str:
    """The lines of a comment without the markers that they begin with (``//``, ``#``, ``*``), all else as it was.

    For documentation that is kept with its markers, such as CodeSearchNet's; `clean_comment` does more.
    """
    return _MARKER.sub("", comment).strip()


def first_paragraph(documentation: str) -> str:
    """What a documentation says first: its text up to the first blank line, or to what is no text.

    That is a tag (``@param``, ``:returns:``), the heading of a section (``Args:``), a heading, a table or a
    fence. Headings and rules on top are passed over, ``@brief`` and its like begin the text, and of an XML
    comment with a ``<summary>`` only that element counts.

    Args:
        documentation: Without comment markers (see `clean_comment`, `strip_comment_markers`).

    Returns:
        Its lines, stripped, as they stand in the documentation: markup stays. "" where a tag comes first.
    """
    summary = _SUMMARY_ELEMENT.search(documentation)
    if summary:
        return summary[1].strip()
    lines: list[str] = []
    for line in documentation.strip().split("\n"):
        stripped = line.strip()
        if _SUMMARY_TAG.match(stripped):
            stripped = stripped.partition(" ")[2].strip()
            if not stripped:
                continue
        elif stripped in _BREAKS or _NOT_PROSE.match(line):
            if lines:
                break
            if stripped not in _BREAKS and not stripped.startswith("#") and stripped.strip("-=~^*#/ "):
                return ""
            continue
        elif lines and stripped.startswith(_BLOCKS):
            break
        lines.append(stripped)
    return "\n".join(lines)


def _without_closing(text: str) -> str:
    """The inside of a block comment without the marker that ends it."""
    text = text.rstrip()
    for closing in _CLOSINGS:
        if text.endswith(closing):
            return text.removesuffix(closing).rstrip("*").rstrip()
    return _LONG_BRACKET.sub("", text)


def _plain(line: str) -> str:
    """A line of an XML comment as prose: references become their names, markup of prose goes."""
    return _XML_REFERENCE.sub(r"\1", _XML_PROSE.sub("", line))


def is_license(comment: str) -> bool:
    """Whether a comment is a licence or copyright header, which documents no code."""
    return _LICENSE.search(comment) is not None


def _tidy(lines: list[str]) -> str:
    """Drop rules and directives, strip line ends, and leave one blank line between paragraphs."""
    kept: list[str] = []
    for line in lines:
        stripped = line.strip()
        if stripped and (_RULE.match(stripped) or _DIRECTIVE.match(stripped)):
            continue
        if stripped or (kept and kept[-1]):
            kept.append(line.rstrip())
    return textwrap.dedent("\n".join(kept)).strip()
