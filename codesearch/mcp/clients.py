"""The configuration files of the common agents, and the entry that starts our server in each.

Our entry alone is changed, every other byte stays, and the file is replaced in one step. In TOML a table of ours is
appended or taken out. A file that is damaged, or in which something else stands in our place, is left as it is, and its
owner gets the lines to paste. Taking our entry out leaves no trace: what held nothing else goes with it.

What lies in a project is often committed, so no path of a machine is written there. What lies in a home folder serves
several projects: each has an entry of its own beside the others.

Sources: the manuals of Claude Code (.mcp.json), Claude Desktop (claude_desktop_config.json), Cursor (mcp.json), VS
Code (.vscode/mcp.json), Windsurf (mcp_config.json), Gemini CLI (settings.json), opencode (opencode.json), Zed
(settings.json) and Codex (config.toml).
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from codesearch.errors import InputError
from codesearch.mcp.json_text import read_json, with_member, without_member

__all__ = [
    "CLIENTS",
    "Change",
    "Client",
    "NotEditable",
    "plan_change",
    "plan_removal",
    "server_command",
    "write_change",
]

_NAME: Final = "codesearch"

_PACKAGE: Final = "codesearch-nl"

_WORKSPACE: Final = "${workspaceFolder}"

Entry = Mapping[str, Any]


class NotEditable(InputError):
    """A file cannot be edited safely.

    Attributes:
        reason: Why.
        paste: The lines that its owner may add.
    """

    def __init__(self, reason: str, paste: str) -> None:
        super().__init__(f"{reason}. Add this to it yourself:\n{paste}")
        self.reason = reason
        self.paste = paste


@dataclass(frozen=True, slots=True)
class Client:
    """An agent that speaks MCP.

    Attributes:
        title: What people call it.
        path: Its configuration file, given the project's folder and the user's.
        keys: Where in the file servers stand.
        entry: Our entry, given the command and its arguments.
        toml: Whether the file is TOML.
        folder: What stands for the project in a file that lies in it; "" where the file lies in a home folder.
        shell: Whether it starts servers with the PATH of a shell, and so finds commands by their names.
    """

    title: str
    path: Callable[[Path, Path], Path]
    keys: tuple[str, ...]
    entry: Callable[[str, Sequence[str]], Entry]
    toml: bool = False
    folder: str = ""
    shell: bool = True


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
    "claude-code": Client("Claude Code", lambda project, _: project / ".mcp.json", ("mcpServers",), _typed, folder="."),
    "claude-desktop": Client("Claude Desktop", _desktop, ("mcpServers",), _plain, shell=False),
    "cursor": Client(
        "Cursor", lambda project, _: project / ".cursor" / "mcp.json", ("mcpServers",), _plain, folder=_WORKSPACE
    ),
    "vscode": Client(
        "VS Code", lambda project, _: project / ".vscode" / "mcp.json", ("servers",), _typed, folder=_WORKSPACE
    ),
    "windsurf": Client(
        "Windsurf",
        lambda _, home: home / ".codeium" / "windsurf" / "mcp_config.json",
        ("mcpServers",),
        _plain,
        shell=False,
    ),
    "gemini": Client(
        "Gemini CLI", lambda project, _: project / ".gemini" / "settings.json", ("mcpServers",), _plain, folder="."
    ),
    "opencode": Client("opencode", lambda project, _: project / "opencode.json", ("mcp",), _opencode, folder="."),
    "zed": Client(
        "Zed", lambda project, _: project / ".zed" / "settings.json", ("context_servers",), _plain, folder="."
    ),
    "codex": Client("Codex", lambda _, home: home / ".codex" / "config.toml", ("mcp_servers",), _plain, toml=True),
}
"""By the name that ``--client`` takes."""


def server_command(client: Client, project: Path) -> tuple[str, list[str]]:
    """Return the command that starts the server for a project, and its arguments.

    By its name where the client finds it, so that the file can be shared, and outlives an interpreter.
    """
    arguments = ["mcp", "--folder", client.folder or str(project)]
    if client.shell and shutil.which("codesearch"):
        return "codesearch", arguments
    if client.shell and client.folder and shutil.which("uvx"):
        return "uvx", ["--from", _PACKAGE, "codesearch", *arguments]
    return sys.executable, ["-m", "codesearch", *arguments]


def plan_change(client: Client, *, project: Path, home: Path, command: str, arguments: Sequence[str]) -> Change:
    """Return what is to be written into the configuration file of a client.

    Raises:
        NotEditable: The file cannot be edited safely; the message holds what to paste.
        InputError: It cannot be read.
    """
    path = client.path(project, home)
    entry = client.entry(command, arguments)
    before = _text_of(path)
    if client.toml:
        return _change_toml(client, path, before, entry)
    try:
        place: Any = read_json(before)
        for key in client.keys:
            place = place.get(key, {})
        after = with_member(before, client.keys, _name_for(client, place, entry), entry)
    except (ValueError, AttributeError, TypeError) as error:
        reason = f"{path} is damaged, or has something else at {client.keys[0]!r}, and is left as it is"
        raise NotEditable(reason, _lines(client, _NAME, entry)) from error
    return Change(path, before, after)


def plan_removal(client: Client, *, project: Path, home: Path) -> Change:
    """Return what is to be written to take the entry of a project out of the file of a client; nothing where none is.

    Raises:
        InputError: The file cannot be read, or edited safely.
    """
    path = client.path(project, home)
    before = _text_of(path)
    if client.toml:
        data = _read_toml(path, before, "take it out yourself")
        servers = data.get(client.keys[0], {})
        after = before
        for name in _names_of(client, servers, str(project)):
            after = _without_table(path, after, (client.keys[0], name))
        return Change(path, before, after)
    try:
        place: Any = read_json(before)
        for key in client.keys:
            place = place.get(key, {}) if isinstance(place, dict) else {}
        after = before
        for name in _names_of(client, place, str(project)):
            after = without_member(after, client.keys, name)
    except ValueError as error:
        raise InputError(f"{path} is damaged: take the entry {_NAME} out yourself") from error
    return Change(path, before, after)


def _text_of(path: Path) -> str:
    """Return the text of a file, its line ends as they are; "" if there is none."""
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


# --- our entries --------------------------------------------------------------------------------------------


def _folder_of(entry: object) -> str:
    """Return the folder that an entry of ours is for; "" where it names none."""
    if not isinstance(entry, Mapping):
        return ""
    command, arguments = entry.get("command"), entry.get("args", [])
    words = [
        *(command if isinstance(command, list) else [command]),
        *(arguments if isinstance(arguments, list) else []),
    ]
    return next((str(after) for word, after in pairwise(words) if word == "--folder"), "")


def _names_of(client: Client, servers: object, folder: str) -> list[str]:
    """Return the names of the entries of ours that are for a project; in a file of a project that is our one entry."""
    if not isinstance(servers, Mapping):
        return []
    if client.folder:
        return [_NAME] if _NAME in servers else []
    ours = [name for name in servers if name == _NAME or name.startswith(f"{_NAME}-")]
    return [name for name in ours if _folder_of(servers[name]) == folder]


def _name_for(client: Client, servers: Mapping[str, Any], entry: Entry) -> str:
    """Return the name for an entry: that of the one for the same project, else one that none for another has."""
    folder = _folder_of(entry)
    if known := _names_of(client, servers, folder):
        return known[0]
    # An entry that names no folder is one of ours all the same.
    if client.folder or _NAME not in servers or not _folder_of(servers[_NAME]):
        return _NAME
    label = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(folder).name).strip("-") or "project"
    name, number = f"{_NAME}-{label}", 2
    while name in servers:
        name, number = f"{_NAME}-{label}-{number}", number + 1
    return name


# --- TOML ---------------------------------------------------------------------------------------------------


def _read_toml(path: Path, text: str, paste: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotEditable(f"{path} is damaged ({error}), and is left as it is", paste) from error


def _change_toml(client: Client, path: Path, before: str, entry: Entry) -> Change:
    """Append our table, which leaves all else as it is; TOML has no writer that keeps comments in the library."""
    import tomllib

    data = _read_toml(path, before, _lines(client, _NAME, entry))
    servers = data.get(client.keys[0], {})
    name = _name_for(client, servers, entry) if isinstance(servers, dict) else _NAME
    known = servers.get(name) if isinstance(servers, dict) else None
    if known == entry:
        return Change(path, before, before)
    paste = _lines(client, name, entry)
    rest = before
    if known is not None:
        if not isinstance(known, dict) or not _folder_of(known) or set(known) - set(entry):
            raise NotEditable(f"{path} has another entry for {name}, and is left as it is", paste)
        rest = _without_table(path, before, (client.keys[0], name))
    ends = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not rest else "\n" if rest.endswith("\n") else "\n\n"
    after = rest + (gap + paste).replace("\n", ends)
    try:
        tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:  # such as `mcp_servers = {...}`, to which nothing can be appended
        reason = f"{path} holds {client.keys[0]} in a form that cannot be added to, and is left as it is"
        raise NotEditable(reason, paste) from error
    return Change(path, before, after)


def _without_table(path: Path, text: str, keys: tuple[str, str]) -> str:
    """Return TOML without a table and those below it, all else as it was written.

    Raises:
        InputError: It is written in a form in which this cannot be done.
    """
    import tomllib

    table = re.compile(rf"\s*\[\s*{keys[0]}\s*\.\s*[\"']?{re.escape(keys[1])}[\"']?\s*[.\]]")
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = bool(table.match(line))
        if not inside:
            kept.append(line)
    after = "".join(kept)
    wanted = tomllib.loads(text)
    del wanted[keys[0]][keys[1]]
    try:
        done = tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        done = {}
    if {keys[0]: {}} | done != wanted:
        raise InputError(f"{path} holds {keys[1]} in a form that cannot be taken out: do it yourself")
    if not after.strip():
        return ""
    ends = "\r\n" if "\r\n" in text else "\n"
    return after.rstrip("\r\n") + ends if inside else re.sub(r"(\r?\n){3,}\Z", ends, after)


def _lines(client: Client, name: str, entry: Entry) -> str:
    """Return what can be pasted into the file of a client."""
    if not client.toml:
        return json.dumps({client.keys[0]: {name: entry}}, indent=2) + "\n"
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    return "\n".join([f"[{client.keys[0]}.{name}]", *lines]) + "\n"


def write_change(change: Change) -> None:
    """Write the file in one step, or take it away if nothing is left in it.

    Raises:
        InputError: It cannot be written, or was changed meanwhile.
    """
    path = change.path.resolve()  # a link to a file kept elsewhere stays a link
    try:
        if _text_of(path) != change.before:
            raise InputError(f"{path} was changed meanwhile: run it again")
        if not change.after:
            _take_away(change.path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(change.after.encode("utf-8"))
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o600)
        Path(name).replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error


def _take_away(path: Path) -> None:
    """Delete a file, and its folder if that is the agent's own and holds nothing else."""
    path.unlink(missing_ok=True)
    if path.parent.name.startswith("."):
        with suppress(OSError):  # it holds something else
            path.parent.rmdir()
