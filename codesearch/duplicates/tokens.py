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
_TRIPLE: Final = r'"""(?:\\.|[^\\])*?"""|' + r"'''(?:\\.|[^\\])*?'''"
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

_BEFORE_MEMBER: Final = (".", "->", "::", "?.")

_OWN_NAME: Final = "\0"
_VARIABLE, _LITERAL = 0, 1


class Lexer:
    """Turns functions into ids of tokens, giving equal tokens equal ids for as long as it lives.

    Attributes:
        own_name: The id of a function's own name, wherever it is mentioned.
    """

    def __init__(self) -> None:
        self._ids: dict[str, int] = {"\0variable": _VARIABLE, "\0literal": _LITERAL}
        self._free: list[bool] = [False, False]  # by id: a word that is no keyword
        self._literal: list[bool] = [False, False]
        self.own_name = self._id(_OWN_NAME)
        self._members = frozenset(self._id(sign) for sign in _BEFORE_MEMBER)
        self._call = self._id("(")

    def read(self, code: str, language: str, name: str) -> tuple[bytes, Tokens]:
        """Return the fingerprint of the exact form, which is the same in every process, and the renamed form.

        Args:
            code: Of the function, without its documentation.
            language: A name of ``codesearch.languages``.
            name: Of the function, which copies may change.
        """
        words = [word for word in _pattern(language).findall(code) if word]
        words = [_OWN_NAME if word == name else word for word in words]
        following = [*words[1:], ""]
        words = [word for word, after in zip(words, following, strict=False) if word != "," or after not in ")]}"]
        exact = blake2b("\n".join(words).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        ids = self._ids
        tokens = np.array([ids[word] if word in ids else self._id(word) for word in words], np.int32)
        return exact, self._renamed(tokens)

    def id_of(self, word: str) -> int:
        """Return the id of a word, -1 for one that was never read."""
        return self._ids.get(word, -1)

    def _id(self, word: str) -> int:
        found = self._ids.setdefault(word, len(self._ids))
        if found == len(self._free):
            is_word = word[0].isalpha() or word[0] in "_\0"
            self._free.append(is_word and word not in _KEYWORDS)
            self._literal.append(word[0].isdigit() or (len(word) > 1 and word[0] in "\"'`"))
        return found

    def _renamed(self, tokens: Tokens) -> Tokens:
        free = np.fromiter((self._free[token] for token in tokens.tolist()), bool, len(tokens))
        literal = np.fromiter((self._literal[token] for token in tokens.tolist()), bool, len(tokens))
        member = np.isin(tokens[:-1], list(self._members))
        free[1:] &= ~member
        free[:-1] &= tokens[1:] != self._call
        renamed = tokens.copy()
        renamed[free] = _VARIABLE
        renamed[literal] = _LITERAL
        return renamed


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Return what finds the tokens of a language; a comment is found as an empty one."""
    comments = [r"\#(?!\[)[^\n]*"] if language in _HASH else []
    if language in _DASHES:
        comments += [r"--[^\n]*"] if language == "haskell" else [r"--\[\[(?:[^\]]|\](?!\]))*\]\]", r"--[^\n]*"]
    elif language not in _HASH or language == "php":
        comments += [r"//[^\n]*", r"/\*(?:[^*]|\*(?!/))*\*/"]
    quoted = _CHARACTER if language in _PRIMES else _QUOTED
    kept = "|".join((_TRIPLE, _STRING, quoted, _WORD, _NUMBER, _SIGNS))
    return re.compile("|".join((*comments, f"({kept})")))
