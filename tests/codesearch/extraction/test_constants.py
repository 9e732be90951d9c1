"""What only has a name and a value: found by its name, and not so often that it crowds out the rest."""

from __future__ import annotations

import pytest

from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk, Kind


def constants(path: str, source: str) -> dict[str, Chunk]:
    language = language_of(path)
    assert language is not None
    chunks = extract(path, source, language)
    return {chunk.qualified_name: chunk for chunk in chunks if chunk.kind is Kind.MODULE and chunk.name}


@pytest.mark.parametrize(
    ("path", "source", "names"),
    [
        ("a.py", "import os\n\nLIMIT = 5\nName = str | int\napp = f()\n\ndef g():\n    INNER = 1\n", ["LIMIT", "Name"]),
        ("a.py", "class A:\n    LIMIT = 5\n    kind: str = 'x'\n", ["A.LIMIT"]),
        ("a.py", "class Colour(Enum):\n    RED = 1\n", []),
        (
            "a.h",
            "#ifndef A_H\n#define A_H\n#define LIMIT 4\ntypedef int (*callback)(int);\n#endif\n",
            ["LIMIT", "callback"],
        ),
        (
            "a.c",
            "int counter;\nstatic const char *names[] = { 0 };\nint f(void) { int x = 1; return x; }\n",
            ["counter", "names"],
        ),
        ("a.go", 'package a\n\nvar ErrGone = errors.New("x")\n\nconst (\n\tA = 1\n\tB = 2\n)\n', ["ErrGone", "A", "B"]),
        (
            "a.js",
            "const fs = require('fs');\nconst app = express();\nexport const limit = 3;\nconst MAX = 4;\n",
            ["limit", "MAX"],
        ),
        ("a.js", "const API = {\n  load() {\n    return 1;\n  },\n};\n", []),
        ("a.ts", "export const LIMIT: number = 3;\n", ["LIMIT"]),
        ("a.rs", 'pub const LIMIT: u32 = 3;\nstatic NAME: &str = "x";\n', ["LIMIT", "NAME"]),
        ("a.java", "class A {\n  static final int LIMIT = 3;\n  private int x = 4;\n}\n", ["A.LIMIT"]),
        ("a.cs", "class A {\n  public const int Limit = 3;\n  int x;\n}\n", ["A.Limit"]),
        ("a.php", "<?php\nconst LIMIT = 3;\ndefine('OTHER', 4);\n", ["LIMIT", "OTHER"]),
        ("a.rb", "module A\n  LIMIT = 3\n  x = 4\nend\n", ["A.LIMIT"]),
        ("a.kt", "const val LIMIT = 3\n", ["LIMIT"]),
        ("a.swift", "let limit = 3\n", ["limit"]),
        ("a.scala", "object A {\n  val Limit = 3\n}\n", ["A.Limit"]),
        ("a.sh", "LIMIT=3\nreadonly OTHER=4\n", ["LIMIT", "OTHER"]),
        ("a.lua", "local LIMIT = 3\nlocal M = {}\n", ["LIMIT"]),
        ("a.zig", "const limit = 3;\n", ["limit"]),
    ],
)
def test_constants_have_names(path: str, source: str, names: list[str]) -> None:
    assert list(constants(path, source)) == names


def test_a_comment_above_documents_it_and_its_line_is_shown() -> None:
    chunk = constants("a.go", "package a\n\n// Limit is how many.\nconst Limit = 3\n")["Limit"]
    assert chunk.documentation == "Limit is how many."
    assert (chunk.span.start, chunk.span.end, chunk.signature) == (3, 4, "const Limit = 3")


def test_the_text_of_a_type_keeps_its_constants() -> None:
    language = language_of("a.py")
    assert language is not None
    (holder, *_) = extract("a.py", "class A:\n    LIMIT = 5\n\n    def f(self):\n        return 1\n", language)
    assert holder.kind is Kind.TYPE
    assert "LIMIT = 5" in holder.text


def test_a_table_of_constants_stays_in_one_piece() -> None:
    table = "".join(f"#define REG_{number} 0x{number:x}\n" for number in range(60))
    assert constants("a.h", table) == {}
    documented = table + "/* Said. */\n#define LIMIT 3\n"
    assert list(constants("a.h", documented)) == ["LIMIT"]
