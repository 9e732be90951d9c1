"""The server: what each request and notification of a client leads to. Handlers are thin; the work is elsewhere."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcParseError
from pygls.io_ import StdinAsyncReader, StdoutWriter
from pygls.lsp.server import LanguageServer

from codesearch import __version__
from codesearch.errors import CodesearchError, InputError
from codesearch_lsp.answering import QuestionHandler
from codesearch_lsp.configuration import Configuration, read_configuration
from codesearch_lsp.documents import Documents
from codesearch_lsp.features import code_actions, code_lenses, code_of_unnamed, hover
from codesearch_lsp.folders import Folder, takes_file
from codesearch_lsp.framing import Reader, read_bodies
from codesearch_lsp.freshness import FolderKeeper
from codesearch_lsp.items import symbol_of
from codesearch_lsp.loop_worker import LoopWorker
from codesearch_lsp.protocol import Protocol, make_converter
from codesearch_lsp.reporting import LogHandler, Reporter
from codesearch_lsp.requests import SearchRequest, read_asked, read_similar
from codesearch_lsp.searching import Searcher
from codesearch_lsp.wire import Positions, path_of

__all__ = ["Server", "make_server"]

_log = logging.getLogger("codesearch_lsp")

_SECTION: Final = "codesearch"
_WATCHED: Final = "**/*"


class Server(LanguageServer):
    """The state of a server, for one client."""

    def __init__(self) -> None:
        super().__init__(
            "codesearch",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=Protocol,
            converter_factory=make_converter,
        )
        self.worker = LoopWorker()
        self.searcher = Searcher()
        self.reporter = Reporter(self, self.status, lambda folder, began: self.documents.caught_up(folder, began))
        self.keeper = FolderKeeper(self.worker, self.searcher, self.reporter)
        self.documents = Documents(self.worker, self.searcher, self.keeper.within, self._takes_file)
        self.questions = QuestionHandler(self.keeper, self.searcher, self.documents)
        self.background: list[asyncio.Task[None]] = []
        self.was_shut_down = False

    def start_io(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> None:
        """Serve one client over streams, stdin and stdout by default."""
        self._stop_event = Event()
        self.protocol.set_writer(StdoutWriter(stdout or sys.stdout.buffer))
        try:
            asyncio.run(self._converse(StdinAsyncReader(stdin or sys.stdin.buffer, self.thread_pool)))
        except BrokenPipeError:
            _log.error("the client has left without a word")
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            self.shutdown()

    def start_tcp(self, host: str, port: int) -> None:
        """Serve one client over a connection."""
        self._stop_event = Event()

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.protocol.set_writer(writer)
            await self._converse(reader)
            self.shutdown()

        async def listen() -> None:
            self._server = await asyncio.start_server(connect, host, port)
            async with self._server:
                await self._server.serve_forever()

        with suppress(asyncio.CancelledError):
            asyncio.run(listen())

    async def _converse(self, reader: Reader) -> None:
        """Handle messages until the client leaves."""
        # Not by pygls, whose framing is not lenient, and which takes each object within a message for one.
        async for body in read_bodies(reader):
            try:
                data = json.loads(body)
                self.protocol.handle_message(self.protocol.structure_message(data) if isinstance(data, dict) else data)
            except Exception as error:  # whatever a client may send
                self.report_server_error(error, JsonRpcException)
            if self._stop_event is None or self._stop_event.is_set():
                return

    @property
    def positions(self) -> Positions:
        """Lines and columns as the client counts them."""
        return Positions(self.workspace.position_codec)

    @property
    def configuration(self) -> Configuration:
        """What the client configured."""
        return self.keeper.configuration

    def _takes_file(self, folder: Folder, path: Path) -> bool:
        return takes_file(folder, path, self.configuration)

    def configure(self, given: object) -> None:
        """Take over settings; what cannot be used is told and left as it was."""
        before = self.configuration
        after, problems = read_configuration(given, before)
        for problem in problems:
            self.reporter.tell_once(problem)
        self.keeper.configuration = after
        self.documents.enabled = after.unsaved_buffers
        if (after.model, after.device) != (before.model, before.device):
            self.load_encoder()
        if after != before:
            for folder in self.keeper.folders.values():
                self.keeper.touch(folder)

    def load_encoder(self) -> None:
        """Load the encoder ahead of the first question; without it, questions are answered by words."""
        loading = asyncio.wrap_future(self.searcher.load_encoder(self.configuration))

        def loaded(done: asyncio.Future[Any]) -> None:
            if not done.cancelled() and (error := done.exception()) is not None:
                if not isinstance(error, CodesearchError):
                    _log.error("the encoder was not loaded", exc_info=error)
                said = str(error).rstrip(".") or type(error).__name__
                self.reporter.tell_once(f"{said}. Until then, questions are answered by their words only.")

        loading.add_done_callback(loaded)

    def add_folder(self, uri: str, name: str) -> None:
        """Take in a folder of the workspace."""
        path = path_of(uri)
        if path is None:
            self.reporter.tell_once(f"{uri} is no folder on this machine and is not searched")
        elif (known := self.keeper.folders.get(uri)) is None:
            self.keeper.add(Folder(uri, name or path.name, path))
        else:
            known.around = None  # a request had named it, and now it is open

    def status(self) -> dict[str, Any]:
        """Return what ``codesearch.status`` and the notification of that name say."""
        return {"folders": [folder.status() for folder in self.keeper.folders.values()]}

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what went wrong; a message that could not be read is answered, though to nobody."""
        if source is JsonRpcException:
            known = error if isinstance(error, JsonRpcException) else JsonRpcParseError(f"no JSON-RPC: {error}")
            self.protocol.answer_nobody(known.to_response_error())  # type: ignore[attr-defined]
        if not isinstance(error, JsonRpcException):
            _log.error("%s: %s", type(error).__name__, error)

    def shutdown(self) -> None:
        """End everything that was started; called by pygls when the client is gone."""
        self.worker.close()
        self.searcher.close()
        super().shutdown()  # type: ignore[no-untyped-call]


