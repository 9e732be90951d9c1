"""The API as its clients see it: every route, who may ask it, and what comes back."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import jsonschema
import pytest

from codesearch.server.endpoints import ENDPOINTS
from codesearch.server.openapi import describe
from tests.codesearch.server.serving import Serving, events, make_repositories, serving, wait_until

QUESTION = "parse a configuration file"

REQUESTS: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/v1/search"): {"params": {"question": QUESTION}},
    ("POST", "/v1/search"): {"json": {"question": QUESTION}},
    ("POST", "/v1/search/stream"): {"json": {"question": QUESTION}},
    ("POST", "/v1/similar"): {"json": {"repository": "team/app", "path": "src/config.py", "name": "parse_config"}},
    ("GET", "/v1/repositories"): {},
    ("GET", "/v1/repositories/{name}/content"): {"params": {"path": "src/config.py"}},
    ("POST", "/v1/repositories/{name}/refresh"): {},
    ("GET", "/v1/repositories/{name}"): {},
    ("GET", "/v1/status"): {},
    ("GET", "/metrics"): {},
    ("GET", "/healthz"): {},
    ("GET", "/readyz"): {},
}
"""A request to each route that is answered, as the test below sees to."""

GUARDED = [key for key in REQUESTS if key[1] not in ("/healthz", "/readyz")]
NAMED = [key for key in REQUESTS if "{name}" in key[1]]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_repositories(tmp_path_factory.mktemp("repositories"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, roots: dict[str, Path]) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("server"), roots, guarded=True) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(server: Serving) -> dict[str, str]:
    file = server.file
    return {
        "all": file.add("all", ["*"], None),
        "team": file.add("team", ["team/*"], None),
        "other": file.add("other", ["other/*"], None),
        "nothing": file.add("nothing", ["elsewhere/*"], None),
        "expired": file.add("expired", ["*"], 1_000.0),
    }


def ask(
    server: Serving, key: tuple[str, str], token: str = "", name: str = "team/app", **changes: Any
) -> httpx.Response:
    method, path = key
    with server.client(token) as client:
        return client.request(method, path.replace("{name}", name), **(REQUESTS[key] | changes))


def test_there_is_a_request_for_every_route() -> None:
    assert set(REQUESTS) == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}


# --- who may ask --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", REQUESTS, ids=" ".join)
def test_a_token_that_may_is_answered(server: Serving, tokens: dict[str, str], key: tuple[str, str]) -> None:
    answer = ask(server, key, tokens["all"])
    assert answer.status_code == (202 if key[1].endswith("refresh") else 200), answer.text
    assert len(answer.headers["x-request-id"]) == 16


@pytest.mark.parametrize("key", GUARDED, ids=" ".join)
@pytest.mark.parametrize("token", ["", "codesearch_wrong", "expired"])
def test_nobody_else_is(server: Serving, tokens: dict[str, str], key: tuple[str, str], token: str) -> None:
    answer = ask(server, key, tokens.get(token, token))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["detail"]
    assert "parse" not in answer.text


@pytest.mark.parametrize("key", [("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/nowhere"), ("GET", "/v1/nowhere")])
def test_nor_anywhere_else(server: Serving, tokens: dict[str, str], key: tuple[str, str]) -> None:
    with server.client() as client:
        assert client.request(*key).status_code == 401
    with server.client(tokens["expired"]) as client:
        assert client.request(*key).status_code == 401


@pytest.mark.parametrize("key", NAMED, ids=" ".join)
def test_a_foreign_repository_is_as_absent_as_one_that_is_not_there(
    server: Serving, tokens: dict[str, str], key: tuple[str, str]
) -> None:
    foreign = ask(server, key, tokens["team"], "other/vault")
    absent = ask(server, key, tokens["team"], "other/nothing")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["detail"].replace("vault", "nothing") == absent.json()["detail"]


@pytest.mark.parametrize("key", [key for key in REQUESTS if "search" in key[1]], ids=" ".join)
def test_nothing_is_found_in_a_foreign_repository(
    server: Serving, tokens: dict[str, str], key: tuple[str, str]
) -> None:
    assert "parse_secret_key" in ask(server, key, tokens["all"]).text
    found = ask(server, key, tokens["team"])
    assert found.status_code == 200
    assert "parse_config" in found.text
    assert "vault" not in found.text
    kind = "params" if key[0] == "GET" else "json"
    named = {"question": QUESTION, "repositories": ["other/vault"]}
    assert ask(server, key, tokens["team"], **{kind: named}).status_code == 404
    assert ask(server, key, tokens["nothing"]).status_code == 404


def test_nothing_similar_is_found_in_a_foreign_repository(server: Serving, tokens: dict[str, str]) -> None:
    key = ("POST", "/v1/similar")
    assert "vault" in ask(server, key, tokens["all"]).text
    assert "vault" not in ask(server, key, tokens["team"]).text
    assert ask(server, key, tokens["other"]).status_code == 404
    snippet = ask(server, key, tokens["team"], json={"snippet": "def parse_secret_key(text): return text"})
    assert snippet.status_code == 200
    assert "vault" not in snippet.text


def test_nothing_tells_of_a_foreign_repository(server: Serving, tokens: dict[str, str]) -> None:
    for path in ("/v1/repositories", "/v1/status", "/metrics"):
        ask(server, ("GET", "/v1/search"), tokens["all"])  # so that a metric of it exists
        with server.client(tokens["team"]) as client:
            told = client.get(path).text
        with server.client(tokens["all"]) as client:
            everything = client.get(path).text
        assert "vault" not in told
        if path != "/v1/status":
            assert "vault" in everything
    with server.client(tokens["team"]) as client:
        assert client.get("/v1/status").json()["repositories"] == 2


def test_a_revoked_token_is_refused_at_once(server: Serving) -> None:
    token = server.file.add("short", ["*"], None)
    assert ask(server, ("GET", "/v1/status"), token).json()["token"] == "short"
    server.file.revoke("short")
    assert ask(server, ("GET", "/v1/status"), token).status_code == 401


def test_a_file_that_others_may_read_lets_nobody_through(server: Serving, tokens: dict[str, str]) -> None:
    server.file.path.chmod(0o644)
    try:
        answer = ask(server, ("GET", "/v1/status"), tokens["all"])
        assert answer.status_code == 503
        assert "tokens" in answer.json()["detail"]
    finally:
        server.file.path.chmod(0o600)
    assert ask(server, ("GET", "/v1/status"), tokens["all"]).status_code == 200


# --- the description ----------------------------------------------------------------------------------------


def resolver(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**schema, "components": describe()["components"]})


@pytest.mark.parametrize("key", REQUESTS, ids=" ".join)
def test_an_answer_is_as_it_is_described(server: Serving, tokens: dict[str, str], key: tuple[str, str]) -> None:
    answer = ask(server, key, tokens["all"])
    operation = describe()["paths"][key[1]][key[0].lower()]
    ((media, described),) = operation["responses"][str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"].partition(";")[0] == media
    if media == "text/plain":
        return
    lines = [answer.json()] if media == "application/json" else [json.loads(line) for line in answer.iter_lines()]
    for line in lines:
        resolver(described["schema"]).validate(line)
    for status in ("401",) if key in GUARDED else ():
        ((_, problem),) = operation["responses"][status]["content"].items()
        resolver(problem["schema"]).validate(ask(server, key).json())


def test_every_field_is_described() -> None:
    found = describe()
    assert found["openapi"].startswith("3.1")
    undescribed = [
        f"{name}.{member}"
        for name, schema in found["components"]["schemas"].items()
        for member, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]
    assert undescribed == []
    operations = [one for path in found["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) == len(ENDPOINTS)
    assert all(parameter["description"] for one in operations for parameter in one.get("parameters", ()))


def test_the_description_is_served_to_everybody(server: Serving) -> None:
    with server.client() as client:
        assert client.get("/v1/openapi.json").json() == json.loads(json.dumps(describe()))


# --- what comes back ----------------------------------------------------------------------------------------


def test_a_search_and_its_filters(server: Serving, tokens: dict[str, str]) -> None:
    def names(**wanted: Any) -> list[str]:
        body = {"question": QUESTION, "limit": 50, "kinds": ["function"], **wanted}
        answer = ask(server, ("POST", "/v1/search"), tokens["team"], json=body)
        assert answer.status_code == 200, answer.text
        return [result["name"] for result in answer.json()["results"]]

    assert names()[0] == "parse_config"
    assert "test_parse_config" not in names(tests="no")
    assert names(tests="only") == ["test_parse_config"]
    assert names(languages=["go"]) == ["Backoff"]
    assert names(repositories=["team/lib"]) == ["Backoff"]
    assert names(paths=["src/config.py"]) == ["parse_config"]
    assert names(question=f"{QUESTION} lang:go") == ["Backoff"]


def test_a_result_says_where_it_is_and_why(server: Serving, tokens: dict[str, str]) -> None:
    body = {"question": QUESTION, "limit": 1, "highlight": True}
    (result,) = ask(server, ("POST", "/v1/search"), tokens["team"], json=body).json()["results"]
    assert (result["repository"], result["path"], result["line"]) == ("team/app", "src/config.py", 4)
    assert result["score"] == pytest.approx(sum(result["signals"].values()), abs=0.01)
    assert result["lines"]
    explained = ask(server, ("GET", "/v1/status"), tokens["team"]).json()["signals"]
    assert result["signals"].keys() <= explained.keys()
    lines = {line["line"]: "".join(text for _, text in line["pieces"]) for line in result["code"]}
    assert lines[4] == "def parse_config(text):"
    assert ["keyword", "def"] in next(line["pieces"] for line in result["code"] if line["line"] == 4)
    assert {line["line"] for line in result["code"] if line["telling"]} == set(result["lines"])


def test_no_answer_names_a_folder_of_the_machine(
    server: Serving, tokens: dict[str, str], roots: dict[str, Path]
) -> None:
    folder = str(roots["team/app"].parent.parent)
    for key in REQUESTS:
        assert folder not in ask(server, key, tokens["all"]).text


def test_an_empty_answer_says_why(server: Serving, tokens: dict[str, str]) -> None:
    body = {"question": "zzzqqq xxyyzz", "words_only": True}
    answer = ask(server, ("POST", "/v1/search"), tokens["team"], json=body).json()
    assert answer["results"] == []
    assert "try other words" in answer["notices"][0]["text"]


def pages(server: Serving, token: str, between: Any = lambda page: None, **wanted: Any) -> list[tuple[str, int]]:
    """Page through all results; `between` is called after each page."""
    found: list[tuple[str, str]] = []
    body = {"question": "wait longer after a failed attempt", "limit": 7, **wanted}
    for page in itertools.count():
        answer = ask(server, ("POST", "/v1/search"), token, json=body)
        assert answer.status_code == 200, answer.text
        held = answer.json()
        found += [(result["path"], result["name"]) for result in held["results"]]
        if held["next_cursor"] is None:
            return found
        between(page)
        body["cursor"] = held["next_cursor"]
    raise AssertionError


def test_pages_are_the_whole_list_in_parts(server: Serving, tokens: dict[str, str]) -> None:
    paged = pages(server, tokens["team"])
    body = {"question": "wait longer after a failed attempt", "limit": 100}
    whole = ask(server, ("POST", "/v1/search"), tokens["team"], json=body).json()["results"]
    assert paged == [(result["path"], result["name"]) for result in whole]
    assert len(paged) == len(set(paged)) >= 40


def test_pages_repeat_and_lose_nothing_while_the_index_changes(tmp_path: Path) -> None:
    roots = make_repositories(tmp_path / "r", {"app": {"a.py": "".join(function(n) for n in range(30))}})
    with serving(tmp_path / "s", roots) as server:

        def change(page: int) -> None:
            if page != 1:
                return
            before = server.collection.state("app").manifest
            # Every line moves, functions come to stand before those that were seen, and one is deleted.
            text = "# moved\n" + "".join(function(n) for n in [*range(100, 110), *range(29)])
            (roots["app"] / "a.py").write_text(text)
            server.collection.request_update("app")
            wait_until(lambda: server.collection.state("app").manifest != before)

        found = pages(server, "", change, question="wait longer after a failed attempt", kinds=["function"])
    names = [name for _, name in found]
    assert len(names) == len(set(names)), "a result was repeated"
    assert {f"backoff_{n}" for n in range(29)} <= set(names), "a result was lost"


def function(n: int) -> str:
    return (
        f'def backoff_{n}(attempt):\n    """Wait longer after failed attempt {n}."""\n    return {n} ** attempt\n\n\n'
    )


def test_a_cursor_of_another_question_is_refused(server: Serving, tokens: dict[str, str]) -> None:
    first = ask(server, ("POST", "/v1/search"), tokens["all"], json={"question": QUESTION, "limit": 1}).json()
    for wanted in ({"question": "another"}, {"question": QUESTION, "tests": "no"}):
        body = {**wanted, "cursor": first["next_cursor"]}
        answer = ask(server, ("POST", "/v1/search"), tokens["all"], json=body)
        assert answer.status_code == 422
        assert "another question" in answer.json()["detail"]
    body = {"question": QUESTION, "cursor": "AAAA"}
    assert ask(server, ("POST", "/v1/search"), tokens["all"], json=body).status_code == 422


def test_a_stream_gives_words_first(server: Serving, tokens: dict[str, str]) -> None:
    with (
        server.client(tokens["all"]) as client,
        client.stream("POST", "/v1/search/stream", json={"question": QUESTION}) as got,
    ):
        first, second = events(got)
    assert [first["event"], second["event"]] == ["words", "full"]
    assert first["answer"]["by_words"]
    assert not second["answer"]["by_words"]
    whole = ask(server, ("POST", "/v1/search"), tokens["all"]).json()
    assert second["answer"]["results"] == whole["results"]


def test_an_etag_spares_what_the_client_has(server: Serving, tokens: dict[str, str]) -> None:
    for key in (("GET", "/v1/search"), ("GET", "/v1/repositories"), ("GET", "/v1/repositories/{name}/content")):
        answer = ask(server, key, tokens["all"])
        again = ask(server, key, tokens["all"], headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert ask(server, key, tokens["all"], headers={"If-None-Match": 'W/"x"'}).status_code == 200


def test_long_answers_are_compressed(server: Serving, tokens: dict[str, str]) -> None:
    assert ask(server, ("GET", "/v1/search"), tokens["all"]).headers["content-encoding"] == "gzip"


def test_the_content_around_a_match(server: Serving, tokens: dict[str, str]) -> None:
    key = ("GET", "/v1/repositories/{name}/content")
    whole = ask(server, key, tokens["team"]).json()
    assert whole["text"].startswith("import json\n")
    assert (whole["start_line"], whole["end_line"], whole["total_lines"]) == (1, 6, 6)
    assert [symbol["name"] for symbol in whole["symbols"]] == ["parse_config"]
    assert not whole["from_index"]
    params = {"path": "src/config.py", "line": "5", "around": "1", "highlight": "true"}
    part = ask(server, key, tokens["team"], params=params).json()
    assert [line["line"] for line in part["code"]] == [4, 5, 6]
    assert part["code"][1]["pieces"][-1][0] == "comment"


@pytest.mark.parametrize(
    "path", ["secret.env", "../lib/net/retry.go", "/etc/passwd", ".git/config", "src", "a\\b", "x" * 4000]
)
def test_only_what_is_indexed_can_be_read(server: Serving, tokens: dict[str, str], path: str) -> None:
    key = ("GET", "/v1/repositories/{name}/content")
    answer = ask(server, key, tokens["all"], params={"path": path})
    assert answer.status_code == 404
    assert "hunter2" not in answer.text


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    roots = make_repositories(tmp_path / "r", {"app": {"a.py": "def parse():\n    return 1\n"}})
    (tmp_path / "outside.py").write_text("PASSWORD = 'hunter2'\n")
    with serving(tmp_path / "s", roots, refresh=True) as server, server.client() as client:
        server.collection.refreshes = False
        (roots["app"] / "a.py").unlink()
        (roots["app"] / "a.py").symlink_to(tmp_path / "outside.py")
        got = client.get("/v1/repositories/app/content", params={"path": "a.py"})
        assert "hunter2" not in got.text


def test_a_change_is_found_without_being_asked_for(tmp_path: Path) -> None:
    roots = make_repositories(tmp_path / "r", {"app": {"a.py": "def parse():\n    return 1\n"}})
    with serving(tmp_path / "s", roots) as server, server.client() as client:
        (roots["app"] / "b.py").write_text("def unheard_of_thing():\n    return 2\n")

        def found() -> bool:
            answer = client.get("/v1/search", params={"question": "unheard_of_thing"}).json()
            return bool(answer["results"]) and answer["results"][0]["name"] == "unheard_of_thing"

        wait_until(found, 30)


def test_a_repository_that_vanished_answers_as_it_was(tmp_path: Path) -> None:
    files = {"a.py": "def parse():\n    return 1\n"}
    roots = make_repositories(tmp_path / "r", {"app": files, "lib": {"b.py": "def parse_lib():\n    return 1\n"}})
    with serving(tmp_path / "s", roots) as server, server.client() as client:
        subprocess.run(["rm", "-rf", str(roots["app"])], check=True)
        wait_until(lambda: client.get("/v1/repositories/app").json()["stage"] == "gone")
        names = {r["name"] for r in client.get("/v1/search", params={"question": "parse"}).json()["results"]}
        assert {"parse", "parse_lib"} <= names
        content = client.get("/v1/repositories/app/content", params={"path": "a.py"}).json()
        assert content["from_index"]
        assert "not here" in content["notice"]
        assert content["text"] == files["a.py"].rstrip("\n")


def test_one_repository_with_damaged_settings_does_not_hold_up_the_others(tmp_path: Path) -> None:
    sound = {"a.py": "def parse():\n    return 1\n"}
    roots = make_repositories(tmp_path / "r", {"app": sound, "bad": {**sound, "codesearch.toml": "[index\n"}})
    with serving(tmp_path / "s", roots, wait=False) as server, server.client() as client:

        def stage(name: str) -> str:
            return str(client.get(f"/v1/repositories/{name}").json()["stage"])

        wait_until(lambda: stage("app") == "ready" and stage("bad") == "failed", 120)
        assert "codesearch.toml" in client.get("/v1/repositories/bad").json()["problem"]
        assert client.get("/v1/search", params={"question": "parse"}).json()["results"]


def test_many_at_once_get_the_same_answer(server: Serving, tokens: dict[str, str]) -> None:
    answers: list[Any] = []

    def one() -> None:
        answers.append(ask(server, ("POST", "/v1/search"), tokens["all"]).json()["results"])

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert all(answer == answers[0] for answer in answers)


# --- coding agents ------------------------------------------------------------------------------------------


def call(server: Serving, token: str, tool: str, **arguments: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    with server.client(token, headers=headers) as client:
        answer = client.post("/mcp", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["result"])


def test_agents_see_what_their_token_may(server: Serving, tokens: dict[str, str], roots: dict[str, Path]) -> None:
    found = json.dumps(call(server, tokens["team"], "search_code", query=QUESTION))
    assert "parse_config" in found
    assert "vault" not in found
    assert "vault" in json.dumps(call(server, tokens["all"], "search_code", query=QUESTION))
    refused = call(server, tokens["team"], "search_code", query=QUESTION, path=str(roots["other/vault"]))
    assert refused["isError"]
    assert "parse_secret_key" not in json.dumps(refused)
    assert "vault" not in json.dumps(call(server, tokens["team"], "index_status"))
