"""The file of an exported index: a zip with two members, ``index.json`` and ``index.db``.

It may come from anywhere. So nothing in it is unpacked by name, no member may hold more than its description says,
and the description itself is checked field by field.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from codesearch.errors import InputError, StorageError
from codesearch.index.schema import FORMAT

__all__ = ["NAME", "Description", "check_target", "extract_database", "read_description", "write_archive"]

NAME: Final = re.compile(r"(?!.*\.\.)[\w@+-][\w.@+-]*(/[\w.@+-]+)*")
"""Names of imported indexes: they are typed in a shell, and printed before paths."""

_VERSION: Final = 1
_DESCRIPTION, _DATABASE = "index.json", "index.db"
_BLOCK: Final = 1 << 20
_LONGEST_DESCRIPTION: Final = 1 << 16
_LONGEST_TEXT: Final = 1_000
_MOST_COMPRESSED: Final = 100
"""A database of code shrinks to a third; what shrinks to less than a hundredth is made to fill a disk."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an exported index says of itself.

    Attributes:
        name: Of the repository.
        url: It was cloned from, if it was.
        commit: Git commit that was indexed; None outside Git.
        updated: Unix time of its last complete update.
        model_id: Of the model whose vectors it holds; "" if it holds none.
        dimension: Of the vectors.
        format: Of the database.
        files: How many are indexed.
        chunks: How many can be found.
        pending: Texts that are not encoded.
        bytes: Size of the database.
        sha256: Of the database.
        version: Of this layout.
    """

    name: str
    url: str | None
    commit: str | None
    updated: float
    model_id: str
    dimension: int
    format: int
    files: int
    chunks: int
    pending: int
    bytes: int
    sha256: str
    version: int = _VERSION


def check_target(path: Path) -> None:
    """Refuse to write over what is no exported index.

    Raises:
        InputError: It is a folder, or another file.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file to write, such as {path / 'index.zip'}")
    if path.exists():
        try:
            read_description(path)
        except InputError:
            raise InputError(f"{path} exists and is no exported index: choose another name") from None


def write_archive(path: Path, database: Path, described: dict[str, Any]) -> Description:
    """Write a file, replacing an older one only when the new one is whole.

    Args:
        path: Where.
        database: What goes into it.
        described: The fields of `Description` but for those of the database's bytes.

    Raises:
        StorageError: The disk is full, or the folder does not exist or cannot be written to.
    """
    partial = path.with_name(f"{path.name}.partial")
    with _storage_errors(path):
        digest = hashlib.sha256()
        try:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
                with database.open("rb") as source, file.open(_DATABASE, "w", force_zip64=True) as target:
                    while block := source.read(_BLOCK):
                        digest.update(block)
                        target.write(block)
                size = database.stat().st_size
                description = Description(**described, bytes=size, sha256=digest.hexdigest())
                file.writestr(_DESCRIPTION, json.dumps(asdict(description), indent=1))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return description


@contextlib.contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageError(f"no space left to write {path}: free some, or choose another disk") from error
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def read_description(path: Path) -> Description:
    """Read what a file says of itself.

    Raises:
        InputError: It is no exported index, or one of another version.
    """
    with _opened(path) as file, file.open(_DESCRIPTION) as member:
        text = member.read(_LONGEST_DESCRIPTION + 1)
    try:
        found = json.loads(text[: _LONGEST_DESCRIPTION + 1])
    except (ValueError, RecursionError):
        raise _foreign(path, "its description cannot be read") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), int) for name in ("version", "format")):
        raise _foreign(path, "its description says nothing")
    if (found["version"], found["format"]) != (_VERSION, FORMAT):
        newer = found["version"] > _VERSION or found["format"] > FORMAT
        raise InputError(
            f"{path} was written by {'a newer' if newer else 'an older'} version of codesearch: "
            + ("upgrade codesearch here" if newer else "export it again")
        )
    return _checked(path, found)


def _checked(path: Path, found: dict[str, Any]) -> Description:
    kinds = {"str": str, "str | None": str | None, "int": int, "float": int | float}
    for field in fields(Description):
        value = found.get(field.name)
        if not isinstance(value, kinds[str(field.type)]) or isinstance(value, bool):
            raise _foreign(path, f"{field.name} is {str(value)[:50]!r}")
        if isinstance(value, str) and len(value) > _LONGEST_TEXT:
            raise _foreign(path, f"{field.name} is too long")
        if isinstance(value, int | float) and not 0 <= value < 1 << 53:
            raise _foreign(path, f"{field.name} is {value}")
    if found["commit"] is not None and not re.fullmatch("[0-9a-f]{40,64}", found["commit"]):
        raise _foreign(path, "its commit is none")
    if found["dimension"] > 1 << 16 or bool(found["dimension"]) != bool(found["model_id"]):
        raise _foreign(path, "its vectors are of no model")
    return Description(**{field.name: found[field.name] for field in fields(Description)})


def extract_database(path: Path, description: Description, target: Path) -> None:
    """Write the database of a file to `target`, at most as many bytes as are described, and check them.

    Raises:
        InputError: It is damaged, or not what it says.
        StorageError: The disk is full.
    """
    digest = hashlib.sha256()
    with _opened(path) as file:
        held = file.getinfo(_DATABASE)
        if held.file_size != description.bytes:
            raise _foreign(path, "its database has another size than it says")
        if held.file_size > _MOST_COMPRESSED * held.compress_size + _BLOCK:
            raise _foreign(path, "its database is nothing but filling")
        with file.open(held) as source, _storage_errors(target), target.open("wb") as written:
            left = description.bytes
            while left > 0 and (block := source.read(min(_BLOCK, left))):
                digest.update(block)
                written.write(block)
                left -= len(block)
    if left or digest.hexdigest() != description.sha256:
        raise _foreign(path, "its database is not the one that was exported")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip that holds the two members and nothing else; whatever is wrong with it is one error."""
    try:
        with zipfile.ZipFile(path) as file:
            names = sorted(info.filename for info in file.infolist())
            if names != sorted((_DESCRIPTION, _DATABASE)):
                raise _foreign(path, f"it holds {', '.join(map(ascii, names[:5])) or 'nothing'}")
            yield file
    except FileNotFoundError:
        raise InputError(f"there is no {path}: name a file that `codesearch export` wrote") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: name a file that `codesearch export` wrote") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _foreign(path, str(error) or "it ends too early") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _foreign(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is no index that `codesearch export` wrote, or it is damaged: {reason}")
