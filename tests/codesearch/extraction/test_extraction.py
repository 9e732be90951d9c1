"""Golden cases of every grammar, and properties that hold for any text."""

from __future__ import annotations

import difflib
import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.extraction import extract
from codesearch.extraction.documentation import clean_comment, clean_docstring, is_license
from codesearch.extraction.grammars import CAPTURES
from codesearch.extraction.windows import FUNCTION_LIMIT, MODULE_LIMIT, Limit, cut
from codesearch.languages import LANGUAGES, language_of
from codesearch.records import Chunk, Kind

CASES = Path(__file__).parents[2] / "data" / "extraction"
SOURCES = sorted(path for path in CASES.iterdir() if path.suffix != ".golden")


def chunks_of(path: str, source: str) -> list[Chunk]:
    language = language_of(path)
    assert language is not None, path
    return extract(path, source, language)


def named(path: str, source: str) -> dict[str, Chunk]:
    return {chunk.qualified_name: chunk for chunk in reversed(chunks_of(path, source))}


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def render(chunks: list[Chunk]) -> str:
    """Chunks as a person would want to compare them: one heading each, documentation with ">", then the code."""
    out: list[str] = []
    for chunk in chunks:
        spans = " ".join(f"{span.start}-{span.end}" for span in chunk.text_spans)
        part = f" part {chunk.part}" if chunk.part else ""
        title = f"{chunk.kind} {chunk.qualified_name or '-'}{part}"
        out.append(f"=== {title} [{chunk.span.start}-{chunk.span.end}: {spans}]")
        out += [f"signature: {chunk.signature}"] if chunk.signature else []
        out += [f"> {line}".rstrip() for line in chunk.documentation.split("\n")] if chunk.documentation else []
        out += [f"| {line}".rstrip() for line in chunk.code.split("\n")]
    return "\n".join(out) + "\n"


def uncovered(source: str, chunks: list[Chunk]) -> list[str]:
    """The lines with a word in them that are in no chunk."""
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    covered = {number for chunk in chunks for span in chunk.text_spans for number in range(span.start, span.end + 1)}
    return [line for number, line in enumerate(lines, 1) if number not in covered and re.search(r"\w", line)]


