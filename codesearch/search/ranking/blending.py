"""How the signals of a long question's title and of its body become one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["TITLE", "blend"]

TITLE: Final = 0.6
"""What the title of a long question weighs; its body weighs the rest."""


def blend(title: Mapping[str, float], body: Mapping[str, float]) -> dict[str, float]:
    """Return signals that count as the title and the body say, of one candidate.

    A fact about the candidate is the same for both, and stays as it is.
    """
    blended = {name: TITLE * value + (1 - TITLE) * body.get(name, 0.0) for name, value in title.items()}
    blended |= {name: (1 - TITLE) * value for name, value in body.items() if name not in title}
    return blended
