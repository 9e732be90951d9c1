"""Questions from a repository's history, and recipes compared on them."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from codesearch.errors import InputError
from codesearch_eval.encoder.datasets import DataFolder
from codesearch_eval.encoder.recipe import RECIPES, Vectors, compare_recipes, main, read_cosqa
from codesearch_eval.repositories.history import RepositoryQuestions, read_repository_questions, without_documentation
from codesearch_train.export.conversion import export

FIRST = '''def load(path):
    """Read the settings from a file on the disk."""
    text = path.read_text()
    return parse(text)


def parse(text):
    """Turn the text of a file into settings."""
    lines = text.split()
    return lines


def save(path):
    path.write_text("")
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits after the first: one that asks, one whose subject is noise, one in a test."""
    work = tmp_path / "repositories" / "sample"
    work.mkdir(parents=True)

    def commit(subject: str, files: dict[str, str]) -> None:
        for path, text in files.items():
            (work / path).parent.mkdir(exist_ok=True)
            (work / path).write_text(text)
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        for command in (["add", "."], [*identity, "commit", "-qm", subject]):
            subprocess.run(["git", "-C", str(work), *command], check=True)

    subprocess.run(["git", "init", "-q", str(work)], check=True)
    commit("Begin", {"settings.py": FIRST, "tests/test_settings.py": "def test_load():\n    assert True\n"})
    split = FIRST.replace("text.split()", "text.splitlines()")
    commit("fix(settings): Keep blanks inside of a line (#12)", {"settings.py": split})
    commit("Bump the version of all dependencies", {"settings.py": split.replace('""', '"x"')})
    commit("Check that loading settings works", {"tests/test_settings.py": "def test_load():\n    assert 1\n"})
    return work


@pytest.fixture
def questions(repository: Path) -> RepositoryQuestions:
    return read_repository_questions(repository / ".git", "sample", max_chunks=100)


@pytest.fixture(scope="module")
def model(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("models") / "tiny"
    export(tiny_bert, target, max_query_tokens=16, max_document_tokens=48)
    return target


def test_a_focused_commit_asks_for_the_functions_it_changed(questions: RepositoryQuestions) -> None:
    (question,) = questions.commits
    assert question.text == "Keep blanks inside of a line"
    (answer,) = (questions.chunks[position] for position in question.answers)
    assert answer.qualified_name == "parse"
    assert "text.split()" in answer.code, "the answer is the function as it was before the change"


def test_documented_functions_are_asked_for_and_lose_their_documentation(questions: RepositoryQuestions) -> None:
    asked = [questions.chunks[position] for position in questions.documented]
    assert sorted(chunk.name for chunk in asked) == ["load", "parse"]
    assert all(chunk.documentation for chunk in asked)
    for bare in map(without_documentation, asked):
        assert "settings" not in bare.text
        assert "return" in bare.text


def test_a_small_pool_still_holds_every_answer(repository: Path) -> None:
    small = read_repository_questions(repository / ".git", "sample", max_chunks=1)
    assert {small.chunks[position].name for question in small.commits for position in question.answers} == {"parse"}
    assert len(small.chunks) == 2


def test_what_is_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git cannot read"):
        read_repository_questions(tmp_path, "none", max_chunks=10)


def test_the_documentation_of_the_answer_alone_is_left_out(questions: RepositoryQuestions, model: Path) -> None:
    # A recipe that encodes documentation only: were it left in, its own text would always be found first.
    recipes = {"documentation": lambda chunk: chunk.documentation or "z"}
    vectors = Vectors(model, threads=1)
    measured = compare_recipes(recipes, [questions], None, vectors=vectors, limit=48)["documentation"]
    (ranks,) = measured.reciprocal_ranks["documentation"]
    assert ranks.max() < 1


def test_vectors_do_not_depend_on_what_was_encoded_before(model: Path) -> None:
    texts = ["parse json", "a file that is long enough to be cut somewhere", "parse json"]
    fresh = {limit: Vectors(model, threads=1).documents(texts, limit) for limit in (6, 48)}
    shared = Vectors(model, threads=2)
    for limit in (6, 48, 6):
        assert np.sum(shared.documents(texts, limit) * fresh[limit], axis=1).min() > 0.98
    assert not np.allclose(fresh[6][1], fresh[48][1], atol=0.05)
    assert shared.mean_tokens(["parse json"] * 2, 3) == 3


def test_tables_name_every_recipe_and_limit(repository: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    main(
        [
            *("--repositories", str(repository.parent), "--data", str(_cosqa(tmp_path))),
            *("--model", str(model), "--output", str(output), "--threads", "1"),
        ]
    )
    text = output.read_text()
    assert all(f"| {name} " in text for name in [*RECIPES, "sample", "48"])
    assert "cosqa MRR" in text


def test_a_pool_of_cosqa_keeps_its_answers(tmp_path: Path) -> None:
    read = read_cosqa(DataFolder(_cosqa(tmp_path)), max_functions=2)
    (question,) = read.commits
    answer = read.chunks[question.answers[0]]
    assert (len(read.chunks), answer.name, answer.documentation) == (2, "two", "Return the second number.")
    assert "second" not in answer.code
    assert answer.path == ""


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="clone a few repositories"):
        main(["--repositories", str(tmp_path), "--data", str(tmp_path), "--output", str(tmp_path / "out.md")])


def _cosqa(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "cosqa"
    folder.mkdir(parents=True)
    codes = {
        "def one():\n    return 1": 0,
        'def two():\n    """Return the second number."""\n    return 2': 1,
        "def three(:": 2,
    }
    rows = [{"idx": "q1", "doc": "python second number", "retrieval_idx": 1}]
    for name, content in (("code_idx_map.txt.gz", codes), ("cosqa-retrieval-dev-500.json.gz", rows)):
        with gzip.open(folder / name, "wt") as file:
            json.dump(content, file)
    return folder.parent
