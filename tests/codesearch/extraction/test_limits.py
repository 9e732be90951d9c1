"""No text makes a grammar take time or memory without end; what is given up is read without it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest

from codesearch.extraction import extract, grammars, missing_grammars
from codesearch.extraction.landmarks import landmarks
from codesearch.extraction.source import Source
from codesearch.languages import LANGUAGES, Language
from codesearch.records import Kind
from tests.codesearch.extraction.hostile import SHAPES, hostile_text

if sys.platform != "win32":
    import resource

_CALL_SECONDS = 120
"""What a call may take in a worker."""

_WORKER_BYTES = 4 << 30
"""What a worker may take."""

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


@pytest.mark.parametrize("language", GRAMMARS)
def test_nesting_and_repetition_with_other_names_each_time_are_read_to_the_end(language: str) -> None:
    row = LANGUAGES[language]
    for shape in SHAPES:
        text = hostile_text(shape, 8_000)
        assert any("1" in chunk.text for chunk in extract(f"a{(*row.suffixes, '')[0]}", text, row)), shape


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("CODESEARCH_LONG"), reason="an hour: set CODESEARCH_LONG=1")
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("language", GRAMMARS)
def test_no_mebibyte_takes_more_than_a_worker_may(language: str) -> None:
    """43 grammars, 15 shapes and 31 patterns, each in a process of its own with the limits that workers have."""
    row = LANGUAGES[language]
    texts = {shape: hostile_text(shape, 1 << 20) for shape in SHAPES}
    texts |= {pattern: hostile(pattern, 1 << 20) for pattern in PATTERNS}
    used = {name: _cost(f"a{(*row.suffixes, '')[0]}", text, row) for name, text in texts.items()}
    slowest, largest = (max(used, key=lambda name: used[name][number]) for number in (0, 1))
    print(f"{language}: {used[slowest][0]:.1f} s for {slowest!r}, {used[largest][1] >> 20} MiB for {largest!r}")


def _cost(path: str, text: str, row: Language) -> tuple[float, int]:
    """Extract in a copy of this process; returns its processor seconds and its most memory in bytes."""
    process = os.fork()
    if process == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (_CALL_SECONDS, _CALL_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (_WORKER_BYTES, _WORKER_BYTES))
            os._exit(0 if extract(path, text, row) is not None else 1)
        finally:
            os._exit(1)
    _, status, usage = os.wait4(process, 0)
    assert status == 0, f"{path}: {text[:60]!r}"
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


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
