"""What keeps Git from running what a repository's own configuration names.

A work tree that was unpacked or copied brings its ``.git/config`` with it, and Git runs what stands there: filters of
files (gitattributes(5)), file-system monitors, hooks, pagers, differs, transports, credential helpers (git-config(1)).
``git status`` alone runs the first two. Options on the command line win over every file, so each command is given an
empty value for each such setting; the names of filters, differs and the like are the repository's to choose, so they
are asked for first.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from codesearch.sources.opening import read_regular

__all__ = ["DISARMED", "clean_environment", "disarmed_environment", "find_costly_pattern", "find_special_file"]

# What `git rev-parse --local-env-vars` prints, less the configuration that a person may hand down on purpose
# (GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS), and the switches that change what a pathspec means.
_LOCAL_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_ATTR_SOURCE",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)

_OFFLINE: Final = {
    # No transport has this name. Objects that a partial clone left out are not fetched, by no program whatever.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_SSH_COMMAND": "false",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
}

_RUN_PROGRAMS: Final = frozenset(
    {"GIT_EDITOR", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_SEQUENCE_EDITOR", "GIT_TRACE2_EVENT"}
)
"""Variables that name a program or file, none of which is any use to us."""

_VALUES: Final = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.editor": "false",
    "core.sshCommand": "false",
    "core.askPass": "false",
    "core.gitProxy": "",
    "core.alternateRefsCommand": "false",
    "credential.helper": "",
    "diff.autoRefreshIndex": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "gpg.program": "false",
    "log.showSignature": "false",
    "interactive.diffFilter": "cat",
    "pager.status": "false",
    "submodule.recurse": "false",
    "uploadpack.packObjectsHook": "false",
    # Git LFS is configured for the whole user. Its files count as changed whatever it says of them (`worktree`).
    "filter.lfs.clean": "",
    "filter.lfs.smudge": "",
    "filter.lfs.process": "",
    "filter.lfs.required": "false",
}

DISARMED: Final = tuple(part for name, value in _VALUES.items() for part in ("-c", f"{name}={value}"))
"""Options of every command."""

# Settings with a name of the repository's own in the middle, or with a path of its own: {section: {variable: value}}.
_NAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "filter": {"clean": "", "smudge": "", "process": "", "required": "false"},
    "merge": {"driver": ""},
    "credential": {"helper": ""},
    "remote": {"promisor": "false", "vcs": "", "uploadpack": "false", "receivepack": "false", "proxy": ""},
    "gpg": {"program": "false"},
    "core": {"excludesfile": "", "attributesfile": ""},
}

_TELLING: Final = tuple(b"filter include driver credential promisor vcs gpg sfile pack proxy".split())
"""Words one of which stands in every configuration that names something of these."""

_LARGEST_CONFIGURATION: Final = 1 << 20
_LIST_SECONDS: Final = 10.0
_MOST_ENTRIES: Final = 200_000


def clean_environment(additions: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment for a child, without what binds Git to another repository.

    Nothing is read from it here: it is handed on.
    """
    dropped = _LOCAL_VARIABLES | _RUN_PROGRAMS
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment.update(GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", LC_ALL="C", LANGUAGE="C", GIT_PAGER="cat")
    environment.update(additions or {})
    return environment


def disarmed_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a command in a folder whose configuration may be hostile.

    Args:
        folder: In a work tree, or where there is none.

    Raises:
        TimeoutError: Git cannot read the configuration to its end: a FIFO is part of it, say.
    """
    environment = clean_environment(_OFFLINE)
    # Not as options: a name may hold "=", which would end it there. Git 2.31 and newer read these variables.
    count = environment.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    settings = _settings(folder, _state_of_configuration(folder))
    for number, (name, value) in enumerate(settings, first):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    if settings:
        environment["GIT_CONFIG_COUNT"] = str(first + len(settings))
    return environment


def _configuration_of(folder: Path) -> str:
    """Return where the configuration lies below the top of a work tree, or in a bare repository."""
    return "config" if (folder / "HEAD").is_file() and (folder / "objects").is_dir() else ".git/config"


def _state_of_configuration(folder: Path) -> tuple[int, ...] | None:
    """What changes when the configuration does; None where that is not all there is, or cannot be told."""
    file = folder / _configuration_of(folder)
    try:
        if file.parent.is_symlink() or not file.parent.is_dir() or file.with_name("config.worktree").exists():
            return None
        config = file.lstat()
    except OSError:
        return None
    return (config.st_mtime_ns, config.st_size, config.st_ino) if stat.S_ISREG(config.st_mode) else None


def _settings(folder: Path, state: tuple[int, ...] | None) -> tuple[tuple[str, str], ...]:
    """Return empty values for what the configuration of a folder names."""
    return _read_settings(folder) if state is None else _remembered_settings(folder, state)


@lru_cache(maxsize=256)
def _remembered_settings(folder: Path, _state: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    try:
        text = read_regular(folder, _configuration_of(folder), _LARGEST_CONFIGURATION).lower()
    except OSError:
        return _read_settings(folder)
    # Most configurations name nothing. Git would take as long to say so as for a small `git status`.
    return _read_settings(folder) if any(word in text for word in _TELLING) else ()


def _read_settings(folder: Path) -> tuple[tuple[str, str], ...]:
    found = []
    for name in _names(folder):
        section, _, rest = name.partition(".")
        value = _NAMED.get(section.lower(), {}).get(rest.rpartition(".")[2].lower())
        if value is not None:
            found.append((name, value))
    return tuple(found)


def _names(folder: Path) -> list[str]:
    """Return the names of all settings that the repository itself makes; reading them runs nothing."""
    names: list[str] = []
    for scope in ("--local", "--worktree"):
        try:
            done = subprocess.run(
                ("git", "config", scope, "--includes", "--list", "--name-only", "-z"),
                cwd=folder,
                env=clean_environment(_OFFLINE),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError("it includes a file that cannot be read to its end") from error
        except OSError:
            continue  # the command that follows meets the same trouble, and says so
        names += os.fsdecode(done.stdout).split("\0")[:-1]
    return list(dict.fromkeys(names))


_PATTERN_FILES: Final = frozenset({".gitignore", ".gitattributes"})
_PATTERN_FILES_OF_GIT: Final = frozenset({"attributes", "exclude"})
_MOST_PATTERN_BYTES: Final = 1 << 20
_COSTLY: Final = re.compile(r"(?:\*+[^*\s]+){7}\*")
"""Eight stars with something between: Git tries each place for each of them. No pattern seen in public has so many."""


def find_costly_pattern(folder: Path) -> tuple[Path, str] | None:
    """Find a pattern that Git could match without end: the file that has it, and the pattern.

    Args:
        folder: In a work tree; what lies above it in the tree counts too.
    """
    above = []
    for parent in folder.parents if not (folder / ".git").exists() else ():
        above += [parent / name for name in sorted(_PATTERN_FILES)]
        if (parent / ".git").exists():
            above += [parent / ".git" / "info" / name for name in sorted(_PATTERN_FILES_OF_GIT)]
            break
    for path in (*above, *_pattern_files(folder)):
        try:
            text = read_regular(path.parent, path.name, _MOST_PATTERN_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        for line in text.splitlines():
            if _COSTLY.search(line):
                return path, line.split()[0]
    return None


def _pattern_files(folder: Path) -> Iterator[Path]:
    left = _MOST_ENTRIES
    for current, _, names in os.walk(folder):
        left -= len(names)
        if left < 0:
            return
        wanted = _PATTERN_FILES
        if Path(current).parts[-2:] == (".git", "info"):
            wanted = _PATTERN_FILES_OF_GIT
        yield from (Path(current, name) for name in sorted(wanted.intersection(names)))


def find_special_file(folder: Path) -> Path | None:
    """Find what Git could wait for without end: a FIFO, socket or device below the folder that it may want to read.

    Links are followed for what lies in ``.git``, as Git does. At most some hundred thousand entries are looked at.
    """
    left = _MOST_ENTRIES
    waiting = [folder]
    while waiting and left > 0:
        current = waiting.pop()
        try:
            entries = list(os.scandir(current))
        except OSError:
            continue
        left -= len(entries)
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                    continue
                read_by_git = entry.name.startswith(".git") or ".git" in Path(entry.path).parts[len(folder.parts) :]
                mode = entry.stat(follow_symlinks=read_by_git).st_mode
            except OSError:
                continue
            if read_by_git and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode) and not stat.S_ISDIR(mode):
                return Path(entry.path)
    return None
