from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from codesearch.errors import InputError
from codesearch_train.corpus.pairs import Pair
from codesearch_train.corpus.token_files import (
    Pairs,
    Ragged,
    encode_ids,
    read_arrays,
    read_pairs_directory,
    tokenize_pairs,
    write_pairs,
)
from codesearch_train.network.text_preparation import prepare_tokenizer, special_ids
from tests.train.training_data import synthetic_pairs


@pytest.fixture
def tokenizer(tiny_bert: Path) -> Tokenizer:
    return prepare_tokenizer((tiny_bert / "tokenizer.json").read_text())


def pair(text: str, code: str, **fields: str) -> Pair:
    columns = {
        "repository": "a/b",
        "path": "x.go",
        "language": "go",
        "licence": "MIT",
        "split": "train",
        "kind": "docstring",
    }
    return Pair(**{"text": text, "code": code, **columns, **fields})  # type: ignore[arg-type]


def test_identifiers_are_split_and_punctuation_is_dropped(tokenizer: Tokenizer) -> None:
    def words(text: str) -> str:
        normalized: str = tokenizer.normalizer.normalize_str(text)
        return " ".join(normalized.split())

    assert words("parseHTTPResponse(json_file2)") == "parse http response json file 2"
    assert words("naïve_Größe += 1;") == "naive große 1"


def test_ids_are_those_of_the_library(tokenizer: Tokenizer) -> None:
    texts = ["parseJSONFile(x)", "", "file " * 100, "naïve reader", "[MASK] file", "\t" * 300 + "file", "json" * 30]
    texts += [f"read_{number} json" for number in range(300)]
    whole = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert encode_ids(tokenizer, texts, 20) == [ids[:18] for ids in whole]


def test_preparing_twice_changes_nothing(tiny_bert: Path) -> None:
    once = prepare_tokenizer((tiny_bert / "tokenizer.json").read_text()).to_str()
    assert prepare_tokenizer(once).to_str() == once
    assert special_ids(once) == (2, 3)


def test_ragged_takes_cuts_and_concatenates() -> None:
    ragged = Ragged.of([[1, 2, 3], [], [4, 5]])
    assert ragged.take(np.array([2, 0])).ids.tolist() == [4, 5, 1, 2, 3]
    assert ragged.cut(2).ids.tolist() == [1, 2, 4, 5]
    assert Ragged.concatenate([ragged, ragged])[3].tolist() == [1, 2, 3]
    assert ragged.lengths.tolist() == [3, 0, 2]


def test_hashes_tell_sequences_apart() -> None:
    random = np.random.default_rng(0)
    sequences = [random.integers(0, 4, size=random.integers(0, 12)).tolist() for _ in range(5000)]
    hashes = Ragged.of(sequences).hashes()
    by_sequence = {tuple(sequence): int(value) for sequence, value in zip(sequences, hashes, strict=True)}
    assert len(set(by_sequence.values())) == len(by_sequence)
    assert all(by_sequence[tuple(sequence)] == value for sequence, value in zip(sequences, hashes, strict=True))


def test_pairs_survive_the_disk(tmp_path: Path) -> None:
    pairs = synthetic_pairs()
    write_pairs(tmp_path / "train-00000.tokens.xz", pairs)
    write_pairs(tmp_path / "train-00001.tokens.xz", pairs.take(np.array([5, 6])))
    again = read_pairs_directory([tmp_path])
    assert len(again) == len(pairs) + 2
    assert again.codes[5].tolist() == pairs.codes[5].tolist() == again.codes[len(pairs)].tolist()
    assert again.repositories[again.repository[5]] == pairs.repositories[pairs.repository[5]]


def test_name_tables_of_several_files_are_merged() -> None:
    pairs = synthetic_pairs()
    other = dataclasses.replace(pairs, languages=("ruby", "c"))
    merged = Pairs.concatenate([pairs, other])
    assert merged.languages == ("c", "go", "ruby")
    assert [merged.languages[number] for number in merged.language[-3:]] == [
        other.languages[n] for n in other.language[-3:]
    ]


def test_tokenising_writes_files_and_goes_on(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codesearch_train.corpus.token_files.PAIRS_PER_FILE", 2)
    rows = [
        pair("parse a file", "def parseFile(): pass"),
        pair("!!!", "x"),
        pair("json", "load json", language="ruby"),
    ]
    done = list(tokenize_pairs(rows, tokenizer, tmp_path, text_tokens=16, code_tokens=16))
    assert [count for count, _ in done] == [2, 3]
    pairs = read_pairs_directory([tmp_path])
    assert len(pairs) == 2  # "!!!" has no token left
    assert tokenizer.decode(pairs.texts[0].tolist()) == "parse a file"
    stamps = [path.stat().st_mtime_ns for _, path in done]
    list(tokenize_pairs(rows, tokenizer, tmp_path, text_tokens=16, code_tokens=16))
    assert [path.stat().st_mtime_ns for _, path in done] == stamps


def test_no_pairs_and_broken_files_are_said(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="codesearch-train corpus"):
        list(tokenize_pairs([], tokenizer, tmp_path, text_tokens=16, code_tokens=16))
    with pytest.raises(InputError, match="no tokenised pairs"):
        read_pairs_directory([tmp_path])
    file = tmp_path / "train-00000.tokens.xz"
    write_pairs(file, synthetic_pairs())
    with pytest.raises(InputError, match="holds no tokenised development"):
        read_arrays(file, "development")
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"no xz at all"):
        file.write_bytes(broken)
        with pytest.raises(InputError, match="damaged"):
            read_pairs_directory([tmp_path])