def check_invariants(source: str, chunks: list[Chunk]) -> None:
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert uncovered(source, chunks) == []
    for chunk in chunks:
        spans = chunk.text_spans
        assert chunk.text == "\n".join(lines[i - 1] for span in spans for i in range(span.start, span.end + 1))
        assert 1 <= chunk.span.start <= spans[0].start <= spans[-1].end <= chunk.span.end <= len(lines)
        assert all(a.end < b.start for a, b in pairwise(spans))
        assert "\n" not in chunk.signature
        assert chunk.qualified_name.endswith(chunk.name)
    assert [c.text_spans[0].start for c in chunks] == sorted(c.text_spans[0].start for c in chunks)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_golden(path: Path, update_golden: bool) -> None:
    source = read(path)
    chunks = chunks_of(path.name, source)
    assert {chunk.language for chunk in chunks} == {path.stem}
    check_invariants(source, chunks)
    golden = path.with_suffix(".golden")
    actual = render(chunks)
    if update_golden:
        golden.write_text(actual, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8")
    difference = difflib.unified_diff(expected.split("\n"), actual.split("\n"), "golden", "now", lineterm="")
    assert actual == expected, "\n".join(["run pytest --update-golden if this is right:", *difference])


def test_every_grammar_has_a_golden_case() -> None:
    grammars = {language.name for language in LANGUAGES.values() if language.grammar or language.embeds}
    assert grammars <= {path.stem for path in SOURCES}
    assert all(path.with_suffix(".golden").exists() for path in SOURCES)


DEFINING = [
    path
    for path, row in ((path, LANGUAGES[path.stem]) for path in SOURCES)
    if (row.grammar or row.embeds) and not row.sections
]


@pytest.mark.parametrize("path", DEFINING, ids=lambda path: path.stem)
def test_a_syntax_error_costs_only_the_broken_node(path: Path) -> None:
    names = {re.sub(r"[^a-z]", "", chunk.name.lower()) for chunk in chunks_of(path.name, read(path))}
    assert names & {"aftertheerror", "found", "main", "n"}, "what follows the broken function is found"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_line_ends_do_not_matter(path: Path) -> None:
    source = read(path)
    expected = chunks_of(path.name, source)
    assert chunks_of(path.name, source.replace("\n", "\r\n")) == expected
    assert chunks_of(path.name, source.replace("\n", "\r")) == expected
    assert chunks_of(path.name, "\ufeff" + source) == expected


def test_queries_use_known_captures_only() -> None:
    for entry in (files("codesearch") / "queries").iterdir():
        if entry.name.endswith(".scm"):
            text = re.sub(r";.*|\"(?:\\.|[^\"\\])*\"", "", entry.read_text(encoding="utf-8"))
            unknown = {name for name in re.findall(r"@([\w.]+)", text) if not name.startswith("_")} - CAPTURES
            assert not unknown, entry.name


def test_every_query_file_belongs_to_a_language() -> None:
    used = {f"{name}.scm" for language in LANGUAGES.values() for name in language.queries}
    assert used == {entry.name for entry in (files("codesearch") / "queries").iterdir() if entry.name.endswith(".scm")}


# Any input. The grammars are C code that was written for well-meant input, and this is not.

_TEXT = st.text(st.characters(codec=None, categories=["L", "N", "P", "S", "Z", "Cc", "Cs"]), max_size=200)
_CUTS = st.lists(st.integers(0, 2_000), min_size=2, max_size=2)
_NAMES = st.sampled_from([path.name for path in SOURCES])


@given(name=_NAMES, text=_TEXT)
@settings(max_examples=80, deadline=None)
def test_any_text_is_covered(name: str, text: str) -> None:
    check_invariants(text, chunks_of(name, text))


@given(path=st.sampled_from(SOURCES), cuts=_CUTS, inserted=_TEXT)
@settings(max_examples=80, deadline=None)
def test_damaged_code_is_covered(path: Path, cuts: list[int], inserted: str) -> None:
    source = read(path)
    start, stop = sorted(cuts)
    damaged = source[:start] + inserted + source[stop:]
    chunks = chunks_of(path.name, damaged)
    check_invariants(damaged, chunks)
    assert chunks == chunks_of(path.name, damaged)


HOSTILE = {
    "empty": "",
    "blank": "\n \n\t\n",
    "nul": "a\0b\ndef f(): pass\n\0",
    "lone surrogates": 'def f():\n    "\ud800 doc"\n    return "\udfff"\n',
    "replacement characters": "def f(): return '\ufffd'",
    "deep braces": "{" * 10_000,
    "deep parentheses": "(" * 10_000 + ")" * 10_000,
    "deep classes": "class A {\n" * 10_000,
    "deep functions": "function f() {\n" * 10_000 + "}\n" * 10_000,
    "deep blocks": "".join(" " * depth + "def f():\n" for depth in range(400)),
    "deep modules": "module A\n" * 400 + "end\n" * 400,
    "minified functions": "function f(){return 1};" * 5_000,
    "minified class": "class A{" + "m(){return 1}" * 5_000 + "}",
    "one long line": "x = " + "1 + " * 50_000 + "1",
    "many comments": "// a\n" * 5_000 + "int f() { return 1; }",
    "a long comment": "/*" + "*" * 50_000 + "/\nfunction f() {}",
    "spaces": "x" + " " * 50_000 + "\n" + "\t" * 50_000,
    "a long name": "void " + "A::" * 5_000 + "f() {}",
    "unicode line separators": "a\u2028b\x0cc\x85d\x1c\n" * 50,
    "an annotation last": "class A {\n    @Throws(Exception::class)",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", ["a.py", "a.js", "a.rb", "a.cpp", "a.java", "a.kt", "a.md", "a.sql"])
def test_hostile_text(name: str, source: str) -> None:
    chunks = chunks_of(name, source)
    check_invariants(source, chunks)
    # Whole lines are repeated in what encloses and what is enclosed, but not as often as there are definitions.
    assert sum(len(chunk.text) + len(chunk.qualified_name) for chunk in chunks) <= 20 * len(source) + 10_000
    if not source.strip():
        assert chunks == []


ASTRAY = "fun f() {(4)\nr\n$!a(list(2, 4))\n   }\n"
"""Before calls with blocks, something of which the Kotlin grammar (1.1.0) makes ever more guesses."""


@pytest.mark.parametrize("blocks", [8, 200])
def test_a_grammar_that_goes_astray_is_given_up_on(blocks: int) -> None:
    calls = "      list(1, 2, 3).holds(1, 2)\n      list(1, 2, 3).holds(list(1, 2))\n"
    source = ASTRAY + f'   "case" {{\n{calls * 2}   }}\n' * blocks + "\nfun found(): Int {\n    return 1\n}\n"
    chunks = chunks_of("a.kt", source)
    check_invariants(source, chunks)
    assert "found" in {chunk.qualified_name for chunk in chunks}
    assert chunks == chunks_of("a.kt", source)


def test_a_sound_file_is_not_given_up_on_however_large() -> None:
    methods = "".join(f"  m{number}() {{ return {number}; }}\n" for number in range(5_000))
    names = {chunk.qualified_name for chunk in chunks_of("a.js", "class A {\n" + methods + "}\n")}
    assert {"A.m0", "A.m4999"} <= names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_what_breaks_off_is_covered(path: Path) -> None:
    source = read(path)
    for end in range(1, len(source), 41):
        check_invariants(source[:end], chunks_of(path.name, source[:end]))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_line_end_at_the_end_changes_nothing(path: Path) -> None:
    source = read(path).rstrip("\n")
    assert chunks_of(path.name, source) == chunks_of(path.name, source + "\n")


def test_brackets_too_deep_for_a_grammar_are_read_as_text() -> None:
    source = "class A {\n" * 600 + "}\n" * 600
    assert {chunk.kind for chunk in chunks_of("a.kt", source)} == {Kind.TEXT}
    assert {chunk.kind for chunk in chunks_of("a.kt", "class A {\n" * 9 + "}\n" * 9)} == {Kind.TYPE}


def test_deep_nesting_that_is_no_bracket_keeps_names_short() -> None:
    source = "".join(" " * depth + f"class C{depth}:\n" for depth in range(300)) + " " * 300 + "x = 1\n"
    chunks = chunks_of("a.py", source)
    assert max(chunk.qualified_name.count(".") for chunk in chunks) == 15
    assert uncovered(source, chunks) == []


# Long definitions.


def test_a_long_function_is_cut_at_statements() -> None:
    body = "".join(f"    if ready({i}):\n        go({i})\n        text = '''\nat the margin\n'''\n" for i in range(100))
    source = f'def long():\n    """Do much."""\n{body}'
    parts = chunks_of("a.py", source)
    check_invariants(source, parts)
    assert [part.part for part in parts] == list(range(len(parts)))
    assert len(parts) == 4
    assert {part.qualified_name for part in parts} == {"long"}
    assert all(len(part.code.split("\n")) <= FUNCTION_LIMIT.rows for part in parts)
    assert all(part.text.startswith("    if ready(") for part in parts[1:])
    assert [part.documentation for part in parts] == ["Do much.", "", "", ""]


def test_a_long_documentation_is_no_reason_to_cut() -> None:
    source = 'def f():\n    """Says much.\n' + "    And more.\n" * 500 + '    """\n    return 1\n'
    (chunk,) = chunks_of("a.py", source)
    assert chunk.code == "def f():\n    return 1"
    assert chunk.documentation.count("And more.") == 500


def test_functions_of_a_function_are_its_own_unless_it_is_too_long() -> None:
    inner = "".join(f"  /** Number {i}. */\n  function inner{i}() {{\n    return {i};\n  }}\n" for i in range(10))
    (chunk,) = chunks_of("a.js", f"function outer() {{\n{inner}}}\n")
    assert chunk.qualified_name == "outer"
    filler = "  work();\n" * FUNCTION_LIMIT.rows
    source = f"function outer() {{\n{inner}{filler}}}\n"
    chunks = chunks_of("a.js", source)
    check_invariants(source, chunks)
    assert {f"outer.inner{i}" for i in range(10)} < {chunk.qualified_name for chunk in chunks}
    assert next(c for c in chunks if c.name == "inner3").documentation == "Number 3."


def test_module_level_code_is_cut_between_statements() -> None:
    source = "".join(f"it('does {i}', () => {{\n  expect({i})\n    .toBe({i});\n}});\n" for i in range(60))
    chunks = chunks_of("a.test.js", source)
    assert all(chunk.kind is Kind.MODULE and chunk.text.startswith("it(") for chunk in chunks)
    assert all(chunk.text.count("\n") < MODULE_LIMIT.rows for chunk in chunks)
    assert len(chunks) == 4


@given(
    lengths=st.lists(st.integers(0, 60), max_size=80),
    rows=st.integers(1, 20),
    characters=st.integers(1, 300),
    seed=st.integers(0, 5),
)
def test_cut_keeps_all_rows_and_the_limit(lengths: list[int], rows: int, characters: int, seed: int) -> None:
    pieces = cut(range(len(lengths)), lengths.__getitem__, lambda row: (row * 7 + seed) % 5, Limit(rows, characters))
    assert [row for piece in pieces for row in piece] == list(range(len(lengths)))
    for piece in pieces:
        counted = [lengths[row] for row in piece if lengths[row]]
        assert len(counted) <= 1 or (len(counted) <= rows and sum(counted) <= characters)


# Documentation.


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("/** One line. */", "One line."),
        ("/**\n * First.\n *\n *  - listed\n * @param x it\n */", "First.\n\n - listed\n@param x it"),
        ("/*\n   Plain\n     indented\n*/", "Plain\n  indented"),
        ("/*!\n * Qt style.\n */", "Qt style."),
        ("/****\n * Boxed.\n ****/", "Boxed."),
        ("/// Rust.\n///\n/// ```\n/// code\n/// ```", "Rust.\n\n```\ncode\n```"),
        ("//! Inner.", "Inner."),
        ("# Shell\n#   indented\n#", "Shell\n  indented"),
        ("#!/bin/sh\n# Shebang.", "Shebang."),
        ("-- | Haskell,\n-- two lines.", "Haskell,\ntwo lines."),
        ("{- | Block. -}", "Block."),
        ("--- Lua.\n-- @param x it", "Lua.\n@param x it"),
        ("--[[\nLua block.\n]]", "Lua block."),
        ("--[==[ Level two. ]==]", "Level two."),
        ("=begin\nRuby.\n=end", "Ruby."),
        (";;; Lisp.", "Lisp."),
        ("// ----------\n// Ruled.\n// ----------", "Ruled."),
        ("// eslint-disable-next-line\n// Said.", "Said."),
        ("//go:noinline\n// Said.", "Said."),
        ("/* eslint-disable */", ""),
        (
            '/// <summary>\n/// Makes a <see cref="T:Shop.Order"/>.\n/// </summary>\n/// <param name="x">It.</param>',
            'Makes a Shop.Order.\n\n<param name="x">It.</param>',
        ),
    ],
)
def test_clean_comment(comment: str, text: str) -> None:
    assert clean_comment(comment) == text


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('"""One."""', "One."),
        ("'''\n    First.\n\n        Deeper.\n    '''", "First.\n\n    Deeper."),
        (r'r"""A \d."""', r"A \d."),
        ('~S"""\n  Elixir.\n  """', "Elixir."),
        ('""', ""),
    ],
)
def test_clean_docstring(literal: str, text: str) -> None:
    assert clean_docstring(literal) == text


