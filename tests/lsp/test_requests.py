"""Every request of the server, end to end."""

from __future__ import annotations

import ast
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.lsp.session import Session, make_workspace, start

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("requests"))
    (root / "twin.py").write_text(TWIN, encoding="utf-8")
    (root / "licence.py").write_text("# Copyright   nobody      #\n", encoding="utf-8")
    return root


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(workspace: Path) -> AsyncIterator[Session]:
    async with start(workspace.parent / "cache") as session:
        session.initialized = await session.initialize(workspace, options={"codeLens": True, "hover": True})
        await session.ready()
        yield session


TWIN = """def retry_and_wait(task, attempts):
    '''Try a thing again.'''
    return task
"""


def slice_of(root: Path, path: str, found: dict[str, Any]) -> str:
    """Return what an LSP range in UTF-16 covers, found by encoding: independent of how the server counts."""
    lines = (root / path).read_bytes().decode().replace("\r\n", "\n").split("\n")
    (start_line, start_at), (end_line, end_at) = ((found[e]["line"], found[e]["character"]) for e in ("start", "end"))

    def units(line: int, begin: int, end: int | None) -> str:
        encoded = lines[line].encode("utf-16-le")
        assert end is None or 2 * end <= len(encoded), "past the end of the line"
        return encoded[2 * begin : None if end is None else 2 * end].decode("utf-16-le")

    if start_line == end_line:
        return units(start_line, start_at, end_at)
    middle = lines[start_line + 1 : end_line]
    return "\n".join([units(start_line, start_at, None), *middle, units(end_line, 0, end_at)])


async def test_what_has_no_name_is_called_by_its_first_line_without_the_room_in_it(session: Session) -> None:
    assert (await session.names("copyright licence"))[0] == "# Copyright nobody #"


async def test_search_answers_a_question_with_all_that_the_protocol_names(session: Session, workspace: Path) -> None:
    result = await session.search("parse a json text", limit=2)
    assert result["complete"] is True
    assert result["notices"] == []
    assert len(result["items"]) == 2
    item = result["items"][0]
    assert item["name"] == "parse"
    assert item["qualifiedName"] == "Parser.parse"
    assert (item["kind"], item["symbolKind"], item["language"]) == ("method", types.SymbolKind.Method, "python")
    assert item["uri"] == (workspace / "src" / "parser.py").as_uri()
    assert "%20" in item["uri"]
    assert "%23" in item["uri"]
    assert item["repository"] == workspace.name
    assert item["path"] == "src/parser.py"
    assert item["signature"] == "def parse(self, text)"
    assert item["documentation"] == "Parse a JSON text into values."
    assert item["score"] == pytest.approx(sum(item["signals"].values()))
    assert slice_of(workspace, item["path"], item["selectionRange"]) == "parse"
    whole = slice_of(workspace, item["path"], item["range"])
    assert whole.lstrip() == item["preview"].lstrip()
    assert item["previewLine"] == item["range"]["start"]["line"]
    assert set(item["lines"]) <= set(range(item["range"]["start"]["line"], item["range"]["end"]["line"] + 1))


async def test_a_cursor_leads_through_all_results_once(session: Session, workspace: Path) -> None:
    everything = await session.names("text", limit=100)
    pages: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await session.search("text", limit=2, **cursor)
        assert len(page["items"]) <= 2
        pages += [item["name"] for item in page["items"]]
        if "cursor" not in page:
            break
        cursor = {"cursor": page["cursor"]}
    assert sorted(pages) == sorted(everything)
    assert len(everything) > 4


