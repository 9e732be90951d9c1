"""What is drawn on a terminal, seen through a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codesearch.cli.console import summary
from codesearch.index.progress import Phase, UpdateReport


def on_terminal(*arguments: str | Path, prelude: str = "", **variables: str) -> str:
    """Return what the command line writes to a terminal of 100 columns, control sequences included."""
    leader, follower = pty.openpty()
    code = f"{prelude}\nfrom codesearch.cli.app import main\nmain()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **variables},
    )
    os.close(follower)
    written = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                data = os.read(leader, 65_536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            written += data
    os.close(leader)
    assert process.wait(timeout=10) == 0, written
    return written.decode()


SLOW = """
import time
from codesearch.encoders.hashing import HashingEncoder
fast = HashingEncoder.encode_documents
def slow(self, texts):
    time.sleep(1.0 if len(texts) > 1 else 0)
    return fast(self, texts)
HashingEncoder.encode_documents = slow
"""


def test_a_bar_is_seen_at_first_use_and_vanishes(sample: Path) -> None:
    written = on_terminal("ask", "parse a configuration file", sample, prelude=SLOW)
    assert re.search(r"sample: (encoding|reading files)", written)
    before_answer = written[: written.index("files, ")]
    assert before_answer.rfind("\x1b[2K") > before_answer.rfind("sample: encoding")
    assert "parse_config" in written[written.index("files, ") :]


def test_quick_work_draws_no_bar(sample: Path) -> None:
    # What is quick depends on the machine; here everything within a minute is.
    patient = "import codesearch.cli.console\ncodesearch.cli.console._SHOW_AFTER_SECONDS = 60"
    written = on_terminal("index", sample, prelude=patient)
    assert "reading files" not in written
    assert "encoding" not in written
    assert "sample: 6 files" in written


def test_a_terminal_gets_colour_unless_it_is_not_wanted(sample: Path) -> None:
    on_terminal("index", sample)
    assert "\x1b[35m" in on_terminal("ask", "parse a configuration file", sample)
    assert "\x1b[" not in on_terminal("ask", "parse a configuration file", sample, NO_COLOR="1")
    assert "\x1b[" not in on_terminal("ask", "parse a configuration file", sample, TERM="dumb")


@pytest.mark.parametrize("columns", [40, 80])
def test_lines_fit_the_terminal(sample: Path, columns: int) -> None:
    (sample / "wide.py").write_text("def wide_function():\n    return " + " + ".join(["banana"] * 100) + "\n")
    on_terminal("index", sample)
    written = on_terminal("ask", "wide banana", sample / "wide.py", NO_COLOR="1", COLUMNS=str(columns))
    body = [line for line in written.splitlines() if line.startswith("  ")]
    assert body
    assert all(len(line) <= columns for line in body)
    assert any(line.endswith("…") for line in body)


def test_a_clone_is_announced_on_its_own_line(git_sample: Path) -> None:
    written = on_terminal("index", git_sample.as_uri())
    assert "Cloning file://" in written
    assert written.index("Cloning") < written.index("\n") < written.index("files, ")


def test_the_summary_names_what_matters() -> None:
    report = UpdateReport(files=1200, chunks=3400, changed_files=5, encoded=7, remembered=2, pending=3, skipped=4)
    report.seconds = {Phase.EXTRACTING: 1.0, Phase.ENCODING: 2.0}
    assert summary("r", report) == (
        "r: 1,200 files, 3,400 chunks; 5 read, 0 removed; 7 texts encoded in 2.0 s, 2 remembered; "
        "3 texts still to be encoded; 4 files left out (3.0 s)"
    )
    assert summary("r", UpdateReport(files=1, chunks=2)) == "r: 1 files, 2 chunks (0.0 s)"
