from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.errors import InputError
from codesearch.records import Kind
from codesearch.search.candidates import Candidate
from codesearch.search.ranking import CandidateSet, RankedCandidate, load_weights, parse_question, rank
from codesearch.search.ranking.signals import AGAINST, SIGNALS
from codesearch.search.ranking.weights import read_weights

DOCUMENTS = 1_000


def candidate(
    name: str = "run",
    path: str = "src/a.py",
    *,
    number: int = 1,
    qualified: str = "",
    kind: Kind = Kind.FUNCTION,
    lexical: float = 1.0,
    dense: float | None = 0.5,
    line: int = 1,
    part: int = 0,
    signature: str = "",
    substance: int = 50,
) -> Candidate:
    head = (number, path, "python", kind, name, qualified or name, signature or f"def {name}()", "", line, line + 9)
    return Candidate(*head, part, lexical, dense, substance=substance)


def ranked(
    question: str, *candidates: Candidate, frequency: Callable[[str], int] = lambda term: 10
) -> list[RankedCandidate]:
    asked = parse_question(question)
    return rank(CandidateSet(asked, [(0, c) for c in candidates], {t: frequency(t) for t in asked.terms}, DOCUMENTS))


def names(entries: list[RankedCandidate]) -> list[str]:
    return [entry.candidate.qualified_name for entry in entries]


# --- questions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "symbol", "qualified"),
    [
        ("parse", "parse", "parse"),
        ("  parse_json  ", "parse_json", "parse_json"),
        ("Parser.parse", "parse", "Parser.parse"),
        ("net::Parser::parse()", "parse", "net.Parser.parse"),
        ("Parser#parse", "parse", "Parser.parse"),
        ("parser->parse", "parse", "parser.parse"),
        ("empty?", "empty?", "empty?"),
        ("größe", "größe", "größe"),
        ("parse json", "", ""),
        ("parse(", "", ""),
        ("42", "", ""),
        ("a.", "", ""),
        ("", "", ""),
    ],
)
def test_a_question_that_is_one_name_is_seen_as_such(text: str, symbol: str, qualified: str) -> None:
    asked = parse_question(text)
    assert (asked.symbol, asked.qualified_symbol) == (symbol, qualified)


# --- definitions --------------------------------------------------------------------------------------------

# Everything else speaks for the others: they hold the word more often, and mean more of the same.
OTHERS = (
    candidate("parse_all", number=90, path="src/b.py", lexical=1.4, dense=0.6),
    candidate("reparse", number=91, path="src/c.py", lexical=1.3, dense=0.55),
    candidate("use", number=92, path="src/d.py", lexical=1.2, dense=0.52),
)


@pytest.mark.parametrize("question", ["parse", "parse()", " parse "])
def test_the_definition_of_the_name_that_was_asked_is_first(question: str) -> None:
    assert names(ranked(question, *OTHERS, candidate("parse")))[0] == "parse"


@pytest.mark.parametrize("question", ["parse_json", "parseJson", "ParseJSON", "PARSE_JSON"])
@pytest.mark.parametrize("name", ["parse_json", "parseJson"])
def test_the_case_style_of_a_name_does_not_matter(question: str, name: str) -> None:
    others = [other._replace(name=f"{other.name}x", qualified_name=f"{other.name}x") for other in OTHERS]
    assert names(ranked(question, *others, candidate(name)))[0] == name


def test_the_exact_case_style_wins() -> None:
    found = ranked("parse_json", candidate("parseJson", "src/a.py"), candidate("parse_json", "src/z.py", number=2))
    assert names(found)[0] == "parse_json"


@pytest.mark.parametrize("question", ["Parser.parse", "Parser::parse", "Parser#parse()", "Parser->parse"])
def test_a_qualified_name_picks_among_definitions_of_one_name(question: str) -> None:
    found = ranked(
        question,
        candidate("parse", "src/a.py", qualified="Reader.parse", lexical=1.2),
        candidate("parse", "src/b.py", number=2, qualified="Parser.parse"),
        candidate("parse", "src/c.py", number=3, qualified="parse", lexical=1.2),
    )
    assert names(found)[0] == "Parser.parse"


def test_a_name_may_be_qualified_by_the_path_of_its_file() -> None:
    found = ranked(
        "celery.canvas.chain",
        candidate("chain", "celery/utils.py", lexical=1.1),
        candidate("chain", "celery/canvas.py", number=2),
    )
    assert found[0].candidate.path == "celery/canvas.py"


