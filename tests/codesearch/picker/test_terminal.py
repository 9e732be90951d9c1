"""``ask -i`` in a real terminal, which tmux is; and where there is none."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]

PATIENCE = 60.0


class Tmux:
    """A terminal of its own server, 80x24 unless resized."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux"
        self.folder = folder

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout

    def start(
        self, *arguments: str | Path, after: str = "", size: tuple[int, int] = (80, 24), **variables: str
    ) -> None:
        """Run the command line in it, then print its exit status."""
        program = shlex.join([sys.executable, "-m", "codesearch", *map(str, arguments)])
        given = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
        script = self.folder / "run.sh"
        script.write_text(f"env {given} {program} {after}\necho status $?\nexec sleep 600\n")
        columns, rows = map(str, size)
        self._run("new-session", "-d", "-x", columns, "-y", rows, f"sh {shlex.quote(str(script))}")

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self, *options: str) -> str:
        return self._run("capture-pane", "-p", *options)

    def until(self, *texts: str) -> str:
        """Wait until all of some texts are on the screen, and return it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            shown = self.screen()
            if all(text in shown for text in texts):
                return shown
            time.sleep(0.05)
        pytest.fail(f"{texts} did not appear, but\n{self.screen()}")

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], check=False, capture_output=True)


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Tmux(tmp_path_factory.mktemp("terminal"))
    yield terminal
    terminal.close()


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """A script that records its arguments, and has `arguments` beside it once it has been run."""
    script = tmp_path / "editor"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {shlex.quote(str(tmp_path))}/part\nmv {tmp_path}/part {tmp_path}/arguments\n'
    )
    script.chmod(0o755)
    return script


def test_a_question_is_typed_and_enter_opens_the_editor(tmux: Tmux, sample: Path, editor: Path) -> None:
    tmux.start("ask", "-i", "", sample, EDITOR=str(editor), VISUAL="")
    tmux.until("Type what you are looking for")
    tmux.press("parse a configuration", "Space", "file")
    answer = ("> parse a configuration file", "> parse_config ", "src/config.py:6", "return json.loads(text)")
    tmux.until(*answer, "Enter open")  # the last line says something else while the index is brought up to date
    tmux.press("Enter")
    tmux.until("status 0")
    assert (editor.parent / "arguments").read_text().splitlines() == ["+6", str(sample / "src/config.py")]


def test_a_folder_that_exists_is_no_question(tmux: Tmux, sample: Path) -> None:
    tmux.start("ask", "-i", sample)
    tmux.until("Type what you are looking for", "sample")
    tmux.press("backoff")
    tmux.until("> backoff", "src/net/retry.go:4")


def test_an_editor_that_fails_hands_on_its_status(tmux: Tmux, sample: Path) -> None:
    tmux.start("ask", "-i", "backoff", sample, VISUAL="sh -c 'exit 3'")
    tmux.until("retry.go:4")
    tmux.press("Enter")
    tmux.until("status 3")


def test_an_editor_that_does_not_exist_is_named(tmux: Tmux, sample: Path) -> None:
    tmux.start("ask", "-i", "backoff", sample, VISUAL="no-such-editor")
    tmux.until("retry.go:4")
    tmux.press("Enter")
    tmux.until("the editor no-such-editor cannot be started", "status 2")


def test_without_an_editor_the_place_is_printed(tmux: Tmux, sample: Path) -> None:
    tmux.start("ask", "-i", "backoff", sample, VISUAL="", EDITOR="")
    tmux.until("retry.go:4")
    tmux.press("Enter")
    assert f"{sample}/src/net/retry.go:4" in tmux.until("status 0").replace("\n", "")


def test_with_stdout_in_a_pipe_it_draws_on_the_terminal_and_prints_the_place(
    tmux: Tmux, sample: Path, editor: Path, tmp_path: Path
) -> None:
    tmux.start("ask", "-i", "backoff", sample, after=f"> {tmp_path}/chosen < /dev/null", VISUAL=str(editor))
    tmux.until("retry.go:4")
    tmux.press("Enter")
    tmux.until("status 0")
    assert (tmp_path / "chosen").read_text() == f"{sample}/src/net/retry.go:4\n"
    assert not (tmp_path / "arguments").exists()


@pytest.mark.parametrize("key", ["C-c", "Escape"])
def test_leaving_is_status_130_and_restores_the_screen(tmux: Tmux, sample: Path, key: str) -> None:
    tmux.start("ask", "-i", "backoff", sample)
    tmux.until("retry.go:4")
    tmux.press(key)
    shown = tmux.until("status 130")
    assert "retry.go" not in shown
    assert "Traceback" not in shown


def test_a_terminal_that_changes_its_size_is_drawn_anew(tmux: Tmux, sample: Path) -> None:
    tmux.start("ask", "-i", "parse a configuration file", sample)
    tmux.until("src/config.py:6", "return json.loads(text)", "───")
    tmux.resize(160, 50)
    tmux.until("src/config.py:6", "return json.loads(text)", "│")
    tmux.resize(40, 12)
    wait = time.monotonic() + PATIENCE
    shown = tmux.screen()
    while ("return json.loads" in shown or "parse_config" not in shown) and time.monotonic() < wait:
        time.sleep(0.05)  # it is blank for a moment between two drawings
        shown = tmux.screen()
    assert "parse_config" in shown
    assert "return json.loads" not in shown


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_the_terminals_own_or_none(
    tmux: Tmux, sample: Path, variables: dict[str, str], coloured: bool
) -> None:
    tmux.start("ask", "-i", "parse a configuration file", sample, **variables)
    tmux.until("src/config.py:6", "return json.loads(text)")
    drawn = tmux.screen("-e")
    assert ("\x1b[35m" in drawn) == coloured
    assert "[38;" not in drawn, "no terminal needs more than its sixteen colours"


def test_control_characters_in_source_do_not_reach_the_terminal(tmux: Tmux, sample: Path) -> None:
    (sample / "src/evil.py").write_bytes(
        b"def evil_title():\n    '\x1b]2;owned\x07 \x1b[2J \xe2\x80\xae'\n    return 1\n"
    )
    tmux.start("ask", "-i", "evil_title", sample)
    shown = tmux.until("src/evil.py:1", "return 1")
    assert "]2;owned" in shown
    assert "owned" not in tmux._run("display-message", "-p", "#{pane_title}")


# --- refused ------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_is_refused(sample: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codesearch", "ask", "-i", "x", str(sample)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no terminal to draw on: ask without -i" in done.stderr


def test_a_dumb_terminal_is_refused(invoke: Invoke, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    result = invoke("ask", "-i", "x", sample)
    assert result.exit_code == 2
    assert "cannot be drawn on" in result.stderr


@pytest.mark.parametrize("option", ["--json", "--markdown", "--score", "--explain", "--context=2"])
def test_options_of_what_is_printed_are_refused(invoke: Invoke, sample: Path, option: str) -> None:
    result = invoke("ask", "-i", "x", sample, option)
    assert result.exit_code == 2
    assert "-i shows results itself" in result.stderr


def test_no_refresh_without_an_index_is_refused_before_anything_is_drawn(tmux: Tmux, sample: Path) -> None:
    tmux.start("ask", "-i", "x", sample, "--no-refresh", size=(160, 24))
    tmux.until("there is no index yet", "status 2")


def test_nothing_is_left_behind(tmux: Tmux, sample: Path) -> None:
    if not os.path.isdir("/proc"):  # noqa: PTH112
        pytest.skip("needs /proc")
    tmux.start("ask", "-i", "backoff", sample)
    tmux.until("retry.go:4")
    tmux.close()
    deadline = time.monotonic() + PATIENCE
    while _updaters(sample) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _updaters(sample)


def _updaters(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"codesearch.upkeep.updater" in command and os.environb[b"CODESEARCH_CACHE"] in environment:
            found.append(process.name)
    return found
