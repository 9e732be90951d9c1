from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.words import (
    LINE_END,
    STOP_WORDS,
    TermFinder,
    neighbours,
    question_terms,
    split_identifier,
    stem,
    terms,
    terms_in_a_row,
)


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("parse", "parse"),
        ("parse_json", "parse json"),
        ("parseJson", "parse Json"),
        ("parseJSON", "parse JSON"),
        ("JSONParser", "JSON Parser"),
        ("parseHTTPResponse", "parse HTTP Response"),
        ("HTTP2Server", "HTTP 2 Server"),
        ("utf8_decode", "utf 8 decode"),
        ("MAX_RETRY_COUNT", "MAX RETRY COUNT"),
        ("__init__", "init"),
        ("_private", "private"),
        ("a", "a"),
        ("X", "X"),
        ("x1y2", "x 1 y 2"),
        ("___", ""),
        ("", ""),
        ("42", "42"),
        ("Größe", "Größe"),
        ("größeBerechnen", "größe Berechnen"),
        ("ÄÖÜParser", "ÄÖÜ Parser"),
        ("naïve_bayes", "naïve bayes"),
        ("данныеJson", "данные Json"),
        ("数据", "数据"),
        ("解析文件", "解析 析文 文件"),
        ("日本語_text", "日本 本語 text"),
        ("数据v2", "数据 v 2"),
    ],
)
def test_identifiers_are_split_where_a_reader_would(identifier: str, parts: str) -> None:
    assert split_identifier(identifier) == parts.split()


def test_an_identifier_is_found_by_its_parts_and_as_a_whole() -> None:
    held = set(terms("parse_http_response"))
    assert {"pars", "http", "respons", "parsehttprespons"} <= held
    assert set(terms("parseHTTPResponse")) == held


def test_a_word_is_found_in_its_other_forms() -> None:
    assert stem("parsing") == stem("parses") == stem("parsed")
    assert set(question_terms("encoding files")) <= set(terms("def encode_file(): ..."))


def test_terms_keep_order_and_repetitions() -> None:
    assert terms("a b a") == ["a", "b", "a"]


def test_a_sentence_without_spaces_is_found_in_a_longer_one() -> None:
    assert set(question_terms("文件")) <= set(terms("# 解析配置文件的函数"))


def test_an_accent_is_the_same_however_it_is_written() -> None:
    assert terms("cafe\u0301") == terms("caf\u00e9")


@pytest.mark.parametrize("text", ["", "   ", "!?.,;:()[]{}", "🎉🎉", "\x00\x1b"])
def test_text_without_letters_and_digits_has_no_terms(text: str) -> None:
    assert terms(text) == []
    assert question_terms(text) == []


def test_a_hash_or_base64_is_no_word() -> None:
    assert terms("x" * 81) == []
    assert question_terms("x" * 81 + " real") == ["real"]


def test_stop_words_are_left_out_of_questions_only() -> None:
    assert question_terms("How do I parse the JSON?") == ["pars", "json"]
    assert "the" in terms("the JSON")


def test_a_question_of_stop_words_only_keeps_them() -> None:
    assert question_terms("what is this") == ["what", "is", "this"]


def test_stop_words_are_lower_case_words() -> None:
    assert all(re.fullmatch("[a-z]+", word) for word in STOP_WORDS)


def test_question_terms_are_distinct_and_limited() -> None:
    question = " ".join(f"word{i}" for i in range(1000))
    found = question_terms(question, limit=10)
    assert len(found) == len(set(found)) == 10


def test_a_question_of_ten_thousand_words_costs_no_more_than_a_long_sentence() -> None:
    question = "retry " * 5_000 + " ".join(f"attempt{i}" for i in range(5_000))
    started = time.perf_counter()
    assert len(question_terms(question)) == 64
    assert time.perf_counter() - started < 0.5


def test_words_that_follow_each_other_do_so_whatever_identifiers_they_are_in() -> None:
    row = terms_in_a_row("raise ParseError(f'cannot open_file {path}')")
    assert row[:7] == ["rais", "pars", "error", "f", "cannot", "open", "file"]
    assert sorted([*row[:8], *row[9:]]) == sorted(terms("raise ParseError(f'cannot open_file {path}')"))
    assert row[8] == LINE_END, "before the identifiers as wholes"


def test_words_on_two_lines_are_no_neighbours() -> None:
    row = terms_in_a_row("# open the socket\n\nread = 1\n")
    assert row == ["open", "the", "socket", LINE_END, "read", "1"]
    assert terms_in_a_row("?\n!") == []


def test_neighbours_of_a_question() -> None:
    assert neighbours("cannot open_file: cannot open") == [
        ("cannot", "open"),
        ("open", "file"),
        ("file", "cannot"),
    ]
    assert neighbours("what is in the file") == [("the", "file")], "two stop words in a row say nothing"
    assert neighbours("parse") == neighbours("?!") == neighbours("what is this") == []
    assert len(neighbours(" ".join(f"w{i}x" for i in range(10_000)))) < 200


@given(st.text(max_size=200))
def test_any_text_can_be_analysed(text: str) -> None:
    found = terms(text)
    assert all(found)
    assert set(question_terms(text, limit=10_000)) <= set(found)


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=40))
def test_no_letter_is_lost(word: str) -> None:
    unspaced = re.compile(
        "[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u31ff\u3400-\u9fff\uac00-\ufaff\U00020000-\U0003ffff]"
    )
    if unspaced.search(word):
        assert set("".join(split_identifier(word))) >= {c for c in word if c.isalpha()}
    else:
        assert "".join(split_identifier(word)) == word


def test_a_finder_finds_the_terms_of_a_text_that_it_was_asked_for() -> None:
    text = "def parse_header(rawHeader): return unparsed[解析文件] # " + "a" * 100
    finder = TermFinder({*terms("header 解析 unparsed parse"), "nothing"})
    for _ in range(2):
        assert finder.find(text) == set(terms(text)) & {*terms("header 解析 unparsed parse"), "nothing"}
    assert finder.find("else") == set()
