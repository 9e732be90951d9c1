"""What an agent reads, counted on a small repository: nothing is seen that was not shown, nothing is free."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError
from codesearch.mcp.tokens import count_tokens
from codesearch_eval.agents.costs import (
    BUDGET,
    Cost,
    choose,
    draw_curves,
    measure,
    read_costs,
    tokens_table,
    tokens_until_seen,
)
from codesearch_eval.agents.reading import Reading, Text, read_by_grep, read_files
from codesearch_eval.json_lines import write_records
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Half, Question, QuestionKind

HEADER = """def parse_header(text):
    method, path = text.split(" ", 1)
    if not path:
        raise ValueError("the header of the message has no path")
    return method, path
"""
OTHER = "def add_numbers(first, second):\n    total = first + second\n    return total\n"


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def question(kind: QuestionKind, text: str, tree: str = "", name: str = "parse_header") -> Question:
    return Question(kind, text, tree, ("net.py",), (("net.py", name),), "x")


def text_of(source: str) -> Text:
    return Text(tuple(source.split("\n")), tuple(source.lower().split("\n")))


def test_both_ways_are_measured_in_the_tree_that_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "clone"
    root.mkdir()
    git(root, "init", "-q")
    (root / "net.py").write_text(HEADER)
    (root / "sums.py").write_text(OTHER)
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    tree = git(root, "rev-parse", "HEAD")
    repository = BenchmarkRepository("owner/clone", "python", Half.HELD_OUT, tree)
    asked = [
        question(QuestionKind.COMMIT, "parse the header of a message", tree),
        question(QuestionKind.COMMIT, "quaternion rotation", tree),
        question(QuestionKind.COMMIT, "parse the header", tree, "gone"),
    ]
    costs = list(measure(root / ".git", repository, asked, HashingEncoder()))
    assert [cost.question for cost in costs] == ["parse the header of a message", "quaternion rotation"]
    whole = count_tokens(HEADER)
    assert costs[0].ours is not None
    assert costs[0].grep is not None
    assert costs[0].ours > whole  # line numbers and headings cost as well
    assert costs[0].grep > whole
    assert costs[1].grep is None


def test_grep_opens_the_file_with_the_most_different_words_first_and_no_line_twice() -> None:
    filler = "x = 1\n" * 200
    files = {
        "many.py": text_of("parse\n" * 50),
        "right.py": text_of(f"{filler}parseHeader of a message\n{filler}header\n"),
    }
    readings = list(read_by_grep(files, "parse the headers of messages"))
    assert readings[0].text.splitlines()[0] == "right.py:2"
    assert readings[0].shown == frozenset()
    assert ("right.py", 201) in readings[1].shown
    assert ("right.py", 1) not in readings[1].shown
    shown = [pair for reading in readings for pair in reading.shown]
    assert len(shown) == len(set(shown))


EQUALLY_RARE = """
from codesearch_eval.agents.reading import Text, read_by_grep

first, second = ("alpha", "bravo", "camel", "delta"), ("eagle", "foxes", "glove", "hotel")
texts = {"a.py": " ".join(first), "b.py": " ".join(second)}
for place, count in enumerate((2, 6, 10, 12)):
    for words in (first, second):
        texts |= {f"c{words[place]}{number}.py": words[place] for number in range(count)}
files = {path: Text((text,), (text,)) for path, text in texts.items()}
print(*next(read_by_grep(files, " ".join(first + second))).text.split()[:2])
"""


def test_files_of_equally_rare_words_are_in_the_same_order_in_every_run() -> None:
    for seed in range(6):
        command = [sys.executable, "-c", EQUALLY_RARE]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        assert found == "a.py:1 b.py:1\n", seed


def test_grep_finds_nothing_where_no_word_occurs() -> None:
    assert list(read_by_grep({"a.py": text_of("x = 1")}, "parse header")) == []


def test_a_function_is_seen_once_half_of_it_or_twenty_lines_were_shown() -> None:
    long = [frozenset(("a.py", n) for n in range(1, 101))]
    first, second = (Reading("word " * 10, frozenset(("a.py", n) for n in range(s, s + 10))) for s in (1, 11))
    assert tokens_until_seen([first], long) is None
    assert tokens_until_seen([first, first], long) is None
    assert tokens_until_seen([first, second], long) == 20
    short = [frozenset({("a.py", 1), ("a.py", 2), ("a.py", 50)})]
    assert tokens_until_seen([second, first], short) == 20
    assert tokens_until_seen([Reading("word " * (BUDGET + 1), frozenset({("a.py", 1)}))], short) is None


def test_files_that_are_no_text_are_not_searched(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe\x00")
    assert set(read_files(tmp_path, ["a.py", "b.bin", "missing.py"])) == {"a.py"}


def test_half_of_the_questions_are_from_commits_where_there_are_enough() -> None:
    commits = [question(QuestionKind.COMMIT, str(n)) for n in range(9)]
    documented = [question(QuestionKind.DOCUMENTATION, str(n)) for n in range(9)]
    names = [question(QuestionKind.SYMBOL, str(n)) for n in range(9)]
    chosen = choose([*commits, *documented, *names], 8)
    assert [q.kind for q in chosen] == [QuestionKind.COMMIT] * 4 + [QuestionKind.DOCUMENTATION] * 4
    assert chosen == choose([*commits, *documented, *names], 8)
    assert len(choose([*commits, *documented[:1]], 8)) == 8


def test_the_table_and_the_figure_of_what_was_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    costs = [Cost("a/b", "commit", "q", 400, 3_000), Cost("a/b", "commit", "r", 1_500, None)]
    write_records(costs, tmp_path / "tokens.jsonl")
    assert read_costs(tmp_path / "tokens.jsonl") == costs
    rows = {line.split("|")[1].strip(): line for line in tokens_table(costs).splitlines()}
    assert "50.0 [" in rows["500"]
    assert "100.0 [100.0, 100.0]" in rows["2,000"]
    assert "0.0 [0.0, 0.0]" in rows["2,000"]
    draw_curves(costs, tmp_path / "tokens.png")
    assert (tmp_path / "tokens.png").read_bytes().startswith(b"\x89PNG")


def test_a_measurement_that_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"no": 1}\n')
    for name in ("none.jsonl", "bad.jsonl"):
        with pytest.raises(InputError, match="holds no measurement"):
            read_costs(tmp_path / name)
