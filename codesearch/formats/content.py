"""What a text is whose name does not tell: source code, settings, prose, or data.

Only data is recognised by itself: tables, encoded bytes, records, what a terminal showed. Any other text is searched,
and the question is only whether it is code. Two things tell that: how its lines end and begin, and how many of the
signs that programs are full of stand between its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Content", "judge"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a text is.

    Attributes:
        language: "source", "config", "text", or a language that its beginning names, such as "xml"; "" for data.
        data: What kind of data it is, such as "a table"; "" for anything else.
    """

    language: str = ""
    data: str = ""


_JUDGED_CHARACTERS = 20_000

_BEGINNINGS = (
    (re.compile(r"<\?xml\b"), "xml"),
    (re.compile(r"(?i)<!doctype html|<html\b"), "html"),
    (
        re.compile(r"<!DOCTYPE\b|<(?!\?)(?:[\w-]+:)?[A-Za-z][\w.-]*(?:[ \t]+[\w:.-]+=[\"'][^\"'\n]*[\"'])*\s*/?>\s*<"),
        "xml",
    ),
    (re.compile(r"%YAML\b|---[ \t]*\n(?:[\w\"'-][^\n]*:(?:[ \t]|\n)|- |#)"), "yaml"),
    (re.compile(r"#compdef\b|#autoload\b"), "bash"),
)

# Settings of a program, in braces; longer ones are what a program wrote.
_LONGEST_JSON = 20_000

_MIN_LINES = 3
_MANY_LINES = 200
_FEW_WORDS = 6

_CODE_LINE = re.compile(
    r"[;{}(:,=]$|^[)}\]]|^(?:#\s*include|import|from|use|using|require|package|module|def|defn?|fn|func|fun|function|sub"
    r"|proc|procedure|class|struct|enum|trait|interface|type|let|var|val|const|return|if|elif|else|for|while|end|begin|case"
    r"|public|private|static|export|local|set|new|do|then)\b|^\(|\w\(.*\)$|[^=<>!]=[^=]|->|=>|::|:="
)
_COMMENT_LINE = re.compile(r"//|#|--|/\*|\*|;|%|\(\*")
_PROSE_LINE = re.compile(r"^(?:[-*#>=.\d)]+\s+)?[^\W\d_][^\W\d_]+(?:['’]\w+)?(?:[,.]?\s+\S*){3,}")
_SETTING = re.compile(r"\[[^\]]+\]$|[\w.$/@-]+[ \t]*[=:](?![=:])[ \t]*[^(){};]*$")
_WORD = re.compile(r"[^\W\d_]{2,}")
_PLAIN_WORD = re.compile(r"(?:^|(?<=[\s(\"'“]))[^\W\d_]{2,}(?=$|[\s,.;:!?)\"'”])")
_SIGNS = re.compile(r"[(){}\[\]<>=;:|&$@\\/*+_\"'`~^%#-]")
_UPPER_WORD = re.compile(r"\b[A-Z][A-Z0-9-]{2,}\b")
_WIDE_LETTERS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}")

# Between the lines of code or prose: headings, and addresses.
_ASIDE = re.compile(r"(=+|\*+|!+|#+)[ \t].*\S|(?:[-*]\s+)?<?https?://\S+\Z")
_NAMED = re.compile(r"`[^`]+`")  # code that prose speaks of
_COLUMNS = re.compile(r"\S(?: {3,}|\t+)\S")
_SENTENCE_END = re.compile(r"^[-*•]|[.,!?]\Z")

_SHORT_ENCODED = re.compile(r"(?=\w+[A-Z])(?:[A-Za-z\d+/]{4}){2,}")
_ENCODED = re.compile(r"(?=.*\d)[A-Za-z\d+/]{40,}={0,2}\Z|(?:[A-Za-z\d+/]{4}){2,}={1,2}\Z|(?=.*[A-Z])[A-Z\d]{12,}\Z")
_CHECKSUM = re.compile(r"[0-9a-f]{32,}\b")
_TIME = re.compile(
    r"\W{0,2}(?:\w{3,9}[ \t]+)?(?:\d{4}[-/]\d\d[-/]\d\d|\d\d?[-/]\w{2,3}[-/]\d{2,4}|\w{3}[ \t]+\d\d?|\d{10})"
    r"[T \t:,.]*\d\d:\d\d"
)
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1b\x7f]")
_DELIMITERS = ",\t;|"


