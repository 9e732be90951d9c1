from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch_eval.performance.peers import GREP, OURS, WORDS, grep_command, measure_peers, peers_table


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "a.py").write_text("def retry(action):\n    '''Try again a failed Request.'''\n    action()\n" * 3)
    (root / "b.py").write_text("def stay():\n    return 1\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_every_tool_is_timed_and_grep_has_no_index(repository: Path) -> None:
    told: list[str] = []
    ours, words, grep = measure_peers([str(repository)], model="hashing", asks=2, progress=told.append)
    assert [one.system for one in (ours, words, grep)] == [OURS, WORDS, GREP]
    assert {one.repository for one in (ours, words, grep)} == {"shop"}
    for one in (ours, words):
        assert one.index_seconds is not None
        assert one.index_seconds > 0
        assert one.warm_ms is not None
        assert 0 < one.warm_ms.median < 1000 * one.cold_seconds.median
    assert grep.index_seconds is None
    assert grep.warm_ms is None
    assert grep.cold_seconds.runs == 2
    assert grep.cold_seconds.median < ours.cold_seconds.median
    assert "shop, git grep" in peers_table([ours, words, grep])
    assert len(told) == 3


def test_grep_looks_for_the_words_that_say_something(repository: Path) -> None:
    command = grep_command(str(repository), "where is the failed request")
    found = subprocess.run(command, capture_output=True, text=True).stdout
    assert found.splitlines()[0] == "a.py:2:    '''Try again a failed Request.'''"
    assert "b.py" not in found
    assert subprocess.run(grep_command(str(repository), "the"), capture_output=True).returncode == 1


def test_a_python_without_semble_is_refused(repository: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(InputError, match="no Python with semble"):
        measure_peers([str(repository)], semble=python, model="hashing")


SEMBLE = """
class Chunk:
    file_path = "a.py"
class Result:
    chunk = Chunk()
class SembleIndex:
    @classmethod
    def from_path(cls, root, model_path):
        return cls()
    def search(self, question, top_k, alpha):
        assert alpha == 0.0
        return [Result(), Result()]
"""


def test_another_tool_is_asked_through_an_interpreter_of_its_own(repository: Path, tmp_path: Path) -> None:
    """With a stand-in for semble, which is not installed here."""
    (tmp_path / "semble").mkdir()
    (tmp_path / "semble" / "__init__.py").write_text(SEMBLE)
    saved = tmp_path / "saved"
    (tmp_path / "semble" / "cache.py").write_text(
        f"def save_index_to_cache(index, root): open({str(saved)!r}, 'a').write(root)\n"
    )
    (tmp_path / "model2vec.py").write_text(
        "class StaticModel:\n    def __init__(self, *_): ...\n    def save_pretrained(self, path): path.mkdir()\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{tmp_path}" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    *_, theirs = measure_peers([str(repository)], semble=python, model="hashing", asks=1)
    assert theirs.system == "semble, offline"
    assert theirs.index_seconds is not None
    assert theirs.cold_seconds.runs == 1
    assert theirs.warm_ms is not None
    assert theirs.warm_ms.runs == 5 * 16
    assert saved.read_text() == str(repository)  # once, when it was indexed
