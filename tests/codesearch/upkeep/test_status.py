from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codesearch.upkeep.status import brief_line, skipped_lines, status_lines, versions

STATUS: dict[str, Any] = {
    "repository": "r",
    "root": "/r",
    "url": None,
    "index": "/cache/r-1",
    "bytes": 1_500_000,
    "commit": "a" * 40,
    "current_commit": "a" * 40,
    "updated": 1.0,
    "changed_files": 0,
    "removed_files": 0,
    "files": 1_234,
    "languages": {"python": 1_200, "go": 34},
    "chunks": 9_876,
    "vectors": 9_000,
    "pending": 0,
    "model": "m-1",
    "model_is_current": True,
    "include": [],
    "exclude": [],
    "skipped": [],
    "imported": 0.0,
    "work_trees": [],
    "vector_cache": "/cache/vectors.db",
    "vector_cache_bytes": 0,
}


def line(name: str, **changes: object) -> str:
    return next((text for text in status_lines(STATUS | changes) if text.startswith(name)), "")


def test_what_is_indexed() -> None:
    assert line("files") == "files         1,234  (python 1,200, go 34)"
    assert line("index") == "index         /cache/r-1  1.5 MB"
    assert line("include") == line("left out") == ""
    assert line("vectors", pending=5).endswith("9,000, 5 waiting to be encoded")


@pytest.mark.parametrize(
    ("age", "shown"),
    [(5, "just now"), (70, "a minute ago"), (600, "10 minutes ago"), (8_000, "2 hours ago"), (300_000, "3 days ago")],
)
def test_how_fresh_it_is(age: float, shown: str) -> None:
    assert line("state", updated=time.time() - age) == f"state         commit aaaaaaaaaa, updated {shown}, up to date"


def test_how_stale_it_is() -> None:
    state = line("state", current_commit="b" * 40, changed_files=2, removed_files=1)
    assert "the repository is at bbbbbbbbbb" in state
    assert state.endswith("3 files changed since")
    assert "not finished yet" in line("state", updated=0.0)


def test_the_model() -> None:
    assert line("model", model="") == "model         none yet"
    assert line("model", model_is_current=False).endswith("run `codesearch index`")


def test_reasons_are_counted_and_listed() -> None:
    skipped = [
        {"path": "a.py", "reason": "empty", "detail": ""},
        {"path": "b.py", "reason": "minified", "detail": "a line of 9 kB"},
        {"path": "c\n\x1b[2J.py", "reason": "empty", "detail": ""},
    ]
    assert line("left out", skipped=skipped) == "left out      3  (2 empty; 1 minified)"
    assert skipped_lines(STATUS | {"skipped": skipped}) == [
        "a.py: empty",
        "b.py: minified (a line of 9 kB)",
        "c\\n\\x1b[2J.py: empty",
    ]
    assert skipped_lines(STATUS) == ["no file was left out"]


def test_one_line_for_each_index() -> None:
    entry = {
        "repository": "r",
        "root": "/r",
        "imported": 0.0,
        "bytes": 2_000_000,
        "updated": time.time(),
        "exists": True,
    }
    assert brief_line(entry) == "/r  2.0 MB  just now"
    assert brief_line(entry | {"exists": False, "updated": 0.0}) == "/r  2.0 MB  not finished  (the folder is gone)"
    assert brief_line({"index": "/i", "error": "the index is damaged"}) == "/i  the index is damaged"


def test_versions_name_what_a_report_needs() -> None:
    found = versions()
    assert {"codesearch", "model", "onnxruntime", "tantivy", "python", "platform"} <= found.keys()
    assert all(re.search(r"\S", value) for value in found.values())


def test_files_that_were_not_touched_since_are_up_to_date_however_young(
    invoke: Callable[..., Any], sample: Path
) -> None:
    (sample / "young.py").write_text("def young(): return 1\n")
    assert invoke("index", "-q", sample).exit_code == 0
    assert json.loads(invoke("status", sample, "--json").stdout)["changed_files"] == 0
    (sample / "young.py").write_text("def young(): return 2\n")  # of the same length
    assert json.loads(invoke("status", sample, "--json").stdout)["changed_files"] == 1
