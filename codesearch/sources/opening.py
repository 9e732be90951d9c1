"""Reading a file of a repository without leaving the repository, following a link, or blocking.

What was listed may have been replaced since: by a link to ``/etc/passwd``, by a FIFO that blocks whoever
opens it, by a device. So every folder on the way is opened by its descriptor and no link is followed
anywhere below the root, and the kind of file is asked of the descriptor that is then read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["NotRegularError", "OutsideError", "TooLargeError", "read_regular"]

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# O_NONBLOCK lets the open of a FIFO return at once; it means nothing to a regular file.
_FILE = (
    os.O_RDONLY
    | _NO_FOLLOW
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class NotRegularError(OSError):
    """The path names a folder, FIFO, socket or device."""


class OutsideError(OSError):
    """The path leads out of the root, or through a symbolic link."""


class TooLargeError(OSError):
    """The file holds more bytes than the caller wants to read."""


def read_regular(root: Path, path: str, limit: int) -> bytes:
    """Reads a regular file below `root`.

    Args:
        root: Resolved folder; links in the path *to* it have been followed already.
        path: POSIX path relative to it.
        limit: The most bytes to read.

    Raises:
        OutsideError: The path has an empty, "." or ".." part, or a part of it is a symbolic link.
        NotRegularError: It is no regular file.
        TooLargeError: It is larger than `limit`.
        OSError: It cannot be opened or read, or it does not exist.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in path:
        raise OutsideError(f"{path!r} is not a plain relative path")
    try:
        descriptor = _open_below(root, parts)
    except OSError as error:
        # O_NOFOLLOW on a link gives ELOOP; EMLINK on FreeBSD; with O_DIRECTORY also ENOTDIR.
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR):
            raise OutsideError(error.errno, "a part of the path is a symbolic link or no folder") from error
        if error.errno in (errno.ENXIO, errno.EOPNOTSUPP):  # a socket, or a device without a driver
            raise NotRegularError(error.errno, "not a regular file") from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegularError("not a regular file")
        if status.st_size > limit:
            raise TooLargeError(f"{status.st_size:,} bytes")
        data = _read_at_most(descriptor, limit + 1, status.st_size)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise TooLargeError(f"more than {limit:,} bytes")
    return data


def _open_below(root: Path, parts: list[str]) -> int:
    if os.open not in os.supports_dir_fd or not _NO_FOLLOW:
        return _open_resolved(root, parts)
    if len(parts) == 1:
        return os.open(root / parts[0], _FILE)
    folder = os.open(root / parts[0], _FOLDER | _NO_FOLLOW)
    try:
        for part in parts[1:-1]:
            below = os.open(part, _FOLDER | _NO_FOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _open_resolved(root: Path, parts: list[str]) -> int:
    """The best that can be done where folders have no descriptors (Windows)."""
    target = root.joinpath(*parts)
    if target.resolve() != target:
        raise OutsideError("a part of the path is a symbolic link")
    return os.open(target, _FILE)


def _read_at_most(descriptor: int, limit: int, expected: int) -> bytes:
    """Reads until the end or `limit`, whichever comes first; one call for a file that keeps its size."""
    blocks: list[bytes] = []
    remaining = limit
    size = min(expected + 1, limit)
    while remaining > 0 and (block := os.read(descriptor, min(size, remaining))):
        blocks.append(block)
        remaining -= len(block)
        if len(block) < size and sum(map(len, blocks)) == expected:
            break
        size = 1 << 16
    return b"".join(blocks)
