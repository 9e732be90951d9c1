"""Whether the files of an index are what was written: checksums, and the shortest way to be sure of them.

The database is *sealed* when a writer has closed it: its checksum is written beside it, with its size and times. As
long as these are the same, no program has written to the file, and it need not be read. tantivy ends each file of a
segment with a checksum of its own. Reading a file for its checksum takes 0.3 s a gigabyte.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final, Self

__all__ = ["LARGEST_SEALED", "Seal", "checksum", "damaged_segment_file", "holds_seal", "packed", "unpacked"]

LARGEST_SEALED: Final = 512 << 20
"""A larger database is not sealed: each update would read all of it, which takes longer than a small update."""

_FOOTER_MAGIC: Final = 1337
_FOOTER_END: Final = 8
_SEGMENT_FILE: Final = re.compile(r"([0-9a-f]{32})\.(?:\d+\.)?[a-z]+")

_sound: Final[set[tuple[str, int, int, int]]] = set()
"""Files of segments that this process has read and found sound; they never change."""

_MOST_REMEMBERED: Final = 10_000


def checksum(path: Path, end: int | None = None) -> int:
    """Return the CRC-32 of a file, read in blocks.

    Args:
        path: Of the file.
        end: Where to stop, in bytes; None for the end of the file.
    """
    found = 0
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size if end is None else end
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            found = zlib.crc32(block, found)
            left -= len(block)
    return found


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file was when it was closed.

    Attributes:
        size: In bytes.
        modified_ns: When its content was last changed.
        changed_ns: When anything of it was, which no program can set (on Windows: when it was made).
        checksum: CRC-32 of its content.
    """

    size: int
    modified_ns: int
    changed_ns: int
    checksum: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return that of a file as it is; reads all of it."""
        before = path.stat()
        return cls(before.st_size, before.st_mtime_ns, before.st_ctime_ns, checksum(path))

    def with_times_of(self, path: Path) -> Self:
        """Return this seal with the times of a file: one whose content is the same, and that was moved."""
        now = path.stat()
        return replace(self, modified_ns=now.st_mtime_ns, changed_ns=now.st_ctime_ns)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the seal that a text holds; None where it is damaged itself."""
        said, _, own = text.rpartition(" ")
        try:
            return cls(*map(int, said.split())) if zlib.crc32(said.encode()) == int(own) else None
        except (TypeError, ValueError):
            return None

    def __str__(self) -> str:
        said = " ".join(map(str, astuple(self)))
        return f"{said} {zlib.crc32(said.encode())}"


def holds_seal(path: Path, seal: Seal, *, read: bool = False) -> bool:
    """Whether a file is as it was when it was sealed.

    Args:
        path: Of the file.
        seal: Its seal.
        read: Whether to read it even if its size and times say that nobody has written to it: a disk may have
            forgotten what it was given.
    """
    now = path.stat()
    if not read and (now.st_size, now.st_mtime_ns, now.st_ctime_ns) == astuple(seal)[:3]:
        return True
    return now.st_size == seal.size and checksum(path) == seal.checksum


# --- vectors ------------------------------------------------------------------------------------------------


def packed(content: bytes, *key: bytes) -> bytes:
    """Return a content with a checksum of it and of what it belongs to."""
    return content + zlib.crc32(content, zlib.crc32(b"\0".join(key))).to_bytes(4, "little")


def unpacked(stored: bytes, *key: bytes) -> bytes | None:
    """Return the content of what `packed` returned for the same key; None where it is damaged."""
    content = stored[:-4]
    return content if packed(content, *key) == stored else None


# --- words --------------------------------------------------------------------------------------------------


def damaged_segment_file(directory: Path, *, again: bool = False) -> str:
    """Return the name of a file of a lexical index that is not what tantivy wrote; "" where there is none.

    Args:
        directory: Of the lexical index.
        again: Whether to read also what this process has read before.

    Raises:
        OSError: The disk cannot be read.
    """
    try:
        described = json.loads((directory / "meta.json").read_bytes())
        segments = {str(segment["segment_id"]).replace("-", "") for segment in described["segments"]}
    except FileNotFoundError:
        return ""  # there is no index, which tantivy says better
    except (ValueError, KeyError, TypeError):
        return "meta.json"
    for path in sorted(directory.iterdir()):
        named = _SEGMENT_FILE.fullmatch(path.name)
        if named and named[1] in segments:
            try:
                if not _is_sound(path, again=again):
                    return path.name
            except FileNotFoundError:  # merged away meanwhile
                continue
    return ""


def _is_sound(path: Path, *, again: bool) -> bool:
    now = path.stat()
    known = (str(path), now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    if known in _sound and not again:
        return True
    with path.open("rb") as file:
        file.seek(max(0, now.st_size - _FOOTER_END))
        end = file.read(_FOOTER_END)
        length, magic = int.from_bytes(end[:4], "little"), int.from_bytes(end[4:], "little")
        body = now.st_size - _FOOTER_END - length
        if magic != _FOOTER_MAGIC or body < 0:
            return False
        file.seek(body)
        try:
            expected = json.loads(file.read(length))["crc"]
        except (ValueError, KeyError, TypeError):
            return False
    if checksum(path, body) != expected:
        return False
    if len(_sound) >= _MOST_REMEMBERED:
        _sound.clear()
    _sound.add(known)
    return True
