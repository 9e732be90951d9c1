"""Requests and answers of the API, as typed records: they check what clients send, and the description is made of them.

Paths are POSIX paths relative to the top of a repository; lines are 1-based, and the last one is included. No answer
holds a path of the server's machine.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from codesearch.records import Kind

__all__ = [
    "CodeLine",
    "ContentAnswer",
    "ContentRequest",
    "HealthAnswer",
    "Notice",
    "Problem",
    "RefreshAnswer",
    "RepositoriesAnswer",
    "RepositoryAnswer",
    "Result",
    "SearchAnswer",
    "SearchEvent",
    "SearchRequest",
    "SimilarRequest",
    "Span",
    "StatusAnswer",
    "SymbolEntry",
]

MOST_RESULTS = 100
LONGEST_QUESTION = 100_000
LONGEST_CURSOR = 9_000
_LONGEST_PATH = 4_096
_MOST_FILTERS = 100

_Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
_Path = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_PATH, pattern=r"^[^\x00]*$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Filters(_Request):
    repositories: list[_Name] = Field(
        default_factory=list,
        max_length=_MOST_FILTERS,
        description="Search these only: names, or patterns such as `team/*`. None for all that the token may see.",
    )
    languages: list[_Name] = Field(
        default_factory=list, max_length=_MOST_FILTERS, description="Find only these languages, such as `go` or `.py`."
    )
    kinds: list[Kind] = Field(default_factory=list, max_length=10, description="Find only these kinds of code.")
    paths: list[_Path] = Field(
        default_factory=list,
        max_length=_MOST_FILTERS,
        description="Find only files that match one of these patterns, as in a .gitignore; `!` before one leaves out.",
    )
    tests: Literal["yes", "no", "only"] = Field(
        default="yes", description="Whether files of tests are found: as all files, not at all, or alone."
    )
    limit: int = Field(default=10, ge=1, le=MOST_RESULTS, description="The most results of one answer.")
    cursor: str = Field(
        default="", max_length=LONGEST_CURSOR, description="`next_cursor` of the answer before; empty for the first."
    )
    highlight: bool = Field(
        default=False, description="Whether each result carries `code`: its lines in pieces to be coloured."
    )


class SearchRequest(_Filters):
    """A question, and what may be found."""

    question: str = Field(
        min_length=1,
        max_length=LONGEST_QUESTION,
        pattern=r"^[^\x00]*$",
        description="Plain words, a name, or pasted code. It may hold filters: `lang:go path:net/ -is:test`.",
    )
    words_only: bool = Field(default=False, description="Whether vectors are left out, which is faster.")


class SimilarRequest(_Filters):
    """A place, or a snippet; and what may be found that is like it."""

    repository: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$", description="That the place is in.")
    path: str = Field(default="", max_length=_LONGEST_PATH, pattern=r"^[^\x00]*$", description="Of the place.")
    line: int | None = Field(default=None, ge=1, le=100_000_000, description="A line of the function that is meant.")
    name: str = Field(
        default="", max_length=1_000, pattern=r"^[^\x00]*$", description="Or its name, such as `Parser.parse`."
    )
    snippet: str = Field(
        default="", max_length=LONGEST_QUESTION, pattern=r"^[^\x00]*$", description="Code in place of a place."
    )
    snippet_language: str = Field(default="", max_length=100, description="What the snippet is written in.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> SimilarRequest:
        if bool(self.snippet) == bool(self.path):
            raise ValueError("give either repository and path, or a snippet")
        if self.path and (not self.repository or (self.line is None) == (not self.name)):
            raise ValueError("a place is a repository and a path, with a line or a name")
        return self


class ContentRequest(_Request):
    """Which lines of a file."""

    path: _Path = Field(description="Of a file that is indexed.")
    line: int | None = Field(default=None, ge=1, le=100_000_000, description="Around which; none for the whole file.")
    around: int = Field(default=20, ge=0, le=2_000, description="Lines before and after `line`.")
    highlight: bool = Field(default=False, description="Whether lines come in pieces to be coloured.")


class Span(_Answer):
    """A run of whole lines."""

    start: int = Field(description="First line.")
    end: int = Field(description="Last line, included.")


class CodeLine(_Answer):
    """A line of source."""

    line: int = Field(description="Its number.")
    telling: bool = Field(description="Whether it is one of those that matter most to the question.")
    pieces: list[tuple[str, str]] = Field(
        description="Its text in pieces, each with what it is: comment, string, constant, keyword, name, or empty. "
        "Tabs are expanded, and characters that would hide or reorder text are replaced."
    )


class Notice(_Answer):
    """What makes an answer less than complete, or why it is empty."""

    kind: str = Field(description="One of a fixed set of sentences, to be compared.")
    text: str = Field(description="What people read.")


class Result(_Answer):
    """A function, method, type or other piece of code."""

    repository: str = Field(description="Name of its repository.")
    path: str = Field(description="Of its file.")
    start_line: int = Field(description="Its first line.")
    end_line: int = Field(description="Its last line, included.")
    line: int = Field(description="The line to open the file at.")
    language: str = Field(description="What it is written in.")
    kind: Kind = Field(description="What it is.")
    name: str = Field(description="Qualified name, such as `Parser.parse`; empty where there is none.")
    signature: str = Field(description="Its header on one line; empty where there is none.")
    documentation: str = Field(description="Its documentation; empty where there is none.")
    score: float = Field(description="Higher is better; comparable within one answer only.")
    signals: dict[str, float] = Field(description="What each signal added to the score; GET /v1/status explains them.")
    lines: list[int] = Field(description="The lines that matter most to the question, ascending.")
    spans: list[Span] = Field(description="The lines that `text` is made of: that of a type leaves out its members.")
    text: str = Field(description="The source as it was indexed.")
    code: list[CodeLine] | None = Field(description="The same to be shown, as far as 200 lines; null unless asked for.")


class SearchAnswer(_Answer):
    """The results, best first."""

    results: list[Result] = Field(description="Best first.")
    notices: list[Notice] = Field(description="Never empty where `results` is.")
    next_cursor: str | None = Field(description="Give it as `cursor` for what comes next; null where nothing does.")
    by_words: bool = Field(description="Whether vectors were left out though they are wanted, as while they load.")
    seconds: float = Field(description="How long the search took.")
    repositories: int = Field(description="How many repositories were searched.")


class SearchEvent(_Answer):
    """One line of a streamed answer: first that by words, then the full one, or else a problem."""

    event: Literal["words", "full", "problem"] = Field(description="Which of these it is; the last two end the stream.")
    answer: SearchAnswer | None = Field(default=None, description="Null where it is a problem.")
    problem: Problem | None = Field(default=None, description="Null where it is an answer.")


class SymbolEntry(_Answer):
    """A definition in a file."""

    name: str = Field(description="Qualified name.")
    kind: Kind = Field(description="What it is.")
    line: int = Field(description="The line to open the file at.")
    end_line: int = Field(description="Its last line.")
    signature: str = Field(description="Its header on one line.")


class ContentAnswer(_Answer):
    """Lines of a file."""

    repository: str = Field(description="Name of its repository.")
    path: str = Field(description="Of the file.")
    language: str = Field(description="What it is written in.")
    start_line: int = Field(description="The first line that is here.")
    end_line: int = Field(description="The last one; less than `start_line` where there is none.")
    total_lines: int = Field(description="Lines of the whole file.")
    text: str | None = Field(description="The lines, joined by newlines; null where `code` is there.")
    code: list[CodeLine] | None = Field(description="The same to be shown; null unless asked for.")
    symbols: list[SymbolEntry] = Field(description="The definitions of the whole file, in order.")
    from_index: bool = Field(
        description="Whether this is what was indexed, without what no definition holds: the file is not here, or has "
        "changed since."
    )
    notice: str = Field(description="What to know about that; empty where there is nothing.")


class RepositoryAnswer(_Answer):
    """A repository, and how it is doing."""

    name: str = Field(description="What requests call it.")
    stage: Literal["waiting", "indexing", "encoding", "ready", "gone", "failed"] = Field(
        description="How far it is. While it is encoding it is searched by its words; when it is gone, as it was."
    )
    searchable: bool = Field(description="Whether anything of it is found by now.")
    doing: str = Field(description="What an update is doing; empty while there is none.")
    done: int = Field(description="How much of that is done.")
    total: int = Field(description="How much there is; 0 where that is not known.")
    problem: str = Field(description="Why the last update came to nothing; empty where it did not.")
    files: int = Field(description="Files in the index.")
    chunks: int = Field(description="Functions, methods, types and what lies between.")
    pending: int = Field(description="Texts whose vectors are still to be made.")
    skipped: int = Field(description="Files that are left out.")
    languages: dict[str, int] = Field(description="Files by language, most first.")
    commit: str | None = Field(description="Git commit that was indexed.")
    updated: float = Field(description="When the index last changed, in seconds since 1970; 0 for never.")
    imported: bool = Field(description="Whether only its index is here.")


class RepositoriesAnswer(_Answer):
    """The repositories that the token may see."""

    repositories: list[RepositoryAnswer] = Field(description="By name.")


class RefreshAnswer(_Answer):
    """What was asked for is under way."""

    repository: str = Field(description="Its name.")
    accepted: bool = Field(description="True: an update is under way, or will be.")


class StatusAnswer(_Answer):
    """The server as a whole, as far as the token may see it."""

    version: str = Field(description="Of codesearch.")
    token: str = Field(description="Name of the token; empty where none is needed.")
    encoder: Literal["none", "loading", "ready", "failed"] = Field(description="Whether questions get vectors by now.")
    problem: str = Field(description="Why the encoder cannot be loaded; empty where it can.")
    repositories: int = Field(description="How many the token may see.")
    searchable: int = Field(description="Of how many something is found by now.")
    chunks: int = Field(description="In all of them.")
    pending: int = Field(description="In all of them.")
    languages: dict[str, int] = Field(description="Files by language in all of them, most first.")
    kinds: list[Kind] = Field(description="The kinds of code that there are.")
    signals: dict[str, str] = Field(description="What each signal of a score says.")


class HealthAnswer(_Answer):
    """Whether the server is well."""

    status: Literal["ok", "starting"] = Field(description="`starting` until the indexes are open.")


class Problem(_Answer):
    """What went wrong, after RFC 9457."""

    type: str = Field(default="about:blank", description="Always `about:blank`: `status` says what kind it is.")
    title: str = Field(description="The name of the status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, and what to do.")
    request_id: str = Field(description="To be named when it is reported.")


SearchEvent.model_rebuild()
