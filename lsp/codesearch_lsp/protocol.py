"""JSON-RPC where a client breaks it: every request is answered, and nothing that arrives ends the server."""

from __future__ import annotations

import logging
from typing import Any, Final

from lsprotocol.types import EXIT, INITIALIZE, ResponseError
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, LanguageServerProtocol, default_converter

__all__ = ["Protocol", "RequestFailed", "make_converter"]


class RequestFailed(JsonRpcException):
    """A request that is in order and could not be carried out; LSP 3.17 gives it this code."""

    CODE = -32803
    MESSAGE = "Request failed"


_NOTHING: Final = "$/nothing"


class _Unexpected(logging.Filter):
    """Lets through what pygls logs but for refusals, which the client is answered, and cancellations that come late.

    Editors show stderr to the user as errors: each key typed may cancel a question, each half-typed filter be refused.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        late = str(record.msg).startswith("Cancel notification for unknown")
        return not (isinstance(error, JsonRpcException) or late)


logging.getLogger("pygls.protocol.json_rpc").addFilter(_Unexpected())


class Protocol(LanguageServerProtocol):
    """What pygls leaves open: requests of a wrong form, too early, or too late."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message; one whose parameters are of the wrong type is answered here."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            number, method = data.get("id"), data.get("method")
            if isinstance(number, int | str) and method is not None:
                cause = getattr(error.__cause__, "exceptions", (error.__cause__,))[0]
                text = f"{method}: the parameters are not what LSP says ({cause})"
                self._send_response(number, error=JsonRpcInvalidParams(text).to_response_error())
            # Whoever reads the messages goes on with one that means nothing.
            return JsonRPCNotification(_NOTHING, self.VERSION, None)

    def handle_message(self, message: Any) -> None:
        """Hand a message to its handler, unless it comes before ``initialize`` or after ``shutdown``."""
        method, number = getattr(message, "method", ""), getattr(message, "id", None)
        if method == _NOTHING:
            return
        if not hasattr(message, "jsonrpc") or not isinstance(number, int | str | None):
            raise JsonRpcInvalidRequest("this is no message of JSON-RPC 2.0")
        refused: JsonRpcException | None = None
        if not isinstance(method, str):
            refused = JsonRpcInvalidRequest("the method must be a string")
        elif method and self._workspace is None and method not in (INITIALIZE, EXIT):
            refused = JsonRpcServerNotInitialized("send initialize first")
        elif method == INITIALIZE and self._workspace is not None:
            refused = JsonRpcInvalidRequest("initialize was sent before")
        elif method and self._shutdown and method != EXIT:
            refused = JsonRpcInvalidRequest("the server was told to shut down: send exit")
        if refused is None:
            try:
                super().handle_message(message)
            except SystemExit:  # `exit`: pygls would end the process from within a connection, and asyncio tell of it
                if self._server._stop_event is None:
                    raise
                self._server._stop_event.set()
        elif number is not None:
            self._send_response(number, error=refused.to_response_error())

    def answer_nobody(self, error: ResponseError) -> None:
        """Answer a message of which not even the number could be read."""
        # JSON-RPC wants the null, which lsprotocol would leave out.
        said = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": None, "error": said})


def make_converter() -> Any:
    """Return what reads and writes messages; the parameters of our own requests stay plain dictionaries."""
    converter = default_converter()  # type: ignore[no-untyped-call]
    for kind in (JsonRPCRequestMessage, JsonRPCNotification):
        converter.register_structure_hook(kind, _plainly)
    return converter


def _plainly(data: dict[str, Any], kind: type[Any]) -> Any:
    known = {"id", "method", "jsonrpc", "params"} & set(kind.__annotations__)
    return kind(**{"params": None} | {name: value for name, value in data.items() if name in known})
