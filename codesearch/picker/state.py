"""What the picker knows at one moment: the question, its answer, what is selected, and what goes on meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from codesearch.records import Match
from codesearch.search.notices import Notice

__all__ = ["Result", "State"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question.

    Attributes:
        number: Of the question; higher numbers were asked later.
        question: As it was asked.
        matches: Best first.
        notices: What makes the answer less than complete, or why it is empty.
        seconds: How long the search took.
        by_words: Whether no vectors were used, though they are wanted.
        error: Why there is no answer; "" if there is one.
    """

    number: int
    question: str
    matches: tuple[Match, ...] = ()
    notices: tuple[Notice, ...] = ()
    seconds: float = 0.0
    by_words: bool = False
    error: str = ""


@dataclass(slots=True)
class State:
    """All that is drawn. Changed on the event loop only.

    Attributes:
        question: As it stands in the input line.
        number: Of the newest question; 0 before the first.
        result: The newest answer; None before the first, and while the question is empty.
        selected: Position of the selected match.
        scroll: Lines of the preview that are scrolled away, relative to where it begins by itself.
        working: By repository, what is being done to its index.
        problems: Sentences about indexes that could not be brought up to date, or an encoder that could not be loaded.
        message: A sentence about the last key; gone with the next one.
        wanted: Whether Enter was pressed before there was an answer.
    """

    question: str = ""
    number: int = 0
    result: Result | None = None
    selected: int = 0
    scroll: int = 0
    working: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    message: str = ""
    wanted: bool = False

    @property
    def matches(self) -> tuple[Match, ...]:
        """What is listed."""
        return self.result.matches if self.result is not None else ()

    @property
    def match(self) -> Match | None:
        """What is selected; None if nothing is listed."""
        return self.matches[self.selected] if self.matches else None

    @property
    def answered(self) -> bool:
        """Whether what is shown is the answer to the question as it stands."""
        return self.result is not None and self.result.number == self.number

    def ask(self, question: str) -> int | None:
        """Take a question; return its number, or None if there is nothing to search for."""
        self.question = question
        self.message = ""
        self.wanted = False
        self.number += 1
        if question.strip():
            return self.number
        self.result = None
        self.selected = self.scroll = 0
        return None

    def deliver(self, result: Result) -> bool:
        """Take an answer; return False if it is stale, and was dropped.

        The answer to a new question begins at its best match. Where the same question was asked again because the index
        had changed, what was selected stays selected, unless that was the best, which another may be by now.
        """
        if result.number != self.number or not self.question.strip():
            return False
        before, again = self.match, self.result is not None and self.result.question == result.question
        self.result = result
        kept = [n for n, match in enumerate(result.matches) if before is not None and _same(match, before)]
        if again and self.selected and kept:
            self.selected = kept[0]
        else:
            self.selected = self.scroll = 0
        return True

    def move(self, by: int) -> None:
        """Select another match, as far as there are any."""
        self.message = ""
        self.wanted = False
        chosen = max(0, min(self.selected + by, len(self.matches) - 1))
        if chosen != self.selected:
            self.selected, self.scroll = chosen, 0

    def progress(self, repository: str, doing: str) -> None:
        """Note what is being done to an index; "" once nothing is."""
        if doing:
            self.working[repository] = doing
        else:
            self.working.pop(repository, None)


def _same(match: Match, other: Match) -> bool:
    here, there = match.chunk, other.chunk
    return (match.root, here.path, here.qualified_name, here.part) == (
        other.root,
        there.path,
        there.qualified_name,
        there.part,
    )
