"""Requests made of the description, by schemathesis: none may make the server fail.

It takes minutes, and schemathesis wants an environment of its own: ``python3 -m venv st; st/bin/pip install
schemathesis``, and then ``PATH=st/bin:$PATH pytest -m slow tests/codesearch/server/test_schemathesis.py``.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.codesearch.server.serving import REPOSITORIES, make_repositories, serving

PROGRAM = shutil.which("schemathesis")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(PROGRAM is None, reason="needs schemathesis on the PATH")
def test_no_request_makes_the_server_fail(tmp_path: Path) -> None:
    roots = make_repositories(tmp_path / "r", REPOSITORIES)
    with serving(tmp_path / "s", roots) as server:
        command = [
            str(PROGRAM),
            "run",
            f"{server.url}/v1/openapi.json",
            "--checks=not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance",
            "--max-examples=60",
            "--seed=1",
            "--no-color",
            "--suppress-health-check=all",
            "--generation-database=:memory:",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        with server.client() as client:
            assert client.get("/v1/search", params={"question": "parse"}).json()["results"]
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
