"""The benchmark of whole repositories, on a small repository made on the spot."""

from __future__ import annotations

import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError
from codesearch.records import Kind
from codesearch.search.candidates import Candidate
from codesearch.search.pipeline import CANDIDATES
from codesearch.search.ranking import CandidateSet, RankedCandidate, parse_question, rank
from codesearch.search.ranking.signals import SIGNALS
from codesearch_eval.json_lines import write_records
from codesearch_eval.repositories.ablation import ablation_table
from codesearch_eval.repositories.benchmark import (
    UNANSWERABLE,
    BenchmarkRepository,
    Half,
    Question,
    QuestionKind,
    is_sealed,
    read_list,
    read_questions,
)
from codesearch_eval.repositories.commands import app
from codesearch_eval.repositories.fit import (
    GIVEN,
    by_words_only,
    cross_validate,
    earned_signals,
    examples_of,
    fit,
    fit_shipped,
    ndcg_of,
)
from codesearch_eval.repositories.headline import HEADLINE, headline, question_weights
from codesearch_eval.repositories.history import documentation_question
from codesearch_eval.repositories.peers import peer_tables
from codesearch_eval.repositories.questions import commit_questions, make_questions, symbol_questions
from codesearch_eval.repositories.runs import QuestionCandidates, ask_repository, read_asked, write_asked
from codesearch_eval.repositories.scores import chunk_order, file_order, kind_table, score, score_orders
from codesearch_eval.repositories.trees import find_repository, trees

