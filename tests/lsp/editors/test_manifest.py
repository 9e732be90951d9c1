"""What the manifest of the VS Code extension promises, the code holds.

The extension's own tests, `npm test`, are run by `dev.py test`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.lsp.editors.places import TOP

EXTENSION = TOP / "lsp" / "vscode"
README = EXTENSION / "README.md"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    result: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return result


@pytest.fixture(scope="module")
def source() -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((EXTENSION / "src").glob("*.ts")))


def settings_of(manifest: dict[str, Any]) -> dict[str, Any]:
    groups = manifest["contributes"]["configuration"]
    return {name: setting for group in groups for name, setting in group["properties"].items()}


def test_every_contributed_command_is_registered(manifest: dict[str, Any], source: str) -> None:
    table = source.partition("const commands:")[2].partition("\n  };")[0]
    registered = set(re.findall(r'^    "?([\w.]+)"?: \(', table, re.MULTILINE))
    contributed = {command["command"].removeprefix("codesearch.") for command in manifest["contributes"]["commands"]}
    assert contributed
    assert contributed <= registered


def test_no_command_bears_a_name_that_the_server_registers(manifest: dict[str, Any]) -> None:
    """The client registers the commands of the server by their names; a second registration would end the start."""
    names = {command["command"] for command in manifest["contributes"]["commands"]}
    assert not names & {f"codesearch.{name}" for name in ("ask", "similar", "reindex", "status")}


def test_menus_and_keys_lead_to_contributed_commands(manifest: dict[str, Any]) -> None:
    contributed = {command["command"] for command in manifest["contributes"]["commands"]}
    entries = [entry for menu in manifest["contributes"]["menus"].values() for entry in menu]
    assert {entry["command"] for entry in entries + manifest["contributes"]["keybindings"]} <= contributed


def test_every_setting_that_is_read_is_declared_with_a_description(manifest: dict[str, Any], source: str) -> None:
    settings = settings_of(manifest)
    read = set(re.findall(r'getConfiguration\("codesearch"\)\.get(?:<[^(]*>)?\("([\w.]+)"', source))
    read |= set(re.findall(r'\bsetting\("([\w.]+)"', source))
    assert read
    assert {f"codesearch.{name}" for name in read} <= settings.keys()
    assert all("default" in one and ("description" in one or "markdownDescription" in one) for one in settings.values())


def test_what_starts_a_program_is_not_for_a_folder_to_say_unless_it_is_trusted(manifest: dict[str, Any]) -> None:
    restricted = manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert "codesearch.server.path" in restricted


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert len(lock["packages"]) > 10
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]


def test_versions_agree(manifest: dict[str, Any]) -> None:
    import codesearch

    assert manifest["version"] == codesearch.__version__


def test_the_readme_lists_every_setting_with_its_default(manifest: dict[str, Any]) -> None:
    rows = re.findall(
        r"^\| `(codesearch\.[\w.]+)` \| `(.*?)` \| .+ \|$", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    expected = [(name, json.dumps(setting["default"])) for name, setting in settings_of(manifest).items()]
    assert rows == expected


def test_a_marketplace_finds_what_it_needs(manifest: dict[str, Any]) -> None:
    icon = (EXTENSION / manifest["icon"]).read_bytes()
    assert icon.startswith(b"\x89PNG")
    assert int.from_bytes(icon[16:20], "big") >= 128
    assert {
        "publisher",
        "displayName",
        "description",
        "categories",
        "keywords",
        "license",
        "engines",
    } <= manifest.keys()
    assert len(manifest["keywords"]) <= 30
    assert len(manifest["description"]) <= 145
    packaged = {line[1:] for line in (EXTENSION / ".vscodeignore").read_text().splitlines() if line.startswith("!")}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "package.json", "dist/extension.js", manifest["icon"]} <= packaged
    # Links and pictures of a page in a marketplace must be absolute, and nothing is published yet.
    assert not re.search(r"\]\((?!https://|#)", README.read_text(encoding="utf-8"))
    assert "## Unreleased" in (EXTENSION / "CHANGELOG.md").read_text(encoding="utf-8")
