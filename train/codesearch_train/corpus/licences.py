"""Which licence a repository is under, and whether its code may be learned from.

Only permissive licences are taken: they ask for attribution at most, which the committed manifest gives.
Copyleft of any strength (GPL, LGPL, AGPL, MPL, EPL), source-available licences (BUSL, SSPL, Elastic) and
whatever is not recognised are left out. A repository under a choice of licences counts as permissive when
one of them is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["PERMISSIVE", "Licence", "detect", "identify"]

PERMISSIVE = frozenset(
    {
        "0BSD", "AFL-3.0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ICU", "ISC", "MIT",
        "NCSA", "PHP-3.01", "PSF-2.0", "PostgreSQL", "Unlicense", "WTFPL", "Zlib", "curl", "Biopython",
    }
)  # fmt: skip
"""SPDX identifiers of the licences whose code is taken (Biopython: the project's own, like HPND)."""

# First match wins inside a text: what quotes another licence comes before what it quotes.
_TEXTS: tuple[tuple[str, str], ...] = (
    ("BUSL-1.1", r"business source license"),
    ("SSPL-1.0", r"server side public license"),
    ("Elastic-2.0", r"elastic license"),
    ("Commons-Clause", r"commons clause"),
    ("AGPL-3.0", r"gnu affero general public license"),
    ("LGPL", r"gnu (?:lesser|library) general public license"),
    ("MPL-2.0", r"mozilla public license"),
    ("EPL", r"eclipse public license"),
    ("CDDL", r"common development and distribution license"),
    ("GPL", r"gnu general public license"),
    ("Apache-2.0", r"apache license,? version 2\.0|apache license\W+version 2\.0|apache\.org/licenses/license-2\.0"),
    ("BSL-1.0", r"boost software license"),
    ("PHP-3.01", r"the php license, version 3\.01"),
    ("AFL-3.0", r"academic free license"),
    ("Unlicense", r"this is free and unencumbered software released into the public domain"),
    ("CC0-1.0", r"cc0 1\.0 universal|creative commons zero"),
    ("WTFPL", r"do what the fuck you want to"),
    ("PSF-2.0", r"python software foundation license"),
    ("curl", r"this software without restriction"
        r"|copyright and permission notice\W+copyright \(c\) 1996 - \d{4}, daniel"),
    ("MIT", r"permission is hereby granted,? free of charge,? to any person obtaining"),
    ("ISC", r"permission to use, copy, modify, and(?:/or)? distribute this software for any purpose with or without"),
    ("Zlib", r"the origin of this software must not be misrepresented"),
    ("PostgreSQL", r"permission to use, copy, modify, and distribute this software and its documentation for any"),
    ("Biopython", r"permission to use, copy, modify, and distribute this software and its documentation with"),
    ("BSD-3-Clause", r"redistribution and use in source and binary forms.*(?:neither the names?"
        r"|names? of .{0,80}may not be used|specific prior written permission)"),
    ("BSD-2-Clause", r"redistribution and use in source and binary forms"),
    ("Artistic-2.0", r"the artistic license"),
    ("MIT", r"\bmit licen[cs]e\b|licen[cs]ed under (?:the )?mit\b|\(the mit license\)"),
)  # fmt: skip
_COMPILED = tuple((name, re.compile(pattern, re.DOTALL)) for name, pattern in _TEXTS)
_CHOICE = re.compile(r"under the terms of either (?:of )?the (?:new |modified )?(bsd|mit|apache)")
_FILE = re.compile(
    r"^(?:(?:mit|apache|bsd|gpl|lgpl)[-_.])?(?:un)?licen[cs]es?(?:[-_.].*)?$"
    r"|^copying(?:[-_.].*)?$|^.*[-_.]licen[cs]e(?:\.(?:txt|md|rst))?$",
    re.IGNORECASE,
)
_METADATA: dict[str, Callable[[str], Iterable[str]]] = {}
_ALIASES = {
    "mit": "MIT", "the mit license": "MIT", "mit license": "MIT", "expat": "MIT", "isc": "ISC",
    "apache-2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache2": "Apache-2.0",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "bsd-2-clause": "BSD-2-Clause", "bsd": "BSD-3-Clause",
    "unlicense": "Unlicense", "zlib": "Zlib", "bsl-1.0": "BSL-1.0",
    "cc0-1.0": "CC0-1.0", "0bsd": "0BSD", "wtfpl": "WTFPL",
}  # fmt: skip
_FIELD = re.compile(
    r"""^\s*(?:\w+\.)?["']?licen[cs]es?["']?\s*(?:=>?|:)\s*[\[{]?\s*"""
    r"""(?:text\s*=\s*)?["']?(?P<value>[\w .+()/-]+)["']?""",
    re.MULTILINE,
)
_PACKAGE_FILES = re.compile(
    r"^(?:package\.json|composer\.json|Cargo\.toml|pyproject\.toml|setup\.(?:py|cfg)"
    r"|.*\.gemspec|mix\.exs|build\.zig\.zon|.*\.cabal|readme(?:\..*)?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Licence:
    """What a repository is under.

    Attributes:
        expression: SPDX identifiers, joined by " OR " where several files were found; "unknown" otherwise.
        permissive: Whether its code may be learned from.
        source: Name of the file that says so.
    """

    expression: str
    permissive: bool
    source: str


def identify(text: str) -> str | None:
    """The SPDX identifier of a licence text, or None where it is not one that is known here."""
    flat = re.sub(r"[\s*#>\"“”]+", " ", text.lower())
    head = flat[:20_000]
    title = flat[:400]
    choice = _CHOICE.search(head)
    if choice:
        return {"mit": "MIT", "apache": "Apache-2.0"}.get(choice[1], "BSD-3-Clause")
    for name, pattern in _COMPILED:
        # The clause that tells the BSD licences apart comes late in their texts.
        if not name.startswith("BSD") and pattern.search(title):
            return name
    for name, pattern in _COMPILED:
        if pattern.search(head):
            return name
    return None


def _declared(name: str, text: str) -> str | None:
    if name.lower().startswith("readme"):
        match = re.search(
            r"(?:licen[cs]ed?|released|distributed)\W+(?:is |are |under |the |terms |of )*(mit|isc"
            r"|apache(?: license)?,?(?: version)? 2\.0|bsd|unlicense)\b",
            text.lower(),
        )
        return _ALIASES.get(re.sub(r"apache.*", "apache 2.0", match[1])) if match else None
    if name == "package.json" or name == "composer.json":
        try:
            value = json.loads(text).get("license")
        except (ValueError, AttributeError):
            return None
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get("type")
        return _ALIASES.get(value.lower()) if isinstance(value, str) else None
    match = _FIELD.search(text)
    return _ALIASES.get(match["value"].strip().lower().split(" or ")[0]) if match else None


def detect(names: Iterable[str], read: Callable[[str], str]) -> Licence:
    """Finds the licence of a repository.

    Args:
        names: Names of the files in its root folder.
        read: Text of one of them by name.

    Returns:
        The licence by the licence files; by package metadata, then README, where there is none that is known.
    """
    names = sorted(names)
    found: dict[str, str] = {}
    for name in names:
        if _FILE.match(name) and not name.lower().endswith((".py", ".js", ".go", ".rb", ".php", ".sh", ".json")):
            identified = identify(read(name))
            if identified:
                found.setdefault(identified, name)
    if found:
        permissive = [name for name in found if name in PERMISSIVE]
        chosen = permissive or list(found)
        # A copyleft text next to a permissive one is most often a choice (Perl, Qt), or covers a bundled
        # part; only where the main file itself is copyleft is the whole.
        main = next(
            (
                identifier
                for identifier, name in found.items()
                if name.lower().split(".")[0] in {"license", "licence", "copying"}
            ),
            None,
        )
        if main and main not in PERMISSIVE:
            return Licence(main, False, found[main])
        return Licence(" OR ".join(sorted(chosen)), bool(permissive), found[chosen[0]])
    for name in sorted(names, key=lambda name: name.lower().startswith("readme")):
        if _PACKAGE_FILES.match(name):
            declared = _declared(name, read(name))
            if declared:
                return Licence(declared, declared in PERMISSIVE, name)
    return Licence("unknown", False, "")