async def test_filters_narrow_a_search_down(session: Session, workspace: Path) -> None:
    assert (await session.names("open a socket", languages=["go"]))[0] == "Dial"
    assert (await session.names("open a socket", languages=["Golang"]))[0] == "Dial"
    assert set(await session.names("json", kinds=["type"])) <= {"Parser", "漢字"}
    only = (await session.search("text", paths=["src/**/*.py", "!parser.py"]))["items"]
    assert {item["path"] for item in only} == {"src/a#b/wide 😀.py", "src/crlf.py"}
    below = (await session.search("text", folders=[(workspace / "src" / "a#b").as_uri()]))["items"]
    assert {item["path"] for item in below} == {"src/a#b/wide 😀.py"}
    nothing = await session.search("text", paths=["nowhere/"])
    assert nothing["items"] == []
    assert nothing["notices"][0]["kind"] == "filters let nothing through"


async def test_positions_are_utf_16_in_files_with_emoji_and_cjk(session: Session, workspace: Path) -> None:
    assert session.initialized.capabilities.position_encoding == types.PositionEncodingKind.Utf16
    for name in ("grüße_漢字", "outer"):
        item = await session.until_found(name)
        assert slice_of(workspace, item["path"], item["selectionRange"]) == name
        assert slice_of(workspace, item["path"], item["range"]).endswith(item["preview"].rsplit("\n", 1)[-1])
    wide = item["range"]["end"]
    line = (workspace / item["path"]).read_text("utf-8").split("\n")[wide["line"]]
    assert wide["character"] == len(line) + 2, "two emoji are two units more than characters"


async def test_a_client_may_choose_another_encoding(workspace: Path, tmp_path: Path) -> None:
    capabilities = types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf32])
    )
    async with start(tmp_path / "cache") as session:
        initialized = await session.initialize(workspace, capabilities=capabilities)
        assert initialized.capabilities.position_encoding == types.PositionEncodingKind.Utf32
        await session.ready()
        item = await session.until_found("outer")
        line = (workspace / item["path"]).read_text("utf-8").split("\n")[item["range"]["end"]["line"]]
        assert item["range"]["end"]["character"] == len(line)


async def test_lines_are_right_where_they_end_in_crlf(session: Session, workspace: Path) -> None:
    item = await session.until_found("carriage_return")
    assert item["selectionRange"]["start"] == {"line": 4, "character": 4}
    assert slice_of(workspace, item["path"], item["selectionRange"]) == "carriage_return"
    assert item["range"]["end"] == {"line": 6, "character": len("    return text")}


async def test_workspace_symbol_answers_questions_and_names_for_every_editor(session: Session, workspace: Path) -> None:

    async def symbols(query: str, **more: Any) -> list[Any]:
        found = await session.client.workspace_symbol_async(types.WorkspaceSymbolParams(query, **more))
        return list(found or [])

    for query in ("try a task again, longer each time", "retry_with_backoff", "retry-with-backoff", "retryWithBackoff"):
        first = (await symbols(query))[0]
        assert first.name == "retry_with_backoff", query
    assert first.kind is types.SymbolKind.Function
    assert first.location.uri == (workspace / "src" / "parser.py").as_uri()
    assert first.location.range.start == types.Position(11, 4), "Helix and JetBrains need it at once"
    assert first.container_name == "src/parser.py · Try a task again and again, waiting longer each time."
    everything = await symbols("text")
    assert all(symbol.name for symbol in everything), "VS Code drops an answer with a nameless symbol"
    assert await symbols("") == []
    assert await symbols("  ") == []
    resolved = await session.client.workspace_symbol_resolve_async(first)
    assert resolved.location == first.location


async def test_symbols_come_as_partial_results_where_the_client_wants_that(session: Session, workspace: Path) -> None:
    got: list[Any] = []

    async def keep(params: types.ProgressParams) -> None:
        got.append(params)

    session.client.protocol.fm.features[types.PROGRESS] = keep
    params = types.WorkspaceSymbolParams("parse json", partial_result_token="p1")
    assert await session.client.workspace_symbol_async(params) == []
    result = await session.search("parse json", partialResultToken="p2")
    assert result["items"] == []
    await asyncio.sleep(0.1)
    assert [params.token for params in got] == ["p1", "p2"]
    assert "parse" in json.dumps(got[0].value, default=lambda value: getattr(value, "name", str(value)))