FIRST = '''import json


def parse_header(text):
    """Split the first line of a message into its method and its path."""
    method, path = text.split(" ", 1)
    if not path:
        raise ValueError("the header of the message has no path")
    return method, path


class HttpServer:
    def serve_forever(self):
        while True:
            self.handle_request()
'''
OTHER = "def unrelated_helper_function(value):\n    total = value + 1\n    print(total)\n    return total\n"


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("clones") / "owner+name"
    (root / "src").mkdir(parents=True)
    (root / "tests").mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "src" / "http.py").write_text(FIRST)
    (root / "src" / "other.py").write_text(OTHER)
    (root / "tests" / "test_http.py").write_text("def test_parse_header():\n    assert True\n    assert 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Begin with a server")
    (root / "src" / "http.py").write_text(FIRST.replace('split(" ", 1)', 'split(" ", 2)'))
    body = "Clients send it after the path, and so every path that was looked up held it too."
    git(root, "commit", "-qam", f"fix: keep the protocol out of the path (#12)\n\n{body}")
    (root / "src" / "other.py").write_text(OTHER + "\n")
    git(root, "commit", "-qam", "Bump version of the release to 1.2")
    return root, git(root, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(clone: tuple[Path, str]) -> BenchmarkRepository:
    return BenchmarkRepository("owner/name", "python", Half.FIT, clone[1])


def test_the_committed_list_is_as_large_and_as_varied_as_it_says() -> None:
    found = read_list()
    halves = {half: [r for r in found if r.half is half] for half in Half}
    assert min(map(len, halves.values())) >= 25
    assert len({r.language for r in found}) >= 12
    assert all(len(r.commit) == 40 for r in found)


def test_a_list_that_names_a_repository_twice_is_refused(tmp_path: Path) -> None:
    line = "\t".join(["a/b", "python", "fit", "0" * 40])
    (tmp_path / "list.tsv").write_text(f"repository\tlanguage\thalf\tcommit\n{line}\n{line}\n")
    with pytest.raises(InputError, match="twice"):
        read_list(tmp_path / "list.tsv")


def test_a_commit_asks_for_what_it_changed_in_the_tree_of_its_parent(clone: tuple[Path, str]) -> None:
    root, newest = clone
    asked = list(commit_questions(root / ".git", newest))
    assert [question.kind for question in asked] == [QuestionKind.COMMIT, QuestionKind.COMMIT_BODY]
    assert asked[0].text == "keep the protocol out of the path"
    assert asked[0].chunks == (("src/http.py", "parse_header"),)
    assert asked[0].tree == git(root, "rev-parse", "HEAD~2")
    assert "Clients send it" in asked[1].text


def test_all_kinds_are_made_and_are_the_same_every_time(
    clone: tuple[Path, str], repository: BenchmarkRepository
) -> None:
    made = make_questions(clone[0] / ".git", repository)
    assert made == make_questions(clone[0] / ".git", repository)
    kinds = {question.kind for question in made}
    assert kinds >= {QuestionKind.COMMIT, QuestionKind.DOCUMENTATION, QuestionKind.SYMBOL, QuestionKind.MESSAGE}
    assert all(not path.startswith("tests/") for question in made for path in question.files)


def test_questions_are_read_as_they_were_written(
    clone: tuple[Path, str], repository: BenchmarkRepository, tmp_path: Path
) -> None:
    made = make_questions(clone[0] / ".git", repository)
    write_records(made, tmp_path / "a.jsonl")
    assert read_questions(tmp_path / "a.jsonl") == made
    with pytest.raises(InputError, match="repositories build"):
        read_questions(tmp_path / "b.jsonl")


def test_a_partly_remembered_name_is_answered_by_every_name_that_fits() -> None:
    from codesearch.extraction import extract
    from codesearch.languages import LANGUAGES

    names = ("read_config_file", "read_config_line")
    source = "".join(f"def {name}():\n    return 1\n\n" for name in names)
    asked = symbol_questions(extract("a.py", source, LANGUAGES["python"]), "tree", random.Random(1))
    part = [question for question in asked if question.kind is QuestionKind.SYMBOL_PART]
    for question in part:
        fits = [n for n in names if set(question.text.split()) <= set(n.split("_"))]
        assert {name for _, name in question.chunks} == set(fits)


def test_documentation_is_cut_out_of_the_tree_that_it_asks_about(
    clone: tuple[Path, str], repository: BenchmarkRepository
) -> None:
    made = make_questions(clone[0] / ".git", repository)
    with trees(clone[0] / ".git", repository, made) as each:
        *_, last = ((tree, (tree.repository.root / "src" / "http.py").read_text()) for tree in each)
    tree, text = last
    assert {question.kind for question in tree.questions} == {QuestionKind.DOCUMENTATION}
    assert "Split the first line" not in text
    assert "def parse_header(text):" in text


@pytest.mark.parametrize(
    ("documentation", "asked"),
    [
        ("Read the header\nof a request.\n\nMore of it.", "Read the header of a request."),
        ("Read the header.\n@param text what came\n@return the header", "Read the header."),
        ("Read the header.\n  :param text: what came", "Read the header."),
        ("@brief Read the header.\n\\param text what came", "Read the header."),
        (":class:`Header` of a request, as it came.", ":class:`Header` of a request, as it came."),
        ("@param array $levels of which there are many", ""),
        (":param text: of which there is much", ""),
        ("\\return what the request said in its header", ""),
    ],
)
def test_tags_are_not_asked(documentation: str, asked: str) -> None:
    assert documentation_question(documentation) == asked


def test_a_clone_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git clone"):
        find_repository(tmp_path, "owner/name")


@pytest.fixture(scope="module")
def asked(
    clone: tuple[Path, str], repository: BenchmarkRepository, tmp_path_factory: pytest.TempPathFactory
) -> list[QuestionCandidates]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = make_questions(clone[0] / ".git", repository)
        return list(ask_repository(clone[0] / ".git", repository, made, HashingEncoder()))


def test_every_question_is_asked_and_names_are_found(asked: list[QuestionCandidates]) -> None:
    assert len(asked) >= 8
    symbols = [one for one in asked if one.question.kind is QuestionKind.SYMBOL]
    assert score(symbols).files["hit@1"].mean() == 1
    assert "| all" in kind_table([one.question for one in asked], score(asked).files)


def test_candidates_are_read_as_they_were_written(asked: list[QuestionCandidates], tmp_path: Path) -> None:
    write_asked(asked, tmp_path / "a.asked")
    assert read_asked(tmp_path) == asked
    (tmp_path / "b.asked").write_bytes(b"x")
    with pytest.raises(InputError, match="another version"):
        read_asked(tmp_path)
    with pytest.raises(InputError, match="no candidates"):
        read_asked(tmp_path / "empty")


def test_the_metrics_of_an_order() -> None:
    values = score_orders([["a", "b"], ["x"], ["z"]], [["c", "a", "b"], ["x"], ["y"]])
    assert values["MRR"].tolist() == [0.5, 1.0, 0.0]
    assert values["hit@1"].tolist() == [0.0, 1.0, 0.0]
    assert values["NDCG@10"] == pytest.approx([(1 / np.log2(3) + 0.5) / (1 + 1 / np.log2(3)), 1.0, 0.0])


def candidate(name: str, path: str, lexical: float, dense: float) -> Candidate:
    return Candidate(1, path, "python", Kind.FUNCTION, name, name, "", "", 1, 5, 0, lexical, dense)


def test_a_file_is_at_the_place_of_its_best_chunk() -> None:
    entries = [
        RankedCandidate(0, candidate(n, p, 0, 0))
        for n, p in (("f", "a.py"), ("g", "a.py"), ("f", "b.py"), ("f", "a.py"))
    ]
    assert file_order(entries) == ["a.py", "b.py"]
    assert chunk_order(entries) == [("a.py", "f"), ("a.py", "g"), ("b.py", "f")]


def synthetic(repositories: int = 6, questions: int = 5) -> list[QuestionCandidates]:
    """Questions whose answer always means most and always has fewer words than something else."""
    draw = random.Random(0)
    made = []
    for number in range(repositories):
        repository = BenchmarkRepository(f"a/{number}", "python", Half.FIT, "0" * 40)
        for _ in range(questions):
            others = [candidate(f"o{i}", f"o{i}.py", draw.uniform(4, 9), draw.uniform(0.1, 0.5)) for i in range(8)]
            found = [(0, c) for c in [*others, candidate("answer", "answer.py", 3, draw.uniform(0.6, 0.9))]]
            asked = parse_question("how is something done in this place here")
            question = Question(QuestionKind.COMMIT, asked.text, "t", ("answer.py",), (("answer.py", "answer"),), "s")
            made.append(
                QuestionCandidates(repository, question, CandidateSet(asked, found, dict.fromkeys(asked.terms, 3), 100))
            )
    return made


def test_without_vectors_what_quotes_the_question_is_still_named() -> None:
    (asked, *_) = synthetic(1, 1)
    common = [(0, candidate(f"c{i}", f"c{i}.py", 5, 0.5)) for i in range(CANDIDATES)]
    quoting = candidate("quoting", "q.py", 1, 0.1)._replace(quoted=1.0)
    found = [*common, (0, quoting), (0, candidate("rare", "r.py", 1, 0.9)), (0, candidate("no words", "n.py", 0, 0.9))]
    named = by_words_only(replace(asked, found=replace(asked.found, candidates=found))).found.candidates
    assert {c.name for _, c in named} == {f"c{i}" for i in range(CANDIDATES)} | {"quoting"}
    assert all(c.dense is None for _, c in named)


def test_a_fit_finds_what_tells_answers_from_others() -> None:
    examples = examples_of(synthetic())
    weights = fit(examples).by_name()
    assert weights["meaning"] > 0.3
    assert weights.get("words", 0.0) < 0.1 * weights["meaning"]
    assert weights["definition"] == GIVEN["definition"]
    assert ndcg_of(examples, fit(examples).weights).mean() == pytest.approx(1)
    assert cross_validate(examples).mean() == pytest.approx(1)


def test_signals_that_tell_nothing_do_not_earn_their_place() -> None:
    said: list[str] = []
    kept = earned_signals(examples_of(synthetic()), said.append)
    assert set(kept) == {"words", "meaning", *GIVEN}
    assert said[0].startswith(f"all {len(SIGNALS)} signals: 1.0")


def test_the_example_of_a_question_ranks_as_the_product_does(asked: list[QuestionCandidates]) -> None:
    from codesearch.search.ranking import load_weights

    weights = np.array([load_weights().signals.get(name, 0.0) for name in SIGNALS])
    expected = score(asked, lambda one: rank(one.found, replace(load_weights(), repeat=1.0))).files["NDCG@10"]
    assert ndcg_of(examples_of(asked), weights) == pytest.approx(expected)


def test_the_headline_weighs_kinds_and_not_questions() -> None:
    assert sum(HEADLINE.values()) == pytest.approx(1)
    assert set(HEADLINE) == set(QuestionKind) - UNANSWERABLE
    questions = [Question(QuestionKind.ASKED, "a", "t", ("a",), (), "s")]
    questions += [Question(QuestionKind.SYMBOL, str(n), "t", ("a",), (), "s") for n in range(99)]
    values = np.array([1.0, *([0.0] * 99)])
    share = HEADLINE[QuestionKind.ASKED] / (HEADLINE[QuestionKind.ASKED] + HEADLINE[QuestionKind.SYMBOL])
    assert headline(questions, values).value == pytest.approx(share)
    weights = question_weights([question.kind for question in questions])
    assert weights.mean() == pytest.approx(1)
    assert weights[0] / weights.sum() == pytest.approx(share)


def test_a_fit_is_of_the_headline() -> None:
    """Words answer many questions of a light kind, meaning a few of a heavy one."""
    heavy = synthetic(4, 5)
    light = []
    for number, one in enumerate(synthetic(4, 40)):
        swapped = [(s, c._replace(lexical=10 * (c.dense or 0), dense=c.lexical / 10)) for s, c in one.found.candidates]
        question = replace(one.question, kind=QuestionKind.SYMBOL_PART, text=f"{one.question.text} {number}")
        light.append(replace(one, question=question, found=replace(one.found, candidates=swapped)))
    asked = [replace(one, question=replace(one.question, kind=QuestionKind.ASKED)) for one in heavy] + light
    by_kind = fit(examples_of(asked)).by_name()
    alike = [replace(one, question=replace(one.question, kind=QuestionKind.ASKED)) for one in asked]
    by_number = fit(examples_of(alike)).by_name()
    assert by_kind["meaning"] > by_kind.get("words", 0.0)
    assert by_number["words"] > by_number.get("meaning", 0.0)


def test_where_a_file_answers_as_a_whole_its_likeliest_candidate_teaches() -> None:
    (one,) = synthetic(1, 1)
    second = (0, candidate("dull", "answer.py", 0.1, 0.0))
    found = replace(one.found, candidates=[*one.found.candidates, second])
    (example,) = examples_of([replace(one, question=replace(one.question, chunks=()), found=found)])
    assert example.answers.tolist() == [False] * 8 + [True, False]
    assert example.in_answer.tolist() == [False] * 8 + [True, True]
    assert score([replace(one, question=replace(one.question, chunks=()))]).of_chunks == ()


def test_sealed_questions_are_scored_only_where_they_are_asked_for(tmp_path: Path) -> None:
    held_out = replace(synthetic(1, 1)[0].repository, half=Half.HELD_OUT)
    asked = [
        replace(one, repository=held_out, question=replace(one.question, text=f"question {number}"))
        for number, one in enumerate(synthetic(1, 40))
    ]
    write_asked(asked, tmp_path / "a.asked")
    count = sum(is_sealed(one.repository, one.question) for one in asked)
    assert 0 < count < 20
    for options, expected in (([], 40 - count), (["--sealed"], count), (["--words-only"], 40 - count)):
        printed = CliRunner().invoke(app, ["score", "--out", str(tmp_path), *options]).output
        assert re.search(rf"\| headline +\| +{expected} \|", printed), printed


def test_another_tool_is_compared_by_kind_and_by_words_alone() -> None:
    asked = synthetic(2, 3)
    table = peer_tables([["o1.py", "answer.py"]] * len(asked), asked)
    assert "| headline" in table
    assert "by words only" in table


def test_what_is_shipped_names_its_data(asked: list[QuestionCandidates]) -> None:
    contents = fit_shipped(synthetic())
    assert contents["provenance"]["data"].startswith("30 questions about 6 repositories")  # type: ignore[index]
    table = ablation_table(synthetic(), asked)
    assert "BM25 alone" in table
    assert "without name" in table
