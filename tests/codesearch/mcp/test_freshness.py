"""An index that is asked again and again is read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.snapshot import Snapshot
from codesearch.mcp import freshness
from codesearch.mcp.freshness import Keeper
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import plan


def test_a_later_question_uses_the_vectors_that_an_earlier_one_has_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE", str(tmp_path / "cache"))
    earlier: list[Any] = []
    monkeypatch.setattr(freshness, "Snapshot", lambda *given: earlier.append(given[1]) or Snapshot(*given))
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.py").write_text("def first_function():\n    return 1\n")
    job = plan(open_repository(str(root), cache=tmp_path / "cache"), load_settings())
    keeper = Keeper(HashingEncoder)
    first = keeper.open(job, lambda *_: None)
    assert first.dense is not None
    first.close()
    asked = len(earlier)
    second = keeper.open(job, lambda *_: None)
    assert earlier[asked] is first
    assert second.dense is not None
    assert second.dense._tail is first.dense._tail
    second.close()
