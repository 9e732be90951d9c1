"""Emacs with eglot, configured by the very lines of docs/guide/editors.md."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.editors.places import ANSWER, FILE, HERE, TOP, Place, run_editor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    emacs = shutil.which("emacs")
    if emacs is None:
        pytest.skip("no emacs on the PATH")
    # Not -Q: Debian's packages, eglot among them, are found by the site's start-up file.
    probe = "(progn (require 'package) (package-initialize) (require 'eglot))"
    if subprocess.run([emacs, "--batch", "-q", "--eval", probe], capture_output=True).returncode:
        pytest.skip("this Emacs has no eglot")
    folder = tmp_path_factory.mktemp("emacs")
    configuration = folder / "configuration.el"
    guide = (TOP / "docs" / "guide" / "editors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```elisp\n(.*?)```", guide, re.DOTALL)
    assert blocks
    configuration.write_text(";; -*- lexical-binding: t -*-\n" + "\n".join(blocks), encoding="utf-8")
    command = [emacs, "--batch", "-q", "-l", str(HERE / "emacs.el")]
    return run_editor(command, place, folder / "report.json", CONFIGURATION=str(configuration))


@pytest.mark.parametrize("way", ["xref", "asked"])
def test_a_question_leads_to_the_function(report: dict[str, Any], place: Place, way: str) -> None:
    assert report["started"] is True
    assert Path(report[way]["file"]).resolve() == place.root.resolve() / FILE
    assert f"def {ANSWER}" in report[way]["line"]
    assert report[way]["number"] == place.line_of(f"def {ANSWER}")


def test_the_choices_say_where_and_what(report: dict[str, Any], place: Place) -> None:
    assert any(FILE in choice and ANSWER in choice for choice in report["offered"])
