"""What the tests of editors share: a place to work in, and how an editor is run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[3]
HERE = Path(__file__).parent

QUESTION = "apply an incremental change to the text of a document"
ANSWER = "_apply_incremental_change"
FILE = "pygls/workspace/text_document.py"


@dataclass(frozen=True)
class Place:
    """A repository that nobody here wrote, indexed, and the environment in which editors are to run.

    Attributes:
        root: Top of the repository; its name holds a blank and a hash.
        environment: With `codesearch` first on the PATH, and home, cache and configuration folders of its own.
        command: The program.
    """

    root: Path
    environment: Mapping[str, str]
    command: str

    def line_of(self, text: str, file: str = FILE) -> int:
        """The number, from 1, of the first line of a file that holds a text."""
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)


def run_editor(command: list[str], place: Place, report: Path, **variables: str) -> dict[str, Any]:
    """Run an editor on a script of ours to its end; return what the script has written to `report` as JSON."""
    environment = {
        **place.environment,
        "REPORT": str(report),
        "ROOT": str(place.root),
        "QUESTION": QUESTION,
        "ANSWER": ANSWER,
        **variables,
    }
    done = subprocess.run(command, cwd=place.root, env=environment, capture_output=True, text=True, timeout=120)
    assert report.exists(), f"the editor wrote no report:\n{done.stdout}\n{done.stderr}"
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    assert "fault" not in result, result["fault"]
    return result
