"""Source code -> tokens, without what copies of a function may differ in and still be copies.

One lexer for all languages that have a grammar: comments go, white space goes, and what is left is words, numbers,
strings and signs. That is coarser than a parser and a hundred times as fast; a mistake, such as a division that is
taken for a regular expression, is made in every copy alike.

Two forms of a function come out of it. *Exact*: the tokens as they are, with the function's own name replaced.
*Renamed*: names that a programmer may choose freely, those of variables and parameters, become one sign, and so do
strings and numbers; names of what is called, and of members, stay, for they say what the function does.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lexer", "Tokens"]

Tokens = NDArray[np.int32]
"""Ids of the tokens of a function, of shape [n]; the ids are those of one `Lexer`."""

_HASH: Final = frozenset({"bash", "elixir", "php", "python", "ruby", "starlark"})
_DASHES: Final = frozenset({"haskell", "lua"})
_PRIMES: Final = frozenset({"haskell", "rust", "scala"})
"""Where a quote may also be part of a name (``x'``), of a lifetime (``'a``) or of a symbol."""

_WORD: Final = r"[^\W\d]\w*[?!]?(?!\w)|[^\W\d]\w*"
_NUMBER: Final = r"\d(?:[\w.]*\w)?"
_SIGNS: Final = r"->|::|\?\.|=>|[=!<>]=+|&&|\|\||[^\s\w;]"
_STRING: Final = r'"(?:\\.|[^"\\\n])*"|`[^`]*`'
# What is not closed goes to the end: were it no match, its end would be sought for again from each of many beginnings.
_TRIPLE: Final = r'"""(?:\\.|[^\\])*?(?:"""|\Z)|' + r"'''(?:\\.|[^\\])*?(?:'''|\Z)"
_QUOTED: Final = r"'(?:\\.|[^'\\\n])*'"
_CHARACTER: Final = r"'(?:\\[^'\n]+|[^'\\\n])'"

_KEYWORDS: Final = frozenset(
    """
    and as assert async await break case catch class const continue def defer do elif else elseif elsif end ensure enum
    except extends false False finally fn for foreach func function goto guard if impl implements import in instanceof
    interface is lambda let new nil None not null or override private protected pub public raise rescue return self
    Self sizeof static struct super switch template this throw throws trait true True try typeof undefined union unless
    unsafe var virtual void when where while with yield
    """.split()
)
"""Words that shape code, in all languages together; those that are common names elsewhere (default, type, match) are
left out, and so are types of numbers: a copy may be of another type."""


class _Words(dict[str, int]):
    """Words by id. One that is new gets the next id, and what the lexer wants to know of it is kept by id."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = np.zeros(1024, np.uint8)
        self.hashes = np.zeros(1024, np.uint64)

    def __missing__(self, word: str) -> int:
        number = len(self)
        self[word] = number
        if number == len(self.kinds):
            self.kinds = np.concatenate([self.kinds, np.zeros_like(self.kinds)])
            self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.hashes[number] = int.from_bytes(digest, "little")
        self.kinds[number] = _kind(word)
        return number


_OTHER, _FREE, _LITERAL, _BEFORE_MEMBER = range(4)


def _kind(word: str) -> int:
    if word in ("->", "::", ".", "?."):
        return _BEFORE_MEMBER
    if word[:1].isalpha() or word[:1] == "_":
        return _OTHER if word in _KEYWORDS else _FREE
    return _LITERAL if word[:1].isdigit() or (len(word) > 1 and word[0] in "\"'`") else _OTHER


class Lexer:
    """Turns functions into ids of tokens, giving equal tokens equal ids for as long as it lives.

    Attributes:
        own_name: The id of a function's own name, wherever it is mentioned.
    """

    def __init__(self) -> None:
        self._words = words = _Words()
        self._comment, self._variable, self._literal, self.own_name = (
            words[word] for word in ("", "\0variable", "\0literal", "\0name")
        )
        self._comma, self._call = words[","], words["("]
        self._closing = np.array([words[sign] for sign in ")]}"], np.int32)
        words.kinds[self.own_name] = _FREE

    def read(self, code: str, language: str, name: str) -> tuple[bytes, Tokens]:
        """Return the fingerprint of the exact form, which is the same in every process, and the renamed form.

        Args:
            code: Of the function, without its documentation.
            language: A name of ``codesearch.languages``.
            name: Of the function, which copies may change.
        """
        found = _pattern(language).findall(code)
        tokens = np.fromiter(map(self._words.__getitem__, found), np.int32, len(found))
        tokens = tokens[tokens != self._comment]
        tokens[tokens == self._words.get(name, -1)] = self.own_name
        commas = np.flatnonzero(tokens[:-1] == self._comma)
        tokens = np.delete(tokens, commas[(tokens[commas + 1, None] == self._closing).any(axis=1)])
        exact = blake2b(self._words.hashes[tokens].astype("<u8").tobytes(), digest_size=16).digest()
        return exact, self._renamed(tokens)

    def id_of(self, word: str) -> int:
        """Return the id of a word, -1 for one that was never read."""
        return self._words.get(word, -1)

    def _renamed(self, tokens: Tokens) -> Tokens:
        kinds = self._words.kinds[tokens]
        free = kinds == _FREE
        free[1:] &= kinds[:-1] != _BEFORE_MEMBER
        free[:-1] &= tokens[1:] != self._call
        tokens[free] = self._variable
        tokens[kinds == _LITERAL] = self._literal
        return tokens


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Return what finds the tokens of a language; a comment is found as an empty one."""
    comments = [r"\#(?!\[)[^\n]*"] if language in _HASH else []
    if language in _DASHES:
        comments += [r"--[^\n]*"] if language == "haskell" else [r"--\[\[(?:[^\]]|\](?!\]))*(?:\]\])?", r"--[^\n]*"]
    elif language not in _HASH or language == "php":
        comments += [r"//[^\n]*", r"/\*(?:[^*]|\*(?!/))*(?:\*/)?"]
    quoted = _CHARACTER if language in _PRIMES else _QUOTED
    kept = "|".join((_TRIPLE, _STRING, quoted, _WORD, _NUMBER, _SIGNS))
    return re.compile("|".join((*comments, f"({kept})")))
