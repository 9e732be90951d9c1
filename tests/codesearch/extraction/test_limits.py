"""No text makes a grammar take time or memory without end; what is given up is read without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codesearch.extraction import extract, grammars, missing_grammars
from codesearch.extraction.landmarks import landmarks
from codesearch.extraction.source import Source
from codesearch.languages import LANGUAGES
from codesearch.records import Kind

GRAMMARS = sorted(name for name, language in LANGUAGES.items() if language.grammar)

PATTERNS = (
    "<", "(", "[", "{", ")", "}", "f();", "a(", "if(", "<a>", "a<b,", "/*", "'", '"', "`", "\\", "#", "@", "::", "->",
    "x = ", "begin ", "<<E\n", "\n\t", "((((a", "&&", "!", "$(", "${", "?:", "/", "*", "-", "..", "\n}",
)  # fmt: skip


def hostile(pattern: str, size: int) -> str:
    return "x = " + "\n".join([pattern * 79] * (size // (79 * len(pattern)) + 1))


@pytest.mark.parametrize("language", GRAMMARS)
def test_no_repetition_is_too_much_for_a_grammar(language: str) -> None:
    row = LANGUAGES[language]
    for pattern in PATTERNS[:12]:
        chunks = extract(f"a{(*row.suffixes, '')[0]}", hostile(pattern, 64_000), row)
        assert chunks or not any(character.isalnum() for character in pattern)


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.parametrize("language", GRAMMARS)
def test_no_repetition_of_a_mebibyte_is_either(language: str) -> None:
    row = LANGUAGES[language]
    for pattern in PATTERNS:
        extract(f"a{(*row.suffixes, '')[0]}", hostile(pattern, 1 << 20), row)


def sound_text() -> str:
    return "".join(f"step_{number}() {{\n  echo {number}\n}}\n" for number in range(400))


@pytest.mark.parametrize(("limit", "value"), [("_LIMIT_SECONDS", 0.0), ("_LIMIT_BYTES", -(1 << 40))])
def test_a_parse_beyond_a_limit_is_given_up(monkeypatch: pytest.MonkeyPatch, limit: str, value: float) -> None:
    bash = LANGUAGES["bash"]
    text = sound_text() + "\nneedle() {\n  echo found\n}\n"
    assert grammars.parse(text.encode(), bash).matches
    monkeypatch.setattr(grammars, limit, value)
    monkeypatch.setattr(grammars, "_REPORTS_BETWEEN_CHECKS", 1)
    tree = grammars.parse(text.encode(), bash)
    assert not tree.matches
    assert tree.has_error
    assert any("needle" in chunk.text for chunk in extract("a.sh", text, bash))


def test_repetitive_text_is_not_parsed_and_still_searched() -> None:
    bash = LANGUAGES["bash"]
    text = hostile("<", 30_000) + "\nneedle() {\n  echo found\n}\n"
    assert not grammars.parse(text.encode(), bash).matches
    assert any("needle" in chunk.text for chunk in extract("a.sh", text, bash))


def test_a_table_is_code() -> None:
    """The same words on each line are no attack."""
    rows = "".join(f"    ({n}, 'name', 'description', None, None),\n" for n in range(2_000))
    text = f"TABLE = [\n{rows}]\n\n\ndef needle():\n    return TABLE\n"
    assert "needle" in [chunk.name for chunk in extract("a.py", text, LANGUAGES["python"])]


def test_a_grammar_that_cannot_be_loaded_is_named_and_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(LANGUAGES["dart"], grammar="no_such_wheel")
    monkeypatch.setattr(grammars, "_failures", {})
    for _ in range(2):
        (chunk,) = extract("a.dart", "/// Adds one.\nint found(int a) {\n  return a + 1;\n}\n", row)
        assert (chunk.name, chunk.kind, chunk.documentation) == ("found", Kind.FUNCTION, "Adds one.")
    assert missing_grammars() == {"dart": "ModuleNotFoundError: No module named 'no_such_wheel'"}


def test_every_grammar_is_here() -> None:
    assert missing_grammars(LANGUAGES[name] for name in GRAMMARS) == {}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", [*PATTERNS, "* ", "a ", "a, ", "a::", "static ", "[a]", "a*", "' "])
def test_no_line_is_too_much_for_a_landmark(pattern: str) -> None:
    """Such as a row of 79 stars above a heading, which Objective-C's took for a type that never ends."""
    source = Source("\n".join([f"x = {pattern * 79}", pattern * 79, f"  {pattern * 79}("]))
    for row in LANGUAGES.values():
        landmarks(source, row)