def test_a_license_documents_nothing() -> None:
    assert is_license("/* Copyright (c) 2020 */")
    assert not is_license("/* Makes a copy. */")
    source = "/* Copyright (c) 2020 Someone. */\nint main(void) { return 0; }\n"
    assert named("a.c", source)["main"].documentation == ""
    go = "// Copyright 2020.\n\n// Package a is it.\npackage a\n"
    assert named("a.go", go)[""].documentation == "Package a is it."


def test_a_comment_documents_only_what_it_touches() -> None:
    assert named("a.go", "// Away.\n\nfunc F() {}\n")["F"].documentation == ""
    assert named("a.go", "var x = 1 // Trailing.\nfunc F() {}\n")["F"].documentation == ""
    assert named("a.py", "def a():\n    pass\n    # The block above.\ndef b(): pass\n")["b"].documentation == ""
    rust = "/// Said.\n#[inline]\n// and more\n#[cold]\nfn f() {}\n"
    assert named("a.rs", rust)["f"].documentation == "Said.\nand more"


def test_code_keeps_a_valid_layout_without_its_docstring() -> None:
    assert named("a.py", 'def f():\n    """Only."""\n')["f"].code == "def f():\n    ..."
    assert named("a.py", 'def f(): "Only."')["f"].code == "def f(): ..."
    assert named("a.py", 'class A:\n    """Doc."""\n    x = 1\n')["A"].code == "class A:\n    x = 1"
    for chunk in chunks_of("python.py", read(CASES / "python.py")):
        if chunk.kind is Kind.FUNCTION and chunk.name != "broken":
            compile(chunk.code, chunk.name, "exec")


