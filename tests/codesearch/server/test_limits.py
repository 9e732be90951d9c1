"""What clients do wrong, on purpose or not: each gets a clear answer, and everybody else is served."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codesearch.server.assembly import Limits
from tests.codesearch.server.serving import Serving, make_repositories, serving, wait_until

FILES = {"app": {"a.py": "".join(f"def parse_{n}():\n    '''Parse.'''\n    return {n}\n\n\n" for n in range(20))}}
LIMITS = Limits(rate=0, body_bytes=200_000, body_seconds=1.0, hosts=("Search.Example.org",))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("limits")
    with serving(folder, make_repositories(folder / "r", FILES), limits=LIMITS, stall_seconds=1.0) as running:
        yield running


def is_well(server: Serving) -> bool:
    with server.client() as client:
        return bool(client.get("/v1/search", params={"question": "parse"}).json()["results"])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("", 400, "not JSON"),
        ("{", 400, "not JSON"),
        ("[" * 100_000, 400, "not JSON"),
        ("[]", 422, "JSON object"),
        ("{}", 422, "question is missing"),
        ('{"question": ""}', 422, "question"),
        ('{"question": "   "}', 422, "empty"),
        ('{"question": 1}', 422, "question"),
        ('{"question": "a\\u0000b"}', 422, "question"),
        (json.dumps({"question": "\0" * 1000}), 422, "question"),
        ('{"question": "parse", "limit": 1000000}', 422, "limit"),
        ('{"question": "parse", "limit": 0}', 422, "limit"),
        ('{"question": "parse", "limit": 1e400}', 422, "limit"),
        ('{"question": "parse", "limit": true}', 422, "limit"),
        ('{"question": "parse", "colour": "red"}', 422, "colour"),
        ('{"question": "parse", "languages": ["klingon"]}', 422, "klingon"),
        ('{"question": "parse", "kinds": ["poem"]}', 422, "kinds"),
        ('{"question": "parse", "tests": "maybe"}', 422, "tests"),
        ('{"question": "parse", "repositories": ["nowhere"]}', 404, "nowhere"),
        ('{"question": "parse", "cursor": "' + "A" * 10_000 + '"}', 422, "cursor"),
        ('{"question": "lang:klingon parse"}', 422, "klingon"),
        ('{"question": "\\ud800 parse"}', 422, ""),
        (json.dumps({"question": "parse " * 20_000}), 422, "question"),
        (json.dumps({"question": "parse", "paths": ["x"] * 1_000}), 422, "paths"),
    ],
)
def test_a_request_that_cannot_be_used_is_told_why(server: Serving, body: str, status: int, said: str) -> None:
    with server.client() as client:
        for path in ("/v1/search", "/v1/search/stream"):
            answer = client.post(path, content=body.encode(), headers={"Content-Type": "application/json"})
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            held = answer.json()
            assert said in held["detail"]
            assert len(held["detail"]) < 500
            assert held["request_id"] == answer.headers["x-request-id"]
    assert is_well(server)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"path": "a.py"},
        {"repository": "app", "path": "a.py"},
        {"repository": "app", "path": "a.py", "line": 1, "name": "x"},
        {"repository": "app", "path": "a.py", "line": 1, "snippet": "x"},
        {"snippet": "   "},
        {"snippet": "def f(): pass", "snippet_language": "klingon"},
        {"repository": "app", "path": "a.py", "line": -1},
    ],
)
def test_a_place_that_is_none_is_told_why(server: Serving, body: dict[str, Any]) -> None:
    with server.client() as client:
        answer = client.post("/v1/similar", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_place_without_code_is_not_found(server: Serving) -> None:
    with server.client() as client:
        for place in (
            {"path": "b.py", "line": 1},
            {"path": "a.py", "line": 99_999},
            {"path": "a.py", "name": "nobody"},
        ):
            assert client.post("/v1/similar", json={"repository": "app", **place}).status_code == 404


def test_a_request_of_another_type_or_method_is_refused(server: Serving) -> None:
    with server.client() as client:
        assert client.post("/v1/search", content=b"question=parse").status_code == 415
        assert client.put("/v1/search", json={}).status_code == 405
        assert client.get("/v1/search", params=[("question", "a"), ("question", "b")]).status_code == 422
        assert client.get("/v1/nothing").status_code == 404
        assert client.get("/v1/repositories/app/content").status_code == 422


def test_a_request_that_is_too_large_is_refused_early(server: Serving) -> None:
    with server.client() as client:
        answer = client.post("/v1/search", json={"question": "x" * 10_000_000})
        assert answer.status_code == 413
        assert "200,000 bytes" in answer.json()["detail"]

        def pieces() -> Iterator[bytes]:  # whose size nobody announces
            for _ in range(100):
                yield b"x" * 10_000

        answer = client.post("/v1/search", content=pieces(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
    assert is_well(server)


def test_a_head_of_ten_megabytes_is_refused(server: Serving) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.settimeout(10)
        try:
            raw.sendall(b"GET /v1/search?question=" + b"x" * 10_000_000)
            answer = raw.recv(100)
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert is_well(server)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /v1/st",
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v1/st",
    ],
)
def test_a_client_that_stalls_in_its_head_is_let_go(server: Serving, beginning: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(beginning)
        raw.settimeout(10)
        started = time.monotonic()
        while raw.recv(4096):
            pass  # an answer to the first of two, and then the end
        assert time.monotonic() - started < 8
    assert is_well(server)


def test_a_client_that_stalls_in_its_body_is_told_so(server: Serving) -> None:
    head = (
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(head)
        raw.settimeout(10)
        assert raw.recv(4096).startswith(b"HTTP/1.1 408")
        assert is_well(server)


def test_a_client_that_accepts_nothing_is_let_go(server: Serving) -> None:
    request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", server.port))
        raw.settimeout(0.2)
        reset = False
        try:
            while True:  # until all buffers are full, of the server as well
                raw.sendall(request)
        except TimeoutError:
            assert is_well(server)
            time.sleep(3)
            raw.settimeout(10)
        except ConnectionError:  # it was let go already
            reset = True
        while not reset:
            try:
                assert raw.recv(1 << 20), "it was ended in order"
            except ConnectionError:
                reset = True
    assert is_well(server)


# --- pages of other sites -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "", "[", "127.0.0.1.nip.io"]
)
def test_a_name_that_nobody_gave_the_server_is_refused(server: Serving, host: str) -> None:
    with server.client(headers={"Host": host}) as client:
        for path in ("/v1/status", "/", "/mcp", "/healthz"):
            assert client.get(path).status_code == 421


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8388", "10.1.2.3", "search.example.org", "search.example.org:443"],
)
def test_a_name_of_the_server_is_answered(server: Serving, host: str) -> None:
    with server.client(headers={"Host": host}) as client:
        assert client.get("/v1/status").status_code == 200


def test_a_page_of_another_site_is_refused(server: Serving) -> None:
    here = f"127.0.0.1:{server.port}"
    with server.client() as client:
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"):
            for path in ("/v1/status", "/mcp", "/"):
                assert client.get(path, headers={"Origin": origin}).status_code == 403
            answer = client.options("/v1/search", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
            assert answer.status_code == 403
            assert not [name for name in answer.headers if name.startswith("access-control")]
        assert client.get("/v1/status", headers={"Origin": f"http://{here}"}).status_code == 200
        crossed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert client.get("/v1/status", headers=crossed).status_code == 403
        followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert client.get("/", headers=followed).status_code == 200
        assert client.get("/v1/status", headers=followed).status_code == 403


def test_every_answer_has_the_headers_that_keep_a_page_safe(server: Serving) -> None:
    with server.client() as client:
        for path in ("/", "/page.js", "/v1/status", "/v1/nothing", "/mcp", "/healthz"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-frame-options"] == "DENY"
            assert "server" not in headers


# --- rates --------------------------------------------------------------------------------------------------


def test_a_token_that_asks_too_much_waits_and_others_do_not(tmp_path: Path) -> None:
    roots = make_repositories(tmp_path / "r", FILES)
    with serving(tmp_path / "s", roots, guarded=True, limits=Limits(rate=2)) as server:
        busy, calm = server.file.add("busy", ["*"], None), server.file.add("calm", ["*"], None)
        with server.client(busy) as client:
            answers = [client.get("/v1/status") for _ in range(12)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:6] == [200] * 6
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) >= 1
        with server.client(calm) as client:
            assert client.get("/v1/status").status_code == 200
            assert 'codesearch_http_requests_refused_total{why="rate"}' in client.get("/metrics").text


def test_a_search_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from codesearch.server import endpoints

    roots = make_repositories(tmp_path / "r", FILES)
    with serving(tmp_path / "s", roots, limits=Limits(rate=0, search_seconds=0.5)) as server:
        original = endpoints.answer_search

        def slow(*arguments: Any, **named: Any) -> Any:
            time.sleep(2)
            return original(*arguments, **named)

        with monkeypatch.context() as patch, server.client() as client:
            patch.setattr(endpoints, "answer_search", slow)
            answer = client.get("/v1/search", params={"question": "parse"})
            assert answer.status_code == 503
            assert "0.5 s" in answer.json()["detail"]
        time.sleep(2)
        assert is_well(server)


def test_a_fault_of_ours_is_an_answer_and_a_line_in_the_log(
    server: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from codesearch.server import endpoints

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("as if")

    with monkeypatch.context() as patch, server.client() as client:
        patch.setattr(endpoints, "answer_search", fail)
        answer = client.get("/v1/search", params={"question": "parse"}, headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine-1"
    assert "as if" not in answer.text
    wait_until(lambda: "as if" in caplog.text)  # which is written once the client has its answer
    assert is_well(server)
