"""Reading one listed file: its text, or why it cannot be searched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from codesearch.formats.notebooks import NotebookError, read_notebook
from codesearch.languages import language_of
from codesearch.records import Repository, SkippedFile, SkipReason, SourceFile
from codesearch.sources.decoding import decode
from codesearch.sources.generated import is_lfs_pointer, looks_generated, looks_minified
from codesearch.sources.opening import NotRegularError, OutsideError, TooLargeError, read_regular
from codesearch.sources.rules import FileRules

__all__ = ["SourceText", "blob_id", "decode_source", "read_source"]

_SHA256_HEX_DIGITS = 64

# Suffixes that say only how a file is written, and the kinds of data that are left out though a file has one of them.
_ANY_TEXT = (".txt", ".text", ".json", ".geojson")
_NO_READING = ("a table", "control characters", "encoded bytes", "numbers", "records in JSON")


@dataclass(frozen=True, slots=True)
class SourceText:
    """What a file holds.

    Attributes:
        text: Decoded, without a byte order mark; line ends are kept as they are. Bytes that no encoding
            makes sense of are U+FFFD (see `codesearch.sources.decoding`).
        blob: Git's blob id of the bytes that were read.
    """

    text: str
    blob: str


def blob_id(data: bytes, algorithm: str = "sha1") -> str:
    """The id that Git gives to a blob of these bytes, as hexadecimal digits.

    Args:
        data: The whole content.
        algorithm: "sha1", or "sha256" for a repository of that object format.
    """
    digest = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def read_source(repository: Repository, file: SourceFile, rules: FileRules) -> SourceText | SkippedFile:
    """Reads a file that :func:`~codesearch.sources.list_files` listed.

    Never raises for what the file is or has become meanwhile: every such case is a
    :class:`~codesearch.records.SkippedFile` with its reason.
    """
    try:
        data = read_regular(repository.root, file.path, rules.most_bytes(file.path))
    except OSError as error:
        return _refused(file.path, error)
    except ValueError as error:  # a name that this platform cannot express
        return SkippedFile(file.path, SkipReason.UNREADABLE, str(error))
    text = decode_source(file.path, data)
    if isinstance(text, SkippedFile):
        return text
    if len(data) > rules.max_file_bytes:
        cells = sum(len(line) for cell in read_notebook(text).cells for line in cell.lines)
        if cells > rules.max_file_bytes:
            return SkippedFile(file.path, SkipReason.TOO_LARGE, f"{cells:,} characters in its cells")
    algorithm = "sha256" if len(file.blob) == _SHA256_HEX_DIGITS else "sha1"
    return SourceText(text, blob_id(data, algorithm))


def decode_source(path: str, data: bytes) -> str | SkippedFile:
    """Return the text of a file that holds `data`, or why it is not searched."""
    if is_lfs_pointer(data):
        return SkippedFile(path, SkipReason.LFS_POINTER)
    text = decode(data)
    if text is None:
        return SkippedFile(path, SkipReason.BINARY)
    return _unwanted(path, text) or text


def _refused(path: str, error: OSError) -> SkippedFile:
    match error:
        case NotRegularError():
            return SkippedFile(path, SkipReason.SPECIAL)
        case OutsideError():
            return SkippedFile(path, SkipReason.SYMLINK, "a part of its path is a symbolic link")
        case TooLargeError():
            return SkippedFile(path, SkipReason.TOO_LARGE, str(error))
        case FileNotFoundError():
            return SkippedFile(path, SkipReason.UNREADABLE, "it was removed while the repository was read")
        case _:
            return SkippedFile(path, SkipReason.UNREADABLE, error.strerror or str(error))


def _unwanted(path: str, text: str) -> SkippedFile | None:
    if not text or text.isspace():
        return SkippedFile(path, SkipReason.EMPTY)
    if data := _data(path, text):
        return SkippedFile(path, SkipReason.DATA, data)
    if path.lower().endswith(".ipynb"):
        return _no_notebook(path, text)
    if marker := looks_generated(path, text):
        return SkippedFile(path, SkipReason.GENERATED, marker)
    if detail := looks_minified(path, text):
        return SkippedFile(path, SkipReason.MINIFIED, detail)
    return None


def _data(path: str, text: str) -> str:
    """What kind of data a file holds whose name does not tell, or tells only that it is text; "" for none."""
    from codesearch.formats.content import judge  # late, as in `codesearch.languages`

    language = language_of(path)
    if language is None:
        return judge(text).data if language_of(path, text.partition("\n")[0], text) is None else ""
    if language.name not in ("json", "text") or not path.lower().endswith(_ANY_TEXT):
        return ""
    data = judge(text).data
    return data if data in _NO_READING else ""


def _no_notebook(path: str, text: str) -> SkippedFile | None:
    """Why a notebook cannot be read, if it cannot. Its long lines are its outputs, which are left out."""
    try:
        read_notebook(text)
    except NotebookError as error:
        return SkippedFile(path, SkipReason.UNREADABLE, f"a notebook, but {error}")
    return None
