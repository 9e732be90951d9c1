"""From an editor, a file and a line to a command line. Each editor has its own way to say "at this line"."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePath
from typing import Final

from codesearch.errors import InputError

__all__ = ["editor_command"]

_GOTO: Final = frozenset(
    {"code", "code-insiders", "codium", "code-oss", "cursor", "positron", "vscodium", "windsurf", "code-server"}
)
"""Visual Studio Code and what was made of it: ``--goto FILE:LINE``."""

_COLON: Final = frozenset({"hx", "helix", "subl", "sublime_text", "zed", "zeditor", "lapce"})
"""``FILE:LINE``."""

_LINE_OPTION: Final = frozenset(
    {
        *("idea", "idea64", "clion", "goland", "phpstorm", "pycharm", "rider", "rubymine", "rustrover", "webstorm"),
        *("android-studio", "studio", "kate", "kwrite", "mate"),
    }
)
"""JetBrains, KDE and TextMate: ``--line LINE FILE``."""

# All others, vi, Vim, Neovim, nano, Emacs, emacsclient, Kakoune, micro, gedit, joe and ne among them: `+LINE FILE`.


def editor_command(editor: str, path: Path, line: int) -> list[str]:
    """Return the command that opens a file at a line.

    Args:
        editor: As in ``$EDITOR``: a program, perhaps with arguments, in the shell's syntax.
        path: Absolute, so that it never looks like an option.
        line: From 1.

    Raises:
        InputError: The editor's quotes do not match.
    """
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise InputError(f"the editor {editor!r} is no command ({error}): set VISUAL or EDITOR to one") from error
    if not words:
        raise InputError("the editor is empty: set VISUAL or EDITOR to a command")
    name = PurePath(words[0].replace("\\", "/")).name.lower().removesuffix(".exe").removesuffix(".sh")
    name = name.removesuffix(".cmd")
    if name in _GOTO:
        return [*words, "--goto", f"{path}:{line}"]
    if name in _COLON:
        return [*words, f"{path}:{line}"]
    if name in _LINE_OPTION:
        return [*words, "--line", str(line), str(path)]
    return [*words, f"+{line}", str(path)]
