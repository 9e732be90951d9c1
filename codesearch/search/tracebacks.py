"""Frames of tracebacks, as the languages print them, and other lines that say where in a file something happened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from codesearch.search.asked_places import read_lines_asked

__all__ = ["Frame", "is_frame", "read_tracebacks"]

_LONGEST_LINE: Final = 500
_GAP: Final = 3
"""So many lines may stand between two frames: the line of code that each shows, and marks below it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A call, as a traceback prints it.

    Attributes:
        path: Of the file, as it is written, with "/"; for Java that of the class below its package.
        line: 1-based.
        function: What was running, as it is written; "" where that is not said.
    """

    path: str
    line: int
    function: str = ""


_PYTHON: Final = re.compile(r'^[\s|]*File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>\S+))?')
_PYTEST: Final = re.compile(r"^(?P<path>[^\s:]+\.py):(?P<line>\d+): (?:in (?P<function>\S+)|[A-Z]\w+$)")
_INNERMOST_LAST: Final = (_PYTHON, _PYTEST)

_JVM: Final = re.compile(r"^\s*at (?:[\w.@$-]+/{1,2})?(?P<function>[\w.$<>-]+)\((?P<path>[\w$-]+\.\w+):(?P<line>\d+)\)")
_INNERMOST_FIRST: Final = (
    # C#:  at Net.Client.Send(String text) in /src/Client.cs:line 12
    re.compile(r"^\s*at (?P<function>[^\s(]+)\s?\(.*\) in (?P<path>.+):line (?P<line>\d+)"),
    # JavaScript:  at Client.send (/src/client.js:12:5)
    re.compile(
        r"^\s*at (?:async )?(?:new )?(?P<function>[^\s()]+)(?: \[as \w+\])? "
        r"\((?P<path>[^\s()]+?):(?P<line>\d+)(?::\d+)?\)"
    ),
    # JavaScript, Rust:  at ./src/client.rs:12:5
    re.compile(r"^\s*at (?:async )?(?P<path>[^\s()]+?\.\w+):(?P<line>\d+)(?::\d+)?\s*$"),
    # Firefox, Safari:  send@http://localhost/client.js:12:5
    re.compile(r"^\s*(?P<function>[\w$.]*)@(?P<path>\S+?):(?P<line>\d+):\d+$"),
    # Ruby:  from lib/client.rb:12:in `block in send'
    re.compile(
        r"^\s*(?:\d+: )?(?:from )?(?P<path>[^\s:]+):(?P<line>\d+):in [`'](?:(?:block|rescue|ensure)[^']*? in )*"
        r"(?P<function>[^'\s]+)'"
    ),
    # Elixir:  (net 1.0.0) lib/client.ex:12: Client.send/2
    re.compile(
        r"^\s*(?:\([\w.]+ [\w.-]+\) )?(?P<path>[^\s():]+\.(?:exs?|erl)):(?P<line>\d+): (?P<function>[\w.!?@:]+)/\d"
    ),
    # Lua:  client.lua:12: in function 'send'
    re.compile(
        r"^\s*(?P<path>[^\s:]+\.lua):(?P<line>\d+): in (?:(?:upvalue|local|field|method|function|global) )*"
        r"['<`]?(?P<function>[\w.:]+)"
    ),
    # Zig:  src/client.zig:12:5: 0x1038d in send (main)
    re.compile(r"^\s*(?P<path>[^\s:]+\.zig):(?P<line>\d+):\d+: 0x\w+ in (?P<function>\w+)"),
    # Dart:  #0      Client.send (package:net/client.dart:12:3)
    re.compile(r"^\s*#\d+\s+(?P<function>\S+) \((?:package:)?(?P<path>[^\s()]+?):(?P<line>\d+)(?::\d+)?\)"),
    # GDB, sanitizers, Swift:  #1 0x42 in send client.c:12   #1 0x42 in send (fd=3) at client.c:12
    re.compile(
        r"^\s*#?\d+:?\s+(?:0x[0-9a-f]+ (?:in )?)?(?P<function>[\w:~$.]+)[^\n]*?(?:\s|\bat )"
        r"(?P<path>[^\s():]+):(?P<line>\d+)(?::\d+)?\s*$"
    ),
    # OCaml:  Called from Client.send in file "client.ml", line 12
    re.compile(
        r"^\s*(?:Raised at|Re-raised at|Called from|Raised by primitive operation at)"
        r'(?: (?P<function>[\w.]+) in)? file "(?P<path>[^"]+)"(?: \(inlined\))?, lines? (?P<line>\d+)'
    ),
    # Julia:  [1] send(text::String) @ Net ~/src/client.jl:12
    re.compile(r"^\s*\[\d+\] (?P<function>[\w!.]+)\(.*\)\s*@?.*?(?P<path>[^\s:@]+\.jl):(?P<line>\d+)"),
    # Crystal, Nim:  from src/client.cr:12:3 in 'send'    client.nim(12) send
    re.compile(r"^\s*from (?P<path>[^\s:]+):(?P<line>\d+):\d+ in '(?P<function>[^'\s]+)'"),
    re.compile(r"^\s*(?P<path>[^\s:()]+\.nim)\((?P<line>\d+)(?:, \d+)?\)\s+(?P<function>\w+)"),
)
_GO_LINE: Final = re.compile(r"^\s+(?P<path>\S+\.(?:go|rs)):(?P<line>\d+)(?: \+0x[0-9a-f]+)?\s*$")
_RUST_LINE: Final = re.compile(r"^\s+at (?P<path>\S+\.rs):(?P<line>\d+)")
_GO_FUNCTION: Final = re.compile(r"^(?:created by )?(?P<function>[\w./*()-]+?)(?:\([^()]*\)| in goroutine \d+)?$")
_RUST_FUNCTION: Final = re.compile(r"^\s*\d+:\s+(?:0x[0-9a-f]+ - )?(?P<function>[\w:<> $]+)$")
_RECENT_LAST: Final = re.compile(r"most recent call last", re.IGNORECASE)


def read_tracebacks(text: str) -> Iterator[Sequence[Frame]]:
    """Yield the frames of each traceback in a text, innermost first; a line that names one place is one, too."""
    group: list[Frame] = []
    last_is_innermost, recent_last, last, before = False, False, 0, ""
    for number, line in enumerate(text.split("\n")):
        line = line[:_LONGEST_LINE].rstrip("\r")
        begins_anew = _RECENT_LAST.search(line) is not None or line.lstrip().startswith("Caused by:")
        found = list(_frames_of(line, before))
        if group and (begins_anew or (found and number - last > _GAP) or (found and found[0][1] != last_is_innermost)):
            yield group[::-1] if last_is_innermost or recent_last else group
            group = []
        if begins_anew:
            recent_last = _RECENT_LAST.search(line) is not None
        for frame, innermost_last in found:
            if not group:
                last_is_innermost = innermost_last
                recent_last = recent_last and not innermost_last
            group.append(frame)
            last = number
        before = line if line.strip() else before
        if group and number - last > _GAP:
            yield group[::-1] if last_is_innermost or recent_last else group
            group, recent_last = [], False
    if group:
        yield group[::-1] if last_is_innermost or recent_last else group


def is_frame(line: str) -> bool:
    """Whether a line is one of a traceback, by the form that a language gives it."""
    line = line[:_LONGEST_LINE].rstrip("\r")
    forms = (*_INNERMOST_LAST, _JVM, _GO_LINE, _RUST_LINE, *_INNERMOST_FIRST)
    return any(form.match(line) for form in forms) or re.match(r"\s*(?:\.{3} \d+ more|Caused by: )", line) is not None


def _frames_of(line: str, before: str) -> Iterator[tuple[Frame, bool]]:
    """Yield the frame of a line, and whether the innermost frame is the last where frames are printed so.

    Args:
        line: Of the text.
        before: The line before it, which names the function in Go and Rust.
    """
    for form in _INNERMOST_LAST:
        if found := form.match(line):
            yield _frame(found), True
            return
    if found := _JVM.match(line):
        yield Frame(_below_package(found["function"], found["path"]), int(found["line"][:9]), found["function"]), False
        return
    for place, function in ((_GO_LINE, _GO_FUNCTION), (_RUST_LINE, _RUST_FUNCTION)):
        if (found := place.match(line)) and (named := function.match(before)):
            yield Frame(found["path"], int(found["line"][:9]), named["function"]), False
            return
    for form in _INNERMOST_FIRST:
        if found := form.match(line):
            yield _frame(found), False
            return
    for path, number in dict.fromkeys((path.rsplit(maxsplit=1)[-1], line) for path, line in read_lines_asked(line)):
        yield Frame(path, number), False


def _frame(found: re.Match[str]) -> Frame:
    path = found["path"].strip().removeprefix("file://").replace("\\", "/")
    function = found.groupdict().get("function") or ""
    return Frame(path, int(found["line"][:9]), "" if function.startswith("<") else function)


def _below_package(function: str, file: str) -> str:
    """Return the path of a file of the JVM: ``com.net.Client.send`` in ``Client.java`` is in ``com/net``."""
    package = [part for part in function.split(".")[:-2] if part and part[0].islower()]
    return "/".join([*package, file])
