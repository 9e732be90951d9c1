from __future__ import annotations

import pytest

from codesearch.records import Chunk, Kind, Span
from codesearch_train.corpus.filters import REASONS, is_test_path, is_vendored_path, why_not
from codesearch_train.corpus.pairs import (
    Pair,
    PairKind,
    Split,
    comment_blocks,
    first_paragraph,
    long_form,
    mask_name,
    pairs_from_chunk,
    split_words,
)


@pytest.mark.parametrize(
    ("documentation", "expected"),
    [
        ("Parses a date.\n\nMore about it.", "Parses a date."),
        ("Parses a date\nwith a zone.\n@param text the date", "Parses a date with a zone."),
        ("@param text the date\n@return it", ""),
        ("Load rows.\n\nArgs:\n    path: where", "Load rows."),
        ("Load rows.\n:param path: where", "Load rows."),
        (
            '<summary>Gets the <see cref="T:Foo"/> of\na bar.</summary>\n<param name="x">y</param>',
            "Gets the Foo of a bar.",
        ),
        ("### .isOk(value)\n\nAsserts that the value is ok.", "Asserts that the value is ok."),
        ("@brief Opens the file.\n@param p path", "Opens the file."),
        ("Reads {@link Foo} and [bar](http://x.y).", "Reads Foo and bar."),
        ("# Examples\n```\nx\n```", ""),
    ],
)
def test_first_paragraph(documentation: str, expected: str) -> None:
    assert first_paragraph(documentation) == expected


def test_long_form_keeps_the_words_of_tags_and_drops_types_and_examples() -> None:
    documentation = (
        "Resize an image.\n\nKeeps the ratio.\n\n@param {number} width New width in pixels\n"
        "@param int $height New height\n@return string the path of the file\n@example\nresize(3);\n@since 1.2"
    )
    text = long_form(documentation)
    assert text == (
        "Resize an image. Keeps the ratio. width New width in pixels $height New height the path of the file"
    )


def test_split_words() -> None:
    assert split_words("parseHTTPHeader_v2") == ["parse", "http", "header", "v", "2"]


def test_mask_name_replaces_whole_words_only() -> None:
    assert mask_name("def walk(x): walk(x.walker); $walk", "walk") == "def _(x): _(x.walker); $walk"


def test_comment_blocks_end_at_blank_lines_and_dedents() -> None:
    code = (
        "def f(x):\n    # add up all\n    # the values\n    total = 0\n"
        "    for y in x:\n        total += y\n\n    return total\n"
    )
    assert list(comment_blocks(code)) == [
        ("add up all the values", "    total = 0\n    for y in x:\n        total += y")
    ]


def test_comment_that_is_code_gives_no_block() -> None:
    assert list(comment_blocks("f() {\n  // x = g(y);\n  a();\n  b();\n}")) == []


def _chunk(kind: Kind = Kind.FUNCTION, documentation: str = "", name: str = "read_rows", part: int = 0) -> Chunk:
    code = (
        "def read_rows(path):\n    # skip the header line first\n"
        "    lines = open(path)\n    next(lines)\n    return read_rows"
    )
    span = Span(1, 4)
    return Chunk("a.py", "python", kind, name, name, "", documentation, span, (span,), code, code, part)


def _kinds(chunk: Chunk) -> list[str]:
    return [pair.kind for pair in pairs_from_chunk(chunk, "o/r", "MIT", Split.TRAIN)]


def test_kinds_of_pairs_of_a_chunk() -> None:
    assert _kinds(_chunk()) == [PairKind.NAME, PairKind.COMMENT]
    assert _kinds(_chunk(documentation="Reads rows.")) == [PairKind.DOCSTRING, PairKind.COMMENT]
    long = "Reads rows.\n\nThe rows of a file, with the header taken off, as a list of all lines."
    assert _kinds(_chunk(documentation=long)) == [
        PairKind.DOCSTRING,
        PairKind.DOCSTRING_LONG,
        PairKind.COMMENT,
    ]
    assert _kinds(_chunk(Kind.TYPE, "Rows of a file.")) == [PairKind.DOCSTRING]
    assert _kinds(_chunk(Kind.MODULE, "Rows of a file.")) == []
    assert _kinds(_chunk(part=1)) == []


def test_name_pair_does_not_give_its_answer_away() -> None:
    pair = next(iter(pairs_from_chunk(_chunk(), "o/r", "MIT", Split.TRAIN)))
    assert pair.text == "read rows"
    assert "read_rows" not in pair.code


GOOD_CODE = (
    "def parse(text):\n    parts = text.split()\n    numbers = [int(part) for part in parts]\n    return sum(numbers)"
)


def _pair(text: str, kind: PairKind = PairKind.DOCSTRING, code: str = GOOD_CODE) -> Pair:
    return Pair(text, code, "o/r", "a.py", "python", "MIT", "train", kind)


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (_pair("Adds up the numbers of a line."), None),
        (_pair("Adds numbers"), "text: too short"),
        (_pair("Gets or sets the width of the box."), "text: boilerplate or directive"),
        (_pair("{@inheritDoc} for all of it"), "text: boilerplate or directive"),
        (_pair("Creates a new instance of Foo."), "text: boilerplate or directive"),
        (
            _pair("eslint-disable-next-line no-console in here please", PairKind.COMMENT),
            "text: boilerplate or directive",
        ),
        (_pair("TODO: make this faster some day"), "text: boilerplate or directive"),
        (_pair("Copyright 2019 The Foo Authors of it."), "text: legal notice"),
        (_pair("we should fix this todo later on", PairKind.COMMENT), "text: note to developers"),
        (_pair("+----+----+ a b c |----|----| + - * / = = ="), "text: not prose"),
        (_pair("Devuelve el número de los elementos para una lista."), "text: not English"),
        (_pair("返回列表中元素的数量 for the list now"), "text: not English"),
        (_pair("bump version to 2.3 for release", PairKind.COMMIT), "text: housekeeping commit"),
        (_pair("get value", PairKind.NAME), "text: trivial name"),
        (_pair("Adds up the numbers of a line.", code="def f(x):\n    return 1"), "code: too short"),
    ],
)
def test_filters_of_pairs(pair: Pair, reason: str | None) -> None:
    assert why_not(pair) == reason


def test_every_reason_that_is_reported_is_named() -> None:
    assert len(REASONS) == len(set(REASONS))


@pytest.mark.parametrize(
    "path",
    [
        "test/a.js",
        "src/foo_test.go",
        "src/__tests__/a.ts",
        "spec/a_spec.rb",
        "a/b.test.ts",
        "src/FooTest.java",
    ],
)
def test_test_paths(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path", ["src/latest.js", "src/contest.py", "lib/inspector.rb", "src/testable.go", "attest/a.rb"]
)
def test_paths_that_only_sound_like_tests(path: str) -> None:
    assert not is_test_path(path)


def test_vendored_paths() -> None:
    assert is_vendored_path("vendor/a/b.go")
    assert is_vendored_path("x/node_modules/y.js")
    assert not is_vendored_path("src/vendoring.go")
