"""From a state and the size of a terminal to what is drawn below the question: lines of styled text.

Styles are attributes and the sixteen colours that every terminal has, from its own palette. Whatever comes out of a
repository has been made safe (``render.visible``, ``render.safe_line``) before it is laid out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from codesearch.picker.preview import code_lines, first_shown, opening_line
from codesearch.picker.state import State
from codesearch.picker.widths import Pieces, cut, cut_left, fitted, width
from codesearch.present.render import shown_path, visible
from codesearch.records import Match

__all__ = ["Scene", "frame", "list_rows"]

_BESIDE_COLUMNS: Final = 110
"""From this width on the preview is beside the list, below that under it."""

_PREVIEW_COLUMNS: Final = 50
_PREVIEW_ROWS: Final = 12
"""Narrower or lower, there is no preview."""

_HINT: Final = (
    "Type what you are looking for:",
    "",
    "  plain words     retry with exponential backoff",
    "  a name          Parser.parse, parse_config, parseConfig",
    "  pasted code     or an error message",
)
_KEYS: Final = "Up/Down PgUp/PgDn select   Shift-Up/Down scroll   Enter open   Esc leave"


@dataclass(frozen=True, slots=True)
class Scene:
    """What stays the same while the picker runs.

    Attributes:
        cwd: Paths are shown relative to this folder where that needs no "..".
        about: What is searched: names of repositories, and filters.
        repositories: What to call each repository, by its root, where more than one is searched.
    """

    cwd: Path
    about: str = ""
    repositories: Mapping[Path, str] = field(default_factory=dict)


def frame(state: State, scene: Scene, columns: int, rows: int) -> list[Pieces]:
    """Return the lines below the question, as many as `rows`, each as wide as the terminal at most."""
    if rows < 1:
        return []
    lines = [_status(state, scene, columns)]
    foot = [_foot(state, columns)] if rows >= 4 else []
    room = rows - len(lines) - len(foot)
    body = _body(state, scene, columns, room)
    lines += body[:room]
    lines += [[("", "")] for _ in range(room - len(body))]
    return lines + foot


def list_rows(state: State, columns: int, rows: int) -> int:
    """Return how many matches are listed at once: what a page is; arguments as of :func:`frame`."""
    room = rows - 1 - (1 if rows >= 4 else 0)
    return max(1, _shares(state, columns, room)[0])


# --- lines above and below ----------------------------------------------------------------------------------


def _status(state: State, scene: Scene, columns: int) -> Pieces:
    left = ""
    if state.result is not None and state.answered and not state.result.error:
        count = len(state.result.matches)
        left = f"{count} result{'' if count == 1 else 's'}" if count else "nothing found"
        if state.result.by_words and count:
            left += " by words"
        left += f", {1e3 * state.result.seconds:.0f} ms"
    elif state.question.strip() and not state.answered:
        left = "searching..."
    right = "; ".join(f"{visible(name)}: {doing}" for name, doing in state.working.items()) or scene.about
    right = cut(right, max(0, columns - width(left) - 6))
    gap = columns - width(left) - width(right) - 4
    return [("dim", f"  {left}"), ("", " " * max(2, gap)), ("fg:ansigreen" if state.working else "dim", right)]


def _foot(state: State, columns: int) -> Pieces:
    notices = state.result.notices if state.result is not None and state.matches else ()
    if state.message:
        return fitted([("bold", f"  {visible(state.message)}")], columns, fill=False)
    if state.problems:
        return fitted([("bold", f"  {visible(state.problems[-1])}")], columns, fill=False)
    if notices and not state.working:
        return fitted([("dim", f"  {visible(notices[0].text)}")], columns, fill=False)
    return fitted([("dim", f"  {_KEYS}")], columns, fill=False)


# --- body ---------------------------------------------------------------------------------------------------


def _body(state: State, scene: Scene, columns: int, rows: int) -> list[Pieces]:
    if not state.matches:
        return [fitted([("", f"  {line}")], columns, fill=False) for line in _instead(state, columns)]
    listed, previewed, beside = _shares(state, columns, rows)
    if not previewed:
        return _list(state, scene, columns, listed)
    if beside:
        left = max(45, columns * 9 // 20)
        list_lines = _list(state, scene, left, rows)
        list_lines += [[("", " " * left)] for _ in range(rows - len(list_lines))]
        preview_lines = _preview(state, columns - left - 2, previewed)
        return [[*line, ("dim", " │"), *code] for line, code in zip(list_lines, preview_lines, strict=False)]
    rule: Pieces = [("dim", "─" * columns)]
    return [*_list(state, scene, columns, listed), rule, *_preview(state, columns, previewed)]


def _shares(state: State, columns: int, rows: int) -> tuple[int, int, bool]:
    """Return how many rows list and preview have, and whether they are side by side."""
    if columns >= _BESIDE_COLUMNS and rows >= 3:
        return rows, rows, True
    if columns < _PREVIEW_COLUMNS or rows < _PREVIEW_ROWS:
        return rows, 0, False
    listed = min(max(4, rows * 2 // 5), max(1, len(state.matches)))
    return listed, rows - listed - 1, False


def _instead(state: State, columns: int) -> Iterator[str]:
    """Yield what is said where nothing is listed."""
    if not state.question.strip():
        yield from _HINT
        return
    if state.result is None or not state.answered:
        return
    texts = [state.result.error] if state.result.error else [notice.text for notice in state.result.notices]
    for text in texts:
        yield from _wrapped(visible(text), columns - 4)


def _wrapped(text: str, room: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and width(line) + 1 + width(word) > room:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _list(state: State, scene: Scene, columns: int, rows: int) -> list[Pieces]:
    count = len(state.matches)
    # The selected match is kept away from the edges, so that one sees what comes next.
    first = max(0, min(state.selected - rows // 2, count - rows))
    shown = state.matches[first : first + rows]
    names = [_name(match) for match in shown]
    room = columns - 2
    named = min(max(map(width, names), default=0), max(10, room * 9 // 20))
    return [
        _row(match, name, named, room, scene, selected=first + number == state.selected)
        for number, (match, name) in enumerate(zip(shown, names, strict=True))
    ]


def _name(match: Match) -> str:
    chunk = match.chunk
    return visible(chunk.qualified_name) or f"({chunk.kind.value})"


def _row(match: Match, name: str, named: int, room: int, scene: Scene, *, selected: bool) -> Pieces:
    name = cut_left(name, named)  # what encloses it says less
    line = str(opening_line(match))
    place = cut_left(_place(match, scene), max(1, room - named - 3 - len(line)))
    reverse = " reverse" if selected else ""
    mark = (f"bold{reverse}", "> ") if selected else ("", "  ")
    pieces = [
        (f"bold{reverse}", name),
        (reverse.strip(), " " * (named - width(name) + 2)),
        (f"fg:ansimagenta{reverse}", place),
        (reverse.strip(), ":"),
        (f"fg:ansigreen{reverse}", line),
    ]
    styled = fitted(pieces, room)
    if selected:
        styled = [(style or "reverse", text) for style, text in styled]
    return [mark, *styled]


def _place(match: Match, scene: Scene) -> str:
    """Return where a match is: relative to the current folder, else beginning with the name of its repository."""
    path = match.chunk.path
    if match.imported or (match.root / path).is_relative_to(scene.cwd):
        return shown_path(None if match.imported else match.root, path, match.repository, scene.cwd)
    return visible(f"{scene.repositories.get(match.root, match.repository)}/{path}")


def _preview(state: State, columns: int, rows: int) -> Sequence[Pieces]:
    match = state.match
    assert match is not None
    lines = code_lines(match)
    begin = max(0, min(first_shown(match, rows) + state.scroll, len(lines) - 1))
    shown: list[Pieces] = [fitted(line, columns, fill=False) for line in lines[begin : begin + rows]]
    return [*shown, *([("", "")] for _ in range(rows - len(shown)))]
