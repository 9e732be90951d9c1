"""The corpus from end to end, on small repositories of our own, and the check that nothing of evaluation is in it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from codesearch.errors import InputError
from codesearch_train.corpus.building import CorpusSettings, build_corpus, manifest_table, read_repositories
from codesearch_train.corpus.commits import changed_lines
from codesearch_train.corpus.decontamination import (
    ContaminationError,
    EvaluationSet,
    check_contamination,
    is_data_set_file,
    load_evaluation,
)
from codesearch_train.corpus.deduplication import near_duplicates, signatures
from codesearch_train.corpus.fingerprints import code_hashes, text_hash
from codesearch_train.corpus.licences import detect, identify
from codesearch_train.corpus.pairs import Pair, PairKind, Split
from codesearch_train.corpus.prose import named_definitions, neighbouring_passages, unique_definitions
from codesearch_train.corpus.questions import question_pairs
from codesearch_train.corpus.shards import (
    CorpusError,
    read_manifest,
    read_pairs,
    shard_paths,
    write_lines,
    write_shards,
)

MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy"

EVALUATED = '''def merge_intervals(intervals, tolerance):
    """Merges overlapping intervals of a sorted list."""
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1] + tolerance:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
'''
RENAMED = """@cached
def join_spans( spans, slack ):
    # put them in order first
    result = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + slack:
            result[-1] = (result[-1][0], max(result[-1][1], last))

        else:
            result.append((first, last))  # a new one
    return result
