from __future__ import annotations

import numpy as np
import pytest

from codesearch.duplicates.shingles import Shingles
from codesearch.duplicates.tokens import Lexer
from codesearch.languages import LANGUAGES

PAIRS_EXACT = {
    "python": (
        "def f(a, b):\n    # why\n    return [a, b,]\n",
        "def g(a, b):\n        return [\n            a,\n            b\n        ]  # other\n",
    ),
    "go": ("func f(a int) int {\n\treturn a // x\n}", "func g(a int) int { /* y\n z */ return a }"),
    "javascript": ("function f(a) { return a + 1; }", "function g(a) {\n  return a + 1\n}"),
    "bash": ("f() {\n  echo hi # there\n}", "g() {\n  echo hi\n}"),
    "lua": ("function f(a) -- x\n return a end", "function g(a) --[[ y\n z ]] return a end"),
    "haskell": ("f x' = x' + 1 -- more", "g x' = x' + 1"),
    "rust": ("fn f<'a>(x: &'a str) -> char { 'x' }", "fn g<'a>(x: &'a str) -> char { // y\n 'x' }"),
    "php": ("function f($a) { # x\n return $a; }", "function g($a) { // y\n return $a; }"),
    "ruby": ("def f?(a)\n  a.nil?\nend", "def g?(a)\n  a.nil? # x\nend"),
}


def name_in(code: str, name: str) -> str:
    return f"{name}?" if f"{name}?" in code else name


@pytest.mark.parametrize("language", PAIRS_EXACT)
def test_copies_are_equal_but_for_name_comments_and_layout(language: str) -> None:
    assert language in LANGUAGES
    one, other = PAIRS_EXACT[language]
    lexer = Lexer()
    first = lexer.read(one, language, name_in(one, "f"))
    second = lexer.read(other, language, name_in(other, "g"))
    assert first[0] == second[0]
    assert first[1].tolist() == second[1].tolist()
    assert Lexer().read(one, language, name_in(one, "f"))[0] == first[0], "the same in every process"


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("python", "def f(a): return a + 1", "def f(a): return a - 1"),
        ("python", "def f(a): return '# no comment'", "def f(a): return '# another'"),
        ("go", 'func f() string { return "// a" }', 'func f() string { return "// b" }'),
        ("c", "int f(int a) { return a->b; }", "int f(int a) { return a.b; }"),
        ("c", "#define A 1\nint f() { return 1; }", "int f() { return 1; }"),
        ("rust", "#[inline]\nfn f() {}", "fn f() {}"),
        ("python", "def f(a): return f(a)", "def f(a): return h(a)"),
    ],
)
def test_what_differs_is_different(language: str, one: str, other: str) -> None:
    lexer = Lexer()
    assert lexer.read(one, language, "f")[0] != lexer.read(other, language, "f")[0]


def test_in_the_renamed_form_variables_and_literals_are_one_and_calls_and_members_stay() -> None:
    lexer = Lexer()

    def renamed(code: str) -> list[int]:
        return lexer.read(code, "python", "f")[1].tolist()

    one = renamed("def f(rows):\n    for row in rows:\n        send(row.name, 'x', 10)\n")
    assert one == renamed('def f(items):\n    for it in items:\n        send(it.name, "other", 2.5)\n')
    assert one != renamed("def f(rows):\n    for row in rows:\n        drop(row.name, 'x', 10)\n")
    assert one != renamed("def f(rows):\n    for row in rows:\n        send(row.size, 'x', 10)\n")
    assert one != renamed("def f(rows):\n    while row in rows:\n        send(row.name, 'x', 10)\n")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "'",
        '"',
        "`",
        "/*",
        '"""',
        "\\",
        "é = 'ü'",
        "\0",
        "\udcff",
        "'" * 9_999,
        "/*" * 99_999,
        "--[[" * 99_999,
        "\\'''" * 99_999,
        "`" * 9_999,
    ],
    ids=lambda code: repr(code)[:10],
)
@pytest.mark.parametrize("language", ["python", "c", "rust", "haskell", "lua"])
def test_nothing_stops_the_lexer(code: str, language: str) -> None:
    Lexer().read(code, language, "f")


# --- shingles -----------------------------------------------------------------------------------------------


def edited(random: np.random.Generator, tokens: np.ndarray, changes: int) -> np.ndarray:
    changed = tokens.copy()
    changed[random.choice(len(tokens), changes, replace=False)] = random.integers(1000, 2000, changes)
    return changed


def test_similarity_is_the_share_of_runs_in_common() -> None:
    one = np.arange(20, dtype=np.int32)
    other = np.concatenate([np.arange(10), np.arange(50, 60)]).astype(np.int32)
    # 16 runs each; 0-4 to 5-9 are six in common
    assert Shingles([one, other, one]).similarity(0, [1, 2]).tolist() == pytest.approx([6 / 26, 1.0])


def test_all_near_pairs_are_found_and_no_others() -> None:
    random = np.random.default_rng(1)
    base = [random.integers(0, 500, size).astype(np.int32) for size in random.integers(40, 200, 300)]
    tokens = base + [edited(random, one, max(1, len(one) // 50)) for one in base]
    shingles = Shingles(tokens)
    expected = {
        (i, j)
        for i in range(len(tokens))
        for j, share in enumerate(shingles.similarity(i, range(len(tokens))))
        if i < j and share >= 0.7
    }
    pairs, shares = shingles.pairs(0.7)
    found = {(int(i), int(j)) for i, j in pairs}
    assert found <= expected
    assert len(found) >= 0.98 * len(expected) > 200
    assert shares.min() >= 0.7
    assert len(found) == len(pairs), "each pair once"


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count: int) -> None:
    pairs, shares = Shingles([np.arange(9, dtype=np.int32)] * count).pairs(0.7)
    assert (pairs.shape, shares.shape) == ((0, 2), (0,))


def test_a_crowd_of_copies_does_not_take_the_square_of_its_size() -> None:
    one = np.arange(60, dtype=np.int32)
    pairs, _ = Shingles([one] * 3000).pairs(0.7)
    assert len(pairs) < 3000 * 64