def test_a_name_that_merely_ends_alike_is_no_definition() -> None:
    (entry,) = ranked("parse", candidate("reparse"))
    assert "definition" not in entry.signals


def test_a_chunk_without_a_name_defines_nothing() -> None:
    (entry,) = ranked("_", candidate("", kind=Kind.MODULE))
    assert "definition" not in entry.signals


@pytest.mark.parametrize(
    ("question", "looked_for"),
    [
        ("where is the code that parses dates?", "parses dates"),
        ("How does this repository retry a task?", "retry a task"),
        ("can you show me where the config file is read", "the config file is read"),
        ("I'm looking for the place where tokens are refreshed", "tokens are refreshed"),
        ("which class handles login requests", "handles login requests"),
        ("how to open a socket", "open a socket"),
        ("how does token refresh work?", "token refresh"),
        ("where is parse_header defined?", "parse_header"),
        # What only looks like a frame is left alone, and so is a question of nothing else.
        ("find the closest node", "find the closest node"),
        ("the file for writing logs", "the file for writing logs"),
        ("where clause of a query", "where clause of a query"),
        ("How many tokens are left?", "How many tokens are left?"),
        ("Could not find the function that was named", "Could not find the function that was named"),
        ("where?", "where?"),
        ("how to\nparse", "how to\nparse"),
    ],
)
def test_the_frame_of_a_question_is_not_looked_for(question: str, looked_for: str) -> None:
    assert parse_question(question).text == looked_for


@pytest.mark.parametrize("question", ["where is parse_header defined?", "Where is `parse_header`?", '"parse_header"'])
def test_a_name_in_a_frame_or_in_quotes_is_a_name(question: str) -> None:
    assert parse_question(question).symbol == "parse_header"


@given(st.text(max_size=60))
def test_no_question_is_nothing_but_a_frame(question: str) -> None:
    assert parse_question(question).text or not question.strip()


def test_a_sentence_asks_for_no_definition() -> None:
    assert all("definition" not in entry.signals for entry in ranked("parse the json", candidate("parse")))


def test_the_first_part_of_a_long_definition_comes_before_its_others() -> None:
    parts = [candidate("parse", number=3 - part, part=part, line=1 + 100 * part) for part in (2, 1, 0)]
    assert ranked("parse", *parts)[0].candidate.part == 0


# --- other signals ------------------------------------------------------------------------------------------


def test_rare_words_in_a_name_count_more_than_frequent_ones() -> None:
    found = ranked(
        "get backoff",
        candidate("get", "src/a.py"),
        candidate("backoff", "src/b.py", number=2),
        frequency=lambda term: 900 if term == "get" else 2,
    )
    assert names(found)[0] == "backoff"


def test_what_quotes_the_question_comes_before_the_best_of_both_searches() -> None:
    quoting = candidate("check", number=1, lexical=0.4, dense=0.2)._replace(quoted=1.0)
    best = candidate("open_settings", path="src/b.py", number=2, lexical=1.0, dense=0.6)
    last = candidate("unrelated", path="src/c.py", number=3, lexical=0.1, dense=0.1)
    assert names(ranked("cannot open the config file", last, best, quoting)) == ["check", "open_settings", "unrelated"]


def test_the_shares_of_pairs_sum_to_one_and_rare_words_weigh_most() -> None:
    question = parse_question("cannot open the socket")
    shares = question.shares_of_pairs({"cannot": 50, "open": 50, "socket": 1}, DOCUMENTS)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["the", "socket"] > shares["open", "the"]
    assert parse_question("socket").shares_of_pairs({"socket": 1}, DOCUMENTS) == {}


def test_values_that_a_program_filled_into_its_message_do_not_count() -> None:
    question = parse_question("cannot open socket 8f3a9c: permission denied")
    known = {"cannot": 5, "open": 5, "socket": 5, "permiss": 5, "deni": 5}
    shares = question.shares_of_pairs(dict.fromkeys(question.terms, 0) | known, DOCUMENTS)
    assert set(shares) == {("cannot", "open"), ("open", "socket"), ("permiss", "deni")}


def test_a_few_pairs_in_common_are_chance() -> None:
    (entry,) = ranked("cannot open config file", candidate()._replace(quoted=0.3))
    assert "phrase" not in entry.signals


