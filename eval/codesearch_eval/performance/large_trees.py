"""Trees of real code with a given number of chunks: several repositories side by side, then copies with other names.

A copy is the same code about something else: every word of its names of several words is replaced by another word of
such names, the same one throughout the copy. So copies differ in their terms and their vectors, as repositories do.
Keywords, names of one word and the shape of the code stay as they are.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Final

from codesearch.errors import InputError
from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.sources import GitObjects, decode_source

__all__ = ["Code", "build_trees", "read_code", "replace_words"]

_LARGEST: Final = 200_000
"""Bytes of a file; larger ones are mostly data."""

_COMPOUND: Final = re.compile(r"\b(?=[A-Za-z]*(?:_[A-Za-z]|[a-z][A-Z]))[A-Za-z_]\w*\b")
_WORD: Final = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_AUTHOR: Final = ("-c", "user.name=scale", "-c", "user.email=scale@localhost", "-c", "gc.auto=0")
_MOST_WORDS: Final = 20_000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Code:
    """A file of code.

    Attributes:
        path: In a tree that holds several repositories; its first folder is named after its own.
        text: What is in it.
        chunks: How many chunks it is split into.
    """

    path: str
    text: str
    chunks: int


def read_code(clones: Sequence[Path], most_chunks: int, progress: Progress = lambda _: None) -> list[Code]:
    """Read the newest trees of repositories, one after another.

    Args:
        clones: Clones, bare ones too.
        most_chunks: When so many are found, the rest is not read.
        progress: Called with a few words for each repository.

    Raises:
        InputError: None of them has code.
    """
    found: list[Code] = []
    chunks = 0
    for clone in clones:
        if chunks >= most_chunks:
            break
        with GitObjects(clone) as objects:
            for file in objects.files():
                language = language_of(file.path)
                if language is None or file.size > _LARGEST:
                    continue
                text = decode_source(file.path, objects.read(file.blob))
                if isinstance(text, str):
                    number = len(extract(file.path, text, language))
                    found.append(Code(f"{clone.name}/{file.path}", text, number))
                    chunks += number
        progress(f"{clone.name}: {chunks:,} chunks read")
    if not chunks:
        raise InputError("none of these clones holds a file of code: give folders of Git repositories")
    return found


def replace_words(text: str, words: Sequence[str], copy: int) -> str:
    """Return a text in which the words of each name of several words are others.

    Args:
        text: Source code.
        words: What they are replaced by, in lower case.
        copy: Which copy this is: the same word becomes the same other one throughout a copy.
    """

    def another(match: re.Match[str]) -> str:
        word = match[0]
        digest = blake2b(f"{copy} {word.lower()}".encode(), digest_size=4).digest()
        chosen = words[int.from_bytes(digest, "little") % len(words)]
        return chosen.upper() if word.isupper() else chosen.capitalize() if word[0].isupper() else chosen

    return _COMPOUND.sub(lambda name: _WORD.sub(another, name[0]), text)


def _frequent_words(code: Iterable[Code]) -> list[str]:
    counts: Counter[str] = Counter()
    for file in code:
        for name in _COMPOUND.findall(file.text):
            counts.update(word.lower() for word in _WORD.findall(name))
    return sorted(word for word, _ in counts.most_common(_MOST_WORDS))


def _endless(code: Sequence[Code]) -> Iterator[Code]:
    yield from code
    words = _frequent_words(code)
    for copy in count(1):
        for file in code:
            yield Code(f"copy-{copy}/{file.path}", replace_words(file.text, words, copy), file.chunks)


def build_trees(code: Sequence[Code], sizes: Sequence[int], folder: Path, progress: Progress = lambda _: None) -> None:
    """Write a Git repository of each size, ``<folder>/<size>``; each holds the smaller ones.

    Args:
        code: Of which copies are made where it is too little.
        sizes: Numbers of chunks, ascending. A tree has as many or some more: its last file is whole.
        folder: Where; what is there already is left.
        progress: Called with a few words for each tree.

    Raises:
        OSError: The disk is full.
    """
    for size in sizes:
        root = folder / str(size)
        if root.exists():
            continue
        partial = folder / f"{size}.partial"
        chunks = files = 0
        for file in _endless(code):
            path = partial / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, encoding="utf-8", errors="surrogateescape", newline="")
            chunks, files = chunks + file.chunks, files + 1
            if chunks >= size:
                break
        for command in (["init", "-q"], ["add", "-A"], [*_AUTHOR, "commit", "-q", "-m", f"{size} chunks"]):
            subprocess.run(["git", "-C", str(partial), *command], check=True)
        partial.rename(root)
        progress(f"{size:,} chunks: {files:,} files written")
