"""From the bytes of a file to its text: the one place where that is decided.

First answer wins:

1. a byte order mark;
2. UTF-8, if all of it is valid: nearly every file;
3. the encoding whose text looks most like writing, one that the file names (``# -*- coding: -*-``, ``<?xml encoding=``,
   ``<meta charset=``, ``@charset``) having an advantage. One that it names wrongly costs nothing.

What looks like writing: source files in old encodings are ASCII with a few comments, often one umlaut in a file. There
is too little for statistics of bytes, which are made for pages of prose. So the question asked of each encoding is
whether its characters outside ASCII are letters that one language uses together, in places where letters stand: "für"
is German in cp1252; in koi8-r it would have a Cyrillic letter between two Latin ones.

Lines are never joined or split: every encoding that is tried writes line ends as ASCII does.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

__all__ = ["decode"]

_BINARY_SNIFF_BYTES = 8_000
"""How far Git looks for a NUL byte (``buffer_is_binary`` in its xdiff-interface.c)."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# How much of what is not ASCII is looked at.
_SAMPLE_BYTES = 16_000

_SURE_ENOUGH = 0.5
"""Below this nothing looks like writing, and what is not UTF-8 becomes U+FFFD."""

_DECLARED_ADVANTAGE = 0.25

_DECLARATIONS = (
    re.compile(rb"\A(?:[^\n]*\n)?[^\n]*?coding[:=][ \t]*[\"']?([\w.-]+)"),
    re.compile(rb"\A\s*<\?xml[^>\n]{0,200}?encoding=[\"']([\w.-]+)"),
    re.compile(rb"(?i)<meta\b[^>]{0,200}?charset=[\"']?([\w.-]+)"),
    re.compile(rb"\A@charset[ \t]+[\"']([\w.-]+)"),
    re.compile(rb"(?i)<%@[^>]{0,200}?(?:pageencoding|charset)=[\"']?([\w.-]+)"),
)
_DECLARATION_BYTES = 2_048
_LINE_END_OF_EMACS = re.compile(rb"-(?:unix|dos|mac)\Z")

# The superset of each that is in use: what calls itself Latin-1 is Windows-1252, as browsers know.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "cp950",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
# Codecs that read ASCII as ASCII; a file may name others, some of which are no encodings of text at all.
_KNOWN = re.compile(
    r"cp\d+|iso8859-\d+|koi8-[rtu]|mac-\w+|shift_jis\w*|shift_jisx0213|euc_\w+|gb\w+|big5\w*|johab|tis-620|ascii"
)
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")


