"""The configuration of agents: our entry alone changes, and what cannot be edited safely is left as it is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch.mcp.clients import CLIENTS, Change, plan_change, write_change

ARGUMENTS = ["-m", "codesearch", "mcp", "--folder", "/p"]


def planned(name: str, folder: Path) -> Change:
    return plan_change(CLIENTS[name], project=folder / "p", home=folder / "h", command="/py", arguments=ARGUMENTS)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_new_file_holds_our_entry_and_a_second_time_nothing_changes(name: str, tmp_path: Path) -> None:
    change = planned(name, tmp_path)
    assert "codesearch" in change.diff
    write_change(change)
    text = change.path.read_text()
    data = tomllib.loads(text) if CLIENTS[name].toml else json.loads(text)
    for key in CLIENTS[name].keys:
        data = data[key]
    entry = data["codesearch"]
    assert (entry["command"] if isinstance(entry["command"], list) else [entry["command"], *entry["args"]]) == [
        "/py",
        *ARGUMENTS,
    ]
    assert planned(name, tmp_path).diff == ""


def test_everything_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "p" / ".cursor" / "mcp.json"
    path.parent.mkdir(parents=True)
    other = {"mcpServers": {"other": {"command": "x"}}, "theme": "größe"}
    path.write_text(json.dumps(other, indent=4, ensure_ascii=False))
    write_change(planned("cursor", tmp_path))
    data = json.loads(path.read_text())
    assert data["mcpServers"].pop("codesearch")["command"] == "/py"
    assert data == other
    assert '\n    "theme": "größe"' in path.read_text()


def test_toml_is_appended_to_and_its_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "h" / ".codex" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('# mine\nmodel = "m"')
    write_change(planned("codex", tmp_path))
    assert path.read_text().startswith('# mine\nmodel = "m"\n\n[mcp_servers.codesearch]\n')


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vscode", '{\n  // mine\n  "servers": {}\n}'),
        ("vscode", '{"servers": []}'),
        ("vscode", "[]"),
        ("codex", "a = ["),
        ("codex", '[mcp_servers.codesearch]\ncommand = "other"\n'),
    ],
)
def test_what_cannot_be_edited_safely_is_left_and_its_lines_are_given(name: str, text: str, tmp_path: Path) -> None:
    path = CLIENTS[name].path(tmp_path / "p", tmp_path / "h")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(InputError, match="Add this to it yourself"):
        planned(name, tmp_path)
    assert path.read_text() == text


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    change = planned("cursor", tmp_path)
    change.path.parent.mkdir(parents=True)
    change.path.write_text("{}")
    with pytest.raises(InputError, match="changed meanwhile"):
        write_change(change)
    assert change.path.read_text() == "{}"


@pytest.mark.parametrize("before", ["mcp_servers = { other = { command = 'x' } }\n", "mcp_servers = 3\n"])
def test_toml_that_no_table_can_be_appended_to_is_left_as_it_is(tmp_path: Path, before: str) -> None:
    path = tmp_path / "h" / ".codex" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(before)
    with pytest.raises(InputError, match=r"left as it is.*\n\[mcp_servers\.codesearch\]"):
        planned("codex", tmp_path)
    assert path.read_text() == before
