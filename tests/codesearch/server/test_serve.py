"""``codesearch serve`` and ``codesearch token`` as they are typed."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.codesearch.server.serving import make_repositories, wait_until

Start = Callable[..., "subprocess.Popen[str]"]
Invoke = Callable[..., Any]

FILES = {
    "app": {"a.py": "def parse_header(text):\n    return text\n"},
    "lib": {"b.py": "def backoff(n):\n    return n\n"},
}


@contextmanager
def served(start: Start, *arguments: str | Path) -> Iterator[tuple[str, list[str], subprocess.Popen[str]]]:
    """Run a server: its address, what it says on stderr, and its process."""
    process = start("serve", "--port", "0", *arguments)
    assert process.stderr is not None
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.extend(iter(process.stderr.readline, "")), daemon=True)
    thread.start()
    try:
        wait_until(lambda: process.poll() is not None or any("API:" in line for line in said), 120)
        address = next((found[0] for line in said if (found := re.search(r"http://[\d.]+:\d+", line))), "")
        assert address, said
        yield address, said, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        thread.join(10)
        process.stderr.close()
        assert process.stdout is not None
        process.stdout.close()


def test_it_serves_what_it_was_given_and_ends_in_order(tmp_path: Path, start: Start) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    with served(start, f"team/app={roots['app']}", str(roots["lib"]), "--no-dense") as (address, said, process):
        with httpx.Client(base_url=address, timeout=30) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200)

            def names() -> list[str]:
                listed = client.get("/v1/repositories").json()["repositories"]
                return [one["name"] for one in listed if one["searchable"]]

            wait_until(lambda: names() == ["lib", "team/app"], 60)
            answer = client.get("/v1/search", params={"question": "parse_header"}).json()
            assert answer["results"][0]["repository"] == "team/app"
            assert "<title>codesearch</title>" in client.get("/").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    lines = [json.loads(line) for line in said if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert {"/v1/search", "/v1/repositories", "/"} <= {line["route"] for line in requests}
    assert all(line["request_id"] and line["status"] and line["time"].endswith("Z") for line in requests)
    assert "parse_header" not in "".join(said), "a question is nobody's business but its asker's"


def test_a_token_is_printed_once_and_is_nowhere_else(tmp_path: Path, start: Start, invoke: Invoke) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    file = tmp_path / "tokens.json"
    made = invoke("token", "add", "ann", "--repositories", "app", "--expires", "1d", "--tokens", file)
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert re.fullmatch(r"codesearch_[\w-]{43}", token)
    assert "ann" in invoke("token", "list", "--tokens", file).stdout
    assert json.loads(invoke("token", "list", "--json", "--tokens", file).stdout)[0]["name"] == "ann"
    where = ("--tokens", str(file), "--no-dense")
    with served(start, str(roots["app"]), str(roots["lib"]), *where) as (address, said, process):
        with httpx.Client(base_url=address, timeout=30) as client:
            assert client.get("/v1/status").status_code == 401
            headers = {"Authorization": f"Bearer {token}"}
            assert client.get("/v1/status", headers=headers).json()["repositories"] == 1
            client.get(f"/v1/search?question=x&token={token}")
            client.get("/v1/status", headers={"Authorization": f"Bearer {token}x"})
        if Path("/proc").is_dir():
            assert token not in Path(f"/proc/{process.pid}/cmdline").read_text()
        assert invoke("token", "revoke", "ann", "--tokens", file).exit_code == 0
        with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
            assert client.get("/v1/status").status_code == 401
    told = "".join(said) + file.read_text() + invoke("token", "list", "--tokens", file).output
    assert token not in told
    assert token.removeprefix("codesearch_") not in told


def test_it_listens_elsewhere_only_with_tokens_or_consent(tmp_path: Path, start: Start, invoke: Invoke) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    refused = invoke("serve", str(roots["app"]), "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code != 0
    assert "codesearch token add" in refused.output
    elsewhere = (str(roots["app"]), "--host", "0.0.0.0", "--no-dense")
    with served(start, *elsewhere, "--without-tokens") as (address, said, _):
        assert httpx.get(f"{address}/v1/status").status_code == 200
        assert any("everybody who can reach it" in line for line in said)
    assert invoke("token", "add", "ann", "--repositories", "*").exit_code == 0
    with served(start, *elsewhere) as (address, _, _):
        assert httpx.get(f"{address}/v1/status").status_code == 401


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["--tokens", "{file}"], "chmod 600"),
        (["--tokens", "{empty}"], "holds no token"),
        (["--host", "192.0.2.1", "--without-tokens"], "cannot listen"),
        (["--host", "no.such.host.invalid", "--without-tokens"], "no address"),
        (["a/../b={app}"], "cannot be the name"),
        (["content={app}"], "cannot be the name"),
        (["{app}", "app={lib}"], "both be called app"),
        (["{app}/a.py"], "as a whole"),
        (["--all", "{empty}"], "is a file"),
    ],
)
def test_what_cannot_be_served_is_told(tmp_path: Path, invoke: Invoke, arguments: list[str], said: str) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    (tmp_path / "open.json").write_text('{"version": 1, "tokens": []}')
    (tmp_path / "open.json").chmod(0o644)
    (tmp_path / "empty.json").write_text('{"version": 1, "tokens": []}')
    (tmp_path / "empty.json").chmod(0o600)
    places = {
        "app": str(roots["app"]),
        "lib": str(roots["lib"]),
        "file": str(tmp_path / "open.json"),
        "empty": str(tmp_path / "empty.json"),
    }
    given = [argument.format(**places) for argument in arguments]
    if not any(place in " ".join(given) for place in (places["app"], places["lib"])) and given[0] != "nowhere":
        given.append(places["app"])
    done = invoke("serve", "--port", "0", "--no-dense", *given)
    assert done.exit_code != 0
    assert said in done.output


def test_a_port_that_is_taken_is_told(tmp_path: Path, invoke: Invoke) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = invoke("serve", "--port", str(other.getsockname()[1]), "--no-dense", str(roots["app"]))
    assert "choose another --port" in done.output


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path, start: Start) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    with served(start, str(roots["app"]), "--no-dense") as (address, _, process):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.settimeout(20)
            raw.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
            raw.sendall(b"Content-Length: 23\r\n\r\n")
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            raw.sendall(b'{"question": "parse it"')
            answer = raw.recv(65536)
        assert answer.startswith(b"HTTP/1.1 ")
        assert process.wait(30) == 0


def test_a_missing_extra_is_one_sentence(start: Start, tmp_path: Path) -> None:
    prelude = "import sys\nsys.modules['prometheus_client'] = None"
    process = start("serve", str(tmp_path), prelude=prelude)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.strip().endswith("pip install 'codesearch-nl[server]'")
    assert len(said.strip().splitlines()) == 1


def test_help_and_tokens_load_no_server(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom codesearch.cli.app import app\n"
        "for arguments in (['serve', '--help'], ['token', 'list', '--tokens', sys.argv[1]]):\n"
        "    try:\n        app(arguments)\n    except SystemExit:\n        pass\n"
        "print('LOADED', [n for n in ('starlette', 'uvicorn', 'prometheus_client', 'pydantic') if n in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "tokens.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