def decode(data: bytes) -> str | None:
    """The text of a file without its byte order mark, or None if it is binary.

    Nothing is an error: bytes that no encoding makes sense of become U+FFFD.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
            return None if "\0" in text[:_BINARY_SNIFF_BYTES] else text
    if b"\0" in data[:_BINARY_SNIFF_BYTES]:
        return _wide(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data)
    if any(escape in data for escape in _ESCAPES):
        return _in_escapes(data) or text
    return text


def _wide(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: every second byte of nearly all of its ASCII is zero."""
    sample = data[: _BINARY_SNIFF_BYTES // 2 * 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if half < 1 or len(data) % 2 or max(even, odd) < 0.7 * half or min(even, odd) > 0:
        return None
    try:
        return data.decode("utf-16-le" if odd else "utf-16-be")
    except UnicodeDecodeError:
        return None


def _in_escapes(data: bytes) -> str | None:
    """ISO-2022-JP, which is ASCII with escape sequences."""
    try:
        return data.decode("iso2022_jp_2")
    except UnicodeDecodeError:
        return None


def _guess(data: bytes) -> str:
    """The text of a file that is not UTF-8, or not all of it."""
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    score, encoding = max(_scores(data, lines), key=lambda found: found[0])  # the first of equals
    if encoding == "utf-8":
        return _mixed(data, lines)
    if score < _SURE_ENOUGH:
        return data.decode("utf-8", errors="replace")
    return data.decode(encoding, errors="replace")


def _mixed(data: bytes, lines: list[bytes]) -> str:
    """UTF-8 with some lines in another encoding, or some that are broken."""
    score, encoding = max(
        _scores(b"", [line for line in lines if not _is_mostly_utf8(line)]), key=lambda found: found[0]
    )
    other = encoding if score >= _SURE_ENOUGH else "utf-8"
    return "\n".join(
        line.decode("utf-8" if line.isascii() or _is_mostly_utf8(line) else other, errors="replace")
        for line in data.split(b"\n")
    )


def _is_mostly_utf8(line: bytes) -> bool:
    text = line.decode("utf-8", errors="replace")
    broken = text.count(_REPLACED)
    return broken == 0 or sum(character > "\x7f" for character in text) > broken


def _scores(data: bytes, lines: list[bytes]) -> Iterator[tuple[float, str]]:
    """How much like writing the lines look in each encoding, from below 0 to 1; what the file names gets more.

    Args:
        data: The file, for what it names.
        lines: Those with bytes outside ASCII.
    """
    from codesearch.sources.alphabets import ALPHABETS  # late: nearly no file needs them

    declared = _declared(data)
    sample = _sample(lines)
    texts: dict[str, str] = {}
    for alphabet in ALPHABETS:
        for encoding in alphabet.encodings:
            if encoding not in texts:
                texts[encoding] = sample.decode(encoding, errors="replace")
            advantage = _DECLARED_ADVANTAGE if encoding == declared else 0.0
            yield _score(texts[encoding], alphabet.value) + advantage, encoding
    if declared and declared not in texts:
        yield _score(sample.decode(declared, errors="replace"), _any_letter) + _DECLARED_ADVANTAGE, declared


def _sample(lines: list[bytes]) -> bytes:
    size, taken = 0, []
    for line in lines:
        taken.append(line[:_SAMPLE_BYTES])
        size += len(taken[-1])
        if size >= _SAMPLE_BYTES:
            break
    return b"\n".join(taken)


def _declared(data: bytes) -> str:
    """The encoding that a file names, as Python calls its superset; "" if it names none that is known."""
    top = data[:_DECLARATION_BYTES]
    for pattern in _DECLARATIONS:
        if found := pattern.search(top):
            try:
                name = codecs.lookup(_LINE_END_OF_EMACS.sub(b"", found[1].lower()).decode("ascii")).name
            except (LookupError, UnicodeDecodeError):
                continue
            return _SUPERSETS.get(name, name) if _KNOWN.fullmatch(name) else ""
    return ""


def _any_letter(character: str) -> float:
    return 0.9 if character.isalpha() else 0.0


# A run of letters with its neighbours; what stands between two Latin letters is a part of their word.
_WORD = re.compile(r"[^\W\d_]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_REPLACED = "\ufffd"
_WIDE = "\u3000"
_TOUCHING = "“”„‘’‚‹›«»¿¡…—–·º\xa0"
_INNER = "’·"


def _score(text: str, value: Callable[[str], float]) -> float:
    """The mean of what the characters outside ASCII are worth, those that stand in the wrong place being worth less."""
    from codesearch.sources.alphabets import COMMON

    total, count = 0.0, 0
    for word in _WORD.finditer(text):
        found = [character for character in word[0] if character > "\x7f"]
        count += len(found)
        total += sum(map(value, found)) * _plausible(word[0]) if found else 0.0
    for match in _NOT_ASCII.finditer(text):
        character = match[0]
        if not character.isalpha():
            count += 1
            total += _symbol_value(text, match.start(), character in COMMON)
    return total / count if count else 0.0


def _symbol_value(text: str, at: int, is_common: bool) -> float:
    character = text[at]
    if character == _REPLACED or (not character.isprintable() and character != "\xa0"):
        return -1.0
    if not is_common:
        return 0.0
    before, after = text[at - 1 : at].isalpha(), text[at + 1 : at + 2].isalpha()
    if character < _WIDE and not before and text[at - 1 : at] > "\x7f":
        return 0.5  # signs in a row are letters of another encoding
    if (before or after) and character < _WIDE and character not in _TOUCHING:
        return 0.0 if before and after else 0.6
    return 0.0 if before and after and character < _WIDE and character not in _INNER else 1.0


def _plausible(word: str) -> float:
    """How likely a word is from its scripts and cases alone: from 0 to 1."""
    if len(word) > 1:
        scripts = {_script(character) for character in word}
        if len(scripts) > 1:  # "fьr": Cyrillic in a Latin word
            return 0.9 if scripts == {"latin", "wide"} else 0.0
        if word.isascii() or not _has_case(word):
            return 1.0
        if scripts == {"latin"} and min(word) > "\x7f":
            return 0.5  # a Latin word that has not one letter of ASCII
        if word.isupper():
            return 0.85
        if not word[1:].islower():
            return 0.4 if any(a.islower() and b.isupper() for a, b in pairwise(word)) else 0.7
    return 1.0


def _has_case(word: str) -> bool:
    return word.lower() != word.upper()


@cache
def _script(character: str) -> str:
    if character < "\u0250" or "\u1e00" <= character <= "\u1eff":
        return "latin"
    if character > "\u2e80":
        return "wide"
    return "cased" if _has_case(character) else "other"
