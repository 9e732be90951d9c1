"""What was changed is found: saved or not, by whomever, in whatever folder."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from codesearch.index.snapshot import Snapshot
from codesearch.upkeep import library as library_module
from codesearch_lsp.folders import Folder
from codesearch_lsp.freshness import FolderKeeper
from codesearch_lsp.searching import Searcher
from tests.lsp.session import Session, git, start

pytestmark = pytest.mark.asyncio


async def test_unsaved_buffers_are_searched_as_they_stand(workspace: Path, cache: Path) -> None:
    path = workspace / "src" / "parser.py"
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        uri = session.open(path)
        text = "# 😀\n\ndef brand_new(socket):\n    '''Compress a picture.'''\n    return socket\n"
        session.change(uri, text)
        item = (await session.search("compress a picture"))["items"][0]
        assert item["name"] == "brand_new", "the very next question sees what was typed"
        assert item["selectionRange"]["start"] == {"line": 2, "character": 4}
        assert "retry_with_backoff" not in await session.names("retry with backoff"), "it was deleted in the editor"
        async with asyncio.timeout(10):
            while "meaning" not in (await session.search("compress a picture"))["items"][0]["signals"]:
                await asyncio.sleep(0.05)
        here = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 0}}
        similar = await session.request("codesearch/similar", {**here, "limit": 50})
        assert "brand_new" not in [item["name"] for item in similar["items"]]
        assert similar["items"]
        session.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        assert "brand_new" not in await session.names("compress a picture")
        assert "retry_with_backoff" in await session.names("retry with backoff")


async def test_what_an_update_would_leave_out_is_not_found_unsaved(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        # Written after the index, which so has never heard of them.
        (workspace / ".gitignore").write_text("build/\n")
        (workspace / ".codesearchignore").write_text("generated.py\n")
        for path in ("build/made.py", "src/generated.py"):
            (workspace / path).parent.mkdir(exist_ok=True)
            (workspace / path).write_text("x = 1\n")
            session.change(session.open(workspace / path), "def brand_new(socket):\n    return socket\n")
        assert "brand_new" not in await session.names("brand new")
        seen = session.open(workspace / "src" / "seen.py", "")
        session.change(seen, "def brand_new(socket):\n    return socket\n")
        found = (await session.search("brand new"))["items"]
        assert [item["uri"] for item in found if item["name"] == "brand_new"] == [seen]


async def test_an_unsaved_message_is_found_by_its_words_in_a_row(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        uri = session.open(workspace / "src" / "parser.py")
        session.change(uri, "def unsaved(path):\n    raise OSError(f'cannot find_session token at {path} today')\n")
        item = (await session.search("cannot find session token at"))["items"][0]
        assert item["name"] == "unsaved"
        assert item["signals"]["phrase"] > 0


async def test_a_restored_buffer_and_a_new_file_are_searched_before_they_are_saved(
    workspace: Path, cache: Path
) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        session.open(workspace / "src" / "crlf.py", "def restored_after_crash():\r\n    return 1\r\n")
        await session.until_found("restored_after_crash")
        session.open(workspace / "src" / "not saved yet.py", "def never_saved():\n    return 1\n")
        assert (await session.until_found("never_saved"))["uri"].endswith("/src/not%20saved%20yet.py")


async def test_unsaved_buffers_are_left_alone_where_that_is_configured(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace, options={"unsavedBuffers": False})
        await session.ready()
        session.change(session.open(workspace / "src" / "parser.py"), "def brand_new():\n    return 1\n")
        await asyncio.sleep(0.3)
        assert "brand_new" not in await session.names("brand_new")


async def test_saves_and_files_that_come_move_and_go_are_followed(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        methods = {registration.method for registration in session.registered}
        assert methods == {types.WORKSPACE_DID_CHANGE_WATCHED_FILES, types.WORKSPACE_DID_CHANGE_CONFIGURATION}
        path = workspace / "src" / "parser.py"
        uri = session.open(path)
        text = "def saved_function():\n    return 1\n"
        session.change(uri, text)
        path.write_text(text, encoding="utf-8")
        session.save(path)
        await session.until_found("saved_function")

        made = workspace / "made.py"
        made.write_text("def made_elsewhere():\n    return 1\n", encoding="utf-8")
        change = types.FileEvent(made.as_uri(), types.FileChangeType.Created)
        session.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
        await session.until_found("made_elsewhere")

        moved = made.rename(workspace / "moved.py")
        rename = types.FileRename(made.as_uri(), moved.as_uri())
        session.client.workspace_did_rename_files(types.RenameFilesParams([rename]))
        async with asyncio.timeout(30):
            while (await session.until_found("made_elsewhere"))["path"] != "moved.py":
                await asyncio.sleep(0.05)

        moved.unlink()
        session.client.workspace_did_delete_files(types.DeleteFilesParams([types.FileDelete(moved.as_uri())]))
        await session.until_found("made_elsewhere", found=False)


async def test_a_branch_switch_that_nobody_reports_is_noticed(workspace: Path, cache: Path) -> None:
    git(workspace, "switch", "-q", "-c", "other")
    (workspace / "branch.py").write_text("def on_the_other_branch():\n    return 1\n", encoding="utf-8")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-q", "-m", "Other")
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        await session.until_found("on_the_other_branch")
        git(workspace, "switch", "-q", "-")
        await session.until_found("on_the_other_branch", found=False)


async def test_folders_are_added_and_removed(workspace: Path, cache: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "b.py").write_text("def only_in_the_second():\n    return 1\n", encoding="utf-8")

    def fold(added: list[Path], removed: list[Path]) -> types.DidChangeWorkspaceFoldersParams:
        folders = ([types.WorkspaceFolder(path.as_uri(), path.name) for path in paths] for paths in (added, removed))
        return types.DidChangeWorkspaceFoldersParams(types.WorkspaceFoldersChangeEvent(*folders))

    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        session.client.workspace_did_change_workspace_folders(fold([second], []))
        assert (await session.until_found("only_in_the_second"))["repository"] == "second"
        named = await session.names("function", folders=[second.as_uri()])
        assert named == ["only_in_the_second"]
        session.client.workspace_did_change_workspace_folders(fold([], [second]))
        await session.until_found("only_in_the_second", found=False)
        assert [folder["name"] for folder in await session.status()] == [workspace.name]


async def test_a_folder_within_a_repository_is_all_that_is_searched(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace / "src", workspace / "src" / "a#b")
        await session.ready()
        found = (await session.search("open a socket or parse text", limit=100))["items"]
        assert {item["path"].partition("/")[0] for item in found} == {"src"}
        places = [(item["path"], item["range"]["start"]["line"]) for item in found]
        assert len(places) == len(set(places)), "two folders of one repository are searched once"


def make_long(root: Path, count: int) -> None:
    for number in range(count):
        lines = [f"def function_{number}_{i}(a):\n    return a + {i * number}\n\n" for i in range(20)]
        (root / f"m{number}.py").write_text("\n".join(lines), encoding="utf-8")


async def test_indexing_shows_progress_answers_meanwhile_and_can_be_cancelled(workspace: Path, cache: Path) -> None:
    make_long(workspace, 60)
    async with start(cache) as session:
        encoding: list[bool] = []
        keep = session.client.protocol.fm.features[types.PROGRESS]

        def progress(params: types.ProgressParams) -> None:
            keep(params)
            message = params.value.get("message", "")
            encoding.append(message.startswith("encoding"))
            if sum(encoding) == 2:
                cancel = types.WorkDoneProgressCancelParams(params.token)
                session.client.window_work_done_progress_cancel(cancel)

        session.client.protocol.fm.features[types.PROGRESS] = progress
        await session.initialize(workspace, options={"model": None})  # the shipped model: encoding takes seconds
        while True:
            first = await session.search("parse json")
            assert first["items"] or first["notices"], "an empty answer says why"
            if first["items"]:
                break
            assert "is being indexed" in first["notices"][0]["text"]
        async with asyncio.timeout(60):
            while not (token := next(iter(session.client.progress_reports), None)) or not isinstance(
                session.client.progress_reports[token][-1], types.WorkDoneProgressEnd
            ):
                await asyncio.sleep(0.05)
        (folder,) = await session.ready("partial")
        (token,) = session.client.progress_reports
        kinds = [type(report).__name__ for report in session.client.progress_reports[token]]
        assert kinds[0] == "WorkDoneProgressBegin"
        assert kinds[-1] == "WorkDoneProgressEnd"
        assert "WorkDoneProgressReport" in kinds
        assert folder["pending"] > 0, "it was cancelled before all was encoded"
        assert "not encoded" in folder["message"]
        partial = await session.search("parse json")
        assert partial["complete"] is False
        assert partial["notices"][0]["kind"] == "embeddings pending"
        assert partial["notices"][0]["text"].endswith("; run the command codesearch.reindex")
        assert partial["items"]
        await session.command("codesearch.reindex")
        async with asyncio.timeout(60):
            while (await session.ready("ready", "partial", "encoding", "indexing"))[0]["state"] != "ready":
                await asyncio.sleep(0.1)
        assert (await session.search("parse json"))["complete"] is True


async def test_a_search_that_is_cancelled_is_answered_as_cancelled(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        protocol = session.client.protocol
        cancelled = 0
        for attempt in range(20):  # an answer may be on its way when the cancellation arrives; not twenty times over
            ids = [f"q{attempt}-{n}" for n in range(20)]
            asked = [protocol.send_request("codesearch/search", {"query": f"question {n}"}, msg_id=n) for n in ids]
            session.client.cancel_request(types.CancelParams(id=ids[-1]))
            answers = await asyncio.wait_for(
                asyncio.gather(*map(asyncio.wrap_future, asked), return_exceptions=True), 20
            )
            assert not any(isinstance(answer, BaseException) for answer in answers[:-1])
            cancelled += isinstance(answers[-1], BaseException) and "cancel" in str(answers[-1])
        assert cancelled
        assert await session.names("parse json")


async def test_settings_come_from_the_client_and_are_checked(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        session.client.set_configuration({"codesearch": {"limit": 2, "exclude": ["notes.md"], "device": "abacus"}})
        await session.initialize(workspace)
        (folder,) = await session.ready()
        assert folder["files"] == 4
        assert len((await session.search("text"))["items"]) == 2
        assert "codesearch.device must be one of" in session.client.messages[0].message
        session.client.set_configuration({"codesearch": {"limit": 3}})
        session.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        async with asyncio.timeout(10):
            while len((await session.search("text"))["items"]) != 3:
                await asyncio.sleep(0.05)
        params = types.DidChangeConfigurationParams({"codesearch": {"limit": 1}})
        session.client.workspace_did_change_configuration(params)
        async with asyncio.timeout(10):
            while len((await session.search("text"))["items"]) != 1:
                await asyncio.sleep(0.05)


async def test_indexing_waits_to_be_asked_where_that_is_configured(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace, options={"indexOnStart": False})
        answer = await until_notice(session, "codesearch.reindex")
        assert answer["items"] == []
        await session.command("codesearch.reindex")
        await session.until_found("retry_with_backoff")


async def test_a_fault_in_one_update_is_told_and_does_not_end_the_updates(workspace: Path) -> None:
    told: list[str] = []
    updates = 0

    async def fail(*_: object) -> None:
        nonlocal updates
        updates += 1
        raise ValueError("odd")

    worker: Any = SimpleNamespace(update=fail, new_number=lambda: 1)
    observer: Any = SimpleNamespace(changed=lambda: None, ended=lambda _: None, failed=told.append)
    searcher = Searcher()
    keeper = FolderKeeper(worker, searcher, observer)
    running = asyncio.ensure_future(keeper.run())
    folder = Folder(workspace.as_uri(), "w", workspace)
    keeper.add(folder)
    async with asyncio.timeout(10):
        while updates < 2:
            if told:
                keeper.touch(folder)
            await asyncio.sleep(0.01)
    assert told == ["w: ValueError: odd"]
    running.cancel()
    searcher.close()


def open_in(searcher: Searcher, directory: Path) -> Snapshot | None:
    with searcher.views({directory: {}}) as views:
        for _, state in views:
            assert isinstance(state, Snapshot)
            return state
    return None


async def test_a_state_that_is_open_already_is_not_opened_again(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.until_found("retry_with_backoff")
        (database,) = cache.glob("indexes/*/index.db")
        searcher = Searcher()
        counts = await searcher.refresh(database.parent)
        first = open_in(searcher, database.parent)
        assert first is not None
        assert await searcher.refresh(database.parent) == counts
        assert open_in(searcher, database.parent) is first
        (workspace / "newer.py").write_text("def a_newer_function():\n    return 1\n")
        await session.until_found("a_newer_function")
        newer = await searcher.refresh(database.parent)
        assert counts is not None
        assert newer is not None
        assert newer.files == counts.files + 1
        assert open_in(searcher, database.parent) is not first
        searcher.drop(database.parent)
        assert await searcher.refresh(database.parent) == newer  # opened anew
        assert open_in(searcher, database.parent) is not None
        searcher.close()


async def test_an_update_is_followed_by_a_rest_as_long_as_itself(workspace: Path) -> None:
    spans: list[tuple[float, float]] = []

    async def update(*_: object) -> None:
        began = time.monotonic()
        await asyncio.sleep(0.2)
        spans.append((began, time.monotonic()))
        keeper.touch(folder)
        raise ValueError("which needs no index")

    observer: Any = SimpleNamespace(changed=lambda: None, ended=lambda _: None, failed=lambda _: None)
    worker: Any = SimpleNamespace(update=update, new_number=lambda: 1)
    searcher = Searcher()
    keeper = FolderKeeper(worker, searcher, observer)
    running = asyncio.ensure_future(keeper.run())
    folder = Folder(workspace.as_uri(), "w", workspace)
    keeper.add(folder)
    async with asyncio.timeout(20):
        while len(spans) < 2:
            await asyncio.sleep(0.01)
    assert spans[1][0] - spans[0][1] >= 0.19
    running.cancel()
    searcher.close()


async def test_whoever_asks_goes_before_a_newer_state(
    workspace: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "_GIVE_WAY_SECONDS", 60.0)
    earlier: list[Any] = []
    monkeypatch.setattr(library_module, "Snapshot", lambda *given: earlier.append(given[1]) or Snapshot(*given))
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.until_found("retry_with_backoff")
        (database,) = cache.glob("indexes/*/index.db")
        searcher = Searcher()
        assert await searcher.refresh(database.parent) is not None
        first = open_in(searcher, database.parent)
        asked = threading.Event()
        question = asyncio.ensure_future(searcher.run(asked.wait))
        await asyncio.sleep(0)
        newer = asyncio.ensure_future(searcher.refresh(database.parent))
        await asyncio.sleep(0.2)
        assert len(earlier) == 1  # the newer state is not even opened
        asked.set()
        assert await question
        async with asyncio.timeout(20):
            await newer
        assert earlier == [None, first]  # whose vectors it takes over
        searcher.close()


async def until_notice(session: Session, text: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            answer = await session.search("parse json")
            if any(text in notice["text"] for notice in answer["notices"]):
                return answer
            await asyncio.sleep(0.05)


@pytest.mark.asyncio
async def test_a_folder_that_git_ignores_is_searched_when_it_is_named(workspace: Path, cache: Path) -> None:
    (workspace / ".gitignore").write_text("/vendor\n")
    vendor = workspace / "vendor"
    vendor.mkdir()
    (vendor / "v.py").write_text("def vendored_thing(x):\n    return x\n")
    git(workspace, "init", "-q")
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        assert "vendored_thing" not in await session.names("vendored_thing")
        first = await session.search("vendored_thing", paths=["vendor"])
        assert first["items"] or "vendor is being indexed" in str(first["notices"])
        await session.ready()
        for named in ({"paths": ["vendor"]}, {"paths": ["vendor/*.py"]}, {"folders": [vendor.as_uri()]}):
            assert await session.names("vendored_thing", **named) == ["vendored_thing"], named
        assert await session.names("vendored_thing path:vendor") == ["vendored_thing"]
        assert await session.names("vendored_thing", paths=["vendor", "!vendor/v.py"]) == []
        assert "vendored_thing" not in await session.names("vendored_thing"), "it was not named"
        place = {"textDocument": {"uri": (vendor / "v.py").as_uri()}, "position": {"line": 0, "character": 0}}
        assert (await session.request("codesearch/similar", place))["items"]
