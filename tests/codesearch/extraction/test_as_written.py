"""Code as it is written, beyond what its grammar knows: macros, conditionals, wrapping calls, and no grammar at all."""

from __future__ import annotations

import time

import pytest

from codesearch.extraction import extract
from codesearch.languages import LANGUAGES, language_of
from codesearch.records import Chunk, Kind, Span


def chunks_of(path: str, source: str) -> list[Chunk]:
    language = language_of(path, source.partition("\n")[0], source)
    assert language is not None
    return extract(path, source, language)


def named(path: str, source: str) -> dict[str, Kind]:
    return {chunk.qualified_name: chunk.kind for chunk in chunks_of(path, source) if chunk.name}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("class EXPORT_API Foo : public Bar", "Foo"),
        ("class core_EXPORT Foo", "Foo"),
        ("class A_API B_API Foo final : public ns::Bar", "Foo"),
        ('struct DEPRECATED("no") Foo', "Foo"),
        ("template <class T>\nclass API Foo", "Foo"),
        ("template <>\nstruct API Foo<int>", "Foo"),
        ("class __attribute__((visibility)) Foo", "Foo"),
        ("class alignas(16) Foo", "Foo"),
        ("class Foo final : public Bar", "Foo"),
        ("class Foo : public Bar", "Foo"),
        ("enum class E_API Foo", "Foo"),
    ],
)
def test_a_macro_before_a_class_is_not_its_name(head: str, name: str) -> None:
    body = "RED" if head.startswith("enum") else "int width() const { return 1; }"
    found = named("a.hpp", f"namespace ui {{\n{head} {{\n  {body}\n}};\nint after() {{ return 1; }}\n}}\n")
    assert found[f"ui.{name}"] is Kind.TYPE
    assert found["ui.after"] is Kind.FUNCTION
    if not head.startswith("enum"):
        assert found[f"ui.{name}.width"] is Kind.METHOD


@pytest.mark.parametrize(
    "head",
    [
        "EXPORT_API int found(int a)",
        "EXPORT_API\nint found(int a)",
        "JNIEXPORT jint JNICALL found(JNIEnv *env)",
        "static int __init found(void)",
        "DWORD WINAPI found(void *p)",
        "static DWORD found(void *p)",
        "PyMODINIT_FUNC\nfound(void)",
        "int found(void) __releases(lock)",
        "__attribute__((noreturn)) void found(void)",
        'API_DEPRECATED("x") struct foo *found(int a)',
        "int found(a, b)\n  int a;\n  char *b;",
        "SYSCALL_DEFINE3(found, unsigned int, fd, char *, buf)",
        "SYSCALL_DEFINE0(found)",
        "DEFINE_HANDLER(found)",
        "#if defined(WIDE)\nint found(long a)\n#else\nint found(int a)\n#endif",
        "#ifdef A\nint found(long a)\n#elif B\nint found(int a)\n#else\nint found(char a)\n#endif",
    ],
)
def test_c_functions_as_they_are_written(head: str) -> None:
    body = "{\n  return 1;\n}\n"
    source = f"int before(void)\n{body}\n/* Said. */\n{head}\n{body}\nint after(void)\n{body}"
    chunks = {chunk.name: chunk for chunk in chunks_of("a.c", source) if chunk.name}
    assert list(chunks) == ["before", "found", "after"]
    assert chunks["found"].kind is Kind.FUNCTION
    assert chunks["found"].documentation == "Said."
    assert "return 1;" in chunks["found"].text
    assert head.split("\n")[0] in chunks["found"].text


def test_an_opening_brace_in_both_branches() -> None:
    source = (
        "#if A\nint found(int a) {\n#else\nint found(long a) {\n#endif\n  return 1;\n}\nint after(void) { return 1; }\n"
    )
    assert list(named("a.c", source)) == ["found", "after"]
    split = "void found(void)\n{\n#if A\n  if (x) {\n#else\n  if (y) {\n#endif\n    z();\n  }\n}\nint after(void) { }\n"
    assert list(named("a.c", split)) == ["found", "after"]


