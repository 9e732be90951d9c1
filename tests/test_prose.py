"""README, guide and help are written in short sentences; no document rests on what nobody can repeat."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import typer

from codesearch.cli.app import app
from codesearch_eval.cli import app as eval_app
from codesearch_train.cli import app as train_app

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDE = [README, *sorted((ROOT / "docs" / "guide").glob("*.md"))]

PROGRAMS = {"codesearch": app, "codesearch-eval": eval_app, "codesearch-train": train_app}
LONGEST = 40
MEDIAN = 18
README_LINES = 120

ITEM = re.compile(r"\s*(?:[-*+]|\d+\.)\s+")
END = re.compile(r"(?<=[.!?])[)\"*_]*\s+(?=[\"(*_]*[A-Z0-9`])")
UNREPEATABLE = re.compile(
    r"\b(?:script|program|tool|code)s?\s(?:that\s)?(?:is|was|are|were)\snot\skept\b", re.IGNORECASE
)
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|mnt|scratch|Users)/\w+|\b[A-Z]:\\Users\\")


def paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs and items of lists: no code, tables, headings, pictures or comments."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*```.*?^\s*```\s*$", "\n", text, flags=re.DOTALL | re.MULTILINE)
    lines: list[str] = []
    in_list = False
    for line in [*text.splitlines(), ""]:
        code = re.match(r" {4,}|\t", line) and not lines and not in_list
        if not line.strip() or code or line.lstrip().startswith(("|", "#", "![", "<")) or ITEM.match(line):
            if lines:
                yield " ".join(lines)
            lines = []
        if ITEM.match(line):
            in_list = True
            lines.append(ITEM.sub("", line, count=1).strip())
        elif line.strip() and not code and not line.lstrip().startswith(("|", "#", "![", "<")):
            in_list = in_list and line.startswith(" ")
            lines.append(line.strip())


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a document; inline code counts as one word, a link as its words."""
    for paragraph in paragraphs(text):
        plain = re.sub(r"`[^`]+`", "`code`", paragraph)
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", plain)
        plain = re.sub(r"\b(e\.g|i\.e|etc|vs)\.", r"\1", plain)
        yield from (sentence.strip() for sentence in END.split(plain) if sentence.strip())


def words(sentence: str) -> int:
    return sum(bool(re.search(r"\w", word)) for word in sentence.split())


def help_texts(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the paragraphs of the help of a command and of those below it, but for examples; then of its parameters."""
    for paragraph in re.split(r"\n\s*\n", (command.help or "").partition("Examples:")[0].replace("\b", "")):
        yield name, paragraph
    for parameter in command.params:
        yield f"{name} {parameter.name}", getattr(parameter, "help", None) or ""
    for below, child in getattr(command, "commands", {}).items():
        yield from help_texts(child, f"{name} {below}")


def help_sentences() -> Iterator[tuple[str, str]]:
    for program, application in PROGRAMS.items():
        for name, text in help_texts(typer.main.get_command(application), program):
            yield from ((name, sentence) for sentence in sentences(" ".join(text.split())))


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def tracked() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode:
        return [README, *sorted((ROOT / "docs").rglob("*.md"))]
    names = (name for name in listed.stdout.split("\0") if name and not name.startswith("tests/data/"))
    return [ROOT / name for name in names if (ROOT / name).exists()]


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= README_LINES


def test_half_of_the_sentences_are_short() -> None:
    lengths = [words(sentence) for document in GUIDE for sentence in sentences(document.read_text("utf-8"))]
    assert len(lengths) > 100
    assert median(lengths) < MEDIAN


@pytest.mark.parametrize("document", GUIDE, ids=name_of)
def test_no_sentence_is_long(document: Path) -> None:
    assert [s for s in sentences(document.read_text("utf-8")) if words(s) > LONGEST] == []


def test_the_help_is_written_in_short_sentences() -> None:
    found = list(help_sentences())
    assert len(found) > 200
    assert median(words(sentence) for _, sentence in found) < MEDIAN
    assert [(name, s) for name, s in found if words(s) > LONGEST] == []


@pytest.mark.parametrize("document", tracked(), ids=name_of)
def test_every_figure_can_be_repeated(document: Path) -> None:
    """A figure names its command; one that a lost script made is not printed."""
    text = " ".join(document.read_text("utf-8").split())
    assert [match[0] for match in UNREPEATABLE.finditer(text)] == []


@pytest.mark.parametrize("document", tracked(), ids=name_of)
def test_no_document_names_a_folder_of_one_machine(document: Path) -> None:
    assert [match[0] for match in MACHINE_PATH.finditer(document.read_text("utf-8"))] == []


def test_how_sentences_are_counted() -> None:
    text = (
        "# A heading of many words\n\nOne two `a b c` four.  Five\nsix? (Seven.)\n\n    code that is. Not counted\n\n"
        "- An item,\n  with a [link of words](x.md) in it\n- Another: one\n\n| a | table |\n\n```sh\ncode. Again\n```\n"
    )
    assert [words(sentence) for sentence in sentences(text)] == [4, 2, 1, 9, 2]


@pytest.mark.parametrize("text", ["by a script that was not kept.", "by scripts that\nwere not kept"])
def test_a_lost_script_is_noticed(text: str) -> None:
    assert UNREPEATABLE.search(" ".join(text.split()))
