"""What was asked: its terms, the names in it, and which kind of question it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from codesearch.index.snapshot import Candidate
from codesearch.words import question_terms

__all__ = ["Found", "Question", "parse_question", "plain"]

_SYMBOL = re.compile(r"[^\W\d]\w*(?:(?:\.|::|#|->)[^\W\d]\w*)*[?!]?(?:\(\))?")
_CODE = re.compile(r"[(){}\[\];=<>|&$@]|::|->|\w\.\w|\w_\w|[a-z][A-Z]")
"""What is frequent in code and rare in what people write about it."""

_PHRASE_TERMS: Final = 2
_SENTENCE_TERMS: Final = 8


@dataclass(frozen=True, slots=True)
class Question:
    """A question, analysed.

    Attributes:
        text: As it was asked.
        terms: Distinct, in order, without stop words.
        symbol: The bare name, if the whole question is one identifier such as ``Parser.parse`` or ``a::b()``.
        qualified_symbol: The same with all that qualifies it, joined by ".".
        brevity: 1 for a word or two, 0 for a sentence of eight or more, in between in between: what a few
            words name is more often a name than what a sentence says.
        codeness: 1 for pasted code, 0 for prose, by what is written in code only.
    """

    text: str
    terms: tuple[str, ...]
    symbol: str = ""
    qualified_symbol: str = ""
    brevity: float = 1.0
    codeness: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the two searches named for a question.

    Attributes:
        question: What was asked.
        candidates: Each with the position of its repository in the list that was searched.
        frequency: In how many chunks each term of the question occurs.
        documents: How many chunks there are.
    """

    question: Question
    candidates: Sequence[tuple[int, Candidate]]
    frequency: Mapping[str, int]
    documents: int

    def rarity(self) -> dict[str, float]:
        """Return the weight of each term of the question: BM25's inverse document frequency."""
        counts = {term: min(self.frequency[term], self.documents) for term in self.question.terms}
        return {term: log(1 + (self.documents - n + 0.5) / (n + 0.5)) for term, n in counts.items()}


def parse_question(text: str) -> Question:
    """Analyse a question."""
    stripped = text.strip()
    found = tuple(question_terms(text))
    brevity = min(1.0, max(0.0, (_SENTENCE_TERMS - len(found)) / (_SENTENCE_TERMS - _PHRASE_TERMS)))
    if _SYMBOL.fullmatch(stripped):
        parts = re.split(r"\.|::|#|->", stripped.removesuffix("()"))
        return Question(text, found, parts[-1], ".".join(parts), brevity=brevity)
    codeness = min(1.0, len(_CODE.findall(stripped)) / 4)
    return Question(text, found, brevity=brevity, codeness=codeness)


def plain(name: str) -> str:
    """Return a name without its case style: ``parseJson``, ``parse_json`` and ``PARSE_JSON`` are one."""
    return name.replace("_", "").lower()