def test_whole_definitions_in_both_branches_stay() -> None:
    source = "#if A\nint one(void) { return 1; }\n#else\nint two(void) { return 2; }\n#endif\n"
    assert list(named("a.c", source)) == ["one", "two"]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("TEST(Suite, Name)", "Suite.Name"),
        ("TEST_F(Suite, Name)", "Suite.Name"),
        ("TEST_P(Suite, Name)", "Suite.Name"),
        ("TYPED_TEST(Suite, Name)", "Suite.Name"),
        ('TEST_CASE("adds numbers", "[math]")', "adds numbers"),
        ("BOOST_AUTO_TEST_CASE(adds)", "adds"),
        ("BENCHMARK_F(Fixture, Large)(State& state)", "Fixture.Large"),
    ],
)
def test_macros_that_define_tests(head: str, name: str) -> None:
    found = named("a_test.cc", f"namespace {{\n{head} {{\n  CHECK(1);\n}}\n}}\n\n{head}\n{{\n  CHECK(2);\n}}\n")
    assert found == {name: Kind.FUNCTION}


def test_a_signature_in_both_branches_may_go_on_after_its_brackets() -> None:
    cut = "#ifdef A\nvoid Foo::bar(long a) const\n#else\nvoid Foo::bar(int a) const\n#endif\n{\n  go(a);\n}\n"
    cut += "#if B\nauto f(int a) noexcept -> std::vector<int>\n#else\nauto f() -> int\n#endif\n{\n  return {};\n}\n"
    assert named("a.cpp", cut) == {"Foo.bar": Kind.METHOD, "f": Kind.FUNCTION}


def test_what_returns_a_pointer_may_declare_its_parameters_behind_the_brackets() -> None:
    old = "char *dup(s) char *s; { return s; }\n\n"
    old += "static struct x *\nmake(n, m)\n\tint n;\n\tchar **m;\n{\n  return 0;\n}\n"
    assert named("a.c", old) == {"dup": Kind.FUNCTION, "make": Kind.FUNCTION}


WRAPPED = [
    ("export const f = createAsyncThunk('f', async (id) => {\n  return 1;\n});\n", "f"),
    ("const f = memo(forwardRef((props, ref) => {\n  return 1;\n}));\n", "f"),
    ("const f = createSelector([a], (a) => {\n  return 1;\n});\n", "f"),
    ("exports.f = wrap(async (req, res) => {\n  return 1;\n});\n", "f"),
    ("var f = define(['a'], function (a) {\n  return 1;\n});\n", "f"),
    ("export default connect(a)(function () {\n  return 1;\n});\n", "default"),
    ("export default memo(function F() {\n  return 1;\n});\n", "F"),
    ("const f = items.map((a) => {\n  return 1;\n});\n", ""),
    ("const f = new Promise((resolve) => {\n  resolve();\n});\n", ""),
    ("const f = useMemo(() => 1, []);\n", ""),
]


@pytest.mark.parametrize(("source", "name"), WRAPPED)
@pytest.mark.parametrize("suffix", [".js", ".ts", ".tsx"])
def test_a_function_that_is_given_to_a_call_has_its_name(source: str, name: str, suffix: str) -> None:
    assert named(f"a{suffix}", source) == ({name: Kind.FUNCTION} if name else {})


def test_code_without_a_grammar_is_code() -> None:
    ruby_like = "Point :: struct {\n\tx: int,\n}\n\nadd :: proc(a, b: int) -> int {\n\treturn a + b\n}\n"
    assert named("a.odin", ruby_like) == {"Point": Kind.TYPE, "add": Kind.FUNCTION}
    assert named("a.r", "# Adds.\nadd <- function(a, b) {\n  a + b\n}\n") == {"add": Kind.FUNCTION}
    (chunk,) = chunks_of("a.jl", "# Adds.\nfunction add(a, b)\n  a + b\nend\n")
    assert (chunk.signature, chunk.documentation) == ("function add(a, b)", "Adds.")
    assert chunk.code == "function add(a, b)\n  a + b\nend"
    assert {c.kind for c in chunks_of("a.md", "# Title\n\nWords.\n")} == {Kind.TEXT}


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a.odin", "package main\n\nadd :: proc(a: int) -> int {\n\treturn a\n}\n", "source"),
        ("a.ballerina", 'import io;\n\npublic function main() {\n    io:println("x");\n}\n', "source"),
        ("a.note", "This is a note about what we want.\nIt has lines of plain prose, as one sees.\n", "text"),
        ("a.thing", '<?xml version="1.0"?>\n<a>\n</a>\n', "xml"),
        ("a.tbl", "name,age,city\nann,3,paris\nbob,4,rome\nzoe,5,oslo\n", None),
        ("a.nums", "1 2 3\n4 5 6\n7 8 9\n", None),
        ("a.keys", "QUJDQUJDQUJD\nQUJDQUJD\n", None),
        ("a.csv", "int f() {\n  return 1;\n}\n", None),
        ("a.svg", "int f() {\n  return 1;\n}\n", None),
        ("nosuffix", "int f() {\n  return 1;\n}\n", "source"),
    ],
)
def test_an_unknown_suffix_is_judged_by_content(path: str, text: str, language: str | None) -> None:
    assert getattr(language_of(path, "", text), "name", None) == language


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "source",
    [
        "AAA " * 20_000 + ";",
        "class " * 20_000,
        "class A" + " " * 50_000 + "x",
        "AAA(" + "x" * 50_000,
        "#if A\n" * 5_000,
        "#if A\nint f(\n" * 3_000 + "#endif\n" * 3_000,
        "#define A \\\n" * 20_000,
        "int " * 30_000 + "AAA f(",
    ],
)
def test_hiding_takes_no_long_time(source: str) -> None:
    started = time.process_time()
    extract("a.cpp", source, LANGUAGES["cpp"])
    assert time.process_time() - started < 20