def test_a_topic_of_two_words_is_no_quotation_and_three_words_are() -> None:
    (two,) = ranked("open file", candidate()._replace(quoted=1.0))
    (three,) = ranked("open config file", candidate()._replace(quoted=1.0))
    (four,) = ranked("cannot open config file", candidate()._replace(quoted=1.0))
    assert "phrase" not in two.signals
    assert three.signals["phrase"] == four.signals["phrase"] == pytest.approx(load_weights().signals["phrase"])


def test_two_words_in_quotation_marks_are_a_quotation() -> None:
    (two,) = ranked('"open file"', candidate()._replace(quoted=1.0))
    assert two.signals["phrase"] == pytest.approx(load_weights().signals["phrase"])


def test_words_that_occur_nowhere_make_no_quotation_of_two_that_do() -> None:
    known = {"incom": 5, "packet": 5}
    (found,) = ranked(
        "oversized incoming packet", candidate()._replace(quoted=1.0), frequency=lambda t: known.get(t, 0)
    )
    assert "phrase" not in found.signals


# --- places -------------------------------------------------------------------------------------------------


def test_the_name_of_a_file_and_its_folders_speak_for_what_is_in_it() -> None:
    found = ranked(
        "where do sessions expire",
        candidate(path="src/web/session.py", number=1),
        candidate(path="src/sessions/web.py", number=2),
        candidate(path="src/web/cart.py", number=3),
    )
    stem, folder, plain = sorted(found, key=lambda entry: entry.candidate.id)
    assert found[-1] is plain
    assert stem.signals["stem covered"] > 0
    assert folder.signals["folders"] > 0
    assert not {"stem covered", "folders"} & plain.signals.keys()


@pytest.mark.parametrize("path", ["plugins/index.js", "plugins/mod.rs", "plugins/__init__.py", "src/plugins/main.go"])
def test_a_file_whose_name_says_nothing_is_called_after_its_folder(path: str) -> None:
    (found,) = ranked("how are plugins found", candidate(path=path))
    assert found.signals["stem covered"] > 0
    assert "folders" not in found.signals


def test_a_name_that_the_question_covers_comes_before_a_longer_one() -> None:
    found = ranked(
        "session expiry", candidate(path="session_store_test_kit.py", number=1), candidate(path="session.py", number=2)
    )
    assert found[0].candidate.path == "session.py"


def test_enclosing_names_speak_for_a_method() -> None:
    found = ranked(
        "parse in the json reader",
        candidate("parse", "src/a.py", qualified="XmlReader.parse", kind=Kind.METHOD, dense=None),
        candidate("parse", "src/b.py", number=2, qualified="JsonReader.parse", kind=Kind.METHOD, dense=None),
    )
    assert names(found) == ["JsonReader.parse", "XmlReader.parse"]
    assert found[0].signals["enclosing"] > found[1].signals.get("enclosing", 0.0)


@pytest.mark.parametrize("dense", [0.5, None])
def test_what_a_whole_file_says_counts_with_and_without_vectors(dense: float | None) -> None:
    found = ranked(
        "session expiry",
        candidate("a", "src/a.py", dense=dense)._replace(file_lexical=1.0),
        candidate("b", "src/b.py", number=2, dense=dense)._replace(file_lexical=4.0),
    )
    assert names(found) == ["b", "a"]
    assert found[0].signals["file words"] > found[1].signals["file words"] > 0


def test_a_word_that_occurs_nowhere_does_not_dilute_the_question() -> None:
    (with_it,) = ranked("reticulate session", candidate("session"), frequency=lambda t: 10 if t == "session" else 0)
    (without,) = ranked("session", candidate("session"))
    assert with_it.signals["stem" if "stem" in with_it.signals else "name"] > 0
    assert with_it.signals["name"] == pytest.approx(without.signals["name"])


# --- substance ----------------------------------------------------------------------------------------------


def test_a_line_of_imports_comes_after_the_function_that_works_with_them() -> None:
    found = ranked(
        "compress with gzip",
        candidate("", "b.py", kind=Kind.MODULE, lexical=1.0, substance=0),
        candidate("pack", "b.py", number=2, lexical=0.7, line=5),
    )
    assert names(found)[0] == "pack"
    assert found[1].signals["imports"] < 0


def test_a_stub_comes_after_what_does_something_but_an_exception_is_none() -> None:
    stub, full = candidate("pack", "a.py", substance=4), candidate("pack", "b.py", number=2)
    assert [entry.candidate.path for entry in ranked("pack a file", stub, full)] == ["b.py", "a.py"]
    (entry,) = ranked("pack a file", candidate("PackError", kind=Kind.TYPE, substance=3))
    assert "thin" not in entry.signals