async def test_similar_finds_the_like_of_a_place_and_of_a_snippet(session: Session, workspace: Path) -> None:
    at = {"textDocument": {"uri": (workspace / "twin.py").as_uri()}, "position": {"line": 1, "character": 0}}
    result = await session.request("codesearch/similar", {**at, "limit": 1})
    assert [item["name"] for item in result["items"]] == ["retry_with_backoff"]
    assert set(result) == {"items", "notices", "complete", "cursor"}
    snippet = await session.request("codesearch/similar", {"text": TWIN, "language": "python", "limit": 2})
    assert {item["name"] for item in snippet["items"]} == {"retry_and_wait", "retry_with_backoff"}
    command = await session.command("codesearch.similar", at["textDocument"]["uri"], at["position"], {"limit": 1})
    assert [item["name"] for item in command["items"]] == ["retry_with_backoff"]


async def test_commands_ask_reindex_and_tell_the_state(session: Session, workspace: Path) -> None:
    provider = session.initialized.capabilities.execute_command_provider
    assert provider is not None
    names = ("ask", "similar", "reindex", "status")
    assert set(provider.commands) == {f"codesearch.{name}" for name in names}
    (folder,) = await session.ready()
    assert folder == {
        "uri": workspace.as_uri(),
        "name": workspace.name,
        "state": "ready",
        "files": 7,
        "chunks": folder["chunks"],
        "pending": 0,
        "message": "",
    }
    result = await session.command("codesearch.ask", "open a socket", {"limit": 1})
    assert [item["name"] for item in result["items"]] == ["Dial"]
    (workspace / "late.py").write_text("def latecomer():\n    return 1\n")
    assert await session.command("codesearch.reindex", workspace.as_uri()) is None
    await session.until_found("latecomer")
    states = [folders[0].state for folders in session.statuses if folders]
    assert states[0] in ("missing", "indexing")
    assert states[-1] == "ready"
    for name, *arguments in (("ask",), ("ask", 5), ("similar", 1), ("reindex", "file:///nowhere"), ("nothing",)):
        with pytest.raises(JsonRpcException):
            await session.command(f"codesearch.{name}", *arguments)


async def test_actions_lenses_and_hovers_show_similar_code(session: Session, workspace: Path) -> None:
    assert session.initialized.capabilities.code_lens_provider
    assert session.initialized.capabilities.hover_provider
    document = types.TextDocumentIdentifier((workspace / "twin.py").as_uri())
    here = types.Range(types.Position(1, 4), types.Position(1, 4))
    found = await session.client.text_document_code_action_async(
        types.CodeActionParams(document, here, types.CodeActionContext([]))
    )
    (action,) = found or []
    assert action.title == "Find code similar to retry_and_wait"
    # lsprotocol takes every action for a command, and makes a string of the command in it.
    command = ast.literal_eval(action.command)
    assert command["command"] == "codesearch.similar"
    again = await session.command(command["command"], *command["arguments"])
    assert again["items"][0]["name"] == "retry_with_backoff"
    lenses = await session.client.text_document_code_lens_async(types.CodeLensParams(document))
    assert [lens.range.start for lens in lenses or []] == [types.Position(0, 4)]
    hover = await session.client.text_document_hover_async(types.HoverParams(document, types.Position(0, 6)))
    assert hover is not None
    assert "retry_with_backoff" in hover.contents.value
    away = await session.client.text_document_hover_async(types.HoverParams(document, types.Position(1, 6)))
    assert away is None


async def test_lenses_and_hovers_are_for_those_who_ask_for_them(workspace: Path, tmp_path: Path) -> None:
    async with start(tmp_path / "cache") as session:
        initialized = await session.initialize(workspace)
        assert initialized.capabilities.code_lens_provider is None
        assert not initialized.capabilities.hover_provider
        assert initialized.capabilities.code_action_provider