def judge(text: str) -> Content:
    """Judge a text by its beginning: what language it is searched as, or what kind of data it is."""
    beginning = text[:_JUDGED_CHARACTERS]
    for pattern, language in _BEGINNINGS:
        if pattern.match(beginning.lstrip()):
            return Content(language)
    if found := _json(text):
        return found
    lines = _lines(text)
    if data := _data(beginning, lines):
        return Content(data=data)
    return Content(_language(lines))


def _lines(text: str) -> list[str]:
    """The lines of the beginning that have something on them, with their indentation, without the one that is cut."""
    lines = text[:_JUDGED_CHARACTERS].split("\n")
    if len(text) > _JUDGED_CHARACTERS and len(lines) > 1:
        lines.pop()
    return [line.rstrip() for line in lines if line.strip()]


def _json(text: str) -> Content | None:
    stripped = text.strip()
    if not stripped or stripped[0] not in "{[" or stripped[-1] not in "}]":
        return None
    first, _, rest = stripped.partition("\n")
    if rest and _is_json(first) and _is_json(rest.partition("\n")[0]):
        return Content(data="records in JSON")
    if len(stripped) > _LONGEST_JSON:
        looks_so = re.match(r"[{\[]\s*(?:[{\[]\s*)*(?:\"(?:[^\"\\\n]|\\.)*\"\s*[:,]|\d)", stripped)
        if looks_so:
            return Content(data=_data(text[:_JUDGED_CHARACTERS], _lines(text)) or "JSON of more than 20,000 characters")
        return None
    return Content("json") if _is_json(stripped) else None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _data(text: str, lines: Sequence[str]) -> str:
    """What kind of data a text is; "" if it is none."""
    lines = [line.lstrip() for line in lines]
    if not lines or not _WORD.search(text):
        return "no words"
    if len(_CONTROL.findall(text)) * 100 > len(text):
        return "control characters"
    if (
        text.startswith("-----BEGIN ")
        or _share(lines, _ENCODED.match) > 0.5
        or all(map(_SHORT_ENCODED.fullmatch, lines))
    ):
        return "encoded bytes"
    if len(lines) < _MIN_LINES:
        return ""
    if sum(_WORD.search(line) is None for line in lines) * 5 > len(lines) * 4:
        return "numbers"
    if _share(lines, _CHECKSUM.match) > 0.6:
        return "checksums"
    if _share(lines, _TIME.match) > 0.6:
        return "a log"
    if _is_table(lines):
        return "a table"
    if len(lines) >= _MANY_LINES and sum(not re.search(r"\s", line) for line in lines) * 20 > len(lines) * 19:
        signs = sum(_SIGNS.search(line) is not None for line in lines)
        return "a list of words" if signs * 5 < len(lines) else ""
    return ""


def _share(lines: Sequence[str], test: object) -> float:
    assert callable(test)
    return sum(test(line) is not None for line in lines) / len(lines)


def _is_table(lines: Sequence[str]) -> bool:
    """Whether nearly every line has the same number of commas, tabs or the like."""
    for delimiter in _DELIMITERS:
        counts = [line.count(delimiter) for line in lines]
        most = max(set(counts), key=counts.count)
        if most >= 2 and counts.count(most) * 5 >= len(lines) * 4:
            return True
    return False


def _language(lines: Sequence[str]) -> str:
    told = [line for line in lines if not _COMMENT_LINE.match(line.lstrip()) and not _ASIDE.match(line)]
    if not told:
        return "text"
    settings = sum(_SETTING.match(line.lstrip()) is not None for line in told)
    if settings * 5 >= len(told) * 4:
        return "config"
    code = sum(map(_is_code, told))
    if len(lines) < _MIN_LINES and code < len(told):
        return "text"
    return "source" if code * 2 >= len(told) else "text"


def _is_code(line: str) -> bool:
    indented, line = line[0] in " \t", _NAMED.sub("name", line.strip())
    plain = len(_PLAIN_WORD.findall(line))
    signs = len(_SIGNS.findall(line))
    if _WIDE_LETTERS.search(line):
        return signs * 4 > len(line)
    if _CODE_LINE.search(line):
        return plain < _FEW_WORDS or signs > plain
    if _COLUMNS.search(line) or (indented and plain < _FEW_WORDS and not _SENTENCE_END.search(line)):
        return True
    if plain >= 4 and signs * 2 <= plain:
        return plain < _FEW_WORDS and len(_UPPER_WORD.findall(line)) * 2 > plain
    return (signs >= 2 and signs >= plain) or len(_UPPER_WORD.findall(line)) * 2 >= max(plain, 1)