"""


# --- fingerprints


def _whole(code: str, language: str) -> int:
    return code_hashes(code, language).whole


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("python", "def f(a):\n    '''Doc.'''\n    return a + 1", "@deco(x)\ndef f( a ):\n  # why\n  return a+1"),
        ("java", "/** Doc. */\nint f(int a) {\n  return a; // x\n}", "@Override\nint f(int a)\n{ return a; }"),
        ("ruby", "def f(a)\n  a + 1 # plus\nend", "def f( a )\n    a+1\nend"),
        ("lua", "function f(a) -- x\n return a end", "function f(a)\n  return a\nend"),
        ("php", "function f($a) { # x\n return $a; }", "function f($a)\n{\n    return $a;\n}"),
    ],
)
def test_layout_comments_and_decorators_do_not_change_the_hash(language: str, one: str, other: str) -> None:
    assert _whole(one, language) == _whole(other, language) != 0


def test_what_looks_like_a_comment_in_a_string_is_kept() -> None:
    assert _whole("f('http://a.b')", "javascript") != _whole("f('http://c.d')", "javascript")
    assert _whole("f('a # b')", "python") != _whole("f('a # c')", "python")
    assert _whole('"#{a}"', "ruby") != _whole('"#{b}"', "ruby")


def test_other_code_has_another_hash() -> None:
    assert _whole("return a + 1", "python") != _whole("return a - 1", "python")


def test_renamed_function_shares_the_renamed_hash_only() -> None:
    one, other = code_hashes(EVALUATED, "python"), code_hashes(RENAMED, "python")
    assert one.renamed == other.renamed != 0
    assert one.whole != other.whole


def test_short_code_has_no_body_hash() -> None:
    assert code_hashes("def f(self):\n    return self.x", "python").body == 0
    assert code_hashes("", "python").whole == 0


def test_text_hash_sees_words_only() -> None:
    assert text_hash("Parse the  Date.") == text_hash("parse the date") != text_hash("parse a date")


# --- near-duplicates


@pytest.mark.parametrize(("size", "common"), [(20, 18), (20, 5), (300, 200)])
def test_signatures_estimate_jaccard_similarity(size: int, common: int) -> None:
    random = np.random.default_rng(size)
    estimates = []
    for _ in range(60):
        values = random.integers(0, 1 << 32, size=2 * size, dtype=np.uint64)
        one, other = values[:size], np.concatenate((values[:common], values[size : 2 * size - common]))
        estimates.append(np.equal(*signatures([one, other])).mean())
    assert np.mean(estimates) == pytest.approx(common / (2 * size - common), abs=0.03)


def test_near_duplicates_point_at_the_earlier_one_of_their_group() -> None:
    random = np.random.default_rng(1)
    base = random.integers(0, 1 << 32, size=200, dtype=np.uint64)
    changed = base.copy()
    changed[:4] = random.integers(0, 1 << 32, size=4, dtype=np.uint64)
    other = random.integers(0, 1 << 32, size=200, dtype=np.uint64)
    minima = signatures([other, base, changed, base])
    assert near_duplicates(minima, groups=[0, 0, 0, 1]).tolist() == [-1, -1, 1, -1]
    assert near_duplicates(minima[:1]).tolist() == [-1]


# --- licences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIT, "MIT"),
        ("GNU GENERAL PUBLIC LICENSE\nVersion 3", "GPL"),
        ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL-3.0"),
        ("Apache License\n  Version 2.0, January 2004", "Apache-2.0"),
        ("Redistribution and use in source and binary forms ... " + "x " * 300 + "Neither the name of", "BSD-3-Clause"),
        ("Redistribution and use in source and binary forms, with or without", "BSD-2-Clause"),
        (
            "You may use it under the terms of either the New BSD License or the GNU General Public License",
            "BSD-3-Clause",
        ),
        ("Business Source License 1.1 ... MIT License", "BUSL-1.1"),
        ("All rights reserved.", None),
    ],
)
def test_licence_texts(text: str, expected: str | None) -> None:
    assert identify(text) == expected


def test_licence_of_a_repository() -> None:
    files = {"LICENSE": "GNU General Public License", "package.json": '{"license": "MIT"}'}
    assert not detect(files, files.__getitem__).permissive
    del files["LICENSE"]
    assert detect(files, files.__getitem__).expression == "MIT"
    files = {"LICENSE-MIT": MIT, "LICENSE-APACHE": "Apache License Version 2.0", "a.py": "x"}
    assert detect(files, files.__getitem__).expression == "Apache-2.0 OR MIT"
    assert detect({"a.py": ""}, lambda name: "").expression == "unknown"


# --- commits and headings


def test_changed_lines() -> None:
    span = changed_lines("a\nb\nc\nd", "a\nx\ny\nc\nd")
    assert span is not None
    assert (span.start, span.end) == (2, 3)
    assert changed_lines("a\nb", "a\nb") is None
    assert changed_lines("a\nb\nc", "a\nc") is None


def test_headings_name_one_definition(chunks_of: Callable[[str, str], list]) -> None:  # type: ignore[type-arg]
    definitions = unique_definitions(
        chunks_of("a.py", "def split_rows(x):\n    return x\n\n\ndef twice():\n    pass\n\n\ndef twice():\n    pass\n")
    )
    assert "twice" not in definitions
    text = (
        "# Rows\n\nUse `split_rows` to cut a table.\n\n## split_rows(x)\n\nCuts a table into rows.\n\n"
        "# Other\n\nNo `thing` here.\n"
    )
    assert [text for text, _ in named_definitions(text, definitions)] == [
        "Rows: Use split_rows to cut a table.",
        "Cuts a table into rows.",
    ]


def test_neighbouring_passages() -> None:
    text = (
        "Before.\n\n# Reading *rows*\n\nOne [row](x.md) a line,\nas `split_rows` wants it.\n\n```\ncode\n```\n"
        "Then the rest.\n\n| a | table |\n\n## Next\n"
    )
    assert list(neighbouring_passages(text)) == [
        ("Reading rows", "One row a line, as split_rows wants it."),
        ("One row a line, as split_rows wants it.", "Then the rest."),
    ]


@pytest.fixture
def chunks_of() -> Callable[[str, str], list]:  # type: ignore[type-arg]
    from codesearch.extraction import extract
    from codesearch.languages import language_of

    def chunks(path: str, source: str) -> list:  # type: ignore[type-arg]
        language = language_of(path)
        assert language is not None
        return extract(path, source, language)

    return chunks


# --- shards


def _pair(text: str = "Adds two numbers of a list.", code: str = "def f():\n    pass", **changes: str) -> Pair:
    fields = {
        "repository": "o/r",
        "path": "a.py",
        "language": "python",
        "licence": "MIT",
        "split": "train",
        "kind": "docstring",
    }
    return Pair(text, code, **{**fields, **changes})


def test_shards_round_trip(tmp_path: Path) -> None:
    pairs = [_pair(f"Adds numbers {index} é") for index in range(5)]
    assert write_shards(tmp_path, Split.TRAIN, pairs, pairs_per_shard=2) == 5
    assert [path.name for path in shard_paths(tmp_path)] == [f"train-0000{index}.jsonl.gz" for index in range(3)]
    assert list(read_pairs(tmp_path)) == pairs
    with pytest.raises(CorpusError, match="no shard of split valid"):
        list(read_pairs(tmp_path, Split.VALID))


def test_same_pairs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shards(tmp_path / name, Split.TRAIN, [_pair()])
    assert (tmp_path / "a/train-00000.jsonl.gz").read_bytes() == (tmp_path / "b/train-00000.jsonl.gz").read_bytes()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"code": None}, r"train-00000.jsonl.gz:2: code is NoneType, not a string"),
        ({"text": " "}, r":2: text is empty"),
        ({"kind": "poem"}, r":2: unknown kind 'poem'"),
        ({"split": "test"}, r":2: unknown split 'test'"),
    ],
)
def test_bad_pairs_name_file_and_line(tmp_path: Path, change: dict[str, str | None], complaint: str) -> None:
    good = {
        "text": "t",
        "code": "c",
        "repository": "o/r",
        "path": "",
        "language": "go",
        "licence": "MIT",
        "split": "train",
        "kind": "name",
    }
    write_lines(tmp_path / "train-00000.jsonl.gz", [good, {**good, **change}])
    with pytest.raises(CorpusError, match=complaint):
        list(read_pairs(tmp_path))


def test_missing_field_empty_broken_and_absent_corpora(tmp_path: Path) -> None:
    shard = tmp_path / "train-00000.jsonl.gz"
    with pytest.raises(CorpusError, match="no such corpus"):
        list(read_pairs(tmp_path / "absent"))
    write_lines(shard, [])
    with pytest.raises(CorpusError, match="the corpus is empty"):
        list(read_pairs(tmp_path))
    write_lines(shard, [{"text": "t"}])
    with pytest.raises(CorpusError, match=":1: no field code, repository"):
        list(read_pairs(tmp_path))
    shard.write_bytes(gzip.compress(b"{nonsense\n"))
    with pytest.raises(CorpusError, match=":1: not JSON"):
        list(read_pairs(tmp_path))
    write_shards(tmp_path, Split.TRAIN, [_pair(code=str(index)) for index in range(1000)])
    shard.write_bytes(shard.read_bytes()[:-200])
    with pytest.raises(CorpusError, match="broken after line"):
        list(read_pairs(tmp_path))
    with pytest.raises(CorpusError, match=r"manifest\.json: missing"):
        read_manifest(tmp_path)


# --- lists of repositories


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("name\tkind\n", ":1: no columns repository and split"),
        ("repository\tsplit\n", "lists no repository"),
        ("repository\tsplit\no/r\n", ":2: 1 columns where the header has 2"),
        ("repository\tsplit\nor\ttrain\n", ":2: needs owner/name"),
        ("repository\tsplit\no/r\ttrain\nO/R\tvalid\n", ":3: O/R is listed twice"),
    ],
)
def test_bad_lists_of_repositories(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "list.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_repositories(path)


def test_committed_list_of_repositories_can_be_read() -> None:
    listed = read_repositories(Path(__file__).parents[3] / "train" / "repositories.tsv")
    assert sum(split is Split.VALID for _, split in listed) >= 25


# --- the pipeline


def _git(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = (
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b.c",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    )
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


def _repository(root: Path, name: str, commits: Sequence[tuple[str, dict[str, str]]]) -> Path:
    folder = root / name.replace("/", "+")
    folder.mkdir(parents=True)
    _git(folder, "init")
    for subject, files in commits:
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        _git(folder, "add", ".")
        _git(folder, "commit", "-m", subject)
    return folder


def _module(name: str, operator: str = "+") -> str:
    return f'''def total_of_{name}(values, weights):
    """Adds up the weighted {name} of a list."""
    result = 0
    for value, weight in zip(values, weights):
        # leave out what has no {name} weight at all
        if weight is not None:
            result = result {operator} value * weight
            count_{name}(value)
    return result


def count_long_{name}(words):
    longest = [word for word in words if len(word) > {len(name)}]
    report_{name}(longest)
    return len(longest)
'''


def _evaluation(directory: Path) -> Path:
    """A small set of evaluation data in the real layout."""

    def lines(path: str, *rows: dict[str, object]) -> None:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (directory / path).write_bytes(gzip.compress(data))

    row = {
        "code": EVALUATED,
        "language": "python",
        "docstring": "Merges overlapping intervals.",
        "docstring_tokens": ["Merges", "overlapping"],
    }
    lines("codesearchnet-1000/python.jsonl.gz", row)
    lines("codesearchnet-ruby/test.jsonl.gz", {**row, "language": "ruby", "code": "def evaluated_only(x)\n  x\nend"})
    lines("codesearchnet-challenge/annotated_functions.jsonl.gz", {"code": EVALUATED, "language": "Python"})
    lines("cosqa/code_idx_map.txt.gz", {EVALUATED: 0})
    for split in ("dev", "test"):
        (directory / f"cosqa/cosqa-retrieval-{split}-500.json.gz").write_bytes(
            gzip.compress(b'[{"doc": "how to merge intervals"}]')
        )
    for path, content in {
        "codesearchnet-challenge/queries.tsv": "1\tconvert int to string\n",
        "codesearchnet-splits/exclude_eval_repos.txt": "held/out\n",
        "questions/conala/conala-test.json": json.dumps(
            [{"intent": "sum of a list here", "rewritten_intent": None, "snippet": "sum(x)"}]
        ),
        "questions/conala/conala-train.json": json.dumps(
            [
                {
                    "intent": "sum of a list here",
                    "rewritten_intent": "add up list `x`",
                    "snippet": "total = sum(values)",
                }
            ]
        ),
        "questions/staqc/dev_staqc.json": '[{"doc": "sort a python dict", "code": "sorted(d)"}]',
        "questions/staqc/train_staqc.json": json.dumps(
            [
                {"doc": "How to reverse a list", "code": "values.reverse()\nprint(values)", "label": 1},
                {"doc": "How to reverse it", "code": "nonsense", "label": 0},
            ]
        ),
    }.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(content)
    return directory


@pytest.fixture
def settings(tmp_path: Path) -> CorpusSettings:
    clones = tmp_path / "clones"
    licence = {"LICENSE": MIT}
    _repository(
        clones,
        "one/apples",
        [
            (
                "First commit of it all",
                {**licence, "apples.py": _module("apples"), "tests/test_a.py": _module("tests")},
            ),
            ("Subtract the weighted apples instead of adding", {"apples.py": _module("apples", "-")}),
        ],
    )
    _repository(
        clones,
        "two/pears",
        [("Start", {**licence, "pears.py": _module("pears"), "copy.py": EVALUATED, "renamed.py": RENAMED})],
    )
    _repository(
        clones, "three/copy", [("Start", {**licence, "apples.py": _module("apples", "-"), "more.py": _module("plums")})]
    )
    _repository(clones, "four/gpl", [("Start", {"LICENSE": "GNU General Public License", "a.py": _module("grapes")})])
    _repository(clones, "held/out", [("Start", {**licence, "a.py": _module("figs")})])
    _repository(
        clones, "five/dataset", [("Start", {**licence, "a.py": _module("dates"), "data/cosqa-dev.jsonl": "{}"})]
    )
    _repository(clones, "six/valid", [("Start", {**licence, "a.py": _module("nuts")})])
    listed = ["one/apples", "two/pears", "three/copy", "four/gpl", "held/out", "five/dataset"]
    rows = ["repository\tsplit", *(f"{name}\ttrain" for name in listed), "six/valid\tvalid"]
    (tmp_path / "list.tsv").write_text("\n".join(rows) + "\n")
    evaluation = _evaluation(tmp_path / "evaluation")
    return CorpusSettings(
        tmp_path / "list.tsv",
        clones,
        tmp_path / "parts",
        tmp_path / "corpus",
        evaluation,
        evaluation / "questions",
        processes=1,
    )


def test_pipeline(settings: CorpusSettings) -> None:
    progress = list(build_corpus(settings))
    pairs = list(read_pairs(settings.output))
    kinds = {(pair.repository, pair.kind) for pair in pairs}
    for kind in (PairKind.DOCSTRING, PairKind.NAME, PairKind.COMMENT, PairKind.COMMIT):
        assert ("one/apples", kind) in kinds
    assert {pair.repository for pair in pairs} == {
        "one/apples",
        "two/pears",
        "three/copy",
        "six/valid",
        "conala",
        "staqc",
    }
    assert {pair.split for pair in pairs if pair.repository == "six/valid"} == {"valid"}
    assert {pair.repository for pair in read_pairs(settings.output, Split.VALID)} == {"six/valid"}
    assert not any("/" in pair.path for pair in pairs), "tests are left out"
    assert not any(pair.path in ("copy.py", "renamed.py") for pair in pairs), "evaluation functions are left out"
    places = [pair.path for pair in pairs if pair.kind == PairKind.DOCSTRING and "apples" in pair.text]
    assert len(places) == 1, "the same function in two repositories is kept once"
    assert sorted(pair.text for pair in pairs if pair.kind == PairKind.QUESTION) == [
        "How to reverse a list",
        "add up list `x`",
    ]

    manifest = read_manifest(settings.output)
    left_out = {entry["name"]: entry["left_out"] for entry in manifest["repositories"] if entry["left_out"]}
    assert left_out == {
        "four/gpl": "licence: GPL",
        "held/out": "evaluation is drawn from it",
        "five/dataset": "holds a copy of a data set",
    }
    assert manifest["pairs"]["train"] + manifest["pairs"]["valid"] == len(pairs)
    assert manifest["removed"]["evaluation: code"] >= 2
    assert "one/apples\t" in manifest_table(settings.output)
    assert "no evaluation data" in progress[-1].message


def test_pipeline_resumes(settings: CorpusSettings) -> None:
    list(build_corpus(settings))
    first = [(path.name, path.read_bytes()) for path in shard_paths(settings.output)]
    (settings.work / "tree" / "two+pears.json").unlink()
    messages = [step.message for step in build_corpus(settings)]
    assert sum("(tree)" in message or "(history)" in message for message in messages) == 1
    assert [(path.name, path.read_bytes()) for path in shard_paths(settings.output)] == first


def test_repository_that_is_missing_is_said_so(settings: CorpusSettings) -> None:
    with settings.repositories.open("a") as stream:
        stream.write("no/where\ttrain\n")
    assert any("no/where: not in" in step.message for step in build_corpus(settings))


# --- decontamination


@pytest.fixture
def evaluation(tmp_path: Path) -> EvaluationSet:
    return load_evaluation(_evaluation(tmp_path / "evaluation"))


@pytest.mark.parametrize(
    ("pair", "rule"),
    [
        (_pair(code=EVALUATED), "code"),
        (_pair(code=EVALUATED.replace("    ", "\t").replace("merged = []", "merged = []  # none yet")), "code"),
        (
            _pair(
                code="@decorator\n" + EVALUATED.replace('"""Merges overlapping intervals of a sorted list."""\n', "\n")
            ),
            "code",
        ),
        (_pair(code=EVALUATED.replace("def merge_intervals", "async def other_name")), "code"),
        (_pair(code=RENAMED), "code"),
        (_pair("merges OVERLAPPING intervals"), "text"),
        (_pair("Convert int to string"), "text"),
        (_pair("how to merge intervals?"), "text"),
        (_pair("Sort a Python dict."), "text"),
        (_pair(repository="Held/Out"), "repository"),
    ],
)
def test_planted_contamination_is_found(evaluation: EvaluationSet, pair: Pair, rule: str) -> None:
    clean = _pair(code=_module("cherries"))
    assert check_contamination([clean], evaluation) == 1
    with pytest.raises(ContaminationError, match=f"1 by {rule}"):
        check_contamination([clean, pair], evaluation)


def test_planted_contamination_in_a_shard_is_found(settings: CorpusSettings) -> None:
    list(build_corpus(settings))
    write_shards(settings.output, Split.VALID, [_pair(code=RENAMED, split="valid")])
    with pytest.raises(ContaminationError, match="1 by code"):
        check_contamination(settings.output, settings.evaluation)


def test_evaluation_data_that_is_not_whole_is_refused(settings: CorpusSettings) -> None:
    (settings.evaluation / "cosqa" / "code_idx_map.txt.gz").unlink()
    with pytest.raises(InputError, match="not a whole set of evaluation data"):
        list(build_corpus(settings))


def test_copies_of_data_sets_are_known_by_name() -> None:
    assert is_data_set_file("data/CodeSearchNet/test.jsonl.gz")
    assert not is_data_set_file("src/conala.py")


def test_questions_need_their_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the questions"):
        list(question_pairs(tmp_path))


def test_real_corpus_is_clean() -> None:
    """Against the real evaluation data, where CODESEARCH_CORPUS and CODESEARCH_DATA say where both are."""
    corpus, data = os.environ.get("CODESEARCH_CORPUS"), os.environ.get("CODESEARCH_DATA")
    if not corpus or not data:
        pytest.skip("set CODESEARCH_CORPUS and CODESEARCH_DATA to check a real corpus")
    assert check_contamination(Path(corpus), Path(data)) > 0
