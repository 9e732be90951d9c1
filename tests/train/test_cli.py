from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from codesearch.encoders import model_directory
from codesearch.encoders.model_directory import read_model_directory
from codesearch.errors import ModelError
from codesearch_train import cli
from codesearch_train.cli import app
from codesearch_train.corpus.pairs import Pair, PairKind, Split
from codesearch_train.corpus.shards import write_lines, write_shards
from codesearch_train.loop.development import read_development
from codesearch_train.network.weights import load_encoder
from tests.train.codesearchnet_data import function, write_split

runner = CliRunner()


def corpus(folder: Path) -> Path:
    words = ["parse", "json", "file", "read", "write", "open"]
    pairs = [
        Pair(
            f"{first} the {second}",
            f"def {first}_{second}_{number}(): pass",
            f"a/{number % 3}",
            f"{number}.py",
            "python",
            "MIT",
            Split.TRAIN,
            PairKind.DOCSTRING,
        )
        for first in words
        for second in words
        for number in range(2)
    ]
    write_shards(folder / "corpus", Split.TRAIN, pairs)
    return folder / "corpus"


def config(folder: Path, model: Path) -> Path:
    path = folder / "run.toml"
    path.write_text(
        f'name = "cli"\nruns = "{folder}/runs"\ndata = ["{folder}/tokens"]\ninitial = "{model}"\nbatch_size = 8\n'
        'text_tokens = 16\ncode_tokens = 32\nsteps = 4\nlog_every = 2\ndevice = "cpu"\n'
    )
    return path


@pytest.fixture
def prepared(tiny_bert: Path, tmp_path: Path) -> Path:
    arguments = ["tokenize", str(corpus(tmp_path)), str(tmp_path / "tokens"), "--model", str(tiny_bert)]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "72 pairs" in result.output
    return config(tmp_path, tiny_bert)


def test_development_sets_are_written_of_each_kind_that_has_enough(tiny_bert: Path, tmp_path: Path) -> None:
    counts = {PairKind.DOCSTRING: 1000, PairKind.COMMIT: 300}
    pairs = [
        Pair(f"{kind} {number}", f"def f{number}(): {kind}", "a/b", "b.py", "python", "MIT", Split.VALID, kind)
        for kind, count in counts.items()
        for number in range(count)
    ]

    def development(pairs: list[Pair], output: Path) -> str:
        write_shards(tmp_path / "corpus", Split.VALID, pairs)
        arguments = ["tokenize", str(tmp_path / "corpus"), str(output), "--model", str(tiny_bert)]
        result = runner.invoke(app, [*arguments, "--development"])
        return f"{result.exit_code} {result.output}"

    told = development(pairs, tmp_path / "all")
    assert told.startswith("0 ")
    assert "no development set passages: no pair is of kind 'passage'" in told
    found = {path.name: read_development(path) for path in (tmp_path / "all").glob("*.dev.xz")}
    assert {name: len(one.queries) for name, one in found.items()} == {"valid.dev.xz": 1000, "commits.dev.xz": 300}

    told = development(pairs[:-1], tmp_path / "few commits")
    assert "no development set commits: no language has 300 development pairs" in told
    assert [path.name for path in (tmp_path / "few commits").glob("*.dev.xz")] == ["valid.dev.xz"]
    told = development(pairs[1:], tmp_path / "few docstrings")
    assert told.startswith("2 ")
    assert "codesearch-train: no language has 1000 development pairs" in told


