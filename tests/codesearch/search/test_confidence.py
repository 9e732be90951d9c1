"""Confidence: what means the same for every question, and what is said where nothing fits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codesearch.errors import InputError
from codesearch.records import Kind, Level
from codesearch.search.candidates import Candidate
from codesearch.search.least_confidence import read_level
from codesearch.search.ranking import CandidateSet, parse_question, rank
from codesearch.search.ranking.confidence import (
    CONFIDENCE_FEATURES,
    OPPOSING,
    ConfidenceModel,
    Surroundings,
    load_calibration,
    read_calibration,
)
from codesearch.search.ranking.weights import Weights, load_weights


def candidate(number: int, path: str, name: str = "run", **facts: Any) -> Candidate:
    qualified = facts.pop("qualified", name)
    facts.setdefault("substance", 20)
    return Candidate(number, path, "python", Kind.FUNCTION, name, qualified, "", "", 1, 9, 0, **facts)


def found(question: str, *candidates: Candidate, absent: tuple[str, ...] = ()) -> CandidateSet:
    asked = parse_question(question)
    frequency = {term: 0 if term in absent else 10 for term in asked.terms}
    return CandidateSet(asked, [(0, one) for one in candidates], frequency, 1000)


def features(asked: CandidateSet, number: int = 0, weights: Weights | None = None) -> dict[str, float]:
    return Surroundings(asked, rank(asked, weights)).features(number)


THREE = (
    candidate(1, "a.py", lexical=9.0, held=0b111),
    candidate(2, "b.py", lexical=4.0, held=0b011),
    candidate(3, "c.py", lexical=1.0, held=0b001),
)


def test_says_what_share_of_the_question_a_chunk_and_its_file_hold() -> None:
    asked = found(
        "retry failed uploads",
        candidate(1, "a.py", lexical=9.0, held=0b011),
        candidate(2, "a.py", lexical=2.0, held=0b100),
    )
    told = features(asked)
    assert told["held"] == pytest.approx(2 / 3)
    assert told["held by file"] == pytest.approx(1.0)


def test_words_that_occur_nowhere_are_unknown() -> None:
    assert features(found("retry failed uploads", *THREE))["unknown"] == 0
    told = features(found("retry failed zyzzyva", *THREE, absent=("zyzzyva",)))
    assert told["unknown"] > 1 / 3  # what is nowhere is the rarest


def test_every_feature_is_described() -> None:
    asked = found("run", *(one._replace(dense=0.5 - 0.1 * n, quoted=1.0) for n, one in enumerate(THREE)))
    assert features(asked).keys() <= CONFIDENCE_FEATURES.keys()
    assert CONFIDENCE_FEATURES.keys() >= OPPOSING


def test_features_do_not_depend_on_the_scale_of_scores() -> None:
    asked, weights = found("retry failed uploads", *THREE), load_weights()
    scaled = replace(weights, by_words={name: 7 * weight for name, weight in weights.by_words.items()})
    for number in range(3):
        assert features(asked, number, scaled) == pytest.approx(features(asked, number, weights))


def test_the_margin_is_to_the_next_file() -> None:
    near = found("retry failed uploads", THREE[0], THREE[0]._replace(id=4, first_line=20), *THREE[1:])
    assert features(near)["margin"] == pytest.approx(features(found("retry failed uploads", *THREE))["margin"], abs=0.7)
    assert features(near)["margin"] > 0
    assert features(near, 1)["same file"] == 1.0


def test_an_exact_name_is_believed_more_than_another() -> None:
    exact = found("parse_header", candidate(1, "a.py", "parse_header", lexical=9.0, held=0b111), *THREE[1:])
    other = found("parse_header", candidate(1, "a.py", "parse_body", lexical=9.0, held=0b001), *THREE[1:])
    model = load_calibration().by_words
    best, worse = (model.judge(asked, rank(asked), 1)[0] for asked in (exact, other))
    assert best.probability > worse.probability + 0.2


def test_no_result_is_believed_more_than_one_before_it() -> None:
    asked, model = found("retry failed uploads", *THREE), load_calibration().by_words
    judged = [one.probability for one in model.judge(asked, rank(asked), 10)]
    assert len(judged) == 3
    assert judged == sorted(judged, reverse=True)


def test_what_is_believed_does_not_depend_on_how_many_are_judged() -> None:
    asked, model = found("retry failed uploads", *THREE), load_calibration().by_words
    ranked = rank(asked)
    assert model.judge(asked, ranked, 1) == model.judge(asked, ranked, 3)[:1]
    # Deeper results are appended behind these.
    assert model.judge(asked, [*ranked, *ranked], 3) == model.judge(asked, ranked, 3)


def test_nothing_is_said_of_nothing() -> None:
    asked = found("retry")
    assert load_calibration().by_words.judge(asked, rank(asked), 10) == []


def test_cosines_are_looked_at_where_they_are_of_the_encoder_that_was_calibrated() -> None:
    calibration = load_calibration()
    calibrated = replace(calibration, with_vectors=replace(calibration.with_vectors, encoder="ours"))
    encoded = found("retry failed uploads", *(one._replace(dense=0.4) for one in THREE))
    assert calibrated.model_for("ours", encoded) is calibrated.with_vectors
    assert calibrated.model_for("theirs", encoded) is calibrated.by_words
    assert calibrated.model_for("", encoded) is calibrated.by_words
    assert calibrated.model_for("ours", found("retry", *THREE)) is calibrated.by_words


def test_levels_begin_where_the_model_says() -> None:
    model = ConfidenceModel({"bias": 0.0}, {"bias": 0.0}, sure=0.8, likely=0.5, fits=0.2)
    assert [model.level(value) for value in (0.8, 0.79, 0.5, 0.49)] == ["sure", "likely", "likely", "guess"]


def test_levels_are_ordered() -> None:
    assert Level.SURE.reaches(Level.LIKELY)
    assert Level.LIKELY.reaches(Level.LIKELY)
    assert not Level.GUESS.reaches(Level.LIKELY)


def test_a_level_is_read_in_any_case() -> None:
    assert read_level("Sure", "min_confidence") is Level.SURE
    assert read_level("", "min_confidence") is Level.GUESS
    with pytest.raises(InputError, match="min_confidence must be one of sure, likely, guess, not 'certain'"):
        read_level("certain", "min_confidence")


def test_the_shipped_models_are_in_order() -> None:
    calibration = load_calibration()
    assert calibration.provenance
    for model in (calibration.with_vectors, calibration.by_words):
        assert 1 >= model.sure >= model.likely >= model.fits > 0
        for weights in (model.first, model.further):
            assert weights.keys() - {"bias"} <= CONFIDENCE_FEATURES.keys()
            assert all(weights.get(name, 0.0) <= 0 for name in OPPOSING)


def test_a_file_that_holds_no_calibration_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "confidence.json"
    for text in ("", "[]", json.dumps({"by words only": {}, "with vectors": {}, "provenance": {}})):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="holds no calibration"):
            read_calibration(file)
