"""JSON-RPC where a client breaks it: every request is answered, and nothing that arrives ends the server."""

from __future__ import annotations

import logging
from typing import Any, Final

from lsprotocol.types import EXIT, INITIALIZE, ResponseError, ResponseErrorMessage
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    default_converter,
)

__all__ = ["Protocol", "RequestFailed", "make_converter"]


class RequestFailed(JsonRpcException):
    """A request that is in order and could not be carried out; LSP 3.17 gives it this code."""

    CODE = -32803
    MESSAGE = "Request failed"


_NOTHING: Final = "$/nothing"
_LONGEST_REFUSAL: Final = 1_000
"""Characters: an error may quote what was sent."""


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
        if "jsonrpc" not in data:
            return data
        try:
            return self._converter.structure(data, self._kind_of(data))
        except Exception as error:  # pygls would write the traceback first, which takes a minute where data is nested
            number, method = data.get("id"), data.get("method")
            if isinstance(number, int | str) and method is not None:
                cause = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                text = f"{method}: the parameters are not what LSP says ({cause})"[:_LONGEST_REFUSAL]
                self._send_response(number, error=JsonRpcInvalidParams(text).to_response_error())
            # Whoever reads the messages goes on with one that means nothing.
            return JsonRPCNotification(_NOTHING, self.VERSION, None)

    def _kind_of(self, data: dict[str, Any]) -> Any:
        """Return the class of a message."""
        if "id" not in data:
            return self.get_message_type(data.get("method", "")) or JsonRPCNotification
        if "error" in data:
            return ResponseErrorMessage
        if "method" in data:
            return self.get_message_type(data["method"]) or JsonRPCRequestMessage
        return self._result_types.pop(data["id"], None) or JsonRPCResponseMessage

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
    # The first fault is enough: to gather those of a list that is a text of 100,000 characters takes eight seconds.
    converter.detailed_validation = False
    for kind in (JsonRPCRequestMessage, JsonRPCNotification, JsonRPCResponseMessage):
        converter.register_structure_hook(kind, _plainly)
    return converter


def _plainly(data: dict[str, Any], kind: type[Any]) -> Any:
    known = {"id", "method", "jsonrpc", "params", "result"} & set(kind.__annotations__)
    return kind(**dict.fromkeys(known & {"params", "result"}) | {name: data[name] for name in known & data.keys()})
