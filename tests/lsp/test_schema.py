"""The JSON schema in docs/design/lsp.md is what the server does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from codesearch_lsp.configuration import Configuration, read_configuration
from tests.lsp.session import start

DOCUMENT = (Path(__file__).parents[2] / "docs" / "design" / "lsp.md").read_text(encoding="utf-8")


def validate(value: Any, name: str) -> None:
    block = re.search(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block is not None
    schema = json.loads(block[1])
    jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"}).validate(value)


@pytest.mark.asyncio
async def test_answers_fit_the_schema(workspace: Path, cache: Path) -> None:
    async with start(cache) as session:
        await session.initialize(workspace)
        await session.ready()
        params = {"query": "parse json", "limit": 3, "languages": ["python"], "kinds": ["function"], "paths": ["*.py"]}
        validate(params, "Search")
        validate(await session.search(**params), "Result")
        everything = await session.search("text", limit=100)
        validate(everything, "Result")
        assert {item["kind"] for item in everything["items"]} > {"function", "method", "type", "text"}
        similar = {"textDocument": {"uri": (workspace / "src" / "parser.py").as_uri()}, "position": {"line": 7}}
        validate(similar, "Similar")
        validate(await session.request("codesearch/similar", similar), "Result")
        validate(await session.command("codesearch.status"), "Status")


def test_the_schema_refuses_what_the_server_refuses() -> None:
    for params in ({}, {"query": 5}, {"query": "a", "limit": 0}, {"query": "a", "kinds": ["verb"]}):
        with pytest.raises(jsonschema.ValidationError):
            validate(params, "Search")


def test_each_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", DOCUMENT, re.MULTILINE))
    given = {name: json.loads(default) for name, default in rows.items()}
    other = Configuration(
        7, "cpu", "m", ("a",), ("b",), "/i", code_lens=True, hover=True, unsaved_buffers=False, index_on_start=False
    )
    assert read_configuration(given, other) == (Configuration(), [])
