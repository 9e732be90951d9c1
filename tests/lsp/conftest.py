"""Fixtures of the language server's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.session import make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
