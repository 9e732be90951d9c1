"""Text analysis: from source code and questions to the terms that BM25 counts and ranking compares.

An identifier yields its sub-words, stemmed (Porter2 for English), and, where it has several, itself as a
whole, so that both ``parse json`` and ``parseJSON`` find ``parse_json``::

    parseHTTPResponse -> pars http respons parsehttprespons
    utf8_decode       -> utf 8 decod utf8decode

Letters outside ASCII keep their words whole (``Größe``); scripts that put no spaces between words (Chinese,
Japanese, Korean, Thai) yield overlapping pairs of characters, as Lucene's CJK analyser does, so that a part
of a sentence is found in a longer one::

    解析文件 -> 解析 析文 文件
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise

import Stemmer

__all__ = [
    "LINE_END",
    "STOP_WORDS",
    "TermFinder",
    "neighbours",
    "question_terms",
    "replace_surrogates",
    "split_identifier",
    "stem",
    "terms",
    "terms_in_a_row",
]

_RUN = re.compile(r"\w+")
_RUN_OR_LINE_END = re.compile(r"\w+|\n")
_SUBWORD = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])"  # HTTP in HTTPResponse
    r"|[A-Z]?[a-z]+"  # parse, Response
    r"|[A-Z]+"  # HTTP at the end
    r"|[0-9]+"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u1100-\u11ff\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7ff"  # Hangul, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
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


LINE_END = "."
"""Stands between the lines of a text, where there is no word: what is at either side of it are no neighbours."""

_NOTHING: frozenset[str] = frozenset()

_stemmer = Stemmer.Stemmer("english")


def replace_surrogates(text: str) -> str:
    """Return text that can be encoded: a byte or half of a character that is no text becomes U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def stem(word: str) -> str:
    """Return the Porter2 stem of a lower-case word."""
    stemmed: str = _stemmer.stemWord(word)
    return stemmed


def split_identifier(identifier: str) -> list[str]:
    """Split at underscores, case changes and digits: ``parseHTTP_v2`` gives ``parse HTTP v 2``."""
    if identifier.isascii():
        return _SUBWORD.findall(identifier)
    return [word for piece in _pieces().findall(identifier) for word in _split_letters(piece)]


@cache
def _pieces() -> re.Pattern[str]:
    """Runs of one kind of letters, and numbers. Compiled when first met: a question in English needs none of it."""
    return re.compile(rf"[{_UNSPACED}]+|\d+|[^\W\d_{_UNSPACED}]+")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(rf"[{_UNSPACED}]+")


def _has_unspaced(text: str) -> bool:
    """Whether a text holds letters of a script that puts no spaces between words."""
    return not text.isascii() and _unspaced().search(text) is not None


def _split_letters(piece: str) -> list[str]:
    """Split letters of one script, or digits, as `split_identifier` does where there is more than ASCII."""
    if _unspaced().fullmatch(piece):
        return [piece[i : i + 2] for i in range(len(piece) - 1)] or [piece]
    words, start = [], 0
    for i in range(1, len(piece)):
        begins_word = piece[i].isupper() and (
            not piece[i - 1].isupper() or (i + 1 < len(piece) and piece[i + 1].islower())
        )
        if begins_word:
            words.append(piece[start:i])
            start = i
    return [*words, piece[start:]]


@lru_cache(maxsize=1 << 17)
def _words_and_whole(identifier: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sub-words of an identifier, and the identifier itself where that is another term."""
    words = tuple(stem(part.lower()) for part in split_identifier(identifier))
    if len(words) > 1 and not _has_unspaced(identifier):
        return words, (stem(identifier.replace("_", "").lower()),)
    return words, ()


def _identifier_terms(identifier: str) -> tuple[str, ...]:
    words, whole = _words_and_whole(identifier)
    return words + whole


def _runs(text: str, pattern: re.Pattern[str] = _RUN) -> list[str]:
    # Accents may be written as characters of their own, which are no letters and would split a word.
    return pattern.findall(text if text.isascii() else unicodedata.normalize("NFC", text))


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, with repetitions; [] where it holds no letter and no digit."""
    found: list[str] = []
    for run in _runs(text):
        if len(run) <= _LONGEST_RUN or _has_unspaced(run):
            found.extend(_identifier_terms(run))
    return found


class TermFinder:
    """Says which of some terms a text holds; quick over many texts, since a word is looked at once.

    Args:
        wanted: The terms.
    """

    def __init__(self, wanted: Iterable[str]) -> None:
        self._wanted = frozenset(wanted)
        self._known: dict[str, frozenset[str]] = {}

    def find(self, text: str) -> set[str]:
        """Return those of the terms that :func:`terms` returns for a text."""
        found: set[str] = set()
        for run in _runs(text):
            held = self._known.get(run)
            if held is None:
                held = self._known[run] = self._held_by(run)
            if held:
                found |= held
        return found

    def _held_by(self, run: str) -> frozenset[str]:
        if len(run) > _LONGEST_RUN and not _has_unspaced(run):
            return _NOTHING
        words, whole = _words_and_whole(run)
        if self._wanted.isdisjoint(words) and self._wanted.isdisjoint(whole):
            return _NOTHING
        return self._wanted.intersection(words + whole)


def terms_in_a_row(text: str) -> list[str]:
    """Return the terms of a text, its words in order first, then its identifiers as wholes.

    So words that follow each other in a line do so here, whatever identifiers they are parts of. Between two lines, and
    before the wholes, there is a `LINE_END`: where a line ends, one statement, or a comment, usually does as well.
    """
    words: list[str] = []
    wholes: list[str] = []
    before = 0  # how many words there are up to the last line that has any
    for run in [*_runs(text, _RUN_OR_LINE_END), "\n"]:
        if run == "\n":
            if len(words) > before:
                words.append(LINE_END)
                before = len(words)
        elif len(run) <= _LONGEST_RUN or _has_unspaced(run):
            parts, whole = _words_and_whole(run)
            words += parts
            wholes += whole
    return words + wholes if wholes else words[:-1]


def neighbours(question: str, limit: int = 64) -> list[tuple[str, str]]:
    """Return the distinct pairs of neighbouring words of a question, in order, but for pairs of two stop words.

    Args:
        question: What the user asked.
        limit: Of how many words; a longer question is cut there.
    """
    words: list[tuple[str, bool]] = []
    for run in _runs(question):
        if len(run) <= _LONGEST_RUN or _has_unspaced(run):
            words += [(word, run.lower() in STOP_WORDS) for word in _words_and_whole(run)[0]]
        if len(words) > limit:
            break
    pairs = pairwise(words[:limit])
    return list(dict.fromkeys((a, b) for (a, a_stops), (b, b_stops) in pairs if not (a_stops and b_stops)))


def question_terms(question: str, limit: int = 64) -> list[str]:
    """Return the distinct terms of a question in order, without stop words unless there is nothing else.

    Args:
        question: What the user asked.
        limit: The most terms that are returned; a longer question is cut there, so that a pasted file costs
            no more than a long sentence.
    """
    words: dict[str, None] = {}
    stop_words: dict[str, None] = {}
    for run in _runs(question):
        if len(run) > _LONGEST_RUN and not _has_unspaced(run):
            continue
        (stop_words if run.lower() in STOP_WORDS else words).update(dict.fromkeys(_identifier_terms(run)))
        if len(words) >= limit:
            break
    return list(words or stop_words)[:limit]
