"""Matches as text: for a terminal, for a pipe, as Markdown, and as JSON.

The JSON of a match, one object a line, is a public interface; ``docs/guide/json.md`` describes it.

Neither source code nor file names are trusted: whatever a terminal would obey instead of show, escape
sequences above all, is replaced before it is printed.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from codesearch.records import Chunk, Confidence, Level, Match

__all__ = [
    "Style",
    "confidence_object",
    "json_line",
    "match_json",
    "match_markdown",
    "match_object",
    "match_text",
    "safe_line",
    "shown_path",
    "visible",
]

_LINES_SHOWN: Final = 4
"""Lines of source for one match: its signature, what it says of itself, and two that hold what was asked."""

_LONGEST_LINE: Final = 200

_BOLD, _DIM, _PATH, _LINE = "1", "2", "35", "32"
_LEVELS: Final = {Level.SURE: "32", Level.LIKELY: "33", Level.GUESS: "2"}

# C0 and C1 control characters, and those that reorder or hide text (Boucher and Anderson, "Trojan Source",
# 2021): what is shown must be what is there.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return a name or a message as one line that a terminal shows as it is: ``"a\nb"`` becomes ``a\\nb``."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _printable(path: str) -> str:
    """Return a path without the surrogates that stand for bytes which are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


# --- JSON ---------------------------------------------------------------------------------------------------


def match_object(match: Match, *, text: bool = True) -> dict[str, Any]:
    """Return a match as the object that ``--json`` prints, ready for ``json.dumps``.

    Args:
        match: What was found.
        text: Whether the source text is included.
    """
    chunk = match.chunk
    return {
        "repository": match.repository,
        "root": None if match.imported else _printable(str(match.root)),
        "path": _printable(chunk.path),
        "start_line": chunk.span.start,
        "end_line": chunk.span.end,
        "language": chunk.language,
        "kind": chunk.kind.value,
        "name": chunk.name,
        "qualified_name": chunk.qualified_name,
        "signature": chunk.signature,
        "documentation": chunk.documentation,
        "score": round(match.score, 4),
        **({"confidence": confidence_object(match.confidence)} if match.confidence else {}),
        "signals": {name: round(value, 4) for name, value in match.signals.items()},
        "lines": sorted(match.lines),
        **({"text": chunk.text} if text else {}),
    }


def confidence_object(confidence: Confidence) -> dict[str, Any]:
    """Return how far a match is to be believed, as the object in JSON."""
    return {"level": confidence.level.value, "probability": confidence.probability}


def match_json(match: Match) -> str:
    """Return a match as one line of JSON."""
    return json_line(match_object(match))


