"""Older versions that lie beside the newer: ``v1/`` where there is ``v2/``, or the same file without ``v1/``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["find_outdated"]

_VERSION: Final = re.compile(r"(?:^|(?<=/))v(\d{1,2})/", re.IGNORECASE)


def find_outdated(paths: Iterable[str]) -> frozenset[str]:
    """Return those of some paths that lie in a version of which another path is a newer one.

    Alone, ``v1/`` says nothing: many an interface has one version, which is current.
    """
    known = set(paths)
    newest: dict[str, int] = {}
    versions: list[tuple[str, str, int, str]] = []
    for path in known:
        if found := _VERSION.search(path):
            before, number = path[: found.start()], int(found[1])
            newest[before] = max(newest.get(before, 0), number)
            versions.append((path, before, number, path[found.end() :]))
    return frozenset(
        path for path, before, number, rest in versions if number < newest[before] or f"{before}{rest}" in known
    )
