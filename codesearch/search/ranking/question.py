"""What was asked: its terms, the names in it, and which kind of question it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

from codesearch.search.candidates import Candidate
from codesearch.search.ranking.framing import bare
from codesearch.search.ranking.topic import topics_of
from codesearch.words import neighbours, question_terms, split_identifier

__all__ = ["CandidateSet", "Question", "parse_question", "plain"]

_SYMBOL = re.compile(r"[^\W\d]\w*(?:(?:\.|::|#|->)[^\W\d]\w*)*[?!]?(?:\(\))?")
_NAME_IN_TEXT = re.compile(
    r"`[^\W\d]\w*(?:(?:\.|::|\#|->)[^\W\d]\w*)*(?:\(\))?`"  # `name`
    r"|(?<![\w./-])(?:[^\W\d]\w*(?:\.|::|\#|->))*"
    r"(?:[^\W\d]\w*\(\)|[^\W\d]\w*_\w+|_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*)(?![\w/-])"  # name(), a_b, aB, AbC
)
_MOST_MENTIONS: Final = 8
_QUOTES = ("`", "'", '"')

_PHRASE_TERMS: Final = 2
_SENTENCE_TERMS: Final = 8

_STOP_WORD: Final = 0.3
"""What a stop word weighs in a pair: it says next to nothing, but that it stands there, too, tells a quotation."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, analysed.

    Attributes:
        text: What is looked for: as it was asked, without its frame ("where is the code that ...?").
        terms: Distinct, in order, without stop words.
        symbol: The bare name, if the whole question is one identifier such as ``Parser.parse`` or ``a::b()``.
        qualified_symbol: The same with all that qualifies it, joined by ".".
        brevity: 1 for a word or two, 0 for a sentence of eight or more, in between in between: what a few
            words name is more often a name than what a sentence says.
        pairs: Distinct pairs of neighbouring words, in order, stop words among them.
        mentions: What looks like names in it, as they are written, without what qualifies them.
        names: The bare names that it may ask for: those, and `symbol` in any case style.
        quoted: Whether it stands in quotation marks.
        topics: What it is about besides code: tests, examples, documents, or what is old.
    """

    text: str
    terms: tuple[str, ...]
    symbol: str = ""
    qualified_symbol: str = ""
    brevity: float = 1.0
    pairs: tuple[tuple[str, str], ...] = ()
    mentions: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    quoted: bool = False
    topics: frozenset[str] = frozenset()

    def rarity(self, frequency: Mapping[str, int], documents: int) -> dict[str, float]:
        """Return the weight of each term: BM25's inverse document frequency.

        Args:
            frequency: In how many chunks each term occurs.
            documents: How many chunks there are.
        """
        counts = {term: min(frequency[term], documents) for term in self.terms}
        return {term: log(1 + (documents - n + 0.5) / (n + 0.5)) for term, n in counts.items()}

    def shares_of_pairs(self, frequency: Mapping[str, int], documents: int) -> dict[tuple[str, str], float]:
        """Return the share of the question that each of its pairs is, rare words weighing most; they sum to 1.

        Words that occur nowhere are left out: the values that a program has filled into its message.
        """
        rarity = self.rarity(frequency, documents)
        weights = {
            pair: sum(rarity.get(word, _STOP_WORD) for word in pair)
            for pair in self.pairs
            if all(frequency.get(word, 1) for word in pair)
        }
        total = sum(weights.values())
        return {pair: weight / total for pair, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """What the two searches named for a question.

    Attributes:
        question: What was asked.
        candidates: Each with the position of its repository in the list that was searched.
        frequency: In how many chunks each term of the question occurs.
        documents: How many chunks there are.
        at_place: The candidates that hold a line which the question names: position of the repository, and id.
        about_tests: The positions of repositories whose product is what elsewhere are tests: nearly all of it lies in
            such folders.
        body: Of a long question, of which all else is the title: what its body asks, and the same candidates.
        evidence: Of a long question, further signals of candidates: position of the repository, and id.
        unread: Whether the question is so long that not all of it was read.
        declared: Of candidates that define the name which was asked inside of them, the line where they do.
    """

    question: Question
    candidates: Sequence[tuple[int, Candidate]]
    frequency: Mapping[str, int]
    documents: int
    at_place: frozenset[tuple[int, int]] = frozenset()
    about_tests: frozenset[int] = frozenset()
    body: CandidateSet | None = None
    evidence: Mapping[tuple[int, int], Mapping[str, float]] = field(default_factory=dict)
    unread: bool = False
    declared: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @property
    def frequencies(self) -> Mapping[str, int]:
        """In how many chunks each term occurs, of the title and of the body."""
        return self.frequency if self.body is None else {**self.body.frequency, **self.frequency}

    def rarity(self) -> dict[str, float]:
        """Return the weight of each term of the question: BM25's inverse document frequency."""
        return self.question.rarity(self.frequency, self.documents)


def parse_question(text: str) -> Question:
    """Analyse a question."""
    topics = topics_of(text)
    text = bare(text)
    found = tuple(question_terms(text))
    brevity = min(1.0, max(0.0, (_SENTENCE_TERMS - len(found)) / (_SENTENCE_TERMS - _PHRASE_TERMS)))
    pairs = tuple(neighbours(text))
    quoted = len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]
    name = text[1:-1] if quoted else text
    if _SYMBOL.fullmatch(name):
        parts = re.split(r"\.|::|#|->", name.removesuffix("()"))
        names = tuple(_case_styles(parts[-1]))
        return Question(
            text, found, parts[-1], ".".join(parts), brevity, pairs, names=names, quoted=quoted, topics=topics
        )
    mentions = _mentions(text)
    return Question(
        text,
        found,
        brevity=brevity,
        pairs=pairs,
        mentions=frozenset(mentions),
        names=mentions,
        quoted=quoted,
        topics=topics,
    )


def _mentions(text: str) -> tuple[str, ...]:
    """Return the bare names in a text that no word of a sentence looks like, in order, each once."""
    names: dict[str, None] = {}
    for match in _NAME_IN_TEXT.finditer(text):
        written = match[0].strip("`")
        bare_name = re.split(r"\.|::|#|->", written.removesuffix("()"))[-1]
        if len(bare_name) > 1:
            names[bare_name] = None
        if len(names) >= _MOST_MENTIONS:
            break
    return tuple(names)


def _case_styles(name: str) -> Iterable[str]:
    """Return a name as it is written, and in the case styles of programming languages."""
    words = [word.lower() for word in split_identifier(name)]
    capital = [word.capitalize() for word in words]
    snake = "_".join(words)
    styles = (name, snake, snake.upper(), "".join(capital), "".join([*words[:1], *capital[1:]]), "-".join(words))
    return dict.fromkeys(styles if words else (name,))


def plain(name: str) -> str:
    """Return a name without its case style: ``parseJson``, ``parse_json`` and ``PARSE_JSON`` are one."""
    return name.replace("_", "").lower()
