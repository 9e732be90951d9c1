"""Data inside of source text: what is taken for it, what is left, and that no text costs the square of its length."""

from __future__ import annotations

import re
import time
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.extraction import extract
from codesearch.formats.blobs import data_rows, shorten_line, without_literals
from codesearch.languages import LANGUAGES
from codesearch.records import Chunk

BASE64 = "QUJDRA+/" * 2_000


@pytest.mark.parametrize(
    ("line", "shortened"),
    [
        (f'x = "{BASE64}"', 'x = "' + BASE64[:59] + '…"'),
        (f'x = {{"a": "{BASE64}", "b": 1}}', None),
        (f"src: url(data:font/woff;base64,{BASE64})", None),
        ("t = {" + ", ".join(map(str, range(900))) + "};", None),
        ("w = [" + ", ".join(f'"w{i}"' for i in range(900)) + "]", None),
        ("o = [" + ", ".join(f'{{a: "w{i}", b: [{i}]}}' for i in range(900)) + "];", None),
        ('s = "' + r"\x1f\"\\" * 900 + '"', None),
    ],
)
def test_a_long_literal_is_cut_to_its_beginning(line: str, shortened: str | None) -> None:
    found = shorten_line(line)
    assert shortened in (None, found)
    assert len(found) < 700
    assert found.startswith(line[:40])
    for opening, closing in ("()", "[]", "{}"):
        assert found.count(opening) == found.count(closing)
    assert re.sub(r"\\.", "", found).count('"') % 2 == 0
    assert len(without_literals(line)) < 100


@pytest.mark.parametrize(
    "line",
    [
        "x = 1",
        'x = "' + "0" * 300 + '"',
        "if (" + " && ".join(f"ready{i}(state)" for i in range(60)) + ") {",
        'message = "' + "some words that are read " * 40 + '"',
        "function a(b,c){var d='x';return b.map(function(e){return e+c+d})};" * 50,
    ],
)
def test_code_and_words_stay_as_they_are(line: str) -> None:
    assert shorten_line(line) == line


def test_only_the_middle_of_many_rows_of_data_is_left_out() -> None:
    table = [f"  0x{i:02x}, 0x{i + 1:02x}, 0x{i + 2:02x}, 0x{i + 3:02x}," for i in range(64)]
    lines = ["static const int t[] = {", *table, "};"]
    assert list(data_rows(lines)) == [range(5, 64)]
    assert list(data_rows(["{", *table[:20], "}"])) == []
    assert list(data_rows(["x();"] * 100 + ["y(1)"])) == []
    assert list(data_rows([BASE64[:76]] * 50)) == [range(4, 49)]


def chunks_of(path: str, language: str, source: str) -> list[Chunk]:
    return extract(path, source, LANGUAGES[language])


@pytest.mark.parametrize(
    ("path", "language", "source"),
    [
        ("a.py", "python", f'D = """\n{chr(10).join([BASE64[:76]] * 900)}\n"""\n\n\ndef f(x):\n    return D\n'),
        ("a.c", "c", "int d[] = {\n" + "  1, 2, 3, 4, 5, 6,\n" * 900 + "};\n\n\n\nint f(void) { return d[0]; }\n"),
        ("a.sh", "bash", 'D="' + f"{BASE64[:76]}\\\n" * 900 + '"\n\n\n\nf() {\n  echo "$D"\n}\n'),
        ("a.js", "javascript", "\n" * 904 + f'const D = "{BASE64}";\nfunction f() {{ return D; }}\n'),
    ],
)
def test_lines_keep_their_numbers_and_functions_are_found_beside_data(path: str, language: str, source: str) -> None:
    chunks = chunks_of(path, language, source)
    function = next(chunk for chunk in chunks if chunk.name == "f")
    assert function.span.start == next(n for n, line in enumerate(source.split("\n"), 1) if " f(" in f" {line}")
    lines = source.split("\n")
    for chunk in chunks:
        assert len(chunk.text) < 1_000
        numbers = [n for span in chunk.text_spans for n in range(span.start, span.end + 1)]
        shown = chunk.text.split("\n")
        assert all(lines[n - 1].startswith(line[:40]) for n, line in zip(numbers, shown, strict=True))


HALF = 250_000


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "line",
    [
        '\\"' * HALF,
        "'\"" * HALF,
        ("a" * 199 + " ") * (HALF // 100),
        ("1," * 39 + "x ") * (HALF // 40),
        ('"a",' * 39 + "x;") * (HALF // 80),
        "1" + " " * HALF + "z",
        "1." * HALF,
        '"a",' * 39 + '"' + "b c " * (HALF // 2),
        "[" * HALF,
    ],
)
def test_no_line_takes_long(line: str) -> None:
    started = time.process_time()
    shorten_line(line)
    without_literals(line)
    list(data_rows([line] * 2 + [""] * 40))
    assert time.process_time() - started < 10


@given(runs=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=8))
def test_rows_of_data_are_found_wherever_they_begin(runs: list[tuple[bool, int]]) -> None:
    row = BASE64[:76]
    lines = [row if is_data else "call();" for is_data, length in runs for _ in range(length)]
    expected = []
    for is_data, rows in groupby(range(len(lines)), lambda at: lines[at] == row):
        of_run = list(rows)
        if is_data and len(of_run) >= 24:
            expected.append(range(of_run[4], of_run[-1]))
    assert list(data_rows(lines)) == expected
