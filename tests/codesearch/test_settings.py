from __future__ import annotations

import os
from pathlib import Path

import pytest

from codesearch.errors import SettingsError
from codesearch.settings import Settings, debugging, load_settings, turn_off_telemetry, use_one_blas_thread


def load(tmp_path: Path, text: str = "", environment: dict[str, str] | None = None, **options: object) -> Settings:
    user_file = tmp_path / "user.toml"
    if text:
        user_file.write_text(text, encoding="utf-8")
    return load_settings(environment=environment or {}, user_file=user_file, **options)  # type: ignore[arg-type]


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.include, settings.exclude, settings.model, settings.device) == ((), (), None, "auto")
    assert settings.max_file_bytes == 1 << 20
    assert settings.colour
    assert settings.indexes.parent == settings.vector_cache.parent == settings.cache


def test_the_users_file_sets_everything(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[index]\ninclude = ["src/"]\nexclude = ["*.gen.go"]\nmax_file_bytes = 5\n'
        '[encoder]\nmodel = "m"\ndevice = "cpu"\nthreads = 3\n[storage]\ncache = "/c"\n',
    )
    assert settings == Settings(Path("/c"), ("src/",), ("*.gen.go",), 5, "m", "cpu", 3)


def test_the_environment_wins_over_files_and_options_over_both(tmp_path: Path) -> None:
    text = '[encoder]\nmodel = "file"\ndevice = "cuda"\n'
    environment = {"CODESEARCH_MODEL": "variable", "CODESEARCH_THREADS": "2", "CODESEARCH_CACHE": "/v"}
    settings = load(tmp_path, text, environment, overrides={"model": "option"})
    assert (settings.model, settings.device, settings.threads, settings.cache) == ("option", "cuda", 2, Path("/v"))
    assert load(tmp_path, text, environment).model == "variable"


def test_an_empty_variable_is_no_value(tmp_path: Path) -> None:
    assert load(tmp_path, environment={"CODESEARCH_MODEL": ""}).model is None


def test_the_file_of_a_repository_says_which_files_are_searched(tmp_path: Path) -> None:
    (tmp_path / "codesearch.toml").write_text('[index]\nexclude = ["gen/"]\n')
    assert load(tmp_path, root=tmp_path).exclude == ("gen/",)


@pytest.mark.parametrize("table", ["encoder", "storage"])
def test_the_file_of_a_repository_may_not_say_what_runs_or_where_is_written(tmp_path: Path, table: str) -> None:
    (tmp_path / "codesearch.toml").write_text(f'[{table}]\nmodel = "/evil"\n')
    with pytest.raises(SettingsError, match="belongs into the user's own"):
        load(tmp_path, root=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[index", "not valid TOML"),
        ("[indx]\n", r"\[indx\] is unknown; known here: encoder, index, storage"),
        ("index = 1\n", "must be a table"),
        ("[index]\nincludes = []\n", "index.includes is unknown; known: include, exclude, max_file_bytes"),
        ('[index]\ninclude = "src"\n', "must be a list of strings"),
        ("[index]\ninclude = [1]\n", "must be a list of strings"),
        ("[index]\nmax_file_bytes = true\n", "must be a whole number"),
        ("[index]\nmax_file_bytes = 0\n", "must be 1 or more"),
        ('[encoder]\ndevice = "tpu"\n', "device must be one of auto, cpu, cuda, mps"),
        ("[encoder]\nthreads = -1\n", "threads must be 0 or more"),
        ("[encoder]\nmodel = 1\n", "encoder.model must be a string"),
        ('[storage]\ncache = "~nobody-here/c"\n', "cache must be a folder, not '~nobody-here/c'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(tmp_path, text)


def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="threads must be a whole number, not 'many'"):
        load(tmp_path, environment={"CODESEARCH_THREADS": "many"})


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "user.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_turned_off(tmp_path: Path, environment: dict[str, str]) -> None:
    assert not load(tmp_path, environment=environment).colour


def test_an_empty_no_color_means_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, environment={"NO_COLOR": "", "TERM": "xterm"}).colour


def test_a_relative_cache_does_not_move_with_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path, environment={"CODESEARCH_CACHE": "here"}).cache == tmp_path / "here"


def test_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not debugging()
    monkeypatch.setenv("CODESEARCH_DEBUG", "1")
    assert debugging()


def test_the_users_number_of_blas_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    use_one_blas_thread()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("kind", ["fifo", "link", "device", "large", "folder"])
def test_the_file_of_a_repository_is_read_with_suspicion(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "codesearch.toml"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "link":
        (tmp_path / "secret").write_text("[index]\n")
        file.symlink_to(tmp_path / "secret")
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_text("#" * (1 << 17))
    with pytest.raises(SettingsError, match=r"codesearch\.toml cannot be read"):
        load_settings(tmp_path, environment={}, user_file=tmp_path / "none")


def test_telemetry_is_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    turn_off_telemetry()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
