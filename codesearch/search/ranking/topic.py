"""What a question is about besides code, by how it is asked: tests, examples, documents, or what is old.

"Tests of the cart" asks for tests. "The test of a long title fails" tells what happened, and a report of an error has
a dozen such words in it. So the head of the question's first phrase decides, and a few forms of whole questions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["topics_of"]

_HEADS: Final[Mapping[str, frozenset[str]]] = {
    "test": frozenset(
        "test tests testing unittest unittests spec specs fixture fixtures mock mocks benchmark benchmarks coverage "
        "assertion assertions".split()
    ),
    "example": frozenset("example examples demo demos tutorial tutorials playground".split()),
    "prose": frozenset("documentation docs doc readme changelog manual guide guides".split()),
}
_MODIFIERS: Final[Mapping[str, frozenset[str]]] = {
    "legacy": frozenset("legacy deprecated compat compatibility vendored".split()),
}
"""Words that say it before whatever is meant."""

_HOLDERS: Final = frozenset(
    "suite suites case cases file files page pages section folder directory code class classes function functions"
    " method methods app application project program snippet helper helpers data setup".split()
)
"""What holds tests, examples or documents is them: a test suite, a page of documentation."""

_TOGETHER: Final[Mapping[str, str]] = {
    r"release notes?|what'?s new": "prose",
    r"(?:code|usage) samples?|sample (?:code|app|application|project|program)s?": "example",
    r"(?:the )?old (?:implementation|version|api|code|way)": "legacy",
    r"vendor (?:folder|directory|code)": "legacy",
}
"""Words that are something else alone: a lock is released, and audio has samples."""

_FORMS: Final = (
    # How is the cart tested?
    ("test", re.compile(r"^(?:how|where|what|which|is|are)\b.*\b(?:unit[- ])?(?:tested|mocked|benchmarked)\b\W*$")),
    ("prose", re.compile(r"^(?:how|where|what|which|is|are)\b.*\bdocumented\b\W*$")),
    # Open a socket, with an example
    ("example", re.compile(r"\bwith (?:an |some )?examples?\W*$|\bfor example\W*$")),
    # [docs] and docs: before a title
    ("prose", re.compile(r"^\W{0,3}(?:docs?|documentation)(?:\([^)]*\))?\s?[\]:]")),
    ("test", re.compile(r"^\W{0,3}tests?(?:\([^)]*\))?\s?[\]:]")),
    ("example", re.compile(r"^\W{0,3}examples?(?:\([^)]*\))?\s?[\]:]")),
)

_BEFORE: Final = frozenset(
    "a an the any all some this that these those our my more please can could would should will you i we it me us to "
    "where what which who how is are was were do does did there show tell give find locate search looking look see "
    "read list need want using use add write fix update improve run".split()
)
"""Words that may stand before the first phrase."""

_AFTER: Final = frozenset(
    "of for that which who whose to in on at about with without from into by as when where while whether if how is are "
    "was were be has have had do does did can could should would will using use covering covers cover checking check "
    "checks and or but not showing show shows".split()
)
"""Words that end a phrase."""

_ARTICLES: Final = frozenset("a an the this that these those its our my each every all any whether if".split())
_VERBS: Final = frozenset({"test", "mock", "benchmark"})
"""Nouns that are verbs as well: "test the connection" asks for no test."""

_SENTENCE: Final = frozenset({"that", "whether", "if"})
_WORD: Final = re.compile(r"[a-z][\w'.-]*[a-z0-9]|[a-z]")
_LONGEST: Final = 400


def topics_of(question: str) -> frozenset[str]:
    """Return what a question is about, by the names of places (``codesearch.search.ranking.path_roles``).

    Args:
        question: As it was asked; of a long one, its title.
    """
    text = " ".join(question[:_LONGEST].lower().split())
    phrase, following = _first_phrase(text)
    found = {topic for topic, form in _FORMS if form.search(text)}
    spoken = " ".join(phrase)
    found |= {topic for words, topic in _TOGETHER.items() if re.search(rf"(?:^|\s)(?:{words})$", spoken)}
    found |= {topic for topic, words in _MODIFIERS.items() if not words.isdisjoint(phrase)}
    while len(phrase) > 1 and phrase[-1] in _HOLDERS:
        phrase.pop()
    if phrase and not (len(phrase) == 1 and phrase[0] in _VERBS and following in _ARTICLES - _SENTENCE):
        found |= {topic for topic, heads in _HEADS.items() if phrase[-1] in heads}
    return frozenset(found)


def _first_phrase(text: str) -> tuple[list[str], str]:
    """Return the words of the first phrase, without what stands before it, and the word after it."""
    words = _WORD.findall(text)
    start = next((number for number, word in enumerate(words) if word not in _BEFORE), len(words))
    phrase: list[str] = []
    for word in words[start:]:
        if word in _AFTER or word in _ARTICLES:
            return phrase, word
        phrase.append(word)
    return phrase, ""
