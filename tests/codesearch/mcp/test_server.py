"""The server as agents see it: through the official SDK's client, over stdio and over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2 as httpx
import pytest
from pydantic import BaseModel

from codesearch.mcp import server
from tests.codesearch.mcp.sessions import http_server, over_http, over_stdio, run, text_of

_CLIENT = {"name": "t", "version": "1"}

SOURCE = '''def parse_header(text):
    """Split the first line of a message into method and path."""
    method, path = text.split(" ", 1)
    return method, path


class Mailer:
    def deliver(self, message, server):
        """Send a message through a mail server."""
        server.send(message)
'''
STEPS = "".join(f"    value = step_{n}(value)\n" for n in range(90))
LONG = f"def long_function(value):\n{STEPS}    return value\n"
GO = "package area\n\nfunc Circle(r float64) float64 {\n\treturn 3.14 * r * r\n}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work") / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "net.py").write_text(SOURCE)
    (root / "src" / "long.py").write_text(LONG)
    (root / "src" / "area.go").write_text(GO)
    (root.parent / "outside.py").write_text("def secret_function():\n    return 'secret'\n")
    return root


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "CODESEARCH_CACHE": str(tmp_path_factory.mktemp("cache"))}


def test_three_tools_with_schemas_that_only_read(project: Path, environment: dict[str, str]) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            assert set(tools) == {"search_code", "similar_code", "index_status"}
            assert all(tool.annotations.read_only_hint for tool in tools.values())
            assert set(tools["search_code"].output_schema["properties"]) >= {"results", "notices", "next_offset"}
            assert "context" not in tools["search_code"].input_schema["properties"]

    run(work)


def test_the_tools_are_told_in_few_tokens_and_what_is_told_fits_what_is_taken() -> None:
    from codesearch.mcp.tokens import count_tokens

    made = server.make_server([], cast(Any, None))
    tools = anyio.run(made.list_tools)
    told = [{"name": tool.name, "description": tool.description, "input_schema": tool.input_schema} for tool in tools]
    # The encoder's tokenizer counts more than those of agents: 833 for what cl100k_base has 586 of.
    assert sum(count_tokens(json.dumps(one)) for one in told) + count_tokens(made.instructions or "") < 900
    for tool in tools:
        taken = made._tool_manager.get_tool(tool.name)
        assert taken is not None
        assert tool.input_schema["properties"].keys() == taken.parameters["properties"].keys()
        assert all("type" in argument for argument in tool.input_schema["properties"].values())
        assert "title" not in json.dumps({**tool.input_schema, **(tool.output_schema or {})})


@pytest.mark.parametrize(
    "query", ["parse the first line", "Mailer", "long function", "area of a circle", "no such thing"]
)
def test_an_answer_by_default_has_at_most_500_tokens(project: Path, environment: dict[str, str], query: str) -> None:
    from codesearch.mcp.tokens import count_tokens

    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            found = await session.call_tool("search_code", {"query": query})
            assert 20 < count_tokens(text_of(found)) <= 500
            assert found.structured_content["results"][0]["code"], "the best result is shown with code"

    run(work)


def test_of_code_that_does_not_fit_the_beginning_and_what_matters_are_shown(
    project: Path, environment: dict[str, str]
) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            found = await session.call_tool("search_code", {"query": "long function step_44", "kinds": "function"})
            best = found.structured_content["results"][0]
            assert best["name"] == "long_function"
            assert not best["code_is_complete"]
            assert "1  def long_function(value):" in best["code"]
            assert "step_44" in best["code"]
            assert best["code"].endswith("...")

    run(work)


def test_an_agent_searches_pages_and_finds_similar_code(project: Path, environment: dict[str, str]) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            found = await session.call_tool("search_code", {"query": "send an e-mail"})
            assert not found.is_error
            best = found.structured_content["results"][0]
            assert (best["path"], best["name"], best["start_line"]) == ("src/net.py", "Mailer.deliver", 8)
            assert best["code_is_complete"]
            assert "1. src/net.py:8-10  Mailer.deliver  (method)" in text_of(found)
            one = await session.call_tool("search_code", {"query": "send an e-mail", "limit": 1})
            assert one.structured_content["next_offset"] == 1
            two = await session.call_tool("search_code", {"query": "send an e-mail", "limit": 1, "offset": 1})
            assert two.structured_content["results"] != one.structured_content["results"]
            go = await session.call_tool("search_code", {"query": "area", "languages": ["go"], "kinds": ["function"]})
            assert {result["language"] for result in go.structured_content["results"]} == {"go"}
            like = await session.call_tool("similar_code", {"path": "src/net.py", "name": "parse_header"})
            assert "parse_header" not in [result["name"] for result in like.structured_content["results"]]
            like = await session.call_tool("similar_code", {"snippet": "def split_line(t):\n    return t.split()\n"})
            assert like.structured_content["results"][0]["name"] == "parse_header"
            status = await session.call_tool("index_status", {})
            assert status.structured_content["folders"][0]["chunks"] >= 5

    run(work)


def test_the_budget_of_tokens_holds_and_what_was_cut_is_said(project: Path, environment: dict[str, str]) -> None:
    from codesearch.mcp.tokens import count_tokens

    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            for budget in (200, 400, 2_000):
                found = await session.call_tool("search_code", {"query": "long function value", "max_tokens": budget})
                assert count_tokens(text_of(found)) <= budget
                assert found.structured_content["tokens"] == count_tokens(text_of(found))
            found = await session.call_tool("search_code", {"query": "long function value", "max_tokens": 200})
            assert "max_tokens=200" in text_of(found)

    run(work)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("search_code", {"query": "  "}, "the query is empty"),
        ("search_code", {"query": "a", "limit": 1_000_000}, "1 to 50"),
        ("search_code", {"query": "a", "offset": -1}, "offset=-1"),
        ("search_code", {"query": "a", "max_tokens": 1}, "max_tokens=1"),
        ("search_code", {"query": "a", "path": "../outside.py"}, "not in a folder that may be searched"),
        ("search_code", {"query": "a", "path": "/etc"}, "not in a folder that may be searched"),
        ("search_code", {"query": "a", "languages": ["klingon"]}, "unknown language"),
        ("search_code", {"query": "a", "kinds": ["variable"]}, "known kinds are"),
        ("similar_code", {}, "give either path"),
        ("similar_code", {"path": "src/net.py"}, "give its line, or its name"),
        ("similar_code", {"path": "src", "line": 1}, "is a folder"),
        ("similar_code", {"path": "src/net.py", "name": "no_such_name"}, "no_such_name"),
        ("similar_code", {"path": "../outside.py", "line": 1}, "not in a folder that may be searched"),
        ("similar_code", {"snippet": "a\0b"}, "binary"),
        ("similar_code", {"snippet": "x = 1", "language": "klingon"}, "unknown language"),
    ],
)
def test_absurd_arguments_get_an_error_that_says_what_to_do(
    project: Path, environment: dict[str, str], tool: str, arguments: dict[str, Any], says: str
) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project), "--no-dense") as session:
            result = await session.call_tool(tool, arguments)
            assert result.is_error
            assert says in text_of(result) or "without" in text_of(result)

    run(work)


def test_a_regular_expression_and_a_snippet_in_no_known_language_are_answered(
    project: Path, environment: dict[str, str]
) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            found = await session.call_tool("search_code", {"query": r"def\s+parse_(\w+)\(.*\)"})
            assert found.structured_content["results"][0]["name"] == "parse_header"
            found = await session.call_tool("similar_code", {"snippet": "PROCEDURE Split(text) BEGIN END"})
            assert not found.is_error

    run(work)


def test_a_folder_inside_a_repository_does_not_open_the_rest_of_it(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.py").write_text("def visible_function():\n    return 1\n")
    (tmp_path / "b.py").write_text("def secret_function():\n    return 2\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    async def work() -> None:
        async with over_stdio(environment, "--folder", str(tmp_path / "inside")) as session:
            found = await session.call_tool("search_code", {"query": "secret function"})
            assert {result["name"] for result in found.structured_content["results"]} <= {"visible_function", ""}

    run(work)


@pytest.fixture(scope="module")
def served(project: Path, environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    with http_server(environment, "--folder", str(project)) as address:
        yield address


def test_two_clients_at_once_over_http_and_one_that_leaves_in_the_middle(served: tuple[str, str]) -> None:
    async def ask(query: str, answers: list[str]) -> None:
        async with over_http(served) as session:
            found = await session.call_tool("search_code", {"query": query, "limit": 1})
            answers.append(found.structured_content["results"][0]["name"])

    async def work() -> None:
        answers: list[str] = []
        with anyio.move_on_after(0.2):
            await ask("parse a header", [])
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "send an e-mail", answers)
            group.start_soon(ask, "surface of a disk", answers)
        assert sorted(answers) == ["Circle", "Mailer.deliver"]

    run(work)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer TOKEN", "Origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer TOKEN", "Host": "evil.example"}, 421),
    ],
)
def test_http_refuses_strangers(served: tuple[str, str], headers: dict[str, str], status: int) -> None:
    url, token = served
    sent = {name: value.replace("TOKEN", token) for name, value in headers.items()}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accepted = {"Accept": "application/json, text/event-stream", **sent}
    assert httpx.post(url, json=body, headers=accepted, timeout=20).status_code == status


def test_a_client_that_can_send_no_header_gives_the_token_in_the_url(served: tuple[str, str]) -> None:
    url, token = served
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accepted = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(f"{url}?token={token}", json=body, headers=accepted, timeout=20).status_code != 401
    assert httpx.post(f"{url}?token=wrong", json=body, headers=accepted, timeout=20).status_code == 401


def test_how_far_quick_work_came_is_told_before_its_answer() -> None:
    heard: list[tuple[object, ...]] = []

    class Client:
        async def report_progress(self, *progress: object) -> None:
            heard.append(progress)

    class Found(BaseModel):
        """Nothing."""

    def work(tell: Callable[[str, int, int], None]) -> tuple[str, BaseModel]:
        tell("reading", 1, 2)
        tell("reading", 2, 2)
        return "done", Found()

    async def ask() -> None:
        answer = await server._answered(cast(Any, Client()), work)
        assert text_of(answer) == "done"

    run(ask)
    assert heard == [(2, 2, "reading")]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search_code", {"query": "parse header", "limit": None, "offset": None, "max_tokens": None, "path": None}),
        ("search_code", {"query": "parse header", "kinds": "function", "languages": "python", "files": "*.py"}),
        ("search_code", {"query": "parse header", "kinds": ["function", None], "languages": '["python"]', "files": ""}),
        (
            "similar_code",
            {"path": "src/net.py", "name": "parse_header", "line": None, "snippet": None, "kinds": "method"},
        ),
        ("similar_code", {"snippet": '{"a": [1]}', "path": None, "language": None, "files": "src"}),
        ("index_status", {"unknown": None}),
    ],
)
def test_null_is_the_default_and_one_text_a_list_of_one(
    project: Path, environment: dict[str, str], tool: str, arguments: dict[str, Any]
) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project)) as session:
            result = await session.call_tool(tool, arguments)
            assert not result.is_error, text_of(result)

    run(work)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("search_code", {}, "query is missing"),
        ("search_code", {"query": None}, "query is missing"),
        ("search_code", {"query": 5}, "query must be text, not 5"),
        ("search_code", {"query": "a", "limit": "many"}, "limit must be a whole number, not 'many'"),
        ("search_code", {"query": "a", "limit": 1.5}, "limit must be a whole number, not 1.5"),
        ("search_code", {"query": "a", "kinds": {"a": 1}}, "kinds must be a list of texts, not {'a': 1}"),
        ("search_code", {"query": "a", "files": [1]}, "files must be text, not 1"),
        ("similar_code", {"path": {"a": 1}, "line": 1}, "path must be text, not {'a': 1}"),
        ("similar_code", {"path": "a.py", "line": {}}, "line must be a whole number, not {}"),
    ],
)
def test_an_argument_of_the_wrong_type_gets_one_sentence(
    project: Path, environment: dict[str, str], tool: str, arguments: dict[str, Any], says: str
) -> None:
    async def work() -> None:
        async with over_stdio(environment, "--folder", str(project), "--no-dense") as session:
            result = await session.call_tool(tool, arguments)
            assert result.is_error
            assert text_of(result) == says

    run(work)


def test_a_client_that_leaves_without_its_answer_is_no_error(project: Path, environment: dict[str, str]) -> None:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT}
    lines: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": params},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/call", "params": {"name": "search_code", "arguments": {"query": "parse header"}}},
    ]
    command = [sys.executable, "-m", "codesearch", "mcp", "--no-dense", "--folder", str(project)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        assert served.stderr is not None
        served.stdin.write(json.dumps({"jsonrpc": "2.0"} | lines[0]) + "\n")
        served.stdin.flush()
        served.stdout.readline()
        served.stdout.close()
        served.stdin.writelines(json.dumps({"jsonrpc": "2.0"} | line) + "\n" for line in lines[1:])
        served.stdin.close()
        assert served.wait(60) == 0
        assert served.stderr.read() == ""


def test_a_person_at_a_terminal_is_told_what_it_is(project: Path, environment: dict[str, str]) -> None:
    pty = pytest.importorskip("pty", reason="no terminals of this kind")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "codesearch", "mcp", "--folder", str(project)]
    with subprocess.Popen(command, env=environment, stdin=theirs, stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr is not None
        said = served.stderr.readline()
        served.kill()
    for end in (ours, theirs):
        os.close(end)
    assert "a server for coding agents" in said


def test_half_of_a_character_is_searched_or_refused_in_a_sentence(project: Path, environment: dict[str, str]) -> None:
    half = "parse \ud800 header"
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_code", {"query": half}),
        *(("search_code", {"query": "a", name: value}) for name, value in (("path", half), ("files", [half]))),
        *(("search_code", {"query": "a", name: [half]}) for name in ("kinds", "languages")),
        ("similar_code", {"snippet": half}),
        ("similar_code", {"path": half, "line": 1}),
        ("similar_code", {"path": "src/net.py", "name": half}),
    ]
    lines = [
        {
            "method": "initialize",
            "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT},
        },
        *({"method": "tools/call", "params": {"name": name, "arguments": given}} for name, given in calls),
    ]
    sent = [json.dumps({"jsonrpc": "2.0", "id": n} | line) for n, line in enumerate(lines)]
    sent.insert(1, json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    command = [sys.executable, "-m", "codesearch", "mcp", "--folder", str(project)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write("\n".join(sent) + "\n")
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in lines]
        server.stdin.close()
    assert sorted(answer["id"] for answer in answers) == list(range(len(lines)))
    assert all("result" in answer for answer in answers)
    assert "parse_header" in str(next(answer for answer in answers if answer["id"] == 1))
    assert not [answer for answer in answers if "surrogates" in str(answer)]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"tests": False}, {"tests": "no"}),
        ({"tests": "exclude"}, {"tests": "no"}),
        ({"tests": True}, {"tests": "yes"}),
        ({"tests": "only"}, {"tests": "only"}),
        ({"kinds": "function, method"}, {"kinds": ["function", "method"]}),
        ({"languages": ["go,rust", None]}, {"languages": ["go", "rust"]}),
        ({"files": "src/a,b.py"}, {"files": ["src/a,b.py"]}),
        ({"path": ["src"]}, {"path": "src"}),
        ({"limit": ""}, {}),
        ({"limit": None}, {}),
    ],
)
def test_arguments_are_taken_as_they_were_meant(given: dict[str, Any], meant: dict[str, Any]) -> None:
    from codesearch.mcp.arguments import mend

    made = server.make_server([], cast(Any, None))
    tool = made._tool_manager.get_tool("search_code")
    assert tool is not None
    assert mend(given, tool.parameters) == meant


def test_a_folder_that_git_ignores_is_searched_when_it_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    root = tmp_path / "shop"
    (root / "vendor").mkdir(parents=True)
    (root / ".gitignore").write_text("/vendor\n")
    (root / "own.py").write_text(SOURCE)
    (root / "vendor" / "v.py").write_text(SOURCE.replace("parse_header", "vendored_header"))
    subprocess.run(["git", "init", "-q", root], check=True)

    async def work() -> None:
        async with over_stdio(environment, "--folder", str(root)) as session:

            async def found(tool: str = "search_code", **arguments: Any) -> str:
                return text_of(await session.call_tool(tool, arguments))

            assert "vendored_header" not in await found(query="vendored header")
            for named in ({"path": "vendor"}, {"files": ["vendor"]}, {"files": ["vendor/**/*.py"]}):
                assert "vendored_header" in await found(query="vendored header", **named), named
            assert "vendored_header" in await found(query="vendored header path:vendor")
            assert "vendored_header" not in await found(query="vendored header", files=["vendor", "!vendor/v.py"])
            assert "vendored_header" in await found(
                "similar_code", path="own.py", name="parse_header", files=["vendor"]
            )

    run(work)
