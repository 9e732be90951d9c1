"""Keys and the screen: ties state, layout, searching and indexing together."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.output import ColorDepth, Output, create_output
from prompt_toolkit.styles import Style

from codesearch.errors import InputError
from codesearch.picker.layout import Scene, frame, list_rows
from codesearch.picker.preview import opening_line
from codesearch.picker.searching import SearchThread
from codesearch.picker.state import Result, State
from codesearch.picker.updates import IndexUpdates, JobReport
from codesearch.records import Match
from codesearch.search.candidates import Filters
from codesearch.upkeep.plan import Job

if TYPE_CHECKING:
    from codesearch.encoders import LazyEncoder

__all__ = ["Picker", "Selection", "pick", "terminal"]

_PROMPT: Final = "> "

_SWITCH_SECONDS: Final = 0.001
"""How long one thread keeps the interpreter while another wants it; Python's own 5 ms is a third of a frame."""

_ONE_FRAME_SECONDS: Final = 0.016

_ESCAPE_SECONDS: Final = 0.05
"""How long after an escape character the rest of a key's sequence may come."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A match that was chosen, and the line at which to open it."""

    match: Match
    line: int

    @property
    def path(self) -> Path:
        """Absolute path of the file."""
        return self.match.root / self.match.chunk.path


@contextmanager
def terminal() -> Iterator[tuple[Input, Output]]:
    """Open the terminal for keys and for drawing, whatever stdin and stdout are connected to.

    Raises:
        InputError: There is no terminal.
    """
    with ExitStack() as stack:

        def opened(stream: IO[str], mode: str) -> Any:
            if stream.isatty() or sys.platform == "win32":
                return stream
            try:
                return stack.enter_context(open("/dev/tty", mode, encoding="utf-8"))  # noqa: PTH123
            except OSError:
                raise InputError(
                    "there is no terminal to draw on: ask without -i, or start it from a terminal"
                ) from None

        keys = create_input(opened(sys.stdin, "r"))
        yield keys, create_output(opened(sys.stdout, "w"))


def pick(
    jobs: Sequence[Job],
    filters: Sequence[Filters],
    scene: Scene,
    *,
    question: str,
    limit: int,
    encoder: LazyEncoder | None,
    updates: Callable[[Callable[[JobReport], None]], IndexUpdates] | None,
    colour: bool,
) -> Selection | None:
    """Let the user ask and choose.

    Args:
        jobs: The repositories.
        filters: Which chunks may be found, one for each job.
        scene: How they are called.
        question: What the input line holds at first.
        limit: The most matches of an answer.
        encoder: Loads the encoder; None to search by words only.
        updates: Makes what brings the indexes up to date, given whom to report to; None to leave them as they are.
        colour: Whether colours may be used.

    Returns:
        What was chosen; None if the user left.

    Raises:
        InputError: There is no terminal.
    """
    with terminal() as (keys, screen):
        picker = Picker(jobs, filters, scene, limit=limit, encoder=encoder, updates=updates)
        return picker.run(question, keys, screen, colour=colour)


