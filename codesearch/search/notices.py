"""Answers and what must not go unsaid about them: why one is less than complete, and why one is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, overload

from codesearch.records import Level, Match
from codesearch.search.candidates import Filters, Searchable

__all__ = ["RUN_INDEX", "Answer", "Notice", "NoticeKind", "nothing_fits", "nothing_reaches", "notices_of", "why_empty"]

RUN_INDEX: Final = "run `codesearch index`"
"""What to do at a command line where an index is behind."""


NOT_ALL_READ: Final = (
    "the question is too long to be read to its end: what it asks should stand in its first 40,000 characters"
)

_MUCH: Final = 0.1
"""Share of a repository's text that is left out from which on an answer says so."""


class NoticeKind(StrEnum):
    """What a caller should know about an answer."""

    EMBEDDINGS_PENDING = "embeddings pending"
    NOT_ENCODED = "nothing to compare with is encoded"
    LEXICAL_MISSING = "lexical index missing"
    OTHER_MODEL = "index made with another model"
    NOTHING_INDEXED = "nothing indexed"
    FILTERED_OUT = "filters let nothing through"
    NO_WORDS = "no words in the question"
    NOTHING_FOUND = "nothing found"
    NOT_ALL_READ = "not all of the question was read"
    NOTHING_FITS = "nothing fits well"
    TEXT_LEFT_OUT = "text left out"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about an answer that must not go unsaid, as a value and as a sentence.

    Attributes:
        kind: What it is.
        fact: What is so.
        advice: What to do at a command line; a server that does it by itself says something else, or nothing.
    """

    kind: NoticeKind
    fact: str
    advice: str = ""

    @property
    def text(self) -> str:
        """Fact and advice."""
        return f"{self.fact}; {self.advice}" if self.advice else self.fact


@dataclass(frozen=True, slots=True)
class Answer(Sequence[Match]):
    """What a search found: a sequence of matches, best first, and what makes it less than complete.

    Attributes:
        matches: Best first.
        notices: Whatever makes the answer less than complete; never empty where `matches` is.
    """

    matches: tuple[Match, ...]
    notices: tuple[Notice, ...]

    def __len__(self) -> int:
        return len(self.matches)

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)

    @overload
    def __getitem__(self, index: int) -> Match: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Match, ...]: ...

    def __getitem__(self, index: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[index]


def notices_of(state: Searchable, model_id: str | None, *, by_words: bool) -> list[Notice]:
    """Return what makes the answers of an index less than complete.

    Args:
        state: Of the index.
        model_id: Of the encoder that made the vector to compare with; None where nothing is compared.
        by_words: Whether words are searched as well as vectors.
    """
    manifest = state.manifest
    found = []
    if by_words and not state.has_words and state.chunk_count:
        advice = "import it again" if manifest.imported else f"{RUN_INDEX} to mend it"
        fact = f"{manifest.name}: the index of words is missing or damaged"
        found.append(Notice(NoticeKind.LEXICAL_MISSING, fact, advice))
    left_out = state.left_out
    if left_out.share > _MUCH:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in left_out.kinds.items())
        fact = f"{manifest.name}: {left_out.share:.0%} of its files of text are not searched ({kinds})"
        advice = "" if manifest.imported else "`codesearch status --skipped` names them"
        found.append(Notice(NoticeKind.TEXT_LEFT_OUT, fact, advice))
    if model_id is None:
        return found
    if manifest.model_id not in ("", model_id):
        advice = "it was imported: choose its model with --model" if manifest.imported else RUN_INDEX
        fact = f"{manifest.name}: the vectors are of another model and were not {'used' if by_words else 'compared'}"
        found.append(Notice(NoticeKind.OTHER_MODEL, fact, advice))
    elif state.pending_count:
        total = state.vector_count + state.pending_count
        fact = f"{manifest.name}: {state.pending_count:,} of {total:,} texts are not encoded yet and were "
        fact += "searched by their words only" if by_words else "not compared"
        advice = "" if manifest.imported else f"{RUN_INDEX} to finish"
        found.append(Notice(NoticeKind.EMBEDDINGS_PENDING, fact, advice))
    return found


def nothing_fits() -> Notice:
    """Return what is said where even the first result is hardly more than chance."""
    return Notice(NoticeKind.NOTHING_FITS, "nothing fits well: these are guesses", "try other words, or a name")


def nothing_reaches(least: Level, best: Match) -> Notice:
    """Return why an answer is empty where what was found is not to be believed as far as was asked for.

    Args:
        least: That was asked for.
        best: The first result, which falls short of it.
    """
    confidence = best.confidence
    told = f" ({confidence.level}, {confidence.probability:.0%})" if confidence else ""
    fact = f"nothing fits well: no result is {least.value}; the best is {best.path}:{best.line}{told}"
    return Notice(NoticeKind.NOTHING_FITS, fact, "leave out --min-confidence to see guesses")


def why_empty(states: Sequence[Searchable], filters: Sequence[Filters], otherwise: Notice, *, by_words: bool) -> Notice:
    """Return why nothing was found.

    Args:
        states: What was searched.
        filters: Which chunks might be found, one for each state.
        otherwise: The reason where it is neither the indexes nor the filters.
        by_words: Whether words were searched as well as vectors.
    """
    if not any(state.chunk_count for state in states):
        return Notice(
            NoticeKind.NOTHING_INDEXED,
            "nothing is indexed here: `codesearch status --skipped` says which files were left out and why",
        )
    if not by_words and not any(state.vector_count for state in states):
        return Notice(NoticeKind.NOT_ENCODED, "nothing is encoded yet", f"{RUN_INDEX} first")
    if any(allowed != Filters() for allowed in filters):
        nothing = "nothing found" if by_words else "nothing to compare with"
        return Notice(
            NoticeKind.FILTERED_OUT,
            f"{nothing} under these filters: try without the language, the kind, the path or the tests",
        )
    return otherwise