MAIN = [
    # The class and its constructor, which has its name, or one of its own.
    (("Cart", "a.java", "Cart", Kind.TYPE, "class Cart"), ("Cart", "a.java", "Cart.Cart", Kind.METHOD, "Cart()")),
    (("Cart", "a.py", "Cart", Kind.TYPE, "class Cart"), ("__init__", "a.py", "Cart.__init__", Kind.METHOD, "")),
    # The type and what adds to it.
    (("Cart", "b.swift", "Cart", Kind.TYPE, "struct Cart"), ("Cart", "a.swift", "Cart", Kind.TYPE, "extension Cart")),
    (("Cart", "b.rs", "Cart", Kind.TYPE, "pub struct Cart"), ("Cart", "a.rs", "Cart", Kind.TYPE, "impl Cart")),
    (
        ("Cart", "b.cs", "Cart", Kind.TYPE, "class Cart"),
        ("Cart", "a.cs", "Cart", Kind.TYPE, "public partial class Cart"),
    ),
    # The implementation and its declaration.
    (
        ("fill", "b.c", "fill", Kind.FUNCTION, "int fill(void)"),
        ("fill", "a.h", "fill", Kind.FUNCTION, "int fill(void)"),
    ),
    (("fill", "b.ts", "fill", Kind.FUNCTION, "fill()"), ("fill", "a.d.ts", "fill", Kind.FUNCTION, "fill()")),
]


@pytest.mark.parametrize(("main", "other"), MAIN)
def test_the_main_definition_of_a_name_comes_first(main: tuple[str, ...], other: tuple[str, ...]) -> None:
    both = [
        candidate(name, path, number=n, qualified=qualified, kind=Kind(kind), signature=signature, substance=30)
        for n, (name, path, qualified, kind, signature) in enumerate([other, main])
    ]
    found = ranked("Cart" if main[0] == "Cart" else "fill", *both)
    assert (found[0].candidate.path, found[0].candidate.qualified_name) == main[1:3]
    assert found[1].signals["secondary"] < 0
    assert "secondary" not in found[0].signals


def test_overloads_and_namesakes_of_other_classes_are_equals() -> None:
    for one, other in [("A.run", "A.run"), ("A.run", "B.run")]:
        found = ranked("run", candidate(qualified=one), candidate(qualified=other, number=2, line=20))
        assert all("secondary" not in entry.signals for entry in found)


def test_a_name_within_a_sentence_is_seen() -> None:
    for question in ("why does parse_header drop cookies", "why does `parse_header` drop", "net.parse_header() drops"):
        found = ranked(question, candidate("parse_head"), candidate("parse_header", "src/b.py", number=2))
        assert found[0].signals["mention"] > 0
        assert found[0].candidate.name == "parse_header"
    assert parse_question("how are plugins found in the store").mentions == frozenset()


def test_the_names_that_a_question_may_ask_for() -> None:
    assert {"parseJson", "parse_json", "PARSE_JSON", "ParseJson"} <= set(parse_question("parse_json").names)
    assert parse_question("why does parse_header drop cookies of HttpClient").names == ("parse_header", "HttpClient")
    assert parse_question("why do cookies vanish").names == ()


def test_definitions_come_before_what_lies_between_them() -> None:
    found = ranked("x", candidate(kind=Kind.MODULE), candidate(path="src/b.py", number=2))
    assert found[0].candidate.kind is Kind.FUNCTION


PLACES = [
    ("tests/test_a.py", "test"),
    ("pkg/a_test.go", "test"),
    ("src/__tests__/a.ts", "test"),
    ("src/a.spec.ts", "test"),
    ("Tests/ParserTests/Helpers.swift", "test"),
    ("Lib.Tests/Helpers.cs", "test"),
    ("src/ParserTest.java", "test"),
    ("src/ParserIT.java", "test"),
    ("core/src/androidTest/kotlin/Parser.kt", "test"),
    ("conftest.py", "test"),
    ("t/integration/tasks.py", "test"),
    ("src/test.c", "test"),
    ("src/tests.rs", "test"),
    ("src/ParserSpec.scala", "test"),
    ("src/integration-test/Parser.java", "test"),
    ("testing/a.py", "test"),
    ("examples/a.py", "example"),
    ("Samples/A.cs", "example"),
    ("docs/conf.py", "prose"),
    ("README.md", "prose"),
    ("vendor/lib/a.go", "legacy"),
    ("third_party/a.c", "legacy"),
]


