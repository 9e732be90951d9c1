"""Records ``codesearch ask -i`` while a question is typed, as an animated picture: ``docs/images/ask.svg``.

    python docs/images/record.py REPOSITORY "retry a task with exponential backoff"

The picker runs in a process of its own on a pseudo-terminal, whose screen a terminal emulator (pyte, of the ``eval``
extra) keeps. After each key the script waits until the screen is still, and keeps it. So the pictures are those that
a user sees; the time between them is that of typing and no measurement. Index the repository first.
"""

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

import pyte

PICTURE = Path(__file__).with_name("ask.svg")
COLUMNS, ROWS = 90, 24
CELL_WIDTH, CELL_HEIGHT, MARGIN, BAR = 8.4, 18, 14, 30
START, KEY, END = 1.2, 0.11, 6.0
"""Seconds that the first picture, one after a key, and the last one are shown."""

STILL = 0.7
"""Seconds without output after which a screen counts as finished."""

BACKGROUND, FOREGROUND = "#16191f", "#d5dae2"
COLOURS = {
    "black": "#3b4252",
    "red": "#e5707a",
    "green": "#9fca7d",
    "brown": "#e3c078",
    "blue": "#74b2ef",
    "magenta": "#cb8ee0",
    "cyan": "#62c1c9",
    "white": "#d5dae2",
    "brightblack": "#78839a",
    "brightred": "#f08d96",
    "brightgreen": "#b4dc95",
    "brightbrown": "#f0d394",
    "brightblue": "#92c5f7",
    "brightmagenta": "#daa8ea",
    "brightcyan": "#82d5dc",
    "brightwhite": "#ffffff",
}

Style = tuple[str, str, bool]
Row = tuple[tuple[str, Style], ...]


def screens(repository: Path, question: str) -> Iterator[tuple[Row, ...]]:
    """Type a question into the picker, and yield the screen before the first key and after each."""
    import fcntl
    import pty
    import struct
    import termios

    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "codesearch", "ask", "-i", "--no-refresh", str(repository)],
        cwd=repository,
        env={**os.environ, "TERM": "xterm-256color"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    try:
        read_until_still(terminal, stream, patience=60, first=True)
        yield rows_of(screen)
        for key in question:
            os.write(terminal, key.encode())
            read_until_still(terminal, stream, patience=10)
            yield rows_of(screen)
    finally:
        process.terminate()
        process.wait()
        os.close(terminal)


def read_until_still(terminal: int, stream: pyte.ByteStream, *, patience: float, first: bool = False) -> None:
    """Feed what the picker writes to the emulator, until nothing has come for a while."""
    end = time.monotonic() + patience
    waiting = first
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], patience if waiting else STILL)
        if not ready:
            return
        stream.feed(os.read(terminal, 1 << 16))
        waiting = False


def rows_of(screen: pyte.Screen) -> tuple[Row, ...]:
    """Return the rows of a screen, each as runs of text of one style; the cursor is a cell in reverse."""

    def style(x: int, y: int) -> Style:
        cell = screen.buffer[y][x]
        fore = COLOURS.get(cell.fg, f"#{cell.fg}" if cell.fg != "default" else FOREGROUND)
        back = COLOURS.get(cell.bg, f"#{cell.bg}" if cell.bg != "default" else "")
        under_cursor = not screen.cursor.hidden and (x, y) == (screen.cursor.x, screen.cursor.y)
        if cell.reverse != under_cursor:
            fore, back = back or BACKGROUND, fore
        return fore, back, cell.bold

    def row(y: int) -> Row:
        cells = [(screen.buffer[y][x].data or " ", style(x, y)) for x in range(screen.columns)]
        return tuple(("".join(text for text, _ in run), look) for look, run in groupby(cells, key=lambda cell: cell[1]))

    return tuple(row(y) for y in range(screen.lines))


def drawn(row: Row) -> str:
    """Return the SVG of a row, whose top left corner is at the origin; empty for blanks."""
    parts, column = [], 0
    for text, (fore, back, bold) in row:
        if back:
            parts.append(
                f'<rect x="{column * CELL_WIDTH:.1f}" width="{len(text) * CELL_WIDTH:.1f}" '
                f'height="{CELL_HEIGHT}" fill="{back}"/>'
            )
        start = len(text) - len(text.lstrip())
        shown = text.strip()
        if shown:
            weight = ' font-weight="bold"' if bold else ""
            parts.append(
                f'<text x="{(column + start) * CELL_WIDTH:.1f}" y="{CELL_HEIGHT - 5}" '
                f'textLength="{len(shown) * CELL_WIDTH:.1f}" fill="{fore}"{weight}>{escape(shown)}</text>'
            )
        column += len(text)
    return "".join(parts)


def picture(frames: list[tuple[Row, ...]], title: str) -> str:
    """Return an SVG that shows one frame after another; where nothing moves it shows the last."""
    width = COLUMNS * CELL_WIDTH + 2 * MARGIN
    height = ROWS * CELL_HEIGHT + 2 * MARGIN + BAR
    seconds = [START, *[KEY] * (len(frames) - 2), END]
    total = sum(seconds)
    known: dict[Row, str] = {}
    strip = []
    for number, frame in enumerate(frames):
        uses = []
        for y, row in enumerate(frame):
            if drawn(row):
                name = known.setdefault(row, f"r{len(known)}")
                uses.append(f'<use href="#{name}" y="{y * CELL_HEIGHT}"/>')
        strip.append(f'<g transform="translate({number * width:.0f} 0)">{"".join(uses)}</g>')
    stops, gone = [], 0.0
    for number, length in enumerate(seconds):
        stops.append(f"{100 * gone / total:.2f}%{{transform:translateX(-{number * width:.0f}px)}}")
        gone += length
    definitions = "".join(f'<g id="{name}">{drawn(row)}</g>' for row, name in known.items())
    lights = "".join(
        f'<circle cx="{18 + 18 * n}" cy="16" r="5.5" fill="{colour}"/>'
        for n, colour in enumerate(("#e5707a", "#e3c078", "#9fca7d"))
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" \
height="{height}" role="img" xml:space="preserve"><title>{escape(title)}</title>
<style>
text {{ font: 13.5px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }}
.strip {{ animation: strip {total:.2f}s step-end infinite }}
@keyframes strip {{ {"".join(stops)} }}
@media (prefers-reduced-motion: reduce) {{ .strip {{ animation: none }} }}
</style>
<defs>{definitions}</defs>
<rect width="{width:.0f}" height="{height}" rx="8" fill="{BACKGROUND}"/>{lights}
<text x="{width / 2:.0f}" y="21" text-anchor="middle" fill="#78839a">{escape(title)}</text>
<svg x="{MARGIN}" y="{BAR + MARGIN - 8}" width="{COLUMNS * CELL_WIDTH:.0f}" height="{ROWS * CELL_HEIGHT}">\
<g class="strip" transform="translate(-{(len(frames) - 1) * width:.0f} 0)">{"".join(strip)}</g></svg>
</svg>
"""


def main() -> None:
    """Parse the command line, record, and write the picture."""
    parser = argparse.ArgumentParser(description="Record codesearch ask -i as docs/images/ask.svg.")
    parser.add_argument("repository", type=Path)
    parser.add_argument("question")
    arguments = parser.parse_args()
    frames = list(screens(arguments.repository.resolve(), arguments.question))
    PICTURE.write_text(picture(frames, "codesearch ask -i"), encoding="utf-8")
    sys.stdout.write(f"wrote {len(frames)} screens to {PICTURE}\n")


if __name__ == "__main__":
    main()
