from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch_train.corpus.pairs import PairKind
from codesearch_train.corpus.work_tree import open_work_tree

SOURCE = '''
def merge_intervals(intervals):
    """Merge overlapping intervals into the smallest sorted list that covers them."""
    merged = []
    for start, stop in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def bare(intervals):
    return intervals
'''


def test_pairs_of_a_work_tree(tmp_path: Path) -> None:
    (tmp_path / "intervals.py").write_text(SOURCE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_intervals.py").write_text(SOURCE)
    tree = open_work_tree(tmp_path)
    assert [file.path for file, _ in tree.files] == ["intervals.py"]
    ((done, found),) = tree.pairs()
    assert done == 1
    assert [pair.text for pair in found if pair.kind == PairKind.DOCSTRING] == [
        "Merge overlapping intervals into the smallest sorted list that covers them."
    ]
    assert all('"""' not in pair.code for pair in found)
    assert (tree.functions, tree.documented) == (2, 1)


def test_a_folder_without_source_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="has no source file that training could learn from"):
        open_work_tree(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        open_work_tree(tmp_path / "nowhere")