def make_server() -> Server:
    """Return a server that waits for its client."""
    server = Server()
    _add_life(server)
    _add_changes(server)
    _add_questions(server)
    _add_commands(server)
    return server


# --- life ---------------------------------------------------------------------------------------------------


def _add_life(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(ls: Server, params: types.InitializeParams) -> None:
        loop = asyncio.get_running_loop()
        _log.addHandler(LogHandler(ls, loop))
        _log.setLevel(logging.INFO)
        configuration, problems = read_configuration(params.initialization_options, ls.configuration)
        ls.keeper.configuration = configuration
        ls.documents.enabled = configuration.unsaved_buffers
        for problem in problems:
            loop.call_soon(ls.reporter.tell_once, problem)
        if configuration.code_lens:
            _add_lenses(ls)
        if configuration.hover:
            _add_hover(ls)

    @server.feature(types.INITIALIZED)
    async def initialized(ls: Server, _: types.InitializedParams) -> None:
        if ls.background:
            return  # two keepers would update one folder at a time
        ls.background.append(asyncio.ensure_future(ls.keeper.run()))
        await _pull_configuration(ls)
        ls.load_encoder()
        folders = list(ls.workspace.folders.values())
        for folder in folders:
            ls.add_folder(folder.uri, folder.name)
        if not folders and ls.workspace.root_uri:
            ls.add_folder(ls.workspace.root_uri, "")
        ls.keeper.told.set()
        ls.reporter.changed()
        await _register(ls)

    @server.feature(types.SHUTDOWN)
    async def shutdown(ls: Server, _: None) -> None:
        ls.was_shut_down = True
        for task in ls.background:
            task.cancel()
        await asyncio.to_thread(ls.worker.close)


async def _pull_configuration(ls: Server) -> None:
    capabilities = ls.client_capabilities.workspace
    if capabilities is None or not capabilities.configuration:
        return
    wanted = types.ConfigurationParams([types.ConfigurationItem(section=_SECTION)])
    try:
        found = await asyncio.wait_for(ls.workspace_configuration_async(wanted), 5)
    except Exception as error:  # a client that fails here has its other settings used
        _log.warning("the client gave no settings: %s", error)
        return
    ls.configure(found[0] if found else None)


async def _register(ls: Server) -> None:
    """Ask to be told about changed files and settings, where the client can do that on request."""
    capabilities = ls.client_capabilities.workspace
    wanted = []
    if capabilities and (watching := capabilities.did_change_watched_files) and watching.dynamic_registration:
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(glob_pattern=_WATCHED)])
        wanted.append(types.Registration("codesearch-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options))
    if capabilities and (settings := capabilities.did_change_configuration) and settings.dynamic_registration:
        options_ = types.DidChangeConfigurationRegistrationOptions(section=_SECTION)
        wanted.append(types.Registration("codesearch-settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, options_))
    if wanted:
        try:
            await ls.client_register_capability_async(types.RegistrationParams(wanted))
        except Exception as error:  # folders are looked at now and then in any case
            _log.warning("the client watches no files: %s", error)


# --- changes ------------------------------------------------------------------------------------------------


def _add_changes(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        uri = params.text_document.uri
        path = path_of(uri)
        if path is not None:
            ls.documents.opened(uri, path, lambda: ls.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        ls.documents.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE, types.SaveOptions(include_text=False))
    def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
        ls.documents.saved(params.text_document.uri)
        _touch(ls, [params.text_document.uri])

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        ls.documents.closed(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_watched(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
        _touch(ls, [change.uri for change in params.changes])

    files = types.FileOperationRegistrationOptions(
        [types.FileOperationFilter(types.FileOperationPattern(_WATCHED), scheme="file")]
    )

    @server.feature(types.WORKSPACE_DID_CREATE_FILES, files)
    def did_create(ls: Server, params: types.CreateFilesParams) -> None:
        _touch(ls, [file.uri for file in params.files])

    @server.feature(types.WORKSPACE_DID_RENAME_FILES, files)
    def did_rename(ls: Server, params: types.RenameFilesParams) -> None:
        _touch(ls, [uri for file in params.files for uri in (file.old_uri, file.new_uri)])

    @server.feature(types.WORKSPACE_DID_DELETE_FILES, files)
    def did_delete(ls: Server, params: types.DeleteFilesParams) -> None:
        _touch(ls, [file.uri for file in params.files])

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def did_change_folders(ls: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
        for removed in params.event.removed:
            await ls.keeper.remove(removed.uri)
        for added in params.event.added:
            ls.add_folder(added.uri, added.name)
        ls.reporter.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
        settings = params.settings
        if isinstance(settings, dict) and _SECTION in settings:
            ls.configure(settings[_SECTION])
        else:
            await _pull_configuration(ls)

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def cancel_progress(ls: Server, params: types.WorkDoneProgressCancelParams) -> None:
        uri = ls.reporter.folder_of(params.token)
        if uri is not None and uri in ls.keeper.folders:
            ls.keeper.stop(ls.keeper.folders[uri])


def _touch(ls: Server, uris: list[str]) -> None:
    paths = [path for uri in uris if (path := path_of(uri)) is not None]
    for folder in ls.keeper.folders.values():
        if any(folder.holds(path) for path in paths):
            ls.keeper.touch(folder)


# --- questions ----------------------------------------------------------------------------------------------


def _add_questions(server: Server) -> None:
    options = types.WorkspaceSymbolOptions(resolve_provider=True)

    @server.feature(types.WORKSPACE_SYMBOL, options)
    async def symbols(ls: Server, params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        if not params.query.strip():
            return []  # editors ask this as soon as the box is open
        answer = await ls.questions.search(read_asked({}, _question(params.query)))
        found = [symbol_of(match, ls.positions) for match in answer.matches[: ls.configuration.limit]]
        if params.partial_result_token is not None:
            ls.protocol.notify(types.PROGRESS, types.ProgressParams(params.partial_result_token, found))
            return []
        return found

    @server.feature(types.WORKSPACE_SYMBOL_RESOLVE)
    def resolve(params: types.WorkspaceSymbol) -> types.WorkspaceSymbol:
        return params  # every symbol was sent complete

    @server.feature("codesearch/search")
    async def search(ls: Server, params: Any) -> dict[str, Any]:
        return await _ask(ls, _checked(read_asked, params), params)

    @server.feature("codesearch/similar")
    async def similar(ls: Server, params: Any) -> dict[str, Any]:
        target, asked = _checked(read_similar, params)
        return await ls.questions.similar(
            await code_of_unnamed(ls.workspace, ls.documents, target), asked, ls.positions
        )

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions([types.CodeActionKind.Empty]))
    async def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
        return await code_actions(ls.questions, params, ls.positions)


def _add_lenses(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def code_lens(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
        return await code_lenses(ls.questions, params.text_document.uri, ls.positions)


def _add_hover(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def on_hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
        return await hover(ls.questions, params, ls.positions)


def _question(query: str) -> str:
    """Return the question that was typed into a box for symbols.

    VS Code sends what stands before the first blank only, so there words are joined: ``retry-with-backoff``.
    """
    query = query[:1_000]
    return query if re.search(r"\s", query.strip()) else re.sub(r"(?<=\w)-(?=\w)", " ", query)


def _checked(read: Any, params: object) -> Any:
    try:
        return read(params)
    except InputError as error:
        raise JsonRpcInvalidParams(str(error)) from error


async def _ask(ls: Server, asked: SearchRequest, params: Any) -> dict[str, Any]:
    result = await ls.questions.ask(asked, ls.positions)
    token = params.get("partialResultToken") if isinstance(params, dict) else None
    if isinstance(token, int | str):
        ls.protocol.notify(types.PROGRESS, types.ProgressParams(token, {"items": result["items"]}))
        result["items"] = []
    return result


# --- commands -----------------------------------------------------------------------------------------------


def _add_commands(server: Server) -> None:
    @server.command("codesearch.ask")
    async def ask(ls: Server, *arguments: Any) -> dict[str, Any]:
        query, options = _arguments(arguments, 1)
        if not isinstance(query, str):
            raise JsonRpcInvalidParams("codesearch.ask takes a question, and options if need be")
        return await _ask(ls, _checked(lambda given: read_asked(given, query), options), options)

    @server.command("codesearch.similar")
    async def similar(ls: Server, *arguments: Any) -> dict[str, Any]:
        uri, position, options = _arguments(arguments, 2)
        if not isinstance(options, dict | None):
            raise JsonRpcInvalidParams("the options of codesearch.similar must be an object")
        given = {**(options or {}), "textDocument": {"uri": uri}, "position": position}
        target, asked = _checked(read_similar, given)
        return await ls.questions.similar(
            await code_of_unnamed(ls.workspace, ls.documents, target), asked, ls.positions
        )

    @server.command("codesearch.reindex")
    def reindex(ls: Server, *arguments: Any) -> None:
        (uri,) = (*arguments, None)[:1]
        if uri is not None and not (isinstance(uri, str) and uri in ls.keeper.folders):
            raise JsonRpcInvalidParams(f"{uri!r:.200} is no folder of the workspace")
        for folder in ls.keeper.folders.values():
            if uri in (None, folder.uri):
                ls.keeper.reindex(folder)

    @server.command("codesearch.status")
    def status(ls: Server, *_: Any) -> dict[str, Any]:
        return ls.status()


def _arguments(given: tuple[Any, ...], required: int) -> tuple[Any, ...]:
    if not required <= len(given) <= required + 1:
        raise JsonRpcInvalidParams(f"the command takes {required} or {required + 1} arguments, not {len(given)}")
    return given if len(given) > required else (*given, None)
