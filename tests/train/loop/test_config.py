from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch_train.loop.config import TrainConfig, for_device, override, read_config

CONFIGS = sorted((Path(__file__).parents[3] / "train" / "configs").glob("*.toml"))


def written(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_shipped_configurations_are_valid() -> None:
    assert CONFIGS
    for path in CONFIGS:
        assert read_config(path).steps > 0


def test_toml_becomes_a_configuration(tmp_path: Path) -> None:
    config = read_config(
        written(
            tmp_path,
            "batch_size = 64\ntemperature = 1\nlayers = [0, 2]\nkinds = {name = 1}\n[distillation]\ncosine = 2\n",
        )
    )
    assert (config.batch_size, config.layers, config.kinds) == (64, (0, 2), {"name": 1.0})
    assert config.temperature == 1.0
    assert config.distillation.cosine == 2.0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("batchsize = 3", "unknown key 'batchsize'"),
        ("batch_size = 'many'", "batch_size must be int, not 'many'"),
        ("shape = [1, 2]", "takes 3 values"),
        ("batch_size = 1", "at least 2"),
        ("max_tokens = 'all'", 'max_tokens must be a positive number or "auto"'),
        ("max_tokens = 100", "lower code_tokens"),
        ("[distillation]\nweight = 1", "unknown key 'weight'"),
        ("steps = ", "not valid TOML"),
        ("mates = 3.0", "shares from 0 to 1"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_config(written(tmp_path, text))


def test_what_a_cpu_has_otherwise_is_checked_and_the_command_line_wins(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, "batch_size = 512\nsteps = 9\n[cpu]\nbatch_size = 32\nminutes = 3\n"))
    assert (config.batch_size, for_device(config, "cuda").batch_size) == (512, 512)
    assert (for_device(config, "cpu").batch_size, for_device(config, "cpu").minutes) == (32, 3.0)
    assert for_device(config, "cpu").steps == 9
    assert for_device(override(config, ["batch_size=64"]), "cpu").batch_size == 64
    with pytest.raises(InputError, match=r"\[cpu\]: unknown key 'batchsize'"):
        read_config(written(tmp_path, "[cpu]\nbatchsize = 3"))


def test_data_beside_the_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "some.jsonl").touch()
    file = written(folder, 'data = ["some.jsonl", "tokens"]')
    assert read_config(file).data == (str(folder / "some.jsonl"), "tokens")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.jsonl").touch()
    assert read_config(file).data == ("some.jsonl", "tokens"), "the working directory comes first"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


def test_overrides() -> None:
    config = override(
        TrainConfig(),
        ["steps=7", "name=mine", "kinds.name=0.5", "distillation.vectors=runs/big", "data=['x']"],
    )
    assert (config.steps, config.name, config.kinds, config.data) == (7, "mine", {"name": 0.5}, ("x",))
    assert config.distillation.vectors == "runs/big"
    with pytest.raises(InputError, match="key=value"):
        override(TrainConfig(), ["steps"])
