"""What of a chunk does something, and which chunks are tests."""

from __future__ import annotations

import pytest

from codesearch.extraction import extract
from codesearch.index.substance import substance_of
from codesearch.index.test_code import find_tests
from codesearch.languages import language_of
from codesearch.records import Chunk


def chunks_of(path: str, source: str) -> list[Chunk]:
    language = language_of(path, source.partition("\n")[0], source)
    assert language is not None
    return extract(path, source, language)


NOTHING = [
    ("a.py", "import gzip\nimport shutil\nfrom a.b import c as d\n"),
    ("a.py", "from a import (\n    b,\n    c,\n)\n\n__all__ = [\n    'b',\n    'c',\n]\n"),
    ("a.js", "const fs = require('fs');\nconst { a, b } = require('./ab');\n"),
    ("a.js", "import fs from 'fs';\nimport {\n  a,\n  b,\n} from './ab';\nexport * from './c';\nexport { a, b };\n"),
    ("a.go", 'package a\n\nimport (\n\t"errors"\n\t"fmt"\n)\n'),
    (
        "a.rs",
        "use std::{\n    fs,\n    io::{self, Read},\n};\npub use crate::net;\nmod tests_of;\nextern crate serde;\n",
    ),
    ("a.h", "#pragma once\n#include <stdio.h>\nstruct socket;\nclass Reader;\n"),
    ("a.java", "package a.b;\n\nimport java.util.List;\nimport static a.B.c;\n"),
    ("a.cs", "using System;\nusing System.IO;\n"),
    ("a.rb", "require 'json'\nrequire_relative 'a/b'\n"),
    ("a.php", "<?php\nuse A\\B;\nrequire_once 'c.php';\n"),
    ("a.lua", "local a = require('a')\nlocal b = require 'b'\n"),
    ("a.zig", 'const std = @import("std");\n'),
    ("a.dart", 'import "dart:math";\nexport "a.dart";\n'),
]


@pytest.mark.parametrize(("path", "source"), NOTHING)
def test_what_names_what_is_elsewhere_does_nothing(path: str, source: str) -> None:
    assert {chunk.text: substance_of(chunk) for chunk in chunks_of(path, source) if substance_of(chunk) > 1} == {}


SOMETHING = [
    ("a.py", "def read(path):\n    with open(path) as stream:\n        return stream.read()\n"),
    ("a.js", "const limit = 3;\nconst app = createServer(limit);\n"),
    ("a.js", "exports.read = function (path) {\n  return fs.readFileSync(path);\n};\n"),
    ("a.js", "export const read = (path) => fs.readFileSync(path);\n"),
    ("a.rs", "pub fn read(path: &Path) -> String {\n    fs::read_to_string(path)\n}\n"),
    ("a.rs", "mod inner {\n    pub fn read(path: &Path) -> String { fs::read(path) }\n}\n"),
    ("a.c", "struct socket {\n    int fd;\n    int port;\n};\n"),
    ("a.py", "class Alias:\n    import_path = open_path(settings, default)\n"),
    ("a.sql", "select name, total from orders where total > 5 and open = 1\n"),
]


@pytest.mark.parametrize(("path", "source"), SOMETHING)
def test_what_does_something_has_substance(path: str, source: str) -> None:
    assert sum(map(substance_of, chunks_of(path, source))) >= 5


def test_documentation_is_no_substance_and_a_huge_chunk_has_a_bound() -> None:
    short = "def f():\n    return go(1)\n"
    long = 'def f():\n    """Does this and that, and a great deal more than that."""\n    return go(1)\n'
    assert [substance_of(c) for c in chunks_of("a.py", short)] == [substance_of(c) for c in chunks_of("a.py", long)]
    (huge,) = chunks_of("a.md", "word " * 5_000)[:1]
    assert substance_of(huge) <= 1_000


RUST = """
pub fn add(a: i32) -> i32 { a }

#[cfg(test)]
mod tests {
    #[test]
    fn adds() { assert!(true) }
}
"""
GO = """
package qa

import "testing"

func TestA(t *testing.T) {
\tgo()
}

func TestB(t *testing.T) {
}
"""
JAVASCRIPT = """
describe('a', () => {
  it('does', () => {});
});
describe('b', () => {
  it('is', () => {});
});
"""
JAVA = """
class A {
  @Test
  void one() { go(); }

  @Test
  void two() { go(); }
}
"""
TESTS = [
    ("src/a.rs", RUST, {"tests.adds"}, {"add"}),
    ("src/helper.rs", "//! Test helpers.\n\npub fn device() -> Device { Device::new() }\n", {"device"}, set()),
    ("check/a.py", '"""Tests for the parser."""\n\n\ndef run():\n    pass\n', {"run"}, set()),
    ("qa/a.go", GO, {"TestA", "TestB"}, set()),
    ("qa/a.js", JAVASCRIPT, {""}, set()),
    ("qa/A.java", JAVA, {"A.one", "A.two", "A"}, set()),
    (
        "src/a.py",
        "def test_connection(to):\n    return to\n\n\ndef a():\n    go()\n\n\ndef b():\n    go()\n",
        set(),
        {"a"},
    ),
    ("src/a.py", '"""Testing of hypotheses: the t-test."""\n\n\ndef t_test(a):\n    return a\n', set(), {"t_test"}),
    ("src/latest.py", '"""The latest release."""\n\n\ndef latest(a):\n    return a\n', set(), {"latest"}),
]


@pytest.mark.parametrize(("path", "source", "tests", "product"), TESTS)
def test_tests_are_seen_by_what_is_in_them(path: str, source: str, tests: set[str], product: set[str]) -> None:
    chunks = chunks_of(path, source)
    found = {chunk.qualified_name: test for chunk, test in zip(chunks, find_tests(chunks), strict=True)}
    assert {name for name in tests if not found[name]} == set()
    assert {name for name in product if found[name]} == set()
