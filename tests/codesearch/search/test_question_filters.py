from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch.index.snapshot import Snapshot
from codesearch.languages import LANGUAGES
from codesearch.records import Kind
from codesearch.search.candidates import Filters
from codesearch.search.notices import NoticeKind
from codesearch.search.pipeline import search
from codesearch.search.question_filters import FilteredQuestion, read_filters
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan

PATHS = ("net/socket.py", "net/socket.go", "vendor/net/socket.py", "tests/test_socket.py", "my code/socket.py")


@pytest.fixture
def sockets(environment: Path, write_tree: Callable[..., Path], tmp_path: Path) -> Iterator[Snapshot]:
    python = "def open_socket(host):\n    return connect(host)\n\n\nclass SocketPool:\n    socket = None\n"
    go = "package net\n\nfunc OpenSocket(host string) Socket {\n\treturn connect(host)\n}\n"
    root = write_tree(tmp_path / "sockets", {path: go if path.endswith(".go") else python for path in PATHS})
    job = plan(open_repository(root, cache=environment), load_settings())
    for _ in bring_up_to_date(job, None):
        pass
    with ExitStack() as stack:
        yield stack.enter_context(Snapshot(job.directory))


def paths_of(snapshot: Snapshot, question: str, allowed: Filters = Filters()) -> set[str]:  # noqa: B008
    return {match.path for match in search([snapshot], question, filters=[allowed], limit=50)}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("open socket", set(PATHS)),
        ("lang:go open socket", {"net/socket.go"}),
        ("open lang:.go socket", {"net/socket.go"}),
        ("open socket lang:go,python", set(PATHS)),
        ("open socket lang:go lang:python", set(PATHS)),
        ("open socket -lang:python", {"net/socket.go"}),
        ("path:net/ open socket", {"net/socket.go", "net/socket.py", "vendor/net/socket.py"}),
        ("open socket path:/net/", {"net/socket.go", "net/socket.py"}),
        ("open socket -path:vendor", set(PATHS) - {"vendor/net/socket.py"}),
        ("open socket path:!vendor", set(PATHS) - {"vendor/net/socket.py"}),
        ("open socket path:net/ -path:vendor/ lang:python", {"net/socket.py"}),
        ("open socket -is:test", set(PATHS) - {"tests/test_socket.py"}),
        ("is:test open socket", {"tests/test_socket.py"}),
        ('open socket path:"my code/"', {"my code/socket.py"}),
        ("socket kind:type", set(PATHS) - {"net/socket.go"}),
        ("open socket -kind:type -kind:module -lang:python", {"net/socket.go"}),
    ],
)
def test_filters_in_the_question_choose_what_is_found(sockets: Snapshot, question: str, expected: set[str]) -> None:
    assert paths_of(sockets, question) == expected


def test_an_absolute_path_is_one_of_the_disk(sockets: Snapshot) -> None:
    assert paths_of(sockets, f"open socket path:{sockets.root}/net/socket.py") == {"net/socket.py"}


def test_filters_of_the_question_hold_beside_those_of_options(sockets: Snapshot) -> None:
    assert paths_of(sockets, "open socket path:net/", Filters(languages=frozenset({"go"}))) == {"net/socket.go"}
    assert paths_of(sockets, "open socket lang:go", Filters(path=lambda path: path.startswith("vendor/"))) == set()


def test_filters_that_leave_nothing_are_the_reason(sockets: Snapshot) -> None:
    answer = search([sockets], "open socket lang:go", filters=[Filters(languages=frozenset({"python"}))])
    assert not answer.matches
    assert [notice.kind for notice in answer.notices] == [NoticeKind.FILTERED_OUT]


def test_the_words_alone_are_asked(sockets: Snapshot) -> None:
    narrowed = search([sockets], "open socket lang:python,go", limit=50)
    assert [(m.path, m.line, m.score) for m in narrowed] == [
        (m.path, m.line, m.score) for m in search([sockets], "open socket", limit=50)
    ]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (r"where is \lang:go read", "where is lang:go read"),
        (r"where is \-path:vendor read", "where is -path:vendor read"),
        ('where is "lang:go path:x" read', 'where is "lang:go path:x" read'),
        ("where is `is:test` read", "where is `is:test` read"),
        ("lang: go", "lang: go"),
        ("std::path:join", "std::path:join"),
        ("function f(a, path:string) {", "function f(a, path:string) {"),
        ("f(a, path:str, b)", "f(a, path:str, b)"),
        ("f(a, lang:str, b)", "f(a, lang:str, b)"),
        ("kind:function\nspec: 1", "kind:function\nspec: 1"),
        ("repo:x file:y", "repo:x file:y"),
        ("say \\ and \\n:", "say \\ and \\n:"),
        ('an open "quotation', 'an open "quotation'),
    ],
)
def test_what_is_no_filter_is_looked_for(question: str, words: str) -> None:
    assert read_filters(question) == FilteredQuestion(words)


def test_what_is_left_out_is_taken_from_all() -> None:
    assert read_filters("x -lang:go").languages == LANGUAGES.keys() - {"go"}
    assert read_filters("x kind:type,function -kind:type").kinds == {Kind.FUNCTION}


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("open socket lang:gopher", r"lang: gopher: unknown language.*\\lang:gopher"),
        ("open socket kind:func", r"kind:func: unknown kind; known are function, method.*\\kind:func"),
        ("open socket is:vendored", "is:vendored: unknown; there are is:test and -is:test"),
        ("open socket is:test -is:test", "exclude each other"),
        ("open socket lang:go -lang:go", "leave nothing"),
        ("lang:go -is:test", r"filters alone \(lang:go -is:test\)"),
    ],
)
def test_a_filter_that_cannot_be_used_says_what_can(question: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_filters(question)


def test_a_pattern_that_is_none_is_refused(sockets: Snapshot) -> None:
    with pytest.raises(InputError, match="valid pattern"):
        search([sockets], "open socket path:!")
