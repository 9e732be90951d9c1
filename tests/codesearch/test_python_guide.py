"""Every example of docs/guide/python.md is run, and prints what the page says that it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "guide" / "python.md"

FILES = {
    "repo/src/net.py": '''import time


def request_with_retry(send, attempts):
    """Retry with exponential backoff."""
    for attempt in range(attempts):
        if send():
            return
        time.sleep(2**attempt)


class Client:
    """Talks to a server."""

    def send(self, message):
        """Send a message, with a retry."""
''',
    "repo/src/config.py": '''import json


def parse_config(text: str) -> dict:
    """Parse a configuration file."""
    return json.loads(text)
''',
    "library/tokens.py": '''def parse_tokens(text):
    """Parse a text into tokens."""
''',
}

BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
EXAMPLES = BLOCK.findall(PAGE.read_text("utf-8"))


def test_the_examples_are_found() -> None:
    assert len(EXAMPLES) == PAGE.read_text("utf-8").count("```python") == 8
    assert all(output for _, output in EXAMPLES)


@pytest.mark.parametrize(("program", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(
    tmp_path: Path, write_tree: Any, git: Any, program: str, output: str
) -> None:
    write_tree(tmp_path, FILES)
    git(tmp_path / "repo", "init", "--quiet")
    (tmp_path / "example.py").write_text(program)
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == (output, "")