class Picker:
    """The picker while it runs; arguments as of :func:`pick`."""

    def __init__(
        self,
        jobs: Sequence[Job],
        filters: Sequence[Filters],
        scene: Scene,
        *,
        limit: int,
        encoder: LazyEncoder | None,
        updates: Callable[[Callable[[JobReport], None]], IndexUpdates] | None,
    ) -> None:
        self.state = State()
        self._jobs = jobs
        self._scene = scene
        self._searching = SearchThread(
            jobs, filters, limit=limit, encoder=encoder, deliver=self._from_search, complain=self._from_encoder
        )
        self._updates = None if updates is None else updates(self._from_updates)
        self._app: Application[Selection | None] | None = None

    def run(self, question: str, keys: Input, screen: Output, *, colour: bool) -> Selection | None:
        """Draw, and handle keys until something is chosen or the user leaves."""
        app = self._app = self._application(question, keys, screen, colour=colour)
        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            return app.run(pre_run=self._begin, handle_sigint=False)
        except EOFError:  # the terminal is gone
            return None
        finally:
            sys.setswitchinterval(before)
            self._app = None
            self._searching.close()
            if self._updates is not None:
                self._updates.close()

    def _begin(self) -> None:
        assert self._app is not None
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            assert self._app.loop is not None
            self._app.loop.add_signal_handler(signal.SIGTERM, self._leave)
        self._searching.start()
        if self._updates is not None:
            for job in self._jobs:
                self.state.progress(job.repository.name, "looking for changes...")
            self._updates.start()
        if self._buffer.text:
            self._ask()

    # --- what threads report --------------------------------------------------------------------------------

    def _on_loop(self, use: Callable[[], None]) -> None:
        app = self._app
        if app is not None and app.loop is not None:
            with suppress(RuntimeError):  # it has just ended
                app.loop.call_soon_threadsafe(use)

    def _draw(self) -> None:
        if self._app is not None:
            self._app.invalidate()

    def _from_search(self, result: Result) -> None:
        def take() -> None:
            if self.state.deliver(result):
                if self.state.wanted:
                    self._choose()
                self._draw()

        self._on_loop(take)

    def _from_encoder(self, problem: str) -> None:
        self._on_loop(lambda: self._complain(problem))

    def _from_updates(self, report: JobReport) -> None:
        def take() -> None:
            self.state.progress(self._jobs[report.job].repository.name, report.doing)
            if report.committed:
                self._searching.refresh(report.job)
            if report.problem:
                self._complain(report.problem)
            self._draw()

        self._on_loop(take)

    def _complain(self, problem: str) -> None:
        self.state.problems.append(problem)
        self._draw()

    # --- keys -----------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        question = self._buffer.text
        number = self.state.ask(question)
        if number is not None:
            self._searching.ask(number, question)
            # An answer mostly takes less than a frame. Waiting for it saves drawing twice, and leaves the interpreter
            # to the search; where more keys have been pressed already, theirs is the question that counts.
            if self._app is not None and not self._app.key_processor.input_queue:
                self._searching.wait(_ONE_FRAME_SECONDS)

    def _leave(self) -> None:
        if self._app is not None and not self._app.is_done:
            self._app.exit(result=None)

    def _choose(self) -> None:
        state = self.state
        if state.question.strip() and not state.answered:
            state.wanted = True  # once the answer is there
            return
        match = state.match
        if match is None:
            return
        chosen = Selection(match, opening_line(match))
        if match.imported:
            state.message = "its file is not here: the index was imported"
        elif not chosen.path.is_file():
            state.message = f"{match.chunk.path} is no longer there"
        elif self._app is not None and not self._app.is_done:
            self._app.exit(result=chosen)

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()

        def bind(*keys: str, eager: bool = False) -> Callable[[Callable[[], None]], None]:
            def register(act: Callable[[], None]) -> None:
                for key in keys:
                    bindings.add(key, eager=eager)(lambda _: act())

            return register

        def page() -> int:
            assert self._app is not None
            size = self._app.output.get_size()
            return list_rows(self.state, size.columns, size.rows - 1)

        def scroll(by: int) -> None:
            self.state.scroll += by

        bind("up", "c-p", "s-tab")(lambda: self.state.move(-1))
        bind("down", "c-n", "tab")(lambda: self.state.move(1))
        bind("pageup")(lambda: self.state.move(-page()))
        bind("pagedown")(lambda: self.state.move(page()))
        bind("c-home")(lambda: self.state.move(-len(self.state.matches)))
        bind("c-end")(lambda: self.state.move(len(self.state.matches)))
        bind("s-up")(lambda: scroll(-3))
        bind("s-down")(lambda: scroll(3))
        bind("enter")(self._choose)
        bind("c-c", "c-q", "escape", eager=True)(self._leave)

        @bindings.add("c-z")
        def _(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        @bindings.add("c-d")
        def _(_: KeyPressEvent) -> None:
            if not self._buffer.text:
                self._leave()
            else:
                self._buffer.delete()

        @bindings.add(Keys.BracketedPaste)
        def _(event: KeyPressEvent) -> None:
            # One line: what is pasted is a question, however it was broken into lines.
            self._buffer.insert_text(" ".join(event.data.split()))

        return bindings

    # --- screen ---------------------------------------------------------------------------------------------

    def _application(
        self, question: str, keys: Input, screen: Output, *, colour: bool
    ) -> Application[Selection | None]:
        self._buffer = Buffer(multiline=False, on_text_changed=lambda _: self._ask())
        self._buffer.text = " ".join(question.split())
        self._buffer.cursor_position = len(self._buffer.text)
        prompt = Window(FormattedTextControl([("bold", _PROMPT)]), width=len(_PROMPT), height=1)
        line = Window(BufferControl(self._buffer), height=1, wrap_lines=False)
        rest = Window(
            FormattedTextControl(
                self._lines, focusable=False, show_cursor=False, get_cursor_position=lambda: Point(0, 0)
            ),
            wrap_lines=False,
            always_hide_cursor=True,
        )
        app: Application[Selection | None] = Application(
            Layout(HSplit([VSplit([prompt, line]), rest]), focused_element=line),
            style=Style([]),
            include_default_pygments_style=False,
            key_bindings=self._bindings(),
            full_screen=True,
            color_depth=ColorDepth.DEPTH_4_BIT if colour else ColorDepth.DEPTH_1_BIT,
            input=keys,
            output=screen,
        )
        app.ttimeoutlen = _ESCAPE_SECONDS
        return app

    def _lines(self) -> StyleAndTextTuples:
        assert self._app is not None
        size = self._app.output.get_size()
        fragments: StyleAndTextTuples = []
        for number, line in enumerate(frame(self.state, self._scene, size.columns, size.rows - 1)):
            if number:
                fragments.append(("", "\n"))
            fragments += line
        return fragments
