from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from codesearch.errors import InputError
from codesearch_train.loop.mining import nearest_wrong, read_neighbours, write_neighbours


def mined(
    texts: torch.Tensor,
    codes: torch.Tensor,
    *,
    keys: list[int] | None = None,
    language: list[int] | None = None,
) -> list[list[int]]:
    rows = len(texts)
    distinct = torch.arange(rows)
    found = nearest_wrong(
        normalize(texts, dim=-1),
        normalize(codes, dim=-1),
        distinct if keys is None else torch.tensor(keys),
        distinct,
        torch.zeros(rows, dtype=torch.long) if language is None else torch.tensor(language),
        count=2,
        certainty=0.95,
        block=2,
    )
    result: list[list[int]] = found.tolist()
    return result


def test_the_nearest_wrong_codes_are_found() -> None:
    angles = torch.tensor([0.0, 0.5, 1.1, 3.0])
    circle = torch.stack([angles.cos(), angles.sin()], 1)
    assert mined(circle, circle) == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_a_code_nearer_than_the_right_one_is_taken_for_right() -> None:
    texts = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.1]])
    codes = torch.tensor([[1.0, 0.6], [1.0, 0.1], [-1.0, 0.0]])  # code 1 answers text 0 better than code 0
    assert 1 not in mined(texts, codes)[0]


def test_duplicates_and_other_languages_are_no_negatives() -> None:
    angles = torch.tensor([0.0, 0.5, 1.1, 1.3])
    circle = torch.stack([angles.cos(), angles.sin()], 1)
    assert 1 not in mined(circle, circle, keys=[7, 7, 8, 9])[0]
    assert mined(circle, circle, language=[0, 1, 0, 1]) == [[2, -1], [3, -1], [0, -1], [1, -1]]


def test_neighbours_belong_to_their_pairs(tmp_path: Path) -> None:
    write_neighbours(tmp_path / "near.xz", np.array([[1], [0]], np.int32))
    assert read_neighbours(tmp_path / "near.xz", 2).tolist() == [[1], [0]]
    with pytest.raises(InputError, match="mine again"):
        read_neighbours(tmp_path / "near.xz", 3)
