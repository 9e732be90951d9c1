"""Normal forms and hashes of code and text that survive formatting, comments and renaming.

Deduplication and decontamination both compare these, so that a function that was re-indented, re-commented,
re-decorated or whose variables were renamed still counts as the same.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CodeHashes", "code_hashes", "code_tokens", "shingles", "text_hash"]

_STRING = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"
_REST = r"|[A-Za-z_$][\w$]*|\d[\w.]*|[^\s\w]"
_C_LIKE = re.compile(r"(?P<comment>//[^\n]*|/\*.*?\*/)|" + _STRING + _REST, re.DOTALL)
_C_OR_HASH = re.compile(r"(?P<comment>//[^\n]*|/\*.*?\*/|\#(?!\[)[^\n]*)|" + _STRING + _REST, re.DOTALL)
_HASH = re.compile(
    r"(?P<comment>(?<![$\\])\#(?!\{)[^\n]*|^=begin\b.*?^=end\b)|" + _STRING + _REST, re.DOTALL | re.MULTILINE
)
_PYTHON = re.compile(
    r"(?P<comment>\#[^\n]*|[rRuUbBfF]{0,2}\"\"\".*?\"\"\"|[rRuUbBfF]{0,2}'''.*?'''"
    r"|^[ \t]*[rRuU]?(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')[ \t]*$)|"
    + _STRING + _REST,
    re.DOTALL | re.MULTILINE,
)  # fmt: skip
_DASHES = re.compile(r"(?P<comment>--\[(=*)\[.*?\]\2\]|--[^\n]*|\{-.*?-\})|" + _STRING + _REST, re.DOTALL)
_PROSE = re.compile(r"(?P<comment>(?!))|\w+|[^\w\s]")
_TOKENS = {
    "python": _PYTHON, "ruby": _HASH, "bash": _HASH, "elixir": _HASH, "perl": _HASH, "julia": _HASH,
    "lua": _DASHES, "haskell": _DASHES, "sql": _DASHES, "php": _C_OR_HASH, "markdown": _PROSE,
}  # fmt: skip
_DECORATORS = re.compile(
    r"\A(?:\s*(?:@[\w.]+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?|\#\[[^\]]*\]|\[[A-Z][^\]\n]*\])[ \t]*(?:\n|(?=\s)))+"
)
_BODY_IS_ENOUGH = 24
_RENAMED_IS_ENOUGH = 48


@dataclass(frozen=True, slots=True)
class CodeHashes:
    """Hashes of one piece of code; each is 0 where the code is too short for it to mean anything.

    Attributes:
        whole: Of all its tokens without comments, docstrings and leading decorators, in lower case.
        body: Of what follows the header, which may be written in several ways (at least 24 tokens).
        renamed: Of the body with identifiers numbered in order of appearance (at least 48 tokens).
        tokens: How many tokens the whole has.
    """

    whole: int
    body: int
    renamed: int
    tokens: int


def _hash(tokens: list[str]) -> int:
    return (
        int.from_bytes(
            hashlib.blake2b("\x1f".join(tokens).encode("utf-8", "replace"), digest_size=8).digest(), "little"
        )
        or 1
    )


def code_tokens(code: str, language: str) -> list[str]:
    """Identifiers, numbers, strings and punctuation; no space, comment, docstring or leading decorator."""
    code = _DECORATORS.sub("", code)
    pattern = _TOKENS.get(language, _C_LIKE)
    return [match[0] for match in pattern.finditer(code) if match.lastgroup != "comment"]


def _body(tokens: list[str], code: str, language: str) -> list[str]:
    if language == "python":
        depth = 0
        for index, token in enumerate(tokens):
            if token in "([{":
                depth += 1
            elif token in ")]}":
                depth -= 1
            elif token == ":" and not depth:
                return tokens[index + 1 :]
        return []
    if language in ("ruby", "elixir", "lua", "haskell"):
        _, newline, rest = _DECORATORS.sub("", code).lstrip().partition("\n")
        return code_tokens(rest, language) if newline else []
    if "{" in tokens:
        return tokens[tokens.index("{") + 1 :]
    return []


def _renamed(tokens: list[str]) -> list[str]:
    numbers: dict[str, str] = {}
    return [
        numbers.setdefault(token, f"v{len(numbers)}") if token[0].isalpha() or token[0] in "_$" else token
        for token in tokens
    ]


def code_hashes(code: str, language: str) -> CodeHashes:
    """All hashes of a piece of code."""
    tokens = code_tokens(code, language)
    if not tokens:
        return CodeHashes(0, 0, 0, 0)
    body = _body(tokens, code, language)
    lowered = [token.lower() for token in tokens if token not in (";", ",")]
    return CodeHashes(
        whole=_hash(lowered),
        body=_hash([token.lower() for token in body if token not in (";", ",")]) if len(body) >= _BODY_IS_ENOUGH else 0,
        renamed=_hash(_renamed(body)) if len(body) >= _RENAMED_IS_ENOUGH else 0,
        tokens=len(tokens),
    )


_TEXT_WORD = re.compile(r"[^\W_]+")


def text_hash(text: str) -> int:
    """Hash of the words of a text in lower case; 0 where it has none."""
    words = _TEXT_WORD.findall(text.lower())
    return _hash(words) if words else 0


def shingles(tokens: list[str], width: int = 3) -> NDArray[np.uint64]:
    """Hashes of the distinct runs of `width` tokens, for MinHash; [n] uint64, n >= 1 for any token list."""
    lowered = [token.lower() for token in tokens]
    runs = {hash_run(lowered[start : start + width]) for start in range(max(1, len(lowered) - width + 1))}
    return np.fromiter(runs, dtype=np.uint64, count=len(runs))


def hash_run(tokens: list[str]) -> int:
    """A 32-bit hash of a run of tokens that is the same in every process (Python's own is salted)."""
    return zlib.crc32("\x1f".join(tokens).encode("utf-8", "replace"))
