"""Ctrl-C at any moment: a sentence and 130, soon, and never a traceback."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

# Counts what is imported after the program's first module, and presses Ctrl-C at one of them.
AT_IMPORT = """
import os, signal, sys
import codesearch.cli.entry

class Presses:
    left = {number}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.left -= 1
        if cls.left == 0:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Presses)
sys.argv = ["codesearch", "status"]
codesearch.cli.entry.main()
"""


@pytest.mark.parametrize("number", [1, 30, 90, 150, 210])
def test_ctrl_c_while_modules_are_imported(number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_IMPORT.format(number=number)],
        env=os.environ | {"CODESEARCH_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "codesearch: stopped\n")


# What a command does is to wait, to be interrupted, and to wait again: for a thread, a lock or a library.
STUBBORN = """
import sys, time
import codesearch.upkeep.status as status

def wait(*_):
    print("working", file=sys.stderr, flush=True)
    try:
        time.sleep(100)
    finally:
        print("ending", file=sys.stderr, flush=True)
        time.sleep(100)

status.versions = wait
sys.argv = ["codesearch", "version"]
from codesearch.cli.entry import main
main()
"""


def test_the_second_ctrl_c_waits_for_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "ending\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == "codesearch: stopped at once\n"


def test_two_at_almost_the_same_time_end_an_update(tmp_path: Path) -> None:
    """The second comes while the first is being dealt with, wherever that is."""
    root = tmp_path / "repository"
    root.mkdir()
    for number in range(300):
        (root / f"m{number}.py").write_text(f"def action_{number}(value):\n    return value + {number}\n" * 4)
    begin = (
        "import sys; from codesearch.cli.entry import main; sys.argv[0] = 'codesearch'; "
        "print('begun', file=sys.stderr, flush=True); main()"
    )
    chance = random.Random(5)
    for _ in range(6):
        environment = os.environ | {"CODESEARCH_CACHE": str(tmp_path / "cache"), "CODESEARCH_MODEL": "hashing"}
        with subprocess.Popen(
            [sys.executable, "-c", begin, "index", "--rebuild", str(root)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "begun\n"
            time.sleep(chance.uniform(0.01, 2.5))
            for _ in range(2):
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(chance.choice((0, 0.001, 0.005)))
            _, errors = process.communicate(timeout=30)
            # Python hears of no signal any more when it has all but ended, and the system then ends it.
            assert process.returncode in (0, 130, -signal.SIGINT)
            assert "Traceback" not in errors, errors
            assert "semaphore" not in errors, errors


def test_ctrl_c_that_is_to_be_ignored_is_ignored() -> None:
    """As in the background of a shell, or under nohup."""
    program = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + STUBBORN.replace(
        "time.sleep(100)", "os.kill(os.getpid(), 2)"
    ).replace("import sys", "import os, sys")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert "stopped" not in done.stderr
