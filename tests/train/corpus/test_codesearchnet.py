"""CodeSearchNet's own training data: files in its format are written here, read, and made into a corpus."""

from __future__ import annotations

import builtins
import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codesearch.errors import InputError, MissingExtra
from codesearch_train.corpus.codesearchnet import Preparation, prepare_codesearchnet
from codesearch_train.corpus.shards import read_manifest, read_pairs
from tests.train.codesearchnet_data import function, write_split


def prepared(folder: Path, **changes: Any) -> list[str]:
    settings = {"languages": ("ruby",), "output": folder / "corpus", "data": folder / "csn", **changes}
    return list(prepare_codesearchnet(Preparation(**settings)))


@pytest.mark.parametrize("place", ["ruby/final/jsonl/{}", "codesearchnet/ruby/final/jsonl/{}", "codesearchnet/ruby/{}"])
def test_functions_become_pairs_and_the_test_split_stays_out(tmp_path: Path, place: str) -> None:
    copied = function(3, repo="test/repository")
    training = [function(number) for number in range(40)] + [
        {**copied, "repo": "other/name"},
        function(50, repo="test/x"),
    ]
    write_split(tmp_path / "csn" / place.format("train"), training)
    write_split(
        tmp_path / "csn" / place.format("valid"), [function(number, repo="valid/r") for number in range(60, 70)]
    )
    write_split(
        tmp_path / "csn" / place.format("test"),
        [{**copied, "docstring": "Something else entirely."}, function(90, repo="test/x")],
    )
    told = prepared(tmp_path)
    assert told[0] == "kept out of the corpus: 2 functions of the test split of ruby"
    pairs = list(read_pairs(tmp_path / "corpus", None))
    train = [pair for pair in pairs if pair.split == "train"]
    assert {pair.repository for pair in pairs if pair.split == "valid"} == {"valid/r"}
    assert {pair.repository for pair in train} == {"owner/0", "owner/1", "owner/2", "owner/3"}
    assert not [pair for pair in train if pair.code == copied["code"]], "its code is in the test split"
    assert {pair.kind for pair in train} == {"docstring", "docstring-long"}
    assert train[0].text.startswith("Merges the sorted")
    removed = read_manifest(tmp_path / "corpus")["removed"]
    assert removed["evaluation: repository"] == 1
    assert removed["evaluation: code"] >= 1


def test_a_python_docstring_is_cut_out_of_the_code(tmp_path: Path) -> None:
    body = "    total = a + {0}\n    other = total * a\n    return other"
    rows = []
    for row in map(function, range(30)):
        code = f'def f(a):\n    """{row["docstring"]}"""\n' + body.format(row["path"].count("s"))
        rows.append({**row, "code": code, "language": "python"})
    write_split(tmp_path / "csn" / "python" / "train", rows)
    prepared(tmp_path, languages=("python",))
    assert all("Merges" not in pair.code and "total" in pair.code for pair in read_pairs(tmp_path / "corpus", None))


def test_nothing_to_check_against_is_explained_and_repositories_are_held_out(tmp_path: Path) -> None:
    write_split(tmp_path / "csn" / "ruby" / "train", [function(number) for number in range(40)])
    told = prepared(tmp_path)
    assert "nothing to keep out" in told[0]
    assert "--evaluation DIR" in told[0]
    assert "no validation split: 1 repositories of the training data are held out" in told[1]
    split = {pair.repository: pair.split for pair in read_pairs(tmp_path / "corpus", None)}
    assert sorted(split.values()) == ["train", "train", "train", "valid"]
    told = prepared(tmp_path, decontaminate=False)
    assert told[0].startswith("not decontaminated, as asked")


