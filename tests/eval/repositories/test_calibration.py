"""How far results are to be believed: questions without an answer, the fit, and what is reported of it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codesearch.errors import InputError
from codesearch.records import Kind
from codesearch.search.candidates import Candidate
from codesearch.search.ranking import CandidateSet, parse_question
from codesearch.search.ranking.confidence import read_calibration
from codesearch_eval.json_lines import write_records
from codesearch_eval.repositories.benchmark import (
    UNANSWERABLE,
    BenchmarkRepository,
    Half,
    Question,
    QuestionKind,
    is_sealed,
)
from codesearch_eval.repositories.calibration import (
    calibrate_shipped,
    judged_examples,
    question_weights,
)
from codesearch_eval.repositories.commands import app
from codesearch_eval.repositories.foreign import foreign_questions, is_answered, nonsense_questions
from codesearch_eval.repositories.reliability import brier_score, reliability_table
from codesearch_eval.repositories.runs import QuestionCandidates, write_asked


def repository(number: int, half: Half = Half.FIT) -> BenchmarkRepository:
    return BenchmarkRepository(f"owner/r{number}", "python", half, "c0ffee")


def candidate(number: int, path: str, held: int, *, name: str = "run", dense: float | None = None) -> Candidate:
    lexical = float(held.bit_count())
    head = (number, path, "python", Kind.FUNCTION, name, name, "", "", 1, 9, 0)
    return Candidate(*head, lexical, dense, substance=20, held=held)


def question(repository: BenchmarkRepository, kind: QuestionKind, text: str, *files: str) -> Question:
    return Question(kind, text, repository.commit, files, tuple((file, "run") for file in files), "x")


def synthetic(half: Half = Half.FIT) -> list[QuestionCandidates]:
    """Questions whose answer holds all their terms; without an answer no chunk holds more than one."""
    chance, made = random.Random(half.value), []
    for number in range(6):
        of = repository(number, half)
        for turn in range(30):
            asked, answered = parse_question("retry failed uploads"), turn % 3 > 0
            held = 0b111 if answered else 0b001
            found = [(0, candidate(0, "right.py", held, dense=chance.uniform(0.5, 0.8) if answered else 0.2))]
            found += [(0, candidate(n, f"w{n}.py", 0b001, dense=chance.uniform(0.0, 0.3))) for n in range(1, 9)]
            kind = (QuestionKind.COMMIT, QuestionKind.DOCUMENTATION)[turn % 2]
            what = question(of, kind, "x", "right.py") if answered else question(of, QuestionKind.FOREIGN, "x")
            made.append(QuestionCandidates(of, what, CandidateSet(asked, found, dict.fromkeys(asked.terms, 9), 1000)))
    return made


def test_a_repository_is_asked_what_others_of_its_half_are_asked_each_kind_in_turn() -> None:
    ours, fit, held_out = repository(0), repository(1), repository(2, Half.HELD_OUT)
    others = {
        one: [
            question(one, kind, f"{one.name} {kind} {n}")
            for kind in (QuestionKind.COMMIT, QuestionKind.SYMBOL)
            for n in range(9)
        ]
        for one in (ours, fit, held_out)
    }
    asked = foreign_questions(ours, others, 6)
    assert asked == foreign_questions(ours, others, 6)
    assert {one.text.split()[0] for one in asked} == {fit.name}
    assert [one.source.startswith("symbol") for one in asked].count(True) == 3
    assert all(one.kind in UNANSWERABLE and not one.files and one.tree == ours.commit for one in asked)


def test_nonsense_differs_between_halves_and_is_the_same_every_time() -> None:
    inside, outside = (nonsense_questions(repository(0, half), 40) for half in Half)
    assert inside == nonsense_questions(repository(0), 40)
    assert len({one.text for one in inside}) == 40
    assert {one.source for one in inside} == {
        "random words", "keys", "another domain", "random letters", "one character",
    }  # fmt: skip
    domains = [{one.text for one in made if one.source == "another domain"} for made in (inside, outside)]
    assert not domains[0] & domains[1]


@pytest.mark.parametrize(
    ("text", "name", "quoted", "answered"),
    [
        ("parse_header", "parseHeader", 0.0, True),
        ("parse_header", "parse_body", 0.0, False),
        ("could not open the header file", "run", 1.0, True),
        ("could not open the header file", "run", 0.5, False),
    ],
)
def test_a_foreign_question_that_is_answered_here_is_seen(text: str, name: str, quoted: float, answered: bool) -> None:
    asked = parse_question(text)
    found = [(0, candidate(1, "a.py", 1, name=name)._replace(quoted=quoted))]
    assert is_answered(CandidateSet(asked, found, dict.fromkeys(asked.terms, 3), 100)) is answered


def test_kinds_weigh_the_same_and_questions_without_an_answer_a_fifth() -> None:
    examples = judged_examples(synthetic()).by_words
    weights, kinds = question_weights(examples), np.array([one.asked.question.kind for one in examples])
    share = {kind: weights[kinds == kind].sum() / weights.sum() for kind in set(kinds)}
    assert share == pytest.approx(
        {QuestionKind.FOREIGN: 0.2, QuestionKind.COMMIT: 0.4, QuestionKind.DOCUMENTATION: 0.4}
    )


def test_a_fit_believes_what_is_right_and_not_what_has_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "confidence.json"
    file.write_text(json.dumps(calibrate_shipped(judged_examples(synthetic()), "ours")), encoding="utf-8")
    calibration = read_calibration(file)
    assert calibration.with_vectors.encoder == "ours"
    assert "120 questions with an answer and 60 without, about 6 repositories" in calibration.provenance["data"]
    for model in (calibration.with_vectors, calibration.by_words):
        assert 0 < model.fits <= model.likely <= model.sure
    assert not any(name.startswith("cosine") for name in calibration.by_words.first)


def test_candidates_that_do_not_say_which_terms_they_hold_are_refused() -> None:
    asked = parse_question("retry")
    found = CandidateSet(asked, [(0, candidate(1, "a.py", 0))], {"retri": 1}, 10)
    old = QuestionCandidates(repository(0), question(repository(0), QuestionKind.COMMIT, "x", "a.py"), found)
    with pytest.raises(InputError, match="ask again with this version"):
        judged_examples([old])


def test_a_fit_needs_questions_without_an_answer() -> None:
    answered = [one for one in synthetic() if one.question.kind not in UNANSWERABLE]
    with pytest.raises(InputError, match="ask-foreign"):
        calibrate_shipped(judged_examples(answered), "ours")


def test_what_was_predicted_is_compared_with_what_was_observed() -> None:
    predicted, right = np.array([0.05, 0.95, 0.95, 1.0]), np.array([False, True, False, True])
    table = reliability_table(predicted, right, np.ones(4))
    assert "| 0 to 10   |   1 |         5.0 |        0.0 |" in table
    assert "| 90 to 100 |   3 |        96.7 |       66.7 |" in table
    assert brier_score(predicted, right, np.ones(4)) == pytest.approx((0.05**2 * 2 + 0.95**2) / 4)


def test_the_command_writes_a_file_and_reports_on_the_other_half(tmp_path: Path) -> None:
    for half in Half:
        asked = synthetic(half)
        for suffix, wanted in (("asked", False), ("foreign", True)):
            kept = [one for one in asked if (one.question.kind in UNANSWERABLE) is wanted]
            write_asked(kept, tmp_path / f"{half.value}.{suffix}")
    file = tmp_path / "confidence.json"
    done = CliRunner().invoke(app, ["calibrate", "--out", str(tmp_path), "--file", str(file)])
    assert done.exit_code == 0, done.output
    assert read_calibration(file).provenance["command"] == "codesearch-eval repositories calibrate"
    shown = [one for one in synthetic(Half.HELD_OUT) if not is_sealed(one.repository, one.question)]
    assert 0 < len(shown) < 180
    assert f"## with vectors, {len(shown)} questions" in done.output
    assert "every kind the same" in done.output


def test_foreign_questions_are_not_read_with_the_others(tmp_path: Path) -> None:
    write_records([question(repository(0), QuestionKind.COMMIT, "x", "a.py")], tmp_path / "owner+r0.jsonl")
    write_asked(synthetic(), tmp_path / "owner+r0.foreign")
    done = CliRunner().invoke(app, ["score", "--out", str(tmp_path)])
    assert isinstance(done.exception, InputError)