# Names that a golden case would show, but not explain.


@pytest.mark.parametrize(
    ("path", "source", "name", "kind"),
    [
        ("a.go", "func (s *Server) Serve() {}", "Server.Serve", Kind.METHOD),
        ("a.rs", "impl<'a> fmt::Display for a::T<'a> { fn fmt(&self) {} }", "T.fmt", Kind.METHOD),
        ("a.cpp", "int a::B<T>::f(int x) { return x; }", "a.B.f", Kind.METHOD),
        ("a.cpp", "A::operator bool() const { return x; }", "A.operator bool", Kind.METHOD),
        ("a.cpp", "bool operator<(A a, A b) { return x; }", "operator<", Kind.FUNCTION),
        ("a.js", "X.prototype.y = function () {};", "X.y", Kind.METHOD),
        ("a.js", "module.exports = { a: function () {\n} };", "a", Kind.METHOD),
        ("a.js", "exports.a = function () {};", "a", Kind.FUNCTION),
        ("a.rb", "class A::B\n  def self.c; end\nend", "A.B.c", Kind.METHOD),
        ("a.lua", "function M.a.b:c() end", "M.a.b.c", Kind.METHOD),
        ("a.kt", "fun <T> List<T>.last(): T = this[0]", "List.last", Kind.METHOD),
        ("a.ex", "defmodule A.B do\n  def c(x), do: x\nend", "A.B.c", Kind.FUNCTION),
        ("a.hs", "x <+> y = x", "<+>", Kind.FUNCTION),
        ("a.zig", 'test "it adds. twice" {}', "it adds. twice", Kind.FUNCTION),
    ],
)
def test_qualified_name(path: str, source: str, name: str, kind: Kind) -> None:
    assert named(path, source)[name].kind is kind


