"""The description of the API, OpenAPI 3.1, made of the table of routes and the records of requests and answers."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from codesearch import __version__
from codesearch.server.endpoints import ENDPOINTS, Endpoint
from codesearch.server.records import Problem

__all__ = ["describe"]

_REFERENCE: Final = "#/components/schemas/{model}"

_ALWAYS: Final = {
    401: "There is no token, or it is not known, or it has expired.",
    403: "The request comes from a page of another site.",
    408: "The request was not sent in time.",
    413: "The request is too large.",
    421: "The server does not answer to the name in the header Host.",
    429: "The token sends more requests a second than it may; Retry-After says when to come again.",
    500: "A fault of the server.",
}
_SOMETIMES: Final = {
    400: "The body is not JSON.",
    404: "There is nothing of this name, or nothing that the token may see.",
    415: "The body is of another type.",
    422: "Something in the request cannot be used; `detail` says what, and how to go on.",
    503: "Not yet, or not now; `detail` says why.",
}


@cache
def describe() -> dict[str, Any]:
    """Return the description, ready for ``json.dumps``."""
    models = {m for e in ENDPOINTS for m in (e.body, e.answer) if m is not None} | {Problem}
    ordered = sorted(models, key=lambda model: model.__name__)
    wanted = [
        (model, "validation" if any(e.body is model for e in ENDPOINTS) else "serialization") for model in ordered
    ]
    _, schemas = models_json_schema(wanted, ref_template=_REFERENCE)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "codesearch",
            "version": __version__,
            "description": "Natural-language code search over the repositories of a team. Every answer carries an "
            "`X-Request-ID`; what goes wrong is a problem after RFC 9457.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `codesearch token add`; none where the server has no tokens.",
                }
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    statuses = {**_ALWAYS, **{status: _SOMETIMES[status] for status in endpoint.problems}}
    if endpoint.public:
        statuses = {status: text for status, text in statuses.items() if status not in (401, 429)}
    if endpoint.path == "/readyz":
        statuses[503] = "The indexes are still being opened."
    operation: dict[str, Any] = {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "responses": {
            str(endpoint.status): _answer(endpoint),
            **{str(status): _problem(text) for status, text in sorted(statuses.items())},
        },
    }
    if endpoint.path == "/readyz":
        operation["responses"]["503"] = {**_answer(endpoint), "description": statuses[503]}
    if endpoint.public:
        operation["security"] = []
    if parameters := _parameters(endpoint):
        operation["parameters"] = parameters
    if endpoint.method == "GET" and endpoint.answer is not None and endpoint.status == 200:
        operation["responses"]["304"] = {"description": "The client has this answer already (If-None-Match)."}
    if endpoint.body is not None:
        schema = {"$ref": _REFERENCE.format(model=endpoint.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    description = "The answer."
    if endpoint.answer is None:
        schema: dict[str, Any] = {"type": "string"}
    else:
        schema = {"$ref": _REFERENCE.format(model=endpoint.answer.__name__)}
        description = (endpoint.answer.__doc__ or "").partition("\n")[0]
    return {"description": description, "content": {endpoint.media.partition(";")[0]: {"schema": schema}}}


def _problem(text: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model="Problem")}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "{name}" in endpoint.path:
        found.append(
            {
                "name": "name",
                "in": "path",
                "required": True,
                "description": "Name of the repository; its slashes may be written as %2F.",
                "schema": {"type": "string", "minLength": 1},
            }
        )
    if endpoint.query is not None:
        found += [_query(endpoint.query, name) for name in endpoint.query.model_fields]
    return found


def _query(model: type[BaseModel], name: str) -> dict[str, Any]:
    whole = model.model_json_schema()
    schema = _inlined(whole["properties"][name], whole.get("$defs", {}))
    schema.pop("title", None)
    described = {
        "name": name,
        "in": "query",
        "required": name in whole.get("required", ()),
        "description": schema.pop("description"),
        "schema": schema,
    }
    if schema.get("type") == "array":
        described |= {"style": "form", "explode": True}
    return described


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    return schema
