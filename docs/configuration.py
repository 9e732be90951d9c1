"""Writes the table of settings in ``docs/guide/configuration.md`` from the settings themselves.

``python3 dev.py man`` runs it, and a test fails where the page lags behind.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from codesearch.settings import SETTINGS, Settings

PAGE = Path(__file__).parent / "guide" / "configuration.md"

_TABLE = re.compile(r"(?<=<!-- settings -->\n\n)\|.*?\n(?=\n<!-- end of settings -->)", re.DOTALL)
_KINDS = {list: "list of strings", int: "whole number", str: "string"}


def table() -> str:
    """Return the table in Markdown."""
    defaults = {field.name: field.default for field in fields(Settings)}
    lines = ["| setting | type | default | variable | option | meaning |", "|---|---|---|---|---|---|"]
    for setting in SETTINGS:
        default = {"cache": "[by system](#where-files-are-stored)", "model": "the shipped model"}.get(setting.name)
        if default is None:
            default = f"`{list(defaults[setting.name]) if setting.kind is list else defaults[setting.name]}`"
        names = [f"`{text}`" if text else "" for text in (setting.variable, setting.option)]
        cells = [f"`{setting.table}.{setting.name}`", _KINDS[setting.kind], default, *names, setting.meaning]
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page with the table as it is now."""
    return _TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
