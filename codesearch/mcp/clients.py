"""The configuration files of the common agents, and the entry that starts our server in each.

Only JSON that Python reads is edited, our entry alone is changed, and the file is replaced in one step; a file with
comments, or in TOML, is left as it is, and its owner gets the lines to paste.

Sources: the manuals of Claude Code (.mcp.json), Claude Desktop (claude_desktop_config.json), Cursor (mcp.json), VS
Code (.vscode/mcp.json), Windsurf (mcp_config.json), Gemini CLI (settings.json), opencode (opencode.json), Zed
(settings.json) and Codex (config.toml).
"""

from __future__ import annotations

import difflib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from codesearch.errors import InputError

__all__ = ["CLIENTS", "Change", "Client", "plan_change", "write_change"]

_NAME: Final = "codesearch"

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    """An agent that speaks MCP.

    Attributes:
        title: What people call it.
        path: Its configuration file, given the project's folder and the user's.
        keys: Where in the file servers stand.
        entry: Our entry, given the command and its arguments.
        toml: Whether the file is TOML.
    """

    title: str
    path: Callable[[Path, Path], Path]
    keys: tuple[str, ...]
    entry: Callable[[str, Sequence[str]], Entry]
    toml: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written.

    Attributes:
        path: Of the file.
        before: Its text, "" where there is no file.
        after: Its text with our entry.
    """

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" where nothing changes."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), str(self.path), str(self.path)
        )
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _plain(command: str, arguments: Sequence[str]) -> Entry:
    return {"command": command, "args": list(arguments)}


def _typed(command: str, arguments: Sequence[str]) -> Entry:
    return {"type": "stdio", "command": command, "args": list(arguments)}


def _opencode(command: str, arguments: Sequence[str]) -> Entry:
    return {"type": "local", "command": [command, *arguments], "enabled": True}


def _desktop(_: Path, home: Path) -> Path:
    folder = {
        "darwin": home / "Library" / "Application Support" / "Claude",
        "win32": home / "AppData" / "Roaming" / "Claude",
    }.get(sys.platform, home / ".config" / "Claude")
    return folder / "claude_desktop_config.json"


CLIENTS: Final[Mapping[str, Client]] = {
    "claude-code": Client("Claude Code", lambda project, _: project / ".mcp.json", ("mcpServers",), _typed),
    "claude-desktop": Client("Claude Desktop", _desktop, ("mcpServers",), _plain),
    "cursor": Client("Cursor", lambda project, _: project / ".cursor" / "mcp.json", ("mcpServers",), _plain),
    "vscode": Client("VS Code", lambda project, _: project / ".vscode" / "mcp.json", ("servers",), _typed),
    "windsurf": Client(
        "Windsurf", lambda _, home: home / ".codeium" / "windsurf" / "mcp_config.json", ("mcpServers",), _plain
    ),
    "gemini": Client("Gemini CLI", lambda project, _: project / ".gemini" / "settings.json", ("mcpServers",), _plain),
    "opencode": Client("opencode", lambda project, _: project / "opencode.json", ("mcp",), _opencode),
    "zed": Client("Zed", lambda project, _: project / ".zed" / "settings.json", ("context_servers",), _plain),
    "codex": Client("Codex", lambda _, home: home / ".codex" / "config.toml", ("mcp_servers",), _plain, toml=True),
}
"""By the name that ``--client`` takes."""


def plan_change(client: Client, *, project: Path, home: Path, command: str, arguments: Sequence[str]) -> Change:
    """Return what is to be written into the configuration file of a client.

    Raises:
        InputError: The file cannot be edited safely; the message holds what to paste.
    """
    path = client.path(project, home)
    entry = client.entry(command, arguments)
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if client.toml:
        return _change_toml(client, path, before, entry)
    try:
        data = json.loads(before) if before.strip() else {}
    except ValueError as error:
        raise InputError(
            f"{path} holds comments or is damaged, and is left as it is. {_paste(client, entry)}"
        ) from error
    place = data
    for key in client.keys:
        if not isinstance(place, dict) or not isinstance(place.setdefault(key, {}), dict):
            raise InputError(f"{path} has something else at {key!r}, and is left as it is. {_paste(client, entry)}")
        place = place[key]
    place[_NAME] = dict(entry)
    return Change(path, before, json.dumps(data, indent=_indentation(before), ensure_ascii=False) + "\n")


def _change_toml(client: Client, path: Path, before: str, entry: Entry) -> Change:
    """Append our table, which leaves all else as it is; TOML has no writer that keeps comments in the library."""
    import tomllib

    try:
        data = tomllib.loads(before)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is damaged ({error}), and is left as it is. {_paste(client, entry)}") from error
    servers = data.get(client.keys[0], {})
    known = servers.get(_NAME) if isinstance(servers, dict) else None
    if known == entry:
        return Change(path, before, before)
    if known is not None:
        raise InputError(f"{path} has another entry for {_NAME}, and is left as it is. {_paste(client, entry)}")
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    after = before + gap + _toml(client, entry)
    try:
        tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:  # such as `mcp_servers = {...}`, to which nothing can be appended
        raise InputError(
            f"{path} holds {client.keys[0]} in a form that cannot be added to, and is left as it is. "
            f"{_paste(client, entry)}"
        ) from error
    return Change(path, before, after)


def _toml(client: Client, entry: Entry) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join([f"[{client.keys[0]}.{_NAME}]", *lines]) + "\n"


def _paste(client: Client, entry: Entry) -> str:
    text = _toml(client, entry) if client.toml else json.dumps({client.keys[0]: {_NAME: entry}}, indent=2)
    return f"Add this to it yourself:\n{text}"


def _indentation(text: str) -> int:
    line = next((line for line in text.splitlines() if line.startswith(" ")), "  ")
    return len(line) - len(line.lstrip())


def write_change(change: Change) -> None:
    """Write the file in one step.

    Raises:
        InputError: It cannot be written, or was changed meanwhile.
    """
    path = change.path.resolve()  # a link to a file kept elsewhere stays a link
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if (path.read_text(encoding="utf-8") if path.exists() else "") != change.before:
            raise InputError(f"{path} was changed meanwhile: run it again")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(change.after)
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o600)
        Path(name).replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error
