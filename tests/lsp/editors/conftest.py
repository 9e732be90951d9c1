"""A real repository, indexed, for real editors and the server that they start: `codesearch lsp`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lsp.editors.places import Place

PATHS = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
"""The program that is tested is that of the tests, whatever is installed."""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    base = tmp_path_factory.mktemp("editors")
    root = base / "pygls #1"
    spec = importlib.util.find_spec("pygls")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0])
    shutil.copytree(source, root / "pygls", ignore=shutil.ignore_patterns("__pycache__"))
    git(root, "init", "-q")
    git(root, "add", "-A")
    programs = base / "home" / ".local" / "bin"  # a login shell may set the PATH anew; there pipx would install
    programs.mkdir(parents=True)
    command = programs / "codesearch"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m codesearch "$@"\n')
    command.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CODESEARCH_", "VIRTUAL_ENV"))},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        **PATHS,
        "HOME": str(base / "home"),
        "CODESEARCH_CACHE": str(base / "cache"),
        **{f"XDG_{kind}_HOME": str(base / "home" / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")},
    }
    subprocess.run([str(command), "index", str(root)], env=environment, check=True, capture_output=True)
    return Place(root, environment, str(command))


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)
