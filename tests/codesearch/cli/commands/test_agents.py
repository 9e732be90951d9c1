"""What agents are told works: each command of the snippet and of the plug-in is one, and the plug-in is whole."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import codesearch
from codesearch.cli.app import app
from codesearch.cli.commands.agents import SNIPPET
from codesearch.mcp.tokens import count_tokens

TOP = Path(__file__).parents[4] / "agents"
PLUGIN = TOP / "claude-code"
COMMANDS = re.findall(r"`codesearch ([^`]+)`", SNIPPET)


def test_the_snippet_is_printed_and_short() -> None:
    result = CliRunner().invoke(app, ["agents", "snippet"])
    assert result.output == SNIPPET
    assert count_tokens(SNIPPET) < 350


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_of_the_snippet_is_understood(line: str) -> None:
    group: Any = typer.main.get_command(app)
    words = shlex.split(line)
    command = group.get_command(group.make_context("codesearch", [], resilient_parsing=True), words[0])
    command.make_context(words[0], words[1:])


def test_the_plug_in_starts_our_server_and_its_parts_are_where_claude_code_looks() -> None:
    (listed,) = json.loads((TOP / ".claude-plugin" / "marketplace.json").read_text())["plugins"]
    assert (TOP / listed["source"]).resolve() == PLUGIN
    manifest = json.loads((PLUGIN / ".claude-plugin" / "plugin.json").read_text())
    assert manifest["name"] == listed["name"] == "codesearch"
    assert manifest["version"] == codesearch.__version__
    (server,) = json.loads((PLUGIN / ".mcp.json").read_text())["mcpServers"].values()
    assert [server["command"], *server["args"]] == ["codesearch", "mcp"]
    for part in ("commands/ask.md", "skills/codesearch/SKILL.md"):
        front = (PLUGIN / part).read_text().split("---\n")[1]
        assert "description: " in front


def test_the_skill_says_what_the_snippet_says() -> None:
    assert SNIPPET.partition("\n")[2] in (PLUGIN / "skills" / "codesearch" / "SKILL.md").read_text()
