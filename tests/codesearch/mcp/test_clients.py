"""The configuration of agents: our entry alone changes, and what cannot be edited safely is left as it is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch.mcp.clients import CLIENTS, Change, plan_change, plan_removal, server_command, write_change

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
        ("vscode", '{\n  // mine\n  "servers": {'),
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


@pytest.mark.parametrize("name", CLIENTS)
def test_a_second_project_is_entered_beside_the_first_and_taken_out_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda command: f"/bin/{command}")
    client = CLIENTS[name]
    projects = [tmp_path / parts for parts in ("a/one", "b/two", "c/two", "d/größe")]

    def install(project: Path) -> Change:
        command, arguments = server_command(client, project)
        change = plan_change(client, project=project, home=tmp_path / "h", command=command, arguments=arguments)
        write_change(change)
        return change

    def texts() -> list[str]:
        paths = {client.path(project, tmp_path / "h") for project in projects}
        return [path.read_text() for path in paths if path.exists()]

    for project in projects:
        install(project)
    if client.folder:
        assert str(tmp_path) not in "".join(texts())
        assert "/bin" not in "".join(texts())
    else:
        (text,) = texts()
        data = tomllib.loads(text) if client.toml else json.loads(text)
        servers = data[client.keys[0]]
        assert [entry["args"][-1] for entry in servers.values()] == list(map(str, projects))
        assert list(servers)[:3] == ["codesearch", "codesearch-two", "codesearch-two-2"]
    assert install(projects[2]).diff == ""
    for project in projects:
        write_change(plan_removal(client, project=project, home=tmp_path / "h"))
        assert plan_removal(client, project=project, home=tmp_path / "h").diff == ""
        if not client.folder:
            assert str(project) not in "".join(texts())
            assert "".join(texts()).count("--folder") == len(projects) - projects.index(project) - 1
    assert not texts(), "what was made for the entry went with it"
    assert not any(path.name.startswith(".") for project in projects for path in project.glob("*"))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CLIENTS)
def test_the_diff_holds_our_lines_alone_and_uninstall_leaves_no_trace(name: str, ends: str, tmp_path: Path) -> None:
    client = CLIENTS[name]
    path = client.path(tmp_path / "p", tmp_path / "h")
    path.parent.mkdir(parents=True)
    key = client.keys[0]
    text = (
        f'# mine\n[{key}.other]\ncommand = "x"\n'
        if client.toml
        else f'{{\n\t"{key}": {{\n\t\t"other": {{"command": "x"}} // mine\n\t}}\n}}\n'
    )
    path.write_bytes(text.replace("\n", ends).encode())
    command, arguments = "codesearch", ["mcp", "--folder", client.folder or str(tmp_path / "p")]
    change = plan_change(client, project=tmp_path / "p", home=tmp_path / "h", command=command, arguments=arguments)
    gone = [line for line in change.diff.splitlines()[2:] if line.startswith("-")]
    assert gone in ([], [line for line in change.diff.splitlines() if line.startswith("-\t\t") and "other" in line])
    write_change(change)
    assert path.read_bytes().count(b"\r\n") == (path.read_bytes().count(b"\n") if ends == "\r\n" else 0)
    write_change(plan_removal(client, project=tmp_path / "p", home=tmp_path / "h"))
    assert path.read_bytes().decode() == text.replace("\n", ends)


def test_a_table_is_taken_out_of_toml_and_the_rest_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "h" / ".codex" / "config.toml"
    path.parent.mkdir(parents=True)
    first, last = '# mine\nmodel = "m"\n\n', '[mcp_servers.other]  # mine, too\ncommand = "x"\n'
    ours = f'[mcp_servers.codesearch]\ncommand = "old"\nargs = ["mcp", "--folder", "{tmp_path / "p"}"]\n\n'
    path.write_text(first + ours + last)
    write_change(plan_removal(CLIENTS["codex"], project=tmp_path / "p", home=tmp_path / "h"))
    assert path.read_text() == first + last
    path.write_text(f'mcp_servers = {{ codesearch = {{ args = ["--folder", "{tmp_path / "p"}"] }} }}\n')
    with pytest.raises(InputError, match="do it yourself"):
        plan_removal(CLIENTS["codex"], project=tmp_path / "p", home=tmp_path / "h")
