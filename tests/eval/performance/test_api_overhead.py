from __future__ import annotations

from pathlib import Path

import pytest

from codesearch_eval.performance.api_overhead import measure_overhead


def test_each_question_is_asked_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.py").write_text("def parse_json(text):\n    return text\n")
    found = measure_overhead(str(tmp_path / "tree"), questions=5, words_only=True)
    assert found.chunks == 1
    assert found.internal_ms.runs == found.api_ms.runs == 5
    assert found.ratio == found.api_ms.median / found.internal_ms.median > 0