@pytest.mark.parametrize(("path", "place"), PLACES)
def test_places_that_repeat_the_words_of_code_are_put_back(path: str, place: str) -> None:
    (entry,) = ranked("run", candidate(path=path))
    (plain,) = ranked("run", candidate(path="src/a.py"))
    assert entry.signals[place] == pytest.approx(load_weights().signals[place])
    assert plain.score > entry.score


@pytest.mark.parametrize(
    "path",
    [
        "src/testing/spy.ts",
        "lib/rspec/testing/a.rb",
        "src/latest/a.py",
        "src/contest/a.c",
        "contests/a.py",
        "src/loadtest/a.go",
        "src/main/java/org/unit/MyTest.java",
        "src/commands/test.ts",
    ],
)
def test_what_only_looks_like_a_place_of_tests_is_none(path: str) -> None:
    (entry,) = ranked("run", candidate(path=path))
    assert "test" not in entry.signals


def test_a_test_is_seen_by_what_is_in_it_as_well() -> None:
    (entry,) = ranked("run", candidate(path="src/parser.rs")._replace(tests=True))
    assert entry.signals["test"] < 0


def test_where_all_is_tests_a_folder_tells_nothing_and_the_name_of_a_file_still_does() -> None:
    asked = parse_question("run")
    both = [(0, candidate(path="tests/runner.py")), (0, candidate(path="tests/test_runner.py", number=2))]
    found = rank(CandidateSet(asked, both, dict.fromkeys(asked.terms, 10), DOCUMENTS, about_tests=frozenset({0})))
    assert [(entry.candidate.path, "test" in entry.signals) for entry in found] == [
        ("tests/runner.py", False),
        ("tests/test_runner.py", True),
    ]


@pytest.mark.parametrize(("path", "place"), PLACES)
def test_unless_they_are_what_was_asked_for(path: str, place: str) -> None:
    word = {"test": "tests", "example": "example", "legacy": "vendored", "prose": "documentation"}[place]
    (entry,) = ranked(f"{word} of run", candidate(path=path))
    assert place not in entry.signals
    assert entry.signals["asked place"] > 0


@pytest.mark.parametrize(
    "path",
    ["src/latest.py", "src/contest.py", "AUDIT.c", "LIMIT.py", "src/testament.py", "distance/a.py", "golden/a.py"],
)
def test_a_name_that_only_looks_like_a_test_is_not_discounted(path: str) -> None:
    (entry,) = ranked("run", candidate(path=path))
    assert entry.signals.keys().isdisjoint({"test", "example", "legacy"})


def test_the_evidence_of_a_file_counts_for_each_of_its_chunks() -> None:
    found = ranked(
        "x",
        candidate("alone", "src/alone.py"),
        candidate("one", "src/many.py", number=2),
        candidate("two", "src/many.py", number=3, line=20),
        candidate("three", "src/many.py", number=4, line=40),
    )
    assert names(found)[0] == "one"
    assert found[0].signals["file meaning"] == pytest.approx(load_weights().signals["file meaning"])


def test_further_chunks_of_a_file_are_discounted() -> None:
    chunks = [candidate(f"f{i}", number=i, line=10 * i) for i in range(1, 4)]
    first, second, third = ranked("x", *chunks)
    assert "repeat" not in first.signals
    assert second.score == pytest.approx(load_weights().repeat * first.score)
    assert third.score == pytest.approx(load_weights().repeat * first.score)


def test_a_chunk_that_is_good_by_itself_survives_whatever_else_its_file_has() -> None:
    of_one_file = [candidate(f"f{i}", number=i, line=10 * i, lexical=1 - i / 1_000) for i in range(1, 60)]
    of_others = [candidate(f"g{i}", f"src/g{i}.py", number=100 + i, lexical=0.5, dense=0.4) for i in range(60)]
    found = names(ranked("x", *of_one_file, *of_others, candidate("far", "src/far.py", number=999, dense=0.0)))
    assert found[:3] == ["f1", "f2", "f3"]


def test_files_of_one_path_in_two_repositories_are_two_files() -> None:
    found = rank(CandidateSet(parse_question("x"), [(0, candidate()), (1, candidate())], {"x": 1}, 10))
    assert all("repeat" not in entry.signals for entry in found)


# --- whole lists --------------------------------------------------------------------------------------------


def test_no_candidate_no_match() -> None:
    assert ranked("run") == []


def test_one_candidate_is_the_match() -> None:
    (entry,) = ranked("run", candidate())
    assert entry.score > 0