def json_line(value: object) -> str:
    """Return a value as one line of JSON that does no harm to a terminal."""
    # What `visible` would replace is escaped, as JSON allows for any character: an object stays one line for
    # every reader, also for those that take U+2028 for a line end, and does no harm to a terminal.
    plain = json.dumps(value, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


# --- text ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Style:
    """How matches are shown.

    Attributes:
        cwd: Paths are shown relative to this folder where that needs no "..".
        context: Lines shown before and after each line that matters.
        colour: Whether to use ANSI colours and highlight syntax.
        score: Whether to show the score and what it is made of, on one line.
        repositories: What to call each repository, by its root; a match of another does not name its own.
        explain: Whether to show what each signal contributed to the score, on a line of its own, and what it says.
        width: Longer lines are cut.
    """

    cwd: Path
    context: int = 0
    colour: bool = False
    score: bool = False
    explain: bool = False
    width: int = _LONGEST_LINE
    repositories: Mapping[Path, str] = field(default_factory=dict)

    def paint(self, code: str, text: str) -> str:
        """Return text in a colour, or as it is where there are none."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text


def match_text(match: Match, style: Style) -> str:
    """Return a match as a person reads it: where it is, what it is, and the lines that matter.

    The first line begins with ``path:line``, which terminals and editors make clickable.
    """
    source = _Source.of(match.chunk)
    first = match.line
    heading = _heading(match, first, style)
    shown = _context_lines(match, source, first, style) if style.context else _telling_lines(match, source, first)
    digits = len(str(max((number for number in shown if number), default=0)))
    room = max(20, style.width - digits - 4)
    texts = _join_signature(source, shown) if not style.context else {}
    body = [
        f"  {style.paint(_DIM, f'{number:>{digits}}')}  {text}".rstrip() if number else f"  {style.paint(_DIM, '⋮')}"
        for number, text in zip(shown, _source_lines(match.chunk, source, shown, texts, room, style), strict=True)
    ]
    reasons = _reasons(match, style) if style.explain else []
    return "\n".join([heading, *reasons, *body])


def _reasons(match: Match, style: Style) -> list[str]:
    """Return what each signal contributed, the most first; the total is that of the numbers as they are shown."""
    from codesearch.search.ranking import DESCRIPTIONS

    shown = {name: round(value, 3) for name, value in match.signals.items()}
    width = max((len(name) for name in shown), default=0)
    lines = []
    for name, value in sorted(shown.items(), key=lambda item: -abs(item[1])):
        head = f"    {value:+.3f}  {name:<{width}}  "
        if value:
            room = max(20, style.width - len(head))
            first, *more = textwrap.wrap(DESCRIPTIONS.get(name, ""), room, break_on_hyphens=False) or [""]
            lines += [(head + first).rstrip(), *(" " * len(head) + line for line in more)]
    return [style.paint(_DIM, line) for line in [*lines, f"    {sum(shown.values()):+.3f}  in all"]]


def _heading(match: Match, first: int, style: Style) -> str:
    chunk = match.chunk
    path, name = _shown_path(match, style.cwd), visible(chunk.qualified_name)
    what = chunk.kind.value + (f", part {chunk.part + 1}" if chunk.part else "")
    called = style.repositories.get(match.root)
    code, level = _shown_level(match, style)
    said = [(_BOLD, name), (_DIM, what), (code, level), (_DIM, visible(f"in {called}") if called else "")]
    if level and len(f"{path}:{first}") + sum(2 + len(text) for _, text in said if text) > style.width:
        del said[1]  # the signature says it as well
    words = [f"{style.paint(_PATH, path)}:{style.paint(_LINE, str(first))}", *(style.paint(*word) for word in said)]
    if style.score:
        signals = ", ".join(f"{name} {value:.2f}" for name, value in match.signals.items())
        words.append(style.paint(_DIM, f"{match.score:.3f}" + (f" = {signals}" if signals else "")))
    return "  ".join(word for word in words if word)


def _shown_level(match: Match, style: Style) -> tuple[str, str]:
    """Return colour and word for how far a match is to be believed; with scores also how probable it is."""
    confidence = match.confidence
    if confidence is None:
        return "", ""
    exact = f" {confidence.probability:.0%}" if style.score or style.explain else ""
    return _LEVELS[confidence.level], f"{confidence.level.value}{exact}"


def _shown_path(match: Match, cwd: Path) -> str:
    return shown_path(None if match.imported else match.root, match.chunk.path, match.repository, cwd)


def shown_path(root: Path | None, path: str, repository: str, cwd: Path) -> str:
    """Return the path of a file as it is shown: relative to `cwd` where that needs no "..".

    Args:
        root: Of the repository; None where its files are not here, and its name stands before the path.
        path: Relative to it.
        repository: Its name.
        cwd: The current folder.
    """
    if root is None:
        return visible(f"{repository}:{_printable(path)}")
    whole = root / path
    if whole.is_relative_to(cwd):
        whole = whole.relative_to(cwd)
    return visible(_printable(str(whole)))


@dataclass(frozen=True, slots=True)
class _Source:
    """The lines of a chunk by number, safe to show; and which of them the signature takes."""

    lines: dict[int, str]
    signature: tuple[int, ...]

    @classmethod
    def of(cls, chunk: Chunk) -> _Source:
        lines = {number: safe_line(line) for number, line in chunk.numbered_lines().items()}
        return cls(lines, chunk.signature_lines())


def safe_line(line: str) -> str:
    """Return a line of source with tabs expanded, and a mark for each character that must not be obeyed."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", line.rstrip().expandtabs(4))


def _telling_lines(match: Match, source: _Source, first: int) -> list[int]:
    """Return the lines to show, in order: signature, first line of the documentation, what matters most."""
    documented = _documentation_line(match.chunk, source)
    wanted = [first, *([documented] if documented else []), *match.lines]
    if not match.lines:  # found by meaning alone: show how it begins
        wanted += [number for number in source.lines if number > first]
    continued = set(source.signature[1:])
    useful = (n for n in wanted if n not in continued and _says_something(source.lines.get(n, "")))
    return sorted(list(dict.fromkeys(useful))[:_LINES_SHOWN])