@pytest.mark.parametrize("suffix", [".js", ".ts"])
@pytest.mark.parametrize(
    ("source", "name", "kind"),
    [
        ("export const load = createAsyncThunk('x', (id) => api.get(id))\n", "load", Kind.FUNCTION),
        ("const sum = createSelector([a, b], (x, y) => x + y)\n", "sum", Kind.FUNCTION),
        ("class A {\n  late = debounce(() => {\n    return 1\n  }, 100)\n}\n", "A.late", Kind.METHOD),
        ("const shop = defineStore('m', {\n  go(x) {\n    return x\n  },\n})\n", "shop.go", Kind.METHOD),
        ("Object.assign(A.prototype, {\n  go: function () {\n    return 1\n  },\n})\n", "A.go", Kind.METHOD),
    ],
)
def test_what_a_call_is_given_bears_the_name_of_its_result(suffix: str, source: str, name: str, kind: Kind) -> None:
    language = language_of(f"a{suffix}")
    assert language is not None
    assert (name, kind) in [(chunk.qualified_name, chunk.kind) for chunk in extract(f"a{suffix}", source, language)]


VUE = """<template>
  <p @click="sell">{{ total }}</p>
</template>

<script setup lang="ts">
/** Sells one. */
function sell(): void {
  emit('sold')
}
</script>

<style lang="scss">
.shop { color: red; }
</style>
"""


def test_a_part_in_another_language_keeps_its_lines() -> None:
    language = language_of("Shop.vue")
    assert language is not None
    chunks = {chunk.qualified_name: chunk for chunk in extract("Shop.vue", VUE, language)}
    assert {chunk.language for chunk in chunks.values()} == {"vue"}
    sell = chunks["sell"]
    assert (sell.kind, sell.span, sell.documentation) == (Kind.FUNCTION, Span(6, 9), "Sells one.")
    assert chunks[".shop"].span == Span(13, 13)
    assert chunks["template"].text_spans == (Span(1, 5), Span(10, 12), Span(14, 14))


def test_a_script_that_is_no_script_stays_with_the_markup() -> None:
    page = '<script type="text/x-template">\nfunction no() {\n  return 1\n}\n</script>\n<script>\nfunction yes() {\n}\n'
    language = language_of("a.html")
    assert language is not None
    assert {chunk.name for chunk in extract("a.html", page, language) if chunk.kind is Kind.FUNCTION} == {"yes"}


def test_definitions_that_a_grammar_makes_nothing_of_are_found() -> None:
    source = "CREATE TABLE a (id INT);\n\n-- Closes one.\nCREATE PROCEDURE dbo.Close @Id INT AS\nBEGIN\n  RETURN\nEND\n"
    language = language_of("a.sql")
    assert language is not None
    chunks = {chunk.qualified_name: chunk for chunk in extract("a.sql", source, language)}
    assert (chunks["dbo.Close"].kind, chunks["dbo.Close"].documentation) == (Kind.FUNCTION, "Closes one.")
    assert chunks["dbo.Close"].signature == "CREATE PROCEDURE dbo.Close @Id INT AS"
