"""Whether a question is made from its answer's own name: such a question asks for what one knows already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from codesearch.words import question_terms, split_identifier, terms

__all__ = ["bare_name", "file_stem", "says_own_name", "says_something"]

_FEWEST_TERMS = 3


def file_stem(path: str) -> str:
    """Return a file's name without any of its endings."""
    return PurePosixPath(path).name.lstrip(".").split(".")[0]


def bare_name(qualified_name: str) -> str:
    """Return the last part of a qualified name."""
    return qualified_name.rpartition(".")[2]


def says_own_name(text: str, files: Iterable[str], names: Iterable[str] = ()) -> bool:
    """Whether a question says the name of a file or of a definition that answers it.

    A name of several words is said by these words in a row, however they are written. A name of one word is an
    ordinary word, which whoever does not know the code says as well ("when does a session expire?"), unless it is
    written as code is. To refuse those questions as well would teach that a file's name speaks against it.
    """
    said = " ".join(word for run in re.findall(r"\w+", text) for word in _words(run))
    for name in (*map(file_stem, files), *map(bare_name, names)):
        words = _words(name)
        if len(words) > 1 and f" {' '.join(words)} " in f" {said} ":
            return True
        if len(name) > 2 and re.search(rf"`{re.escape(name)}\b|\b{re.escape(name)}\(\)", text):
            return True
    return False


def says_something(text: str, files: Sequence[str]) -> bool:
    """Whether a question has a few words that mean something and are not in the names of its answers."""
    named = {term for path in files for term in terms(file_stem(path))}
    return len(set(question_terms(text)) - named) >= _FEWEST_TERMS


def _words(identifier: str) -> list[str]:
    return [word.lower() for word in split_identifier(identifier)]