def _says_something(line: str) -> bool:
    return any(character.isalnum() for character in line)


def _documentation_line(chunk: Chunk, source: _Source) -> int:
    """Return the number of the line on which the documentation begins, 0 if there is none."""
    sentence = safe_line(next((line for line in chunk.documentation.split("\n") if line.strip()), "")).strip()
    if not sentence:
        return 0
    return next((number for number, line in source.lines.items() if sentence in line), 0)


def _context_lines(match: Match, source: _Source, first: int, style: Style) -> list[int]:
    """Return the lines around those that matter; a 0 stands for lines left out."""
    wanted = _telling_lines(match, source, first)
    shown = {n for line in wanted for n in range(line - style.context, line + style.context + 1)} & source.lines.keys()
    ordered: list[int] = []
    for number in sorted(shown):
        if ordered and number > ordered[-1] + 1:
            ordered.append(0)
        ordered.append(number)
    return ordered


def _join_signature(source: _Source, shown: Sequence[int]) -> dict[int, str]:
    """Return a signature that is written on several lines as one, by the number of its first."""
    if len(source.signature) < 2 or source.signature[0] not in shown:
        return {}
    first, *rest = (source.lines[number] for number in source.signature)
    joined = first
    for part in (line.strip() for line in rest):
        tight = joined.endswith(("(", "[", "{", "<")) or part.startswith((")", "]", "}", ">"))
        joined = (joined.rstrip(",") if part.startswith((")", "]")) else joined) + ("" if tight else " ") + part
    return {source.signature[0]: joined}


def _source_lines(
    chunk: Chunk, source: _Source, shown: Sequence[int], texts: dict[int, str], room: int, style: Style
) -> Iterator[str]:
    """Yield the lines to show, without the indentation that they have in common, cut and coloured."""
    lines = [texts.get(number, source.lines.get(number, "")) for number in shown]
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    margin = min(indents, default=0)
    if not style.colour:
        for line in lines:
            yield line[margin:] if len(line) - margin <= room else line[margin : margin + room - 1] + "…"
        return
    # Imported late: only a terminal needs it.
    from codesearch.present.highlighting import cut_pieces, highlight_lines

    numbers = list(source.lines)
    # A joined signature takes the place of its first line; its other lines must not be seen twice.
    hidden = set(source.signature[1:]) if texts else set()
    whole = [n for n in numbers if n not in hidden]
    coloured = highlight_lines([texts.get(n, source.lines[n]) for n in whole], chunk.language)
    pieces = dict(zip(whole, coloured, strict=True))
    for number in shown:
        rest = _without_margin(pieces.get(number, []), margin)
        yield "".join(style.paint(code, text) for code, text in cut_pieces(rest, room))


def _without_margin(pieces: list[tuple[str, str]], margin: int) -> list[tuple[str, str]]:
    result = []
    for code, text in pieces:
        dropped = min(margin, len(text))
        margin -= dropped
        if text[dropped:]:
            result.append((code, text[dropped:]))
    return result


# --- Markdown -----------------------------------------------------------------------------------------------


def match_markdown(match: Match, *, cwd: Path) -> str:
    """Return a match as Markdown, to be pasted into an issue or handed to an agent: place, name, all its code."""
    chunk = match.chunk
    place = f"{_shown_path(match, cwd)}:{chunk.span.start}-{chunk.span.end}"
    name = f" {_code(visible(chunk.qualified_name))}" if chunk.qualified_name else ""
    text = "\n".join(_with_gaps(chunk))
    fence = "`" * max(3, 1 + _longest_run_of_backticks(text))
    return f"### {_code(place)}{name}\n\n{fence}{chunk.language}\n{text}\n{fence}"


def _with_gaps(chunk: Chunk) -> Iterator[str]:
    """Yield the lines of a chunk, and "…" where it leaves lines out."""
    previous = 0
    numbers = (n for span in chunk.text_spans for n in range(span.start, span.end + 1))
    for number, line in zip(numbers, chunk.text.split("\n"), strict=False):
        if previous and number > previous + 1:
            yield line[: len(line) - len(line.lstrip())] + "…"
        yield "\t".join(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", part) for part in line.rstrip().split("\t"))
        previous = number


def _longest_run_of_backticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _code(text: str) -> str:
    """Return text as inline code, whatever backticks it holds."""
    ticks = "`" * (1 + _longest_run_of_backticks(text)) if "`" in text else "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"