def test_without_vectors_words_decide() -> None:
    found = ranked("x", candidate(lexical=1, dense=None), candidate(path="b.py", number=2, lexical=2, dense=None))
    assert [entry.candidate.id for entry in found] == [2, 1]
    assert all("meaning" not in entry.signals for entry in found)


def test_without_words_vectors_decide() -> None:
    found = ranked("x", candidate(lexical=0, dense=0.1), candidate(path="b.py", number=2, lexical=0, dense=0.2))
    assert [entry.candidate.id for entry in found] == [2, 1]
    assert all("words" not in entry.signals for entry in found)


def test_a_chunk_that_has_no_vector_yet_is_ranked_all_the_same() -> None:
    found = ranked("x", candidate(lexical=5, dense=None), candidate(path="b.py", number=2, lexical=1, dense=0.9))
    assert len(found) == 2


def test_nothing_but_zeros_is_no_division_by_zero() -> None:
    found = ranked("", candidate("", kind=Kind.MODULE, lexical=0, dense=None), frequency=lambda term: 0)
    assert [entry.score for entry in found] == [0]


def test_a_term_in_more_chunks_than_there_are_does_not_break_the_scale() -> None:
    (entry,) = ranked("run", candidate(), frequency=lambda term: 10 * DOCUMENTS)
    assert entry.signals["name"] == pytest.approx(load_weights().signals["name"])


CANDIDATES = st.lists(
    st.builds(
        candidate,
        name=st.sampled_from(["", "parse", "parse_json", "Parse", "run", "test_parse"]),
        path=st.sampled_from(["src/a.py", "src/parse.py", "tests/test_a.py", "docs/a.md", "vendor/parse.py"]),
        number=st.integers(1, 10_000),
        kind=st.sampled_from(Kind),
        lexical=st.floats(0, 50),
        dense=st.none() | st.floats(-1, 1),
        line=st.integers(1, 5_000),
        part=st.integers(0, 3),
    ),
    max_size=25,
)
QUESTIONS = st.sampled_from(["parse", "parse json", "Parser.parse", "test of parse", "what is this", "?", "解析"])


@given(QUESTIONS, CANDIDATES)
def test_signals_sum_to_the_score_and_the_best_is_first(question: str, candidates: list[Candidate]) -> None:
    found = ranked(question, *candidates)
    assert sorted(entry.candidate.id for entry in found) == sorted(c.id for c in candidates)
    for entry in found:
        assert sum(entry.signals.values()) == pytest.approx(entry.score)
    scores = [entry.score for entry in found]
    assert scores == sorted(scores, reverse=True)


@given(QUESTIONS, CANDIDATES, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_that_of_the_candidates(question, candidates, random) -> None:  # type: ignore[no-untyped-def]
    places = {(c.path, c.first_line): c for c in candidates}
    unique = list(places.values())
    shuffled = random.sample(unique, len(unique))
    assert [e.candidate for e in ranked(question, *unique)] == [e.candidate for e in ranked(question, *shuffled)]


def test_ties_are_broken_by_place() -> None:
    found = ranked("x", candidate(path="b.py", number=1), candidate(path="a.py", number=2))
    assert [entry.candidate.path for entry in found] == ["a.py", "b.py"]


def test_weights_are_of_known_signals_and_speak_for_or_against_as_these_do() -> None:
    weights = load_weights()
    assert set(weights.signals) <= set(SIGNALS)
    assert set(weights.by_words) <= set(SIGNALS) - {"meaning", "file meaning"}
    for name, weight in [*weights.signals.items(), *weights.by_words.items()]:
        assert (weight < 0) == (name in AGAINST), name
    assert {"command", "data"} <= set(weights.provenance)


def test_without_any_vector_words_weigh_what_meaning_weighs_otherwise() -> None:
    (entry,) = ranked("run", candidate(dense=None))
    assert entry.signals["words"] == pytest.approx(load_weights().by_words["words"])


def test_a_chunk_that_waits_for_its_vector_is_taken_to_mean_what_its_words_say() -> None:
    found = ranked("x", candidate(lexical=5, dense=None), candidate(path="b.py", number=2, lexical=1))
    (waiting,) = (entry for entry in found if entry.candidate.dense is None)
    assert waiting.signals["meaning"] == pytest.approx(load_weights().signals["meaning"])


def test_a_file_of_weights_can_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text('{"signals": 1}')
    with pytest.raises(InputError, match="holds no weights"):
        read_weights(tmp_path / "weights.json")
