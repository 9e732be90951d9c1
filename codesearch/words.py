"""Text analysis: from source code and questions to the terms that BM25 counts and ranking compares.

An identifier yields its sub-words, stemmed (Porter2 for English), and, where it has several, itself as a
whole, so that both ``parse json`` and ``parseJSON`` find ``parse_json``::

    parseHTTPResponse -> pars http respons parsehttprespons
    utf8_decode       -> utf 8 decod utf8decode
"""

from __future__ import annotations

import re
from functools import lru_cache

import Stemmer

__all__ = ["STOP_WORDS", "question_terms", "split_identifier", "stem", "terms"]

_RUN = re.compile(r"\w+")
_SUBWORD = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])"  # HTTP in HTTPResponse
    r"|[A-Z]?[a-z]+"  # parse, Response
    r"|[A-Z]+"  # HTTP at the end
    r"|[0-9]+"
    r"|[^\W\d_A-Za-z]+"  # letters of other scripts, as one word
)
_LONGEST_RUN = 80
"""Longer runs are hashes, base64 and the like: nobody asks for them, and they swell the dictionary."""

STOP_WORDS = frozenset(
    "a about all an and any are as at be been being but by can could do does doing done each for from had has "
    "have having here how i if in into is it its just me my need no of on or our out over please s shall she "
    "should show so some such t than that the their them then there these they this those to up us use used "
    "using want was way we were what when where which while who whom whose why will with would you your".split()
)
"""English function words, and the words that questions are phrased with. Left out of questions only."""


_stemmer = Stemmer.Stemmer("english")


def stem(word: str) -> str:
    """Return the Porter2 stem of a lower-case word."""
    stemmed: str = _stemmer.stemWord(word)
    return stemmed


def split_identifier(identifier: str) -> list[str]:
    """Split at underscores, case changes and digits: ``parseHTTP_v2`` gives ``parse HTTP v 2``."""
    return _SUBWORD.findall(identifier)


@lru_cache(maxsize=1 << 17)
def _identifier_terms(identifier: str) -> tuple[str, ...]:
    parts = [stem(part.lower()) for part in split_identifier(identifier)]
    if len(parts) > 1:
        parts.append(stem(identifier.replace("_", "").lower()))
    return tuple(parts)


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, with repetitions; [] where it holds no letter and no digit."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if len(run) <= _LONGEST_RUN:
            found.extend(_identifier_terms(run))
    return found


def question_terms(question: str, limit: int = 64) -> list[str]:
    """Return the distinct terms of a question in order, without stop words unless there is nothing else.

    Args:
        question: What the user asked.
        limit: The most terms that are returned; a longer question is cut there, so that a pasted file costs
            no more than a long sentence.
    """
    words: dict[str, None] = {}
    stop_words: dict[str, None] = {}
    for run in _RUN.findall(question):
        if len(run) > _LONGEST_RUN:
            continue
        (stop_words if run.lower() in STOP_WORDS else words).update(dict.fromkeys(_identifier_terms(run)))
        if len(words) >= limit:
            break
    return list(words or stop_words)[:limit]
