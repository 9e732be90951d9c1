"""Expressions for gitignore patterns that no path makes slow.

pathspec translates ``*a*a*b`` into ``[^/]*a[^/]*a[^/]*b``. Where that does not match, Python's engine tries every way
to share the path out among the stars: 70 letters and 20 stars take longer than anybody waits. But what stands between
two stars has a fixed length, so the first place where it fits is as good as any later one. That is said here by atomic
groups (Python 3.11), which are never entered again. The same holds for what stands between two ``**``. Only the last
star of a segment, and the last ``**``, are left to the engine, which tries each place once.

A class, ``[!a]`` say, matches no slash here. It does in pathspec's expressions, and does not in Git.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["make_linear"]

_STAR: Final = "[^/]*"
_LEADING: Final = "^(?:.+/)?"
_INNER: Final = "(?:/.+)?/"
_ENDS: Final = ("(?:(?P<ps_d>/)|$)", "(?P<ps_d>/)", "/")

_ATOM: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}|*+?.^$]",
    re.DOTALL,
)
"""What matches exactly one character: an escaped one, a class, or a plain one."""


def make_linear(expression: str) -> str:
    """Return an expression that matches as `expression` does, in time linear in the path.

    Args:
        expression: As ``pathspec``'s ``GitIgnoreSpecPattern`` writes it.

    Raises:
        ValueError: It is of another form.
    """
    if not expression.startswith("^"):
        return expression  # of "**", "*/" and the like: nothing repeats in it
    end = next((end for end in _ENDS if expression.endswith(end)), "")
    body = expression.removesuffix(end)
    leading = body.startswith(_LEADING)
    body = body.removeprefix(_LEADING if leading else "^")
    first, *rest = (_segments(part) for part in body.split(_INNER))
    if not rest:
        return (_LEADING if leading else "^") + first + end
    # Of several parts with "**" between, all but the last match at the first place where they fit.
    linear = f"^(?>(?:.+?/)??{first}(?=/))" if leading else f"^{first}"
    for part in rest[:-1]:
        linear += f"(?>(?:/.+?)??/{part}(?=/))"
    return linear + _INNER + rest[-1] + end


def _segments(part: str) -> str:
    """Make what stands between two "**" linear; none of its segments can match across a slash."""
    return "/".join(_segment(segment) for segment in _split(part))


def _split(part: str) -> list[str]:
    """Split at slashes, but not at those in classes."""
    segments = [""]
    position = 0
    while position < len(part):
        if part.startswith((_STAR, "[^/]+"), position):
            token = part[position : position + len(_STAR)]
        else:
            token = _atom(part, position)
        position += len(token)
        if token == "/":
            segments.append("")
        else:
            segments[-1] += token
    return segments


def _segment(segment: str) -> str:
    if segment == "[^/]+":
        return segment
    first, *runs = _runs(segment)
    if not runs:
        return first
    inner = "".join(f"(?>[^/]*?{run})" for run in runs[:-1])
    return f"{first}{inner}{_STAR}{runs[-1]}"


def _runs(segment: str) -> list[str]:
    """Return what stands before, between and after the stars of a segment; neighbouring stars are one."""
    runs = [""]
    position = 0
    while position < len(segment):
        if segment.startswith(_STAR, position):
            position += len(_STAR)
            if len(runs) == 1 or runs[-1]:
                runs.append("")
            continue
        atom = _atom(segment, position)
        runs[-1] += f"(?!/){atom}" if atom[0] == "[" else atom
        position += len(atom)
    return runs


def _atom(text: str, position: int) -> str:
    found = _ATOM.match(text, position)
    if found is None:
        raise ValueError(f"{text!r} is of a form that is not known")
    return found[0]