def test_unicode_offsets_are_not_character_offsets() -> None:
    chunk = named("a.py", 's = "äöü€😀"\ndef größe(ä): "Größe: 10 µm"; return "ß"\n')["größe"]
    assert (chunk.signature, chunk.documentation) == ("def größe(ä)", "Größe: 10 µm")
    assert chunk.code == 'def größe(ä): ...; return "ß"'


def test_headers_are_read_as_what_they_hold() -> None:
    assert {c.language for c in chunks_of("a.h", "namespace a {\nclass B {\n};\n}\n")} == {"cpp"}
    assert {c.language for c in chunks_of("a.h", "struct a { int b; };\n")} == {"c"}
    assert {c.language for c in chunks_of("a.h", "@interface A : B\n@end\n")} == {"objective-c"}


# Text without a grammar.


def test_windows_begin_at_landmarks_with_the_comments_above() -> None:
    filler = "".join(f"setting_{i} = 'a value that is long enough'\n" for i in range(12))
    source = f"[a]\n{filler}\n# The second.\n[b]\n{filler}"
    first, second = chunks_of("a.ini", source)
    assert (first.name, second.name) == ("a", "b")
    assert second.text.startswith("# The second.")
    assert first.kind is second.kind is Kind.TEXT


def test_prose_without_landmarks_is_cut_at_blank_lines() -> None:
    source = "\n\n".join("A paragraph\n  of two lines." for _ in range(60))
    chunks = chunks_of("notes.txt", source)
    check_invariants(source, chunks)
    assert all(chunk.text.startswith("A paragraph") for chunk in chunks)
    assert len(chunks) == 3
    assert [chunk.part for chunk in chunks] == [0, 1, 2]