@pytest.mark.filterwarnings("ignore")  # tensorboard's own
def test_from_pairs_to_a_mined_distilled_and_averaged_model(prepared: Path, tiny_bert: Path, tmp_path: Path) -> None:
    trained = runner.invoke(app, ["train", str(prepared)])
    assert trained.exit_code == 0, trained.output
    assert "step      4/4" in trained.output
    assert "pairs/s" in trained.output
    model = tmp_path / "runs" / "cli" / "last"
    assert list((tmp_path / "runs" / "cli").glob("events*"))

    mined = runner.invoke(
        app, ["mine", str(prepared), str(tmp_path / "near.xz"), "--model", str(model), "--count", "3"]
    )
    assert mined.exit_code == 0, mined.output
    again = [
        "train",
        str(prepared),
        "--set",
        f"neighbours={tmp_path}/near.xz",
        "--set",
        "name=hard",
        "--set",
        "mates=1.0",
    ]
    assert runner.invoke(app, again).exit_code == 0

    small = ["distill", str(prepared), "--teacher", str(model), "--layers", "0", "--set", "name=small"]
    assert runner.invoke(app, small).exit_code == 0
    assert load_encoder(str(tmp_path / "runs" / "small" / "last")).shape.layers == 1

    mixed = runner.invoke(app, ["average", str(model), str(tiny_bert), str(tmp_path / "mixed"), "--share", "0.5"])
    assert mixed.exit_code == 0, mixed.output
    ours, theirs = load_encoder(str(tmp_path / "mixed")), load_encoder(str(model))
    assert not ours.embeddings.word.weight.equal(theirs.embeddings.word.weight)


def test_errors_are_one_sentence(prepared: Path, tmp_path: Path) -> None:
    for arguments, sentence in (
        (["train", str(tmp_path / "none.toml")], "cannot be read"),
        (["train", str(prepared), "--set", "batchsize=3"], "unknown key"),
        (["train", str(prepared), "--set", "batch_size=1000"], "lower batch_size"),
        (
            ["tokenize", str(tmp_path / "nowhere"), str(tmp_path / "out"), "--model", str(tmp_path)],
            "config.json",
        ),
        (
            ["corpus", str(tmp_path / "no.tsv"), str(tmp_path / "out"), "--evaluation", str(tmp_path)],
            "no.tsv",
        ),
        (["tune", str(tmp_path / "nowhere")], "no such folder"),
    ):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 2
        assert result.output.startswith("codesearch-train: ")
        assert sentence in result.output
        assert len(result.output.splitlines()) <= 2


