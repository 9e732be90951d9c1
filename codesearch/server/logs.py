"""The log: one JSON object a line, with the id of the request. No question and no token is ever in it."""

from __future__ import annotations

import json
import logging
import time
from contextvars import ContextVar
from typing import IO, Any, Final

from codesearch.present.render import visible

__all__ = ["JsonFormatter", "request_id", "start_log"]

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; "" outside of one."""

_LONGEST: Final = 2_000


class JsonFormatter(logging.Formatter):
    """One JSON object a line; ``extra={"fields": {...}}`` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": visible(record.getMessage())[:_LONGEST],
        }
        if known := request_id.get():
            line["request_id"] = known
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start_log(stream: IO[str]) -> logging.Handler:
    """Write what happens to a stream from now on; returns what does, so that it can be taken away again."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    for name, level in (("codesearch", logging.INFO), ("uvicorn.error", logging.WARNING), ("mcp", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
    return handler