def test_evaluation_data_that_is_there_counts_and_the_rest_is_named(tmp_path: Path) -> None:
    write_split(tmp_path / "csn" / "ruby" / "train", [function(number) for number in range(40)])
    names = tmp_path / "evaluation" / "codesearchnet-splits"
    names.mkdir(parents=True)
    (names / "exclude_eval_repos.txt").write_text("owner/0\nowner/1\n")
    told = prepared(tmp_path, evaluation=tmp_path / "evaluation")
    assert "not kept out" in told[0]
    assert "cosqa" in told[0]
    assert "codesearchnet-splits of" in told[1]
    assert {pair.repository for pair in read_pairs(tmp_path / "corpus", None)} == {"owner/2", "owner/3"}
    (names / "exclude_eval_repos.txt").unlink()
    with pytest.raises(InputError, match="codesearchnet-splits: cannot be read"):
        prepared(tmp_path, evaluation=tmp_path / "evaluation")
    with pytest.raises(InputError, match="no such folder of evaluation data"):
        prepared(tmp_path, evaluation=tmp_path / "nowhere")


def _without(name: str) -> Iterable[dict[str, Any]]:
    return [{key: value for key, value in function(0).items() if key != name}]


def test_bad_files_are_sentences_and_an_older_corpus_stays(tmp_path: Path) -> None:
    good = [function(number) for number in range(40)]
    write_split(tmp_path / "csn" / "ruby" / "train", good)
    prepared(tmp_path)
    before = (tmp_path / "corpus" / "train-00000.jsonl.gz").read_bytes()
    for name in ("docstring", "code", "repo", "path"):
        write_split(tmp_path / "csn" / "ruby" / "train", _without(name))
        with pytest.raises(InputError, match=rf"part_0\.jsonl\.gz:1: no field {name}"):
            prepared(tmp_path)
    (shard,) = (tmp_path / "csn" / "ruby" / "train").iterdir()
    write_split(shard.parent, [function(number) for number in range(5000)])
    shard.write_bytes(shard.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"part_0\.jsonl\.gz: broken after line"):
        prepared(tmp_path)
    shard.write_bytes(gzip.compress(b""))
    with pytest.raises(InputError, match="all functions are of one repository"):
        prepared(tmp_path)
    write_split(shard.parent, [{**row, "docstring": "@return x"} for row in good])
    with pytest.raises(InputError, match="no pair of the valid part is left"):
        prepared(tmp_path)
    assert (tmp_path / "corpus" / "train-00000.jsonl.gz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"languages": ("cobol",)}, "no language 'cobol' in CodeSearchNet; it has go, java"),
        ({"languages": ()}, "name a language"),
        ({"languages": ("php",)}, r"has no training data of php: unpack CodeSearchNet's php\.zip"),
    ],
)
def test_what_cannot_be_prepared_is_said(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    write_split(tmp_path / "csn" / "ruby" / "train", [function(0)])
    with pytest.raises(InputError, match=sentence):
        prepared(tmp_path, **changes)


def test_something_else_in_the_way_is_left_alone(tmp_path: Path) -> None:
    write_split(tmp_path / "csn" / "ruby" / "train", [function(0)])
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no corpus"):
        prepared(tmp_path)


def test_the_hub_is_asked_where_there_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("datasets")
    asked = []

    def load_dataset(name: str, language: str, split: str) -> list[dict[str, Any]]:
        asked.append((name, language, split))
        start = {"train": 0, "validation": 100, "test": 200}[split]
        return [function(number, repo=f"{split}/{number % 3}") for number in range(start, start + 20)]

    library.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", library)
    told = prepared(tmp_path, data=None)
    assert "20 functions of the test split" in told[0]
    assert {split for _, _, split in asked} == {"train", "validation", "test"}
    assert {pair.repository.partition("/")[0] for pair in read_pairs(tmp_path / "corpus", None)} == {
        "train",
        "validation",
    }

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    library.load_dataset = unreachable  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"cannot be had from the hub \(ConnectionError\).*--data DIR"):
        prepared(tmp_path, data=None)


def test_the_hub_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r"codesearch-nl\[datasets\]"):
        prepared(tmp_path, data=None)


def test_the_format_is_codesearchnets(tmp_path: Path) -> None:
    write_split(tmp_path, [function(0)])
    with gzip.open(tmp_path / "part_0.jsonl.gz", "rt") as lines:
        assert {"repo", "path", "func_name", "code", "docstring", "url", "language"} <= json.loads(next(lines)).keys()