@pytest.mark.slow
def test_four_commands_from_nothing_to_a_figure(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of docs/guide/training.md, on files in CodeSearchNet's format and with a tiny encoder."""
    from codesearch_eval.cli import app as evaluation
    from codesearch_eval.encoder.results import read_result

    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    for split, numbers in (("train", range(80)), ("test", range(80, 100))):
        rows = [function(number, repo="held/out" if split == "test" else "") for number in numbers]
        write_split(data / "codesearchnet" / "ruby" / "final" / "jsonl" / split, rows)

    def command(application: Any, *arguments: object) -> str:
        result = runner.invoke(application, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.output

    cut = ("--text-tokens", 24, "--code-tokens", 40, "--model", tiny_bert)
    told = command(app, "prepare", "codesearchnet", "--languages", "ruby", "--data", data, *cut)
    assert "kept out of the corpus: 20 functions of the test split of ruby" in told
    assert "train on it: codesearch-train train configs/codesearchnet.toml\n" in told
    small = ("batch_size=16", "text_tokens=24", "code_tokens=40", "matryoshka=[32]", "learning_rate=3e-3")
    small += ("steps=40", "evaluate_every=20", "device=cpu", "tensorboard=false", f"initial={tiny_bert}")
    changes = [word for change in small for word in ("--set", change)]
    told = command(app, "train", "configs/codesearchnet.toml", *changes)
    assert "MRR" in told
    lengths = ("--max-query-tokens", 24, "--max-document-tokens", 40)
    command(app, "export", "runs/codesearchnet/last", "my-model", *lengths)
    common = ("--data", data, "--device", "cpu", "--vectors", tmp_path / "vectors")
    told = command(evaluation, "run", "--set", "csn-test-ruby", "--model", "my-model", *common)
    assert "my-model int8" in told
    figure = read_result(tmp_path / "results" / "csn-test-ruby--my-model-int8.json").measures["MRR"].value
    assert 0.2 < figure <= 1, "by chance it is 0.18"


def test_the_tiny_configuration_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changes = ["--set", "steps=2", "--set", "log_every=1", "--set", "tensorboard=false"]
    result = runner.invoke(app, ["train", "configs/tiny.toml", *changes])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "runs" / "tiny" / "last" / "model.safetensors").exists()


def test_a_plan_comes_first_and_a_repository_without_documentation_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code.py").write_text("def f(a):\n    return a\n")
    result = runner.invoke(app, ["tune", str(tmp_path), "--output", str(tmp_path / "model"), "--minutes", "3"])
    assert result.exit_code == 2
    plan, read, error = result.output.splitlines()
    assert "1 source files (1 python). Within 3 minutes" in plan
    assert "1 of 1 files read, 0 pairs" in read
    assert "0 of 1 functions and types have documentation" in error
    assert not (tmp_path / "model").exists()
    for number in range(3):
        (tmp_path / f"more{number}.py").write_text("def f(a):\n    return a\n")
    result = runner.invoke(app, ["tune", str(tmp_path), "--output", str(tmp_path / "model"), "--minutes", "1e-9"])
    assert result.exit_code == 2, "--minutes has a least value"
    monkeypatch.setattr(cli, "_READING_SHARE", 0.0)
    result = runner.invoke(app, ["tune", str(tmp_path), "--output", str(tmp_path / "model"), "--minutes", "1"])
    assert "1 of 4 files could be read in 0 s" in result.output
    assert "give more --minutes" in result.output
    result = runner.invoke(app, ["tune", str(tmp_path), "--name", "../elsewhere"])
    assert result.exit_code == 2
    assert "a name is one word" in result.output


def test_what_was_installed_by_name_is_found(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_directory, "user_data", lambda: tmp_path)
    target = model_directory.installed_models() / "mine"
    lengths = ["--max-query-tokens", "8", "--max-document-tokens", "32"]
    assert runner.invoke(app, ["export", str(tiny_bert), str(target), *lengths]).exit_code == 0
    assert model_directory.find_model("mine") == target
    with pytest.raises(ModelError, match=r"no model directory 'other'.*mine, minilm-v7"):
        model_directory.find_model("other")
    with pytest.raises(ModelError):
        model_directory.find_model("../models/mine")


def test_what_says_what_tune_will_do_loads_no_torch() -> None:
    program = "import sys, codesearch_train.corpus.work_tree; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_help_loads_no_torch() -> None:
    program = "import sys, codesearch_train.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_pool_files_become_development_sets(tiny_bert: Path, tmp_path: Path) -> None:
    record = {"pool": "go", "queries": ["open a file"], "documents": ["a", "func Open()"], "relevant": [[1]]}
    write_lines(tmp_path / "asked.pools.gz", [record])
    common = ["--out", str(tmp_path / "tokens"), "--model", str(tiny_bert)]
    result = runner.invoke(app, ["development", str(tmp_path / "asked.pools.gz"), *common])
    assert result.exit_code == 0, result.output
    assert "1 questions, 2 candidates" in result.output
    assert read_development(tmp_path / "tokens" / "asked.dev.xz").pools == ("go",)
    missing = runner.invoke(app, ["development", str(tmp_path / "no.pools.gz"), *common])
    assert missing.exit_code == 2
    assert missing.output.startswith("codesearch-train: ")


def test_export_takes_a_name_texts_a_description_and_lengths(prepared: Path, tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("Knows its letters.")
    options = ["--name", "letters", "--texts", str(tmp_path / "corpus"), "--description", str(tmp_path / "card.md")]
    lengths = ["--max-query-tokens", "8", "--max-document-tokens", "32"]
    result = runner.invoke(app, ["export", str(tiny_bert), str(tmp_path / "model"), *options, *lengths])
    assert result.exit_code == 0, result.output
    directory = read_model_directory(tmp_path / "model")
    assert directory.model_id.startswith("letters-")
    assert (directory.recipe.max_query_tokens, directory.recipe.max_document_tokens) == (8, 32)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Knows its letters." in card
    assert "72 texts" in card  # the second half of 72 pairs of the corpus


def test_export_names_a_description_that_is_not_there(tiny_bert: Path, tmp_path: Path) -> None:
    arguments = ["export", str(tiny_bert), str(tmp_path / "model"), "--description", str(tmp_path / "card.md")]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert "card.md" in result.output
    assert not (tmp_path / "model").exists()
