"""Indexing that is killed at random moments, again and again: what it leaves answers, and can be completed.

The long form: CODESEARCH_KILLS=1000 pytest -o faulthandler_timeout=0 tests/codesearch/index/test_kills.py
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

KILLS = int(os.environ.get("CODESEARCH_KILLS", "50"))


def index_in_child(bench: Any, seconds: float) -> bool:
    """Bring the index up to date in a process that is killed after some seconds; returns whether it was."""
    child = os.fork()
    if child == 0:
        try:
            bench.index(vector_cache=bench.directory.with_name("vectors.db"))
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.timeout(max(300, 6 * KILLS))
def test_nothing_is_lost_or_wrong_after_a_kill_at_any_moment(bench: Any, tmp_path: Path) -> None:
    chance = random.Random(50)
    bench.fill(30)
    bench.index(vector_cache=bench.directory.with_name("vectors.db"))
    lasts = 0.3
    kills = tries = 0
    while kills < KILLS:
        tries += 1
        assert tries < 6 * KILLS, "it ends before it can be killed"
        number = chance.randrange(30)
        bench.write(f"package_{number % 5}/module_{number}.py", f"def action_{number}_{tries}(value): pass\n")
        if chance.random() < 0.3:
            (bench.root / f"extra_{chance.randrange(5)}.py").unlink(missing_ok=True)
        if chance.random() < 0.3:
            bench.write(f"extra_{chance.randrange(5)}.py", f"def extra_{tries}(): pass\n")
        killed = index_in_child(bench, chance.uniform(0, lasts))
        # Half of them are to come before the end, on any machine.
        lasts = max(0.02, lasts * 0.97) if not killed else lasts * 1.01
        kills += killed
        with bench.snapshot() as snapshot:
            chunks = snapshot.chunks(range(1, 100_000)).values()
            assert len({chunk.path for chunk in chunks}) >= 25
            assert snapshot.has_words
        if kills % 10 == 0 and killed:
            bench.index(vector_cache=bench.directory.with_name("vectors.db"))
            assert bench.contents() == bench.fresh()
            assert not [path.name for path in bench.directory.rglob("*partial*")]
