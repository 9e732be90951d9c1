"""What Git says of a work tree: the files it tracks or would track, and which are exactly as in its index.

Commands that run side by side, of which ``git status`` takes the longest; the caller looks at the tracked
files while it runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from codesearch.sources.commands import run, start
from codesearch.sources.opening import read_regular

__all__ = ["Index", "Status", "WorkTree"]

_SUBMODULE = "160000"
_SYMLINK = "120000"
_MAX_ATTRIBUTES_BYTES = 1 << 20

# A file under any of these may differ from its blob and still be "not modified" to Git, which compares after
# converting line endings, keywords, encodings, or through a filter such as LFS (gitattributes(5)).
# ":(top)" because Git (2.39, for one) looks up the attributes of "b.py" for "lib/b.py" when it is run in "lib".
_CONVERTED = (":(top)", ":(top,exclude,attr:!text !crlf !eol !ident !filter !working-tree-encoding)")
_GENERATED = (":(top,attr:linguist-generated)", ":(top,attr:linguist-generated=true)")


@dataclass(slots=True)
class Index:
    """What Git's index holds below a folder; paths are relative to the folder."""

    blobs: dict[str, str] = field(default_factory=dict)
    """Files, with their blob id: "" if Git cannot vouch for the work tree's file, because it is in a
    conflict, or marked assume-unchanged or skip-worktree, so that Git does not look at it."""
    symlinks: list[str] = field(default_factory=list)
    submodules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Status:
    """How the work tree differs from the index, and the index from the commit, in paths below the folder."""

    commit: str | None = None
    dirty: bool = False
    changed: set[str] = field(default_factory=set)
    """Tracked files that are not exactly as in the index, or that Git may have converted at checkout."""
    gone: set[str] = field(default_factory=set)
    """Tracked files that are no longer in the work tree."""
    untracked: list[str] = field(default_factory=list)
    """Files that are neither tracked nor ignored."""
    nested: list[str] = field(default_factory=list)
    """Folders that are repositories or linked worktrees of their own, with a trailing slash."""
    generated: set[str] = field(default_factory=set)
    """Tracked files that ``.gitattributes`` marks ``linguist-generated``."""


class WorkTree:
    """Git's view of a folder in a work tree; use as a context manager, `tracked` first and `status` once.

    Raises:
        GitUnavailableError: By every method: Git is missing, or refuses the repository, or cannot read it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._index_paths: Iterable[str] = ()

    def __enter__(self) -> WorkTree:
        try:
            self._status = self._stack.enter_context(
                start(
                    self._folder,
                    "status",
                    *("--porcelain=v2", "-z", "--branch", "--untracked-files=all", "--ignored=no"),
                    *("--no-renames", "--ignore-submodules=all", "--", "."),
                )
            )
            self._index = self._stack.enter_context(start(self._folder, "ls-files", "--stage", "-v", "-z"))
            self._converted = self._stack.enter_context(
                start(self._folder, "ls-files", "--full-name", "-z", "--", *_CONVERTED)
            )
            self._autocrlf = self._stack.enter_context(start(self._folder, "config", "--get", "core.autocrlf"))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def tracked(self) -> Index:
        """Every path of the index below the folder."""
        index = Index()
        # Each record is "H 100644 <blob> 0<TAB>path": tag, mode, blob, stage. The tag is "H" for an ordinary
        # entry, "S" for skip-worktree, lower case for assume-unchanged, "M" for a conflict.
        for record in _paths(self._index.output()):
            head, _, path = record.partition("\t")
            mode = head[2:8]
            if mode == _SUBMODULE:
                index.submodules.append(path)
            elif mode == _SYMLINK:
                index.symlinks.append(path)
            else:
                index.blobs[path] = head[9:-2] if head[0] == "H" and head[-1] == "0" else ""
        self._index_paths = index.blobs.keys()
        return index

    def status(self) -> Status:
        """What differs, and what is there besides the index."""
        status = Status()
        prefix = self._prefix()
        start_of_path = len(prefix)
        for record in self._records():
            kind, _, rest = record.partition(b" ")
            if kind == b"#":
                self._read_header(status, rest)
                continue
            status.dirty = True
            if kind == b"?":
                path = os.fsdecode(rest[start_of_path:])
                (status.nested if path.endswith("/") else status.untracked).append(path)
            elif kind == b"1":  # XY sub mH mI mW hH hI path
                path = os.fsdecode(rest.split(b" ", 7)[7][start_of_path:])
                in_work_tree = rest[1:2]
                if in_work_tree == b"D":
                    status.gone.add(path)
                elif in_work_tree != b".":
                    status.changed.add(path)
            elif kind == b"u":  # XY sub m1 m2 m3 mW h1 h2 h3 path
                status.changed.add(os.fsdecode(rest.split(b" ", 9)[9][start_of_path:]))
        if self._autocrlf.output(accept=(0, 1)).strip().lower() not in (b"", b"false", b"0", b"no", b"off"):
            status.changed.update(self._index_paths)
        status.changed.update(_paths(self._converted.output(), prefix))
        if prefix or self._marks_generated():
            marked = run(self._folder, "ls-files", "--full-name", "-z", "--", *_GENERATED)[1]
            status.generated.update(_paths(marked, prefix))
        return status

    def _records(self) -> list[bytes]:
        return self._status.output().split(b"\0")[:-1]

    @staticmethod
    def _read_header(status: Status, header: bytes) -> None:
        name, _, value = header.partition(b" ")
        if name == b"branch.oid" and value != b"(initial)":
            status.commit = value.decode()

    def _prefix(self) -> bytes:
        """The folder's path in the work tree, with a trailing slash: how ``git status`` begins every path."""
        if (self._folder / ".git").exists():
            return b""
        return run(self._folder, "rev-parse", "--show-prefix")[1].removesuffix(b"\n")

    def _marks_generated(self) -> bool:
        """Whether a ``.gitattributes`` file says ``linguist-generated``: asking Git about every file costs more."""
        for path in self._index_paths:
            if path.endswith(".gitattributes"):
                with suppress(OSError):
                    if b"linguist-generated" in read_regular(self._folder, path, _MAX_ATTRIBUTES_BYTES):
                        return True
        return False


def _paths(printed: bytes, prefix: bytes = b"") -> list[str]:
    """The paths below `prefix` among those that Git printed, relative to it."""
    start_of_path = len(os.fsdecode(prefix))
    paths = os.fsdecode(printed).split("\0")[:-1]
    return [path[start_of_path:] for path in paths if path.startswith(os.fsdecode(prefix))] if prefix else paths
